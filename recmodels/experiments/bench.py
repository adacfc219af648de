"""Time an epoch of ours against that of others, in one run, and store what came out."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.files import written_whole
from recmodels.data.registry import load
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.report import evaluate
from recmodels.experiments.floors import (
    copy_bandwidth,
    layer_times,
    matmul_rate,
    median_seconds,
    useful_flops,
)
from recmodels.experiments.race import stored_race
from recmodels.experiments.results import write_json
from recmodels.experiments.run import versions
from recmodels.features.batches import BUCKET_SHARES, cut_windows
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.sasrec import SASRec
from recmodels.plots.results import model_comparison
from recmodels.threads import usable_cores

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
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
class Contender:
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
CONTENDERS = {
    "recmodels_epoch_full_softmax": Contender("recmodels_fit.py", "full_softmax"),
    "recmodels_epoch_sampled": Contender("recmodels_fit.py", "sampled"),
    "pytorch_padded_epoch_full_softmax": Contender(
        "pytorch_loop.py", "full_softmax", ("padded",), _TORCH
    ),
    "pytorch_buckets_epoch_full_softmax": Contender(
        "pytorch_loop.py", "full_softmax", ("buckets",), _TORCH
    ),
    "rectools_epoch_full_softmax": Contender("rectools_model.py", "full_softmax", needs=_RECTOOLS),
    "rectools_epoch_sampled": Contender("rectools_model.py", "sampled", needs=_RECTOOLS),
}


def bench(
    dataset: str = "ml-1m-sasrec",
    contenders: Iterable[str] = tuple(CONTENDERS),
    *,
    rounds: int = 3,
    runs: Path = Path("runs"),
    results: Path = Path("results"),
) -> dict:
    """Let the contenders train an epoch in turns and store medians and ratios.

    Each is a process of its own that waits while others work. All train on the newest window of
    each user, the same targets, model size and loss. Each round is stored when it ends.

    Args:
        dataset: a name `load` knows.
        contenders: keys of `CONTENDERS`.
        rounds: epochs of each.
        runs: folder of environments and of the task file; environments are made once.
        results: `bench.json` is written here.

    Raises:
        ValueError: a contender is unknown, or this is no checkout of the repository.
        RuntimeError: a contender ended before it answered; its own words are in the message.
    """
    contenders = list(contenders)
    unknown = [name for name in contenders if name not in CONTENDERS]
    if unknown or not contenders:
        raise ValueError(f"`contenders` must be of {list(CONTENDERS)}. Received: {unknown}")
    if not PEERS.is_dir():
        raise ValueError(
            f"`bench` runs scripts of the repository: clone it and run it there. Received: {PEERS}"
        )
    folder = runs / "bench"
    data = prepare(leave_one_out(load(dataset)))
    answers = {name: [] for name in contenders}
    alone = {
        "layers": layer_times(),
        "seconds_whole_test_ranking": round(ranking_seconds(data), 3),
    }
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(CONTENDERS[name], data, folder))
            for name in contenders
        }
        for number in range(rounds):
            for name, worker in workers.items():
                answers[name].append(_ask(worker))
                seconds = answers[name][-1]["seconds"]
                print(f"  round {number + 1}/{rounds}  {name:36} {seconds:7.1f} s", file=sys.stderr)
            result = {"dataset": dataset, **summarise(answers, data), **alone}
            write_json(results / "bench.json", {**stored_race(results), **result})
    _draw(result, folder / "bench.png")
    return result


def ranking_seconds(data: SequenceData, repeats: int = 3) -> float:
    """Seconds to rank the whole catalogue for every test user, seen items out, with all metrics.

    Args:
        data: with a test part.
        repeats: of which the median is taken; one more, before, compiles.
    """
    options = {k: v for k, v in SETTINGS.items() if k != "batch_size"}
    model = SASRec(data.num_items, **options)
    model.build()

    def measure():
        return evaluate(model, data.test, filter_seen=True, train=data.train)

    return median_seconds(measure, repeats)


def describe_bench(result: dict) -> str:
    """The result of `bench` as a table in plain text."""
    lines = [f"{'seconds an epoch (median)':38} {'seconds':>9} {'of ours':>9} {'peak GiB':>9}"]
    for name, row in result["epochs"].items():
        ratio = result.get(f"ratio_{name}", 1.0)
        lines.append(f"{name:38} {row['seconds']:9.1f} {ratio:9.2f} {row['peak_gib']:9.2f}")
    if "share_of_matmul_rate" in result:
        lines.append(
            f"useful arithmetic at {result['share_of_matmul_rate']:.0%} of the rate of square "
            f"matrix products, {result['matmul_gflops']:.0f} GFLOP/s on {result['cores']} cores"
        )
    if "seconds_whole_test_ranking" in result:
        lines.append(f"whole test ranking: {result['seconds_whole_test_ranking']:.2f} s")
    lines += ["", f"{'a layer, forward and back':38} {'ms':>9} {'floor':>9} {'of floor':>9}"]
    for name, row in result["layers"].items():
        own, floor = row["milliseconds"], row["floor_milliseconds"]
        lines.append(f"{name:38} {own:9.2f} {floor:9.2f} {own / floor:9.1f}")
    return "\n".join(lines)


def _draw(result: dict, path: Path) -> None:
    """Medians and ranges of the contenders."""
    rows = {
        name.replace("_epoch_", ", ").replace("_", " "): [run["seconds"] for run in runs]
        for name, runs in result["all_runs"].items()
    }
    table = pd.DataFrame(
        {"mean": [np.median(r) for r in rows.values()], "low": [min(r) for r in rows.values()]},
        index=list(rows),
    ).assign(high=[max(r) for r in rows.values()])
    axes = model_comparison(table, label="seconds an epoch, median and range")
    axes.figure.savefig(path, bbox_inches="tight", dpi=150)


def summarise(answers: dict[str, list[dict]], data: SequenceData) -> dict:
    """Medians of each contender, ratios to ours with the same loss, and the share of the machine.

    Args:
        answers: by contender, what its epochs took: `seconds`, `processor_seconds`, `positions`,
            `peak_gib`.
        data: what they trained on.
    """
    rate = matmul_rate()
    medians = {
        name: {key: float(np.median([row[key] for row in rows])) for key in rows[0]}
        for name, rows in answers.items()
    }
    result = {
        "settings": {**SETTINGS, "sampled_negatives": SAMPLED_NEGATIVES},
        "cores": usable_cores(),
        "matmul_gflops": round(rate / 1e9, 1),
        "copy_gib_per_second": round(copy_bandwidth() / 2**30, 2),
        "epochs": medians,
        "all_runs": answers,
        "versions": versions(),
    }
    for name, own in medians.items():
        _, _, loss = name.partition("_epoch_")
        ours = medians.get(f"recmodels_epoch_{loss}")
        if ours is not None and own is not ours:
            result[f"ratio_{name}"] = round(own["seconds"] / ours["seconds"], 3)
    full = medians.get("recmodels_epoch_full_softmax")
    if full is not None:
        lengths = np.minimum(data.train.lengths - 1, SETTINGS["max_length"]).clip(0)
        work = useful_flops(lengths, data.num_items, SETTINGS)
        result["useful_tflop"] = round(work / 1e12, 3)
        result["share_of_matmul_rate"] = round(work / full["seconds"] / rate, 4)
        result["peak_gib"] = round(full["peak_gib"], 3)
    return result


def _write_task(data: SequenceData, loss: str, folder: Path) -> Path:
    """Histories, windows and settings, as every contender reads them."""
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


@contextlib.contextmanager
def _worker(contender: Contender, data: SequenceData, folder: Path) -> Iterator[subprocess.Popen]:
    """The process of a contender, ready to be asked."""
    task = _write_task(data, contender.loss, folder)
    python = _environment(contender.needs, folder)
    log = folder / f"{contender.script}.log"
    command = [python, str(PEERS / contender.script), str(task.resolve()), *contender.arguments]
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


def _ask(worker: subprocess.Popen) -> dict:
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
        f"A contender ended early: {' '.join(worker.args)}\n{log.read_text()[-2000:]}"
    )


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
