import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.features.histories import Lookup, build_histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.features.windows import gather_places, window_places


def _log(user, item, **columns):
    return Interactions(pd.DataFrame({"user": user, "item": item, **columns}), "ordered", "toy")


def _toy():
    # Raw items 10..50 get the ids 1..5. User 7 did 10 20, user 9 did 30 10 40 10, user 8 did 50.
    log = _log([7, 9, 9, 7, 9, 9, 8], [10, 30, 10, 20, 40, 10, 50])
    return log, Vocabulary([10, 20, 30, 40, 50])


def test_histories_are_flat_and_in_table_order():
    histories = build_histories(*_toy())
    assert histories.users.tolist() == [7, 8, 9]
    assert histories.items.tolist() == [1, 2, 5, 3, 1, 4, 1]
    assert histories.offsets.tolist() == [0, 2, 3, 7]
    assert histories.lengths.tolist() == [2, 1, 4]
    assert (histories.items.dtype, histories.offsets.dtype) == (np.int32, np.int64)


def test_last_keeps_the_newest_and_pads_on_the_left():
    histories = build_histories(*_toy())
    assert histories.last([0, 2], 3).tolist() == [[0, 1, 2], [1, 4, 1]]
    assert histories.last([0, 2]).tolist() == [[0, 0, 1, 2], [3, 1, 4, 1]]
    assert histories.last([2], 1).tolist() == [[1]]
    assert histories.last([1], 2).dtype == np.int32


def test_wanted_users_come_in_the_order_wanted():
    log, vocabulary = _toy()
    histories = build_histories(log, vocabulary, users=np.array([9, 5, 7]))
    assert histories.items.tolist() == [3, 1, 4, 1, 1, 2]
    assert histories.offsets.tolist() == [0, 4, 4, 6]  # Nobody knows user 5.


def test_user_ids_of_another_type_are_unknown():
    histories = build_histories(*_toy(), users=np.array(["7", "9"]))
    assert histories.lengths.tolist() == [0, 0]


def test_columns_run_along_the_items():
    log = _log([1, 2, 1], [10, 20, 30], value=[0.1, 0.2, 0.3])
    vocabulary = Vocabulary([10, 20, 30])
    everyone = build_histories(log, vocabulary, columns=("value",))
    assert everyone.columns["value"].tolist() == [0.1, 0.3, 0.2]
    other = build_histories(log, vocabulary, np.array([2, 1]), ("value",))
    assert other.columns["value"].tolist() == [0.2, 0.1, 0.3]


def test_items_outside_the_vocabulary_become_unknown():
    assert build_histories(_log([1, 1], [10, 99]), Vocabulary([10])).items.tolist() == [1, 2]


def test_users_without_any_events_get_padding_only():
    log, vocabulary = _toy()
    histories = build_histories(log.select([]), vocabulary, users=np.array([7, 9]))
    assert histories.lengths.tolist() == [0, 0]
    assert histories.last([0, 1], 2).tolist() == [[0, 0], [0, 0]]
    assert histories.last([0]).tolist() == [[0]]


def test_unordered_log_is_refused():
    log = Interactions(pd.DataFrame({"user": [1], "item": [1]}), "unordered")
    with pytest.raises(ValueError, match="`build_histories` needs.*'unordered'"):
        build_histories(log, Vocabulary([1]))


@pytest.mark.parametrize("seed", range(5))
def test_equals_lists_built_user_by_user(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 9, (60, 3)), columns=["user", "item", "timestamp"])
    if seed % 2:
        frame[["user", "item"]] = frame[["user", "item"]].astype(str)
    log = Interactions(frame, "timed")
    vocabulary = Vocabulary(frame["item"].unique())
    users = rng.permutation(frame["user"].unique())
    histories = build_histories(log, vocabulary, users)
    rows = np.arange(len(users))
    for length in (1, 4, 20):
        for user, row in zip(users, histories.last(rows, length), strict=True):
            lines = sorted(
                (line for line in frame.itertuples() if line.user == user),
                key=lambda line: (line.timestamp, line.Index),
            )
            ids = [list(vocabulary.raw_ids).index(line.item) + 1 for line in lines][-length:]
            assert row.tolist() == [0] * (length - len(ids)) + ids


def test_windows_are_cut_from_anywhere():
    flat = np.array([1, 2, 3, 4, 5], np.int32)
    windows = gather_places(flat, window_places(starts=[0, 3, 2], ends=[3, 4, 2], length=2))
    assert windows.tolist() == [[2, 3], [0, 4], [0, 0]]
    assert gather_places(flat.astype(float), window_places([0], [1], 2)).tolist() == [[0.0, 1.0]]


@pytest.mark.slow
def test_ten_million_events_build_in_fifteen_seconds_and_one_gibibyte():
    rng = np.random.default_rng(0)
    events = 10_000_000
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, 500_000, events),
            "item": rng.integers(0, 100_000, events),
            "timestamp": rng.integers(0, 10**9, events),
        }
    )
    tracemalloc.start()
    began = time.process_time()
    log = Interactions(frame, "timed")
    histories = build_histories(log, Vocabulary(np.arange(100_000)))
    seconds = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(histories.items) == events
    assert seconds < 15
    assert peak < 2**30


def test_a_log_without_events_has_users_without_history():
    log, vocabulary = _toy()
    nothing = log.select(np.zeros(len(log), bool))
    histories = build_histories(nothing, vocabulary, users=np.array([9, 5]))
    assert histories.users.tolist() == [9, 5] and histories.lengths.tolist() == [0, 0]


def test_a_lookup_is_the_array_that_it_stands_for():
    table, rows = np.array([[0.0, 0.0], [1.5, 2.0], [3.0, 4.0]]), np.array([2, 1, 2, 0])
    lookup, array = Lookup(table, rows), table[rows]
    assert (lookup.shape, lookup.ndim, lookup.dtype, len(lookup)) == ((4, 2), 2, array.dtype, 4)
    np.testing.assert_array_equal(lookup, array)
    np.testing.assert_array_equal(lookup[[3, 1]], array[[3, 1]])
    places = window_places([0, 2], [2, 3], 2)
    windows = [gather_places(column, places) for column in (lookup, array)]
    np.testing.assert_array_equal(*windows)
    assert windows[0].tolist() == [[[3.0, 4.0], [1.5, 2.0]], [[0.0, 0.0], [3.0, 4.0]]]


def test_each_history_asks_for_an_event_of_its_own():
    log, vocabulary = _toy()
    histories = build_histories(log, vocabulary, users=np.array([9, 5, 7]))
    histories = replace(histories, columns={"asked": np.arange(6, dtype=np.int32)})
    asking = histories.asking({"asked": np.array([7, 8, 9]), "not read": np.array([1])})
    assert asking.columns["asked"].tolist() == [0, 1, 2, 7, 4, 9]  # User 5 has no event.
    assert histories.columns["asked"].tolist() == [0, 1, 2, 3, 4, 5]
    assert histories.asking({"asked": 6}).columns["asked"].tolist() == [0, 1, 2, 6, 4, 6]


def test_columns_of_items_take_no_memory_per_event():
    histories = build_histories(*_toy()).with_item_columns({"text": np.zeros((8, 100))})
    assert histories.columns["text"].rows is histories.items
