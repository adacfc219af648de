"""Make a training smaller, so that it fits into memory and into a time."""

import math
from dataclasses import dataclass, replace

from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate
from recmodels.experiments.memory import refuse_what_cannot_fit, untrained
from recmodels.experiments.tournament import Note
from recmodels.training.settings import Training

FEWEST_EPOCHS = 5  # A plan with fewer trains on a part of the users instead.
SAFETY = 0.85  # Share of the budget that is planned: an estimate may be too low.
LONG = 3600.0  # Seconds from which a training is announced with a warning.


@dataclass(frozen=True)
class Plan:
    """A training as it will be done.

    Args:
        experiment: with the settings that fit; None where no training fits.
        share: of the training users that it learns from.
        note: what was made smaller and why; None where nothing was.
    """

    experiment: Experiment | None
    share: float = 1.0
    note: Note | None = None


def shortened(options: dict, epochs: int, share: float = 1.0) -> dict:
    """Options of `fit` for fewer steps, with warm-up and average over the same share of them.

    Args:
        options: of the whole training.
        epochs: of the shorter one.
        share: of the training users, and so of the steps of an epoch.
    """
    steps = share * epochs / options.get("epochs", Training.epochs)
    short = {**options, "epochs": epochs}
    if options.get("warmup"):
        short["warmup"] = int(steps * options["warmup"])
    if options.get("average"):
        short["average"] = max(0.5, 1 - (1 - options["average"]) / steps)
    return short


def plan_training(experiment: Experiment, cost: Estimate, seconds: float | None) -> Plan:
    """Fit a training into a time: with fewer epochs, then fewer users, else not at all.

    The time is also a limit, because a machine may become slower than it was at the estimate.

    Args:
        experiment: as it would be trained with enough time.
        cost: of an epoch and a validation, from `estimate`.
        seconds: that it may take; None for any number, where a long one gets a warning.
    """
    wanted = experiment.fit.get("epochs", Training.epochs)
    every = experiment.fit.get("validate_every", 1)
    epoch = cost.epoch_seconds + cost.validation_seconds / every
    if seconds is None:
        long = cost.total_seconds > LONG
        values = {"hours": f"{cost.total_seconds / 3600:.1f}", "family": experiment.model}
        return Plan(experiment, note=("long training", values) if long else None)
    epochs = (SAFETY * seconds - cost.start_seconds) / max(epoch, 1e-9)
    limited = replace(experiment, fit={**experiment.fit, "max_seconds": seconds})
    values = {"minutes": f"{seconds / 60:.1f}", "wanted": wanted}
    if epochs < 1:
        needed = {"seconds": seconds, "start": cost.start_seconds, "epoch": epoch}
        values = {name: f"{value:.0f}" for name, value in needed.items()}
        return Plan(None, note=("no time for an epoch", values))
    if epochs >= wanted:
        return Plan(limited)
    planned = min(wanted, max(FEWEST_EPOCHS, math.floor(epochs)))
    share = min(1.0, epochs / planned)
    shorter = replace(limited, fit=shortened(limited.fit, planned, share))
    if share == 1:
        return Plan(shorter, note=("fewer epochs", {**values, "epochs": planned}))
    note = "fewer epochs and users", {**values, "epochs": planned, "share": f"{share:.0%}"}
    return Plan(shorter, share, note)


def fit_into_memory(experiment: Experiment, num_items: int) -> Plan:
    """Fit a training into memory: with a sampled loss, then narrower models, else not at all."""
    smaller = experiment
    sampled = {**experiment.fit, "loss": "sampled_softmax", "num_negatives": 256}
    width = untrained(experiment).width
    for fit_options, divisor in ((experiment.fit, 1), (sampled, 1), (sampled, 2), (sampled, 4)):
        options = (
            experiment.options
            if divisor == 1
            else {**experiment.options, "width": width // divisor}
        )
        smaller = replace(experiment, fit=fit_options, options=options)
        try:
            refuse_what_cannot_fit(smaller, num_items)
        except MemoryError as error:
            reason = str(error)
            continue
        changed = smaller != experiment
        values = {"loss": fit_options.get("loss"), "width": width // divisor}
        return Plan(smaller, note=("smaller for memory", values) if changed else None)
    return Plan(None, note=("failed", {"reason": reason}))
