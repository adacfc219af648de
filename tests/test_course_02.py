"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 02."""

import numpy as np
import pandas as pd
from exercises import ExerciseBank


def pad(histories, length):
    return np.array([([0] * length + list(history))[-length:] for history in histories])


def pad_by_loop(histories, length):
    rows = np.zeros((len(histories), length), np.int32)
    for row, history in zip(rows, histories, strict=True):
        newest = history[-length:]
        row[length - len(newest) :] = newest
    return rows


def shift(history, length):
    inputs, targets = pad([history[:-1], history[1:]], length)
    return inputs, targets


def shift_window(history, length):
    window = ([0] * (length + 1) + history)[-length - 1 :]
    inputs = [a if b else 0 for a, b in zip(window[:-1], window[1:], strict=True)]
    return inputs, [b if a else 0 for a, b in zip(window[:-1], window[1:], strict=True)]


def scale(train, test, fitted_on=None, log=np.log1p, spread=None, ddof=0):
    train, test = log(train), log(test)
    fitted_on = train if fitted_on is None else np.concatenate([train, test])
    spread = np.nanstd(fitted_on, ddof=ddof) if spread is None else spread
    return [np.nan_to_num((x - np.nanmean(fitted_on)) / spread) for x in (train, test)]


def scale_by_pandas(train, test):
    logs = [np.log1p(pd.Series(x)) for x in (train, test)]
    return tuple(((x - logs[0].mean()) / logs[0].std()).fillna(0) for x in logs)


def scale_known(train, test):
    known = np.log1p(train[~np.isnan(train)])
    both = [(np.log(1 + x) - known.mean()) / known.std() for x in (train, test)]
    return [np.where(np.isnan(x), 0.0, x) for x in both]


def scale_each(train, test):
    return tuple(scale(x, x)[0] for x in (train, test))


def scale_filled_before(train, test):
    logs = [np.log1p(np.nan_to_num(x)) for x in (train, test)]
    scaled = [(x - logs[0].mean()) / logs[0].std() for x in logs]
    return [np.where(np.isnan(x), 0, y) for x, y in zip((train, test), scaled, strict=True)]


def scale_to_range(train, test):
    logs = [np.log1p(x) for x in (train, test)]
    low, high = np.nanmin(logs[0]), np.nanmax(logs[0])
    return [np.nan_to_num((x - low) / (high - low)) for x in logs]


def two_deviations(train, test):
    return scale(train, test)[0], scale(train, test, ddof=1)[1]


def frequent(ids, keep, k):
    return np.array([(ids[keep] == one).sum() for one in ids]) >= k


def core(users, items, k, rounds=99, strict=0):
    keep = np.ones(len(users), bool)
    for _ in range(rounds):
        keep = keep & frequent(users, keep, k + strict)
        keep = keep & frequent(items, keep, k + strict)
    return keep


def core_by_pandas(users, items, k):
    log = pd.DataFrame({"user": users, "item": items})
    while True:
        sizes = [log.groupby(name)[name].transform("size") for name in ("user", "item")]
        kept = log[(sizes[0] >= k) & (sizes[1] >= k)]
        if len(kept) == len(log):
            return np.isin(np.arange(len(users)), log.index)
        log = kept


def core_by_sets(users, items, k):
    events = list(enumerate(zip(users.tolist(), items.tolist(), strict=True)))
    before = None
    while before != len(events):
        before = len(events)
        for side in (0, 1):
            ids = [pair[side] for _, pair in events]
            events = [event for event in events if ids.count(event[1][side]) >= k]
    left = {place for place, _ in events}
    return [place in left for place in range(len(users))]


def once(users, items, k):
    everything = np.ones(len(users), bool)
    return frequent(users, everything, k) & frequent(items, everything, k)


def users_last(users, items, k):
    keep = frequent(items, np.ones(len(users), bool), k)
    return keep & frequent(users, keep, k)


def shift_late(history, length):
    window = pad([history], length)[0]
    return np.append(0, window[:-1]), np.append(0, window[1:])


