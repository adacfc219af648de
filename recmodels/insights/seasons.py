"""Trend and weekly season of daily counts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.times import SECONDS_PER_DAY
from recmodels.extras import import_extra
from recmodels.features.checks import check_whole
from recmodels.insights.log_columns import column_of

PERIODS = 3  # The fewest that a season is estimated from.


def daily_counts(
    log: Interactions, column: str | None = None, utc_offset: float = 0.0
) -> pd.DataFrame:
    """Events per day.

    The first and the last day are left out, because a log rarely covers them whole. A day between
    them without any event at all is missing, NaN, as if nothing had been recorded; a value without
    events on a day that has others counts 0.

    Args:
        log: timed.
        column: of the events or the items, such as `"action"` or `"category"`.
        utc_offset: hours that local time is ahead of UTC, such as 8 for Beijing; days begin at
            local midnight.

    Returns:
        One row per day, float64, indexed by date; the column `"events"`, or one per value.

    Raises:
        ValueError: the log has no times or no such column, or does not reach over three days.

    Example:
        >>> daily_counts(log, "action", utc_offset=8)["buy"]
    """
    log.require("`daily_counts`", ("timed",))
    require(-24 < utc_offset < 24, "`utc_offset` must be in hours", utc_offset=utc_offset)
    values = np.full(len(log), "events", object)
    if column is not None:
        values = pd.Series(column_of(log, column)).astype(str).to_numpy(object)
    seconds = log.events["timestamp"].to_numpy() + round(utc_offset * 3600)
    days = seconds // SECONDS_PER_DAY
    must = "`log` must reach over at least three days, of which the first and the last are left out"
    spanned = int(np.ptp(days)) + 1 if len(days) else 0
    require(spanned >= 3, must, days=spanned)
    counts = pd.crosstab(days, values)
    counts = counts.reindex(np.arange(days.min(), days.max() + 1)).iloc[1:-1].astype(np.float64)
    counts.index = pd.to_datetime(counts.index * SECONDS_PER_DAY, unit="s").rename("day")
    return counts.rename_axis(columns=None)


@dataclass(frozen=True, eq=False)
class Season:
    """Daily counts as the sum of a trend, a season and a rest.

    Args:
        observed: the counts, NaN where missing, (T,), indexed by day; the others likewise.
        trend, season, rest: their sum is the observed count, or at a missing day the value
            interpolated between its neighbours.
        period: days of the season.
        slope: least squares slope of the trend, counts per day.
        trend_strength, season_strength: 1 - var(rest) / var(part + rest), at least 0: near 1
            where the part dominates. Wang, Smith and Hyndman, 2006.
    """

    observed: pd.Series
    trend: pd.Series
    season: pd.Series
    rest: pd.Series
    period: int
    slope: float
    trend_strength: float
    season_strength: float

    def by_weekday(self) -> pd.Series:
        """Mean of the season on each weekday, Monday first, float64 (7,)."""
        return self.season.groupby(self.season.index.day_of_week).mean().rename_axis("weekday")


def decompose(counts: pd.Series, period: int = 7, robust: bool = True) -> Season:
    """Split daily counts into trend, season and rest by STL.

    Cleveland et al., "STL: A Seasonal-Trend Decomposition Procedure Based on Loess", 1990, as
    statsmodels has it.

    Args:
        counts: a column of `daily_counts`, at least three periods long. Missing days are
            interpolated linearly.
        period: days of the season, at least 2; see `find_period`.
        robust: whether single outliers, such as a day of a sale, may not bend trend and season.

    Raises:
        ValueError: there are too few days, or most of them are missing.

    Example:
        >>> season = decompose(daily_counts(log)["events"])
        >>> season.slope, season.by_weekday()
    """
    require(check_whole("period", period) >= 2, "`period` must be at least 2", period=period)
    filled = _fill(counts, PERIODS * period, f"{PERIODS} periods of {period} days")
    stl = import_extra("statsmodels.tsa.seasonal", "insights").STL
    parts = stl(filled, period=period, robust=robust).fit()
    slope = np.polyfit(np.arange(len(filled)), parts.trend, 1)[0]
    return Season(
        observed=counts,
        trend=parts.trend,
        season=parts.seasonal,
        rest=parts.resid,
        period=period,
        slope=float(slope),
        trend_strength=_strength(parts.trend, parts.resid),
        season_strength=_strength(parts.seasonal, parts.resid),
    )


def _strength(part: pd.Series, rest: pd.Series) -> float:
    both = np.var(part + rest)
    return float(max(0.0, 1 - np.var(rest) / both)) if both > 0 else 0.0


def _fill(counts: pd.Series, least: int, needed: str) -> pd.Series:
    """Counts without missing days; raise where there are too few."""
    known = int(counts.notna().sum())
    must = f"`counts` must have at least {needed}, half of its days or more not missing"
    fits = len(counts) >= least and 2 * known >= len(counts)
    require(fits, must, days=len(counts), not_missing=known)
    return counts.interpolate(limit_direction="both")


def find_period(counts: pd.Series, longest: int = 14) -> int:
    """The period, in days, after which the counts repeat best: 7 for a weekly rhythm.

    It is the shortest lag whose autocorrelation is at least 0.9 times the highest one among the
    lags 2 to `longest`, of the counts without their linear trend.

    Args:
        counts: a column of `daily_counts`, at least three times `longest` days.
        longest: of the periods to try.

    Raises:
        ValueError: there are too few days, or all counts are equal.

    Example:
        >>> find_period(daily_counts(log)["events"])
        7
    """
    require(check_whole("longest", longest) >= 2, "`longest` must be at least 2", longest=longest)
    filled = _fill(counts, PERIODS * longest, f"{PERIODS} times {longest} days").to_numpy()
    require(np.ptp(filled) > 0, "`counts` must differ between days", counts=filled[0])
    days = np.arange(len(filled))
    centred = filled - np.polyval(np.polyfit(days, filled, 1), days)
    lags = np.arange(2, longest + 1)
    repeats = np.array([np.corrcoef(centred[:-lag], centred[lag:])[0, 1] for lag in lags])
    return int(lags[np.argmax(repeats >= 0.9 * repeats.max())])
