"""Convert columns to plain types; refuse invalid values."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recmodels.data.errors import require
from recmodels.data.text import one_line

# Everything that looks like nothing at the ends of a field, characters without width included.
INVISIBLE = "\u00ad\u061c\u180e\ufeff" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)))
)
BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + INVISIBLE


class RowError(ValueError):
    """A value that cannot be read; `row` is its position, counted from 0."""

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def refuse(column: pd.Series, bad: np.ndarray | pd.Series, what: str, advice: str) -> None:
    """Raise a `RowError` that names the first of the `bad` rows, if there is one.

    Args:
        column: the values as they were given.
        bad: a boolean per row.
        what: what is wrong with these values, as the end of "5 values that ...".
        advice: what to do, as a sentence without its full stop.
    """
    bad = np.asarray(bad, bool)
    if not bad.any():
        return
    row = int(bad.argmax())
    value = column.iloc[row]
    shown = one_line(repr(value) if isinstance(value, str | bytes | list) else value)
    raise RowError(
        f"Column `{column.name}` holds {bad.sum():,} of {len(column):,} values that {what}. "
        f"{advice}. Received: {shown} in row {row}",
        row,
    )


def unwrap(column: pd.Series) -> pd.Series:
    """Return the values in the simplest dtype: text as `str`, categories and objects by content."""
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    if isinstance(column.dtype, pd.CategoricalDtype):
        whole = not column.hasnans
        column = column.astype(column.cat.categories.dtype if whole else object)
    if column.dtype == object:
        kind = pd.api.types.infer_dtype(column, skipna=True)
        if kind in ("string", "decimal", "empty"):
            return column.astype("str")
        if kind in ("integer", "mixed-integer-float", "floating"):
            return _plain_numbers(column)
        if kind in ("datetime", "datetime64", "date"):
            zoned = column.dropna().map(lambda value: getattr(value, "tzinfo", None) is not None)
            return column if zoned.nunique() > 1 else pd.to_datetime(column, utc=zoned.any())
        return column
    if pd.api.types.is_string_dtype(column):
        return column.astype("str")
    extended = pd.api.types.is_numeric_dtype(column) and not isinstance(column.dtype, np.dtype)
    return column.astype(column.dtype.numpy_dtype) if extended and not column.hasnans else column


def _plain_numbers(column: pd.Series) -> pd.Series:
    try:
        return column.infer_objects() if column.notna().all() else column.astype("Int64")
    except (OverflowError, TypeError, ValueError):  # Fractions, or more than 64 bits.
        return column.astype("str")


def exact_limit(dtype: np.dtype) -> int:
    """The number up to which a dtype holds every integer."""
    return 2 ** (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else np.iinfo(dtype).max


def is_real(column: pd.Series) -> bool:
    """Whether the dtype is one of real numbers: neither truth values nor complex ones."""
    types = pd.api.types
    is_other = types.is_bool_dtype(column) or types.is_complex_dtype(column)
    return types.is_numeric_dtype(column) and not is_other


def is_text(column: pd.Series) -> bool:
    """Whether `unwrap` found text."""
    return pd.api.types.is_string_dtype(column.dtype) and column.dtype != object


def to_text(column: pd.Series) -> pd.Series:
    """Text without blanks at its ends, in which the empty field, and nothing else, is missing."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")  # Missing values turn integers into floats.
    text = column.astype("str").str.strip(BLANKS)
    return text.mask(text == "")


def is_missing(column: pd.Series) -> pd.Series:
    """Whether each value is missing, or text without anything but blanks."""
    plain = unwrap(column)
    return (to_text(plain) if is_text(plain) else plain).isna()


def to_numbers(column: pd.Series, decimal: str = ".") -> pd.Series:
    """Numbers as float64, with missing values as NaN; durations become seconds.

    Args:
        column: numbers, text or time differences.
        decimal: `"."` or `","`, the decimal point of text. Thousands separators are refused.

    Raises:
        RowError: a value is not a finite number.
        ValueError: `decimal` is something else.
    """
    require(decimal in (".", ","), "`decimal` must be '.' or ','", decimal=decimal)
    plain = unwrap(column)
    if pd.api.types.is_timedelta64_dtype(plain):
        return plain.dt.total_seconds()
    advice = "Correct or drop those rows; give `decimal=','` for decimal commas; thousands "
    advice += "separators are not read"
    if is_text(plain):
        plain = to_text(plain)
        point = r"\." if decimal == "." else ","
        number = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
        refuse(column, plain.notna() & ~matches(plain, number), "are not numbers", advice)
        plain = plain.str.replace(decimal, ".", regex=False)
    elif not is_real(plain):
        refuse(column, np.ones(len(column)), f"are not numbers but {plain.dtype}", advice)
    numbers = plain.astype("float64")
    refuse(column, np.isinf(numbers), "are infinite", advice)
    return numbers


def matches(text: pd.Series, pattern: str) -> np.ndarray:
    """Return whether each text matches a pattern as a whole; False for missing ones."""
    fits = pc.match_substring_regex(pa.array(text), f"(?s)^(?:{pattern})$")
    return np.asarray(pc.fill_null(fits, False))
