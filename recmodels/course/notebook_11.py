"""Checks of the exercises of notebook 11, faults in a model: windows, a loss, a test."""

import numpy as np

from recmodels.course.checking import NotYet, call, exercise, expect, expect_close, numbers, parts


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


@exercise("11.2", "positive, negatives and log_counts")
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


@exercise("11.3", "an encoder, which is itself a function")
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
