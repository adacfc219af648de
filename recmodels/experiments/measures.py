"""Measure a trained model by the protocol of its split."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from recmodels.api import fit
from recmodels.data.shop import Shop
from recmodels.data.shop_behaviour import BehaviourShop
from recmodels.data.splits import Split
from recmodels.evaluation.calibration import (
    choose_decision_weights,
    fit_temperature,
    fit_time_width,
)
from recmodels.evaluation.ceilings import BayesCeiling, BayesEvents
from recmodels.evaluation.event_ceiling import share_of_ceiling
from recmodels.evaluation.event_prediction import (
    EventEvaluation,
    evaluate_events,
    forecast_events,
    type_targets,
)
from recmodels.evaluation.held_out import HeldOut, measure_held_out
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.ranking import rank, validation_score
from recmodels.evaluation.report import Evaluation, evaluate
from recmodels.experiments.entry import EVENT_PROTOCOLS, RATING_PROTOCOLS, Experiment
from recmodels.features.sequences import Queries, SequenceData
from recmodels.models.capabilities import AnswersEmpty, can
from recmodels.models.event_floors import MedianGap
from recmodels.models.fallback import WithFallback
from recmodels.models.popularity import MostPopular
from recmodels.training.curve import LearningCurve

EVERYONE_METRICS = ("hr@10", "ndcg@10", "mrr@10")
SEEN_METRICS = ("hr@10", "ndcg@10")


def measure(
    model,
    data: SequenceData,
    split: Split,
    part: str,
    *,
    retrieves: bool,
    rates: bool,
    decision_weights: Sequence[float] | None = None,
) -> Evaluation | HeldOut | EventEvaluation:
    """Measure a model on a part of a split, as the protocol of the split says.

    Args:
        model: a model that scores.
        data: what it was trained on, encoded from `split`.
        split: which has the ratings.
        part: `"validation"` or `"test"`.
        retrieves, rates: what to measure under the rating protocols: lists, ratings or both.
        decision_weights: of a model of events; see `evaluate_events`.

    Returns:
        Under the rating protocols one row per held-out rating, under those of events a row per
        event, otherwise a rank per user.

    Raises:
        ValueError: ratings are asked for and the log has none, or the model predicts none.
    """
    queries = getattr(data, part)
    if split.protocol in EVENT_PROTOCOLS:
        return evaluate_events(model, queries, decision_weights=decision_weights)
    if split.protocol not in RATING_PROTOCOLS:
        return evaluate(model, queries, item_categories=item_categories(data))
    ratings = getattr(split, part).targets.events.get("value")
    return HeldOut(measure_held_out(model, queries, ratings, retrieves=retrieves, rates=rates))


def score_epoch(
    model, data: SequenceData, split: Split, *, filter_seen: bool, retrieves: bool, rates: bool
) -> float:
    """Return the score for choosing epochs, higher is better; see `measure`."""
    if split.protocol in RATING_PROTOCOLS:
        return measure(model, data, split, "validation", retrieves=retrieves, rates=rates).score
    return validation_score(model, data, filter_seen)


def fit_measured(
    experiment: Experiment, data: SequenceData, split: Split | None, model, **options
) -> LearningCurve:
    """Train a model, with the measure of its experiment to choose epochs by.

    Args:
        experiment: says by what to choose.
        data: encoded from the split.
        split: None for a training without validation.
        model: trained in place.
        **options: of `fit`.
    """
    events = experiment.predicts_events
    scoring = {"filter_seen": experiment.filter_seen, **experiment.measured}
    measured = split is not None and not events
    score = partial(score_epoch, model, data, split, **scoring) if measured else None
    name = None if events else experiment.choose_by
    return fit(model, data, measure=score, measure_name=name, **options)


def measure_everyone(model, data: SequenceData) -> dict[str, float]:
    """Metrics over test users and newcomers alike.

    Models without an answer of their own to an empty history fall back to popularity.
    """
    if not can(model, AnswersEmpty):
        model = WithFallback(model, MostPopular().fit(data.train, data.num_items))
    ranks = np.concatenate([rank(model, part).ranks for part in (data.test, data.newcomers)])
    return {
        "users": len(ranks),
        **{name: float(rank_metric(name, ranks).mean()) for name in EVERYONE_METRICS},
    }


def measure_ceiling(shop: Shop, data: SequenceData) -> Evaluation:
    """Return the metrics of a shop's exact probabilities on the test cases."""
    truth = BayesCeiling(shop, data.vocabulary, data.train.users)
    return evaluate(truth, data.test, filter_seen=False, train=data.train)


def measure_event_ceiling(shop: BehaviourShop, data: SequenceData) -> EventEvaluation:
    """Return the metrics of a shop's exact forecasts of types and times on the test cases."""
    return evaluate_events(_exact(shop, data), data.test)


def measure_share_of_ceiling(model, shop: BehaviourShop, data: SequenceData) -> dict[str, dict]:
    """By part of the event, how far a model comes on the test cases; see `share_of_ceiling`.

    The floor is `MedianGap`, which has the shares of types and items in training and one
    distribution of gaps.
    """
    floor = MedianGap(model.types).fit(data.train, data.num_items)
    table = share_of_ceiling(model, floor, _exact(shop, data), data.test)
    return table.round(6).to_dict("index")


def _exact(shop: BehaviourShop, data: SequenceData) -> BayesEvents:
    types = data.schema["action"].values
    return BayesEvents(shop, data.vocabulary, data.train.users, types)


def item_categories(data: SequenceData) -> list[str] | None:
    """Categories of the items 1..V where the source has them."""
    if data.items is None or "category" not in data.items.columns:
        return None
    categories = data.items["category"].reindex(data.vocabulary.raw_ids)
    return [None if c is np.nan or c is None else str(c) for c in categories]


def cold_ranks(model, queries: Queries) -> np.ndarray:
    """Ranks of the targets without a training event, int (N,), where models may rank them."""
    protocol = replace(queries.protocol, cold_targets="score")
    return rank(model, queries, protocol=protocol).ranks[~queries.trained]


def metrics_with_seen(model, queries: Queries) -> dict[str, float]:
    """Metrics of lists that keep what users have already, as other libraries measure them."""
    ranks = rank(model, queries, filter_seen=False).ranks
    return {name: round(float(rank_metric(name, ranks).mean()), 6) for name in SEEN_METRICS}


def calibrate(model, data: SequenceData) -> dict:
    """Calibrate a model of events by its validation queries, and choose a decision.

    Args:
        model: a trained `NextEvent`, whose `temperature` and `time_width` are set.
        data: what it was trained on.

    Returns:
        `temperature`, `time_width`, and `weights` of the decision for each type; see
        `choose_decision_weights`.
    """
    model.temperature = model.time_width = 1.0
    forecast = forecast_events(model, data.validation)
    targets = type_targets(data.validation, len(forecast.types))
    model.temperature = fit_temperature(forecast.type_probabilities, targets)
    if forecast.gap is not None:
        seconds = data.validation.target_columns["gap_seconds"]
        model.time_width = fit_time_width(forecast.gap, seconds)
    validation = evaluate_events(model, data.validation)
    weights = choose_decision_weights(validation.probabilities)
    return {
        "temperature": round(model.temperature, 4),
        "time_width": round(model.time_width, 4),
        "weights": [round(float(weight), 4) for weight in weights],
    }
