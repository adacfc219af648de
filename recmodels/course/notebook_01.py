"""Exercises of notebook 01, explore: repeats, concentration, visits."""

import numpy as np
import pandas as pd

from recmodels.course.checking import exercise, expect, expect_close

# Users 1, 2 and 3 with ten events. Repeats: 1 meets 7 again twice and 2 meets 4 again once, the
# only one at once. The items of user 3 are known to others, but new to user 3.
USERS = np.array([1, 1, 1, 1, 1, 2, 2, 2, 3, 3])
ITEMS = np.array([7, 4, 7, 9, 7, 4, 4, 5, 7, 9])


@exercise("01.1")
def check_repeat_share(answer) -> None:
    """`answer(users, items)`: the share of events whose user had met the item before."""
    found = _number(answer, USERS.copy(), ITEMS.copy())
    table = pd.DataFrame({"user": USERS, "item": ITEMS})
    repeats = table.duplicated().sum()
    mistakes = {
        "Somebody else's events are not repeats.": table["item"].duplicated().mean(),
        "The first time that a user meets an item is not a repeat, even if others follow.": (
            table.duplicated(keep=False).mean()
        ),
        "Other events may lie between a repeat and the meeting before it.": (
            (table == table.shift()).all(axis=1).mean()
        ),
        "The repeats are counted rightly, but the share should be one of all events.": (
            repeats / (len(table) - repeats)
        ),
    }
    for reason, wrong in mistakes.items():
        expect(not np.isclose(found, wrong), reason)
    expect(0 <= found < 1, "A share lies between 0 and 1: of what is it one?")
    expect_close(found, repeats / len(table), "It differs from a count by hand on ten events.")
    shuffled = np.random.default_rng(0).permutation(len(USERS))
    expect_close(
        _number(answer, USERS[shuffled], ITEMS[shuffled]),
        repeats / len(table),
        "The rows of different users may be mixed; the share should not change.",
    )
    expect_close(
        _number(answer, np.array([1, 2]), np.array([3, 3])), 0.0, "Nobody repeats: it should be 0."
    )


@exercise("01.2")
def check_gini(answer) -> None:
    """`answer(counts)`: the Gini coefficient of the events of each item."""
    counts = np.array([5, 1, 0, 14, 2, 2])
    expected = _gini(counts)
    found = _number(answer, counts.copy())
    expect(-1e-9 <= found <= 1, "The coefficient lies between 0 and 1.")
    expect(
        not np.isclose(found, 1 - expected),
        "Equal items should give the smallest value, not the largest.",
    )
    expect(
        not np.isclose(found, _gini(counts[counts > 0])),
        "An item without an event is an item too.",
    )
    expect(
        not np.isclose(found, expected / 2),
        "An area alone is at most one half: what should the most unequal log give?",
    )
    expect_close(_number(answer, np.full(4, 3)), 0.0, "Four items with three events each: 0.")
    expect_close(
        _number(answer, np.sort(counts)),
        _number(answer, np.sort(counts)[::-1].copy()),
        "The order in which the items come should not matter.",
    )
    expect_close(found, expected, "It differs from the mean difference between pairs of items.")
    expect_close(
        _number(answer, counts * 10), expected, "Ten times the events are as unequal as before."
    )


@exercise("01.3")
def check_visits(answer) -> None:
    """`answer(users, times, gap)`: the number of the visit of each event, from 0 in each log."""
    expect(callable(answer), "Give a function.")
    users = np.array([4, 4, 4, 4, 6, 6, 6, 8])
    times = np.array([0, 30, 90, 200, 210, 240, 1000, 1001])
    # User 4 pauses 30, 60 and 110 seconds; with a gap of 60 only the last begins a visit.
    expected = np.array([0, 0, 0, 1, 2, 2, 3, 4])
    found = np.asarray(answer(users.copy(), times.copy(), 60))
    expect(found.shape == expected.shape, "Every event has a visit: as many numbers as events.")
    expect(
        found.dtype.kind in "iu" and (np.diff(found) >= 0).all(),
        "Visits are numbered by whole numbers that never fall along the log.",
    )
    expect(found[0] == 0, "The first visit has the number 0.")
    expect(np.diff(found).max() <= 1, "No number may be left out.")
    expect(
        found[3] != found[4] and found[6] != found[7],
        "Two people never share a visit, however close their events.",
    )
    expect(found[1] == found[2], "A pause of exactly the gap is still within a visit.")
    expect_close(found, expected, "A visit ends where the same user pauses longer than the gap.")
    longer = answer(users.copy(), times.copy(), 10_000)
    expect_close(longer, [0, 0, 0, 0, 1, 1, 1, 2], "It should use the gap that it is given.")


def _number(answer, *given) -> float:
    """What the answer makes of inputs, as one number."""
    expect(callable(answer), "Give a function.")
    found = answer(*given)
    expect(found is not None, "The function returns nothing.")
    expect(np.ndim(found) == 0, "Return one number.")
    return float(found)


def _gini(counts: np.ndarray) -> float:
    """Half the mean difference between two items, in means."""
    return float(np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean()))
