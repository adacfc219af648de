"""Parse dates in text: one format per column, with one order of day and month."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recmodels.data.values import refuse

_ZONE = r"(?P<zone>[Zz]|(?:UTC|GMT)?[+-](?:0\d|1[0-4]):?(?:[0-5]\d)?|UTC|GMT)"
_CLOCK = r"(?P<H>\d{1,2})(?::?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?)?"
_MOMENT = rf"{_CLOCK}(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?{_ZONE})?(?: \(.*\))?"
_TIME = rf"(?:(?:[Tt:]|,? +){_MOMENT})?"
_WEEKDAY = r"(?:(?:[Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)[a-z]*,? +)?"
_MONTH = r"(?P<m>[A-Za-z]{3,9})\.?"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
# The first form that fits the first row is the form of the column. `p, q, r` are numbers whose
# meaning the whole column decides.
FORMS = (
    rf"(?P<y>\d{{4}})[-/. ](?P<m>\d{{1,2}})[-/. ](?P<d>\d{{1,2}}){_TIME}",
    rf"(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?:[Tt -]{_MOMENT})?",
    rf"{_WEEKDAY}{_DAY}[-/ ]+{_MONTH}[-/, ]+(?P<y>\d{{4}}){_TIME}",
    rf"{_WEEKDAY}{_MONTH} +{_DAY},? +(?P<y>\d{{4}}){_TIME}",
    rf"{_WEEKDAY}{_MONTH} +{_DAY} +{_CLOCK}(?: {_ZONE})? +(?P<y>\d{{4}})",
    rf"(?P<p>\d{{1,2}})(?P<sep>[-/. ])(?P<q>\d{{1,2}})(?:[-/.]|,? +)(?P<r>\d{{4}}|\d{{2}}){_TIME}",
    rf"(?P<p>\d{{1,2}})(?P<sep>[-/.])(?P<q>\d{{1,2}}){_TIME}",
)
# What `p, q, r` may be.
ORDERS = {"dmy": "day.month.year", "mdy": "month/day/year", "ymd": "year/month/day"}
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_CHINESE = (
    (r"[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?", " "),
    (r"\s*[年月]\s*(?=\d)", "-"),
    (r"\s*[日号]", " "),
    (r"\s*[时時点點]\s*(?=\d)|\s*分\s*(?=\d)", ":"),
    (r"[时時点點]整?", ":00"),
    (r"[分秒]", ""),
    (r":(?=\d(?!\d))", ":0"),
    (r"(?:上午|早上|凌晨)\s*([\d:]+)", r"\1 AM"),
    (r"(?:下午|晚上|中午)\s*([\d:]+)", r"\1 PM"),
    (r"\s+", " "),
)


def read_dates(
    times: pd.Series, text: pd.Series, dayfirst: bool | None, year: int | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Convert dates written as text to microseconds since 1970.

    Args:
        times: the values as given, for errors.
        text: the same values as text without blanks at the ends.
        dayfirst: whether the day stands before the month; None to find out from the column.
        year: of dates without one.

    Returns:
        Microseconds, int64, in UTC where the date has a time zone, otherwise in local time;
        whether it has a time zone, bool; and how the dates were read.

    Raises:
        RowError: a date is not in the form of the first row, does not exist, or can be read in
            several ways.
    """
    if not text.str.isascii().all():
        text = text.map(_to_ascii)
    form = next((form for form in FORMS if re.fullmatch(form, text.iloc[0])), None)
    what = "cannot be read as a date"
    if form is None and re.fullmatch(r"\d{1,2}:\d\d.*", text.iloc[0]):
        what = "are times of day without a date"
    advice = "Give `date_format`, such as '%d.%m.%Y %H:%M', or bring date and time into one column"
    refuse(times, np.full(len(text), form is None), what, advice)
    written = pa.array(text, pa.large_string())
    if isinstance(written, pa.ChunkedArray):  # Text that was read in several blocks.
        written = written.combine_chunks()
    fields = pc.extract_regex(written, f"^(?:{form})$")
    unlike = np.asarray(fields.is_null())
    refuse(times, unlike, "cannot be read as a date like the first row", advice)
    part = dict(zip(re.compile(form).groupindex, fields.flatten(), strict=True))
    if "p" in part:
        days, reading = _decide_order(times, part, dayfirst, year)
    else:
        refuse(times, np.full(len(times), year is not None), "have a year", "Leave `year` out")
        days = _days(_integers(part["y"]), _lookup(part["m"], _month), _integers(part["d"]))
        reading = "year, month, day"
    seconds, micros = _seconds(part)
    bad = np.isnat(days) | (seconds < 0)
    refuse(times, bad, "are dates or times of day that do not exist", "Correct or drop those rows")
    ticks = days.astype("datetime64[us]").astype("int64") + seconds * 10**6 + micros
    if "zone" not in part:
        return ticks, np.zeros(len(ticks), bool), f"dates as {reading}"
    zoned = np.asarray(pc.not_equal(part["zone"], ""))
    return ticks - _lookup(part["zone"], _zone_seconds) * 10**6, zoned, f"dates as {reading}"


