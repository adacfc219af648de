"""Measure the calibration of probabilities, and correct it with validation cases."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from recmodels.data.errors import require
from recmodels.evaluation.statistics import Interval
from recmodels.models.event_forecast import LogNormalMixture

BINS = 15  # As in Guo et al., "On calibration of modern neural networks", ICML 2017.
DECISION_WEIGHTS = 2.0 ** np.arange(0, 5.25, 0.25)  # Of a class against the most frequent one.
SMALLEST = 1e-15  # A probability of 0 is taken for this in logarithms.


def binned_error(confidence, hits, weights=None, bins: int = BINS) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over bins.

        ECE = sum over bins of  share of the cases in it * |accuracy - mean confidence|

    Args:
        confidence: probability of the most probable class, (N,).
        hits: whether that class was the true one, (N,).
        weights: of the cases, (N,); by default 1 each.
        bins: how many bins of equal width lie between 0 and 1.

    Example:
        >>> binned_error([0.9, 0.9, 0.6], [1, 0, 1])   # 2/3 * |0.5 - 0.9| + 1/3 * |1 - 0.6|
        0.4
    """
    confidence = np.asarray(confidence, np.float64)
    weights = np.ones(len(confidence)) if weights is None else weights
    missed = weights * (np.asarray(hits, np.float64) - confidence)
    # A bin's share times its distance is the sum of its differences over the sum of all weights.
    return float(np.abs(np.bincount(_bin_of(confidence, bins), missed)).sum() / weights.sum())


