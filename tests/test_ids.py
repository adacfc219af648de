"""Ids from columns of text or typed values."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from recmodels.data.ids import check_ids, to_ids
from recmodels.data.values import RowError


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
    "digits of other scripts": (["12", "١٢", "१२", "１２"], [12] * 4),
    "formulas of spreadsheets": (['="12"', "12", "'12"], [12] * 3),
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
    "invisible ends": (["a\u200b", "\ufeffa", "\u00a0a", "\u2068a\u2069", "a\u2060"], ["a"] * 5),
    "titles": (["(500) Days of Summer (2009)", "[REC] (2007)", "10,000 BC"], None),
    "words and numbers": (["Up 1 2", "Ocean's 11", "SW1A 1AA", "iPhone 12"], None),
    "numbers in two groups": (["0170 123", "0170 124"], None),
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
    "decimal commas": (["a", "1,58E+18"], "lost digits.*row 1"),
    "errors of spreadsheets": (["a", "#REF!", "#N/A", "######"], "3 of 4 values that have lost"),
    "letters that were not read": (["a", "Caf\ufffd"], "lost digits or letters.*row 1"),
    "written truth values": (["True", "false"], "truth values.*'True' in row 0"),
    "lists of digits": (["7", "1,2"], "lists, or numbers with separators.*'1,2' in row 1"),
    "grouped digits": (["1,234", "12,345"], "numbers with separators"),
    "lists as Python writes them": (["a", "['b', 'c']"], "lists.*row 1"),
    "empty lists": (["a", "[]"], "lists.*row 1"),
    "tuples": (["a", "(1, 2)"], "lists.*row 1"),
    "objects": (["a", '{"id": 1}'], "lists.*row 1"),
    "lists without brackets": (["N5 N7 N12", "N1 N2", "N8"], "lists.*'N5 N7 N12' in row 0"),
    "superscripts": (["²", "2"], "several spellings"),
    "groups beside a word": (["a", "1\u00a0234", "1234"], "several spellings"),
    "blanks inside": (["a  b", "a b"], "several spellings"),
    "invisible letters": (["a\u200bb", "ab"], "several spellings.*row 0"),
    "beyond 64 bits and rounded": (
        ["12345678901234500000", "12345678901234600000"],
        "end in zeros",
    ),
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
