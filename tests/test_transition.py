"""Transition counts of the last few items, by hand and beside the Markov chain."""

import numpy as np
import pytest
from harness import make_histories, random_lists
from test_baselines import make_queries

from recmodels.models.markov import Markov
from recmodels.models.transition import Transitions

QUERIES = make_queries([[1, 2], [2], [], [3, 1, 2]])


def test_scores_by_hand():
    # P = 1/5, 2/5, 2/5; T(1, 2) = 1, T(1, 3) = 1/2 (two steps ahead), T(2, 3) = 2.
    # After 1, 2: (T(2, j) + P(j)) / 3 + 1/2 * (T(1, j) + P(j)) / 2.5. After 2: the first part.
    train = make_histories([[1, 2, 3], [2, 3]])
    scores = Transitions(depth=2, decay=0.5, backoff=1.0).fit(train, 3).score(QUERIES)
    last = np.array([0.2, 0.4, 2.4]) / 3
    both = last + 0.5 * np.array([0.2, 1.4, 0.9]) / 2.5
    np.testing.assert_allclose(scores[:, 1:], [both, last, [0.2, 0.4, 0.4], both], rtol=1e-6)


def test_depth_one_is_the_markov_chain():
    train = make_histories(random_lists(30, 8, 6))
    queries = make_queries(random_lists(5, 4, 6, seed=1))
    found = Transitions(depth=1, decay=0.3, backoff=2.0).fit(train, 6).score(queries)
    np.testing.assert_allclose(found, Markov(smoothing=2.0).fit(train, 6).score(queries), rtol=1e-5)


def test_counts_stay_within_a_user():
    model = Transitions(depth=3).fit(make_histories([[1, 2], [3], [3, 1]]), 3)
    assert model.transitions.toarray()[1:, 1:].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"depth": 0}, "`depth` must be at least 1.*depth=0"),
        ({"decay": 0.0}, r"`decay` must be in \(0, 1\].*decay=0.0"),
        ({"backoff": 0.0}, "`backoff` must be positive.*backoff=0.0"),
    ],
)
def test_refuses_impossible_options(options, match):
    with pytest.raises(ValueError, match=match):
        Transitions(**options)
