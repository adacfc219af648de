"""Checks of the exercises of notebook 11, broken on purpose."""

import numpy as np
import pandas as pd

from recmodels.course.checking import (
    NotYet,
    call,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
    parts,
)


@exercise("11.1", "a history and a length")
def check_windows(answer) -> None:
    """`answer(history, length)` gives inputs and shifted targets, padded on the left."""
    for history, length in (([7, 3, 9], 5), ([4, 8, 6, 2], 3), ([2, 6], 1)):
        _expect_window(answer, history, length, "that fits the window")
    long = [11, 4, 9, 2, 7, 5, 3, 8]
    _, targets = _window(answer, long, 4)
    expect(
        targets.tolist() != long[1:5],
        "Short histories are right. In a long one, a position asks for an event that stands before "
        "its input, and nothing asks for the newest event.",
    )
    _expect_window(answer, long, 4, "longer than the window")
    _expect_window(answer, [5, 1, 5, 5, 2, 1, 1], 3, "in which items return")
    _expect_window(answer, [5], 3, "of one event")


def _expect_window(answer, history: list[int], length: int, kind: str) -> None:
    inputs, targets = _window(answer, history, length)
    expected = _left(history[:-1], length), _left(history[1:], length)
    expect(
        not any((np.diff(np.sign(row)) < 0).any() for row in (inputs, targets)),
        "Padding stands to the right of an event; it belongs on the left.",
    )
    mistakes = {"Inputs and targets are the same; shift the targets.": expected[0]}
    expect_close(inputs, expected[0], f"For a history {kind}, the inputs are wrong.")
    expect_close(targets, expected[1], f"For a history {kind}, the targets are wrong.", mistakes)


def _window(answer, history: list[int], length: int) -> list[np.ndarray]:
    returned = parts(call(answer, history, length), 2, "Return inputs and targets.")
    reason = "Both must be as long as the window."
    return [numbers(part, (length,), reason) for part in returned]


def _left(items: list[int], length: int) -> list[int]:
    kept = items[-length:]
    return [0] * (length - len(kept)) + kept


@exercise("11.2", "scores, targets and seen")
def check_ranks(answer) -> None:
    """`answer(scores, targets, seen)` gives pessimistic ranks among unseen items, (U,)."""
    scores = np.random.default_rng(112).normal(size=(4, 7))
    targets, seen = np.array([2, 0, 6, 3]), np.zeros((4, 7), bool)
    returned = numbers(call(answer, scores, targets, seen), (4,), "Return one rank for each user.")
    expect_unchanged(answer, scores, targets, seen)
    right = _ranks(scores, targets, seen)
    mistakes = {
        "The best item must have rank 1, not 0.": right - 1,
        "The target competes with itself.": right + 1,
        "The order is reversed: the highest score must have rank 1.": 8 - right,
    }
    expect_close(returned, right, "The ranks are wrong even without equal scores.", mistakes)
    seen[:, [1, 4]] = True
    mistakes = {"Seen items still compete; they must leave the list.": right}
    wanted = _ranks(scores, targets, seen)
    reason = "The ranks are wrong where items are seen."
    expect_close(call(answer, scores, targets, seen), wanted, reason, mistakes)
    alike = numbers(call(answer, np.zeros((4, 7)), targets, seen))
    expect(
        not (alike == 1).all(),
        "A model that gives all items the same score gets the best rank, 1, for every user.",
    )
    expect(
        len(set(alike)) == 1,
        "With all scores equal, the rank depends on the position of the item.",
    )
    reason = "With all scores equal and five items left, the target must have rank 5, the worst."
    expect_close(alike, np.full(4, 5), reason)
    rounded = scores.round()
    wanted = _ranks(rounded, targets, seen)
    reason = "It is wrong where only some items have equal scores."
    expect_close(call(answer, rounded, targets, seen), wanted, reason)


def _ranks(scores, targets, seen) -> np.ndarray:
    target_scores = np.take_along_axis(scores, targets[:, None], axis=1)
    return (np.where(seen, -np.inf, scores) >= target_scores).sum(axis=1)


@exercise("11.3", "positive, negatives and log_counts")
def check_logq_loss(answer) -> None:
    """`answer(positive, negatives, log_counts)` gives corrected sampled softmax losses, (U,)."""
    rng = np.random.default_rng(113)
    positive, negatives = rng.normal(size=3), rng.normal(size=(3, 5))
    even = np.zeros((3, 5))
    right = _loss(positive, negatives, 0)
    mistakes = {
        "The loss of a model that is sure and right falls below zero: its probability exceeds 1.": (
            np.log(np.exp(negatives).sum(axis=1)) - positive
        ),
        "The sign is wrong: a loss must be small where a model is right.": -right,
        "The exponentials of the negatives are averaged; add them up.": (
            np.log(np.exp(positive) + np.exp(negatives).mean(axis=1)) - positive
        ),
        "This is the probability of the positive; the loss is minus its logarithm.": np.exp(-right),
    }
    returned = numbers(
        call(answer, positive, negatives, even), (3,), "Return one loss for each user."
    )
    reason = "With every other item drawn once it must be the full softmax, and it is not."
    expect_close(returned, right, reason, mistakes)
    counts = np.log([4.0, 2.0, 1.0, 0.5, 0.25])
    corrected = numbers(call(answer, positive, negatives, np.tile(counts, (3, 1))))
    mistakes = {
        "How often an item was drawn makes no difference.": returned,
        "The correction has the wrong sign: an item that is drawn often must count for less.": (
            _loss(positive, negatives, -counts)
        ),
        "The positive was not drawn, so it must not be corrected.": (
            _loss(positive - counts[0], negatives, counts),
            _loss(positive - counts.mean(), negatives, counts),
        ),
    }
    reason = "It is right where all items are drawn equally often, and wrong where some are not."
    right = _loss(positive, negatives, counts)
    expect_close(corrected, right, reason, mistakes)
    for shift in (1000, -1000):
        moved = call(answer, positive + shift, negatives + shift, even)
        reason = f"Adding {shift:,} to all scores must not change the loss."
        expect_close(moved, returned, reason, tolerance=1e-4)


