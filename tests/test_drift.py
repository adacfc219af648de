"""The drift alarm: its divergence by hand, its rate of false alarms and its power."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.insights.drift import drift_alarm

DAY, START = 86_400, 1_704_067_200


def make_log(users, items, days):
    times = START + (np.asarray(days) * DAY).astype(np.int64)
    return Interactions(pd.DataFrame({"user": users, "item": items, "timestamp": times}), "timed")


def simulate(seed, shift=0.0, units=40):
    """Each user comes for one week and repeats a favourite item; the last week may differ."""
    rng = np.random.default_rng(seed)
    week = np.repeat(np.arange(5), units)
    favourite = rng.choice(5, size=5 * units, p=[0.4, 0.3, 0.1, 0.1, 0.1])
    moved = (week == 4) & (rng.random(5 * units) < shift)
    favourite = np.where(moved, 4, favourite)
    users = np.repeat(np.arange(5 * units), 6)
    items = np.where(
        rng.random(len(users)) < 0.9, favourite[users], rng.integers(5, size=len(users))
    )
    days = week[users] * 7 + 0.01 + 6.98 * rng.random(len(users))
    log = make_log([*users, 0, 5 * units - 1], [*items, 0, 0], [*days, 0.0, 34.999])
    return log


def test_divergence_by_hand():
    # Reference shares 1/2 1/2 0, latest 1/2 0 1/2: items 2 and 3 differ, half of all.
    log = make_log([1, 1, 2, 2], [1, 2, 1, 3], [0.5, 0.6, 1.5, 2.0])
    drift = drift_alarm(log, days=1, reference_days=1, samples=100)
    assert drift.divergence == pytest.approx(0.5)
    assert drift.shares["part"].tolist() == pytest.approx([0.25, 0.25, 0.0])
    assert drift.shares.loc[3].tolist() == pytest.approx([0.0, 0.5, 0.25])
    assert not drift.alarm and drift.p_value == 1  # Two units: each way round is as likely.


def test_the_rate_of_false_alarms_is_the_stated_one():
    alarms = [
        drift_alarm(simulate(seed), false_alarms=0.1, samples=40, seed=seed).alarm
        for seed in range(120)
    ]
    # The standard deviation of the rate is 0.027.
    assert 0.03 < np.mean(alarms) < 0.18


def test_a_change_raises_the_alarm_and_names_the_item():
    drift = drift_alarm(simulate(0, shift=0.4))
    assert drift.alarm and drift.divergence > drift.threshold and drift.p_value <= 0.01
    assert drift.shares.index[0] == 4
    assert not drift_alarm(simulate(0)).alarm


def test_the_same_seed_gives_the_same_threshold():
    log = simulate(1)
    first, again, other = (drift_alarm(log, seed=s, samples=100).threshold for s in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "kind"}, "must be columns of the events or the items"),
        ({"reference_days": 10}, "`reference_days` must be a multiple of `days`"),
        ({"reference_days": 700}, "`log` must reach over 707 days"),
        ({"false_alarms": 0.0}, "`false_alarms` must be between 0 and 1"),
        ({"samples": 50}, "`samples` must be at least 100"),
        ({"days": 0}, "`days` must be"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        drift_alarm(simulate(0), **options)


def test_a_log_without_times_is_refused():
    log = Interactions(pd.DataFrame({"user": [1], "item": [2]}), "ordered")
    with pytest.raises(ValueError, match="`drift_alarm` needs a source that is timed"):
        drift_alarm(log)
