"""Convert times to integer UTC seconds; refuse ambiguous ones."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from recmodels.data.dates import read_dates
from recmodels.data.errors import invalid, require
from recmodels.data.interactions import LATEST_TIMESTAMP
from recmodels.data.time_numbers import GIVE_FORMAT, UNITS, guess_unit, read_digits
from recmodels.data.values import exact_limit, is_text, refuse, to_numbers, to_text, unwrap

SECONDS_PER_DAY = 86_400
# Seconds of 2090 taken for milliseconds, and milliseconds for microseconds, end before that.
WRONG_UNIT_END = 45 * SECONDS_PER_DAY
_WRONG_UNIT = (
    "lie in the first weeks of 1970, as missing times and numbers in a wrong unit do",
    "Drop those rows, or convert numbers with their unit, as in `pd.to_datetime(column, "
    "unit='s')`; give `date_format`, or seconds with `unit='s'`, for real times of 1970",
)
_OUTSIDE = ("lie outside 1970 to 2100", "Give the `unit` of the column, or drop those rows")


@dataclass(frozen=True)
class TimeOptions:
    """Options of `read_events` about times, which replace guesses; see there."""

    date_format: str | None = None
    dayfirst: bool | None = None
    year: int | None = None
    unit: str | None = None
    timezone: str | None = None
    decimal: str = "."

    def __post_init__(self) -> None:
        known = self.unit is None or self.unit in UNITS
        require(known, f"`unit` must be one of {list(UNITS)}", unit=self.unit)
        is_answer = self.dayfirst in (None, True, False)
        require(is_answer, "`dayfirst` must be True or False", dayfirst=self.dayfirst)
        is_year = self.year is None or self.year in range(1970, 2101)
        require(is_year, "`year` must lie in 1970 to 2100", year=self.year)
        try:
            ZoneInfo(self.timezone or "UTC")
        except (ValueError, OSError, TypeError, KeyError) as error:
            must = "`timezone` must be a name such as 'UTC' or 'Asia/Shanghai'"
            raise invalid(must, timezone=self.timezone) from error

    def reject(self, kind: str, *names: str) -> None:
        """Raise a `ValueError` for options that have no meaning for a kind of column."""
        for name in names:
            message = f"`{name}` has no meaning for a column of {kind}: leave it out, or name "
            value = getattr(self, name)
            require(value is None, message + "another `timestamp` column", **{name: value})


def to_seconds(
    times: pd.Series, options: TimeOptions = TimeOptions()
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Convert times written as numbers, dates or text to UTC seconds.

    Args:
        times: numbers since 1970 in one unit, digits of dates (`YYYYMMDD`, also with hours,
            minutes and seconds), dates as text in one form, or typed dates.
        options: what replaces a guess.

    Returns:
        Integer seconds (int64); the same times in a finer unit, which orders events inside a
        second, or None where there is none; and how the times were read, for the reader.

    Raises:
        RowError: a time is missing, cannot be read, lies outside 1970 to 2100, or differs in its
            form or unit from most.
        ValueError: the times can be read in several ways, or an option does not fit them.

    Example:
        >>> to_seconds(pd.Series(["2020-09-13 12:26:40"]))[0].tolist()
        [1600000000]
    """
    plain = unwrap(times)
    text = is_text(plain)
    plain = to_text(plain) if text else plain
    refuse(times, plain.isna(), "are missing times", "Drop those rows")
    if isinstance(plain.dtype, pd.PeriodDtype):
        plain = plain.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(plain) or "date32" in str(plain.dtype):
        options.reject("typed dates", "unit", "date_format", "year", "dayfirst")
        return _from_local(times, *_typed(plain), "dates", options)
    is_number = pd.api.types.is_numeric_dtype(plain) and not pd.api.types.is_bool_dtype(plain)
    if not (text or is_number):
        advice = "Name a column of dates or numbers, or join date and time of day before"
        refuse(times, np.ones(len(times)), f"are neither dates nor numbers ({plain.dtype})", advice)
    if options.date_format is not None:
        options.reject("dates in a given format", "unit", "dayfirst")
        return _from_format(times, plain, options)
    if text and not _is_number(plain, options.decimal):
        options.reject("dates", "unit")
        ticks, zoned, reading = read_dates(times, plain, options.dayfirst, options.year)
        return _from_local(times, ticks, zoned, reading, options)
    if text:
        lost = plain.str.contains(r"\d[eE]", regex=True).to_numpy(bool)
        plain = to_numbers(plain.rename(times.name), options.decimal)
    else:
        lost = (plain >= exact_limit(plain.dtype)).to_numpy(bool) & (plain.dtype.itemsize < 8)
    refuse(times, lost, "have lost digits", "Export the times again with all their digits")
    return _from_numbers(times, plain, options)


def moment_seconds(moment: int | str | datetime, name: str) -> int:
    """UTC seconds of one moment, given as such or as a date; without a zone it is taken as UTC.

    Args:
        moment: such as `1_600_000_000`, `"2020-09-13"` or a `datetime`.
        name: the argument it came in, for the error.

    Raises:
        ValueError: the moment cannot be read, or only in several ways (`"01/09/2020"`).
    """
    reason = ""
    if isinstance(moment, int | float | np.number) and not isinstance(moment, bool):
        looks_like_a_date = 1970 <= moment <= 2100 or 19_700_101 <= moment <= 21_001_231
        if 0 <= moment <= LATEST_TIMESTAMP and moment % 1 == 0 and not looks_like_a_date:
            return int(moment)
    elif isinstance(moment, str) or hasattr(moment, "isoformat"):
        try:
            return int(to_seconds(pd.Series([moment], name=name))[0][0])
        except ValueError as error:
            reason = f" ({error})"
    must = f"`{name}` must be UTC seconds or a date such as '2020-09-13'{reason}"
    raise invalid(must, **{name: moment})


