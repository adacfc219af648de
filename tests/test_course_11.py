"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 11."""

import math
from collections import deque

import numpy as np
from exercises import ExerciseBank


def left(items, length):
    return [0] * (length - len(items[-length:])) + items[-length:]


def windows(history, length):
    return left(history[:-1], length), left(history[1:], length)


def windows_by_pairs(history, length):
    rows = np.zeros((2, length), np.int32)
    for back, pair in enumerate(list(zip(history, history[1:], strict=False))[::-1][:length]):
        rows[:, -1 - back] = pair
    return rows


def windows_by_deque(history, length):
    rows = [deque([0] * length, maxlen=length) for _ in range(2)]
    for before, after in zip(history, history[1:], strict=False):
        rows[0].append(before)
        rows[1].append(after)
    return [list(row) for row in rows]


def loss(positive, negatives, log_counts, sign=-1):
    logits = np.concatenate([positive[:, None], negatives + sign * log_counts], axis=1)
    peak = logits.max(axis=1)
    return peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1)) - positive


def loss_by_loop(positive, negatives, log_counts):
    found = []
    for p, row, counts in zip(positive, negatives, log_counts, strict=True):
        gaps = [n - c - p for n, c in zip(row, counts, strict=True)]
        top = max(0.0, *gaps)
        found.append(top + math.log(math.exp(-top) + sum(math.exp(gap - top) for gap in gaps)))
    return np.array(found, np.float32)


def loss_by_reduce(positive, negatives, log_counts):
    return np.logaddexp(positive, np.logaddexp.reduce(negatives - log_counts, axis=1)) - positive


def without_positive(positive, negatives, log_counts):
    return np.log(np.exp(negatives - log_counts).sum(axis=1)) - positive


def overflowing(positive, negatives, log_counts):
    logits = np.concatenate([positive[:, None], negatives - log_counts], axis=1)
    return np.log(np.exp(logits).sum(axis=1)) - positive


def assert_test(encode):
    history = [3, 9, 4, 7, 8]
    state = encode(history, 4)
    assert np.allclose(encode(history, 5), encode(history, 9)), "padding"
    assert not np.allclose(state, encode([3, 9, 4, 7, 1], 4)), "newest"
    assert not np.allclose(state, encode([3, 9, 4, 6, 8], 4)), "older"
    assert not np.allclose(state, encode([3, 9, 7, 4, 8], 4)), "order"


def random_test(encode):
    rng = np.random.default_rng(0)
    for _ in range(20):
        history = rng.permutation(50)[:12] + 1
        np.testing.assert_allclose(encode(history[-8:], 8), encode(history, 8))
        np.testing.assert_allclose(encode(history[:5], 5), encode(history[:5], 30))
        swapped = history[[*range(9), 10, 9, 11]]
        if np.allclose(encode(history, 8), encode(swapped, 8)):
            raise AssertionError("order")


def only_newest(encode):
    assert not np.allclose(encode([3, 9, 4, 7, 8], 4), encode([3, 9, 4, 7, 1], 4))


def only_padding(encode):
    assert np.allclose(encode([3, 9], 4), encode([3, 9], 7))


def newest_and_padding(encode):
    only_newest(encode)
    only_padding(encode)


def all_but_order(encode):
    newest_and_padding(encode)
    assert not np.allclose(encode([3, 9, 4], 4), encode([5, 9, 4], 4))


def too_strict(encode):
    assert np.allclose(encode([3, 9, 4], 2), encode([3, 9, 4], 3))


def only_short_histories(encode):
    only_padding(encode)
    assert not np.allclose(encode([3, 9, 4], 4), encode([9, 3, 4], 4))


def raising(encode):
    raise ValueError("faulty")


class TestBank(ExerciseBank):
    right = {
        "11.1": [windows, windows_by_pairs, windows_by_deque,
                 lambda history, n: tuple(map(np.array, windows(history, n)))],
        "11.2": [loss, loss_by_loop, loss_by_reduce],
        "11.3": [assert_test, random_test, lambda encode: [assert_test(encode)] * 2],
    }  # fmt: skip
    wrong = {
        "11.1": [
            ("are the same", lambda h, n: (left(h[:-1], n), left(h[:-1], n))),
            ("inputs are wrong", lambda h, n: (left(h[1:], n), left(h[1:], n))),
            ("asks for the newest event", lambda h, n: (left(h[:-1], n), left(h[1:][:n], n))),
            ("asks for the newest event", lambda h, n: (left(h[:-1][:n], n), left(h[1:][:n], n))),
            ("right of an event", lambda h, n: tuple(
                part[-n:] + [0] * (n - len(part)) for part in (h[:-1], h[1:]))),
            ("as long as the window", lambda h, n: windows(h, n + 1)),
            ("Return inputs and targets", lambda h, n: windows(h, n)[0]),
            ("the inputs are wrong", lambda h, n: windows(h, n)[::-1]),
            ("the inputs are wrong", lambda h, n: (left(h, n), left(h[1:], n))),
            ("items return", lambda h, n: windows(list(dict.fromkeys(h)), n)),
        ],
        "11.2": [
            ("makes no difference", lambda p, n, c: loss(p, n, 0 * c)),
            ("wrong sign", lambda p, n, c: loss(p, n, c, sign=1)),
            ("below zero", without_positive),
            ("one loss for each", lambda p, n, c: loss(p, n, c).mean()),
            ("Adding 1,000", overflowing),
            ("wrong where some are not", lambda p, n, c: loss(p, n, np.minimum(c, 1))),
            ("not be corrected", lambda p, n, c: loss(p - c[:, 0], n, c)),
            ("averaged", lambda p, n, c: loss(p, n, c + np.log(n.shape[1]))),
            ("sign is wrong", lambda p, n, c: -loss(p, n, c)),
            ("is the probability", lambda p, n, c: np.exp(-loss(p, n, c))),
        ],
        "11.3": [
            ("adds more padding", only_newest),
            ("oldest items", only_padding),
            ("newest item only", newest_and_padding),
            ("order of the items", all_but_order),
            ("correct encoder", too_strict),
            ("ValueError", raising),
            ("oldest items", only_short_histories),
            ("oldest items", lambda encode: None),
            ("correct encoder", lambda encode: only_newest(lambda *given: 0)),
            ("correct encoder", lambda encode: np.testing.assert_array_equal(
                encode([1, 2], 2), encode([2, 1], 2))),
        ],
    }  # fmt: skip
    given_away = ("np.", "[-", "subtract", "concatenate")
