from itertools import combinations
from math import log2

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from recmodels.evaluation import metrics


def slow_metrics(rank, k):
    """Every metric of one user from the list of hits and misses."""
    hits = [1 if place == rank else 0 for place in range(1, k + 1)]
    found = sum(hits)
    gain = sum(hit / log2(place + 1) for place, hit in enumerate(hits, start=1))
    precisions = [sum(hits[:place]) / place for place in range(1, k + 1)]
    return {
        "hr": float(found > 0),
        "recall": found / 1,
        "precision": found / k,
        "f1": 2 * (found / k) * found / (found / k + found) if found else 0.0,
        "ndcg": gain / (1 / log2(2)),
        "mrr": next((1 / place for place, hit in enumerate(hits, start=1) if hit), 0.0),
        "map": sum(p * hit for p, hit in zip(precisions, hits, strict=True)) / 1,
    }


@pytest.mark.parametrize("k", [1, 3, 10])
def test_rank_metrics_equal_a_loop(k):
    ranks = np.arange(1, 14)
    expected = [slow_metrics(rank, k) for rank in ranks]
    for name in metrics.RANK_METRICS:
        values = metrics.rank_metric(f"{name}@{k}", ranks)
        np.testing.assert_allclose(values, [row[name] for row in expected], err_msg=name)


def test_rank_metrics_by_hand():
    # Rank 3 in a list of 4: HR 1, precision 1/4, F1 2 (1/4) 1 / (5/4) = 0.4,
    # NDCG 1 / log2(4) = 0.5, MRR = MAP = 1/3. Rank 5 is a miss.
    by_hand = {
        "hr": 1,
        "recall": 1,
        "precision": 1 / 4,
        "f1": 0.4,
        "ndcg": 0.5,
        "mrr": 1 / 3,
        "map": 1 / 3,
    }
    for name, value in by_hand.items():
        np.testing.assert_allclose(metrics.RANK_METRICS[name](np.array([3, 5]), 4), [value, 0])


def test_ndcg_and_map_equal_scikit_learn():
    scores = np.random.default_rng(0).permuted(np.tile(np.arange(12.0), (20, 1)), axis=1)
    truth = np.eye(12)[np.arange(20) % 12]
    ranks = 1 + (scores > (scores * truth).sum(axis=1, keepdims=True)).sum(axis=1)
    assert metrics.ndcg(ranks, 5).mean() == pytest.approx(ndcg_score(truth, scores, k=5))
    expected = [average_precision_score(t, s) for t, s in zip(truth, scores, strict=True)]
    np.testing.assert_allclose(metrics.average_precision(ranks, 12), expected)


def test_metrics_never_rise_with_the_rank_nor_fall_with_k():
    ranks = np.arange(1, 30)
    for name in ("hr", "recall", "ndcg", "mrr", "map"):
        for k in range(1, 12):
            values = metrics.RANK_METRICS[name](ranks, k)
            assert (np.diff(values) <= 0).all()
            assert (metrics.RANK_METRICS[name](ranks, k + 1) >= values).all()
            assert values.max() == 1 and values.min() == 0


def test_ranks_of_several_seeds_keep_their_shape():
    ranks = np.array([[1, 2], [3, 11]])
    np.testing.assert_allclose(metrics.ndcg(ranks, 10), [[1, 1 / log2(3)], [0.5, 0]])


@pytest.mark.parametrize("name", ["ndcg", "ndcg@", "ndcg@ten", "auc@10", "@10"])
def test_unknown_metrics_are_refused(name):
    with pytest.raises(ValueError, match="`name`.*Received"):
        metrics.rank_metric(name, np.array([1]))


def test_rank_zero_and_length_zero_are_refused():
    with pytest.raises(ValueError, match="Received: lowest=0"):
        metrics.ndcg(np.array([0, 1]), 10)
    with pytest.raises(ValueError, match="Received: k=0"):
        metrics.ndcg(np.array([1]), 0)


LISTS = np.array([[1, 2], [1, 0]])  # The second user could be shown one item only.


def test_coverage_leaves_padding_out():
    assert metrics.coverage(LISTS, 4) == 2 / 4
    assert metrics.coverage(np.zeros((2, 3), int), 4) == 0