def _is_number(text: pd.Series, decimal: str) -> bool:
    """Whether most of the text is numbers; the others are then refused one by one."""
    point = "," if decimal == "," else r"\."
    return text.str.fullmatch(rf"[+-]?\d+({point}\d*)?([eE][+-]?\d+)?").mean() > 0.5


def _typed(dates: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    dates = pd.to_datetime(dates)
    zoned = np.full(len(dates), dates.dt.tz is not None)
    dates = dates.dt.tz_convert("UTC").dt.tz_localize(None) if zoned.any() else dates
    return dates.to_numpy("datetime64[us]").astype("int64"), zoned


def _from_format(times: pd.Series, plain: pd.Series, options: TimeOptions):
    """Dates in the format that the caller gives."""
    form = options.date_format
    has_year = options.year is not None or re.search("%[YyGcxD]", form)
    require(has_year, "`year` is needed by a `date_format` without one", date_format=form)
    tells_half = "%I" not in form or "%p" in form
    require(tells_half, "`date_format` with %I needs %p, AM or PM", date_format=form)
    text = plain.astype("str").str.removesuffix(".0")
    if not set(form.replace("%", "")) - set("YmdHMSy"):  # Digits only, of a known number.
        width = len(datetime(2000, 11, 22, 13, 14, 15).strftime(form))
        if pd.api.types.is_numeric_dtype(plain):
            text = text.str.zfill(width)
        what = f"have not the {width} digits of {form!r}"
        refuse(times, text.str.len() != width, what, GIVE_FORMAT)
    if options.year is not None:
        text, form = f"{options.year} " + text, f"%Y {form}"
    zoned = "%z" in form or "%Z" in form
    try:
        dates = pd.to_datetime(text, format=form, utc=zoned, errors="coerce")
    except ValueError as error:
        must = f"`date_format` must be written like '%d.%m.%Y %H:%M' ({error})"
        raise invalid(must, date_format=options.date_format, year=options.year) from error
    refuse(times, dates.isna(), f"are not written as {form!r}", GIVE_FORMAT)
    ticks, zones = _typed(dates)
    return _from_local(times, ticks, zones, f"dates as {form}", options)


def _from_local(
    times: pd.Series, ticks: np.ndarray, zoned: np.ndarray, reading: str, options: TimeOptions
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Convert local time to UTC; microseconds marked by `zoned` are UTC already."""
    if zoned.any() and not zoned.all() and options.timezone is None:
        advice = "Give `timezone` for the rows without a zone, 'UTC' or their own"
        refuse(times, ~zoned, "are dates without a time zone among others with one", advice)
    zone = "their own zones" if zoned.all() else options.timezone or "UTC, since no zone is given"
    if options.timezone is not None and not zoned.all():
        local = pd.DatetimeIndex(ticks[~zoned].view("datetime64[us]"))
        first = np.ones(len(local), bool)
        fixed = local.tz_localize(options.timezone, first, "shift_forward").as_unit("us")
        moved = int((fixed.tz_localize(None) != local).sum())
        twice = int(local.tz_localize(options.timezone, "NaT", "shift_forward").isna().sum())
        ticks = ticks.copy()
        ticks[~zoned] = fixed.asi8
        zone += f"; {moved} in a skipped hour moved to its end" if moved else ""
        zone += f"; {twice} in a doubled hour taken as its first pass" if twice else ""
    seconds = ticks // 10**6
    bad = (seconds < 0) | (seconds > LATEST_TIMESTAMP)
    refuse(times, bad, "lie outside 1970 to 2100", "Correct or drop those rows")
    if options.date_format is None and len(times) > 1:  # A single time is an argument of the user.
        refuse(times, seconds < WRONG_UNIT_END, *_WRONG_UNIT)
    exact = ticks if (ticks % 10**6).any() else None
    return seconds, exact, f"{reading} in {zone}"


def _from_numbers(times: pd.Series, numbers: pd.Series, options: TimeOptions):
    """Numbers that count from 1970 or are the digits of dates."""
    options.reject("numbers", "year", "dayfirst")
    values = numbers.to_numpy()
    refuse(times, ~np.isfinite(values) | (values < 0), *_OUTSIDE)
    if options.unit is None:
        dates = read_digits(times, values)
        if dates is not None:
            return _from_local(times, dates[0], np.zeros(len(values), bool), dates[1], options)
    unit = options.unit or guess_unit(times, values)
    options.reject("numbers since 1970, which have no time zone", "timezone")
    per_second, length, start = UNITS[unit]
    refuse(times, values > (LATEST_TIMESTAMP - start) // length * per_second, *_OUTSIDE)
    if length > 1:  # Rounded to milliseconds, below which a day as a float is not exact.
        values = np.round(values * float(length) + start, 3)
        refuse(times, values < 0, *_OUTSIDE)
    if unit == "s" and values.dtype.kind in "iu":
        return values.astype("int64", copy=False), None, "s since 1970, UTC"
    seconds = (values // per_second).astype("int64")
    exact = None if (seconds * per_second == values).all() else values
    return seconds, exact, f"{unit} since 1970, UTC" if start == 0 else "day numbers, UTC"
