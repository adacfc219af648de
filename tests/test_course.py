"""The checker itself; what it says of each exercise is tested with banks of answers."""

import numpy as np
import pandas as pd
import pytest

from recmodels.course import check
from recmodels.course.checking import CHECKS, call, exercise, expect, expect_close, whole_numbers


@pytest.fixture
def doubling():
    """An exercise: double an array."""

    @exercise("99.1", "an array")
    def check_doubling(answer):
        given = np.arange(3.0)
        mistakes = {"It squares.": given**2, "It adds or subtracts.": (given + 2, given - 2)}
        expect_close(call(answer, given), 2 * given, "Double each number.", mistakes)
        expect(given.tolist() == [0, 1, 2], "The inputs of the next call have changed.")

    yield
    CHECKS.pop("99.1")


def halve(x):
    half = x / 2
    return half["a"]


def test_right_and_wrong_answers(doubling):
    verdict = check("99.1", lambda x: x + x)
    assert verdict and repr(verdict) == "99.1: right."
    verdict = check("99.1", lambda x: x * x)
    assert not verdict
    assert repr(verdict) == "99.1: not yet. It squares."
    assert check("99.1").reason == check("99.1", None).reason == "Give a function of an array."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (3, "Give a function of an array."),
        (lambda x: x - 2, "It adds or subtracts."),
        (lambda x: x[:2], "Its shape is (2,), where (3,) was expected."),
        (lambda x: -2 * x, "Double each number. The sign is wrong."),
        (lambda x: 2 * x[::-1], "The order is reversed."),
        (lambda x: 6 * x, "Every number is 3 times as large as it should be."),
        (lambda x: 2 * x + 5, "Every number differs by +5."),
        (lambda x: [0, 0, 0], "Every number is 0."),
        (lambda x: [0, np.nan, 4], "1 of 3 numbers are NaN or infinite."),
        (lambda x: None, "It returned None"),
        (lambda x: ["0", "2", "4"], "It returned text"),
        (lambda x: map(float, x), "return numbers or an array."),
        (lambda x: [[1], [2, 3]], "return numbers or an array."),
        (lambda: 1, "It was called as <lambda>(array([0., 1., 2.]))."),
        (lambda x: [1.0, 2.0, 9.0], "Double each number."),
    ],
)
def test_reasons_say_what_is_wrong(answer, reason, doubling):
    verdict = check("99.1", answer)
    assert not verdict and reason in verdict.reason


def test_an_exception_keeps_the_line_of_the_answer(doubling):
    verdict = check("99.1", halve)
    assert verdict.reason.startswith("It stopped with IndexError: ")
    assert "It was called as halve(array([0., 1., 2.]))." in verdict.reason
    assert 'return half["a"]' in verdict.reason and "test_course.py" in verdict.reason
    assert "checking.py" not in repr(verdict)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (2 * x).tolist(),
        lambda x: pd.Series(2 * x),
        lambda x: (2 * x).astype(np.float32),
        lambda x: np.divide(x, 0, where=False, out=2 * x) + 0 * np.log(0 * x + 1),
        lambda x: np.multiply(x, 2, out=x),
    ],
)
def test_styles_make_no_difference(answer, doubling):
    assert check("99.1", answer)


def test_what_cannot_be_read_gets_a_sentence():
    @exercise("99.3")
    def check_pairs(answer):
        dict(answer)

    verdict = check("99.3", [1])
    CHECKS.pop("99.3")
    assert not verdict and verdict.reason.startswith("The check cannot read what it returned")
    with pytest.raises(Exception, match="not whole"):
        whole_numbers([0.5])


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        ("99.2", "Notebook 99 has 99.1."),
        ("5.2", 'Did you mean "05.2"?'),
        ("05.9", "Notebook 05 has 05.1, 05.2, 05.3, 05.4."),
        ("05", "Notebook 05 has 05.1"),
        ("03.4", "Notebook 03 has 03.1, 03.2, 03.3; notebook 03b has 03b.1, 03b.2, 03b.3."),
        ("3b.1", 'Did you mean "03b.1"?'),
        ("x", "The notebooks with exercises are 00, 01, "),
        ("", "The notebooks with exercises are 00, 01, "),
        (5.2, 'Did you mean "05.2"?'),
    ],
)
def test_an_unknown_number_is_refused(number, hint, doubling):
    with pytest.raises(ValueError, match="`exercise` must be the number of an exercise") as error:
        check(number)
    assert hint in str(error.value)
    assert str(error.value).endswith(f"Received: exercise={number!r}")