def reliability(probabilities: np.ndarray, targets: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Accuracy by confidence in the most probable class; see `plots.reliability_diagram`.

    Args:
        probabilities: (N, A), rows sum to 1.
        targets: the class that came, integers (N,); a number outside 0..A - 1 is never a hit.
        bins: how many bins of equal width lie between 0 and 1.

    Returns:
        One row per bin with cases: `cases`, `confidence` and `accuracy`.
    """
    confidence, hits = _top(probabilities, targets)
    table = pd.DataFrame({"bin": _bin_of(confidence, bins), "c": confidence, "h": hits})
    return table.groupby("bin").agg(
        cases=("c", "size"), confidence=("c", "mean"), accuracy=("h", "mean")
    )


def calibrated_range(
    probabilities: np.ndarray,
    bins: int = BINS,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """The ECE that a perfectly calibrated model with these probabilities has by chance.

    Labels are drawn from the probabilities themselves, so that all of the error is due to chance:
    it becomes smaller with more cases, but is never 0.

    Args:
        probabilities: of a model, (N, A).
        bins: of the ECE.
        level: share of the draws that the range covers; its lower end is 0.
        resamples: how often labels are drawn.
        seed: of the draws.

    Returns:
        The mean of the draws, 0, and the quantile `level` of the draws.
    """
    require(0 < level < 1, "`level` must lie between 0 and 1", level=level)
    confidence = np.asarray(probabilities, np.float64).max(axis=1)
    draws = np.random.default_rng(seed).random((resamples, len(confidence)))
    errors = [binned_error(confidence, draw < confidence, bins=bins) for draw in draws]
    return Interval(float(np.mean(errors)), 0.0, float(np.quantile(errors, level)))


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities raised to 1 / temperature and normalised: above 1 they become more even."""
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that minimises the log-loss on validation cases, between 0.1 and 10.

    Args:
        probabilities: of validation cases, (N, A).
        targets: the class of each, integers in 0..A - 1, (N,); others are left out.

    Raises:
        ValueError: no case has a known class.
    """
    known = (targets >= 0) & (targets < probabilities.shape[1])
    require(known.any(), "`targets` must hold a class that the model knows", cases=len(targets))
    probabilities, targets = probabilities[known], targets[known]
    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        tempered = temper(probabilities, np.exp(log_temperature))
        return -np.log(np.maximum(tempered[rows, targets], SMALLEST)).mean()

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(found.x))


def fit_time_width(gap: LogNormalMixture, seconds: np.ndarray, level: float = 0.9) -> float:
    """The factor of all scales with which central intervals cover `level` of validation cases.

    Args:
        gap: forecasts of validation cases, (N,).
        seconds: the gap of each, (N,); missing and negative ones are left out.
        level: of the central intervals, such as 0.9 for those from the quantile 0.05 to 0.95.

    Returns:
        A number between 0.1 and 10.

    Raises:
        ValueError: no case has a gap, or `level` is not between 0 and 1.

    Example: for one component with mean 0 and scale 1 and gaps whose log(1 + seconds) is 4 times
    as spread as the component says, intervals of 90 % cover 90 % once scales are multiplied by 4.
    """
    require(0 < level < 1, "`level` must lie between 0 and 1", level=level)
    there = np.asarray(seconds) >= 0
    require(there.any(), "`seconds` must hold a gap of 0 or more", cases=len(there))
    fields = (gap.weights, gap.means, gap.scales)
    gap, seconds = LogNormalMixture(*(each[there] for each in fields)), seconds[there]

    def excess(log_width: float) -> float:
        # By the distribution function, which needs no search for quantiles.
        shares = replace(gap, scales=gap.scales * np.exp(log_width)).cdf(seconds)
        return (np.abs(shares - 0.5) <= level / 2).mean() - level

    low, high = np.log(0.1), np.log(10)
    if excess(low) >= 0 or excess(high) <= 0:  # Even the most extreme width does not suffice.
        return float(np.exp(low if excess(low) >= 0 else high))
    return float(np.exp(brentq(excess, low, high, xtol=1e-3)))


def decide(probabilities: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The class with the largest weighted probability, integers (N,).

    The weights change the decision alone: the probabilities stay what they are.
    """
    weighted = probabilities if weights is None else probabilities * np.asarray(weights)
    return weighted.argmax(axis=1)


def choose_decision_weights(probabilities: np.ndarray) -> np.ndarray:
    """The weights of the decision with the highest expected macro-F1 on validation cases, (A,).

    The expectation is over classes drawn from the probabilities themselves, which must be
    calibrated. It has less noise than the macro-F1 of the few rare classes that came: weights that
    maximise that fit their chance. Weights are changed one after the other until none improves.

    Args:
        probabilities: calibrated, of validation cases, (N, A).

    Returns:
        Weights for `decide`; the smallest is 1.

    Example: a rare class whose probability is 0.3 at most is predicted only with a weight above
    0.7 / 0.3.
    """
    size = probabilities.shape[1]
    first = probabilities.sum(axis=0).argmax()
    weights, best = np.ones(size), -1.0
    while True:
        before = best
        for place in (p for p in range(size) if p != first):
            for weight in DECISION_WEIGHTS:
                tried = weights.copy()
                tried[place] = weight
                score = _expected_macro_f1(probabilities, decide(probabilities, tried))
                if score > best + 1e-9:
                    best, weights = score, tried
        if best == before:
            return weights / weights.min()


def _expected_macro_f1(probabilities: np.ndarray, predicted: np.ndarray) -> float:
    """Macro-F1 of the confusion matrix that is expected if the probabilities are right."""
    size = probabilities.shape[1]
    matrix = np.zeros((size + 1, size))
    for place in range(size):
        matrix[:size, place] = probabilities[predicted == place].sum(axis=0)
    return macro_f1(matrix)


def confusion(
    targets: np.ndarray, predicted: np.ndarray, size: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Count the cases by true class (rows) and predicted class, float64 (A + 1, A).

    Args:
        targets: integers (N,); A is a class that training never saw, and negative ones
            are left out.
        predicted: integers in 0..A - 1, (N,).
        size: A.
        weights: of the cases, (N,); by default 1 each.

    Example:
        >>> confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 2)
        array([[1., 1.], [0., 1.], [0., 1.]])
    """
    there = targets >= 0
    cells = targets[there] * size + predicted[there]
    counted = None if weights is None else weights[there]
    return np.bincount(cells, counted, (size + 1) * size).reshape(size + 1, size).astype(float)


def precision_recall_f1(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class, (A,) each; 0 where nothing was predicted or came.

    Args:
        matrix: from `confusion`.
    """
    right = np.diagonal(matrix)
    predicted, came = matrix.sum(axis=0), matrix[:-1].sum(axis=1)
    of = [np.divide(a, b, out=np.zeros_like(right), where=b > 0) for a, b in (
        (right, predicted), (right, came), (2 * right, predicted + came)
    )]  # fmt: skip
    return tuple(of)


def macro_f1(matrix: np.ndarray) -> float:
    """Return the mean F1 over the classes that occurred or were predicted; see `confusion`."""
    there = matrix.sum(axis=0) + matrix[:-1].sum(axis=1) > 0
    return float(precision_recall_f1(matrix)[2][there].mean()) if there.any() else 0.0


def _bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _top(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    best = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(best)), best], best == np.asarray(targets)
