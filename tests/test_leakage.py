import json

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.leakage import leak_report
from recmodels.data.rating_splits import random_ratings, temporal_ratings
from recmodels.data.splits import leave_one_out, temporal_cutoff


def _random_log(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, 6, 50),
            "item": rng.integers(0, 30, 50),
            "timestamp": rng.integers(0, 25, 50),
        }
    )
    return Interactions(frame, "timed", name="toy")


def test_leave_one_out_by_hand():
    # user 1: trains at 1, validates at 2, is tested at 3; user 2: trains at 1 and 5, then 8, 8.
    frame = pd.DataFrame(
        {
            "user": [1, 1, 1, 2, 2, 2, 2],
            "item": [1, 2, 9, 1, 3, 4, 1],
            "timestamp": [1, 2, 3, 1, 5, 8, 8],
        }
    )
    report = leak_report(leave_one_out(Interactions(frame, "timed")))
    # Training times are 1, 1, 5. After user 1's target (3) comes one of the three, after user
    # 2's (8) none: mean 1/6. The median target is at 5.5: none after it.
    assert report.future_share_mean == pytest.approx(1 / 6)
    assert report.future_share_median == 0
    assert report.own_future_events == 0
    assert report.ties_at_cut == 1  # User 2: the events at 8 could as well be swapped.
    assert (report.users, report.cold_users, report.cold_targets) == (2, 0, 1)  # Item 9.


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("cut", [leave_one_out, temporal_cutoff])
def test_numbers_equal_a_slow_count(seed, cut):
    split = cut(_random_log(seed))
    train = list(split.train.events.itertuples(index=False))
    inputs = split.test.inputs.events
    targets = list(split.test.targets.events.itertuples(index=False))
    shares = [sum(e.timestamp > t.timestamp for e in train) / len(train) for t in targets]
    middle = np.median([t.timestamp for t in targets])
    last = {user: rows["timestamp"].iloc[-1] for user, rows in inputs.groupby("user")}
    report = leak_report(split)
    assert report.future_share_mean == pytest.approx(np.mean(shares))
    median_share = sum(e.timestamp > middle for e in train) / len(train)
    assert report.future_share_median == pytest.approx(median_share)
    assert report.own_future_events == 0
    assert report.ties_at_cut == sum(last[t.user] == t.timestamp for t in targets)
    pairs = {(e.user, e.item) for e in train}
    assert report.known_pairs == sum((t.user, t.item) in pairs for t in targets)
    assert report.cold_targets == sum(t.item not in {e.item for e in train} for t in targets)
    assert report.cold_users == sum(t.user not in {e.user for e in train} for t in targets)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cut", [random_ratings, temporal_ratings])
def test_several_targets_of_a_user_are_counted_as_one_by_one(seed, cut):
    split = cut(_random_log(seed))
    train = list(split.train.events.itertuples(index=False))
    targets = list(split.test.targets.events.itertuples(index=False))
    assert len(targets) > len({t.user for t in targets})
    report = leak_report(split)
    shares = [sum(e.timestamp > t.timestamp for e in train) / len(train) for t in targets]
    assert report.future_share_mean == pytest.approx(np.mean(shares))
    first = {}
    for t in targets:
        first[t.user] = min(t.timestamp, first.get(t.user, t.timestamp))
    assert report.own_future_events == sum(e.timestamp > first.get(e.user, 99) for e in train)
    pairs = {(e.user, e.item) for e in train}
    assert report.known_pairs == sum((t.user, t.item) in pairs for t in targets)
    assert f"pair is in training too {report.known_pairs:>16,}" in repr(report)


def test_split_without_cases_has_no_shares():
    frame = pd.DataFrame({"user": range(50), "item": 1, "timestamp": range(50)})
    report = leak_report(random_ratings(Interactions(frame, "timed")))
    assert (report.users, report.newcomers, report.future_share_mean) == (0, 10, None)


def test_temporal_cutoff_leaks_nothing_from_the_future():
    report = leak_report(temporal_cutoff(_random_log(0)))
    assert report.future_share_median == report.future_share_mean == report.ties_at_cut == 0


def test_later_events_of_the_user_in_training_are_found():
    log = Interactions(
        pd.DataFrame({"user": [1] * 4, "item": [1, 2, 3, 4], "timestamp": [5, 4, 3, 4]}), "ordered"
    )
    assert leak_report(leave_one_out(log)).own_future_events == 1


def test_log_without_times_leaves_them_out():
    log = Interactions(pd.DataFrame({"user": [1] * 3, "item": [1, 2, 3]}), "ordered")
    report = leak_report(leave_one_out(log))
    assert report.future_share_mean is None and report.ties_at_cut is None
    assert "no times" in repr(report)


def test_report_without_test_is_of_validation():
    report = leak_report(leave_one_out(_random_log(1)).without_test())
    assert report.part == "validation"
    assert json.loads(json.dumps(report.to_dict()))["protocol"] == "leave-one-out"
    assert "'toy', validation" in repr(report)


def test_real_ml_100k_leaks_two_fifths_of_training(real_log):
    report = leak_report(leave_one_out(real_log("ml-100k")))
    assert report.future_share_mean == pytest.approx(0.41, abs=0.01)
    assert report.own_future_events == 0
    assert report.ties_at_cut == 415
