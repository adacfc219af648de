"""Try an answer on inputs its author has not seen, and explain what is wrong without solving it."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CHECKS: dict[str, Callable] = {}


class NotYet(Exception):
    """Why an answer is not right yet, in a sentence that does not give the answer away."""


@dataclass(frozen=True)
class Verdict:
    """What a check found; true where the answer is right.

    Args:
        exercise: its number, such as `"05.2"`.
        right: whether nothing is wrong.
        reason: why not, else empty.
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


def exercise(number: str) -> Callable[[Callable], Callable]:
    """Make a function the check of an exercise; it raises `NotYet` where an answer is wrong."""

    def register(function: Callable) -> Callable:
        CHECKS[number] = function
        return function

    return register


def check(exercise: str, answer) -> Verdict:
    """Check an answer to an exercise.

    Args:
        exercise: notebook and number, such as `"05.2"`.
        answer: what the exercise asks for: a function, an array or a number.

    Returns:
        A verdict, true where the answer is right; shown by a notebook as a sentence.

    Raises:
        ValueError: there is no such exercise.

    Example:
        >>> check("05.2", my_attention)
        05.2: not yet. The weights of a row must sum to one.
    """
    module = f"recmodels.course.notebook_{exercise[:2]}"
    if importlib.util.find_spec(module) is not None:
        importlib.import_module(module)
    if exercise not in CHECKS:
        known = ", ".join(sorted(CHECKS))
        raise ValueError(
            f"`exercise` must be the number of one, such as 05.2. Known here: {known or 'none'}. "
            f"Received: exercise={exercise!r}"
        )
    try:
        CHECKS[exercise](answer)
    except NotYet as problem:
        return Verdict(exercise, False, str(problem))
    except Exception as error:  # Raised by the answer: anything may be.
        reason = f"It stopped with {type(error).__name__}: {error}"
        return Verdict(exercise, False, reason)
    return Verdict(exercise, True)


def expect_close(found, expected, reason: str, tolerance: float = 1e-5) -> None:
    """`NotYet` with a reason unless two arrays have one shape and nearly equal numbers."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        raise NotYet(f"Its shape is {found.shape}, where {expected.shape} was expected.")
    if not np.allclose(found.astype(float), expected.astype(float), atol=tolerance):
        raise NotYet(reason)


def expect(condition, reason: str) -> None:
    """`NotYet` with a reason unless a condition holds."""
    if not condition:
        raise NotYet(reason)
