"""SASRec as `recmodels.fit` trains it: the same batches, task and optimiser.

python recmodels_fit.py TASK.npz [POLICY]

POLICY is that of Keras, such as mixed_bfloat16.
"""

import json
import sys
from pathlib import Path

import numpy as np
from worker import answer

import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import Histories
from recmodels.features.negatives import NegativeSampler
from recmodels.tasks.next_item import NextItem
from recmodels.training.fit import Training, compile_task, make_optimizer


def main() -> None:
    """Train an epoch whenever asked."""
    arrays = np.load(Path(sys.argv[1]))
    task = json.loads(str(arrays["task"]))
    offsets = arrays["offsets"]
    histories = Histories(np.arange(len(offsets) - 1), arrays["items"], offsets, {})
    sampler = None
    if task["num_negatives"]:
        counts = histories.item_counts(task["num_items"])[1:]
        sampler = NegativeSampler(counts, task["num_negatives"])
    batches = NextItemBatches(
        histories, task["max_length"], 16, seed=0, windows="latest", negatives=sampler
    )
    options = ("max_length", "width", "num_blocks", "num_heads", "hidden_width", "dropout")
    policy = sys.argv[2] if len(sys.argv) > 2 else "float32"
    settings = {name: task[name] for name in options}
    model = rm.SASRec(task["num_items"], **settings, dtype=policy)
    learner = NextItem(model, "sampled_softmax" if sampler else "full_softmax")
    compile_task(learner, make_optimizer(Training(), steps=1))
    positions = int((np.minimum(histories.lengths, task["max_length"] + 1) - 1).clip(0).sum())

    def run_epoch() -> dict:
        learner.fit(batches, shuffle=False, verbose=0)
        return {"positions": positions}

    answer(run_epoch, compiles=True)


if __name__ == "__main__":
    main()
