"""Convert columns to ids; refuse values that are not ids or are ambiguous."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recmodels.data.errors import invalid
from recmodels.data.values import (
    BLANKS,
    INVISIBLE,
    exact_limit,
    is_text,
    matches,
    refuse,
    to_text,
    unwrap,
)

INTEGER = r"0|-?[1-9]\d{0,18}"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
# Texts that are nothing but ids, in one spelling: three of them need no further checks.
SIMPLE = r"\d*[A-DF-Za-df-z_][A-Za-z0-9_-]*"
# Whole numbers as spreadsheets and tables with missing values write them.
WHOLE = r"^(?:=\")?'?\+?(\d+)(?:\.0*)?\"?$"
# Spreadsheets keep 15 digits of a number and write zeros for the rest.
SPREADSHEET_DIGITS = 15
# Texts that are no ids: a pattern, what they are, and what to do. `1E5` may be a product code.
NO_IDS = (
    (
        r"[+-]?\d([.,]\d+)?[eE]\+\d+|[+-]?\d[.,]\d+[eE]\d+|.*\x{fffd}.*"
        r"|#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|##+)",
        "have lost digits or letters",
        "Spreadsheets lose the last digits of long ids, and a wrong encoding loses letters: export "
        "the file again with that column as text, or name the column of ids",
    ),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", "are times and no ids", "Name the column of ids"),
    (
        r"\[\s*(['\"\d][^\[\]]*)?\]|\(\s*['\"\d][^()]*,[^()]*\)|\{\s*['\"].*:.*\}"
        r"|\d+([,;]\s?\d+)+",
        "are lists, or numbers with separators",
        "Write one id per row, or name the column of ids; write numbers without separators",
    ),
)
_MISSING_ID = "are missing ids", "Drop those rows, for example with `drop_missing`"
_ROUNDED = (
    "end in zeros, as spreadsheets round long ids",
    "Export the file again with that column as text",
)


def to_ids(column: pd.Series) -> tuple[pd.Series, str]:
    """Convert ids to int64 if all of them are whole numbers, otherwise to text.

    A column of whole numbers may spell them `12`, `12.0`, `+12`, `'12` or `１２`. In a column of
    text every id stays as it is written (`007`, `01` besides `1`), without blanks at its ends; two
    spellings of one id are refused there. Several negative numbers are signed hashes and become
    text; a single one is a placeholder and is refused.

    Returns:
        The ids, and their type: `"integers"` or `"text"`.

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


def check_ids(ids: pd.Series) -> None:
    """Raise a `ValueError` unless ids are text without empty ones, or integers from 0 up."""
    refuse(ids, ids.isna(), *_MISSING_ID)
    if pd.api.types.is_integer_dtype(ids) and not pd.api.types.is_bool_dtype(ids):
        advice = "Drop those rows, or turn the column into text where they are real ids"
        refuse(ids, ids < 0, "are negative ids", advice)
    elif is_text(ids):
        refuse(ids, ids.str.strip(BLANKS) == "", *_MISSING_ID)
    else:
        advice = "Name the column of ids, turn values into text with astype(str), decode bytes, or "
        advice += "bring lists into rows with explode()"
        must = f"Column `{ids.name}` must hold integers or strings, all of one type. {advice}"
        types = sorted({type(value).__name__ for value in ids})
        raise invalid(must, dtype=ids.dtype, types=types)


def _whole_numbers(column: pd.Series, numbers: pd.Series) -> pd.Series:
    """Convert floats back to integers, because a column with missing ids becomes float."""
    refuse(column, numbers.isna(), *_MISSING_ID)
    advice = "Name the column of ids, or read it as integers or text"
    limit, numbers = exact_limit(numbers.dtype), numbers.astype("float64")
    refuse(column, ~np.isfinite(numbers) | (numbers % 1 != 0), "are no whole numbers", advice)
    refuse(column, numbers.abs() >= limit, f"are too large for {column.dtype} to be exact", advice)
    return numbers.astype("int64")


