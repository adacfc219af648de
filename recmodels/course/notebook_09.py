"""Checks of the exercises of notebook 09, ranking."""

import numpy as np

from recmodels.course.checking import (
    call,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
    whole_numbers,
)


@exercise("09.1", "the stars and the shrinkage")
def check_bias(answer) -> None:
    """Mean, user and item deviation, shrunk, for a matrix with missing cells."""
    nan = np.nan
    stars = np.array([[5, 1, nan, 2, nan], [4, nan, 2, nan, nan], [nan, 3, 5, 5, nan]])
    returned = numbers(call(answer, stars, 3.0), stars.shape, "Return stars for every cell.")
    rated = np.isfinite(returned[:, :4]).all()
    expect(
        rated, "A cell is NaN: leave the missing stars out of means and sums, not of the result."
    )
    expect(
        np.isfinite(returned[:, 4]).all(),
        "An item without ratings gives NaN; its deviation is 0.",
    )
    reason = (
        "Add the mean of all stars, the deviation of the item and that of the user, both shrunk."
    )
    mistakes = _not_shrunk(stars, 3.0) | _not_apart(stars, 3.0)
    expect_close(returned, _bias(stars, 3.0), reason, mistakes)
    other = call(answer, stars[:, :4], 1.0)
    expect_close(
        other,
        _bias(stars[:, :4], 1.0),
        "It is right for one matrix and shrinkage, but not for others.",
    )
    stars[1] = nan
    reason = "A user without ratings gives NaN or wrong stars; the user's deviation is 0."
    expect_close(call(answer, stars, 1.0), _bias(stars, 1.0), reason)


def _bias(stars, shrinkage, for_users=None, mean=None) -> np.ndarray:
    """Expected stars; another shrinkage for users and another mean may be given."""
    known = ~np.isnan(stars)
    mean = np.nanmean(stars) if mean is None else mean
    for_users = shrinkage if for_users is None else for_users
    b_item = np.nansum(stars - mean, axis=0) / np.maximum(known.sum(axis=0) + shrinkage, 1e-9)
    b_user = np.nansum(stars - mean - b_item, axis=1) / (known.sum(axis=1) + for_users)
    return mean + b_user[:, None] + b_item


def _not_shrunk(stars, shrinkage) -> dict:
    """Mistakes in the shrinkage, by the sentence that explains them."""
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    plain_item = np.nan_to_num(np.nanmean(stars - mean, axis=0))
    plain_user = np.nanmean(stars - mean - plain_item, axis=1)[:, None]
    weighed = plain_item / (1 + shrinkage) + mean
    late = plain_item * known.sum(axis=0) / (known.sum(axis=0) + shrinkage)
    by_user = known.sum(axis=1)[:, None]
    return {
        "The shrinkage is not used.": (_bias(stars, 0), _bias(stars, 1e-9)),
        "Only the items are shrunk; shrink the users as well.": _bias(stars, shrinkage, 0),
        "Only the users are shrunk; shrink the items as well.": _bias(stars, 0, shrinkage),
        "The shrinkage divides every deviation alike; the more ratings, the less it must shrink.": (
            weighed + np.nanmean(stars - weighed, axis=1)[:, None] / (1 + shrinkage),
            mean + plain_item / (1 + shrinkage) + plain_user / (1 + shrinkage),
        ),
        "The users' deviations are what the items leave before they are shrunk; shrink the items "
        "first.": mean + late + plain_user * by_user / (by_user + shrinkage),
    }


def _not_apart(stars, shrinkage) -> dict:
    """Mistakes in mean and deviations, by the sentence that explains them."""
    known, mean, right = ~np.isnan(stars), np.nanmean(stars), _bias(stars, shrinkage)
    by_item, by_user = known.sum(axis=0) + shrinkage, known.sum(axis=1) + shrinkage
    b_item = np.nansum(stars - mean, axis=0) / by_item
    both_from_mean = np.nansum(stars - mean, axis=1) / by_user
    users_first = np.nansum(stars - mean - both_from_mean[:, None], axis=0) / by_item
    b_user = np.nansum(stars - mean - b_item, axis=1) / by_user
    return {
        "These are deviations; add the mean of all stars.": right - mean,
        "The users' deviations are taken from the mean alone: a user who rated good items looks "
        "generous. Take them from what the items leave.": mean + both_from_mean[:, None] + b_item,
        "The users come before the items; take the items first and the users from what is left.": (
            mean + both_from_mean[:, None] + users_first
        ),
        "Two users get the same stars: the users' deviations are missing.": (
            mean + b_item + np.zeros((len(stars), 1))
        ),
        "Two items get the same stars: the items' deviations are missing.": (
            mean + both_from_mean[:, None] + np.zeros(stars.shape[1]),
            mean + b_user[:, None] + np.zeros(stars.shape[1]),
        ),
        "Missing stars count as 0 stars; leave them out.": (
            _bias(np.nan_to_num(stars), shrinkage),
            _bias(stars, shrinkage, mean=np.nan_to_num(stars).mean()),
        ),
        "The mean is one of the users' means; take that of all ratings.": (
            _bias(stars, shrinkage, mean=np.nanmean(stars, axis=1).mean())
        ),
        "The stars are rounded; this exercise leaves them as they are.": np.round(right),
    }


