import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out, temporal_cutoff
from recmodels.features.columns import Category
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare


def _log(user, item, timestamp):
    frame = pd.DataFrame({"user": user, "item": item, "timestamp": timestamp})
    return Interactions(frame, "timed", "toy")


def _toy():
    # User 5: a b c d e; user 6: b a; user 7: a b f. Item f occurs nowhere else.
    users = [5] * 5 + [6] * 2 + [7] * 3
    return _log(users, list("abcde") + list("ba") + list("abf"), list(range(10)))


def test_leave_one_out_by_hand():
    data = prepare(leave_one_out(_toy()))
    ids = dict(zip(data.vocabulary.raw_ids, range(1, 7), strict=True))
    assert ids == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}
    assert data.train.users.tolist() == [5, 6, 7]
    assert data.train.items.tolist() == [1, 2, 3, 2, 1, 1]
    assert data.validation.histories.last([0, 1], 3).tolist() == [[1, 2, 3], [0, 0, 1]]
    assert data.validation.targets.tolist() == [4, 2]
    assert data.test.histories.last([0, 1], 3).tolist() == [[2, 3, 4], [0, 1, 2]]
    assert data.test.targets.tolist() == [5, 6]
    assert data.test.user_ids.tolist() == [0, 2]  # User 6 has too few events to be a case.
    assert (data.num_items, data.name, data.protocol.split) == (6, "toy", "leave-one-out")


def test_targets_that_training_lacks_are_marked():
    data = prepare(leave_one_out(_toy()))
    assert data.validation.trained.tolist() == [False, True]
    assert data.test.trained.tolist() == [False, False]


def test_temporal_targets_outside_the_catalogue_are_unknown():
    log = _log([5] * 6 + [8] * 3, list("abcabz") + list("aab"), [1, 2, 3, 5, 7, 8, 5, 6, 8])
    data = prepare(temporal_cutoff(log, time=8, validation_fraction=0.4))
    assert data.vocabulary.raw_ids.tolist() == ["a", "b", "c"]
    assert data.test.targets.tolist() == [data.vocabulary.unknown_id, 2]
    assert data.test.trained.tolist() == [False, True]
    assert data.test.user_ids.tolist() == [0, -1]  # User 8 came after training ended.
    assert data.test.histories.lengths.tolist() == [5, 2]


def test_split_without_test_gives_no_test_queries():
    data = prepare(leave_one_out(_toy()).without_test())
    assert data.test is None
    assert len(data.validation) == 2


def test_columns_reach_all_histories():
    data = prepare(leave_one_out(_toy()), columns=("timestamp",))
    assert data.train.columns["timestamp"].tolist() == [0, 1, 2, 5, 6, 7]
    assert data.test.histories.columns["timestamp"].tolist() == [0, 1, 2, 3, 7, 8]


@pytest.mark.parametrize("cut", [leave_one_out, temporal_cutoff])
@pytest.mark.parametrize("seed", range(3))
def test_decoded_queries_are_the_raw_cases(cut, seed):
    rng = np.random.default_rng(seed)
    split = cut(_log(rng.integers(0, 6, 60), rng.integers(0, 9, 60), rng.integers(0, 40, 60)))
    data = prepare(split)
    for cases, queries in ((split.validation, data.validation), (split.test, data.test)):
        inputs = cases.inputs.events.groupby("user")["item"].agg(list)
        for row, case in enumerate(cases.targets.events.itertuples()):
            begin, end = queries.histories.offsets[row : row + 2]
            expected = data.vocabulary.encode(inputs[case.user])
            assert queries.histories.items[begin:end].tolist() == expected.tolist()
            assert queries.targets[row] == data.vocabulary.encode([case.item])[0]
            assert queries.trained[row] == (case.item in set(split.train.events["item"]))
            position = queries.user_ids[row]
            known = case.user in set(split.train.events["user"])
            assert (data.train.users[position] == case.user) if known else position == -1


def test_real_benchmark_has_the_published_sizes(real_log):
    data = prepare(leave_one_out(real_log("ml-1m-sasrec")))
    assert (data.num_items, len(data.test)) == (3_416, 6_040)
    assert len(data.train.items) == 999_611 - 2 * 6_040
    assert data.test.trained.all()


def test_only_splits_with_their_own_columns_are_prepared():
    with pytest.raises(ValueError, match="`split` must be a split.*Received: split=Interactions"):
        prepare(_toy())
    for columns in ("timestamp", ("value",)):
        with pytest.raises(ValueError, match="`columns` must be a tuple of event columns"):
            prepare(leave_one_out(_toy()), columns=columns)


def test_queries_have_their_catalogue_and_digests_detect_changes():
    data = prepare(leave_one_out(_toy()), columns=("timestamp",))
    same = prepare(leave_one_out(_toy()), columns=("timestamp",))
    assert data.test.num_items == data.num_items
    assert data.test.identity() == same.test.identity() != data.validation.identity()
    same.test.histories.columns["timestamp"][0] += 1
    assert data.test.identity() == same.test.identity()  # Of what is not read.
    assert data.test.identity(("timestamp",)) != same.test.identity(("timestamp",))


def test_a_grown_log_keeps_ids_and_codes():
    log = Interactions(_toy().events.assign(kind=[*"ab"] * 5), "timed", "toy")
    first = prepare(leave_one_out(log), schema=Schema({"kind": Category()}))
    later = Interactions(log.events.assign(item="new", kind="c"), "timed", "toy")
    known = {"vocabulary": first.vocabulary, "schema": first.schema}
    grown = prepare(leave_one_out(later), **known)
    assert grown.schema == first.schema and grown.vocabulary.raw_ids[-1] == "new"
    # A fitted schema is fitted again where the data are others.
    assert prepare(leave_one_out(later), schema=first.schema).schema["kind"].values == ("c",)
