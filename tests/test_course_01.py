"""The exercises of notebook 01: right answers pass, usual mistakes are told apart."""

import numpy as np
import pandas as pd
import pytest

from recmodels.course import check


def repeat_share(users, items):
    return pd.DataFrame({"user": users, "item": items}).duplicated().mean()


def gini(counts):
    ordered, n = np.sort(counts), len(counts)
    return ((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum())


def visits(users, times, gap):
    new = (np.diff(users) != 0) | (np.diff(times) > gap)
    return np.concatenate([[0], new.cumsum()])


def of_pairs(users, items):
    pairs = pd.DataFrame({"user": users, "item": items})
    return pairs.duplicated().sum() / len(pairs.drop_duplicates())


def at_once(users, items):
    table = pd.DataFrame({"user": users, "item": items})
    return (table == table.shift()).all(axis=1).mean()


def unsorted_gini(counts):
    n = len(counts)
    return abs(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * counts.sum()))


WRONG = {
    "01.1": [
        lambda users, items: pd.Series(items).duplicated().mean(),
        lambda users, items: pd.DataFrame([users, items]).T.duplicated(keep=False).mean(),
        at_once,
        of_pairs,
        lambda users, items: pd.DataFrame([users, items]).T.duplicated().sum(),
        lambda users, items: pd.DataFrame([users, items]).T.duplicated(),
        lambda users, items: None,
        None,
    ],
    "01.2": [
        lambda counts: 1 - gini(counts),
        lambda counts: gini(counts[counts > 0]),
        lambda counts: gini(counts) / 2,
        unsorted_gini,
        lambda counts: np.std(counts) / np.mean(counts),
        lambda counts: np.sort(counts)[-1] / counts.sum(),
    ],
    "01.3": [
        lambda users, times, gap: np.concatenate([[0], (np.diff(times) > gap).cumsum()]),
        lambda users, times, gap: visits(users, times, gap - 1),
        lambda users, times, gap: visits(users, times, gap) + 1,
        lambda users, times, gap: visits(users, times, 60),
        lambda users, times, gap: visits(users, times, gap)[1:],
        lambda users, times, gap: times // gap,
    ],
}


@pytest.mark.parametrize("number, answer", [("01.1", repeat_share), ("01.2", gini)])
def test_right_answers_pass(number, answer):
    assert check(number, answer)


def test_visits_pass():
    assert check("01.3", visits)


@pytest.mark.parametrize("number", WRONG)
def test_each_mistake_has_a_reason_of_its_own(number):
    verdicts = [check(number, answer) for answer in WRONG[number]]
    assert not any(verdicts)
    reasons = [verdict.reason for verdict in verdicts]
    assert len(set(reasons)) == len(reasons)
    for reason in reasons:
        assert not any(word in reason for word in ("duplicated", "np.", "cumsum", "sort", "=="))
