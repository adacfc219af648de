"""Check bootstrap intervals, which differ between random draws."""

from collections.abc import Callable

import numpy as np
import scipy.stats

from recmodels.course.checking import expect
from recmodels.evaluation.statistics import bootstrap_interval

SEEDS = range(8)


def expect_interval(ends: Callable, values: np.ndarray, draws: int) -> None:
    """Raise `NotYet` unless an answer makes 95 % bootstrap intervals of a mean with a generator.

    Args:
        ends: a seed to the two ends that an answer makes with a generator of that seed, (2,).
        values: one value for each user, (U,), skewed enough that a normal distribution is wrong.
        draws: how often the users must be drawn at least.
    """
    returned = np.array([ends(seed) for seed in SEEDS])  # (seeds, 2)
    low, high = returned.mean(axis=0)
    expect(np.isfinite(returned).all(), "An end is NaN or infinite.")
    expect(low <= high, "The lower end must come first.")
    error = values.std() / len(values) ** 0.5
    right = bootstrap_interval(values, resamples=10_000)
    width = (high - low) / (right.high - right.low)
    expect(
        width > 0.05,
        "The interval has no width: if each draw holds the same users, its mean is always the same."
        " A user may be drawn more than once.",
    )
    expect(low < values.mean() < high, "The mean of the users lies outside the interval.")
    expect(
        width < 0.4 * len(values) ** 0.5,
        "This is how the users differ; the interval is about their mean, which moves far less.",
    )
    level = 2 * scipy.stats.norm.cdf(width * scipy.stats.norm.ppf(0.975)) - 1
    expect(
        0.96 < width < 1.04,
        f"The interval is too {'narrow' if width < 1 else 'wide'}: it covers about {level:.1%} "
        "instead of 95 %. Check how much is left out on each side, and that each draw holds as "
        "many users as there are.",
    )
    shift = max(abs(low - right.low), abs(high - right.high)) / error
    expect(shift < 0.4, "The interval has the right width but lies in the wrong place.")
    again = ends(SEEDS[0])
    expect(np.allclose(again, returned[0]), "The same generator must give the same interval.")
    _expect_draws(returned, values.mean(), error, draws)


def _expect_draws(returned: np.ndarray, mean: float, error: float, draws: int) -> None:
    """Raise `NotYet` unless intervals of several generators, (seeds, 2), differ as they should."""
    noise = returned.std(axis=0).mean() / error
    expect(
        noise > 1e-6,
        "Generators with different seeds give exactly the same interval: draw the users with the "
        "generator that is given.",
    )
    # The deviation of an end, in standard errors of the mean, is about 2.67 / sqrt(draws).
    expect(
        noise < 2.67 / (draws / 4) ** 0.5,
        "The ends move too much from one generator to another: draw the users more often.",
    )
    expect(
        abs(returned.mean() - mean) > 0.05 * error,
        "The interval is symmetric around the mean, as if the mean had a normal distribution. The "
        "values are skewed: read the ends from the means of the draws.",
    )
