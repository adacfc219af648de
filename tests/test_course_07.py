"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks


def softplus(x):
    return np.logaddexp(0.0, x)


def bce(positive, negatives):
    return softplus(-positive) + softplus(negatives).mean(axis=1)


def naive(positive, negatives):
    chance = 1 / (1 + np.exp(-positive))
    refused = np.log(1 - 1 / (1 + np.exp(-negatives))).mean(axis=1)
    return -np.log(chance) - refused


def clipped(positive, negatives):
    return bce(np.clip(positive, -50, 50), np.clip(negatives, -50, 50))


def sampled(positive, negatives, log_counts, hit):
    negatives = np.where(hit, -1e9, negatives - log_counts)
    scores = np.concatenate([positive[:, None], negatives], axis=1)
    peak = scores.max(axis=1)
    return peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1)) - positive


def overflowing(positive, negatives, log_counts, hit):
    others = np.where(hit, 0, np.exp(negatives - log_counts)).sum(axis=1)
    return np.log(np.exp(positive) + others) - positive


def without_target(positive, negatives, log_counts, hit):
    return np.log(np.where(hit, 0, np.exp(negatives - log_counts)).sum(axis=1)) - positive


def optimum(p, q):
    return np.log(p / (q * (1 - p)))


RIGHT = {"07.1": bce, "07.2": sampled, "07.3": optimum}
WRONG = {
    "07.1": (
        lambda positive, negatives: bce(positive, negatives).mean(),
        lambda positive, negatives: bce(-positive, -negatives),
        lambda positive, negatives: softplus(-positive),
        lambda positive, negatives: -bce(positive, negatives),
        lambda positive, negatives: positive - negatives.mean(axis=1),
        lambda positive, negatives: softplus(-positive) + softplus(negatives).sum(axis=1),
        naive,
        clipped,
    ),
    "07.2": (
        lambda p, n, c, h: sampled(p, n, c, h).mean(),
        without_target,
        lambda p, n, c, h: bce(p, n),
        lambda p, n, c, h: sampled(p, n, 0 * c, h),
        lambda p, n, c, h: sampled(p, n, -c, h),
        lambda p, n, c, h: sampled(p, n, 2 * c, h),
        lambda p, n, c, h: sampled(p, n, c, 0 * h > 0),
        overflowing,
    ),
    "07.3": (
        lambda p, q: p.sum(),
        lambda p, q: p / (p + q * (1 - p)),
        lambda p, q: -optimum(p, q),
        lambda p, q: np.log(p),
        lambda p, q: np.log(p / q),
        lambda p, q: np.log(p / (1 - p)),
        lambda p, q: p,
        lambda p, q: optimum(p, 0.2),
    ),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("np.", "log(", "exp(", "softplus", "logaddexp", "maximum", "1 - p", "subtract")