def test_novelty_by_hand():
    # Events 5 1 0 0 plus one each: 6 2 1 1 of 10. Listed: 1, 2, 1.
    expected = -(log2(6 / 10) + log2(2 / 10) + log2(6 / 10)) / 3
    assert metrics.novelty(LISTS, np.array([0, 5, 1, 0, 0])) == pytest.approx(expected)


def test_novelty_of_equal_items_is_the_size_of_the_catalogue_in_bits():
    assert metrics.novelty(np.array([[1, 7], [3, 8]]), np.full(9, 4)) == pytest.approx(log2(8))


def test_popularity_share_by_hand():
    # Ten items; the top 10 % is one item: 3 (9 events). The top 11 % rounds up to 3 and 2, which
    # is as popular as 5 but has the smaller id.
    popularity = np.array([0, 1, 5, 9, 1, 5, 1, 1, 1, 1, 1])
    lists = np.array([[3, 5, 2], [3, 4, 0]])
    assert metrics.popularity_share(lists, popularity, 0.1) == pytest.approx(2 / 5)
    assert metrics.popularity_share(lists, popularity, 0.11) == pytest.approx(3 / 5)
    assert metrics.popularity_share(lists, popularity, 1.0) == 1


def test_popularity_share_of_random_lists_is_the_share_of_the_catalogue():
    generator = np.random.default_rng(1)
    lists = generator.integers(1, 1001, (4000, 10))
    share = metrics.popularity_share(lists, generator.permutation(1001), 0.1)
    assert share == pytest.approx(0.1, abs=0.01)  # Standard error 0.0015.


def test_gini_by_hand():
    # Places 3 1 0 0, sorted 0 0 1 3, weights -3 -1 1 3: (1 + 9) / (4 * 4) = 0.625.
    assert metrics.gini(np.array([[1, 2], [1, 0], [1, 0]]), 4) == pytest.approx(0.625)
    assert metrics.gini(np.array([[1, 2], [3, 4]]), 4) == 0
    assert metrics.gini(np.array([[1], [1]]), 4) == pytest.approx(0.75)  # (V - 1) / V


def slow_diversity(items, sets):
    distances = [
        1 - len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        for a, b in combinations([i for i in items if i], 2)
        if sets[a] and sets[b]
    ]
    return sum(distances) / len(distances) if distances else float("nan")


def test_category_diversity_by_hand():
    # Items: 1 {a, b}, 2 {b, c}, 3 {c}. Jaccard: 12 1/3, 13 0, 23 1/2.
    membership = metrics.category_matrix(["a|b", "b|c", "c"])
    values = metrics.category_diversity(np.array([[1, 2, 3], [2, 3, 0], [3, 0, 0]]), membership)
    np.testing.assert_allclose(values, [(2 / 3 + 1 + 1 / 2) / 3, 1 / 2, np.nan])


def test_category_diversity_equals_a_loop():
    generator = np.random.default_rng(3)
    letters = np.array(list("abcde"))
    texts = ["|".join(letters[generator.random(5) < 0.4]) for _ in range(12)]
    sets = [set()] + [set(text.split("|")) - {""} for text in texts]
    lists = generator.integers(0, 13, (30, 6))
    values = metrics.category_diversity(lists, metrics.category_matrix(texts))
    np.testing.assert_allclose(values, [slow_diversity(row, sets) for row in lists])


def test_category_matrix_takes_missing_and_repeated_categories():
    matrix = metrics.category_matrix(["a|a|", None, "", float("nan"), "b|a"])
    assert matrix.toarray().tolist() == [[0, 0], [1, 0], [0, 0], [0, 0], [0, 0], [1, 1]]


def test_vector_diversity_by_hand():
    # 1 and 2 at a right angle, 3 opposite to 1 and longer: distances 12 1, 13 2, 23 1.
    # 4 is a zero vector: not known, left out.
    vectors = np.array([[5, 5], [1, 0], [0, 2], [-3, 0], [0, 0]])
    values = metrics.vector_diversity(np.array([[1, 2, 3], [4, 1, 3], [4, 1, 0]]), vectors)
    np.testing.assert_allclose(values, [4 / 3, 2, np.nan])


def test_lists_without_any_item_are_refused():
    with pytest.raises(ValueError, match="`lists`.*Received"):
        metrics.novelty(np.zeros((2, 3), int), np.ones(5))
