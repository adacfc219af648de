"""Convert columns to ids and numbers, and refuse values that could be read in two ways."""

import numpy as np
import pandas as pd

from recmodels.data.text import one_line

# Everything that looks like nothing at the ends of a field, zero-width characters included.
BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + "\u200b\u200e\u200f\ufeff"
INTEGER = r"0|-?[1-9]\d{0,18}"
# What spreadsheets make of long numbers; `1E5` alone may be a product code.
SCIENTIFIC = r"[+-]?\d(\.\d+)?[eE]\+\d+|[+-]?\d\.\d+[eE]\d+"
# Spreadsheets keep 15 digits of a number and write zeros for the rest.
SPREADSHEET_DIGITS = 15


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
    """The same values in the plainest dtype: text as `str`, categories and objects by content."""
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
    if decimal not in (".", ","):
        raise ValueError(f"`decimal` must be '.' or ','. Received: decimal={decimal!r}")
    plain = unwrap(column)
    if pd.api.types.is_timedelta64_dtype(plain):
        return plain.dt.total_seconds()
    advice = (
        "Correct or drop those rows; give `decimal=','` for decimal commas; thousands separators "
        "are not read"
    )
    if is_text(plain):
        plain = to_text(plain)
        point = r"\." if decimal == "." else ","
        number = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
        refuse(column, plain.notna() & ~_matches(plain, number), "are not numbers", advice)
        plain = plain.str.replace(decimal, ".", regex=False)
    elif pd.api.types.is_bool_dtype(plain) or not pd.api.types.is_numeric_dtype(plain):
        refuse(column, np.ones(len(column)), f"are not numbers but {plain.dtype}", advice)
    numbers = plain.astype("float64")
    refuse(column, np.isinf(numbers), "are infinite", advice)
    return numbers


def to_ids(column: pd.Series) -> tuple[pd.Series, str]:
    """Ids as int64 where all of them are written as whole numbers, else as text.

    A column of whole numbers may spell them `12`, `12.0`, `+12`, `'12` or `１２`. In a column of
    text every id stays as it is written (`007`, `01` beside `1`), without blanks at its ends; two
    spellings of one id are refused there. Several negative numbers are signed hashes and become
    text; a single one stands for "nobody" and is refused.

    Returns:
        The ids, and what was assumed, for the reader: `"integers"` or `"text"`.

    Raises:
        RowError: an id is missing, negative, a fraction, or has lost digits.
        ValueError: the values are dates, truth values, lists or of several types.

    Example:
        >>> to_ids(pd.Series(["12", "12.0", " 7"]))[0].tolist()
        [12, 12, 7]
    """
    plain = unwrap(column)
    kind = "integers"
    if pd.api.types.is_float_dtype(plain):
        plain = _whole_numbers(column, plain)
    if pd.api.types.is_integer_dtype(plain) and not pd.api.types.is_bool_dtype(plain):
        refuse(column, plain.isna(), *_MISSING_ID)
        if (plain < 0).any() or plain.max() >= 2**63:
            plain = plain.astype("str")
        else:
            plain = plain.astype("int64")
    if is_text(plain):
        plain, kind = _text_ids(column, to_text(plain))
    if kind != "text":  # Text is checked, one look per different id.
        check_ids(plain.rename(column.name))
    _refuse_rounded(column, plain)
    return plain, kind


_MISSING_ID = (
    "are missing ids",
    "Drop those rows, for example with `recmodels.data.drop_missing`",
)


def check_ids(ids: pd.Series) -> None:
    """Raise a `ValueError` unless ids are text without empty ones, or integers from 0 up."""
    is_integer = pd.api.types.is_integer_dtype(ids) and not pd.api.types.is_bool_dtype(ids)
    refuse(ids, ids.isna(), *_MISSING_ID)
    if is_integer:
        advice = "Drop those rows, or turn the column into text where they are real ids"
        refuse(ids, ids < 0, "are negative ids", advice)
    elif is_text(ids):
        refuse(ids, ids.str.strip(BLANKS) == "", *_MISSING_ID)
    else:
        types = sorted({type(value).__name__ for value in ids})
        raise ValueError(
            f"Column `{ids.name}` must hold integers or strings, all of one type. Name the column "
            "of ids, turn values into text with astype(str), decode bytes, or bring lists into "
            f"rows with explode(). Received: dtype={ids.dtype}, types={types}"
        )


def _whole_numbers(column: pd.Series, numbers: pd.Series) -> pd.Series:
    """A table with missing ids turns integers into floats; this turns them back."""
    refuse(column, numbers.isna(), *_MISSING_ID)
    advice = "Name the column of ids, or read it as integers or text"
    limit, numbers = exact_limit(numbers.dtype), numbers.astype("float64")
    refuse(column, ~np.isfinite(numbers) | (numbers % 1 != 0), "are no whole numbers", advice)
    refuse(column, numbers.abs() >= limit, f"are too large for {column.dtype} to be exact", advice)
    return numbers.astype("int64")


def _text_ids(column: pd.Series, text: pd.Series) -> tuple[pd.Series, str]:
    refuse(column, text.isna(), *_MISSING_ID)
    codes, distinct = pd.factorize(text)
    distinct = pd.Series(distinct, dtype="str")
    folded = distinct.str.normalize("NFKC").str.replace(r"^'?\+?(\d+)(?:\.0*)?$", r"\1", regex=True)
    advice = (
        "Spreadsheets lose the last digits of long ids: export the file again with that column as "
        "text, or name the column of ids"
    )
    refuse(column, _matches(folded, SCIENTIFIC)[codes], "have lost digits", advice)
    times = _matches(folded, r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*")
    refuse(column, times[codes], "are times and no ids", "Name the column of ids")
    numbers = pd.to_numeric(folded, errors="coerce").to_numpy("float64", na_value=np.nan)
    fractions = ~_matches(folded, r"[+-]?\d+")
    if np.isfinite(numbers).all():
        advice = "Name the column of ids; ids such as `1.10` need a letter in front of them"
        refuse(column, fractions[codes], "are numbers with a fraction or exponent", advice)
    if _matches(folded, INTEGER).all() and folded.str.startswith("-").sum() < 2:
        try:
            return _spread(folded.astype("int64"), codes, text), "integers"
        except (OverflowError, ValueError):
            pass  # More than 64 bits.
    advice = "Write each id in one way only; beside text, `12` and `12.0` may be two ids or one"
    twice = folded.duplicated(keep=False).to_numpy()
    refuse(column, twice[codes], "are one id in several spellings", advice)
    return _spread(distinct, codes, text), "text"


def _spread(distinct: pd.Series, codes: np.ndarray, like: pd.Series) -> pd.Series:
    return distinct.take(codes).set_axis(like.index)


def _refuse_rounded(column: pd.Series, ids: pd.Series) -> None:
    """Two or more long ids that all end in zeros were rounded by a spreadsheet."""
    if not pd.api.types.is_integer_dtype(ids) or ids.max() < 10 ** (SPREADSHEET_DIGITS + 1):
        return
    long = (ids >= 10 ** (SPREADSHEET_DIGITS + 1)).to_numpy()
    rounded = long & (ids % 100 == 0).to_numpy()
    if rounded.sum() == long.sum() and ids[long].nunique() > 1:
        advice = "Export the file again with that column as text"
        refuse(column, rounded, "end in zeros, as spreadsheets round long ids", advice)


def _matches(text: pd.Series, pattern: str) -> np.ndarray:
    """Whether each text as a whole fits; missing ones do not."""
    return text.str.fullmatch(pattern).fillna(False).to_numpy(bool)
