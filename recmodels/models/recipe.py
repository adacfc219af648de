"""Default settings of SASRec, chosen from the size of a log."""

from dataclasses import dataclass

import numpy as np

from recmodels.features.sequences import SequenceData

SPARSE = 30.0  # Training events per item below which regularisation must be stronger.
DENSE = 500.0  # Training events per item from which it can be weaker, and the model deeper.
LONG = 50.0  # Mean events per user from which a second block is worth its time.
LARGE = 500_000  # Training events from which more passes still help.
STEPS_PER_EPOCH = 240  # What the size of batches aims at,
POSITIONS = (64, 3200)  # within these numbers of events per batch.
LEAST_STEPS = 1000  # Of a whole training, so that a small log gets more epochs.


@dataclass(frozen=True)
class Recipe:
    """Settings of a model and its training, with the reason for each choice.

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

    The rules were found on validation cases of three public logs (Amazon Sports, Amazon Beauty,
    MovieLens 100K) and of the simulated shop; `notebooks/LOG.md` has the measurements, also
    those on logs that the rules were not found on.

    Args:
        data: from `prepare`; only the training histories are read.

    Example:
        >>> recipe = recipe_for(data)
        >>> model = SASRec(data.num_items, **recipe.model)
        >>> fit(model, data, **recipe.training)
    """
    shape = _Shape.of(data)
    model, why_model = _model_settings(shape)
    training, why_training = _training_settings(shape, model["max_length"])
    return Recipe(model, training, (*why_model, *why_training))


@dataclass(frozen=True)
class _Shape:
    """The properties of a log that the rules use."""

    users: int
    events: int
    longest: int  # 99 % of the users have at most as many events.
    per_item: float
    per_user: float

    @property
    def is_long(self) -> bool:
        """Whether the users have long histories on average."""
        return self.per_user >= LONG

    @classmethod
    def of(cls, data: SequenceData) -> "_Shape":
        lengths = data.train.lengths
        lengths = lengths[lengths > 1]
        users, events = max(1, len(lengths)), int(lengths.sum())
        longest = int(np.quantile(lengths, 0.99)) if len(lengths) else 2
        return cls(users, events, longest, events / data.num_items, events / users)


def _model_settings(shape: _Shape) -> tuple[dict[str, object], list[str]]:
    max_length = int(np.clip(shape.longest, 10, 200))
    dense = shape.per_item >= DENSE
    dropout = 0.1 if dense else 0.2 if shape.per_item >= SPARSE else 0.25
    blocks = 2 if dense or shape.is_long else 1
    settings = {
        "max_length": max_length,
        "width": 64,
        "num_blocks": blocks,
        "num_heads": blocks,
        "hidden_width": 256,
        "dropout": dropout,
    }
    return settings, [
        f"max_length {max_length}: 99 % of the users have at most {shape.longest} events.",
        f"num_blocks {blocks}: users have {shape.per_user:.1f} events on average and items "
        f"{shape.per_item:.1f}; there are two blocks from {LONG:.0f} per user or {DENSE:.0f} "
        "per item.",
        f"dropout {dropout}: items have {shape.per_item:.1f} events on average; it is 0.25 below "
        f"{SPARSE:.0f} and 0.1 from {DENSE:.0f}.",
    ]


def _training_settings(shape: _Shape, max_length: int) -> tuple[dict[str, object], list[str]]:
    positions = shape.events - shape.users
    batch = max(1, round(float(np.clip(positions / STEPS_PER_EPOCH, *POSITIONS)) / max_length))
    steps = max(1, round(positions / (batch * max_length)))
    usual = 40 if shape.is_long and shape.events >= LARGE else 18
    epochs = int(np.clip(-(-LEAST_STEPS // steps), usual, 100))
    total = epochs * steps
    rate = 2e-3 if shape.is_long else 3e-3
    settings = {
        "windows": "all",
        "batch_size": batch,
        "epochs": epochs,
        "learning_rate": rate,
        "schedule": "cosine",
        "warmup": min(400, total // 20),
        "average": round(float(np.clip(1 - 5 / total, 0.9, 0.999)), 4),
        "validate_every": 2,
        "patience": None,
    }
    return settings, [
        f"batch_size {batch}, epochs {epochs}, learning_rate {rate:g}: an epoch has about {steps} "
        f"steps, the whole training about {total}; weights are averaged over a fifth of them.",
    ]
