"""Measures of forecasts of the next event, by hand and against scikit-learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn import metrics

from recmodels.data.event_splits import last_event
from recmodels.data.interactions import Interactions
from recmodels.evaluation.event_prediction import evaluate_events, event_metrics
from recmodels.evaluation.event_statistics import compare_events, event_intervals
from recmodels.features.columns import Category
from recmodels.features.histories import Histories
from recmodels.features.protocol import Protocol
from recmodels.features.schema import Schema
from recmodels.features.sequences import Queries, prepare
from recmodels.models.event_floors import MajorityType, MarkovTypes, MedianGap, RepeatLastType
from recmodels.models.event_forecast import EventForecast, LogNormalMixture
from recmodels.models.popularity import MostPopular

TYPES = ("view", "cart", "buy")


class Fixed:
    """Forecasts given in advance, asked for by the first item of the history."""

    max_length = None
    columns = ()
    types = TYPES

    def __init__(self, probabilities, medians=None, scale=1.0):
        self.probabilities = np.asarray(probabilities, float)
        self.medians, self.scale = medians, scale

    def next_event(self, queries, with_items=True):
        rows = queries["item_ids"][:, -1] - 1
        gap = None
        if self.medians is not None:
            means = np.log1p(np.asarray(self.medians, float)[rows])[:, None]
            gap = LogNormalMixture(np.ones_like(means), means, np.full_like(means, self.scale))
        return EventForecast(self.types, self.probabilities[rows], gap=gap)


def make_queries(codes, gaps=None, users=None, **protocol):
    """Queries whose history is their number, with the code of the type that came."""
    count = len(codes)
    users = np.arange(count) if users is None else np.array(users)
    items = np.arange(1, count + 1, dtype=np.int32)
    told = {"action": np.array(codes)}
    if gaps is not None:
        told["gap_seconds"] = np.array(gaps, float)
    return Queries(
        histories=Histories(users, items, np.arange(count + 1), {}),
        user_ids=np.full(count, -1, np.int32),
        targets=np.ones(count, np.int32),
        trained=np.ones(count, bool),
        protocol=Protocol(**protocol),
        target_columns=told,
    )


def random_cases(count=400, seed=0, **protocol):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([4, 1, 1], count)
    codes = 1 + (rng.random((count, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    users = rng.integers(0, count // 4, count)
    gaps = np.expm1(rng.normal(4, 1, count).clip(0))
    queries = make_queries(codes, gaps, users, **protocol)
    return Fixed(probabilities, np.full(count, np.expm1(4.0))), queries


PROBABILITIES = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.9, 0.1, 0.0]]


def test_types_by_hand():
    found = evaluate_events(Fixed(PROBABILITIES), make_queries([1, 2, 3, 1])).metrics
    assert found["type_accuracy"] == 3 / 4  # The second, a cart, was taken for a view.
    # F1 of view 2 * 2 / (3 + 2), of cart 0, of buy 1.
    assert found["type_macro_f1"] == pytest.approx((0.8 + 0 + 1) / 3)
    assert found["type_log_loss"] == pytest.approx(-np.log([0.7, 0.3, 0.6, 0.9]).mean())
    brier = [0.09 + 0.04 + 0.01, 0.25 + 0.49 + 0.04, 0.04 + 0.04 + 0.16, 0.01 + 0.01]
    assert found["type_brier"] == pytest.approx(np.mean(brier))
    assert found["type_precision_view"] == pytest.approx(2 / 3)
    assert found["type_recall_cart"] == 0 and found["type_recall_buy"] == 1
    assert not any(name.startswith("gap") for name in found)


def test_metrics_equal_scikit_learn():
    model, queries = random_cases()
    evaluation = evaluate_events(model, queries)
    targets, found = queries.target_columns["action"] - 1, evaluation.metrics
    likely = model.probabilities.argmax(axis=1)
    assert found["type_accuracy"] == pytest.approx(metrics.accuracy_score(targets, likely))
    f1 = metrics.f1_score(targets, likely, average="macro")
    assert found["type_macro_f1"] == pytest.approx(f1)
    assert found["type_log_loss"] == pytest.approx(metrics.log_loss(targets, model.probabilities))
    matrix = metrics.confusion_matrix(targets, likely)
    np.testing.assert_array_equal(evaluation.confusion.loc[list(TYPES)], matrix)


def test_a_type_unknown_to_training_is_wrong_and_a_missing_one_no_case():
    # Codes 4 and 5: unknown and missing.
    evaluation = evaluate_events(Fixed(PROBABILITIES), make_queries([1, 4, 5, 1]))
    assert evaluation.targets.tolist() == [0, 3, -1, 0]
    assert evaluation.metrics["type_accuracy"] == pytest.approx(2 / 3)
    assert evaluation.metrics["type_precision_view"] == pytest.approx(2 / 3)
    loss = -np.log([0.7, 0.9]).mean()
    assert evaluation.metrics["type_log_loss"] == pytest.approx(loss)
    assert evaluation.to_dict()["unknown_types"] == 1
    assert evaluation.confusion.loc["<unknown>", "view"] == 1


def test_weights_move_the_decision_and_no_probability():
    queries = make_queries([1, 2, 3, 1])
    plain = evaluate_events(Fixed(PROBABILITIES), queries)
    weighted = evaluate_events(Fixed(PROBABILITIES), queries, decision_weights=[1, 2, 1])
    assert weighted.metrics["type_macro_f1"] == 1.0
    assert weighted.metrics["type_decision_accuracy"] == 1.0
    for name in ("type_accuracy", "type_log_loss", "type_brier", "type_ece"):
        assert weighted.metrics[name] == plain.metrics[name]


def test_times_by_hand():
    gaps = [np.e**3 - 1, np.e**5 - 1, np.e**7 - 1, 0]  # 3, 5, 7 and 0 in log(1 + seconds).
    model = Fixed(PROBABILITIES, medians=[np.expm1(4.0)] * 4)
    found = evaluate_events(model, make_queries([1] * 4, gaps)).metrics
    assert found["gap_mae_log1p"] == pytest.approx((1 + 1 + 3 + 4) / 4)
    density = norm.logpdf([3, 5, 7, 0], 4, 1).mean()
    assert found["gap_log_likelihood"] == pytest.approx(density)
    # The central intervals reach 0.674 and 1.645 from the median.
    assert found["gap_coverage_50"] == 0 and found["gap_coverage_90"] == 0.5


def test_a_gap_that_is_missing_or_negative_is_no_case():
    model = Fixed(PROBABILITIES, medians=[np.expm1(4.0)] * 4)
    queries = make_queries([1] * 4, [np.expm1(5.0), np.nan, -7, np.expm1(3.0)])
    assert evaluate_events(model, queries).metrics["gap_mae_log1p"] == pytest.approx(1)


def test_times_are_not_measured_if_queries_contain_them():
    model, queries = random_cases(query_time=True)
    found = evaluate_events(model, queries)
    assert not any(name.startswith("gap") for name in found.metrics)
    assert found.to_dict()["protocol"]["query_time"] is True


def test_the_size_of_chunks_changes_nothing():
    model, queries = random_cases(50)
    tables = [evaluate_events(model, queries, chunk_size=size).table for size in (7, 64)]
    pd.testing.assert_frame_equal(*tables)


def test_intervals_draw_users_with_all_their_events():
    model, queries = random_cases()
    table = evaluate_events(model, queries).table
    alone = event_intervals([table], TYPES, resamples=200)["type_log_loss"]
    # Every event four times by the same user says no more than once.
    fourfold = event_intervals([pd.concat([table] * 4)], TYPES, resamples=200)["type_log_loss"]
    assert fourfold == pytest.approx(alone)
    by_event = event_intervals([table.assign(user=np.arange(len(table)))], TYPES, resamples=200)
    error = table["type_log_loss"].std() / np.sqrt(len(table))
    low, high = by_event["type_log_loss"][1:]
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)


def test_weights_of_events_are_copies():
    model, queries = random_cases(60)
    table = evaluate_events(model, queries).table
    weights = np.random.default_rng(1).integers(0, 3, len(table))
    copies = table.loc[np.repeat(table.index, weights)]
    assert event_metrics(table, TYPES, weights.astype(float)) == pytest.approx(
        event_metrics(copies, TYPES)
    )


def test_the_better_model_is_found_and_an_equal_one_is_not():
    model, queries = random_cases()
    blind = Fixed(np.tile(model.probabilities.mean(axis=0), (len(queries), 1)), model.medians + 9)
    best, worse = evaluate_events(model, queries), evaluate_events(blind, queries)
    table = compare_events(best, worse, resamples=100)
    row = table.loc["type_log_loss"]
    gain = best.metrics["type_log_loss"] - worse.metrics["type_log_loss"]
    assert row["difference"] == pytest.approx(gain)
    assert row["low"] < gain < row["high"] < 0 and row["p"] < 0.03
    assert compare_events(best, best, resamples=50)["p"].tolist() == [1, 1, 1]


def test_models_with_different_query_fields_are_not_compared():
    model, queries = random_cases(40)
    told = replace(queries, protocol=Protocol(query_time=True))
    plain, with_time = evaluate_events(model, queries), evaluate_events(model, told)
    with pytest.raises(ValueError, match="both be told the time of the target"):
        compare_events(with_time, plain)
    others = evaluate_events(model, random_cases(40, seed=1)[1])
    with pytest.raises(ValueError, match="evaluated on the same queries"):
        compare_events(others, plain)


def test_what_is_missing_is_named():
    model, queries = random_cases(10)
    with pytest.raises(ValueError, match="`PredictsEvents`"):
        evaluate_events(MostPopular(), queries)
    with pytest.raises(ValueError, match="name a Category `action` in the schema"):
        evaluate_events(model, replace(queries, target_columns={}))


def test_floors_from_a_log_to_their_measures():
    # Users alternate view and buy, an hour apart; the last of five events is a view.
    rows = [
        (u, f"i{k}", ("view", "buy")[k % 2], 86_400 * u + 3_600 * k)
        for u in range(8)
        for k in range(5)
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "action", "timestamp"])
    split = last_event(Interactions(frame, "timed", name="toy"))
    data = prepare(split, ("timestamp",), Schema({"action": Category()}))
    types = data.schema["action"].values
    found = {
        kind: evaluate_events(kind(types).fit(data.train, data.num_items), data.test).metrics
        for kind in (MajorityType, RepeatLastType, MarkovTypes, MedianGap)
    }
    assert types == ("view", "buy")
    assert found[MajorityType]["type_accuracy"] == found[MarkovTypes]["type_accuracy"] == 1
    assert found[RepeatLastType]["type_accuracy"] == 0
    assert found[MedianGap]["gap_mae_log1p"] == pytest.approx(0, abs=1e-9)
