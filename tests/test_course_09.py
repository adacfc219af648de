"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks


def bias(stars, shrinkage, twice=False, mean=None):
    known = ~np.isnan(stars)
    mean = np.nanmean(stars)
    apart = stars - mean
    b_item = np.nansum(apart, axis=0) / (known.sum(axis=0) + shrinkage)
    rest = apart if twice else apart - b_item
    b_user = np.nansum(rest, axis=1) / (known.sum(axis=1) + shrinkage)
    return mean + b_user[:, None] + b_item


def with_gaps(stars, shrinkage):
    return bias(stars, shrinkage) + 0 * stars


def unrated_missing(stars, shrinkage):
    found = bias(stars, shrinkage)
    found[:, np.isnan(stars).all(axis=0)] = np.nan
    return found


def items_only(stars, shrinkage):
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    b_item = np.nansum(stars - mean, axis=0) / (known.sum(axis=0) + shrinkage)
    return np.tile(mean + b_item, (len(stars), 1))


def cross(x0, x, weights, bias):
    return x0 * (x @ weights + bias) + x


def two_stages(scores, ratings, depth):
    first = np.argsort(-scores)
    picked, rest = first[:depth], first[depth:]
    return [*picked[np.argsort(-ratings[picked])], *rest]


def stars_below_too(scores, ratings, depth):
    first = np.argsort(-scores)
    parts = (first[:depth], first[depth:])
    return [place for part in parts for place in part[np.argsort(-ratings[part])]]


RIGHT = {"09.1": bias, "09.2": cross, "09.3": two_stages}
WRONG = {
    "09.1": (
        lambda stars, s: bias(stars, s)[0],
        with_gaps,
        unrated_missing,
        lambda stars, s: bias(stars, s) - np.nanmean(stars),
        lambda stars, s: np.nan_to_num(bias(stars, 1e-12)),
        lambda stars, s: bias(stars, s, twice=True),
        items_only,
        lambda stars, s: bias(stars, s + 1),
    ),
    "09.2": (
        lambda x0, x, w, b: cross(x0, x, w, b).sum(axis=1),
        lambda x0, x, w, b: x0 * (x @ w + b),
        lambda x0, x, w, b: x @ w + b + x,
        lambda x0, x, w, b: x0 * (x @ w + b) + x0,
        lambda x0, x, w, b: x0 * (x0 @ w + b) + x,
        lambda x0, x, w, b: x0 * (x @ w.T + b) + x,
        lambda x0, x, w, b: x0 * (x @ w) + b + x,
        lambda x0, x, w, b: cross(x, x0, w, b),
    ),
    "09.3": (
        lambda s, r, d: two_stages(s, r, d)[:d],
        lambda s, r, d: two_stages(s, r, d)[:-1],
        lambda s, r, d: np.argsort(-r),
        lambda s, r, d: np.argsort(-s),
        stars_below_too,
        lambda s, r, d: two_stages(s, -r, d),
        lambda s, r, d: two_stages(-s, r, d),
        lambda s, r, d: [*np.sort(np.argsort(-s)[:d]), *np.argsort(-s)[d:]],
        lambda s, r, d: two_stages(s, r, d) if d < 9 else np.argsort(-s),
    ),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("np.", "argsort", "nansum", "@", "x0", "lambda", "+ x", "subtract")
