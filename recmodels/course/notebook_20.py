"""Checks of the exercises of notebook 20, paper tables."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import holm


@exercise("20.1")
def check_permutation(answer) -> None:
    """`answer(a, b)`: the exact two-sided p-value of a paired permutation test."""
    expect(callable(answer), "Give a function of the values of two models.")
    a = np.array([0.9, 0.4, 0.7, 0.1, 0.6])
    b = np.array([0.5, 0.3, 0.1, 0.0, 0.4])
    # All five differences are positive: of 32 ways only all plus and all minus are as far from 0.
    found = float(answer(a, b))
    expect(found > 0, "What was observed is one of the ways: p can never be zero.")
    expect(
        not np.isclose(found, 1 / 32),
        "Had the other model been ahead by as much, that would have surprised you as well.",
    )
    expect_close(found, 2 / 32, "Five users have a known number of ways, and this is not of them.")
    expect_close(answer(b, a), found, "Which model is called the first should not matter.")
    expect_close(answer(a, a), 1.0, "Two models that are the same do not differ at all.")
    mixed = np.array([0.3, 0.1, 0.2, 0.9, 0.0, 0.5, 0.4])
    other = np.array([0.1, 0.3, 0.1, 0.2, 0.0, 0.5, 0.6])
    expect_close(
        answer(mixed, other),
        _exact_p(mixed - other),
        "Right where all differences have one sign, wrong for others: which belongs to whom?",
    )


@exercise("20.2")
def check_row(answer) -> None:
    """`answer(ranks, generator)`: mean, low and high of NDCG@10 of ranks (U, seeds)."""
    expect(callable(answer), "Give a function of ranks and a generator.")
    ranks = np.random.default_rng(202).geometric(0.08, (300, 3))
    mean, low, high = np.asarray(answer(ranks, np.random.default_rng(1)), float)
    values = ndcg(ranks, 10)
    expect_close(mean, values.mean(), "The mean is another: is it NDCG@10 of every rank?")
    expect(low < mean < high, "The interval does not hold its own mean.")
    alike = np.repeat(ranks[:, :1], 5, axis=1)
    alone = np.asarray(answer(alike[:, :1], np.random.default_rng(1)), float)
    copied = np.asarray(answer(alike, np.random.default_rng(1)), float)
    wanted = 2 * 1.96 * ndcg(alike[:, 0], 10).std() / len(alike) ** 0.5
    expect(
        copied[2] - copied[1] > 0.75 * (alone[2] - alone[1]),
        "Five copies of one seed made you surer: how many people were asked?",
    )
    expect(
        copied[2] - copied[1] < 1.4 * wanted,
        "Too wide: the interval is for the mean of the users, not for a user or a seed.",
    )
    expect(copied[2] - copied[1] > 0.75 * wanted, "Too narrow: how much is left out on each side?")


@exercise("20.3")
def check_holm(answer) -> None:
    """`answer(p_values)`: Holm's corrected p-values, in the order they came."""
    expect(callable(answer), "Give a function of p-values.")
    apart = np.array([0.03, 0.001, 0.2])
    found = np.asarray(answer(apart), float)
    expect(found.shape == apart.shape, "One corrected p-value for each p-value.")
    expect(
        not np.allclose(found, np.sort(holm(apart))),
        "The numbers are right and stand in another order than the questions.",
    )
    expect(not (found < apart).any(), "A correction for many questions cannot make p smaller.")
    expect(
        not np.allclose(found, np.minimum(apart * 3, 1)),
        "Every p-value pays for all questions, even after the clearest of them is answered.",
    )
    expect_close(found, holm(apart), "The smallest is to pay most, and each next one less.")
    many = np.array([0.4, 0.02, 0.021, 0.9, 0.6, 0.5])
    found = np.asarray(answer(many), float)
    expect((found <= 1).all(), "A probability above 1.")
    expect(
        found[2] >= found[1],
        "A weaker finding came out stronger than the finding before it.",
    )
    expect_close(found, holm(many), "Right for three, wrong for six.")


def _exact_p(differences: np.ndarray) -> float:
    """Every way to give the differences signs, counted: (2 ** U, U) of them."""
    count = len(differences)
    signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    sums = np.abs(signs @ differences)
    return float((sums >= abs(differences.sum()) - 1e-12).mean())
