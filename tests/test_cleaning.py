from functools import partial

import numpy as np
import pandas as pd
import pytest

from recmodels.data.cleaning import (
    cap_durations,
    clean,
    collapse_repeats,
    drop_exact_duplicates,
    drop_impossible_times,
    drop_missing,
    k_core,
    single_pass_core,
)
from recmodels.data.interactions import Interactions


def _log(order="ordered", **columns):
    return Interactions(pd.DataFrame(columns), order, name="toy")


def _pairs(log):
    return log.events[["user", "item"]].to_numpy().tolist()


def test_exact_duplicates_keep_the_first():
    log = _log("timed", user=[1, 1, 1], item=[5, 5, 5], timestamp=[3, 3, 4])
    cleaned, report = drop_exact_duplicates(log)
    assert cleaned.events["timestamp"].tolist() == [3, 4]
    assert (report.rule, report.rows_in, report.rows_out) == ("drop_exact_duplicates", 3, 2)


def test_repeats_collapse_only_next_to_each_other_and_within_a_user():
    log = _log(user=[1, 1, 1, 1, 2], item=[5, 5, 6, 5, 5])
    assert _pairs(collapse_repeats(log)[0]) == [[1, 5], [1, 6], [1, 5], [2, 5]]


def test_repeats_with_another_action_stay():
    log = _log(user=[1, 1, 1], item=[5, 5, 5], action=["view", "view", "buy"])
    assert collapse_repeats(log)[0].events["action"].tolist() == ["view", "buy"]


def test_repeats_need_an_order():
    with pytest.raises(ValueError, match="`collapse_repeats`.*'unordered'"):
        collapse_repeats(_log("unordered", user=[1], item=[1]))


def test_missing_ids_are_dropped_from_a_raw_table():
    frame = pd.DataFrame({"user": [1, None, 3], "item": ["a", "b", None], "note": [None] * 3})
    cleaned, report = drop_missing(frame)
    assert cleaned["item"].tolist() == ["a"]
    assert (report.rows_in, report.rows_out, report.why) == (3, 1, "rows without user or item")
    frame = pd.DataFrame({"user": ["a", " ", ""], "item": [1, 2, 3]})
    assert drop_missing(frame)[0]["item"].tolist() == [1]
    with pytest.raises(ValueError, match=r"`columns`.*columns=\['uid'\], table=\['user'"):
        drop_missing(frame, ["uid"])


def test_impossible_times_are_dropped_from_logs_and_raw_tables():
    times = [0, 31_536_000, 1_600_000_000]  # The second is the first of January 1971.
    log = _log("timed", user=[1, 1, 1], item=[1, 2, 3], timestamp=times)
    assert drop_impossible_times(log)[0].events["item"].tolist() == [2, 3]
    assert drop_impossible_times(log, 0, "2000-01-01")[0].events["item"].tolist() == [1, 2]
    frame = pd.DataFrame({"timestamp": [-5, 1_600_000_000_000, 1_600_000_000]})
    assert drop_impossible_times(frame)[0]["timestamp"].tolist() == [1_600_000_000]
    with pytest.raises(ValueError, match="needs a `timestamp` column"):
        drop_impossible_times(_log(user=[1], item=[1]))


def test_duration_outliers_are_set_to_the_limit():
    # Logarithms to base 2: 1 2 3 4 5 20. Median 3.5, deviations 2.5 1.5 .5 .5 1.5 16.5, of which
    # the median is 1.5. Limit: 2 ** (3.5 + 5 * 1.4826 * 1.5) = 2 ** 14.6195 = 25,171.
    log = _log(user=[1] * 8, item=range(8), duration=[2.0, 4, 8, 16, 32, 2.0**20, -1, np.nan])
    cleaned, report = cap_durations(log)
    durations = cleaned.events["duration"].tolist()
    assert durations[:5] == [2, 4, 8, 16, 32]
    assert durations[5] == pytest.approx(2**14.6195)
    assert np.isnan(durations[6:]).all()
    assert report.why == "1 duration above 25,171.4 s set to it, 1 negative to missing"
    assert log.events["duration"].iloc[5] == 2.0**20  # The log itself is left alone.


def test_equal_or_missing_durations_have_no_outliers():
    log = _log(user=[1] * 5, item=range(5), duration=[3.0, 3, 3, 3, 900])
    assert cap_durations(log)[0].events["duration"].tolist() == [3, 3, 3, 3, 900]
    log = _log(user=[1], item=[1], duration=[np.nan])
    assert cap_durations(log)[0].events["duration"].isna().all()


# Item 3 is too rare; without it user 3 is; without user 3 nothing else changes.
CHAIN = {"user": [1, 1, 2, 2, 3, 3, 4, 4], "item": [1, 2, 1, 2, 1, 3, 1, 2]}


def test_single_pass_leaves_what_became_rare():
    cleaned, report = single_pass_core(_log(**CHAIN), user=2, item=2)
    assert [3, 1] in _pairs(cleaned)
    assert (report.rule, report.rows_in, report.rows_out) == ("single_pass_core", 8, 7)


def test_k_core_repeats_until_nothing_changes():
    cleaned, report = k_core(_log(**CHAIN), user=2, item=2)
    assert _pairs(cleaned) == [[1, 1], [1, 2], [2, 1], [2, 2], [4, 1], [4, 2]]
    assert report.rows_out == 6
    assert k_core(cleaned, user=2, item=2)[1].rows_out == 6


@pytest.mark.parametrize("seed", range(5))
def test_k_core_equals_repeated_groupby(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 25, (190, 2)), columns=["user", "item"]).astype(str)
    log = Interactions(frame, "ordered")
    expected = log.events
    while True:
        users = expected.groupby("user")["item"].transform("size")
        items = expected.groupby("item")["user"].transform("size")
        smaller = expected[(users >= 5) & (items >= 6)]
        if len(smaller) == len(expected):
            break
        expected = smaller
    assert _pairs(k_core(log, user=5, item=6)[0]) == expected.to_numpy().tolist()


@pytest.mark.parametrize("rule", [k_core, single_pass_core])
def test_core_that_leaves_nothing_is_refused(rule):
    with pytest.raises(ValueError, match=f"`{rule.__name__}` left nothing.*user=9, item=9.*'toy'"):
        rule(_log(**CHAIN), user=9, item=9)


def test_rules_compose_into_one_report():
    log = _log("timed", user=[1, 1, 1], item=[5, 5, 6], timestamp=[10**9, 10**9, 0])
    rules = [drop_exact_duplicates, drop_impossible_times, partial(k_core, user=1, item=1)]
    cleaned, report = clean(log, rules)
    assert _pairs(cleaned) == [[1, 5]]
    assert report["rule"].tolist() == ["drop_exact_duplicates", "drop_impossible_times", "k_core"]
    assert report["rows_in"].tolist() == [3, 2, 1]
    assert report["rows_out"].tolist() == [2, 1, 1]


def test_real_deskdrop_has_eleven_duplicates(real_log):
    report = drop_exact_duplicates(real_log("deskdrop"))[1]
    assert report.rows_in - report.rows_out == 11