def _text_ids(column: pd.Series, text: pd.Series) -> tuple[pd.Series, str]:
    refuse(column, text.isna(), *_MISSING_ID)
    codes, dictionary = encode(text)
    distinct = pd.Series(dictionary.to_pandas(), dtype="str")

    def refuse_distinct(bad: np.ndarray, what: str, advice: str) -> None:
        if bad.any():  # Spreading them over the rows takes longer than finding them.
            refuse(column, bad[codes], what, advice)

    if len(distinct) > 2 and matches(distinct, SIMPLE).all():
        return text, "text"
    is_ascii = distinct.str.isascii().all()
    folded = distinct if is_ascii else distinct.map(_with_ascii_digits)
    folded = _replace(folded, WHOLE, r"\1")
    _refuse_no_ids(folded, refuse_distinct)
    if matches(folded, INTEGER).all() and folded.str.startswith("-").sum() < 2:
        try:
            return folded.astype("int64").take(codes).set_axis(text.index), "integers"
        except (OverflowError, ValueError):
            pass  # More than 64 bits.
    usual = folded if is_ascii else folded.map(_with_usual_letters)
    usual = _replace(usual, r"\s+", " ")
    grouped = matches(usual, r"\d{1,3}([ .']\d{3})+")
    usual = usual.mask(grouped, _replace(usual, r"[ .']", ""))
    advice = "Write each id in one way only; among text, `12` and `12.0` may be two ids or one"
    twice = usual.duplicated(keep=False).to_numpy()
    refuse_distinct(twice, "are one id in several spellings", advice)
    return text, "text"


def _refuse_no_ids(texts: pd.Series, refuse_distinct: Callable) -> None:
    """Refuse different texts that are no ids, such as numbers that lost digits, times or lists."""
    if matches(texts, "|".join(pattern for pattern, *_ in NO_IDS)).any():
        for pattern, *why in NO_IDS:
            refuse_distinct(matches(texts, pattern), *why)
    every = np.ones(len(texts), bool)
    refuse_distinct(every & _are_lists(texts), *NO_IDS[-1][1:])
    truths = len(texts) <= 2 and set(texts.str.lower()) <= {"true", "false"}
    refuse_distinct(every & truths, "are truth values", "Name the column of ids")
    long = matches(texts, rf"\d{{{SPREADSHEET_DIGITS + 2},}}")
    rounded = long.sum() > 1 and texts[long].str.endswith("00").all()
    refuse_distinct(long & rounded, *_ROUNDED)
    if matches(texts, NUMBER).all():
        advice = "Name the column of ids; ids such as `1.10` need a letter in front of them"
        fractions = ~matches(texts, r"[+-]?\d+")
        refuse_distinct(fractions, "are numbers with a fraction or exponent", advice)


def _with_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _with_usual_letters(text: str) -> str:
    """Text by which letters in several forms, and with invisible ones between them, are equal."""
    usual = unicodedata.normalize("NFKC", text)
    return "".join(c for c in usual if c not in INVISIBLE)


def _are_lists(texts: pd.Series) -> bool:
    """Whether most of a sample are lists of different lengths: `i1 i2`, `i7 i8 i9`."""
    lengths = []
    for text in (sample := texts.head(1000)):
        words = re.split(r"[\s,;|]+", text)
        shapes = set(map(shape, words))
        if len(words) > 1 and len(shapes) == 1 and shapes != {None}:
            lengths.append(len(words))
    return len(lengths) > len(sample) / 2 and len(set(lengths)) > 1


def shape(text: str) -> str | None:
    """How a text with digits is written, in which `u12` and `u7` are equal; None without any."""
    if not re.search(r"\d", text):
        return None
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


def encode(texts: pd.Series) -> tuple[np.ndarray, pa.Array]:
    """Return the number of each text among the different texts, int32, and these texts."""
    encoded = pa.array(texts, pa.large_string()).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return np.asarray(encoded.indices), encoded.dictionary


def _refuse_rounded(column: pd.Series, ids: pd.Series) -> None:
    """Refuse long ids that all end in zeros: a spreadsheet has rounded them."""
    long = (ids >= 10 ** (SPREADSHEET_DIGITS + 1)).to_numpy()
    if long.any() and (ids[long] % 100 == 0).all() and ids[long].nunique() > 1:
        refuse(column, long, *_ROUNDED)


def _replace(text: pd.Series, pattern: str, replacement: str) -> pd.Series:
    return pc.replace_substring_regex(pa.array(text), pattern, replacement).to_pandas()
