"""Default settings of SASRec that follow from the size and the shape of a log."""

from dataclasses import dataclass

import numpy as np

from recmodels.features.sequences import SequenceData

SPARSE = 30.0  # Training events per item below which regularisation must be stronger.
LONG = 50.0  # Mean events per user from which a second block is worth its time.
STEPS_PER_EPOCH = 100  # Fewer steps than this, and batches become smaller.
LARGEST_BATCH = 16
STEPS = 4000  # Optimiser steps of a whole training, where the log is small.
EPOCHS = (14, 40)  # The fewest and the most.


@dataclass(frozen=True)
class Recipe:
    """Settings of a model and its training, with the reason of each choice.

    Args:
        model: arguments of `SASRec`.
        training: options of `fit`.
        reasons: one sentence per rule.
    """

    model: dict[str, object]
    training: dict[str, object]
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.reasons)


def recipe_for(data: SequenceData) -> Recipe:
    """Choose width, depth, dropout, length and training schedule from the training histories.

    The rules were found on validation cases of public logs, each checked on logs that had no part
    in choosing it; `notebooks/LOG.md` has the measurements.

    Args:
        data: from `prepare`; only the training histories are read.

    Example:
        >>> recipe = recipe_for(data)
        >>> model = SASRec(data.num_items, **recipe.model)
        >>> fit(model, data, **recipe.training)
    """
    lengths = data.train.lengths
    lengths = lengths[lengths > 1]
    events, users = int(lengths.sum()), max(1, len(lengths))
    per_item, per_user = events / data.num_items, events / users
    longest = int(np.quantile(lengths, 0.95)) if len(lengths) else 10
    max_length = int(np.clip(longest, 10, 200))
    sparse, long = per_item < SPARSE, per_user >= LONG
    dropout = 0.3 if sparse else 0.2
    blocks, rate = (2, 2e-3) if long else (1, 3e-3)
    full = max(1, (events - users) // (LARGEST_BATCH * max_length))
    batch = int(np.clip(LARGEST_BATCH * full // STEPS_PER_EPOCH, 2, LARGEST_BATCH))
    steps = max(1, full * LARGEST_BATCH // batch)
    epochs = int(np.clip(-(-STEPS // steps), *EPOCHS))
    total = epochs * steps
    average = round(float(np.clip(1 - 20 / total, 0.9, 0.999)), 4)
    return Recipe(
        model={
            "max_length": max_length,
            "width": 64,
            "num_blocks": blocks,
            "num_heads": blocks,
            "hidden_width": 256,
            "dropout": dropout,
        },
        training={
            "windows": "all",
            "batch_size": batch,
            "epochs": epochs,
            "learning_rate": rate,
            "schedule": "cosine",
            "warmup": min(400, total // 20),
            "average": average,
            "patience": None,
        },
        reasons=(
            f"max_length {max_length}: 95 % of the users have at most {longest} events.",
            f"num_blocks {blocks}, learning_rate {rate:g}: users have {per_user:.1f} events on "
            f"average, {'at least' if long else 'fewer than'} {LONG:.0f}.",
            f"dropout {dropout}: items have {per_item:.1f} events on average, "
            f"{'fewer than' if sparse else 'at least'} {SPARSE:.0f}.",
            f"batch_size {batch}, epochs {epochs}: an epoch has about {steps} steps, the whole "
            f"training about {total}; weights are averaged over the last twentieth.",
        ),
    )
