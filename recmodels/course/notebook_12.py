"""Checks of the exercises in notebook 12."""

import numpy as np
from scipy.special import ndtr

from recmodels.course.checking import call, exercise, expect_close, expect_unchanged, numbers


@exercise("12.1", "the types, the users and the number of types")
def check_transitions(answer) -> None:
    """How often each type follows each, as probabilities."""
    types = np.array([0, 0, 1, 2, 0, 2, 2, 0, 1, 1, 0])
    users = np.array([7, 7, 7, 7, 3, 3, 3, 5, 5, 5, 5])
    counts = _pairs(types, users)
    reason = "Return one row for each type before and one column for each type after."
    returned = numbers(call(answer, types, users, 3), (3, 3), reason)
    expect_unchanged(answer, types, users, 3)
    crossing, crossed = _pairs(types, np.zeros(11)), _rows(_pairs(types, np.zeros(11)))
    mistakes = {
        "The last event of one user is followed by the first of another: such pairs say nothing "
        "about anyone.": (crossed, crossing / crossing.sum(axis=1, keepdims=True)),
        "These are counts. Divide each row by its sum.": (counts, counts + 1),
        "The whole table sums to one. It must be each row: which types follow this one.": (
            (counts + 1) / (counts + 1).sum(),
            counts / counts.sum(),
        ),
        "Columns sum to one. A row must: it belongs to the type that came before.": (
            _rows(counts.T).T,
            (counts + 1) / (counts + 1).sum(axis=0),
        ),
        "Rows belong to the type that follows: rows and columns have changed places.": _rows(
            counts.T
        ),
        "It is right without smoothing. Add one to every count first.": counts
        / counts.sum(axis=1, keepdims=True),
    }
    expect_close(returned, _rows(counts), "It is wrong on three users and three types.", mistakes)
    reason = "Three types are right. A fourth, which nobody shows, needs a row and a column too."
    returned = numbers(call(answer, types, users, 4), (4, 4), reason)
    expect_close(returned, _rows(_pairs(types, users, 4)), reason)


def _pairs(types, users, size: int = 3) -> np.ndarray:
    counts, same = np.zeros((size, size)), users[1:] == users[:-1]
    np.add.at(counts, (types[:-1][same], types[1:][same]), 1)
    return counts


def _rows(counts) -> np.ndarray:
    return (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)


@exercise("12.2", "the probabilities, the types that came and the number of bins")
def check_calibration_error(answer) -> None:
    """The expected calibration error of the most probable type."""
    rng = np.random.default_rng(122)
    logits = 2 * rng.normal(size=(400, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    best, top = probabilities.max(axis=1), probabilities.argmax(axis=1)
    # Too modest and too sure by turns, so that errors of wide bins and of all cases cancel.
    likely = np.where((best * 10).astype(int) % 2, 0.95, 0.3)
    targets = np.where(rng.random(400) < likely, top, (top + 1) % 3)
    hits = (top == targets).astype(float)
    distance, share = _bins(best, hits, 5)
    own = probabilities[np.arange(400), targets]
    signed, _ = _bins(best, hits, 5, signed=True)
    returned = numbers(call(answer, probabilities, targets, 5), (), "Return one number.")
    expect_unchanged(answer, probabilities, targets, 5)
    quantiles = np.argsort(np.argsort(best)) * 5 // 400
    equal = [abs(hits[quantiles == b].mean() - best[quantiles == b].mean()) for b in range(5)]
    mistakes = {
        "Every bin counts alike. Weight each by its share of the cases.": distance.mean(),
        "Differences of opposite sign cancel: bin the cases, take each distance.": (
            (signed * share).sum(),
            -(signed * share).sum(),
            abs((signed * share).sum()),
        ),
        "This is the largest distance of a bin, not the mean.": distance.max(),
        "These are the probabilities of the types that came. Confidence is that of the most "
        "probable type, whether it came or not.": _error(own, hits, 5),
        "These bins have equal numbers of cases; ours have equal widths.": np.mean(equal),
        "The distances are squared.": (distance**2 * share).sum(),
        "The confidence is compared with 1, not with how often the type came.": ((1 - best).mean()),
    }
    reason = "It is wrong for 400 forecasts of three types in five bins."
    expect_close(returned, _error(best, hits, 5), reason, mistakes)
    sure = np.array([[1.0, 0.0], [1.0, 0.0], [0.6, 0.4]])
    reason = "It is right except where a probability is exactly 1: it belongs to the last bin."
    returned = call(answer, sure, np.array([0, 1, 0]), 10)
    expect_close(returned, (2 * 0.5 + 0.4) / 3, reason)
    reason = "Five bins are right, ten are not."
    expect_close(call(answer, probabilities, targets, 10), _error(best, hits, 10), reason)


def _bins(confidence, hits, bins: int, signed: bool = False):
    """Distance of accuracy and confidence, and share of the cases, of each bin with cases."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    groups = [places == b for b in np.unique(places)]
    differences = np.array([hits[g].mean() - confidence[g].mean() for g in groups])
    shares = np.array([g.mean() for g in groups])
    return (differences if signed else np.abs(differences)), shares


def _error(confidence, hits, bins: int) -> float:
    distance, share = _bins(confidence, hits, bins)
    return float((distance * share).sum())


@exercise("12.3", "weights, means and scales of a mixture, the wait and the time to come")
def check_wait(answer) -> None:
    """The probability that the next event comes soon, for a user who has waited."""
    mixture = np.array([0.6, 0.4]), np.array([3.0, 8.0]), np.array([0.8, 1.5])

    def cdf(seconds, log=np.log1p):
        return (mixture[0] * ndtr((log(seconds) - mixture[1]) / mixture[2])).sum()

    waited, soon = 60.0, 600.0
    whole, before = cdf(waited + soon), cdf(waited)
    right = (whole - before) / (1 - before)
    reason = "Return one probability."
    returned = numbers(call(answer, *mixture, waited, soon), (), reason)
    expect_unchanged(answer, *mixture, waited, soon)
    plain = [cdf(seconds, np.log) for seconds in (waited, waited + soon)]
    mistakes = {
        "This forgets the wait: it is the answer for a user whose last event was just now.": cdf(
            soon
        ),
        "This counts from the last event: it includes gaps that the user has already outlasted.": (
            whole
        ),
        "This is the probability of a gap between the two times among all users. Divide by the "
        "share of those who wait as long.": whole - before,
        "Divide by the share of the users who have waited, not by that of those who have not.": (
            (whole - before) / before
        ),
        "This is the probability that the event comes later.": (
            1 - right,
            (1 - whole) / (1 - before),
        ),
        "The mixture is of log(1 + seconds), not of log(seconds).": (
            (plain[1] - plain[0]) / (1 - plain[0])
        ),
        "The components count alike: use the weights.": _unweighted(mixture, waited, soon),
        "The time to come was not added to the wait.": (cdf(soon) - before) / (1 - before),
    }
    expect_close(returned, right, "It is wrong for a mixture of two components.", mistakes, 1e-7)
    reason = "It is right after a wait, and wrong for a user who has not waited at all."
    expect_close(call(answer, *mixture, 0.0, soon), (cdf(soon) - cdf(0)) / (1 - cdf(0)), reason)


def _unweighted(mixture, waited: float, soon: float) -> float:
    parts = [ndtr((np.log1p(s) - mixture[1]) / mixture[2]).mean() for s in (waited, waited + soon)]
    return (parts[1] - parts[0]) / (1 - parts[0])
