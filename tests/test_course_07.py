"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 07."""

import math

import keras
import numpy as np
from exercises import ExerciseBank


def softplus(x):
    return np.logaddexp(0.0, x)


def bce(positive, negatives):
    return softplus(-positive) + softplus(negatives).mean(axis=1)


def bce_by_loop(positive, negatives):
    losses = []
    for p, row in zip(positive, negatives, strict=True):
        terms = [max(n, 0.0) + math.log1p(math.exp(-abs(n))) for n in row]
        losses.append(max(-p, 0.0) + math.log1p(math.exp(-abs(p))) + sum(terms) / len(terms))
    return losses


def bce_by_keras(positive, negatives):
    p, n = (keras.ops.convert_to_tensor(x, "float32") for x in (positive, negatives))
    return keras.ops.softplus(-p) + keras.ops.mean(keras.ops.softplus(n), axis=1)


def naive(positive, negatives):
    chance = 1 / (1 + np.exp(-positive))
    return -np.log(chance) - np.log(1 - 1 / (1 + np.exp(-negatives))).mean(axis=1)


def with_epsilon(positive, negatives):
    chance = 1 / (1 + np.exp(-positive))
    refused = np.log(1 - 1 / (1 + np.exp(-negatives)) + 1e-9).mean(axis=1)
    return -np.log(chance + 1e-9) - refused


def clipped(positive, negatives):
    return bce(np.clip(positive, -50, 50), np.clip(negatives, -50, 50))


def sampled(positive, negatives, log_counts, hit):
    negatives = np.where(hit, -1e9, negatives - log_counts)
    scores = np.concatenate([positive[:, None], negatives], axis=1)
    peak = scores.max(axis=1)
    return peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1)) - positive


def sampled_by_loop(positive, negatives, log_counts, hit):
    losses = []
    for p, row, counts, same in zip(positive, negatives, log_counts, hit, strict=True):
        gaps = [n - c - p for n, c, h in zip(row, counts, same, strict=True) if not h]
        losses.append(math.log1p(sum(math.exp(gap) for gap in gaps)))
    return np.array(losses, np.float32)


def sampled_by_gaps(positive, negatives, log_counts, hit):
    gaps = negatives - log_counts - positive[:, None]
    return np.log1p(np.sum(np.exp(gaps), axis=1, where=~hit))


def sampled_by_keras(positive, negatives, log_counts, hit):
    logits = np.hstack([positive[:, None], np.where(hit, -1e30, negatives - log_counts)])
    targets = np.zeros(len(positive), int)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    return loss(targets, logits)


def overflowing(positive, negatives, log_counts, hit):
    others = np.where(hit, 0, np.exp(negatives - log_counts)).sum(axis=1)
    return np.log(np.exp(positive) + others) - positive


def without_target(positive, negatives, log_counts, hit):
    return np.log(np.where(hit, 0, np.exp(negatives - log_counts)).sum(axis=1)) - positive


def all_corrected(positive, negatives, log_counts, hit):
    return sampled(positive - log_counts.mean(axis=1), negatives, log_counts, hit)


def averaged(positive, negatives, log_counts, hit):
    return sampled(positive, negatives, log_counts + np.log(negatives.shape[1]), hit)


def hits_at_zero(positive, negatives, log_counts, hit):
    return sampled(positive, np.where(hit, log_counts, negatives), log_counts, hit & ~hit)


def hits_of_columns(positive, negatives, log_counts, hit):
    return sampled(positive, negatives, log_counts, np.ones_like(hit) & hit.any(axis=0))


def optimum(p, q):
    return np.log(p / (q * (1 - p)))


def optimum_by_search(p, q):
    scores = np.zeros(len(p))
    for _ in range(200):
        stated = 1 / (1 + np.exp(-scores))
        slope = q * (1 - p) * stated - p * (1 - stated)
        scores -= slope / ((p + q * (1 - p)) * stated * (1 - stated))
    return scores


def optimum_by_share(p, q):
    stated = p / (p + q * (1 - p))
    return np.log(stated) - np.log(1 - stated)


