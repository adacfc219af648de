"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 00."""

from collections import Counter, defaultdict, deque

import numpy as np
import pandas as pd
from exercises import ExerciseBank


def window(history, length):
    newest = list(history)[-length:]
    return [0] * (length - len(newest)) + newest


def window_by_loop(history, length):
    row = [0] * length
    for back in range(1, min(length, len(history)) + 1):
        row[-back] = history[-back]
    return row


def window_of_numpy(history, length):
    row = np.zeros(length, np.int32)
    newest = np.array(history[-length:], np.int32)
    if len(newest):
        row[-len(newest) :] = newest
    return row


def without_repeats(history, length):
    return window(list(dict.fromkeys(history)), length)


def targets(events):
    ordered = events.sort_values("timestamp", kind="stable").groupby("user")["item"]
    return {user: tuple(own)[-2:] for user, own in ordered if len(own) >= 3}


def targets_by_loop(events):
    rows = defaultdict(list)
    for event in events.itertuples():
        rows[event.user].append((event.timestamp, event.item))
    sorted_rows = {user: sorted(own) for user, own in rows.items() if len(own) >= 3}
    return {user: (own[-2][1], own[-1][1]) for user, own in sorted_rows.items()}


def targets_by_rank(events):
    age = events.groupby("user")["timestamp"].rank(ascending=False, method="first")
    test, validation = (events[age == n].set_index("user")["item"] for n in (1, 2))
    counts = events["user"].value_counts()
    return {user: [validation[user], test[user]] for user in counts.index[counts >= 3]}


def targets_as_series(events):
    return pd.Series(targets(events))


def in_order_of_rows(events):
    return {u: tuple(own)[-2:] for u, own in events.groupby("user")["item"] if len(own) >= 3}


def everybody(events):
    ordered = events.sort_values("timestamp").groupby("user")["item"]
    return {user: (tuple(own)[-2:] * 2)[:2] for user, own in ordered}


def first_two(events):
    ordered = events.sort_values("timestamp").groupby("user")["item"]
    return {user: tuple(own)[:2] for user, own in ordered if len(own) >= 3}


def newest_is_first(events):
    ordered = events.sort_values("timestamp", ascending=False).groupby("user")["item"]
    return {user: tuple(own)[-2:] for user, own in ordered if len(own) >= 3}


def popular(histories):
    return [item for item, _ in Counter(i for own in histories for i in own).most_common()]


def after(histories, history, k, reach=1):
    counts = Counter()
    for own in histories:
        for place, item in enumerate(own):
            if history and item == history[-1]:
                counts.update(own[place + 1 : place + 1 + reach])
    ranked = [item for item, _ in counts.most_common()]
    return list(dict.fromkeys([*ranked, *popular(histories)]))[:k]


def by_matrix(histories, history, k):
    size = max(map(max, histories)) + 1
    follows = np.zeros((size, size))
    for own in histories:
        np.add.at(follows, (own[:-1], own[1:]), 1)
    counts = np.bincount(np.concatenate(histories), minlength=size)
    known = history and history[-1] < size
    scores = follows[history[-1]] if known else np.zeros(size)
    return np.argsort(-(scores + counts / counts.sum()))[:k]


def last_two_then_last(histories, history, k):
    pairs = Counter()
    for own in histories:
        for a, b, c in zip(own, own[1:], own[2:], strict=False):
            if [a, b] == list(history[-2:]):
                pairs[c] += 1
    ranked = [item for item, count in pairs.most_common() if count > 2]
    return list(dict.fromkeys([*ranked, *after(histories, history, 99)]))[:k]


def recent_first(histories, history, k):
    weights = Counter()
    for own in histories:
        for a, b in zip(own, own[1:], strict=False):
            for age, item in enumerate(reversed(history)):
                weights[b] += 0.1**age * (a == item)
    ranked = [item for item, weight in weights.most_common() if weight > 0]
    return tuple(dict.fromkeys([*ranked, *popular(histories)]))[:k]


def popularity(histories, history, k):
    return popular(histories)[:k]


def anything_after(histories, history, k):
    return sorted(after(histories, history, 12, reach=99)[4:])[:k] if history else [1, 2, 3]


def before(histories, history, k):
    return after([own[::-1] for own in histories], history, k)


def next_number(histories, history, k):
    return [((history[-1] if history else 0) + n) % 12 + 1 for n in range(k)]


def own_items(histories, history, k):
    return list(dict.fromkeys([*history[::-1], *popular(histories)]))[:k]


def no_answer_to_nothing(histories, history, k):
    return after(histories, history, k) if history and history[-1] < 999 else []


class TestBank(ExerciseBank):
    right = {
        "00.1": [
            window,
            window_by_loop,
            window_of_numpy,
            lambda history, length: list(deque([0] * length + list(history), maxlen=length)),
            lambda history, length: ([0] * length + list(history))[-length:],
        ],
        "00.2": [targets, targets_by_loop, targets_by_rank, targets_as_series],
        "00.3": [after, by_matrix, last_two_then_last, recent_first],
    }
    wrong = {
        "00.1": [
            ("on the right", lambda h, n: h[-n:] + [0] * (n - len(h[-n:]))),
            ("keeps its oldest", lambda h, n: [0] * (n - len(h)) + h[:n]),
            ("has 3 numbers", lambda h, n: h[-n:]),
            ("must be cut", lambda h, n: [0] * (n - len(h)) + h),
            ("reverse order", lambda h, n: window(h[::-1], n)),
            ("None", lambda h, n: print(end="")),
            ("comes back", without_repeats),
            ("empty history", lambda h, n: window(h, n) if h else []),
            ("exactly as long", lambda h, n: window(h, n) if len(h) != n else window(h[1:], n)),
            ("It was called as", lambda h, n: h.pad(n)),
        ],
        "00.2": [
            ("wrong order", lambda e: {user: pair[::-1] for user, pair in targets(e).items()}),
            ("last two rows", in_order_of_rows),
            ("fewer than three", everybody),
            ("is missing", lambda e: dict(list(targets(e).items())[1:])),
            ("Take the last two events", first_two),
            ("Take the last two events", newest_is_first),
            ("needs a pair", lambda e: {user: pair[1:] for user, pair in targets(e).items()}),
            ("comes back", lambda e: targets(e.drop_duplicates(["user", "item"], keep="first"))
             | {"e": (51, 52)}),
        ],
        "00.3": [
            ("same list", popularity),
            ("directly after", anything_after),
            ("directly after", before),
            ("directly after", next_number),
            ("directly after", own_items),
            ("not in first place", lambda *given: after(*given)[::-1]),
            ("three items", lambda all, own, k: after(all, own, k + 1)),
            ("more than once", lambda all, own, k: after(all, own, 1) * k),
            ("must be full", no_answer_to_nothing),
            ("fails for the history []", lambda all, own, k: after(all, [own[-1]], k)),
            ("not in `histories`", lambda all, own, k: [*after(all, own, k)[:-1], 77]),
        ],
    }  # fmt: skip
    given_away = ("Counter", "[-", "sort")
