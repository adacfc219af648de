"""Statistical uncertainty: intervals, paired tests, and corrections for multiple comparisons.

Everything takes one value per user, averaged over seeds first: users are the sample, and two models
are compared on the same users.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from recmodels.data.errors import require


class Interval(NamedTuple):
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float


def bootstrap_interval(
    per_user_values: np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Compute a percentile bootstrap interval of a mean over users.

    It says how the mean varies between samples of users, not between seeds: see `seed_std`.

    Args:
        per_user_values: one value per user, averaged over seeds, (U,).
        level: probability that the interval covers the true mean.
        resamples: how often the users are drawn anew, with replacement.
        seed: of the draws.

    Raises:
        ValueError: fewer than two users, a value that is not finite, or a second axis.

    Example:
        >>> bootstrap_interval(ndcg(load_ranks(path), 10).mean(axis=1))
        Interval(mean=0.182, low=0.175, high=0.189)
    """
    values = _per_user(per_user_values, "per_user_values")
    require(0 < level < 1, "`level` must lie between 0 and 1", level=level)
    result = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // len(values)),  # About 16 MB of draws at a time.
        confidence_level=level,
        method="percentile",
        rng=seed,
    )
    low, high = result.confidence_interval
    return Interval(float(values.mean()), float(low), float(high))


def seed_std(values: np.ndarray) -> float | None:
    """Standard deviation over seeds of the mean over users.

    Args:
        values: one value per user and seed, (U, seeds).

    Returns:
        The sample standard deviation (divided by seeds - 1); None for a single seed, of which
        the spread is not known.
    """
    values = np.asarray(values, np.float64)
    require(values.ndim == 2, "`values` must be (users, seeds)", shape=values.shape)
    return float(values.mean(axis=0).std(ddof=1)) if values.shape[1] > 1 else None


def paired_permutation_test(
    a: np.ndarray, b: np.ndarray, resamples: int = 9999, seed: int = 0
) -> float:
    """Return the two-sided p-value of a paired permutation test, by random sign flips.

    If the models were equal, each user's difference could as well have had the other sign.

    Args:
        a, b: one value per user of two models, averaged over seeds, the same users in the same
            order, (U,).
        resamples: how often the signs are drawn.
        seed: of the draws.

    Returns:
        (1 + draws whose mean is at least as far from 0) / (1 + draws), never 0; 1.0 where no
        user differs.
    """
    a, b = _per_user(a, "a"), _per_user(b, "b")
    must = "`a` and `b` must hold the same users in the same order"
    require(a.shape == b.shape, must, users=[len(a), len(b)])
    differences = (a - b)[a != b]  # A sign changes nothing about a zero.
    extreme = abs(differences.sum()) - 1e-9 * np.abs(differences).sum()  # Rounding makes no tie.
    generator = np.random.default_rng(seed)
    batch = max(1, 2_000_000 // max(1, len(differences)))
    as_extreme = 0
    for start in range(0, resamples, batch):
        shape = (min(batch, resamples - start), -(-len(differences) // 8))
        drawn = generator.integers(0, 256, shape, np.uint8)  # One bit per user.
        signs = np.unpackbits(drawn, axis=1, count=len(differences))
        flipped = signs.astype(np.float64) @ differences
        as_extreme += int((np.abs(differences.sum() - 2 * flipped) >= extreme).sum())
    return (1 + as_extreme) / (1 + resamples)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Correct p-values for multiple comparisons, by Holm's step-down method (1979).

    The smallest of m is multiplied by m, the next by m - 1 and so on, none may fall below an
    earlier one, and none exceeds 1. The chance of a single false claim stays below the level.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, np.float64)
    inside = (p_values >= 0) & (p_values <= 1)
    require(inside.all(), "`p_values` must lie between 0 and 1", p_values=p_values.tolist())
    order = np.argsort(p_values)
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected


def compare(
    per_user: pd.DataFrame, baseline: str, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Compare each model with one baseline on the same users.

    Args:
        per_user: one row per user, one column per model, values averaged over seeds.
        baseline: the column that the others are compared with.
        level: of the intervals.
        seed: of the bootstrap and the test.

    Returns:
        One row per model, in the order of the columns: `mean`; `difference` from the baseline with
        its bootstrap interval `low`, `high`; `p` of the paired permutation test; and `p_holm`,
        which is corrected for the number of models compared.

    Example:
        >>> compare(pd.DataFrame({"popularity": a, "sasrec": b}), baseline="popularity")
    """
    columns = list(per_user.columns)
    must = "`baseline` must be one of two or more columns of `per_user`"
    require(baseline in columns and len(columns) > 1, must, baseline=baseline, columns=columns)
    reference = per_user[baseline].to_numpy()
    rows = {}
    for model in per_user.columns.drop(baseline):
        values = per_user[model].to_numpy()
        difference = bootstrap_interval(values - reference, level, seed=seed)
        p = paired_permutation_test(values, reference, seed=seed)
        rows[model] = [values.mean(), *difference, p]
    columns = ["mean", "difference", "low", "high", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index.name = "model"
    return table.assign(p_holm=holm(table["p"]))


def _per_user(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, np.float64)
    must = f"`{name}` must hold one value per user for at least two users; average over seeds first"
    require(values.ndim == 1 and len(values) > 1, must, shape=values.shape)
    bad = int((~np.isfinite(values)).sum())
    require(not bad, f"`{name}` must be finite", number_of_others=bad)
    return values
