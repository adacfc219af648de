"""Estimate the cost of a training from a short training on a part of the users."""

import time
from dataclasses import asdict, dataclass, replace

import numpy as np
import psutil

from recmodels.api import fit
from recmodels.data.interactions import Interactions
from recmodels.evaluation.ranking import validation_score
from recmodels.experiments.entry import Experiment, build_model
from recmodels.experiments.memory import GIB, peak_gib, refuse_what_cannot_fit, untrained
from recmodels.experiments.run import split_log
from recmodels.experiments.train_once import prepare_experiment
from recmodels.features.sequences import SequenceData
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import Training

SHARE = 0.2  # Of the users at most: steps enough for a pace, few enough for half a minute.
STEPS = 30  # And about so many batches at most, whatever the size of the log.
CELLS = 2e8  # And so many scores of an item at a position, which take most of a step.
VALIDATED = 1_000  # Users of the validation that is timed.
EPOCHS = 3  # The first starts everything, the second tells the pace, the third is validated.


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

    def shown(self) -> dict[str, str]:
        """The values of the sentence "cost" in `report_texts`."""
        return {
            "total": f"{self.total_seconds / 60:.1f}",
            "epochs": str(self.epochs),
            "epoch": f"{self.epoch_seconds:.1f}",
            "validation": f"{self.validation_seconds:.1f}",
            "peak": f"{self.peak_gib:.1f}",
            "available": f"{self.available_gib:.1f}",
        }


def estimate(experiment: Experiment, data: SequenceData, *, seed: int = 0) -> Estimate:
    """Train on a part of the users for a short time and extrapolate the cost of the whole training.

    Args:
        experiment: of a sequence model.
        data: that it will be trained on.
        seed: of the choice of users.

    Raises:
        ValueError: the model is no sequence encoder.
        MemoryError: it cannot fit, see `refuse_what_cannot_fit`.
    """
    if not experiment.reads_sequences:
        raise ValueError(
            f"`experiment` must be of a sequence model; {experiment.model} takes about "
            f"{experiment.minutes:g} minutes. Received: name={experiment.name!r}"
        )
    refuse_what_cannot_fit(experiment, data.num_items)
    available = psutil.virtual_memory().available
    training = Training(**{k: v for k, v in experiment.fit.items() if hasattr(Training, k)})
    step = experiment.fit.get("batch_size", 16) * untrained(experiment).max_length
    positions = min(STEPS * step, max(CELLS / data.num_items, 3 * step))
    part, times = _part(data, SHARE, positions, seed)
    model = build_model(experiment.model, experiment.options, part)
    short = {**experiment.fit, "epochs": EPOCHS, "validate_every": EPOCHS, "patience": None}
    curve = fit(model, part, verbose=False, **short)
    began = time.perf_counter()
    validation_score(model, part)
    validation = time.perf_counter() - began
    whole = {"epoch": times, "validation": len(data.validation) / len(part.validation)}
    return _scale_up(experiment, training, curve, validation, whole, available)


def estimate_of_log(experiment: Experiment, log: Interactions) -> Estimate:
    """The estimate for an experiment on a log that is split and encoded here."""
    split = split_log(log, experiment.protocol, options=experiment.split).without_test()
    return estimate(experiment, prepare_experiment(experiment, split))


def _part(
    data: SequenceData, share: float, positions: float, seed: int
) -> tuple[SequenceData, float]:
    """Data with some of the training users, and how often that part is the whole.

    Args:
        data: of all users.
        share: of the users that are kept at most.
        positions: that are kept at most, one user at least.
        seed: of the choice.
    """
    targets = np.maximum(0, data.train.lengths - 1)
    order = np.random.default_rng(seed).permutation(len(targets))
    count = min(round(share * len(targets)), np.searchsorted(targets[order].cumsum(), positions))
    # At least one user with something to predict, or there would be no batch.
    count = max(1, int(count), int(np.argmax(targets[order] > 0)) + 1)
    rows = np.sort(order[:count])
    validation = data.validation.sample(VALIDATED, seed)
    part = replace(data, train=data.train.select(rows), validation=validation, test=None)
    return part, float(targets.sum() / targets[rows].sum())


def _scale_up(
    experiment: Experiment,
    training: Training,
    curve: LearningCurve,
    validation: float,
    times: dict[str, float],
    available: int,
) -> Estimate:
    """Scale the seconds of `EPOCHS` epochs and one `validation` of a part to the whole."""
    first, second, third = (row["seconds"] for row in curve.rows)
    start = max(0.0, first - second) + max(0.0, third - second - validation)
    validation *= times["validation"]
    validations = -(-training.epochs // training.validate_every)
    epoch = times["epoch"] * second
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


def describe_estimate(estimate: Estimate) -> str:
    """Return an estimate as text."""
    return (
        f"{estimate.experiment}: at most {estimate.total_seconds / 60:.1f} minutes per seed on "
        f"this machine as it is now: {estimate.start_seconds:.0f} s to start, "
        f"{estimate.epochs} epochs of {estimate.epoch_seconds:.1f} s, validations of "
        f"{estimate.validation_seconds:.1f} s; {estimate.peak_gib:.1f} GiB of memory at the most, "
        f"of {estimate.available_gib:.1f} GiB that are free."
    )
