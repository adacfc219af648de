"""Checks of the exercises of notebook 04, baselines."""

import functools
import itertools
from unittest import mock

import keras
import numpy as np

from recmodels.course.checking import (
    NotYet,
    call,
    exercise,
    expect,
    expect_close,
    numbers,
)
from recmodels.data.shop import simulate
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.ranking import rank
from recmodels.features.sequences import prepare
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular

GAIN = 0.01  # What a hybrid must add to the best of its parts, in NDCG@10.
ITEMS_BY_ITEMS = "Return a matrix of items by items."


@exercise("04.1", "the matrix and the shrinkage")
def check_similarity(answer) -> None:
    """`answer(X, shrinkage)`: shrunk cosine of the columns of a 0/1 matrix, (V, V)."""
    matrix = (np.random.default_rng(41).random((9, 5)) < 0.5).astype(float)
    returned = numbers(call(answer, matrix, 0.0), (5, 5), ITEMS_BY_ITEMS)
    diagonal = np.diag(returned).any()
    expect(not diagonal, "The diagonal must be zero: an item must not recommend itself.")
    reason = "Without shrinkage it must be the cosine of the columns."
    expect_close(returned, _similarity(matrix, 0.0), reason, _not_cosines(matrix))
    together, users = _common_users(matrix)
    mistakes = {
        "Another shrinkage changes nothing.": returned,
        "The shrinkage belongs outside the root.": together / np.sqrt(np.outer(users, users) + 4),
        "The shrinkage divides all similarities alike; pairs with many common users must shrink "
        "less.": (returned / 5, returned / 4),
        "This weighs by common users; add the shrinkage to the denominator of the cosine.": (
            returned * together / (together + 4)
        ),
    }
    reason = "It shrinks, but not as a constant added to the denominator."
    expect_close(call(answer, matrix, 4.0), _similarity(matrix, 4.0), reason, mistakes)
    matrix[:, 2] = 0
    empty = numbers(call(answer, matrix, 0.0))
    expect(np.isfinite(empty).all(), "An item without users gives numbers that are NaN.")
    expect_close(empty, _similarity(matrix, 0.0), "An item without users must be similar to none.")


def _not_cosines(matrix: np.ndarray) -> dict:
    together, users = _common_users(matrix)
    union = users[:, None] + users - together
    return {
        "This is the number of common users; divide it by the root of the product of both items' "
        "numbers of users.": together,
        "It is divided by the number of users of one of the two items; both counts matter, so that "
        "a is as similar to b as b to a.": (together / users[:, None], together / users),
        "The denominator is the product of the numbers of users; take its root.": (
            together / np.outer(users, users)
        ),
        "This divides by the users of either item (Jaccard); the cosine divides by the root of the "
        "product of both numbers of users.": together / union,
    }


@exercise("04.2", "the matrix and the regularisation")
def check_ease(answer) -> None:
    """`answer(X, regularisation)`: the weights of EASE, (V, V)."""
    matrix = (np.random.default_rng(42).random((12, 5)) < 0.5).astype(float)
    right, gram = _ease(matrix, 3.0), matrix.T @ matrix
    ridge = np.linalg.solve(gram + 3 * np.eye(5), gram)
    inverse = np.linalg.inv(gram + 3 * np.eye(5))
    mistakes = {
        "An item explains itself: the diagonal must be zero while the weights are learnt.": ridge,
        "The diagonal was set to zero after a regression in which each item explains itself; the "
        "other weights must be those of a regression without the item.": (ridge * (1 - np.eye(5))),
        "The sign is wrong: items that go together must have positive weights.": -right,
        "Rows and columns have changed places: column j must hold the weights for item j.": right.T,
        "The regularisation is not used.": _ease(matrix, 1e-9),
        "The inverse is not yet divided by its diagonal.": -inverse * (1 - np.eye(5)),
        "The diagonal must be zero, and here it is -1.": right - np.eye(5),
        "The regularisation is squared.": _ease(matrix, 9.0),
    }
    returned = numbers(call(answer, matrix, 3.0), (5, 5), ITEMS_BY_ITEMS)
    reason = "Each column must be the ridge regression of one item on the others."
    expect_close(returned, right, reason, mistakes)
    other = call(answer, matrix, 40.0)
    expect_close(other, _ease(matrix, 40.0), "It is right for one regularisation only.")


