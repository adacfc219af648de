"""Who trains an epoch in `bench`: processes of their own, ours and those of others."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recmodels.data.files import written_whole
from recmodels.features.batches import BUCKET_SHARES
from recmodels.features.sequences import SequenceData
from recmodels.features.windows import cut_windows

PEERS = Path(__file__).parent / "peers"
# The size most published code trains: what is timed, not what is best.
SETTINGS = {
    "max_length": 200,
    "width": 64,
    "num_blocks": 2,
    "num_heads": 1,
    "hidden_width": 64,
    "dropout": 0.2,
    "batch_size": 128,
}
SAMPLED_NEGATIVES = 512


@dataclass(frozen=True)
class Competitor:
    """Who trains an epoch.

    Args:
        script: in `benchmarks/peers`; it speaks as `worker.py` there says.
        loss: `"full_softmax"` or `"sampled"`.
        arguments: of the script, after the task.
        needs: the requirements file of its own environment; None for ours.
    """

    script: str
    loss: str
    arguments: tuple[str, ...] = ()
    needs: str | None = None


_TORCH, _RECTOOLS = "requirements-pytorch.txt", "requirements-rectools.txt"
COMPETITORS = {
    "recmodels_epoch_full_softmax": Competitor("recmodels_fit.py", "full_softmax"),
    "recmodels_epoch_sampled": Competitor("recmodels_fit.py", "sampled"),
    "pytorch_padded_epoch_full_softmax": Competitor(
        "pytorch_loop.py", "full_softmax", ("padded",), _TORCH
    ),
    "pytorch_buckets_epoch_full_softmax": Competitor(
        "pytorch_loop.py", "full_softmax", ("buckets",), _TORCH
    ),
    "rectools_epoch_full_softmax": Competitor("rectools_model.py", "full_softmax", needs=_RECTOOLS),
    "rectools_epoch_sampled": Competitor("rectools_model.py", "sampled", needs=_RECTOOLS),
    # The same in mixed precision, each as its own library offers it.
    "recmodels_epoch_full_softmax_bfloat16": Competitor(
        "recmodels_fit.py", "full_softmax", ("mixed_bfloat16",)
    ),
    "pytorch_padded_epoch_full_softmax_bfloat16": Competitor(
        "pytorch_loop.py", "full_softmax", ("padded", "bfloat16"), _TORCH
    ),
    "rectools_epoch_full_softmax_bfloat16": Competitor(
        "rectools_model.py", "full_softmax", ("bf16-mixed",), _RECTOOLS
    ),
}


def find_competitors(names: Iterable[str]) -> dict[str, Competitor]:
    """The competitors of some names.

    Raises:
        ValueError: a name is unknown or there is none, or this is no checkout of the repository.
    """
    names = list(names)
    unknown = [name for name in names if name not in COMPETITORS]
    if unknown or not names:
        raise ValueError(f"`competitors` must be of {list(COMPETITORS)}. Received: {unknown}")
    if not PEERS.is_dir():
        raise ValueError(
            f"`bench` runs scripts of the repository: clone it and run it there. Received: {PEERS}"
        )
    return {name: COMPETITORS[name] for name in names}


@contextlib.contextmanager
def worker_of(
    competitor: Competitor, data: SequenceData, folder: Path
) -> Iterator[subprocess.Popen]:
    """The process of a competitor, ready to be asked."""
    task = _write_task(data, competitor.loss, folder)
    python = _environment(competitor.needs, folder)
    log = folder / f"{competitor.script}.log"
    command = [python, str(PEERS / competitor.script), str(task.resolve()), *competitor.arguments]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            _read(process, log)
            process.log = log
            yield process
        finally:
            process.kill()


def ask(worker: subprocess.Popen) -> dict:
    """One more epoch of a worker."""
    worker.stdin.write("epoch\n")
    worker.stdin.flush()
    return _read(worker, worker.log)


def _read(worker: subprocess.Popen, log: Path) -> dict:
    """The next answer of a worker; other lines that libraries print are skipped."""
    for line in worker.stdout:
        if line.startswith("{"):
            return json.loads(line)
    raise RuntimeError(
        f"A competitor ended early: {' '.join(worker.args)}\n{log.read_text()[-2000:]}"
    )


def _write_task(data: SequenceData, loss: str, folder: Path) -> Path:
    """Histories, windows and settings, as every competitor reads them."""
    rng = np.random.default_rng(0)
    starts, ends = cut_windows(data.train.offsets, SETTINGS["max_length"], False, rng)
    taught = ends - starts > 1
    bounds = np.unique(np.ceil(np.array(BUCKET_SHARES) * SETTINGS["max_length"]).astype(int))
    task = {
        **SETTINGS,
        "num_items": data.num_items,
        "bounds": bounds.tolist(),
        "num_negatives": SAMPLED_NEGATIVES if loss == "sampled" else 0,
    }
    path = folder / f"task-{loss}.npz"
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            task=json.dumps(task),
            items=data.train.items,
            offsets=data.train.offsets,
            starts=starts[taught],
            ends=ends[taught],
        )
    return path


def _environment(needs: str | None, folder: Path) -> str:
    """The Python of an environment with a peer's requirements, made where it is missing."""
    if needs is None:
        return sys.executable
    home = folder / Path(needs).stem.removeprefix("requirements-")
    python = home / "bin" / "python"
    if not (home / ".ready").exists():
        print(f"  installing {needs}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", str(PEERS / needs)]
        subprocess.run(pip, check=True)
        (home / ".ready").touch()
    return str(python)
