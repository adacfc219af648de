"""Checks of the exercises of notebook 15, items as text."""

import math

import numpy as np

from recmodels.course.checking import (
    call,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
)

SLICES = ("cold", "rare", "frequent")


@exercise("15.1", "counts of words by title")
def check_tfidf(answer) -> None:
    """TF-IDF rows of length 1."""
    counts = np.array([[2, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 3], [0, 0, 0, 0], [1, 0, 1, 0]])
    returned = numbers(call(answer, counts), (5, 4), "Return one row per title: (N, W).")
    titles, seen = len(counts), (counts > 0).sum(axis=0)
    idf = 1 + np.log((1 + titles) / (1 + seen))
    right = _unit(counts * idf)
    mistakes = {
        "The rows must have length 1: divide each by its norm.": counts * idf,
        "Divide by the norm of the row, not by its sum.": (
            counts * idf / np.maximum((counts * idf).sum(axis=1, keepdims=True), 1e-12)
        ),
        "The weights are missing: multiply the counts by the idf.": _unit(counts),
        "A word that occurs twice counts twice.": _unit((counts > 0) * idf),
        "The idf counts titles with the word, not how often it occurs.": (
            _unit(counts * (1 + np.log((1 + titles) / (1 + counts.sum(axis=0)))))
        ),
        "The idf has a 1 in front of the logarithm.": _unit(counts * (idf - 1)),
        "Both N and the number of titles with the word are increased by 1.": (
            _unit(counts * (1 + np.log(titles / seen)))
        ),
        "The idf falls with the number of titles; here it rises.": (
            _unit(counts * (1 + np.log((1 + seen) / (1 + titles))))
        ),
    }
    expect_close(returned, right, "The rows are wrong.", mistakes)
    expect_unchanged(answer, counts.astype(float))


@exercise("15.2", "ranks, targets and items of training events")
def check_slices(answer) -> None:
    """HR@10 of cold, rare and frequent targets."""
    train = np.repeat([1, 2, 3, 4], [6, 5, 1, 20])
    targets = np.array([1, 2, 3, 9, 8, 4, 2, 7, 3, 2])
    ranks = np.array([3, 11, 10, 10, 500, 1, 4, 11, 2, 30])
    returned = call(answer, ranks, targets, train)
    fits = isinstance(returned, dict) and set(returned) == set(SLICES)
    expect(fits, f"Return a dict with the keys {list(SLICES)}.")
    found = numbers([returned[name] for name in SLICES], (3,), "Each value is one number.")
    # Cold 9, 8, 7: ranks 10, 500, 11. Rare 2, 3, 2, 3, 2: 11, 10, 4, 2, 30. Frequent 1, 4: 3, 1.
    right = np.array([1 / 3, 3 / 5, 1.0])
    mistakes = {
        "A target at rank 10 is among the first ten.": np.array([0, 2 / 5, 1.0]),
        "Targets with exactly five training events are rare.": np.array([1 / 3, 1.0, 3 / 5]),
        "Divide by the targets of the slice, not by all of them.": np.array([0.1, 0.3, 0.2]),
        "These are numbers of hits; return shares.": np.array([1.0, 3.0, 2.0]),
        "Rare targets have at least one training event.": np.array([1 / 3, 0.5, 1.0]),
    }
    expect_close(found, right, "The shares are wrong.", mistakes)
    empty = call(answer, ranks[:1], targets[:1], train)
    nan = all(math.isnan(float(empty[name])) for name in ("cold", "rare"))
    expect(nan, "A slice without targets has no share: return NaN for it.")


@exercise("15.3", "a text and a name")
def check_named(answer) -> None:
    """Whether a text holds a name as whole words."""
    cases = [
        ("Buy green tea today", "green tea", True, "It must find a name inside of the text."),
        ("a teapot", "tea", False, "A part of a word is not the name: compare whole words."),
        ("iced-tea", "tea", True, "A hyphen ends a word."),
        ("GREEN Tea", "green tea", True, "The case must not matter."),
        ("green tea", "GREEN TEA", True, "The case of the name must not matter either."),
        ("tea (green)", "green tea", False, "The words of the name must be in its order."),
        ("100% wool", "100% wool", True, "Names may hold signs: use `re.escape`."),
        ("cup", "c.p", False, "A dot in a name is a dot: use `re.escape`."),
        ("tea", "tea", True, "A text may be the name itself."),
        ("steam, tea", "tea", True, "Look further after a part of a word that does not fit."),
        ("green lamp", "tea", False, "It must be False where the name is not in the text."),
    ]
    for text, name, right, reason in cases:
        returned = call(answer, text, name)
        expect(isinstance(returned, bool | np.bool_), "Return True or False.")
        expect(returned == right, f"{reason} Tried: {text!r} with {name!r}.")


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
