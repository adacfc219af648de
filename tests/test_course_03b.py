"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 03b."""

import math

import numpy as np
import pandas as pd
import scipy.stats
from exercises import ExerciseBank

from recmodels.evaluation.statistics import bootstrap_interval


def ndcg(ranks, k):
    return np.where(ranks <= k, 1 / np.log2(ranks + 1), 0)


def ndcg_by_loop(ranks, k):
    values = [1 / math.log2(rank + 1) if rank <= k else 0.0 for rank in ranks.ravel()]
    return np.array(values).reshape(ranks.shape)


def ndcg_by_table(ranks, k):
    gains = np.zeros(max(k, ranks.max()) + 1, np.float32)
    gains[1 : k + 1] = np.log(2) / np.log(np.arange(2, k + 2))
    return gains[ranks]


def rank(scores, target):
    return int((scores >= scores[target]).sum())


def rank_by_loop(scores, target):
    better = 0
    for item, score in enumerate(scores):
        if item != target and score >= scores[target]:
            better += 1
    return better + 1


def half_of_the_ties(scores, target):
    return (1 + (scores > scores[target]).sum() + (scores >= scores[target]).sum()) / 2


def interval(values, generator, ends=(0.025, 0.975), draws=2000, size=None):
    drawn = generator.integers(0, len(values), (draws, size or len(values)))
    return np.quantile(values[drawn].mean(axis=1), ends)


def interval_by_loop(values, generator):
    means = sorted(float(np.mean(generator.choice(values, len(values)))) for _ in range(2000))
    return means[50], means[1949]


def interval_by_counts(values, generator):
    chances = np.full(len(values), 1 / len(values))
    counts = generator.multinomial(len(values), chances, 2000)
    return np.percentile(counts @ values / len(values), [2.5, 97.5]).tolist()


def by_scipy(method):
    def answer(values, generator):
        found = scipy.stats.bootstrap((values,), np.mean, n_resamples=2000, method=method,
                                      rng=generator)  # fmt: skip
        return found.confidence_interval

    return answer


def normal(values, generator):
    error = values.std(ddof=1) / len(values) ** 0.5
    return values.mean() - 1.96 * error, values.mean() + 1.96 * error


def normal_of_draws(values, generator):
    drawn = generator.choice(values, (2000, len(values))).mean(axis=1)
    return values.mean() + np.array([-1.96, 1.96]) * drawn.std()


def drawn_from_a_normal(values, generator):
    drawn = generator.normal(values.mean(), values.std() / len(values) ** 0.5, 2000)
    return np.quantile(drawn, [0.025, 0.975])


def without_replacement(values, generator):
    draws = np.array([generator.permutation(values) for _ in range(50)])
    return np.quantile(draws.mean(axis=1), [0.025, 0.975])


def of_the_median(values, generator):
    drawn = generator.integers(0, len(values), (500, len(values)))
    return np.quantile(np.median(values[drawn], axis=1), [0.025, 0.975])


class TestBank(ExerciseBank):
    right = {
        "03b.1": [
            ndcg,
            ndcg_by_loop,
            ndcg_by_table,
            lambda ranks, k: (ranks <= k) / np.log2(1 + ranks.astype(np.float32)),
            lambda ranks, k: ndcg(ranks, k).tolist(),
        ],
        "03b.2": [
            rank,
            rank_by_loop,
            lambda scores, target: scipy.stats.rankdata(-scores, method="max")[target],
            lambda scores, target: len(scores) - np.searchsorted(np.sort(scores), scores[target]),
            lambda scores, target: pd.Series(-scores).rank(method="max")[target],
        ],
        "03b.3": [
            interval,
            interval_by_loop,
            interval_by_counts,
            by_scipy("percentile"),
            by_scipy("basic"),
            by_scipy("BCa"),
            lambda values, generator: interval(values.astype(np.float32), generator, draws=3000),
        ],
    }  # fmt: skip
    wrong = {
        "03b.1": [
            ("do not average", lambda ranks, k: ndcg(ranks, k).mean()),
            ("that of rank + 1", lambda ranks, k: np.where(ranks <= k, 1 / np.log2(ranks), 0)),
            ("wrong base", lambda ranks, k: np.where(ranks <= k, 1 / np.log(ranks + 1), 0)),
            ("below place k", lambda ranks, k: 1 / np.log2(ranks + 1)),
            ("still on the list", lambda ranks, k: ndcg(ranks, k - 1)),
            ("no longer on the list", lambda ranks, k: ndcg(ranks, k + 1)),
            ("reciprocal rank", lambda ranks, k: np.where(ranks <= k, 1 / ranks, 0)),
            ("k = 5 only", lambda ranks, k: ndcg(ranks, 5)),
            ("only says whether", lambda ranks, k: ranks <= k),
            ("0.2 times", lambda ranks, k: ndcg(ranks, k) / k),
            ("shape of the ranks", lambda ranks, k: ndcg(ranks, k).ravel()),
        ],
        "03b.2": [
            ("not 0", lambda scores, target: rank(scores, target) - 1),
            ("highest score", lambda scores, target: int((scores <= scores[target]).sum())),
            ("count as better", lambda scores, target: 1 + int((scores > scores[target]).sum())),
            ("by their positions", lambda scores, target: (
                1 + np.argsort(-scores, kind="stable").tolist().index(target))),
            ("competes with itself", lambda scores, target: rank(scores, target) + 1),
            ("not a mean", half_of_the_ties),
            ("not a mean", lambda scores, target: int(half_of_the_ties(scores, target))),
            ("which item has a rank", lambda scores, target: np.argsort(-scores)[target]),
            ("whole number", lambda scores, target: scores >= scores[target]),
            ("must be last", lambda scores, target: rank(scores, target) if scores.any() else 1),
        ],
        "03b.3": [
            ("two numbers", lambda values, generator: values.mean()),
            ("must come first", lambda values, generator: interval(values, generator)[::-1]),
            ("how the users differ", lambda values, generator: np.quantile(values, [0.025, 0.975])),
            ("no width", without_replacement),
            ("90", lambda values, generator: interval(values, generator, (0.05, 0.95))),
            ("too narrow", lambda values, generator: interval(values, generator, (0.25, 0.75))),
            ("99", lambda values, generator: interval(values, generator, (0.005, 0.995))),
            ("too wide", lambda values, generator: interval(values, generator, size=50)),
            ("generator that is given", lambda v, g: interval(v, np.random.default_rng(0))),
            ("same generator", lambda v, g: interval(v, np.random.default_rng())),
            ("generator that is given", normal),
            ("symmetric", normal_of_draws),
            ("symmetric", drawn_from_a_normal),
            ("more often", lambda values, generator: interval(values, generator, draws=200)),
            ("outside", of_the_median),
            ("two numbers", lambda values, generator: bootstrap_interval(values)),
        ],
    }  # fmt: skip
    given_away = ("log2(", ">=", "replacement", "0.025", "97.5", "quantile")