@exercise("09.2", "the two inputs, the weights and the bias")
def check_cross(answer) -> None:
    """A cross layer of DCN-v2."""
    rng = np.random.default_rng(92)
    x0, x = rng.normal(size=(2, 4, 3))
    weights, bias = rng.normal(size=(3, 3)), rng.normal(size=3)
    returned = numbers(
        call(answer, x0, x, weights, bias), (4, 3), "Return the shape of the inputs."
    )
    reason = "It is wrong for four rows of three features."
    expect_close(
        returned, x0 * (x @ weights + bias) + x, reason, _not_crossed(x0, x, weights, bias)
    )
    expect_unchanged(answer, x0, x, weights, bias)


def _not_crossed(x0, x, weights, bias) -> dict:
    linear = x @ weights + bias
    return {
        "With weights and bias at zero nothing is left of the input: add the latest input.": (
            x0 * linear
        ),
        "Nothing is multiplied with the first input.": (linear + x, linear + x0, linear),
        "The first input is added at the end; add the latest one, or what earlier layers made is "
        "lost.": x0 * linear + x0,
        "The linear layer reads the first input; it must read the latest one, or the degree does "
        "not grow with the layers.": x0 * (x0 @ weights + bias) + x,
        "Only the first input is used.": x0 * (x0 @ weights + bias) + x0,
        "The latest input is multiplied with its own linear layer; use the first one.": (
            x * linear + x
        ),
        "The two inputs have changed places.": (
            x * (x0 @ weights + bias) + x0,
            x * (x0 @ weights + bias) + x,
        ),
        "The weights are transposed.": x0 * (x @ weights.T + bias) + x,
        "The bias is added after the product; it belongs to the linear layer.": (
            x0 * (x @ weights) + bias + x
        ),
        "The bias is missing.": x0 * (x @ weights) + x,
        "One number for each row multiplies the first input, as in the first version of the layer; "
        "here every feature has its own.": tuple(
            x0 * (x @ vector)[:, None] + bias + x for vector in (*weights.T, *weights)
        ),
        "There is an activation; a cross layer has none.": (
            x0 * np.maximum(linear, 0) + x,
            x0 * np.tanh(linear) + x,
            x0 / (1 + np.exp(-linear)) + x,
            np.maximum(x0 * linear + x, 0),
        ),
        "The sum multiplies the first input as a whole; add the latest input after the product.": (
            x0 * (linear + x)
        ),
    }


@exercise("09.3", "the scores, the ratings and the depth")
def check_two_stages(answer) -> None:
    """The best by score in the order of their ratings, then the rest in the order of scores."""
    scores = np.array([0.1, 0.9, 0.5, 0.7, 0.3, 0.8, 0.2])
    ratings = np.array([5.0, 3.0, 4.5, 4.0, 1.0, 2.0, 4.8])
    returned = whole_numbers(call(answer, scores, ratings, 3))
    by_score, by_rating = (np.argsort(-values).tolist() for values in (scores, ratings))
    picked, rest = sorted(by_score[:3], key=by_rating.index), by_score[3:]
    mistakes = {
        "The list ends after the first `depth` items; return all items.": (picked, picked[::-1]),
        "The scores have no say: choose the best `depth` by score first.": [by_rating],
        "The stars have no say: order the best `depth` by stars.": [by_score],
        "The items after the first `depth` must keep the order of their scores.": (
            picked + sorted(rest, key=by_rating.index),
            picked + sorted(rest),
            picked + rest[::-1],
        ),
        "The first items are in reverse order, most stars last.": [picked[::-1] + rest],
        "The lowest scores were chosen; choose the highest.": (
            sorted(by_score[-3:], key=by_rating.index) + by_score[-4::-1],
        ),
        "The stages have changed places: scores choose, stars order.": (
            sorted(by_rating[:3], key=by_score.index) + by_rating[3:],
        ),
        "These are the ranks of the items; return the items in the order of the list.": (
            np.argsort(picked + rest).tolist(),
        ),
        "Places begin at 0.": [[place + 1 for place in picked + rest]],
    }
    for reason, wrong in mistakes.items():
        expect(returned not in wrong, reason)
    expect(sorted(returned) == list(range(7)), "Every place 0 to 6 must be in the list once.")
    expect(set(returned[:3]) == set(picked), "The first `depth` items are not the best by score.")
    expect(returned == picked + rest, "The right items come first, but in another order.")
    for values, depth, expected, case in (
        (1000 * (scores - 0.25), 3, picked + rest, "where scores are large or negative"),
        (scores, 99, by_rating, "where the depth exceeds the number of items"),
        (scores, 0, by_score, "for depth 0, where only the scores decide"),
    ):
        found = whole_numbers(call(answer, values, ratings, depth))
        expect(found == expected, f"It is wrong {case}.")
