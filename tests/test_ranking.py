from dataclasses import replace

import numpy as np
import pytest

from recmodels.evaluation.metrics import hit_rate
from recmodels.evaluation.ranking import UNRANKED, hide_seen, rank, top_items
from recmodels.features.histories import Histories
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries

INF = np.inf


class Fixed:
    """Scores that are written down: row `user_ids[b]` of a table (U, V + 1)."""

    max_length = None

    def __init__(self, table, max_length=None):
        self.table = np.asarray(table)
        self.max_length = max_length
        self.widths = []

    def score(self, queries, items=None):
        self.widths.append(queries["item_ids"].shape[1])
        return self.table[queries["user_ids"]]


def make_queries(histories, targets, trained=None):
    offsets = np.cumsum([0] + [len(h) for h in histories])
    flat = np.array([item for h in histories for item in h], np.int32)
    users = np.arange(len(histories))
    trained = np.ones(len(histories), bool) if trained is None else np.array(trained)
    return Queries(
        Histories(users, flat, offsets, {}),
        users.astype(np.int32),
        np.array(targets, np.int32),
        trained,
    )


def slow_rank(scores, history, target, trained, filter_seen, k):
    """Rank and list of one user by walking over the items, without a sort by array."""
    items = range(1, len(scores))
    if not trained or (filter_seen and target in history):
        place = UNRANKED
    else:
        place = 1
        for item in items:
            hidden = filter_seen and item in history
            if item != target and not hidden and scores[item] >= scores[target]:
                place += 1
    left = [i for i in items if not (filter_seen and i in history)]
    best = sorted(left, key=lambda i: (-scores[i], i))[:k]
    return place, best + [0] * (k - len(best))


def random_case(generator, num_users=12, num_items=9):
    """Coarse scores (many ties), histories with repeats and unknown items, some cold targets."""
    scores = generator.integers(0, 4, (num_users, num_items + 1)).astype(np.float64)
    histories = [
        generator.integers(1, num_items + 2, generator.integers(0, 7)).tolist()
        for _ in range(num_users)
    ]
    targets = generator.integers(1, num_items + 2, num_users)
    trained = (generator.random(num_users) < 0.8) & (targets <= num_items)
    return scores, histories, targets, trained


@pytest.mark.parametrize("filter_seen", [True, False])
@pytest.mark.parametrize("k", [1, 4, 9, 12])
def test_equals_a_slow_loop_over_the_items(filter_seen, k):
    generator = np.random.default_rng(k)
    for _ in range(20):
        scores, histories, targets, trained = random_case(generator)
        queries = make_queries(histories, targets, trained)
        ranking = rank(Fixed(scores), queries, filter_seen=filter_seen, k=k, chunk_size=5)
        for user in range(len(histories)):
            place, best = slow_rank(
                scores[user], histories[user], targets[user], trained[user], filter_seen, k
            )
            assert ranking.ranks[user] == place
            assert ranking.lists[user].tolist() == best


def test_ranks_and_lists_by_hand():
    # Items 1..4 score 5 7 7 1. Target 3 ties with 2, which counts against it: rank 2.
    queries = make_queries([[1, 4]], [3])
    ranking = rank(Fixed([[9, 5, 7, 7, 1]]), queries, filter_seen=False, k=3)
    assert ranking.ranks.tolist() == [2]
    assert ranking.lists.tolist() == [[2, 3, 1]]
    assert ranking.num_items == 4
    assert ranking.ranks.dtype == ranking.lists.dtype == np.int32


def test_a_model_that_scores_everyone_alike_is_last():
    queries = make_queries([[1]] * 3, [1, 2, 5])
    ranking = rank(Fixed(np.zeros((3, 6))), queries, filter_seen=False)
    assert ranking.ranks.tolist() == [5, 5, 5]


def test_filter_removes_the_whole_history_not_only_what_the_model_reads():
    # Items 1..5 score 5 4 3 2 1 and the model reads one event: 1 and 2 still leave the list.
    queries = make_queries([[1, 2, 5]], [4])
    scorer = Fixed([[0, 5, 4, 3, 2, 1]], max_length=1)
    ranking = rank(scorer, queries, filter_seen=True, k=3)
    assert scorer.widths == [1]
    assert ranking.ranks.tolist() == [2]  # Only 3 is ahead of it.
    assert ranking.lists.tolist() == [[3, 4, 0]]


def test_a_target_that_the_filter_removes_is_a_miss():
    # Item 1 is the best of all, but stands in the history; without a filter it is first.
    queries = make_queries([[1, 2], [2]], [1, 1])
    scorer = Fixed([[0, 5, 4, 3], [0, 5, 4, 3]])
    hidden = rank(scorer, queries, filter_seen=True)
    assert hidden.ranks.tolist() == [UNRANKED, 1] and hidden.filtered.tolist() == [True, False]
    kept = rank(scorer, queries, filter_seen=False)
    assert kept.ranks.tolist() == [1, 1] and not kept.filtered.any()
    # Queries that the list of nobody can hit have no hit.
    assert all(1 not in row for row in hidden.lists[hidden.filtered])


def test_the_protocol_of_the_data_decides_unless_a_call_overrides_it():
    queries = replace(make_queries([[1]], [1]), protocol=Protocol(filter_seen=False))
    scorer = Fixed([[0, 5, 4]])
    assert rank(scorer, queries).ranks.tolist() == [1]
    assert rank(scorer, queries, filter_seen=True).ranks.tolist() == [UNRANKED]
    assert rank(scorer, queries, protocol=Protocol()).ranks.tolist() == [UNRANKED]


class Covering(Fixed):
    """Knows item 3 by its text, though training never saw it."""

    def covered_items(self):
        return np.array([False, False, False, True])


