"""Measures over held-out ratings, by hand and against slow loops."""

import numpy as np
import pandas as pd
import pytest
from test_ratings import rated

from recmodels.evaluation import held_out as module
from recmodels.evaluation.held_out import (
    interval_of_sums,
    measure_held_out,
    predict_ratings,
    summarise_held_out,
    user_sums,
)
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.features.sequences import Queries
from recmodels.models.popularity import MostPopular
from recmodels.models.retrieve_then_rank import RetrieveThenRank
from recmodels.models.user_item_bias import UserItemBias

V = 6
SEEN = [[1, 2], [1, 2], [3]]  # One row a held-out rating: the first user has two.
QUERIES = Queries(
    rated(SEEN), np.array([0, 0, 1], np.int32), np.array([3, 4, 6], np.int32), np.ones(3, bool)
)


class Fixed:
    """Scores that say the larger id is better, and ratings of half the id."""

    max_length = None
    columns = ("value",)

    def score(self, queries, items=None):
        assert queries["value"].shape == queries["item_ids"].shape
        wanted = np.arange(V + 1.0) if items is None else np.asarray(items, float)
        return np.tile(wanted, (len(queries["item_ids"]), 1))

    def rate(self, queries, items):
        return np.asarray(items) / 2


def test_hits_and_errors_by_hand(monkeypatch):
    monkeypatch.setattr(module, "LIST_LENGTH", 3)
    table = measure_held_out(Fixed(), QUERIES, np.array([1.0, 2.0, 5.0]), rates=True)
    # Ranks of 3, 4, 6 among six: 4, 3, 1; nothing better than them has been seen.
    assert table["top_100"].tolist() == [0, 1, 1]
    assert table["top_100_filtered"].tolist() == [0, 1, 1]
    # Expected 1.5, 2, 3 against 1, 2, 5.
    assert table["rmse"].tolist() == [0.25, 0, 4]
    assert table["user"].tolist() == [0, 0, 1]
    found = summarise_held_out(table)
    assert found["top_100"] == {"mean": pytest.approx(2 / 3), "users": pytest.approx(0.75)}
    roots = [np.sqrt(0.125), 2.0]
    assert found["rmse"]["mean"] == pytest.approx(np.sqrt(4.25 / 3))
    assert found["rmse"]["users"] == pytest.approx(np.mean(roots))


def test_the_filter_takes_the_seen_off_the_list(monkeypatch):
    monkeypatch.setattr(module, "LIST_LENGTH", 3)
    seen_best = Queries(
        rated([[6, 5]]), np.array([0], np.int32), np.array([3], np.int32), np.ones(1, bool)
    )
    table = measure_held_out(Fixed(), seen_best, np.zeros(1), rates=False)
    assert (table["top_100"][0], table["top_100_filtered"][0]) == (0, 1)  # Ranks 4 and 2.
    assert list(table.columns) == ["user", "top_100", "top_100_filtered"]


def test_chunks_change_nothing(monkeypatch):
    whole = predict_ratings(Fixed(), QUERIES)
    monkeypatch.setattr(module, "_CHUNK_ROWS", 2)
    np.testing.assert_array_equal(predict_ratings(Fixed(), QUERIES), whole)


def test_user_sums_by_hand():
    table = pd.DataFrame({"user": [0, 0, 2], "rmse": [1.0, 2.0, 4.0]})
    found = user_sums(table, seed=3, num_users=4)
    assert found["rmse_seed_3"].tolist() == [3, 0, 4, 0]
    assert found["ratings_seed_3"].tolist() == [2, 0, 1, 0]


def test_users_are_drawn_with_all_their_ratings():
    # Errors 1, and 2 with 4 each: alone they have RMSE 1 and 2, together (9 / 3) ** 0.5. Of two
    # draws a quarter are all of the first and a quarter all of the second, so they are the ends.
    table = pd.DataFrame({"user": [0, 2, 2], "rmse": [1.0, 4.0, 4.0], "top_100": [1.0, 0, 0]})
    sums = user_sums(table, seed=0, num_users=4)
    assert interval_of_sums(sums, "rmse") == (1, 2)
    assert interval_of_sums(sums, "top_100") == (0, 1)
    # A second seed without errors: the mean of both roots.
    both = sums.assign(**user_sums(table.assign(rmse=0.0), seed=1, num_users=4))
    assert interval_of_sums(both, "rmse") == (0.5, 1)


