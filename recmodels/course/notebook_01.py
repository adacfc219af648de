"""Checks of the exercises of notebook 01, explore: repeats, concentration, visits."""

import numpy as np
import pandas as pd

from recmodels.course.checking import call, exercise, expect_close, numbers

# Users 1, 2 and 3 with ten events. Repeats: 1 meets 7 again twice and 2 meets 4 again once, the
# only one at once. The items of user 3 are known to others, but new to user 3.
USERS = np.array([1, 1, 1, 1, 1, 2, 2, 2, 3, 3])
ITEMS = np.array([7, 4, 7, 9, 7, 4, 4, 5, 7, 9])


@exercise("01.1", "users and items")
def check_repeat_share(answer) -> None:
    """`answer(users, items)`: the share of events whose user had met the item before."""
    table = pd.DataFrame({"user": USERS, "item": ITEMS})
    repeats = table.duplicated().sum()
    expected = repeats / len(table)
    mistakes = {
        "Events of other users must not count: the same user must have met the item.": (
            table["item"].duplicated().mean()
        ),
        "The first event of a user with an item is not a repeat, even if others follow.": (
            table.duplicated(keep=False).mean()
        ),
        "Other events may lie between a repeat and the earlier event with the item.": (
            (table == table.shift()).all(axis=1).mean()
        ),
        "The repeats are right, but the share must be one of all events.": (
            repeats / (len(table) - repeats)
        ),
        "This is the share of events that are not repeats.": 1 - expected,
        "This is the number of repeats; return their share of all events.": repeats,
        "This is a percentage; return a share between 0 and 1.": 100 * expected,
        "This averages the shares of the users; return one share of all events.": (
            table.duplicated().groupby(table["user"]).mean().mean()
        ),
        "This is a share of the pairs of user and item, not one of the events.": (
            (table.groupby(["user", "item"]).size() > 1).mean()
        ),
    }
    returned = _number(answer, USERS, ITEMS)
    expect_close(returned, expected, "It is wrong on a log of ten events.", mistakes)
    shuffled = np.random.default_rng(0).permutation(len(USERS))
    mixed = _number(answer, USERS[shuffled], ITEMS[shuffled])
    expect_close(mixed, expected, "The rows of different users may be mixed; it must not matter.")
    none = _number(answer, np.array([1, 2]), np.array([3, 3]))
    expect_close(none, 0.0, "Where no user repeats an item, the share must be 0.")


@exercise("01.2", "the number of events of each item")
def check_gini(answer) -> None:
    """`answer(counts)`: the Gini coefficient of the events of each item.

    The two items may be drawn with or without putting the first one back.
    """
    counts = np.array([5, 1, 0, 14, 2, 2])
    returned = _number(answer, counts)
    distinct = len(counts) / (len(counts) - 1)
    factor = distinct if np.isclose(returned, distinct * _gini(counts)) else 1.0
    expected = factor * _gini(counts)
    mistakes = {
        "It is largest where all items are alike; it must be 0 there.": 1 - expected,
        "Items without an event must count too.": _gini(counts[counts > 0]),
        "This is half of it, such as an area under a curve: one item that has everything must "
        "come near 1.": expected / 2,
        "This is twice as large: the mean difference is divided by twice the mean.": 2 * expected,
        "This is the mean difference itself; divide it by twice the mean.": (
            2 * expected * counts.mean()
        ),
        "This is the deviation over the mean; the Gini coefficient uses differences of pairs.": (
            counts.std() / counts.mean()
        ),
        "This is the share of the largest item.": counts.max() / counts.sum(),
    }
    expect_close(returned, expected, "It is wrong for six items.", mistakes)
    ordered = _number(answer, np.sort(counts)), _number(answer, np.sort(counts)[::-1])
    expect_close(ordered, [expected] * 2, "The order of the items must not matter: sort first.")
    other = np.array([3, 0, 0, 8, 1, 1, 0, 2, 30])
    right = _gini(other) * (1.0 if factor == 1 else len(other) / (len(other) - 1))
    expect_close(_number(answer, other), right, "It is right for six items and wrong for nine.")


@exercise("01.3", "users, times and the gap")
def check_visits(answer) -> None:
    """`answer(users, times, gap)`: the number of the visit of each event, from 0 in each log."""
    users = np.array([4, 4, 4, 4, 6, 6, 6, 8, 3])
    times = np.array([0, 30, 90, 200, 210, 240, 1000, 1001, 5])
    # User 4 pauses 30, 60 and 110 seconds; with a gap of 60 only the last begins a visit.
    expected = np.array([0, 0, 0, 1, 2, 2, 3, 4, 5])
    returned = numbers(
        call(answer, users, times, 60), users.shape, "Return one number for each event."
    )
    first = np.concatenate([[True], users[1:] != users[:-1]])
    ends = np.concatenate([[True], np.diff(times) >= 60])
    mistakes = {
        "A pause of exactly the gap does not end a visit.": (first | ends).cumsum() - 1,
        "Two users never share a visit, however close their events.": (
            np.concatenate([[0], (np.diff(times) > 60).cumsum()])
        ),
        "Only users begin visits here: a pause longer than the gap must begin one too.": (
            first.cumsum() - 1
        ),
        "The first visit has the number 0.": expected + 1,
        "The numbers start again for each user; they must count on through the log.": (
            expected - expected[np.maximum.accumulate(np.where(first, np.arange(len(users)), 0))]
        ),
    }
    reason = "A visit ends where the user changes or pauses longer than the gap."
    expect_close(returned, expected, reason, mistakes)
    longer = call(answer, users, times, 10_000)
    expect_close(longer, [0, 0, 0, 0, 1, 1, 1, 2, 3], "Use the gap that is given.")


def _number(answer, *given) -> float:
    """What an answer makes of inputs, as one number."""
    return float(numbers(call(answer, *given), (), "Return one number."))


def _gini(counts: np.ndarray) -> float:
    """Half the mean difference between two items, in means."""
    return float(np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean()))
