"""Train the model of an experiment once, on one split with one seed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from recmodels.data.splits import Split
from recmodels.evaluation.event_prediction import EventEvaluation
from recmodels.evaluation.held_out import HeldOut
from recmodels.evaluation.report import Evaluation
from recmodels.experiments.entry import COLUMNS, Experiment, build_model
from recmodels.experiments.initial_model import initial_model, similar_targets
from recmodels.experiments.measures import calibrate, fit_measured, measure
from recmodels.experiments.memory import refuse_what_cannot_fit
from recmodels.experiments.text_columns import text_schema, tune_text, with_item_text
from recmodels.features.protocol import Protocol
from recmodels.features.schema import Schema
from recmodels.features.sequences import EMPTY_SCHEMA, SequenceData, prepare
from recmodels.models.hybrid import Hybrid
from recmodels.training.curve import LearningCurve
from recmodels.training.seeds import set_seed


def prepare_split(
    split: Split, columns: tuple[str, ...], protocol: Protocol, schema: Schema = EMPTY_SCHEMA
) -> SequenceData:
    """Encode a split with those of the columns that its events have."""
    there = tuple(name for name in columns if name in split.train.events)
    return prepare(split, columns=there, schema=schema, protocol=protocol)


def prepare_experiment(experiment: Experiment, split: Split) -> SequenceData:
    """Encode a split as an experiment says."""
    protocol = Protocol(filter_seen=experiment.filter_seen, query_time=experiment.query_time)
    columns, schema = COLUMNS.get(experiment.model, ()), experiment.schema
    if experiment.item_text:
        split = with_item_text(split, experiment.item_text)
        schema = text_schema(schema, experiment.item_text)
    return prepare_split(split, columns, protocol, schema)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with what it was trained on and how long that took."""

    model: object
    data: SequenceData
    curve: LearningCurve | None
    seconds: float
    experiment: Experiment
    decision: dict | None

    def measure(self, split: Split, part: str) -> Evaluation | HeldOut | EventEvaluation:
        weights = None if self.decision is None else self.decision["weights"]
        asked = {**self.experiment.measured, "decision_weights": weights}
        return measure(self.model, self.data, split, part, **asked)


def train_once(
    experiment: Experiment,
    seed: int,
    split: Split,
    checkpoint: Path | None,
    verbose: bool,
    refit: bool = False,
) -> Trained:
    """Train on a split; a refit has no validation part left and keeps the last weights."""
    data = prepare_experiment(experiment, split)
    if refit:
        data = replace(data, validation=None)
    if experiment.reads_sequences:
        refuse_what_cannot_fit(experiment, data.num_items)
    set_seed(seed)
    began = time.perf_counter()
    model = initial_model(experiment, data, seed)
    common = {"verbose": verbose, **({} if experiment.task is None else {"seed": seed})}
    train = partial(fit_measured, experiment, data, None if refit else split, **common)
    shares = similar_targets(experiment, data)
    curve = train(model, checkpoint=checkpoint, **experiment.fit, **shares)
    seconds = time.perf_counter() - began if experiment.task is None else curve.seconds
    if experiment.tune_text:
        tuning = dict(experiment.tune_text)
        options = tuning.pop("fit")
        model = tune_text(model, data, split, experiment.item_text, tuning)
        file = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-tuned")
        curve = train(model, checkpoint=file, **options)
        seconds += curve.seconds
    if experiment.ensemble_with:
        others = partial(train_once, split=split, verbose=verbose, refit=refit)
        model, more = _ensemble(model, experiment, data, seed, others, checkpoint)
        seconds += more
    decision = calibrate(model, data) if experiment.task == "next_event" else None
    curve = curve if curve.rows else None
    return Trained(model, data, curve, seconds, experiment, decision)


def _ensemble(
    model,
    experiment: Experiment,
    data: SequenceData,
    seed: int,
    train: Callable,
    checkpoint: Path | None,
) -> tuple[Hybrid, float]:
    """Add the scores of the other models to those of a trained one; return their seconds too."""
    scorers, weights, seconds = [model], [1.0], 0.0
    for other in experiment.ensemble_with:
        weights.append(other["weight"])
        if "model" in other:
            scorers.append(build_model(other["model"], other["options"], data))
            continue
        named, offset = other["experiment"], other.get("seed_offset", 0)
        stem = f"{named.name}-plus-{offset}" if offset else named.name
        path = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-{stem}")
        trained = train(named, seed + offset, checkpoint=path)
        scorers.append(trained.model)
        seconds += trained.seconds
    return Hybrid(scorers, weights, "spread").fit(data.train, data.num_items), seconds
