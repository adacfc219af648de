import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out, temporal_cutoff
from recmodels.data.times import moment_seconds


def _log(user, item, timestamp=None, order=None):
    frame = pd.DataFrame({"user": user, "item": item})
    if timestamp is not None:
        frame["timestamp"] = timestamp
    return Interactions(frame, order or ("ordered" if timestamp is None else "timed"), name="toy")


def _random_log(seed, users=8, events=60, seconds=30):
    rng = np.random.default_rng(seed)
    return _log(
        rng.integers(0, users, events),
        rng.integers(0, 12, events),
        rng.integers(0, seconds, events),
    )


def _pairs(log):
    return list(zip(log.events["user"].tolist(), log.events["item"].tolist(), strict=True))


def test_leave_one_out_holds_out_the_last_two():
    split = leave_one_out(_log([1] * 5, [1, 2, 3, 4, 5]))
    assert split.train.events["item"].tolist() == [1, 2, 3]
    assert split.validation.inputs.events["item"].tolist() == [1, 2, 3]
    assert split.validation.targets.events["item"].tolist() == [4]
    assert split.test.inputs.events["item"].tolist() == [1, 2, 3, 4]
    assert split.test.targets.events["item"].tolist() == [5]
    assert sorted(split.catalogue) == [1, 2, 3, 4, 5]


def test_short_histories_train_and_are_not_evaluated():
    split = leave_one_out(_log([1, 2, 2, 3, 3, 3], [9, 1, 2, 3, 4, 5]))
    assert _pairs(split.train) == [(1, 9), (2, 1), (2, 2), (3, 3)]
    assert _pairs(split.test.targets) == [(3, 5)]


def test_leave_one_out_refuses_users_with_one_event_only():
    with pytest.raises(ValueError, match="three events.*name='toy', longest_history=1"):
        leave_one_out(_log([1, 2], [1, 1]))


def test_splits_refuse_what_a_log_cannot_support():
    with pytest.raises(ValueError, match="`leave_one_out` needs.*'unordered'"):
        leave_one_out(_log([1] * 3, [1, 2, 3], order="unordered"))
    with pytest.raises(ValueError, match="`temporal_cutoff` needs.*`leave_one_out`.*'ordered'"):
        temporal_cutoff(_log([1] * 3, [1, 2, 3]))


@pytest.mark.parametrize("seed", range(5))
def test_no_user_has_a_later_event_in_train_than_held_out(seed):
    split = leave_one_out(_random_log(seed))
    last = split.train.events.groupby("user")["timestamp"].max()
    for cases in (split.validation, split.test):
        targets = cases.targets.events.set_index("user")["timestamp"]
        assert (last.reindex(targets.index) <= targets).all()


def test_without_test_has_no_test_labels():
    split = leave_one_out(_log([1] * 3, [1, 2, 3])).without_test()
    assert split.test is None
    assert "taken away" in repr(split)
    assert 3 not in split.validation.inputs.events["item"].tolist()


# Item and time of eleven events, cut at 6 and 8:
#   user 1    1@1 2@2 3@3  |  4@7  |  5@8 6@9    the target is 5
#   user 2    1@4          |       |             nothing to predict
#   user 3    7@5          |  8@6  |  9@9        the target is 9
#   user 4                 |       |  1@8        a newcomer
TIMED = {
    "user": [1, 1, 1, 1, 1, 1, 2, 3, 3, 3, 4],
    "item": [1, 2, 3, 4, 5, 6, 1, 7, 8, 9, 1],
    "timestamp": [1, 2, 3, 7, 8, 9, 4, 5, 6, 9, 8],
}


def test_temporal_cutoff_by_hand():
    split = temporal_cutoff(_log(**TIMED), time=8, validation_fraction=0.1)
    # Seven of eleven events lie before 8. A tenth of eleven fewer, 7 - 1.1 = 5.9: the time at
    # position 5, counted from 0, which is 6.
    assert split.cut == (6, 8)
    assert _pairs(split.train) == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 7)]
    assert _pairs(split.validation.targets) == [(1, 4), (3, 8)]
    assert _pairs(split.test.inputs) == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (3, 7), (3, 8)]
    assert _pairs(split.test.targets) == [(1, 5), (3, 9)]
    assert _pairs(split.test.newcomers) == [(4, 1)]
    assert split.catalogue.tolist() == [1, 2, 3, 7]


