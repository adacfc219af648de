"""Checks of the exercises of notebook 20, paper tables."""

import numpy as np
import scipy.stats

from recmodels.course.checking import call, exercise, expect, expect_close, numbers
from recmodels.course.intervals import expect_interval
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import holm


@exercise("20.1", "the values of two models")
def check_permutation(answer) -> None:
    """`answer(a, b)`: the exact two-sided p-value of a paired permutation test.

    All values are multiples of 1/64 and the numbers of users powers of two, so that sums and means
    are exact: comparing them with `>=` finds the same ways with and without a tolerance.
    """
    a, b = np.array([58, 26, 45, 7]) / 64, np.array([32, 20, 7, 2]) / 64
    mixed = np.array([19, 6, 61, 13, 0, 32, 28, 40]) / 64
    other = np.array([6, 19, 13, 18, 0, 21, 38, 31]) / 64
    alike, both = "where all users favour one model", "where differences have both signs"
    for first, second, kind in (
        (a, b, alike),
        (b, a, alike),
        (mixed, other, both),
        (other, mixed, both),
        (mixed[:4], other[:4], both),
    ):
        right = _exact_p(first - second)
        returned = numbers(call(answer, first, second), (), "Return one number.")
        near = abs(returned - right) < 0.04
        reason = f"It is wrong {kind}."
        if near:
            reason = (
                "It is near, but not exact: go through every way to set the signs, not by drawing."
            )
        expect_close(returned, right, reason, _wrong_p(first, second))
    expect_close(call(answer, a, a), 1.0, "Two models with the same values must have p = 1.")


def _wrong_p(a: np.ndarray, b: np.ndarray) -> dict:
    differences = a - b
    ways, observed, right = _ways(differences), differences.sum(), _exact_p(differences)
    kept, signs = differences[differences != 0], np.sign(differences)
    unpaired = scipy.stats.permutation_test(
        (a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), vectorized=True, rng=0
    )
    return {
        "This counts one side only: a lead of the other model as large counts too.": (
            (ways >= observed).mean(),
            (ways <= observed).mean(),
        ),
        "Ways exactly as far from 0 as the observed one must count. It is one of them, so that p "
        "cannot be 0.": (np.abs(ways) > abs(observed)).mean(),
        "This is 1 minus the p-value.": 1 - right,
        "This is the number of ways; divide it by the number of all ways.": right * len(ways),
        "This is Wilcoxon's test, which uses the ranks of the differences; use their sizes.": (
            _exact_p(scipy.stats.rankdata(np.abs(kept)) * np.sign(kept)),
            *(scipy.stats.wilcoxon(kept, method=how).pvalue for how in ("auto", "exact", "approx")),
        ),
        "This is a sign test, which ignores how large the differences are.": _exact_p(signs),
        "This is a t-test; it assumes a normal distribution and sets no signs.": (
            scipy.stats.ttest_rel(a, b).pvalue,
            scipy.stats.ttest_ind(a, b).pvalue,
        ),
        "This mixes the values of different users; only the two values of one user may change "
        "places.": (float(unpaired.pvalue), scipy.stats.mannwhitneyu(a, b).pvalue),
    }


