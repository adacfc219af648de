"""Checks of the exercises of notebook 00, quickstart."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from recmodels.course.checking import exercise, expect

CHAIN = 12  # Items of the log in which 00.3 looks for what comes next.


@exercise("00.1")
def check_window(answer) -> None:
    """`answer(history, length)`: the newest items, padded on the left with 0."""
    expect(callable(answer), "Give a function of a history and a length.")
    found = _items(answer([7, 3, 9], 5))
    expect(len(found) == 5, "Three events read with length five: the row has another length.")
    expect(found[:3] != [7, 3, 9], "The newest event should stand at the right end, always.")
    expect(found == [0, 0, 7, 3, 9], "Zeros first, then the events in the order they came.")
    found = _items(answer([4, 8, 1, 6, 2], 3))
    expect(len(found) == 3, "Five events read with length three: the row has another length.")
    expect(found != [4, 8, 1], "Of a long history the oldest events were kept. Which tell more?")
    expect(found == [1, 6, 2], "Of a long history only the newest should be left, in their order.")
    expect(_items(answer([5, 5], 2)) == [5, 5], "A history that just fits should stay as it is.")
    expect(_items(answer([], 2)) == [0, 0], "Who has no history has a row, too.")


@exercise("00.2")
def check_targets(answer) -> None:
    """`answer(events)`: by user the item of validation and that of the test."""
    expect(callable(answer), "Give a function of a table of events.")
    events = pd.DataFrame(
        {
            "user": ["a", "b", "a", "c", "a", "b", "d", "b", "a", "c", "b"],
            "item": [11, 21, 12, 31, 13, 22, 41, 23, 14, 32, 24],
            "timestamp": [1, 5, 2, 1, 3, 9, 4, 7, 4, 2, 8],
        }
    )
    found = dict(answer(events.copy()))
    expect({"a", "b"} <= set(found), "A user with enough events is missing.")
    expect(
        set(found) == {"a", "b"},
        "With fewer than three events nothing would be left to read before the validation.",
    )
    pairs = {user: tuple(int(item) for item in pair) for user, pair in found.items()}
    expect(pairs["a"] != (14, 13), "The very last event is not the one that choices are made on.")
    expect(pairs["a"] == (13, 14), "For the user whose rows are in order, other events were taken.")
    expect(
        pairs["b"] != (23, 24),
        "Rows need not come in the order of time: what did this user do last?",
    )
    expect(pairs["b"] == (24, 22), "Rows in another order than time are not read rightly.")


@exercise("00.3")
def check_next(answer) -> None:
    """`answer(histories, history, k)`: the k most likely next items, by what is in `histories`."""
    expect(callable(answer), "Give a function of histories, one history and k.")
    rng = np.random.default_rng(3)
    histories = [_walk(rng, 9) for _ in range(150)]
    asked = [_walk(rng, 6) for _ in range(60)]
    lists = [_items(answer([*histories], own[:-1], 3)) for own in asked]
    expect(all(len(own) == 3 for own in lists), "The lists should hold three items each.")
    expect(
        all(len(set(own)) == len(own) for own in lists),
        "An item stands in one list more than once.",
    )
    known = {item for own in histories for item in own}
    expect(known.issuperset(sum(lists, [])), "An item is listed that nobody ever had.")
    expect(
        len(set(map(tuple, lists))) > 1, "Everybody gets the same list: was the history looked at?"
    )
    hits = np.mean([own[-1] in best for own, best in zip(asked, lists, strict=True)])
    expect(
        hits > 0.5,
        "Most of those asked did something else next. Of all that came later, what came *next*?",
    )
    first = np.mean(
        [best[0] == own[-2] % CHAIN + 1 for own, best in zip(asked, lists, strict=True)]
    )
    expect(first > 0.9, "The likeliest item is in the list, but not at its head.")
    for odd in ([], [999]):
        found = _fill(answer, histories, odd)
        expect(len(set(found)) == 3, "A history that tells nothing deserves a full list as well.")


def _items(row) -> list[int]:
    return [int(item) for item in row]


def _fill(answer: Callable, histories: list[list[int]], history: list[int]) -> list[int]:
    try:
        return _items(answer([*histories], history, 3))
    except (IndexError, KeyError):
        return []


def _walk(rng: np.random.Generator, length: int) -> list[int]:
    """Mostly one item on, now and then a jump: the next item hangs on the last one alone."""
    row = [int(rng.integers(1, CHAIN + 1))]
    while len(row) < length:
        jump = rng.random() < 0.2
        row.append(int(rng.integers(1, CHAIN + 1)) if jump else row[-1] % CHAIN + 1)
    return row
