"""Check an answer on inputs that the student has not seen, and explain what is wrong."""

import copy
import importlib
import pkgutil
import reprlib
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

# A regular expression. A letter marks a notebook that belongs between two others, such as 03b.
NOTEBOOK_NUMBER = r"\d\d[a-z]?"
CHECKS: dict[str, tuple[Callable, str]] = {}  # By number: the check, and what answers take.
_HERE = Path(__file__).parent


class NotYet(Exception):
    """The reason why an answer is not right yet, without the solution."""


@dataclass(frozen=True)
class Verdict:
    """What a check found; true where the answer is right.

    Args:
        exercise: its number, such as `"05.2"`.
        right: whether the answer is right.
        reason: what is wrong, else empty.
    """

    exercise: str
    right: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return (
            f"{self.exercise}: right." if self.right else f"{self.exercise}: not yet. {self.reason}"
        )


def exercise(number: str, arguments: str = "") -> Callable[[Callable], Callable]:
    """Register a function as the check of an exercise; it raises `NotYet` for a wrong answer.

    Args:
        number: of the notebook and of the exercise, such as `"05.2"` or `"03b.1"`.
        arguments: what an answer is a function of, such as `"ranks and k"`; empty for an answer
            that is no function.
    """

    def register(function: Callable) -> Callable:
        CHECKS[number] = function, arguments
        return function

    return register


def check(exercise: str, answer=None) -> Verdict:
    """Check an answer to an exercise.

    Args:
        exercise: number of the notebook and of the exercise, such as `"05.2"` or `"03b.1"`.
        answer: what the exercise asks for, usually a function. None is answered with what to give.

    Returns:
        A verdict, true where the answer is right; a notebook shows it as a sentence. Where the
        answer raises an exception, the reason holds the call and the line of the answer.

    Raises:
        ValueError: there is no such exercise.

    Example:
        >>> check("05.2", my_attention)
        05.2: not yet. It ignores the mask.
    """
    function, arguments = _find(exercise)
    try:
        expect(not arguments or callable(answer), f"Give a function of {arguments}.")
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # An answer may divide by zero on its way.
            function(answer)
    except NotYet as problem:
        return Verdict(exercise, False, str(problem))
    except Exception as error:  # What was returned may have any form.
        reason = f"The check cannot read what it returned ({type(error).__name__}: {error})."
        return Verdict(exercise, False, reason)
    return Verdict(exercise, True)


def _find(number: str) -> tuple[Callable, str]:
    notebooks = sorted(
        module.name.removeprefix("notebook_")
        for module in pkgutil.iter_modules([str(_HERE)])
        if module.name.startswith("notebook_")
    )
    notebook, _, rest = str(number).partition(".")
    digits = notebook[:2]  # Those of 03 and 03b, of which students may ask for the wrong one.
    for name in notebooks:
        if name[:2] == digits:
            importlib.import_module(f"recmodels.course.notebook_{name}")
    if isinstance(number, str) and number in CHECKS:
        return CHECKS[number]
    near: dict[str, list[str]] = {}
    for known in sorted(known for known in CHECKS if known[:2] == digits):
        near.setdefault(known.partition(".")[0], []).append(known)
    hint = "; ".join(f"notebook {name} has {', '.join(those)}" for name, those in near.items())
    hint = (
        f"{hint.capitalize()}."
        if hint
        else f"The notebooks with exercises are {', '.join(notebooks)}."
    )
    if f"0{notebook}" in notebooks and rest:
        hint = f'Did you mean "0{notebook}.{rest}"?'
    raise ValueError(
        "`exercise` must be the number of an exercise as a string, such as "
        f'check("05.2", my_attention). {hint} Received: exercise={number!r}'
    )


def call(answer: Callable, *given):
    """Call an answer with copies of inputs.

    Raises:
        NotYet: the answer raised an exception; the reason says what was called with what, and
            shows the lines of the answer.
    """
    try:
        return answer(*copy.deepcopy(given))
    except NotYet:
        raise
    except Exception as error:  # The answer may raise anything.
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).parent != _HERE and "site-packages" not in frame.filename
        ]
        name = getattr(answer, "__name__", type(answer).__name__)
        called = f"{name}({', '.join(map(_describe, given))})"
        lines = "".join(traceback.format_list(frames)).rstrip()
        reason = f"It stopped with {type(error).__name__}: {error}\nIt was called as {called}."
        raise NotYet(f"{reason}\n{lines}".rstrip()) from error


