import numpy as np
import pytest
from scipy.stats import rankdata
from test_baselines import HISTORIES, QUERIES, V, make_histories

from recmodels.models.ease import EASE
from recmodels.models.hybrid import Hybrid, scale_by_spread
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular


class Fixed:
    """Answers the same, whatever it is asked, and remembers the question."""

    def __init__(self, scores, max_length=None):
        self.scores, self.max_length = np.array(scores, np.float32), max_length

    def score(self, queries, items=None):
        self.asked = queries["item_ids"]
        return np.tile(self.scores, (len(self.asked), 1))


def test_hybrid_of_ranges_by_hand():
    # Padding, however extreme, is no score. (10, 20, 40) -> (0, 1/3, 1); (-1, -3, -3) -> (1, 0, 0).
    # 0.5 and 2 times: (2, 1/6, 1/2).
    hybrid = Hybrid([Fixed([99, 10, 20, 40]), Fixed([-99, -1, -3, -3])], [0.5, 2])
    np.testing.assert_allclose(hybrid.score(QUERIES)[0, 1:], [2, 1 / 6, 1 / 2], rtol=1e-6)


def test_hybrid_of_ranks_by_hand():
    # Ranks (3, 2, 1) and (1, 3, 3): 1 / (60 + rank), once and three times.
    hybrid = Hybrid([Fixed([99, 10, 20, 40]), Fixed([-99, -1, -3, -3])], [1, 3], "rank")
    expected = [1 / 63 + 3 / 61, 1 / 62 + 3 / 63, 1 / 61 + 3 / 63]
    np.testing.assert_allclose(hybrid.score(QUERIES)[0, 1:], expected, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["range", "rank"])
def test_hybrid_equals_the_slow_way(scaling):
    train = make_histories(HISTORIES)
    parts, weights = [Markov().fit(train, V), EASE(2.0).fit(train, V)], [0.3, 0.7]
    slow = np.zeros((len(QUERIES["user_ids"]), V))
    for part, weight in zip(parts, weights, strict=True):
        for user, row in enumerate(part.score(QUERIES)[:, 1:].astype(np.float64)):
            if scaling == "range":
                slow[user] += weight * (row - row.min()) / (np.ptp(row) or 1)
            else:
                slow[user] += weight / (60 + rankdata(-row, method="max"))
    found = Hybrid([Markov(), EASE(2.0)], weights, scaling).fit(train, V).score(QUERIES)
    np.testing.assert_allclose(found[:, 1:], slow, rtol=1e-5)


@pytest.mark.parametrize("scaling", ["range", "rank"])
def test_a_hybrid_of_one_model_keeps_its_order(scaling):
    train = make_histories(HISTORIES)
    alone = MostPopular().fit(train, V).score(QUERIES)[0, 1:]
    found = Hybrid([MostPopular(), Markov()], [1, 0], scaling).fit(train, V).score(QUERIES)[0, 1:]
    np.testing.assert_array_equal(rankdata(found), rankdata(alone))


def test_a_model_with_constant_scores_changes_no_order():
    flat = Hybrid([Fixed([0, 5, 5, 5]), Fixed([0, 1, 2, 3])], [1, 1]).score(QUERIES)[0, 1:]
    assert flat.tolist() == [0, 0.5, 1]


def test_each_model_reads_at_most_its_max_length():
    short, long = Fixed([0, 1, 2], max_length=2), Fixed([0, 1, 2])
    Hybrid([short, long], [1, 1]).score(QUERIES)
    np.testing.assert_array_equal(short.asked, QUERIES["item_ids"][:, -2:])
    np.testing.assert_array_equal(long.asked, QUERIES["item_ids"])


def test_models_trained_before_are_not_trained_again():
    trained = Fixed([0, *range(V)])  # It has no `fit` to call.
    hybrid = Hybrid([trained, Hybrid([Markov()], [1])], [1, 1])
    assert hybrid.fit(make_histories(HISTORIES), V).score(QUERIES).shape == (6, V + 1)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], []])
def test_refuses_impossible_weights(weights):
    with pytest.raises(ValueError, match="`weights` must be one per model.*Received: 2 models"):
        Hybrid([Markov(), MostPopular()], weights)


def test_refuses_an_unknown_scaling():
    message = r"`scaling` must be one of \['range', 'rank', 'spread'\].*'sum'"
    with pytest.raises(ValueError, match=message):
        Hybrid([Markov()], [1], scaling="sum")


def test_spread_by_hand():
    found = scale_by_spread(np.array([[1.0, 3.0], [5.0, 5.0]]))
    # The standard deviation of 1 and 3 is 1; equal scores stay as they are.
    np.testing.assert_allclose(found, [[1, 3], [5, 5]])
    np.testing.assert_allclose(scale_by_spread(np.array([[2.0, 6.0]])), [[1, 3]])