def test_many_users_agree_with_the_bootstrap_of_means():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"user": np.arange(300), "top_100": rng.random(300)})
    found = interval_of_sums(user_sums(table, seed=0, num_users=300), "top_100")
    expected = bootstrap_interval(table["top_100"].to_numpy())  # One rating each: a plain mean.
    assert found == pytest.approx(expected[1:], abs=0.003)


def test_bias_by_hand():
    train = rated([[1, 2], [1]])
    train.columns["value"][:] = [5, 2, 3]
    model = UserItemBias(item_shrinkage=1.0, user_shrinkage=2.0).fit(train, 3)
    # Mean 10/3. b_1 = (5/3 - 1/3) / 3 = 4/9, b_2 = -4/3 / 2 = -2/3, b_3 = 0.
    np.testing.assert_allclose(model.item_bias[1:], [4 / 9, -2 / 3, 0], atol=1e-12)
    queries = {"item_ids": np.array([[0, 2], [2, 1]]), "value": np.array([[0.0, 3], [2, 5]])}
    # First user: (3 - 10/3 + 2/3) / 3 = 1/9; second: ((2 - 10/3 + 2/3) + (5 - 10/3 - 4/9)) / 4.
    second = (-2 / 3 + 11 / 9) / 4
    found = model.rate(queries, np.array([3, 3]))
    np.testing.assert_allclose(found, [10 / 3 + 1 / 9, 10 / 3 + second], rtol=1e-6)
    several = model.rate(queries, np.array([[3, 1], [3, 2]]))
    np.testing.assert_allclose(several[:, 0], found, rtol=1e-6)
    assert several.max() <= 5 and model.score(queries).shape == (2, 4)


def test_bias_needs_ratings():
    train = rated([[1, 2]])
    train.columns.clear()
    with pytest.raises(ValueError, match="columns="):
        UserItemBias().fit(train, 3)


def test_two_stages_by_hand():
    class Dislikes(Fixed):
        def rate(self, queries, items):
            return 10.0 - np.asarray(items)

    queries = {"item_ids": np.zeros((2, 1), int), "value": np.zeros((2, 1))}
    model = RetrieveThenRank(Fixed(), Dislikes(), depth=3)
    order = np.argsort(-model.score(queries)[0, 1:]) + 1
    # Picked: 6, 5, 4; the ranker turns them round; then 3, 2, 1 as they were.
    assert order.tolist() == [4, 5, 6, 3, 2, 1]
    few = RetrieveThenRank(Fixed(), Dislikes(), depth=2)
    assert few.score(queries, np.array([2, 5, 1])).shape == (2, 3)
    assert RetrieveThenRank(Fixed(), Dislikes(), depth=100).score(queries).shape == (2, V + 1)
    # With a large weight the retriever's own order wins.
    own = RetrieveThenRank(Fixed(), Dislikes(), depth=3, weight=100.0)
    assert (np.argsort(-own.score(queries)[0, 1:]) + 1).tolist() == [6, 5, 4, 3, 2, 1]
    assert model.columns == ("value",)


def test_a_stage_must_pick_something():
    with pytest.raises(ValueError, match="`depth`"):
        RetrieveThenRank(Fixed(), Fixed(), depth=0)


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (np.ones(1), r"one number per query. Received: model=UserItemBias, shape=\(1,\)"),
        (np.full(len(QUERIES), np.nan), r"`ratings` must be finite.*ratings=\[nan\], row=\[0\]"),
    ],
)
def test_one_finite_rating_per_query(ratings, message):
    model = UserItemBias().fit(rated([[1, 2, 3], [2, 3]]), V)
    with pytest.raises(ValueError, match=message):
        measure_held_out(model, QUERIES, ratings, retrieves=False)


def test_ratings_are_measured_only_for_models_that_rate():
    model = MostPopular().fit(rated([[1, 2, 3]]), V)
    with pytest.raises(ValueError, match="a model with `rate.queries, items.`.*MostPopular"):
        measure_held_out(model, QUERIES, np.ones(len(QUERIES)), retrieves=False)


@pytest.mark.parametrize(
    "queries",
    [{"item_ids": [[1, 2]]}, {"item_ids": [[1, 2]], "value": [[1.0, np.nan]]}],
    ids=["without ratings", "a rating is missing"],
)
def test_queries_that_lack_ratings_are_refused(queries):
    model = UserItemBias().fit(rated([[1, 2, 3]]), V)
    with pytest.raises(ValueError, match="value"):
        model.rate(queries, np.array([3]))
