"""Time the training step of several source trees against each other.

    python benchmarks/training_step.py . ../other-tree [--batches 12] [--rounds 3]

Batch by batch the trees take turns in one process, so that whatever else the machine does hits
all alike. Printed are the seconds per epoch would take, and the median over batches of the ratio
to the first tree. Trees are checkouts of this repository: `git worktree add ../other-tree COMMIT`.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

BATCH = (
    {
        "item_ids": tf.TensorSpec((None, None), tf.int32),
        "positions": tf.TensorSpec((None,), "int32"),
    },
    tf.TensorSpec((None,), tf.int32),
    tf.TensorSpec((None,), tf.float32),
)


def compiled_step(tree: Path, log_name: str):
    """The step of a tree as one compiled function, and its batches, from modules of its own."""
    for name in [name for name in sys.modules if name.split(".")[0] == "recmodels"]:
        del sys.modules[name]
    sys.path.insert(0, str(tree))
    from recmodels.data.registry import load
    from recmodels.data.splits import leave_one_out
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.features.batches import NextItemBatches
    from recmodels.features.sequences import prepare
    from recmodels.models.sasrec import SASRec
    from recmodels.tasks.next_item import NextItem
    from recmodels.training.fit import Training, make_optimizer

    sys.path.pop(0)
    experiment = find_experiment(f"{log_name}-softmax")
    data = prepare(leave_one_out(load(log_name)))
    settings = experiment.fit
    batches = NextItemBatches(
        data.train,
        experiment.options["max_length"],
        settings["batch_size"],
        seed=0,
        windows=settings["windows"],
    )
    task = NextItem(SASRec(data.num_items, **experiment.options))
    optimizer = make_optimizer(Training(average=settings["average"]), steps=1000)
    task.compile(optimizer=optimizer, jit_compile=False)
    task.build()
    optimizer.build(task.trainable_variables)

    @tf.function(input_signature=BATCH)
    def step(inputs, targets, weights):
        return task.train_step((inputs, targets, weights))

    return step, batches


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--data", default="ml-1m-sasrec")
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    trees = [tree.resolve() for tree in chosen.trees]
    steps = [compiled_step(tree, chosen.data) for tree in trees]
    batches = steps[0][1]
    some = [tf.nest.map_structure(tf.constant, batches[i]) for i in range(chosen.batches)]
    for step, _ in steps:
        step(*some[0])
        step(*some[1])
    seconds = np.zeros((chosen.rounds, len(some), len(steps)))
    for place in np.ndindex(seconds.shape):
        began = time.perf_counter()
        steps[place[2]][0](*some[place[1]])
        seconds[place] = time.perf_counter() - began
    for tree, tree_seconds in zip(trees, np.moveaxis(seconds, 2, 0), strict=True):
        ratio = np.median(tree_seconds / seconds[..., 0])
        epoch = tree_seconds.mean() * len(batches)
        print(f"{epoch:7.1f} s per epoch   {ratio:.3f} of the first   {tree}")


if __name__ == "__main__":
    main()
