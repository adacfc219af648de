"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 11."""

import math
from collections import deque

import numpy as np
import pandas as pd
import scipy.stats
from exercises import ExerciseBank

from recmodels.course import check


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


def own(scores, targets):
    return scores[np.arange(len(targets)), targets][:, None]


def ranks(scores, targets, seen):
    return (np.where(seen, -np.inf, scores) >= own(scores, targets)).sum(axis=1)


def ranks_by_loop(scores, targets, seen):
    found = []
    for row, target, hidden in zip(scores, targets, seen, strict=True):
        rivals = [row[i] for i in range(len(row)) if i != target and not hidden[i]]
        found.append(1 + sum(rival >= row[target] for rival in rivals))
    return found


def ranks_by_scipy(scores, targets, seen):
    lowered = np.where(seen, -1e9, scores)
    return own(scipy.stats.rankdata(-lowered, "max", axis=1), targets)[:, 0]


def by_sorting(scores, targets, seen):
    order = np.argsort(-np.where(seen, -np.inf, scores), axis=1, kind="stable")
    return 1 + np.argmax(order == targets[:, None], axis=1)


def optimistic(scores, targets, seen):
    return 1 + (np.where(seen, -np.inf, scores) > own(scores, targets)).sum(axis=1)


def hiding_in_place(scores, targets, seen):
    scores[seen | (scores < -1)] -= 1e-9
    return ranks(scores, targets, seen)


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


def split(events, by=("user", "timestamp"), least=3):
    events = events.sort_values(list(by), kind="stable")
    back = events.groupby("user").cumcount(ascending=False)
    back = back.where(events.groupby("user")["item"].transform("size") >= least, 9)
    return events[back > 1], events[back == 1], events[back == 0]


def split_by_tail(events):
    long = events.groupby("user").filter(lambda rows: len(rows) >= 3)
    long = long.sort_values("timestamp", kind="stable")
    test = long.groupby("user").tail(1)
    validation = long.drop(test.index).groupby("user").tail(1)
    return events.drop(test.index).drop(validation.index), validation, test


def split_by_loop(events):
    rows = {}
    for event in sorted(events.to_dict("records"), key=lambda event: event["timestamp"]):
        rows.setdefault(event["user"], []).append(event)
    train, validation, test = [], [], []
    for own in rows.values():
        if len(own) >= 3:
            test.append(own.pop())
            validation.append(own.pop())
        train += own
    return [pd.DataFrame(part, columns=events.columns) for part in (train, validation, test)]


def shuffled(events):
    return split(events.sample(frac=1, random_state=0), by=("user",))


def of_all_users(events):
    train, validation, test = split(events)
    return train[train["user"].isin(test["user"])], validation, test


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
        "11.2": [ranks, ranks_by_loop, ranks_by_scipy,
                 lambda *given: ranks(*given).astype(np.float32)],
        "11.3": [loss, loss_by_loop, loss_by_reduce],
        "11.4": [split, split_by_tail, split_by_loop],
        "11.5": [assert_test, random_test, lambda encode: [assert_test(encode)] * 2],
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
            ("all items the same score", optimistic),
            ("position of the item", by_sorting),
            ("Seen items still compete", lambda s, t, seen: ranks(s, t, seen & False)),
            ("not 0", lambda *given: ranks(*given) - 1),
            ("the worst", lambda *given: (ranks(*given) + optimistic(*given)) // 2),
            ("order is reversed", lambda s, t, seen: ranks(-s, t, seen)),
            ("one rank for each", lambda s, t, seen: ranks(s, t, seen).mean()),
            ("competes with itself", lambda *given: ranks(*given) + 1),
            ("changes the array", hiding_in_place),
            ("some items", lambda s, t, seen: ranks(s, t, seen) if len(np.unique(s)) in (1, s.size)
             else optimistic(s, t, seen)),
        ],
        "11.3": [
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
        "11.4": [
            ("in no order", lambda events: split(events, by=("user",))),
            ("three events or more", lambda events: split(events, least=2)),
            ("lost or doubled", lambda events: split(events.drop_duplicates(["user", "item"]))),
            ("comes after the test", lambda events: [split(events)[n] for n in (0, 2, 1)]),
            ("three tables", lambda events: events),
            ("in order of time", shuffled),
            ("lost or doubled", of_all_users),
            ("lost or doubled", lambda events: (events, *split(events)[1:])),
            ("lacks the column", lambda events: [part[["user", "item"]] for part in split(events)]),
            ("more than one event", lambda events: [split(events)[n] for n in (2, 1, 0)]),
        ],
        "11.5": [
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
    given_away = ("np.", ">=", "[-", "subtract", "concatenate", "cumcount", "tail")


def test_a_split_that_trusts_the_order_of_rows_is_right_only_by_luck():
    assert "in no order" in check("11.4", lambda events: split(events, by=("user",))).reason
    assert "in order of time" in check("11.4", shuffled).reason
