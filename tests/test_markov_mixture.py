"""Mixtures of Markov chains: the likelihood, EM, planted segments and intents."""

import numpy as np
import pandas as pd
import pytest
from harness import make_log
from sklearn.metrics import adjusted_rand_score

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.insights.markov_mixture import (
    MarkovMixture,
    Sequences,
    fit_markov_mixture,
    label_sequences,
)


def planted(users=120, length=15, seed=0):
    """Three segments over four states: they go up, go down, or stay with probability 0.8."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(3, size=users)
    step = np.array([1, -1, 0])[segment][:, None]
    strays = rng.integers(4, size=(users, length)) * (rng.random((users, length)) < 0.2)
    states = (rng.integers(4, size=(users, 1)) + np.cumsum(step + strays, axis=1)) % 4
    offsets = np.arange(users + 1) * length
    return Sequences((0, 1, 2, 3), states.ravel(), offsets, np.arange(users)), segment


def test_the_likelihood_by_hand():
    # Histories "a a b" and "?": with one chain of start (0.75, 0.25) and moves a to a 0.5, a to b
    # 0.5 the first has 0.75 * 0.5 * 0.5; the other tells nothing.
    moves = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.2, 0.8], [0.9, 0.1]]])
    starts = np.array([[0.75, 0.25], [0.5, 0.5]])
    mixture = MarkovMixture(("a", "b"), np.array([0.6, 0.4]), starts, moves, np.zeros(1), -1.0, 2)
    sequences = Sequences(("a", "b"), np.array([0, 0, 1, -1]), np.array([0, 3, 4]), np.arange(2))
    first, second = 0.6 * 0.75 * 0.5 * 0.5, 0.4 * 0.5 * 0.2 * 0.8
    found = mixture.responsibilities(sequences)
    np.testing.assert_allclose(found[0], np.array([first, second]) / (first + second))
    np.testing.assert_allclose(found[1], [0.6, 0.4])
    assert mixture.score(sequences) == pytest.approx(np.log(first + second))
    # 1 share, 2 segments with 1 first state and 2 moves that are free.
    assert mixture.bic == pytest.approx(2 * 1.0 + 7 * np.log(2))


@pytest.mark.parametrize("segments", [1, 3, 8])
def test_the_objective_never_falls(segments):
    for seed in range(3):
        found = fit_markov_mixture(planted()[0], segments, attempts=1, seed=seed)
        assert (np.diff(found.history) > -1e-8).all() and len(found.history) > 1


def test_planted_segments_are_recovered_and_bic_finds_their_number():
    sequences, segment = planted()
    fits = {k: fit_markov_mixture(sequences, k, attempts=3) for k in (1, 2, 3, 4)}
    assert min(fits, key=lambda k: fits[k].bic) == 3
    fresh, truth = planted(seed=1)
    assert adjusted_rand_score(segment, fits[3].assign(sequences)) > 0.9
    assert adjusted_rand_score(truth, fits[3].assign(fresh)) > 0.9
    assert (np.diff(fits[3].weights) <= 0).all() and fits[3].weights.sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same_mixture():
    sequences = planted()[0]
    first, again, other = (fit_markov_mixture(sequences, 4, seed=s, attempts=1) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.moves, again.moves)
    assert np.abs(first.moves - other.moves).max() > 1e-3


def test_a_segment_without_users_stays_finite():
    # Two kinds of user and six segments: most have nobody.
    sequences = label_sequences(make_log([[1, 1, 1, 1]] * 9 + [[1, 2, 1, 2]] * 9), "item")
    found = fit_markov_mixture(sequences, 6)
    for values in (found.weights, found.starts, found.moves):
        assert np.isfinite(values).all() and (values > 0).all()
    assert len(set(found.assign(sequences))) == 2


def test_intents_of_the_shop_are_recovered_from_categories():
    shop = rm.simulate(600, 140, seed=1)
    log = shop.interactions
    sequences = label_sequences(log, "category", piece=8)
    found = fit_markov_mixture(sequences, 7, attempts=3)
    whole = np.diff(sequences.offsets) == 8
    pieces = np.repeat(np.arange(len(sequences)), np.diff(sequences.offsets))
    intent = pd.crosstab(pieces, shop.intents).to_numpy().argmax(axis=1)
    assert adjusted_rand_score(intent[whole], found.assign(sequences)[whole]) > 0.8


def test_labels_come_from_events_and_items_and_pieces_are_histories():
    items = pd.DataFrame({"kind": ["x", "y"]}, index=[1, 2])
    frame = pd.DataFrame({"user": [5, 5, 5, 9], "item": [1, 2, 2, 1], "act": list("vvbv")})
    log = Interactions(frame, "ordered", "toy", items)
    both = label_sequences(log, ("act", "kind"))
    assert both.names == (("b", "y"), ("v", "x"), ("v", "y"))
    assert both.codes.tolist() == [1, 2, 0, 1] and both.offsets.tolist() == [0, 3, 4]
    cut = label_sequences(log, "act", names=("v",), piece=2)
    assert cut.offsets.tolist() == [0, 2, 3, 4] and cut.users.tolist() == [5, 5, 9]
    starts, moves = cut.counts()
    assert starts.toarray().ravel().tolist() == [1, 0, 1] and moves.sum() == 1
    mixture = fit_markov_mixture(cut, 2)
    with pytest.raises(ValueError, match="`sequences` must have the labels of the mixture"):
        mixture.assign(both)


def test_a_session_of_a_hundred_thousand_events():
    codes = np.tile(np.arange(4), 25_000)
    sequences = Sequences((0, 1, 2, 3), codes, np.array([0, 100_000]), np.arange(1))
    found = fit_markov_mixture(sequences, 1)
    np.testing.assert_allclose(np.diag(np.roll(found.moves[0], -1, axis=1)), 1, atol=1e-3)


def test_bad_input_is_refused():
    log = make_log([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="`columns` must be columns of the events or the items"):
        label_sequences(log, "category")
    with pytest.raises(ValueError, match="`num_segments` must be at most the number of users"):
        fit_markov_mixture(label_sequences(log, "item"), 3)
    with pytest.raises(ValueError, match="`prior` must be greater than 0. Received: prior=0"):
        fit_markov_mixture(label_sequences(log, "item"), 1, prior=0)
    with pytest.raises(ValueError, match="1 to 1,000 different labels"):
        label_sequences(make_log([list(range(1, 1_100))]), "item")
    unordered = Interactions(pd.DataFrame({"user": [1], "item": [2]}), "unordered")
    with pytest.raises(ValueError, match="`label_sequences` needs a source"):
        label_sequences(unordered, "item")
