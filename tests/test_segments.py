"""Clusters of states, their stability, and cards in words."""

import numpy as np
import pytest
from harness import make_log
from sklearn.metrics import adjusted_rand_score

from recmodels.insights.markov_mixture import fit_markov_mixture, label_sequences
from recmodels.insights.segments import StateClusters, cluster_cards, stability


def blobs(count=120, seed=0):
    """Three groups of states, the first half of all; the second number is on a large scale."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, size=count, p=[0.5, 0.3, 0.2])
    centres = np.array([[0.0, 0.0], [5.0, 3000.0], [-5.0, 3000.0]])
    return centres[group] + rng.normal(size=(count, 2)) * [0.5, 300], group


def test_planted_clusters_are_recovered_and_numbered_by_size():
    states, group = blobs()
    clusters = StateClusters(3).fit(states)
    found = clusters.assign(states)
    assert adjusted_rand_score(group, found) > 0.95
    assert (np.diff(np.bincount(found)) <= 0).all()
    fresh, truth = blobs(seed=1)
    assert adjusted_rand_score(truth, clusters.assign(fresh)) > 0.95
    np.testing.assert_array_equal(found, StateClusters(3).fit(states).assign(states))


def test_true_clusters_are_stable_and_those_of_noise_are_not():
    def of(states, number):
        def cluster(rows):
            return StateClusters(number, attempts=2).fit(states[rows]).assign(states)

        return stability(cluster, len(states), samples=5).mean()

    noise = np.random.default_rng(0).normal(size=(120, 6))
    assert of(blobs()[0], 3) > 0.9 and of(noise, 5) < 0.6


def test_mixtures_have_a_stability_too():
    lists = [[1, 2, 1, 2, 1]] * 10 + [[1, 1, 2, 2, 2]] * 10
    sequences = label_sequences(make_log(lists), "item")

    def cluster(rows):
        return fit_markov_mixture(sequences.select(rows), 2, attempts=1).assign(sequences)

    assert stability(cluster, len(sequences), samples=3).min() == 1


def test_cards_by_hand():
    log = make_log([[1, 2, 1, 2], [1, 1, 1, 3], [2, 2]])
    sequences = label_sequences(log, "item", names=(1, 2))  # Item 3 is unknown.
    titles = np.array(["A", "B", None, "D"])[log.events["item"].to_numpy()]
    first, second = cluster_cards(sequences, np.array([0, 1, 1]), titles, top=1)
    assert (first.cluster, first.size, first.share) == (0, 1, pytest.approx(1 / 3))
    # Of 9 known events 5 are of item 1 and 4 of item 2; the second cluster has 3 of 5.
    ((label, share, lift),) = second.labels
    assert (label, share, lift) == (1, pytest.approx(3 / 5), pytest.approx(3 / 5 / (5 / 9)))
    # In the first cluster 1 leads to 2 always, among all histories in two of four steps.
    ((step, share, lift),) = first.steps
    assert (tuple(step), share, lift) == ((1, 2), 1.0, 2.0)
    # Item 2 has no title here: B twice in the first cluster, B three times and D once elsewhere.
    ((title, share, lift),) = second.items
    assert (title, share, lift) == ("D", pytest.approx(1 / 4), pytest.approx(1 / 4 / (1 / 6)))


def test_cards_in_words():
    log = make_log([[1, 2, 1, 2], [3, 3, 3, 3]])
    sequences = label_sequences(log, "item")
    card = cluster_cards(sequences, np.array([0, 1]), top=1)[1]
    english = "Cluster 1: 1 histories (50%)\n  Typical labels: 3 (100%, 2.0 times the average)"
    assert card.describe() == english
    chinese = "群组 1：1 段历史（50%）\n  典型标签：3 (100%，为平均的 2.0 倍)"
    assert card.describe("zh") == chinese
    moving = cluster_cards(label_sequences(make_log([[1, 2, 1], [1, 1, 2]]), "item"), [0, 1])[0]
    assert "1 -> 2 (100%, 1.5 times the average)" in moving.describe()


def test_bad_input_is_refused():
    states, _ = blobs()
    with pytest.raises(ValueError, match="`states` must have at least as many different rows"):
        StateClusters(3).fit(np.ones((9, 2)))
    with pytest.raises(ValueError, match="`states` must be finite numbers"):
        StateClusters(3).fit(states * np.nan)
    with pytest.raises(ValueError, match="`num_clusters` must be"):
        StateClusters(0)
    sequences = label_sequences(make_log([[1, 2], [2, 1]]), "item")
    with pytest.raises(ValueError, match="`clusters` must be one number per history"):
        cluster_cards(sequences, [0])
    with pytest.raises(ValueError, match="`items` must be one per event"):
        cluster_cards(sequences, [0, 1], items=["A"])
    with pytest.raises(ValueError, match="`language` must be one of"):
        cluster_cards(sequences, [0, 1])[0].describe("fr")