class TestBank(ExerciseBank):
    right = {
        "07.1": [bce, bce_by_loop, bce_by_keras,
                 lambda p, n: -np.log(1 / 2 + np.tanh(p / 2) / 2) + softplus(n).mean(axis=1)
                 if abs(p).max() < 30 else bce(p, n)],
        "07.2": [sampled, sampled_by_loop, sampled_by_gaps, sampled_by_keras],
        "07.3": [
            optimum,
            optimum_by_share,
            optimum_by_search,
            lambda p, q: np.log(p) - np.log(q) - np.log1p(-p),
            lambda p, q: [math.log(a / (b * (1 - a))) for a, b in zip(p, q, strict=True)],
        ],
    }  # fmt: skip
    wrong = {
        "07.1": [
            ("one loss for each", lambda p, n: bce(p, n).mean()),
            ("changed places", lambda p, n: bce(-p, -n)),
            ("negatives make no difference", lambda p, n: softplus(-p)),
            ("positive makes no difference", lambda p, n: softplus(n).mean(axis=1)),
            ("sign is wrong", lambda p, n: -bce(p, n)),
            ("one negative the numbers differ", lambda p, n: p - n.mean(axis=1)),
            ("take their mean", lambda p, n: softplus(-p) + softplus(n).sum(axis=1)),
            ("no finite loss", naive),
            ("cutting them off", clipped),
            ("cutting them off", with_epsilon),
            ("BPR", lambda p, n: softplus(n - p[:, None]).mean(axis=1)),
            ("only the first", lambda p, n: softplus(-p) + softplus(n[:, 0])),
            ("not their scores", lambda p, n: softplus(-p) + softplus(n.mean(axis=1))),
            ("questions as well", lambda p, n: softplus(-p) + softplus(n).mean()
             if n.shape[1] > 1 else bce(p, n)),
            ("0.5 times", lambda p, n: bce(p, n) / 2),
        ],
        "07.2": [
            ("one loss for each", lambda p, n, c, h: sampled(p, n, c, h).mean()),
            ("target is missing", without_target),
            ("binary cross-entropy", lambda p, n, c, h: bce(p, n)),
            ("makes no difference", lambda p, n, c, h: sampled(p, n, 0 * c, h)),
            ("wrong sign", lambda p, n, c, h: sampled(p, n, -c, h)),
            ("not for others", lambda p, n, c, h: sampled(p, n, 2 * c, h)),
            ("leave it out", lambda p, n, c, h: sampled(p, n, c, h & ~h)),
            ("Adding 1,000", overflowing),
            ("Adding -1,000", lambda p, n, c, h: sampled(p, np.where(h, c - 50, n), c, h & ~h)),
            ("must not be corrected", all_corrected),
            ("are averaged", averaged),
            ("has the score 0", hits_at_zero),
            ("are kept", lambda p, n, c, h: sampled(p, n, c, ~h if h.any() else h)),
            ("for all questions", hits_of_columns),
            ("sign is wrong", lambda p, n, c, h: -sampled(p, n, c, h)),
        ],
        "07.3": [
            ("one score for each", lambda p, q: p.sum()),
            ("probabilities that the model states", lambda p, q: p / (p + q * (1 - p))),
            ("sign is wrong", lambda p, q: -optimum(p, q)),
            ("softmax", lambda p, q: np.log(p)),
            ("even where it is the target", lambda p, q: np.log(p / q)),
            ("only the drawn one", lambda p, q: np.log(p / (1 - p))),
            ("no scores", lambda p, q: p),
            ("not used", lambda p, q: optimum(p, 0.2)),
            ("logarithm", lambda p, q: p / (q * (1 - p))),
            ("comes from p", lambda p, q: np.log(p / (q * (1 - q)))),
            ("must lower it", lambda p, q: np.log(p * q / (1 - p))),
            ("asks about each item alone", lambda p, q: optimum(p, q) - optimum(p, q).mean()),
        ],
    }  # fmt: skip
    given_away = ("np.", "log(", "exp(", "softplus", "logaddexp", "maximum")
