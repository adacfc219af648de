"""Numbers and text from columns of text or typed values."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.values import RowError, to_numbers, to_text


def _categories(*values):
    return pd.Series(pd.Categorical(values))


def _objects(*values):
    return pd.Series(values, dtype=object)


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


def test_decimal_points_together_with_decimal_commas_are_refused():
    with pytest.raises(RowError, match=r"'1\.234' in row 0"):
        to_numbers(pd.Series(["1.234"]), ",")
    with pytest.raises(ValueError, match="`decimal` must be.*Received: decimal=';'"):
        to_numbers(pd.Series(["1"]), ";")


def test_text_keeps_its_inner_blanks():
    text = to_text(pd.Series([" NA", "", "01 ", "a b"]))
    assert text.isna().tolist() == [False, True, False, False]
    assert text.dropna().tolist() == ["NA", "01", "a b"]
    assert to_text(pd.Series([1.0, None])).dropna().tolist() == ["1"]
