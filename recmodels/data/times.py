"""Turn the times people have into integer UTC seconds, and refuse what is not clear."""

import numbers
import warnings

import numpy as np
import pandas as pd

from recmodels.data.interactions import LATEST_TIMESTAMP

# How many of each unit make a second. The same digits are seconds up to the year 2100 and later
# units beyond, so the size of a number tells its unit, for times after February 1970.
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


def to_seconds(times: pd.Series) -> tuple[pd.Series, pd.Series]:
    """UTC seconds of times written as numbers, dates or text.

    Args:
        times: numbers since 1970 in one unit (seconds, milliseconds, microseconds or nanoseconds,
            told apart by their size), dates as `YYYYMMDD`, or anything pandas reads as a date.
            Text without a time zone is taken as UTC.

    Returns:
        Integer seconds, and the same times in the finest unit given, which orders events inside a
        second; both with the index of `times`.

    Raises:
        ValueError: a time is missing, cannot be read, lies outside 1970 to 2100, or is in another
            unit than most.
    """
    if pd.api.types.is_datetime64_any_dtype(times):
        return _from_dates(times, pd.to_datetime(times, utc=True, errors="coerce"))
    numbers = pd.to_numeric(times, errors="coerce")
    if numbers.notna().mean() <= 0.5:
        return _from_dates(times, _parse(times))
    _refuse(times, numbers.isna(), "is missing or is not a number like the others")
    numbers = numbers.astype("int64" if pd.api.types.is_integer_dtype(numbers) else "float64")
    if numbers.between(19_700_101, 21_001_231).all():  # As seconds: a week of August 1970.
        return _from_dates(times, _parse(times.astype("str"), "%Y%m%d"))
    return _from_numbers(times, numbers)


def moment_seconds(moment: int | str, name: str) -> int:
    """UTC seconds of one moment, given as such or as a date; without a zone it is taken as UTC.

    Args:
        moment: such as `1_600_000_000` or `"2020-09-13"`.
        name: the argument it came in, for the error.

    Raises:
        ValueError: it is no date, no whole number, or outside 1970 to 2100, as milliseconds are.
    """
    if isinstance(moment, numbers.Real):
        if isinstance(moment, bool) or not 0 <= moment <= LATEST_TIMESTAMP or moment % 1:
            raise ValueError(
                f"`{name}` must be whole UTC seconds between 1970 and 2100 (milliseconds are to "
                f"be divided by 1000) or a date. Received: {name}={moment!r}"
            )
        return int(moment)
    try:
        return int(pd.to_datetime(moment, utc=True, format="ISO8601").timestamp())
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"`{name}` must be UTC seconds or a date such as '2020-09-13'. "
            f"Received: {name}={moment!r}"
        ) from error


def _parse(times: pd.Series, form: str | None = None) -> pd.Series:
    """Dates from text: in `form`, or as ISO 8601, or in the one format that the first row shows."""
    text = times.astype("str")
    dates = pd.to_datetime(text, utc=True, errors="coerce", format=form or "ISO8601")
    if form or dates.notna().all():
        return dates
    with warnings.catch_warnings():  # Rows that do not fit the first one's format are named below.
        warnings.simplefilter("ignore", UserWarning)
        return pd.to_datetime(text, utc=True, errors="coerce")


def _from_dates(times: pd.Series, dates: pd.Series) -> tuple[pd.Series, pd.Series]:
    _refuse(times, dates.isna(), "is missing or cannot be read as a date like the others")
    ticks = dates.dt.tz_localize(None).astype("datetime64[us]").astype("int64")
    seconds = ticks // UNITS["microseconds"]
    _refuse(times, (seconds < 0) | (seconds > LATEST_TIMESTAMP), "lies outside 1970 to 2100")
    return seconds, ticks


def _from_numbers(times: pd.Series, numbers: pd.Series) -> tuple[pd.Series, pd.Series]:
    _refuse(times, ~np.isfinite(numbers) | (numbers < 0), "lies outside 1970 to 2100")
    limits = [LATEST_TIMESTAMP * per_second for per_second in UNITS.values()]
    _refuse(times, numbers > limits[-1], "lies outside 1970 to 2100")
    kinds = np.searchsorted(limits, numbers.to_numpy())
    kinds[numbers == 0] = -1  # The same in every unit.
    counts = np.bincount(kinds[kinds >= 0], minlength=len(UNITS))
    kind = int(counts.argmax())
    unit, odd_one = list(UNITS)[kind], (kinds >= 0) & (kinds != kind)
    _refuse(times, pd.Series(odd_one, times.index), f"is not in {unit} like most of the column")
    return (numbers // UNITS[unit]).astype("int64"), numbers


def _refuse(times: pd.Series, bad: pd.Series, what: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        raise ValueError(
            f"Column `{times.name}` holds {int(bad.sum())} of {len(times)} times where the value "
            f"{what}. Use one format and one unit for all rows, and drop the rest. "
            f"Received: {times.iloc[row]} in row {row}"
        )
