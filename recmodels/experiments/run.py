"""Run one seed of an experiment: split, train, measure."""

import platform
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from recmodels.data.event_splits import last_day, last_event
from recmodels.data.interactions import Interactions
from recmodels.data.rating_splits import random_ratings, temporal_ratings
from recmodels.data.splits import Split, leave_one_out, temporal_cutoff
from recmodels.evaluation.event_prediction import EventEvaluation
from recmodels.evaluation.held_out import HeldOut
from recmodels.evaluation.order_audit import OrderAudit, order_audit
from recmodels.evaluation.report import Evaluation
from recmodels.experiments.entry import LAST_EVENT_ITEMS, Experiment
from recmodels.experiments.measures import (
    cold_ranks,
    measure_everyone,
    metrics_with_seen,
)
from recmodels.experiments.train_once import Trained, train_once
from recmodels.features.sequences import SequenceData
from recmodels.recommend.bundle import library_versions
from recmodels.threads import usable_cores
from recmodels.training.curve import LearningCurve


@dataclass(frozen=True, eq=False)
class Run:
    """One trained model with its measures.

    Args:
        experiment, seed: what was run.
        model: trained, a model that scores.
        data: what it was trained on.
        curve: of the training that was validated, or else of the only one; None for models that
            count.
        validation: measures that choices are made by; None for those seeds of a rating protocol
            that settle nothing.
        test: measures, or None where the test was not asked for.
        everyone: metrics over all who come after a temporal cut, the most popular items for those
            of whom nothing is known; None under other protocols.
        seconds: of the training of `model` alone.
        audit: of a sequence model on the test cases; None for others.
        cold: ranks of the targets without a training event where models may rank them, if the
            experiment has `slices`; else None.
        seen_kept: test metrics of lists that keep what users have already, if the experiment has
            `slices` and filters; else None.
        decision: of a trained model of events, what was chosen on validation: `temperature`,
            `time_width` and the `weights` of the decision for a type.
        of_ceiling: of a model of events of a simulated shop; see `measure_share_of_ceiling`.
    """

    experiment: Experiment
    seed: int
    model: object
    data: SequenceData
    curve: LearningCurve | None
    validation: Evaluation | HeldOut | EventEvaluation | None
    test: Evaluation | HeldOut | EventEvaluation | None
    everyone: dict[str, float] | None
    seconds: float
    audit: OrderAudit | None = None
    cold: np.ndarray | None = None
    seen_kept: dict[str, float] | None = None
    decision: dict | None = None
    of_ceiling: dict[str, dict] | None = None

    @property
    def score(self) -> float:
        """What options are chosen by, higher is better: see `Experiment.choose_by`."""
        if isinstance(self.validation, HeldOut):
            return self.validation.score
        if isinstance(self.validation, EventEvaluation):
            metrics = self.validation.metrics
            return metrics.get("gap_log_likelihood", 0.0) - metrics["type_log_loss"]
        return self.validation.metrics[self.experiment.choose_by]

    def to_dict(self) -> dict:
        """What the stored result of this seed records."""
        record = {
            "seconds": round(self.seconds, 1),
            "cores": usable_cores(),
            "command": self.experiment.command(self.seed),
            "validation": None if self.validation is None else self.validation.metrics,
            "test": None if self.test is None else self.test.to_dict(),
            "versions": versions(),
        }
        if self.curve is not None:
            record["curve"] = self.curve.rows
        if self.decision is not None:
            record["decision"] = self.decision
        if self.cold is not None:
            record["cold_ranks"] = self.cold.tolist()
        if self.seen_kept is not None:
            record["seen_kept"] = self.seen_kept
        if self.of_ceiling is not None:
            record["of_ceiling"] = self.of_ceiling
        if self.audit is not None:
            record["order_audit"] = self.audit.to_dict()
        if not self.experiment.holds_out_ratings:
            record["everyone"] = self.everyone
            if self.curve is not None:
                record["best_epoch"] = self.curve.best["epoch"]
        return record


def split_log(
    log: Interactions, protocol: str, seed: int = 0, options: dict | None = None
) -> Split:
    """Cut a log as a protocol says; the seed draws the random split and decides no other.

    Args:
        log: to cut.
        protocol: one of `PROTOCOLS`.
        seed: of the random split.
        options: of the split, such as the time window of `last_event`.
    """
    if protocol == "random-80-20":
        return random_ratings(log, seed)
    if protocol == LAST_EVENT_ITEMS:
        return replace(last_event(log, **(options or {})), protocol=protocol)
    cuts = {
        "leave-one-out": leave_one_out,
        "temporal": temporal_cutoff,
        "temporal-80-20": temporal_ratings,
        "last-event": last_event,
        "last-day": last_day,
    }
    return cuts[protocol](log, **(options or {}))


def run_seed(
    experiment: Experiment,
    seed: int,
    split: Split,
    *,
    checkpoint: Path | None = None,
    verbose: bool = True,
) -> Run:
    """Train on the training part of a split, choose on its validation part, measure on its test.

    Under the rating protocols the choices, epochs included, were made on the validation part of
    the first seed's split. That seed trains with it and measures it; what is tested is trained
    again, with every seed, on all that is not tested. So are counted models of events, which
    choose nothing.

    Args:
        experiment: what to run.
        seed: of everything random in the training.
        split: from `split_log`. Without a test part nothing of it is measured.
        checkpoint: file to continue from after a kill; the second training has its own file.
        verbose: print one line per epoch to standard error.
    """
    counts_events = experiment.predicts_events and experiment.task is None
    refits = (experiment.holds_out_ratings or counts_events) and split.test is not None
    chosen = validation = None
    if not refits or seed == experiment.seeds[0]:
        chosen = tested = train_once(experiment, seed, split, checkpoint, verbose)
        validation = chosen.measure(split, "validation")
    if refits:
        if checkpoint is not None:
            checkpoint = checkpoint.with_stem(f"{checkpoint.stem}-refitted")
        tested = train_once(experiment, seed, split.refitted(), checkpoint, verbose, refit=True)
    test = everyone = audit = None
    if split.test is not None:
        test = tested.measure(split, "test")
        if experiment.reads_sequences and len(tested.data.test) > 1:
            audit = order_audit(tested.model, tested.data.test)
    if tested.data.newcomers is not None and not experiment.holds_out_ratings:
        everyone = measure_everyone(tested.model, tested.data)
    return Run(
        experiment=experiment,
        seed=seed,
        model=tested.model,
        data=tested.data,
        curve=(chosen or tested).curve,
        validation=validation,
        test=test,
        everyone=everyone,
        seconds=tested.seconds,
        audit=audit,
        **(_more_of_test(tested, experiment) if test is not None else {}),
        decision=tested.decision,
    )


def _more_of_test(tested: Trained, experiment: Experiment) -> dict:
    """Cold targets, and lists that keep seen items, as arguments of a `Run`."""
    if not experiment.slices:
        return {}
    model, queries = tested.model, tested.data.test
    kept = metrics_with_seen(model, queries) if experiment.filter_seen else None
    return {"cold": cold_ranks(model, queries), "seen_kept": kept}


def versions() -> dict[str, str]:
    """Of Python, the backend and what else moves a number."""
    return {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        **library_versions(),
    }