def numbers(returned, shape: tuple[int, ...] | None = None, reason: str = "") -> np.ndarray:
    """Read what an answer returned as a float array.

    Args:
        found: an array, a tensor, a table, a list or a number.
        shape: what its shape must be, if that matters.
        reason: what to say before the shapes are named.

    Raises:
        NotYet: it is None, cannot be read as numbers, or has another shape.
    """
    expect(returned is not None, "It returned None: does the function end with `return`?")
    try:
        array = np.asarray(returned.toarray() if hasattr(returned, "toarray") else returned)
        expect(array.dtype.kind not in "US", f"It returned text: {_describe(returned)}.")
        array = array.astype(float)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"It returned {_describe(returned)}: return numbers or an array.") from None
    if shape is not None and array.shape != shape:
        reason = reason or "The result has the wrong shape."
        raise NotYet(f"{reason} Its shape is {array.shape}, where {shape} was expected.")
    return array


def parts(returned, count: int, reason: str) -> list:
    """Read what an answer returned as `count` parts, or raise `NotYet` with a reason."""
    several = isinstance(returned, tuple | list | np.ndarray) and len(returned) == count
    expect(several, reason)
    return list(returned)


def event_tables(returned, count: int, reason: str) -> list[pd.DataFrame]:
    """Read what an answer returned as tables of events, or raise `NotYet` with a reason."""
    tables = parts(returned, count, reason)
    for table in tables:
        expect(isinstance(table, pd.DataFrame), reason)
        missing = {"user", "item", "timestamp"} - set(table.columns)
        expect(not missing, f"A table lacks the column {', '.join(sorted(missing))}.")
    return tables


def whole_numbers(returned) -> list[int]:
    """Read what an answer returned as a flat list of whole numbers, or raise `NotYet`."""
    array = numbers(returned)
    expect(array.ndim == 1, f"Return a flat list of numbers, not {_describe(returned)}.")
    expect((array == np.round(array)).all(), "It returned numbers that are not whole.")
    return array.astype(int).tolist()


def expect_close(
    returned, expected, reason: str, mistakes: dict | None = None, tolerance: float = 1e-5
) -> None:
    """Raise `NotYet` unless two arrays have the same shape and nearly equal numbers.

    Args:
        returned: what the answer returned.
        expected: the right numbers.
        reason: what to say of numbers that no known mistake explains.
        mistakes: by the sentence that explains a typical mistake, what it gives, or a tuple of
            what its variants give.
        tolerance: absolute, in addition to a relative one of 1e-5.
    """
    returned, expected = numbers(returned), np.asarray(expected, float)

    def equals(wrong) -> bool:
        wrong = np.asarray(wrong, float)
        return returned.shape == wrong.shape and np.allclose(
            returned, wrong, atol=tolerance, equal_nan=True
        )

    if equals(expected):
        return
    for explanation, wrong in (mistakes or {}).items():
        variants = wrong if isinstance(wrong, tuple) else (wrong,)
        expect(not any(map(equals, variants)), explanation)
    numbers(returned, expected.shape)
    lost = int((~np.isfinite(returned)).sum())
    expect(not lost, f"{reason} {lost} of {returned.size} numbers are NaN or infinite.")
    for pattern, wrong in _patterns(returned, expected).items():
        expect(not equals(wrong), f"{reason} {pattern}")
    raise NotYet(reason)


def _patterns(returned: np.ndarray, expected: np.ndarray) -> dict:
    """How numbers may follow from the right ones, by the sentence that says so."""
    patterns = {"The sign is wrong.": -expected}
    if not returned.any():
        patterns["Every number is 0."] = returned
    elif len(np.unique(expected)) > 1:
        ratio, difference = returned.sum() / expected.sum(), (returned - expected).mean()
        patterns |= {
            "Rows and columns have changed places.": expected.T,
            "The order is reversed.": expected[::-1],
            f"Every number is {ratio:.3g} times as large as it should be.": ratio * expected,
            f"Every number differs by {difference:+.3g}.": expected + difference,
        }
    return patterns


def expect(condition, reason: str) -> None:
    """Raise `NotYet` with a reason unless a condition holds."""
    if not condition:
        raise NotYet(reason)


def expect_unchanged(answer: Callable, *given: np.ndarray) -> None:
    """Raise `NotYet` if an answer, which must run, changes an array that it is given."""
    copies = copy.deepcopy(given)
    answer(*copies)
    same = all(map(np.array_equal, copies, given))
    expect(same, "It changes the arrays that it is given; work on new ones.")


def _describe(value) -> str:
    """Describe a value in a few words."""
    if isinstance(value, pd.DataFrame):
        return f"table of {len(value)} rows with columns {', '.join(map(str, value.columns))}"
    if isinstance(value, np.ndarray) and value.size > 8:
        return f"array of shape {value.shape} and type {value.dtype}"
    return " ".join(reprlib.repr(value).split())
