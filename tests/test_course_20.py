"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 20."""

import itertools

import numpy as np
import pandas as pd
import scipy.stats
from exercises import ExerciseBank

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import paired_permutation_test


def ways(differences):
    signs = itertools.product((1, -1), repeat=len(differences))
    return np.array([np.dot(row, differences) for row in signs])


def exact(a, b):
    differences = np.asarray(a) - np.asarray(b)
    return np.mean(np.abs(ways(differences)) >= abs(differences.sum()) - 1e-12)


def exact_without_tolerance(a, b):
    gap, extreme, total = abs(np.mean(a) - np.mean(b)), 0, 0
    for swaps in itertools.product([False, True], repeat=len(a)):
        left = np.where(swaps, b, a)
        right = np.where(swaps, a, b)
        extreme += abs(left.mean() - right.mean()) >= gap
        total += 1
    return extreme / total


def exact_of_means(a, b):
    signs = 1 - 2 * np.array(list(np.ndindex(*[2] * len(a))))
    means = (signs * (a - b)).mean(axis=1)
    return float(np.mean(np.abs(means) >= np.abs((a - b).mean())))


def exact_doubled(a, b):
    differences = abs((a - b).sum()) / 1.0
    return min(1.0, 2 * np.mean(ways(a - b) >= differences))


def exact_by_scipy(a, b):
    return scipy.stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    ).pvalue


def one_sided(a, b):
    return np.mean(ways(a - b) >= (a - b).sum() - 1e-12)


def strictly(a, b):
    return np.mean(np.abs(ways(a - b)) > abs((a - b).sum()) + 1e-12)


def unpaired(a, b):
    both = np.concatenate([a, b])
    groups = itertools.combinations(range(len(both)), len(a))
    gaps = [2 * both[list(group)].sum() - both.sum() for group in groups]
    return np.mean(np.abs(gaps) >= abs(a.sum() - b.sum()) - 1e-12)


def wilcoxon(a, b):
    kept = (a - b)[a != b]
    return scipy.stats.wilcoxon(kept).pvalue if len(kept) else 1.0


def sign_test(a, b):
    return exact(np.sign(a - b), np.zeros(len(a)))


def t_test(a, b):
    return scipy.stats.ttest_rel(a, b).pvalue if (a != b).any() else 1.0


def drawn(a, b):
    signs = np.random.default_rng(0).choice([-1, 1], (999, len(a)))
    sums = np.abs(signs @ (a - b))
    return (1 + (sums >= abs((a - b).sum())).sum()) / 1000


def row(ranks, generator, ends=(0.025, 0.975), k=10, draws=2000):
    values = ndcg(ranks, k).mean(axis=1)
    drawn = generator.choice(values, (draws, len(values))).mean(axis=1)
    return values.mean(), *np.quantile(drawn, ends)


def row_by_loop(ranks, generator):
    values = [np.mean([1 / np.log2(r + 1) if r <= 10 else 0.0 for r in own]) for own in ranks]
    users = np.array(values)
    means = []
    for _ in range(1000):
        means.append(users[generator.integers(len(users), size=len(users))].mean())
    return [users.mean(), *np.percentile(means, [2.5, 97.5])]


def row_of_tables(ranks, generator):
    table = pd.DataFrame(np.where(ranks <= 10, 1 / np.log2(ranks + 1.0), 0))
    drawn = generator.integers(0, len(table), (1500, len(table)))
    means = table.to_numpy()[drawn].mean(axis=(1, 2))
    return pd.Series([table.to_numpy().mean(), *np.quantile(means, [0.025, 0.975])])