def test_cold_users_and_targets_are_counted():
    split = temporal_cutoff(_log(**TIMED), time=8)
    # Targets 5 and 9 are new; user 4 has no event before the cut.
    expected = {"users": 2, "cold_users": 0, "cold_targets": 2, "newcomers": 1}
    assert split.count_cold() == expected
    assert split.count_cold("validation")["cold_targets"] == 2


def test_user_known_from_the_validation_window_only_is_cold():
    log = _log([1] * 5 + [2, 2], [1, 2, 3, 1, 2, 1, 2], [1, 2, 3, 5, 8, 6, 9])
    split = temporal_cutoff(log, time=7, validation_fraction=0.3)
    assert split.cut == (3, 7)
    assert _pairs(split.test.targets) == [(1, 2), (2, 2)]
    assert split.count_cold()["cold_users"] == 1


def test_count_cold_without_test_says_so():
    split = temporal_cutoff(_log(**TIMED), time=8).without_test()
    with pytest.raises(ValueError, match="`part`.*Received: part='test'"):
        split.count_cold()
    assert split.count_cold("validation")["users"] == 2


def test_the_cut_second_belongs_to_the_later_part():
    # Three events share second 5, where half of the log ends.
    log = _log([1] * 8, range(8), [1, 2, 3, 5, 5, 5, 8, 9])
    split = temporal_cutoff(log, fraction=0.5, validation_fraction=0.25)
    assert split.cut == (3, 5)
    assert split.test.targets.events["item"].tolist() == [3]
    assert split.test.inputs.events["item"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(8))
def test_temporal_cutoff_equals_a_loop_over_users(seed):
    log = _random_log(seed)
    split = temporal_cutoff(log, 0.7, 0.2)
    begin, end = split.cut
    assert max(split.train.events["timestamp"]) < begin < end
    for cases, low, high in ((split.validation, begin, end), (split.test, end, 99)):
        targets, newcomers = [], []
        for _, rows in log.events.groupby("user"):
            later = rows[(rows["timestamp"] >= low)]
            if later.empty or later["timestamp"].iloc[0] >= high:
                continue
            known = (rows["timestamp"] < low).any()
            (targets if known else newcomers).append(tuple(later[["user", "item"]].iloc[0]))
        assert _pairs(cases.targets) == targets
        assert _pairs(cases.newcomers) == newcomers
        assert (cases.inputs.events["timestamp"] < low).all()
        assert len(cases.inputs) == (log.events["timestamp"] < low).sum()


def test_cut_takes_dates_as_utc():
    day = 86_400
    log = _log([1] * 6, range(6), [i * day for i in range(6)])
    split = temporal_cutoff(log, time="1970-01-05", validation_fraction=0.2)
    assert split.cut[1] == 4 * day
    assert temporal_cutoff(log, time=4.0 * day, validation_fraction=0.2).cut == split.cut
    with pytest.raises(ValueError, match="`time`.*Received: time='soon'"):
        temporal_cutoff(log, time="soon")


@pytest.mark.parametrize(
    "time", [1_600_000_000_123, 1e12, 8.5, np.nan, -1, True, "05/06/2020", None]
)
def test_moments_that_are_not_clear_are_refused(time):
    with pytest.raises(ValueError, match="`time` must be "):
        moment_seconds(time, "time")


@pytest.mark.parametrize("fractions", [(1.0, 0.1), (0.1, 0.1), (0.8, 0.0)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(ValueError, match="`validation_fraction` and `fraction`.*Received"):
        temporal_cutoff(_random_log(0), *fractions)


def test_part_without_cases_is_refused():
    log = _log([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4])  # Nobody comes back.
    with pytest.raises(ValueError, match="left a part without cases.*sizes="):
        temporal_cutoff(log, 0.75, 0.25)


def test_real_ml_100k_is_mostly_newcomers_after_80_percent(real_log):
    log = real_log("ml-100k")
    split = temporal_cutoff(log)
    later = log.events[log.events["timestamp"] >= split.cut[1]]
    known = later["user"].isin(split.test.inputs.events["user"])
    assert 1 - known.mean() == pytest.approx(0.852, abs=0.0005)
    assert (len(split.test), len(split.test.newcomers)) == (109, 192)


def test_real_beauty_has_138_unseen_test_targets(real_log):
    split = leave_one_out(real_log("beauty"))
    expected = {"users": 22_363, "cold_users": 0, "cold_targets": 138, "newcomers": 0}
    assert split.count_cold() == expected
