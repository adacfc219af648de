"""Ids and numbers from columns of text or typed values."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from recmodels.data.values import RowError, check_ids, to_ids, to_numbers, to_text


def _categories(*values):
    return pd.Series(pd.Categorical(values))


def _objects(*values):
    return pd.Series(values, dtype=object)


INTEGERS = {
    "plain digits": (["12", "7"], [12, 7]),
    "blanks, decimals, signs and wide digits": (
        ["12", "12.0", " 12\u3000", "１２", "+12"],
        [12] * 5,
    ),
    "nineteen digits": (["1234567890123456789", "2"], [1234567890123456789, 2]),
    "whole floats": ([1.0, 2.0], [1, 2]),
    "objects": (_objects(1, 2), [1, 2]),
    "objects with floats": (_objects(1, 2.0), [1, 2]),
    "decimals": (_objects(Decimal(5)), [5]),
    "categories": (_categories(4, 2), [4, 2]),
    "nullable": (pd.Series([1, 2], dtype="Int64"), [1, 2]),
}
TEXTS = {
    "leading zeros": (["01", "1", "001"], ["01", "1", "001"]),
    "words that others take for missing": (["NA", "None", "null", "nan"], None),
    "digits among words": (["12", "a"], None),
    "twenty digits": (["12345678901234567890", "2"], None),
    "signed hashes": (["-5", "-6", "7"], None),
    "signed hashes as numbers": ([-5, -6, 7], ["-5", "-6", "7"]),
    "codes with an E": (["1E5", "A3"], None),
    "invisible ends": (["a\u200b", "\ufeffa", "\u00a0a"], ["a", "a", "a"]),
    "categories": (_categories("a", "b"), ["a", "b"]),
    "more than 63 bits": (pd.Series([2**63 + 1], dtype="uint64"), [str(2**63 + 1)]),
}


@pytest.mark.parametrize("case", INTEGERS)
def test_whole_numbers_become_integers_however_they_are_written(case):
    values, expected = INTEGERS[case]
    ids, kind = to_ids(pd.Series(values))
    assert (ids.tolist(), ids.dtype, kind) == (expected, np.int64, "integers")


@pytest.mark.parametrize("case", TEXTS)
def test_other_ids_stay_text(case):
    values, expected = TEXTS[case]
    ids, kind = to_ids(pd.Series(values))
    assert (ids.tolist(), ids.dtype, kind) == (expected or values, "str", "text")


BAD_IDS = {
    "spellings beside a word": (["a", "12", "12.0"], "several spellings.*'12' in row 1"),
    "wide digits beside a word": (["a", "１２", "12"], "several spellings.*'１２' in row 1"),
    "composed and decomposed": (["L\u00e9on", "Le\u0301on"], "several spellings"),
    "spreadsheet notation": (["5", "1.58E+18"], "lost digits.*'1.58E\\+18' in row 1"),
    "notation without a plus": (["1.58e18"], "lost digits"),
    "notation among words": (["a", "2E+10"], "lost digits.*row 1"),
    "exponents only": (["1E5", "12"], "fraction or exponent.*'1E5' in row 0"),
    "times": (["a", "2020-09-13T12:26"], "are times.*'2020-09-13T12:26' in row 1"),
    "fractions": (["2", "1.5"], "fraction or exponent.*'1.5' in row 1"),
    "rounded by a spreadsheet": (
        ["1234567890123450000", "7", "1234567890123460000"],
        "end in zeros.*row 0",
    ),
    "empty": (["a", ""], "missing ids.*'' in row 1"),
    "blank": (["a", "\u3000 "], "missing ids.*row 1"),
    "none": (_objects("a", None), "missing ids.*None in row 1"),
    "nullable": (pd.Series([1, None], dtype="Int64"), "missing ids.*<NA> in row 1"),
    "missing category": (_categories(1, None), "missing ids.*row 1"),
    "nobody": (["7", "-1"], "negative ids.*-1 in row 1"),
    "real numbers": ([1.0, 1.5], "no whole numbers.*1.5 in row 1"),
    "endless": ([np.inf], "no whole numbers"),
    "large floats": ([1.0, 1.58e18], r"too large for float64.*1.58e\+18 in row 1"),
    "large short floats": (np.array([2**24 + 2], "float32"), "too large for float32"),
}
NO_IDS = {
    "truth values": pd.Series([True, False]),
    "times": pd.Series(pd.to_datetime(["2020-01-01"])),
    "bytes": _objects(b"a"),
    "lists": _objects([1, 2]),
    "several types": _objects(1, "a"),
    "complex": pd.Series([1j]),
}


@pytest.mark.parametrize("case", BAD_IDS)
def test_unclear_ids_are_refused_naming_the_row(case):
    values, message = BAD_IDS[case]
    with pytest.raises(RowError, match=f"Column `who`.*{message}"):
        to_ids(pd.Series(values, name="who"))


@pytest.mark.parametrize("case", NO_IDS)
@pytest.mark.parametrize("check", [to_ids, check_ids])
def test_columns_that_hold_no_ids_are_refused(case, check):
    with pytest.raises(ValueError, match="Column `who` must hold integers or strings.*dtype="):
        check(NO_IDS[case].rename("who"))


NUMBERS = {
    "text": (["4", " 5.5 ", "", "-1e3", ".5"], ".", [4, 5.5, np.nan, -1000, 0.5]),
    "decimal comma": (["4,5", "3"], ",", [4.5, 3]),
    "time differences": (pd.to_timedelta([5, 90], unit="s"), ".", [5, 90]),
    "missing": ([1.0, None], ".", [1, np.nan]),
    "nullable": (pd.Series([1, None], dtype="Int64"), ".", [1, np.nan]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_become_floats(case):
    values, decimal, expected = NUMBERS[case]
    numbers = to_numbers(pd.Series(values), decimal)
    np.testing.assert_array_equal(numbers.to_numpy(), np.array(expected, float))


BAD_NUMBERS = {
    "word": (["4", "good"], "not numbers.*'good' in row 1"),
    "the word nan": (["nan"], "not numbers.*'nan' in row 0"),
    "comma": (["4,5"], "decimal=','.*'4,5' in row 0"),
    "thousands": (["1,234.5"], "not numbers"),
    "underscore": (["1_000"], "not numbers"),
    "clock": (["00:05:30"], "not numbers"),
    "infinite": ([1.0, np.inf], "infinite.*inf in row 1"),
    "beyond floats": (["1e999"], "infinite.*'1e999' in row 0"),
    "truth values": ([True], "not numbers but bool"),
    "dates": (pd.to_datetime(["2020-01-01"]), "not numbers but datetime64"),
}


@pytest.mark.parametrize("case", BAD_NUMBERS)
def test_other_values_are_no_numbers(case):
    values, message = BAD_NUMBERS[case]
    with pytest.raises(RowError, match=f"Column `stars`.*{message}"):
        to_numbers(pd.Series(values, name="stars"))


def test_points_beside_decimal_commas_are_refused():
    with pytest.raises(RowError, match=r"'1\.234' in row 0"):
        to_numbers(pd.Series(["1.234"]), ",")
    with pytest.raises(ValueError, match="`decimal` must be.*Received: decimal=';'"):
        to_numbers(pd.Series(["1"]), ";")


def test_text_keeps_what_is_written_between_its_blanks():
    text = to_text(pd.Series([" NA", "", "01 ", "a b"]))
    assert text.isna().tolist() == [False, True, False, False]
    assert text.dropna().tolist() == ["NA", "01", "a b"]
    assert to_text(pd.Series([1.0, None])).dropna().tolist() == ["1"]
