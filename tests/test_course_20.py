"""Right answers pass; typical wrong ones are told apart, without the solution."""

import itertools

import numpy as np
import pytest

from recmodels.course import check
from recmodels.evaluation.metrics import ndcg


def exact(a, b):
    differences = np.asarray(a) - np.asarray(b)
    ways = [np.dot(s, differences) for s in itertools.product((1, -1), repeat=len(differences))]
    return np.mean(np.abs(ways) >= abs(differences.sum()) - 1e-12)


def one_sided(a, b):
    ways = [np.dot(s, a - b) for s in itertools.product((1, -1), repeat=len(a))]
    return np.mean(np.array(ways) >= (a - b).sum() - 1e-12)


def strictly(a, b):
    ways = [np.dot(s, a - b) for s in itertools.product((1, -1), repeat=len(a))]
    return np.mean(np.abs(ways) > abs((a - b).sum()) + 1e-12)


def unpaired(a, b):
    both = np.concatenate([a, b])
    groups = itertools.combinations(range(len(both)), len(a))
    gaps = [2 * both[list(group)].sum() - both.sum() for group in groups]
    return np.mean(np.abs(gaps) >= abs(a.sum() - b.sum()) - 1e-12)


def sign_test(a, b):
    return exact(np.sign(a - b), np.zeros(len(a)))


def row(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    drawn = generator.choice(values, (2000, len(values))).mean(axis=1)
    return values.mean(), *np.quantile(drawn, [0.025, 0.975])


def pooled(ranks, generator):
    return row(ranks.reshape(-1, 1), generator)


def of_users(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    return values.mean(), *(values.mean() + np.array([-1.96, 1.96]) * values.std())


def of_the_mean_rank(ranks, generator):
    return row(ranks.mean(axis=1, keepdims=True), generator)


def half(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    drawn = generator.choice(values, (2000, len(values))).mean(axis=1)
    return values.mean(), *np.quantile(drawn, [0.25, 0.75])


def holm(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    stepped = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected


def bonferroni(p):
    return np.minimum(np.asarray(p) * len(p), 1)


def in_sorted_order(p):
    return holm(np.sort(p))


def not_capped(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1))
    return corrected


def not_rising(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    corrected[order] = np.minimum(np.asarray(p)[order] * np.arange(len(p), 0, -1), 1)
    return corrected


def divided(p):
    return np.asarray(p) / len(p)


RIGHT = {"20.1": exact, "20.2": row, "20.3": holm}
WRONG = {
    "20.1": [one_sided, strictly, unpaired, sign_test, None],
    "20.2": [pooled, of_users, of_the_mean_rank, half, None],
    "20.3": [bonferroni, in_sorted_order, not_capped, not_rising, divided, None],
}


@pytest.mark.parametrize("number", RIGHT)
def test_right_answers_pass(number):
    verdict = check(number, RIGHT[number])
    assert verdict, verdict


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_get_reasons_of_their_own(number):
    verdicts = [check(number, answer) for answer in WRONG[number]]
    assert not any(verdicts)
    reasons = {verdict.reason for verdict in verdicts}
    assert len(reasons) == len(verdicts), reasons
    assert not any("accumulate" in reason or "axis" in reason for reason in reasons)