class TestBank(ExerciseBank):
    right = {
        "02.1": [
            pad,
            pad_by_loop,
            lambda histories, n: pad(histories, n).tolist(),
            lambda histories, n: pd.DataFrame(pad(histories, n)),
            lambda histories, n: np.stack([np.pad(np.array(h[-n:], int), (n - len(h[-n:]), 0))
                                           for h in histories]),
        ],
        "02.2": [
            shift,
            shift_window,
            lambda history, n: pad([history[:-1], history[1:]], n),
            lambda history, n: [x.tolist() for x in shift(history, n)],
            lambda history, n: tuple(pd.Series(x, dtype="int16") for x in shift(history, n)),
        ],
        "02.3": [scale, scale_by_pandas, scale_known, lambda *x: np.array(scale(*x), object),
                 lambda *x: tuple(scale(*x, ddof=1))],
        "02.4": [core, core_by_pandas, core_by_sets, lambda *x: pd.Series(core(*x))],
    }  # fmt: skip
    wrong = {
        "02.1": [
            ("oldest events", lambda hs, n: np.array([(list(h) + [0] * n)[:n] for h in hs])),
            ("on the right", lambda hs, n: np.array([(h[-n:] + [0] * n)[:n] for h in hs])),
            ("oldest events", lambda hs, n: np.array([[0] * (n - len(h)) + h[:n] for h in hs])),
            ("reverse order", lambda hs, n: np.array([([0] * n + h[-n:][::-1])[-n:] for h in hs])),
            ("`length` columns", lambda hs, n: pad(hs, 6)),
            ("integers", lambda hs, n: pad(hs, n).astype(float)),
            ("one row for each", lambda hs, n: pad([h for h in hs if h], n)),
            ("return numbers", lambda hs, n: [h[-n:] for h in hs]),
            ("None", lambda hs, n: None),
            ("length that is given", lambda hs, n: pad(hs, 3)),
        ],
        "02.2": [
            ("are the same", lambda h, n: (pad([h], n)[0], pad([h], n)[0])),
            ("earlier events", lambda h, n: shift(h, n)[::-1]),
            ("`length` numbers", lambda h, n: (pad([h[:-1]], n)[0], pad([h], n)[0][-1:])),
            ("on the right", lambda h, n: [np.trim_zeros(x, "f").tolist() + [0] * (x == 0).sum()
                                           for x in shift(h, n)]),
            ("only after shifting", lambda h, n: pad([h[-n:][:-1], h[-n:][1:]], n)),
            ("keeps the oldest", lambda h, n: (pad([h[:-1][:n]], n)[0], pad([h[1:][:n]], n)[0])),
            ("target must be padding", shift_late),
            ("can only be a target", lambda h, n: (pad([h], n)[0], [*pad([h], n)[0][1:], 0])),
            ("Return inputs and targets", lambda h, n: shift(h, n)[0]),
            ("It stopped with NameError", lambda h, n: (inputs, h)),  # noqa: F821
        ],
        "02.3": [
            ("from training alone", lambda train, test: scale(train, test, "all")),
            ("take log(1 + seconds) first", lambda *given: scale(*given, log=lambda x: x)),
            ("not divided", lambda train, test: scale(train, test, spread=1.0)),
            ("of their own", scale_each),
            ("missing value", lambda train, test: tuple(np.log1p(x) for x in (train, test))),
            ("still need", lambda train, test: [np.nan_to_num(np.log1p(x)) for x in (train, test)]),
            ("both parts", lambda train, test: scale(train, test)[0]),
            ("counted as 0 seconds", scale_filled_before),
            ("between 0 and 1", scale_to_range),
            ("log(seconds)", lambda train, test: scale(train, test, log=np.log)),
            ("different deviations", two_deviations),
            ("scale of training", lambda train, test: (scale(train, test)[0], np.zeros(3))),
        ],
        "02.4": [
            ("not enough", once),
            ("fewer than k", users_last),
            ("exactly k", lambda users, items, k: core(users, items, k, strict=1)),
            ("for each event", lambda users, items, k: np.flatnonzero(core(users, items, k))),
            ("not other numbers", lambda users, items, k: core(users, items, k).astype(int)),
            ("Every event stays", lambda users, items, k: np.ones(len(users), bool)),
            ("fewer than k", lambda users, items, k: core(users, items, k, rounds=20)),
            ("exactly k", lambda users, items, k: ~core(users, items, k)),
            ("150 events", lambda users, items, k: core(users, items, 2)),
            ("not enough", lambda users, items, k: frequent(items, np.ones(len(users), bool), k)),
        ],
    }  # fmt: skip
    given_away = ("[-", "[1:]", "nanmean", "np.", "fixed point")
