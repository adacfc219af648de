"""Interpret numbers in a time column: time since 1970 in some unit, digits of dates, or neither."""

import numpy as np
import pandas as pd

from recmodels.data.interactions import LATEST_TIMESTAMP
from recmodels.data.values import RowError, refuse

# For each `unit`: units per second, seconds per unit, and the second at which it counts 0.
UNITS = {
    "s": (1, 1, 0),
    "ms": (10**3, 1, 0),
    "us": (10**6, 1, 0),
    "ns": (10**9, 1, 0),
    "days": (1, 86_400, 0),
    "excel": (1, 86_400, -25_569 * 86_400),  # Day 1 is the first of January 1900.
}
# A unit is guessed where all times lie between 1995 and 2100 in it and in no other.
EARLIEST_GUESS = 788_918_400
GUESSED_UNITS = ("s", "ms", "us", "ns")
# Digits of dates that cannot be taken for seconds and the like: how many, and their format.
COMPACT = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# What other numbers look like by their size, and the argument to give.
LOOKS = (
    (1_970, 2_101, "a year", "date_format='%Y'"),
    (9_000, 30_000, "days since 1970", "unit='days'"),
    (30_000, 70_000, "day numbers of a spreadsheet", "unit='excel'"),
    (197_001, 210_013, "a year and a month", "date_format='%Y%m'"),
    (70_101, 1_000_000, "a date of six digits", "date_format='%y%m%d'"),
    (10**7, 10**8, "a date of eight digits", "date_format='%y%m%d%H' or date_format='%d%m%Y'"),
)
GIVE_FORMAT = "Give the `date_format` of all rows and drop the others"


def guess_unit(times: pd.Series, values: np.ndarray) -> str:
    """The unit in which most of the numbers are times between 1995 and 2100, which all must be.

    Args:
        times: the column, for errors.
        values: its numbers.
    """

    def fits(unit: str) -> np.ndarray:
        per_second = UNITS[unit][0]
        return (values >= EARLIEST_GUESS * per_second) & (values <= LATEST_TIMESTAMP * per_second)

    unit = max(GUESSED_UNITS, key=lambda unit: fits(unit).sum())
    fit = fits(unit)
    if fit.mean() <= 0.5:
        middle = np.median(values)
        looks = [look for look in LOOKS if look[0] <= middle < look[1]]
        what, advice = looks[0][2:] if looks else ("numbers from another start", "the `unit`")
        raise RowError(
            f"Column `{times.name}` holds numbers that look like {what}: give {advice}. Numbers "
            f"since 1970 need `unit`, one of {list(UNITS)}; where the rows of a user stand in time "
            "order, say order='ordered' and name no `timestamp`. "
            f"Received: {times.iloc[0]} in row 0",
            0,
        )
    advice = f"Use one unit for all rows, or give unit='{unit}' where these times are real"
    refuse(times, ~fit, f"are not between 1995 and 2100 in {unit}, the unit of most", advice)
    return unit


def read_digits(times: pd.Series, values: np.ndarray) -> tuple[np.ndarray, str] | None:
    """Microseconds of numbers whose digits are those of dates, such as `20230115103000`."""
    for digits, form in COMPACT.items():
        scale = 10 ** (digits - 4)
        inside = (values >= 1970 * scale) & (values < 2101 * scale)
        if inside.mean() <= 0.5:
            continue
        text = pd.Series(values.astype("int64")).where(inside, 0).astype("str")
        dates = pd.to_datetime(text, format=form, errors="coerce")
        bad = (dates.isna() | (values % 1 != 0)).to_numpy()
        if bad.mean() < 0.5:
            refuse(times, bad, f"are no dates as {form}, which the others are", GIVE_FORMAT)
            return dates.to_numpy("datetime64[us]").astype("int64"), f"dates as {form}"
    return None
