"""One process of a measured training; `benchmarks/distributed_training.py` starts several.

It trains a small model with dropout, windows of several lengths and sampled negatives, and writes
the loss of each epoch and the growth of memory as JSON.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

LOOK_SECONDS = 0.01


def train(
    num_items: int,
    width: int,
    epochs: int,
    checkpoint: Path | None,
    users: int = 40,
    max_length: int = 10,
    loss: str = "sampled_softmax",
) -> dict:
    """Train on random histories; return losses, seconds, and the largest growth of memory in GiB.

    `gib` is that of the first two epochs, in which JAX compiles, and that of the later ones. Memory
    is what this process holds alone: files that are mapped, such as the code of JAX, which several
    processes share, do not count.

    Args:
        num_items, width: V and D.
        epochs: of a step for each length of windows and 40 users or more.
        checkpoint: to continue from.
        users: half of them have L + 1 events, the others less than half as many.
        max_length: L.
        loss: of `NextItem`, with 32 negatives for those that need some.
    """
    import numpy as np

    import recmodels as rm
    from benchmarks.memory import memory_growth, private_bytes
    from recmodels.features.batches import NextItemBatches
    from recmodels.features.histories import Histories
    from recmodels.features.negatives import NegativeSampler
    from recmodels.tasks.next_item import NextItem
    from recmodels.training.curve import LearningCurve
    from recmodels.training.fit import fit

    rng = np.random.default_rng(0)
    lengths = np.repeat([2 * max_length // 5, max_length + 1], users // 2)
    items = rng.integers(1, num_items + 1, lengths.sum()).astype(np.int32)
    train = Histories(np.arange(users), items, np.append(0, np.cumsum(lengths)), {})
    sampler = None if loss == "full_softmax" else NegativeSampler(np.ones(num_items), 32)
    batches = NextItemBatches(train, max_length, 40, seed=1, windows="latest", negatives=sampler)
    before = private_bytes()
    model = rm.SASRec(num_items, max_length, width, num_blocks=1, dropout=0.2)
    model.curve = LearningCurve(measure="none")

    def phase() -> int | None:
        done = len(model.curve.rows)
        return None if done >= epochs else int(done >= 2)  # `fit` copies moments afterwards.

    training = rm.Training(epochs=epochs, seed=5, learning_rate=0.01, patience=None)
    with memory_growth(private_bytes, phase, before) as grown:
        curve = fit(
            NextItem(model, loss), batches, training,
            verbose=False, model=model, checkpoint=checkpoint,
        )  # fmt: skip
    gib = [grown[each] / 2**30 for each in (0, 1)]
    found = {name: [row[name] for row in curve.rows] for name in ("loss", "seconds")}
    return {"losses": found["loss"], "seconds": found["seconds"], "gib": gib}


def kill_later(checkpoint: Path, writes: int, seconds: float) -> None:
    """Kill this process, as `kill -9` does, some time after the checkpoint was written again.

    Args:
        checkpoint: file to look at.
        writes: how many times it must have been written.
        seconds: to wait after the last of them.
    """

    def last_write() -> int:
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    seen = last_write()
    while writes:
        time.sleep(LOOK_SECONDS)
        if last_write() != seen:
            seen, writes = last_write(), writes - 1
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def main(told: dict) -> None:
    """Train with the arguments of `train` in `told`, which has `out` and perhaps `kill` besides."""
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        sys.modules["tensorflow"] = None  # Keras would import it, for a seed, and take half a GiB.
    from recmodels.training.processes import join_processes, process_rank

    out, kill = told.pop("out"), told.pop("kill", None)
    checkpoint = told.pop("checkpoint")
    checkpoint = checkpoint and Path(checkpoint)
    if kill and kill["rank"] == process_rank():
        when = (checkpoint, kill["writes"], kill["seconds"])
        threading.Thread(target=kill_later, args=when, daemon=True).start()
    join_processes()
    result = train(**told, checkpoint=checkpoint)
    Path(f"{out}-{process_rank()}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
