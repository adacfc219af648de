"""Checks of the exercises of notebook 22, which explanation can be believed; and its suspects."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from recmodels.course.checking import call, exercise, expect, expect_close, numbers
from recmodels.explain.influence import Influence, leave_one_out_influence
from recmodels.explain.removal import Removal

VERDICTS = ("faithful", "ignores the model", "explains another item", "shifted by one event")
_TRUE = dict(zip("ABCD", (VERDICTS[3], VERDICTS[0], VERDICTS[1], VERDICTS[2]), strict=True))
_HINTS = {
    "faithful": "is faithful. Delete its five most supporting events: does the item stay?",
    "ignores the model": "gives the same values when the weights are drawn again.",
    "explains another item": "depends on the model, and no shift makes it agree with "
    "`leave_one_out_influence` of these rows.",
    "shifted by one event": "agrees with `leave_one_out_influence` if each value moves by one "
    "place.",
}


def suspects(removal: Removal) -> dict[str, Influence]:
    """Four explanations of the same rows, of which one is right.

    Args:
        removal: rows with the same number of events each.

    Returns:
        Influences by the names "A" to "D"; `VERDICTS` lists what may be said of each.
    """
    right = leave_one_out_influence(removal)
    other = Removal(
        removal.scorer, removal.queries, removal.rows,
        removal.items % removal.num_items + 1, max_events=removal.max_events,
    )  # fmt: skip
    ages = np.arange(removal.real.shape[1])[::-1]
    by_age = np.where(removal.real, 0.9**ages * (1 + ages % 2), 0).astype(np.float32)
    return {
        "A": Influence(np.roll(right.values, -1, axis=1), removal.real),
        "B": right,
        "C": Influence(by_age, removal.real),
        "D": leave_one_out_influence(other),
    }


def _scores() -> list[tuple[Callable, list]]:
    """Functions of a history, each with one to ask."""
    weights = {"tea": 2.0, "cup": -0.5, "pot": 1.0, "milk": 0.25}

    def added(history):
        return 1.0 + sum(weights[item] for item in history)

    def best(history):
        return max((weights[item] for item in history), default=0.0)

    def ordered(history):
        return sum((place + 1) ** 2 * weights[item] for place, item in enumerate(history))

    return [
        (added, ["tea", "cup", "tea", "pot"]),
        (best, ["tea", "pot", "tea"]),
        (ordered, ["pot", "milk", "pot", "tea"]),
        (ordered, ["tea"]),
    ]


@exercise("22.1", "a score function and a history")
def check_influence(answer) -> None:
    """Leave-one-out influence of each event."""
    for score, history in _scores():
        count, full = len(history), score(history)
        returned = numbers(call(answer, score, history), (count,), "Return a value per event.")
        without = [history[:place] + history[place + 1 :] for place in range(count)]
        left = np.array([score(shorter) for shorter in without])
        first = [history.index(item) for item in history]
        alone = np.array([score([item]) for item in history])
        until = [score(history[:n]) for n in range(count + 1)]
        mistakes = {
            "These are the scores without each event; subtract them from the full score.": left,
            "Remove the event at its place: `remove` takes the first event with this item.": (
                full - left[first]
            ),
            "These are scores of single events; remove one event and keep the others.": (
                alone,
                alone - score([]),
            ),
            "Remove only this event, not all events after it.": (
                full - np.array(until[:-1]),
                np.diff(until),
            ),
            "Do not divide: an influence has the unit of the score.": (
                (full - left) / (full or 1),
                (full - left) / (np.abs(full - left).sum() or 1),
            ),
        }
        expect_close(returned, full - left, "The influence is wrong.", mistakes)


def _shapley(score: Callable, history: list, keep_order: bool = True) -> np.ndarray:
    """By all orders in which events are added."""
    values, orders = np.zeros(len(history)), list(itertools.permutations(range(len(history))))
    for order in orders:
        for number, place in enumerate(order):
            before, after = list(order[:number]), list(order[: number + 1])
            if keep_order:
                before, after = sorted(before), sorted(after)
            change = score([history[p] for p in after]) - score([history[p] for p in before])
            values[place] += change / len(orders)
    return values


@exercise("22.2", "a score function and a history")
def check_shapley(answer) -> None:
    """Shapley values of the events of a short history."""
    for score, history in _scores():
        count, full = len(history), score(history)
        returned = numbers(call(answer, score, history), (count,), "Return a value per event.")
        right = _shapley(score, history)
        kept = [history[:place] + history[place + 1 :] for place in range(count)]
        alone = np.array([score([item]) - score([]) for item in history])
        left_out = np.array([full - score(shorter) for shorter in kept])
        mistakes = {
            "Events that are present keep the order of the history, in whatever order they were "
            "added.": _shapley(score, history, keep_order=False),
            "This is leave-one-out: average over all orders in which events can be added.": (
                left_out
            ),
            "One order is not enough: average over all of them.": (
                np.diff([score(history[:n]) for n in range(count + 1)]),
                np.diff([score(history[n:]) for n in range(count, -1, -1)])[::-1],
            ),
            "These are scores of single events: add each event to those before it, too.": (
                alone,
                [score([item]) for item in history],
            ),
            "The sum over orders must be divided by their number.": (
                right * np.prod(np.arange(1, count + 1)),
            ),
            "Only the first and the last addition count here; weigh all orders equally.": (
                (alone + left_out) / 2
            ),
        }
        expect_close(returned, right, "The values are wrong.", mistakes)


@exercise("22.3", "`stays`, the values of the events and the number of events to remove")
def check_pos_p(answer) -> None:
    """POS-P: the share of steps at which the item stays."""
    rng, returned, expected = np.random.default_rng(223), [], []
    for _ in range(20):
        worth, values = np.maximum(rng.normal(size=7), 0), rng.normal(size=7)
        level = rng.random() * worth.sum()

        def stays(kept, worth=worth, level=level) -> bool:
            kept = np.asarray(kept)
            expect(
                kept.dtype == bool and kept.shape == (7,),
                "`stays` takes a Boolean array with a value per event, True for kept events.",
            )
            return bool(worth[kept].sum() >= level)

        returned.append(numbers(call(answer, stays, values, 4), (), "Return one number."))
        expected.append(_shares(stays, values))
    right, *wrong = np.transpose(expected)
    expect_close(
        returned, right, "The shares are wrong.", dict(zip(_WRONG_SHARES, wrong, strict=True))
    )


_WRONG_SHARES = (
    "This is NEG-P: remove the most supporting events, not the least.",
    "This is the share at which the item leaves.",
    "Events stay removed: at step m all m most supporting ones are missing.",
    "Begin with one removed event; with all events the item is on the list.",
    "Average over all steps, not the last one alone.",
    "Return a share, not a count.",
    "The removed events are kept here, and the others removed.",
    "Order the events by their values, not by their places.",
    "Sort by the value itself: negative values count against the item.",
)


def _shares(stays: Callable, values: np.ndarray) -> list[float]:
    """POS-P with four events, and what the mistakes of `_WRONG_SHARES` give."""
    place = np.arange(len(values))
    rank, worst, size = (np.argsort(np.argsort(v)) for v in (-values, values, -np.abs(values)))
    steps = [stays(rank >= m) for m in range(1, 5)]
    return [
        np.mean(steps),
        np.mean([stays(worst >= m) for m in range(1, 5)]),
        1 - np.mean(steps),
        np.mean([stays(rank != m) for m in range(4)]),
        np.mean([stays(rank >= m) for m in range(4)]),
        steps[-1],
        np.sum(steps),
        np.mean([stays(rank < m) for m in range(1, 5)]),
        np.mean([stays(place >= m) for m in range(1, 5)]),
        np.mean([stays(size >= m) for m in range(1, 5)]),
    ]


@exercise("22.4")
def check_suspects(answer) -> None:
    """What is wrong with three of four explanations."""
    readable = isinstance(answer, dict | pd.Series)
    expect(readable, 'Give a dict with a verdict for each of "A", "B", "C" and "D".')
    given = {str(name).strip().upper(): str(text).strip().lower() for name, text in answer.items()}
    expect(given.keys() == _TRUE.keys(), 'Give a verdict for each of "A", "B", "C" and "D".')
    for name, text in given.items():
        expect(text in VERDICTS, f"The verdict on {name} must be one of {', '.join(VERDICTS)}.")
    expect(list(given.values()).count("faithful") == 1, "Exactly one of the four is faithful.")
    wrong = [name for name in _TRUE if given[name] != _TRUE[name]]
    hints = [f"Test {name} again: it {_HINTS[_TRUE[name]]}" for name in wrong]
    expect(not wrong, f"Verdicts that are wrong: {len(wrong)}. {' '.join(hints[:1])}")