def row_by_scipy(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    found = scipy.stats.bootstrap((values,), np.mean, method="percentile", rng=generator)
    return np.array([values.mean(), *found.confidence_interval])


def normal(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    error = values.std(ddof=1) / len(values) ** 0.5
    return values.mean(), values.mean() - 1.96 * error, values.mean() + 1.96 * error


def normal_of_draws(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    error = generator.choice(values, (2000, len(values))).mean(axis=1).std()
    return values.mean(), values.mean() - 1.96 * error, values.mean() + 1.96 * error


def pooled(ranks, generator):
    return row(ranks.reshape(-1, 1), generator)


def of_users(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=1)
    return values.mean(), *(values.mean() + np.array([-1.96, 1.96]) * values.std())


def of_seeds(ranks, generator):
    values = ndcg(ranks, 10).mean(axis=0)
    drawn = generator.choice(values, (2000, len(values))).mean(axis=1)
    return values.mean(), *np.quantile(drawn, [0.025, 0.975])


def holm(p):
    p = np.asarray(p)
    order, corrected = np.argsort(p), np.empty(len(p))
    stepped = p[order] * np.arange(len(p), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected


def holm_by_loop(p_values):
    found, highest = [None] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, float(p_values[place]) * (len(p_values) - step)))
        found[place] = highest
    return found


def holm_by_pandas(p_values):
    ordered = pd.Series(p_values).sort_values()
    return (ordered * np.arange(len(ordered), 0, -1)).cummax().clip(upper=1).sort_index()


def holm_by_pairs(p_values):
    p = np.asarray(p_values)
    left = (p >= p[:, None]).sum(axis=1)
    return [min(1.0, max(p[p <= one] * left[p <= one])) for one in p]


def not_capped(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1))
    return corrected


def not_rising(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    corrected[order] = np.minimum(np.asarray(p)[order] * np.arange(len(p), 0, -1), 1)
    return corrected


def benjamini_hochberg(p):
    return scipy.stats.false_discovery_control(p)


class TestBank(ExerciseBank):
    right = {
        "20.1": [exact, exact_without_tolerance, exact_of_means, exact_doubled, exact_by_scipy],
        "20.2": [row, row_by_loop, row_of_tables, row_by_scipy],
        "20.3": [holm, holm_by_loop, holm_by_pandas, holm_by_pairs],
    }
    wrong = {
        "20.1": [
            ("one side only", one_sided),
            ("cannot be 0", strictly),
            ("different users", unpaired),
            ("different users", lambda a, b: scipy.stats.mannwhitneyu(a, b).pvalue),
            ("sign test", sign_test),
            ("Wilcoxon", wilcoxon),
            ("t-test", t_test),
            ("not by drawing", drawn),
            ("not by drawing", paired_permutation_test),
            ("number of ways", lambda a, b: 2 if (a > b).all() else exact(a, b)),
            ("1 minus", lambda a, b: 1 - exact(a, b)),
            ("both signs", lambda a, b: exact(np.abs(a - b), np.zeros(len(a)))),
            ("Ways exactly as far", lambda a, b: strictly(a, b) or exact(a, b)),
        ],
        "20.2": [
            ("Five copies", pooled),
            ("how the users differ", of_users),
            ("measure every rank", lambda ranks, g: row(ranks.mean(axis=1, keepdims=True), g)),
            ("too narrow", lambda ranks, g: row(ranks, g, (0.25, 0.75))),
            ("too narrow", lambda ranks, g: row(ranks, g, (0.05, 0.95))),
            ("too wide", lambda ranks, g: row(ranks, g, (0.005, 0.995))),
            ("generator that is given", normal),
            ("symmetric", normal_of_draws),
            ("generator that is given", lambda ranks, g: row(ranks, np.random.default_rng(0))),
            ("first seed", lambda ranks, g: row(ranks[:, :1], g)),
            ("hit rate", lambda ranks, g: ((ranks <= 10).mean(), *row(ranks, g)[1:])),
            ("reciprocal rank", lambda ranks, g: ((1 / ranks).mean(), *row(ranks, g)[1:])),
            ("another cut-off", lambda ranks, g: row(ranks, g, k=5)),
            ("three numbers", lambda ranks, g: row(ranks, g)[1:]),
            ("Five copies", of_seeds),
        ],
        "20.3": [
            ("Bonferroni", lambda p: np.minimum(np.asarray(p) * len(p), 1)),
            ("in sorted order", lambda p: holm(np.sort(p))),
            ("at most 1", not_capped),
            ("below a smaller one", not_rising),
            ("are divided", lambda p: np.asarray(p) / len(p)),
            ("Benjamini", benjamini_hochberg),
            ("unchanged", lambda p: p),
            ("place in the input", lambda p: np.minimum(p * np.arange(len(p), 0, -1), 1)),
            ("one corrected p-value", lambda p: holm(p).min()),
            ("which are significant", lambda p: holm(p) < 0.05),
            ("single p-value", lambda p: holm(p) if len(p) > 1 else np.ones(1)),
        ],
    }
    given_away = ("accumulate", "axis", "np.")