@exercise("20.2", "ranks and a generator")
def check_row(answer) -> None:
    """`answer(ranks, generator)`: mean, low and high of NDCG@10 of ranks (U, seeds)."""
    # Few users find their item, so that values and means are skewed.
    ranks = np.random.default_rng(202).geometric(0.01, (150, 3))
    reason = "Return three numbers: the mean and the two ends of its interval."

    def row(ranks: np.ndarray, seed: int = 1) -> np.ndarray:
        returned = call(answer, ranks, np.random.default_rng(seed))
        return numbers(list(returned) if isinstance(returned, tuple) else returned, (3,), reason)

    mean, low, high = row(ranks)
    values = ndcg(ranks, 10)
    users = values.mean(axis=1)
    mistakes = {
        "The mean ranks of the users were measured; measure every rank, then average.": (
            ndcg(ranks.mean(axis=1), 10).mean()
        ),
        "Only the first seed is used; average over all seeds.": values[:, 0].mean(),
        "This is the mean of another cut-off than 10.": tuple(
            ndcg(ranks, k).mean() for k in (1, 5, 9, 11, 20, 100)
        ),
        "This is the hit rate; NDCG discounts later places.": (ranks <= 10).mean(),
        "This is the mean reciprocal rank.": (
            (1 / ranks).mean(),
            (1 / ranks * (ranks <= 10)).mean(),
        ),
    }
    expect_close(mean, values.mean(), "The mean is not that of NDCG@10 of every rank.", mistakes)
    alike = np.repeat(ranks[:, :1], 5, axis=1)
    one, five = row(alike[:, :1]), row(alike)
    expect(
        five[2] - five[1] > 0.75 * (one[2] - one[1]),
        "Five copies of one seed make the interval narrower: average the seeds of a user first, "
        "and draw users.",
    )
    expect_interval(lambda seed: row(ranks, seed)[1:], users, draws=400)


@exercise("20.3", "p-values")
def check_holm(answer) -> None:
    """`answer(p_values)`: Holm's corrected p-values, in the order they came."""
    reason = "Return one corrected p-value for each p-value."
    for given, kind in (
        (np.array([0.03, 0.001, 0.2]), "three p-values"),
        (np.array([0.4, 0.02, 0.021, 0.9, 0.6, 0.5]), "six p-values"),
        (np.array([0.04, 0.04]), "two equal p-values"),
        (np.array([0.02]), "a single p-value"),
    ):
        returned = numbers(call(answer, given), given.shape, reason)
        mistakes = _not_holm(given) if len(given) > 1 else None
        expect_close(returned, holm(given), f"It is wrong for {kind}.", mistakes)


def _not_holm(p: np.ndarray) -> dict:
    count, order = len(p), np.argsort(p)
    steps = np.arange(count, 0, -1)
    stepped, backwards, upwards = np.empty(count), np.empty(count), np.empty(count)
    stepped[order] = p[order] * steps
    backwards[order] = np.minimum.accumulate((p[order] * steps)[::-1])[::-1]
    upwards[order] = np.minimum.accumulate((p[order] * count / steps[::-1])[::-1])[::-1]
    hochberg_steps = np.empty(count)
    hochberg_steps[order] = p[order] * steps[::-1]
    uncapped = np.empty(count)
    uncapped[order] = np.maximum.accumulate(stepped[order])
    capped = np.minimum(uncapped, 1)
    return {
        "The numbers are right, but in sorted order; return them in the order they came.": (
            np.sort(capped)
        ),
        "This is Bonferroni's correction: only the smallest p-value is multiplied by the number of "
        "tests, each larger one by one less.": (np.minimum(p * count, 1), p * count),
        "This is the correction of Benjamini and Hochberg, which bounds another kind of error.": (
            np.minimum(upwards, 1)
        ),
        "A p-value above 1: a probability is at most 1.": uncapped,
        "A larger p-value came out below a smaller one; it must be at least as large.": (
            np.minimum(stepped, 1),
            stepped,
        ),
        "The p-values are divided; a correction for many tests cannot make them smaller.": (
            p / count
        ),
        "The p-values are unchanged.": p,
        "Each p-value is multiplied by its place in the input; the smallest must come first.": (
            np.minimum(p * steps, 1),
            np.minimum(np.maximum.accumulate(p * steps), 1),
        ),
        "This says which are significant; return corrected p-values.": capped < 0.05,
    }


def _ways(differences: np.ndarray) -> np.ndarray:
    """The sums of every way to give the differences signs, (2 ** U,)."""
    count = len(differences)
    signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    return signs @ differences


def _exact_p(differences: np.ndarray) -> float:
    return float((np.abs(_ways(differences)) >= abs(differences.sum()) - 1e-12).mean())