def _decide_order(
    times: pd.Series, part: dict[str, pa.Array], dayfirst: bool | None, year: int | None
) -> tuple[np.ndarray, str]:
    """Days of `p, q, r` in the one order in which every row is a date."""
    separator = part["sep"][0].as_py()
    unlike = np.asarray(pc.not_equal(part["sep"], separator))
    refuse(times, unlike, "have another separator than the first row", "Write all dates alike")
    has_year, every = "r" in part, np.ones(len(times), bool)
    if has_year == (year is not None):
        what, advice = ("have a year", "Leave it out") if has_year else ("have no year", "Give it")
        refuse(times, every, what, f"{advice}, argument `year`")
    p, q = _integers(part["p"]), _integers(part["q"])
    r = _integers(part["r"]) if has_year else np.full(len(p), year)
    short = has_year and pc.max(pc.utf8_length(part["r"])).as_py() == 2
    # Nobody writes the month first before dots; a year of two digits may also come first.
    orders = ("dmy",) + ("mdy",) * (separator != ".") + ("ymd",) * short
    if dayfirst is not None:
        orders = ("dmy",) if dayfirst else ("mdy",)
    elif not has_year and separator == "-":
        orders = ("mdy",)  # As in ISO 8601.
    readings = {}
    for order in orders:
        named = dict(zip(order, (p, q, r), strict=True))
        years = named["y"] + np.where(named["y"] < 70, 2000, 1900) * short
        readings[order] = _days(years, named["m"], named["d"])
    fewest = min(np.isnat(days).sum() for days in readings.values())
    readings = {o: days for o, days in readings.items() if np.isnat(days).sum() == fewest}
    if fewest:  # No order fits all rows: the caller refuses those that one order does not fit.
        return next((days, ORDERS[order]) for order, days in readings.items())
    (order, days), *others = readings.items()
    for other, differing in others:
        both = " or ".join(f"{days[0]} as {ORDERS[o]}" for o, days in readings.items())
        what = f"can be read as {ORDERS[order]} and as {ORDERS[other]} (the first row is {both})"
        refuse(times, differing != days, what, "Give `dayfirst=True` or `False`, or `date_format`")
    return days, ORDERS[order]


def _days(years: np.ndarray, months: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Days as `datetime64[D]`; NaT where there is no such day."""
    month = ((years - 1970) * 12 + months - 1).astype("datetime64[M]")
    day = month.astype("datetime64[D]") + (days - 1)
    exists = (months >= 1) & (months <= 12) & (day.astype("datetime64[M]") == month)
    return np.where(exists, day, np.datetime64("NaT"))


def _seconds(part: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since midnight, -1 where there is no such time of day; and microseconds."""
    hours, minutes, seconds = (_integers(part[key]) for key in "HMS")
    exists = (hours < 24) & (minutes < 60) & (seconds < 60)
    if "half" in part:
        half = np.asarray(pc.utf8_upper(part["half"]))
        exists &= (half == "") | ((hours >= 1) & (hours <= 12))
        hours = np.where(half == "", hours, hours % 12 + 12 * (half == "P"))
    micros = _integers(pc.utf8_slice_codeunits(pc.utf8_rpad(part["f"], 6, "0"), 0, 6))
    return np.where(exists, hours * 3600 + minutes * 60 + seconds, -1), micros


def _integers(digits: pa.Array) -> np.ndarray:
    """int64 of digits; 0 of nothing."""
    filled = pc.if_else(pc.equal(digits, ""), "0", digits)
    return np.asarray(pc.cast(filled, pa.int64()))


def _lookup(texts: pa.Array, convert: Callable[[str], int]) -> np.ndarray:
    """int64 of texts of which there are few different ones."""
    encoded = pc.dictionary_encode(texts)
    numbers = np.array([convert(text) for text in encoded.dictionary.to_pylist()], np.int64)
    return numbers[np.asarray(encoded.indices)]


def _month(name: str) -> int:
    """1 to 12 of digits or an English name; 0 for others."""
    if name.isdigit():
        return int(name)
    starts = [full.startswith(name.lower()) for full in _MONTH_NAMES]
    return starts.index(True) + 1 if any(starts) else 0


def _zone_seconds(zone: str) -> int:
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if "-" in zone else seconds


def _to_ascii(text: str) -> str:
    """Full-width digits and Chinese dates in signs that the forms know."""
    text = unicodedata.normalize("NFKC", text)
    for pattern, replacement in _CHINESE:
        text = re.sub(pattern, replacement, text)
    return text.strip()
