"""Training, validation and test tables that others have cut."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.data.table_splits import split_from_tables


def _table(*rows, order="timed", name="toy"):
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp"][: len(rows[0])])
    return Interactions(frame, order, name)


def _rows(log):
    return log.events.to_numpy().tolist()


TRAIN = _table((1, 10, 1), (1, 11, 2), (2, 10, 5))
VALIDATION = _table((1, 12, 3), (3, 10, 4))
TEST = _table((1, 13, 4), (2, 11, 6), (2, 12, 7), (3, 11, 9), (4, 10, 9))


def test_three_tables_by_hand(capsys):
    split = split_from_tables(TRAIN, VALIDATION, TEST)
    assert split.protocol == "tables" and _rows(split.train) == _rows(TRAIN)
    assert _rows(split.validation.targets) == [[1, 12, 3]]
    assert _rows(split.validation.newcomers) == [[3, 10, 4]]
    assert _rows(split.test.inputs) == [[1, 10, 1], [1, 11, 2], [1, 12, 3], [2, 10, 5], [3, 10, 4]]
    assert _rows(split.test.targets) == [[1, 13, 4], [2, 11, 6], [2, 12, 7], [3, 11, 9]]
    assert _rows(split.test.newcomers) == [[4, 10, 9]]
    assert sorted(split.catalogue) == [10, 11, 12, 13]
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "'cold_users': 1, 'cold_targets': 2, 'newcomers': 1" in line
    split_from_tables(TRAIN, VALIDATION, TEST, verbose=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("order", ["timed", "ordered"])
def test_a_split_from_its_own_tables_equals_the_split(order):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(0, 9, (90, 2)), columns=["user", "item"])
    ours = leave_one_out(Interactions(frame.assign(timestamp=range(90)), order))
    again = split_from_tables(ours.train, ours.validation.targets, ours.test.targets)
    assert again.train.events.equals(ours.train.events)
    for part in ("validation", "test"):
        for side in ("inputs", "targets"):
            cases = [getattr(getattr(split, part), side).events for split in (ours, again)]
            assert cases[0].equals(cases[1])
    assert rm.leak_report(again).own_future_events == 0
    assert rm.prepare(again).test.targets.tolist() == rm.prepare(ours).test.targets.tolist()


def test_tables_cut_at_random_are_taken_if_said():
    later = _table((1, 14, 9), (2, 10, 5))
    with pytest.raises(ValueError, match="`validation` has 1 event before.*in_time=False.*until=9"):
        split_from_tables(later, VALIDATION, TEST)
    split = split_from_tables(later, VALIDATION, TEST, in_time=False)
    assert rm.leak_report(split).own_future_events == 1


def test_untimed_tables_may_share_pairs():
    train, rest = (_table((1, 2), order=order) for order in ("ordered", "ordered"))
    assert rm.leak_report(split_from_tables(train, rest, rest)).known_pairs == 1


BAD = {
    "no log": (TRAIN, VALIDATION.events, TEST, "`validation` must be a log.*DataFrame"),
    "empty": (TRAIN, VALIDATION, TEST.select([]), "`test` must be a log with events"),
    "text ids": (TRAIN, _table(("1", 12, 3)), TEST, "`validation` and `train` must have.*'str'"),
    "other order": (TRAIN, VALIDATION, _table((1, 2), order="ordered"), "one order.*'ordered'"),
    "shared events": (TRAIN, VALIDATION, _table((1, 10, 1), (1, 12, 3)), "share 2 events"),
    "foreign users": (TRAIN, VALIDATION, _table((7, 10, 9), (8, 10, 9)), "`test` has no user"),
}


@pytest.mark.parametrize("case", BAD)
def test_tables_of_different_logs_are_refused(case):
    *tables, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        split_from_tables(*tables)