def test_cold_targets_are_ranked_only_where_the_protocol_and_the_model_allow():
    queries = make_queries([[1], [1]], [3, 2], trained=[False, False])
    table, score = [[0, 1, 2, 5]] * 2, Protocol(cold_targets="score")
    assert rank(Covering(table), queries).ranks.tolist() == [UNRANKED, UNRANKED]
    assert rank(Covering(table), queries, protocol=score).ranks.tolist() == [1, UNRANKED]
    assert rank(Fixed(table), queries, protocol=score).ranks.tolist() == [UNRANKED, UNRANKED]


def test_cold_and_unknown_targets_are_misses_whatever_the_scores():
    # Item 2 has the best score but no training event; 4 = V + 1 is not in the catalogue.
    queries = make_queries([[1], [1]], [2, 4], trained=[False, False])
    ranking = rank(Fixed([[0, 1, 9, 3]] * 2), queries, filter_seen=True)
    assert ranking.ranks.tolist() == [UNRANKED, UNRANKED]
    assert hit_rate(ranking.ranks, 10).tolist() == [0, 0]  # Though the list holds all 3 items.


@pytest.mark.parametrize("chunk_size", [1, 3, 7, 100])
def test_chunk_size_changes_nothing(chunk_size):
    scores, histories, targets, trained = random_case(np.random.default_rng(5), num_users=14)
    queries = make_queries(histories, targets, trained)
    whole = rank(Fixed(scores), queries, filter_seen=True, k=4)
    parts = rank(Fixed(scores), queries, filter_seen=True, k=4, chunk_size=chunk_size)
    np.testing.assert_array_equal(whole.ranks, parts.ranks)
    np.testing.assert_array_equal(whole.lists, parts.lists)


def test_the_scores_of_the_model_are_not_written_to():
    class Kept(Fixed):
        def score(self, queries, items=None):
            return self.table

    table = np.ones((1, 4), np.float32)
    rank(Kept(table), make_queries([[1, 2]], [3]), filter_seen=True)
    assert (table == 1).all()


def test_permuting_users_permutes_ranks():
    generator = np.random.default_rng(2)
    scores, histories, targets, trained = random_case(generator)
    order = generator.permutation(len(histories))
    first = rank(Fixed(scores), make_queries(histories, targets, trained), filter_seen=True)
    moved = make_queries([histories[u] for u in order], targets[order], trained[order])
    second = rank(Fixed(scores[order]), moved, filter_seen=True)
    np.testing.assert_array_equal(first.ranks[order], second.ranks)


def test_equal_scores_list_the_smaller_id_first_also_where_the_list_is_cut():
    # Above the cut: 5. Equal at the cut: 1, 2, 3, 4, 6, of which two fit.
    scores = np.array([[-INF, 1, 1, 1, 1, 2, 1]])
    assert top_items(scores, 3).tolist() == [[5, 1, 2]]


def test_many_equal_scores_in_a_large_catalogue_still_list_the_smallest_ids():
    scores = np.zeros((3, 2001), np.float32)
    scores[:, 0] = -INF
    scores[1, 1500] = 1
    expected = [[1, 2, 3, 4], [1500, 1, 2, 3], [1, 2, 3, 4]]
    assert top_items(scores, 4).tolist() == expected


def test_hidden_items_are_never_listed_and_a_short_list_is_padded():
    scores = np.array([[-INF, -INF, 0.5, -INF], [-INF, -INF, -INF, -INF]])
    assert top_items(scores, 5).tolist() == [[2, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_hide_seen_skips_unknown_items():
    scores = np.zeros((2, 4))
    queries = make_queries([[9], [4, 1, 1], [3]], [1, 1, 1])  # 4 = V + 1 is unknown.
    hide_seen(scores, queries.histories, np.array([1, 2]))
    assert np.isneginf(scores).tolist() == [
        [False, True, False, False],
        [False, False, False, True],
    ]


def test_users_without_history_are_ranked_too():
    ranking = rank(Fixed([[0, 1, 2]] * 2), make_queries([[], [2]], [1, 1]), filter_seen=True)
    assert ranking.ranks.tolist() == [2, 1]


@pytest.mark.parametrize(
    "table, message",
    [
        ([[0.0, 1.0, np.nan, 2.0]] * 2, "not finite"),
        ([[0.0, 1.0, -INF, 2.0]] * 2, "not finite"),
        ([0.0, 1.0], "one column per item"),
        ([[0.0, 1.0]] * 2, "one column per item"),  # Target 3 has no column.
    ],
)
def test_faulty_scores_are_refused(table, message):
    with pytest.raises(ValueError, match=message + ".*Received"):
        rank(Fixed(table), make_queries([[1], [2]], [3, 1]), filter_seen=False)


def test_column_zero_may_hold_anything():
    ranking = rank(Fixed([[np.nan, 1, 2]]), make_queries([[1]], [2]), filter_seen=False, k=3)
    assert ranking.ranks.tolist() == [1]
    assert ranking.lists.tolist() == [[2, 1, 0]]


def test_scores_that_change_their_width_are_refused():
    class Growing(Fixed):
        def score(self, queries, items=None):
            return np.zeros((1, 5 + queries["user_ids"][0]))

    with pytest.raises(ValueError, match="Received: shape"):
        rank(Growing([]), make_queries([[1], [2]], [3, 1]), filter_seen=False, chunk_size=1)


@pytest.mark.parametrize("name", ["k", "chunk_size"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}=0"):
        rank(Fixed([[0, 1]]), make_queries([[1]], [1]), filter_seen=False, **{name: 0})


def test_no_queries_is_refused():
    with pytest.raises(ValueError, match="`queries` is empty"):
        rank(Fixed([[0, 1]]), make_queries([], []), filter_seen=False)