def _loss(positive, negatives, log_counts) -> np.ndarray:
    logits = np.concatenate([positive[:, None], negatives - log_counts], axis=1)
    return np.log(np.exp(logits).sum(axis=1)) - positive


@exercise("11.4", "a table of events")
def check_split(answer) -> None:
    """`answer(events)` leaves each user's last event for the test, the one before to validate."""
    events = _events()
    sizes = events.groupby("user")["item"].transform("size")
    for table, kind in ((events, "in order of time"), (_shuffled(events), "in no order")):
        train, validation, test = _three(call(answer, table))
        together = sorted(map(tuple, pd.concat([train, validation, test])[list(events)].to_numpy()))
        expect(
            together == sorted(map(tuple, events.to_numpy())),
            f"With rows {kind}, the three parts together are not the log: events are lost or "
            "doubled. Users with few events, and items that return, belong to it too.",
        )
        for part, name in ((validation, "validation"), (test, "test")):
            expect(part["user"].is_unique, f"A user has more than one event in the {name}.")
        expect(
            set(test["user"]) == set(validation["user"]) == set(events["user"][sizes >= 3]),
            "Users with three events or more must be in test and validation, the others only in "
            "training.",
        )
        before = validation.set_index("user")["timestamp"]
        after = test.set_index("user")["timestamp"]
        target_times = train["user"].map(before)
        expect(
            not (train["timestamp"] > target_times).any(),
            f"With rows {kind}, training holds a later event of a user than the validation does.",
        )
        expect(
            (before <= after[before.index]).all(),
            f"With rows {kind}, the validation event of a user comes after the test event.",
        )


def _events() -> pd.DataFrame:
    rng = np.random.default_rng(114)
    lengths = np.array([1, 2, 3, 4, 9, 6, 2])
    users = np.repeat(np.arange(len(lengths)) + 20, lengths)
    times = np.concatenate([np.sort(rng.permutation(1000)[:n]) for n in lengths])
    items = rng.integers(1, 8, len(users))  # Users come back to items.
    return pd.DataFrame({"user": users, "item": items, "timestamp": times})


def _shuffled(events: pd.DataFrame) -> pd.DataFrame:
    return events.sample(frac=1, random_state=5).reset_index(drop=True)


def _three(returned) -> list[pd.DataFrame]:
    reason = "Return three tables of events: training, validation, test."
    tables = parts(returned, 3, reason)
    for table in tables:
        expect(isinstance(table, pd.DataFrame), reason)
        missing = {"user", "item", "timestamp"} - set(table.columns)
        expect(not missing, f"A table lacks the column {', '.join(sorted(missing))}.")
    return tables


@exercise("11.5", "an encoder, which is itself a function")
def check_test(answer) -> None:
    """`answer(last_state)` raises an `AssertionError` for faulty encoders and no other."""
    for seed in (1, 2):
        expect(
            not _fails(answer, _encoder(seed)),
            "It fails for a correct encoder: it asserts a property that need not hold.",
        )
    faults = {
        "cut": "It passes an encoder that keeps the oldest items of a long history.",
        "side": "It passes an encoder whose state changes when `length` adds more padding.",
        "short": "It passes an encoder that reads the newest item only.",
        "order": "It passes an encoder for which the order of the items makes no difference.",
    }
    for fault, reason in faults.items():
        expect(_fails(answer, _encoder(3, fault)), reason)


def _fails(test, encoder) -> bool:
    def run() -> bool:
        try:
            test(encoder)
        except AssertionError:
            return True
        return False

    try:
        return call(run)
    except NotYet as problem:
        raise NotYet(f"{problem}\nA test must raise an AssertionError.") from problem


def _encoder(seed: int, fault: str = ""):
    """`last_state(history, length)`: items 1..50 into a vector (8,), newer events weighing more."""
    table = np.random.default_rng(seed).normal(size=(51, 8))

    def last_state(history, length):
        history = list(history)
        kept = history[:length] if fault == "cut" else history[-length:]
        kept = kept[-1:] if fault == "short" else kept
        padding = [0] * (length - len(kept))
        ids = np.array(kept + padding if fault == "side" else padding + kept)
        weights = (ids > 0) * 0.7 ** np.arange(len(ids))[::-1]
        weights = (ids > 0) * 1.0 if fault == "order" else weights
        return weights @ table[ids]

    return last_state
