"""Checks of the exercises of notebook 00, quickstart."""

import numpy as np
import pandas as pd

from recmodels.course.checking import NotYet, call, exercise, expect, whole_numbers

NUM_ITEMS = 12  # Items of the logs in which 00.3 looks for the next item.


@exercise("00.1", "a history and a length")
def check_window(answer) -> None:
    """`answer(history, length)`: the newest items, padded on the left with 0."""
    returned = whole_numbers(call(answer, [7, 3, 9], 5))
    expect(
        len(returned) == 5, f"A row of length 5 was asked for, but it has {len(returned)} numbers."
    )
    expect(returned[:3] != [7, 3, 9], "The zeros stand on the right; padding belongs on the left.")
    expect(returned != [0, 0, 9, 3, 7], "The events are in reverse order: keep the oldest first.")
    expect(returned == [0, 0, 7, 3, 9], "The row must hold zeros, then the events in their order.")
    returned = whole_numbers(call(answer, [4, 8, 1, 6, 2], 3))
    expect(
        len(returned) == 3, "A history of five items must be cut to a row of length 3; it was not."
    )
    expect(
        returned != [4, 8, 1], "A long history keeps its oldest events; it must keep the newest."
    )
    expect(returned == [1, 6, 2], "A long history must keep its newest events, in their order.")
    full = whole_numbers(call(answer, [5, 6], 2))
    expect(full == [5, 6], "A history exactly as long as the row must not change.")
    empty = whole_numbers(call(answer, [], 2))
    expect(empty == [0, 0], "An empty history must give a row of zeros.")
    returning = whole_numbers(call(answer, [3, 8, 3, 3], 5))
    expect(returning == [0, 3, 8, 3, 3], "An item that comes back is an event each time.")


@exercise("00.2", "a table of events")
def check_targets(answer) -> None:
    """`answer(events)`: for each user the item of the validation and that of the test."""
    events = pd.DataFrame(
        {
            "user": ["a", "b", "a", "c", "a", "b", "d", "b", "a", "c", "b", "e", "e", "e"],
            "item": [11, 21, 12, 31, 13, 22, 41, 23, 14, 32, 24, 51, 52, 51],
            "timestamp": [1, 5, 2, 1, 3, 9, 4, 7, 4, 2, 8, 6, 8, 9],
        }
    )
    returned = call(answer, events)
    try:
        pairs = {user: tuple(int(item) for item in pair) for user, pair in dict(returned).items()}
    except (TypeError, ValueError):
        raise NotYet("Return a dict from each user to a pair of items.") from None
    expect({"a", "b", "e"} <= set(pairs), "A user with three events or more is missing.")
    expect(set(pairs) == {"a", "b", "e"}, "Users with fewer than three events must be left out.")
    expect(all(len(pair) == 2 for pair in pairs.values()), "Each user needs a pair of items.")
    expect(
        pairs["a"] != (14, 13),
        "The pair is in the wrong order: the last event is the test, the one before it the "
        "validation.",
    )
    expect(
        pairs["a"] == (13, 14),
        "Take the last two events of each user; for a user whose rows are in order it took others.",
    )
    expect(
        pairs["b"] != (23, 24),
        "It took the last two rows. Rows may come in any order; the time decides what was last.",
    )
    expect(pairs["b"] == (24, 22), "It is wrong for a user whose rows are not in order of time.")
    expect(pairs["e"] == (52, 51), "It is wrong for a user who comes back to an item.")


@exercise("00.3", "histories, one history and k")
def check_next(answer) -> None:
    """`answer(histories, history, k)`: the k most likely next items, learnt from `histories`."""
    rng = np.random.default_rng(3)
    # The follower of an item is drawn, so that only the histories tell it.
    order = rng.permutation(NUM_ITEMS) + 1
    follower = dict(zip(order.tolist(), np.roll(order, -1).tolist(), strict=True))
    histories = [_walk(rng, follower, 9) for _ in range(150)]
    tested = [_walk(rng, follower, 6) for _ in range(40)]
    lists = [whole_numbers(call(answer, histories, row[:-1], 3)) for row in tested]
    _expect_lists(lists, {item for row in histories for item in row})
    hits = np.mean([row[-1] in best for row, best in zip(tested, lists, strict=True)])
    expect(
        hits > 0.5,
        "Most of the next events are not in the lists: count in `histories` which item comes "
        "directly after which.",
    )
    likeliest = [follower[row[-2]] for row in tested]
    first = np.mean([best[0] == item for best, item in zip(lists, likeliest, strict=True)])
    expect(first > 0.8, "The most likely item is in the list, but not in first place.")
    for history in ([], [999]):
        try:
            returned = whole_numbers(call(answer, histories, history, 3))
        except NotYet as problem:
            raise NotYet(f"It fails for the history {history}. {problem}") from problem
        expect(
            len(set(returned)) == len(returned) == 3,
            f"For the history {history} the list must be full as well: fill it with popular items.",
        )


def _expect_lists(lists: list[list[int]], known: set[int]) -> None:
    expect(all(len(best) == 3 for best in lists), "With k = 3 each list must hold three items.")
    repeated = any(len(set(best)) < len(best) for best in lists)
    expect(not repeated, "An item is in one list more than once.")
    expect(known.issuperset(sum(lists, [])), "A list holds an item that is not in `histories`.")
    alike = len(set(map(tuple, lists))) == 1
    expect(not alike, "Every user gets the same list: use the history.")


def _walk(rng: np.random.Generator, follower: dict[int, int], length: int) -> list[int]:
    """Four of five steps go to the follower of the last item, the others to any item."""
    row = [int(rng.integers(1, NUM_ITEMS + 1))]
    while len(row) < length:
        jump = rng.random() < 0.2
        row.append(int(rng.integers(1, NUM_ITEMS + 1)) if jump else follower[row[-1]])
    return row
