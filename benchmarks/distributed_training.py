"""Compare trainings by several processes with those by one, and interrupted with whole ones."""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.distributed import one_core, store
from recmodels.scale.launch import launch
from recmodels.training.processes import BY_ROWS

MODES = {"data_parallel": {}, "table_by_rows": {BY_ROWS: "1"}}
SMALL = {"num_items": 203, "width": 16, "epochs": 32}  # Two steps per epoch.
LONG = {**SMALL, "epochs": 60}  # Some pass before each of the kills.
LARGE = {"num_items": 1_000_000, "width": 64, "epochs": 5}
# A step of half a second on one core: short ones measure little but the exchange of gradients.
SPEED = {"num_items": 20_000, "width": 64, "epochs": 5, "users": 800, "max_length": 50,
         "loss": "full_softmax"}  # fmt: skip
WARM_UP = 2  # Epochs in which the shapes of windows are compiled.
KILLS = 10
LONGEST_WAIT = 0.3  # Seconds between the write of a checkpoint and a kill.


def train(
    out: Path,
    processes: int,
    mode: str,
    told: dict,
    backend: str = "jax",
    before: Sequence[str] = (),
) -> list[dict]:
    """Train with some processes and return what each of them has found.

    A training whose results are there is not repeated.

    Args:
        out: beginning of the names of the results.
        processes: their number.
        mode: one of `MODES`.
        told: see `distributed_worker`.
        backend: of Keras.
        before: words before the command.
    """
    paths = [Path(f"{out}-{rank}.json") for rank in range(processes)]
    if not all(path.is_file() for path in paths):
        out.parent.mkdir(parents=True, exist_ok=True)
        told = json.dumps({"checkpoint": None, "out": str(out), **told})
        command = [*before, sys.executable, "-m", "benchmarks.distributed_worker", told]
        # Trainings that are started again and again need not be compiled as often.
        compiled = {"JAX_COMPILATION_CACHE_DIR": str(out.parent.absolute() / "compiled")}
        compiled |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        launch(command, processes, MODES[mode] | compiled, backend)
    return [json.loads(path.read_text("utf-8")) for path in paths]


def measure_losses(mode: str, work: Path, results: Path) -> dict:
    """Store the largest difference of an epoch's loss between two processes and one.

    One process is an ordinary training, with all rows of the table, in either mode.
    """
    (one,) = train(work / "one", 1, "data_parallel", SMALL)
    two = train(work / mode, 2, mode, SMALL)
    differences = [np.abs(np.subtract(one["losses"], each["losses"])).max() for each in two]
    steps = 2 * SMALL["epochs"]

    def change(content: dict) -> None:
        content.setdefault("max_loss_difference", {})[mode] = float(max(differences))
        content["steps"] = steps

    return store(results, change)["max_loss_difference"]


def measure_memory(work: Path, results: Path) -> dict:
    """Store the memory that each of two processes needs of what one needs, with a large table.

    It is the largest growth since the start of the training: in the first two epochs, in which JAX
    compiles, whatever the size of the table, and in the later ones, which hold the table, its
    moments and its gradient. What processes share, such as the code of JAX, does not count.
    """
    (one,) = train(work / "large-one", 1, "data_parallel", LARGE)
    two = train(work / "large-table_by_rows", 2, "table_by_rows", LARGE)
    gib = {
        "one_process": one["gib"],
        "each_of_two": np.max([each["gib"] for each in two], axis=0).tolist(),
    }
    shares = np.divide(gib["each_of_two"], gib["one_process"])
    differences = [np.abs(np.subtract(one["losses"], each["losses"])).max() for each in two]
    found = {
        "memory_share_table_by_rows": round(shares[1], 3),
        "memory_share_while_compiling": round(shares[0], 3),
        "memory_gib": {name: [round(each, 2) for each in both] for name, both in gib.items()},
        "max_loss_difference_large_table": float(max(differences)),
    }
    store(results, lambda content: content.update(found))
    return found


def measure_speed(work: Path, results: Path) -> dict:
    """Store the seconds of an epoch by one process with a core and by two with a core each.

    Beside them stands an ordinary training, of one process with TensorFlow on all cores.
    """
    runs = {
        "jax, one core": train(work / "speed-one", 1, "data_parallel", SPEED, before=one_core()),
        "jax, two processes with a core each": train(work / "speed-two", 2, "data_parallel", SPEED),
        "tensorflow, one process with all cores": train(
            work / "speed-tensorflow", 1, "data_parallel", SPEED, "tensorflow"
        ),
    }
    seconds = {
        name: max(statistics.median(each["seconds"][WARM_UP:]) for each in found)
        for name, found in runs.items()
    }
    one, two, _ = seconds.values()
    found = {
        "speedup_2_processes": round(one / two, 2),
        "epoch_seconds": {name: round(each, 2) for name, each in seconds.items()},
        "epoch_load": round(os.getloadavg()[0], 1),
    }
    store(results, lambda content: content.update(found))
    return found


def kills(seed: int) -> Iterator[dict]:
    """Which process is killed, after how many writes of the checkpoint, and how long after."""
    rng = random.Random(seed)
    for _ in range(KILLS):
        yield {
            "rank": rng.randrange(2),
            "writes": rng.randrange(3),
            "seconds": rng.uniform(0, LONGEST_WAIT),
        }


def measure_restarts(seed: int, work: Path, results: Path) -> dict:
    """Kill one of two processes again and again, and store how far the losses end from whole ones.

    Raises:
        RuntimeError: a training ended before it was killed, so that nothing was measured.
    """
    whole = train(work / "long", 2, "data_parallel", LONG)[0]["losses"]
    out, checkpoint = work / "restarted", work / "restarted.npz"
    for left in work.glob("restarted*"):
        left.unlink()
    told, said, began = {**LONG, "checkpoint": str(checkpoint)}, [], time.perf_counter()
    for kill in kills(seed):
        try:
            train(out, 2, "data_parallel", {**told, "kill": kill})
        except ChildProcessError as error:
            said.append(str(error))
            print(f"  {error}"[:160], file=sys.stderr)
    losses = train(out, 2, "data_parallel", told)[0]["losses"]
    if len(said) < KILLS:
        raise RuntimeError(f"Only {len(said)} of {KILLS} trainings were killed: train longer")
    result = {
        "restart_max_difference": float(np.abs(np.subtract(losses, whole)).max()),
        "restarts": KILLS,
        "restart_seconds": round(time.perf_counter() - began, 1),
        "told_how_to_continue": all("Continue with: " in sentence for sentence in said),
    }
    store(results, lambda content: content.update(result))
    return result
