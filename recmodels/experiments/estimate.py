"""What a training will cost, measured on a part of it."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import psutil

from recmodels.data.registry import open_log
from recmodels.data.splits import Split
from recmodels.experiments.entry import Experiment
from recmodels.experiments.memory import GIB, peak_gib
from recmodels.experiments.run import run_seed, split_log
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import Training

SHARE = 0.2  # Of the users: steps enough for a pace, few enough for half a minute.
EPOCHS = 4  # Two with a validation and two without, the first of each with what happens once.


@dataclass(frozen=True)
class Estimate:
    """The cost of one seed of an experiment on this machine, as it is now.

    Args:
        experiment: its name.
        epochs: the most it may take.
        start_seconds: what happens once, such as tracing graphs.
        epoch_seconds: one pass over the training part.
        validation_seconds: one look at the validation part.
        total_seconds: all of it; early stopping only makes it less.
        peak_gib: the most memory the process holds, GiB.
        available_gib: memory that nobody used before, GiB.
    """

    experiment: str
    epochs: int
    start_seconds: float
    epoch_seconds: float
    validation_seconds: float
    total_seconds: float
    peak_gib: float
    available_gib: float

    def to_dict(self) -> dict:
        """All of it by name, for JSON."""
        return asdict(self)


def estimate(experiment: Experiment, *, share: float = SHARE, seed: int = 0) -> Estimate:
    """Train on a part of the users for a moment and reckon what the whole will cost.

    Args:
        experiment: of a sequence model.
        share: of the users to train on, in (0, 1].
        seed: of the choice of users.

    Raises:
        ValueError: the model is no sequence encoder.
        MemoryError: it cannot fit, see `refuse_what_cannot_fit`.
    """
    if experiment.task != "next_item":
        raise ValueError(
            f"`experiment` must be of a sequence model; {experiment.model} takes about "
            f"{experiment.minutes:g} minutes. Received: name={experiment.name!r}"
        )
    available = psutil.virtual_memory().available
    log, _ = open_log(experiment.dataset, {})
    part, times = _part(split_log(log, experiment.protocol), share, seed)
    short = {"epochs": EPOCHS, "validate_every": 2, "patience": None}
    short = replace(experiment, fit={**experiment.fit, **short})
    run = run_seed(short, seed, part, verbose=False)
    training = Training(**{k: v for k, v in experiment.fit.items() if hasattr(Training, k)})
    return _reckon(experiment, training, run.curve, times, available)


def _part(split: Split, share: float, seed: int) -> tuple[Split, float]:
    """Some of the training users, all validation cases, and how often the part is the whole."""
    lengths = np.diff(split.train.user_offsets()[1])
    chosen = np.zeros(len(lengths), bool)
    count = max(1, round(share * len(lengths)))
    chosen[np.random.default_rng(seed).permutation(len(lengths))[:count]] = True
    asked = np.maximum(0, lengths - 1)
    part = replace(split, train=split.train.select(np.repeat(chosen, lengths)), test=None)
    return part, float(asked.sum() / asked[chosen].sum())


def _reckon(
    experiment: Experiment, training: Training, curve: LearningCurve, times: float, available: int
) -> Estimate:
    first, second, third, fourth = (row["seconds"] for row in curve.rows)
    validation = max(0.0, fourth - third)
    start = max(0.0, first - third) + max(0.0, second - fourth)
    validations = -(-training.epochs // training.validate_every)
    epoch = times * third
    return Estimate(
        experiment=experiment.name,
        epochs=training.epochs,
        start_seconds=round(start, 2),
        epoch_seconds=round(epoch, 2),
        validation_seconds=round(validation, 2),
        total_seconds=round(start + training.epochs * epoch + validations * validation, 1),
        peak_gib=round(peak_gib(), 2),
        available_gib=round(available / GIB, 2),
    )


def describe_estimate(found: Estimate) -> str:
    """An estimate in words."""
    return (
        f"{found.experiment}: at most {found.total_seconds / 60:.1f} minutes a seed on this "
        f"machine as it is now: {found.start_seconds:.0f} s to start, "
        f"{found.epochs} epochs of {found.epoch_seconds:.1f} s, validations of "
        f"{found.validation_seconds:.1f} s; {found.peak_gib:.1f} GiB of memory at the most, of "
        f"{found.available_gib:.1f} GiB that are free."
    )
