"""Daily counts, and their trend and season against planted ones."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.insights.seasons import daily_counts, decompose, find_period

DAY, START = 86_400, 1_704_067_200  # Monday 2024-01-01.
WEEK = np.array([-6.0, -4.0, -2.0, 0.0, 2.0, 7.0, 3.0])


def planted(days=84, slope=0.5, season=WEEK, noise=1.0, seed=0):
    rest = np.random.default_rng(seed).normal(0, noise, days)
    values = 50 + slope * np.arange(days) + np.resize(season, days) + rest
    return pd.Series(values, pd.date_range("2024-01-01", periods=days))


def make_log(rows, **options):
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp", "action"])
    return Interactions(frame, "timed", **options)


def test_counts_by_hand_with_a_missing_day_and_an_offset():
    hours = [0, 30, 40, 47, 73, 110]  # Days 0, 1, 1, 1, 3, 4 of UTC.
    log = make_log([(1, i, START + 3600 * hour, "vb"[i % 2]) for i, hour in enumerate(hours)])
    counts = daily_counts(log)["events"]
    assert counts.index.strftime("%m-%d").tolist() == ["01-02", "01-03", "01-04"]
    np.testing.assert_array_equal(counts, [3, np.nan, 1])
    apart = daily_counts(log, "action")
    np.testing.assert_array_equal(apart["v"], [1, np.nan, 1])
    np.testing.assert_array_equal(apart["b"], [2, np.nan, 0])
    # Eight hours later 16:00 UTC begins a new day: those of 40 and 47 move to the day after.
    np.testing.assert_array_equal(daily_counts(log, utc_offset=8)["events"], [1, 2, 1])


def test_planted_slope_season_and_period_are_recovered():
    counts = planted()
    found = decompose(counts)
    assert find_period(counts) == 7
    assert found.slope == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(found.by_weekday(), WEEK, atol=1.0)
    assert found.season_strength > 0.9 and found.trend_strength > 0.9
    np.testing.assert_allclose(found.trend + found.season + found.rest, counts)
    assert find_period(planted(season=[0.0, 9.0, 1.0])) == 3


def test_without_a_season_its_strength_is_low():
    assert decompose(planted(season=[0.0])).season_strength < 0.5


def test_an_outlier_bends_nothing_and_a_missing_day_is_filled():
    counts = planted()
    counts.iloc[40] += 500
    counts.iloc[20:22] = np.nan
    found = decompose(counts)
    assert found.slope == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(found.by_weekday(), WEEK, atol=1.0)
    assert found.rest.iloc[40] > 400 and np.isfinite(found.trend).all()
    assert np.abs(decompose(counts, robust=False).by_weekday() - WEEK).max() > 10


def test_the_shop_has_its_weekly_rhythm():
    log = rm.simulate(400, 70, seed=0).interactions
    counts = daily_counts(log)["events"]
    found = decompose(counts)
    assert find_period(counts) == 7
    assert set(found.by_weekday().nlargest(2).index) == {5, 6} and found.season_strength > 0.6
    assert set(daily_counts(log, "category")) == set(log.items["category"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: decompose(planted(20)), "`counts` must have at least 3 periods of 7 days"),
        (lambda: decompose(planted() * np.nan), "half of its days or more not missing"),
        (lambda: decompose(planted(), period=1), "`period` must be at least 2"),
        (lambda: find_period(planted(41)), "`counts` must have at least 3 times 14 days"),
        (lambda: find_period(planted() * 0), "`counts` must differ between days"),
        (lambda: daily_counts(make_log([(1, 1, START, "v")])), "`log` must reach over at least"),
        (lambda: daily_counts(make_log([(1, 1, START, "v")]), "kind"), "columns of the events or"),
        (lambda: daily_counts(make_log([(1, 1, START, "v")]), utc_offset=480), "in hours"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        make()


def test_a_log_without_times_is_refused():
    log = Interactions(pd.DataFrame({"user": [1], "item": [2]}), "ordered")
    with pytest.raises(ValueError, match="`daily_counts` needs a source that is timed"):
        daily_counts(log)
