"""The checker itself; what it says of each exercise is tested with the solutions."""

import numpy as np
import pytest

from recmodels.course import check
from recmodels.course.checking import CHECKS, exercise, expect, expect_close


@pytest.fixture
def doubling():
    """An exercise: double an array."""

    @exercise("99.1")
    def check_doubling(answer):
        given = np.arange(3.0)
        expect(callable(answer), "Give a function.")
        expect_close(answer(given), 2 * given, "Each number must come out twice as large.")

    yield
    CHECKS.pop("99.1")


def test_right_and_wrong_answers(doubling):
    verdict = check("99.1", lambda x: x + x)
    assert verdict and repr(verdict) == "99.1: right."
    verdict = check("99.1", lambda x: x * x)
    assert not verdict
    assert repr(verdict) == "99.1: not yet. Each number must come out twice as large."


def test_what_goes_wrong_is_said(doubling):
    assert check("99.1", 3).reason == "Give a function."
    assert check("99.1", lambda x: x[:2]).reason == "Its shape is (2,), where (3,) was expected."
    stopped = check("99.1", lambda x: x["a"])
    assert not stopped and stopped.reason.startswith("It stopped with IndexError: ")


@pytest.mark.parametrize("number", ["99.2", "05", "x", ""])
def test_an_unknown_number_is_refused(number, doubling):
    with pytest.raises(ValueError, match="`exercise` must be the number of one"):
        check(number, None)
