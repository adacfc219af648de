"""The exercises of notebook 02: right answers pass, usual mistakes are told apart."""

import numpy as np
import pytest

from recmodels.course import check


def pad(histories, length):
    return np.array([([0] * length + list(history))[-length:] for history in histories])


def shift(history, length):
    inputs, targets = pad([history[:-1], history[1:]], length)
    return inputs, targets


def scale(train, test, fitted_on=None, log=np.log1p, spread=None):
    train, test = log(train), log(test)
    fitted_on = train if fitted_on is None else np.concatenate([train, test])
    spread = np.nanstd(fitted_on) if spread is None else spread
    return [np.nan_to_num((x - np.nanmean(fitted_on)) / spread) for x in (train, test)]


def frequent(ids, keep, k):
    return np.array([(ids[keep] == one).sum() for one in ids]) >= k


def core(users, items, k, rounds=99, strict=0):
    keep = np.ones(len(users), bool)
    for _ in range(rounds):
        keep = keep & frequent(users, keep, k + strict)
        keep = keep & frequent(items, keep, k + strict)
    return keep


def standardised(values):
    logs = np.log1p(values)
    return np.nan_to_num((logs - np.nanmean(logs)) / np.nanstd(logs))


def shift_late(history, length):
    window = pad([history], length)[0]
    return np.append(0, window[:-1]), np.append(0, window[1:])


def users_last(users, items, k):
    keep = frequent(items, np.ones(len(users), bool), k)
    return keep & frequent(users, keep, k)


RIGHT = {"02.1": pad, "02.2": shift, "02.3": lambda *x: tuple(scale(*x)), "02.4": core}
WRONG = {
    "02.1": [
        lambda histories, n: np.array([(list(h) + [0] * n)[:n] for h in histories]),
        lambda histories, n: np.array([[0] * (n - len(h)) + list(h[:n]) for h in histories]),
        lambda histories, n: np.array([([0] * n + h[-n:][::-1])[-n:] for h in histories]),
        lambda histories, n: pad(histories, 6),
        lambda histories, n: pad(histories, n).astype(float),
        lambda histories, n: pad([h for h in histories if h], n),
    ],
    "02.2": [
        lambda history, n: (pad([history], n)[0], pad([history], n)[0]),
        lambda history, n: (pad([history[1:]], n)[0], pad([history[:-1]], n)[0]),
        lambda history, n: (pad([history[:-1]], n)[0], pad([history], n)[0][-1:]),
        lambda history, n: [
            np.trim_zeros(x, "f").tolist() + [0] * (x == 0).sum() for x in shift(history, n)
        ],
        lambda history, n: (pad([history[-n:][:-1]], n)[0], pad([history[-n:][1:]], n)[0]),
        lambda history, n: (pad([history[:-1][:n]], n)[0], pad([history[1:][:n]], n)[0]),
        shift_late,
    ],
    "02.3": [
        lambda train, test: scale(train, test, "all"),
        lambda train, test: scale(train, test, log=lambda x: x),
        lambda train, test: scale(train, test, spread=1.0),
        lambda train, test: (standardised(train), standardised(test)),
        lambda train, test: tuple(np.log1p(x) for x in (train, test)),
        lambda train, test: scale(train, test)[0],
    ],
    "02.4": [
        lambda users, items, k: core(users, items, k, rounds=1),
        lambda users, items, k: users_last(users, items, k),
        lambda users, items, k: core(users, items, k, strict=1),
        lambda users, items, k: np.flatnonzero(core(users, items, k)),
        lambda users, items, k: core(users, items, k).astype(int),
    ],
}


@pytest.mark.parametrize("number", RIGHT)
def test_right_answers_pass(number):
    assert check(number, RIGHT[number])


@pytest.mark.parametrize("number", WRONG)
def test_each_mistake_has_a_reason_of_its_own(number):
    verdicts = [check(number, answer) for answer in WRONG[number]]
    assert not any(verdicts)
    reasons = [verdict.reason for verdict in verdicts]
    assert len(set(reasons)) == len(reasons), reasons
    for reason in reasons:
        assert not any(word in reason for word in ("[-", "[1:]", "nanmean", "np.", "fixed point"))
