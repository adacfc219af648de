"""Checks of the exercises of notebook 09, ranking."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("09.1")
@np.errstate(all="ignore")
def check_bias(answer) -> None:
    """Mean, user and item deviation, shrunk, for a matrix with missing cells."""
    expect(callable(answer), "Give a function of the stars and the shrinkage.")
    nan = np.nan
    stars = np.array([[5, 1, nan, 2, nan], [4, nan, 2, nan, nan], [nan, 3, 5, 5, nan]])
    found = np.asarray(answer(stars, 3.0))
    expect(
        found.shape == stars.shape,
        f"Every cell was asked for, {stars.shape}; yours has the shape {found.shape}.",
    )
    expect(
        np.isfinite(found[:, :4]).all(), "A cell is not a number: the gaps have reached the result."
    )
    expect(np.isfinite(found[:, 4]).all(), "Of an item nobody has rated something can be said too.")
    expected, b_user, b_item = _bias(stars, 3.0)
    mean = np.nanmean(stars)
    expect(not np.allclose(found, expected - mean), "These are deviations, not stars.")
    expect(not np.allclose(found, _bias(stars, 0.0)[0]), "The shrinkage makes no difference.")
    apart = stars - mean
    both_from_mean = np.nansum(apart, axis=1) / ((~np.isnan(stars)).sum(axis=1) + 3.0)
    expect(
        not np.allclose(found, mean + both_from_mean[:, None] + b_item),
        "A user who rated loved items looks generous, and is counted so twice.",
    )
    expect(
        not np.allclose(found, mean + b_item + 0 * b_user[:, None]),
        "Two users get the same stars, the strict and the generous one.",
    )
    expect_close(found, expected, "The numbers differ; try the three users by hand.")


def _bias(stars: np.ndarray, shrinkage: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    apart = stars - mean
    rated = np.maximum(known.sum(axis=0) + shrinkage, 1e-9)
    b_item = np.nansum(apart, axis=0) / rated
    b_user = np.nansum(apart - b_item, axis=1) / (known.sum(axis=1) + shrinkage)
    return mean + b_user[:, None] + b_item, b_user, b_item


@exercise("09.2")
def check_cross(answer) -> None:
    """A cross layer of DCN-v2."""
    expect(callable(answer), "Give a function of the two inputs, the weights and the bias.")
    rng = np.random.default_rng(92)
    x0, x = rng.normal(size=(2, 4, 3))
    weights, bias = rng.normal(size=(3, 3)), rng.normal(size=3)
    found = np.asarray(answer(x0, x, weights, bias))
    expect(
        found.shape == (4, 3),
        f"It should come out as it went in, (4, 3); yours has the shape {found.shape}.",
    )
    linear = x @ weights + bias
    expect(
        not np.allclose(found, x0 * linear),
        "With all weights at zero nothing would be left of the input.",
    )
    expect(not np.allclose(found, linear + x), "Nothing is multiplied with the first input.")
    expect(
        not np.allclose(found, x0 * linear + x0),
        "What earlier layers made of the input is lost.",
    )
    expect(
        not np.allclose(found, x0 * (x0 @ weights + bias) + x),
        "However many layers there are, the degree does not grow beyond the second.",
    )
    expect(
        not np.allclose(found, x0 * (x @ weights.T + bias) + x),
        "Rows and columns of the weights have changed places.",
    )
    expect(not np.allclose(found, x0 * (x @ weights) + bias + x), "The bias is in another place.")
    expect_close(found, x0 * linear + x, "The numbers differ for four rows of three.")


@exercise("09.3")
def check_two_stages(answer) -> None:
    """The best by score in the order of their ratings, then the rest in the order of scores."""
    expect(callable(answer), "Give a function of the scores, the ratings and the depth.")
    scores = np.array([0.1, 0.9, 0.5, 0.7, 0.3, 0.8, 0.2])
    ratings = np.array([5.0, 3.0, 4.5, 4.0, 1.0, 2.0, 4.8])
    found = [int(place) for place in answer(scores, ratings, 3)]
    by_score, by_rating = (np.argsort(-values).tolist() for values in (scores, ratings))
    picked = sorted(by_score[:3], key=lambda place: -ratings[place])
    expect(
        found != picked, "The list ends after the first stage's choice; all items were asked for."
    )
    expect(sorted(found) == list(range(7)), "Every place should stand in the list once.")
    expect(found != by_rating, "The first stage had no say.")
    expect(found != by_score, "The second stage had no say.")
    expect(
        found[3:] != sorted(by_score[3:], key=lambda place: -ratings[place]),
        "Beyond the depth nobody has worked out any stars.",
    )
    expect(found[:3] != picked[::-1], "The films with fewest stars come first.")
    expect(set(found[:3]) == set(by_score[:3]), "Others were picked than the best by score.")
    expect(found == picked + by_score[3:], "The right items come first, in another order.")
    whole = [int(place) for place in answer(scores, ratings, 99)]
    expect(whole == by_rating, "A depth beyond the catalogue goes wrong.")