@exercise("04.3", "histories, number of items and smoothing")
def check_transitions(answer) -> None:
    """`answer(histories, num_items, smoothing)`: P(next | last) smoothed by popularity, (V, V).

    No history holds an item twice, so that popularity by events equals popularity by users.
    """
    histories = [[2, 1, 4], [4, 2, 1], [1, 2, 5], [5]]
    reason = "Return one row and one column for each item, without one for padding."
    returned = numbers(call(answer, histories, 5, 2.0), (5, 5), reason)
    reason = "Each row must mix the counts of what came next with the popularity."
    mistakes = _not_smoothed(histories) | _not_followed(histories)
    expect_close(returned, _transitions(histories, 5, 2.0), reason, mistakes)
    other = call(answer, histories, 6, 0.5)
    reason = "It is wrong for another number of items or another smoothing."
    expect_close(other, _transitions(histories, 6, 0.5), reason)


def _not_followed(histories: list) -> dict:
    """Mistakes in what is counted, by the sentence that explains them."""
    follows, share = _counts(histories, 5)
    backwards = _transitions([row[::-1] for row in histories], 5, 2.0)
    pairs = [list(pair) for row in histories for pair in itertools.combinations(row, 2)]
    return {
        "The last item of one user was counted as followed by the first item of the next user.": (
            _transitions([sum(histories, [])], 5, 2.0)
        ),
        "Rows and columns have changed places: row i - 1 holds what follows item i.": (
            _transitions(histories, 5, 2.0).T
        ),
        "This is the chance of what came before an item, not of what comes after it.": backwards,
        "Every pair of a history was counted; count only an item directly after another.": (
            _transitions(pairs, 5, 2.0, share)
        ),
        "Popularity must count all events, not only those that follow another.": (
            _transitions(histories, 5, 2.0, follows.sum(axis=0) / follows.sum())
        ),
    }


def _not_smoothed(histories: list) -> dict:
    """Mistakes in how counts and popularity are mixed, by the sentence that explains them."""
    follows, share = _counts(histories, 5)
    after, events = follows.sum(axis=1, keepdims=True), len(sum(histories, []))
    return {
        "There is no smoothing: an item that was never followed must get the popular items.": (
            follows / after,
            follows / np.maximum(after, 1),
        ),
        "The smoothing is shared out evenly; popular items must get more of it.": (
            (follows + 2 / 5) / (after + 2),
            (follows + 2) / (after + 10),
            (follows + 2) / (after + 2),
        ),
        "Popularity must be a share of all events, not a number of events.": (
            (follows + 2 * events * share) / (after + 2 * events),
            (follows + 2 * events * share) / (after + 2),
        ),
        "These are counts; each row must be divided so that it sums to one.": (follows + 2 * share),
        "The smoothing counts twice.": _transitions(histories, 5, 4.0),
    }


@exercise("04.4", "the data and the texts of the items")
def check_hybrid(answer) -> None:
    """`answer(data, texts)`: a fitted scorer that beats every simple model it could be made of."""
    data, texts, singles = _hidden_shop()
    scorer = _without_gradients(answer, data, list(texts))
    expect(hasattr(scorer, "score"), "Return a fitted model, an object with a method `score`.")
    if not hasattr(scorer, "max_length"):
        scorer.max_length = None  # A model that says nothing reads whole histories.

    def rank_all_items() -> np.ndarray:
        return rank(scorer, data.validation, filter_seen=False).ranks

    score_of_answer = float(ndcg(call(rank_all_items), 10).mean())
    for name, score in singles.items():
        expect(score_of_answer != score, f"On another shop its lists are those of {name} alone.")
    name, best = max(singles.items(), key=lambda single: single[1])
    beaten = sum(score_of_answer > score for score in singles.values())
    expect(beaten, "On another shop every one of the five simple models is better.")
    expect(
        score_of_answer > best,
        f"On another shop it beats {beaten} of {len(singles)} simple models, but not {name}: bring "
        "the scores that you add to one scale, and choose their weights on `data.validation`.",
    )
    expect(
        score_of_answer > best + GAIN,
        f"On another shop it is hardly better than {name} alone: add a model that knows something "
        "else, or give it more weight.",
    )


def _without_gradients(answer, data, texts: list[str]):
    """Return what an answer returns, or raise `NotYet` if it trains by gradient descent."""
    steps = []

    def refuse(*_, **__):
        steps.append(1)
        raise NotYet("A gradient step was taken.")

    reason = (
        "It learns by gradient descent. Use models that count or are solved in closed form, such "
        "as Markov, ItemKNN, EASE or Content."
    )
    with (
        mock.patch.object(keras.Optimizer, "apply", refuse),
        mock.patch.object(BPRMF, "_learn", refuse),
    ):
        try:
            scorer = call(answer, data, texts)
        except NotYet:
            expect(not steps, reason)
            raise
    expect(not steps and not isinstance(scorer, keras.Model), reason)
    return scorer


@functools.cache
def _hidden_shop() -> tuple:
    """Return data that no notebook uses, the texts of its items, and the score of each model."""
    log = simulate(num_users=300, num_items=80, seed=41).interactions
    data = prepare(leave_one_out(log).without_test())
    items = log.items.reindex(data.vocabulary.raw_ids)
    texts = (items["title"] + " " + items["category"]).tolist()
    models = (MostPopular(), Markov(), ItemKNN(), EASE(100.0, 0.5), Content(texts))
    singles = {}
    for model in models:
        ranks = rank(
            model.fit(data.train, data.num_items), data.validation, filter_seen=False
        ).ranks
        singles[type(model).__name__] = float(ndcg(ranks, 10).mean())
    return data, texts, singles


def _common_users(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of common users, zero on the diagonal, (V, V), and of users, (V,)."""
    together = matrix.T @ matrix
    return together * (1 - np.eye(len(together))), together.diagonal()


def _similarity(matrix: np.ndarray, shrinkage: float) -> np.ndarray:
    together, users = _common_users(matrix)
    return together / np.maximum(np.sqrt(np.outer(users, users)) + shrinkage, 1e-9)


def _ease(matrix: np.ndarray, regularisation: float) -> np.ndarray:
    """One ridge regression for each item."""
    width = matrix.shape[1]
    weights = np.zeros((width, width))
    for item in range(width):
        others = np.delete(np.arange(width), item)
        x = matrix[:, others]
        gram = x.T @ x + regularisation * np.eye(width - 1)
        weights[others, item] = np.linalg.solve(gram, x.T @ matrix[:, item])
    return weights


def _counts(histories: list, num_items: int) -> tuple[np.ndarray, np.ndarray]:
    """How often an item directly follows another, (V, V), and shares of all events, (V,)."""
    follows = np.zeros((num_items, num_items))
    for row in histories:
        for i, j in zip(row[:-1], row[1:], strict=True):
            follows[i - 1, j - 1] += 1
    counts = np.bincount(sum(histories, []), minlength=num_items + 1)[1:]
    return follows, counts / counts.sum()


def _transitions(histories, num_items: int, smoothing: float, share=None) -> np.ndarray:
    follows, counts = _counts(histories, num_items)
    prior = smoothing * (counts if share is None else share)
    return (follows + prior) / (follows.sum(axis=1, keepdims=True) + smoothing)
