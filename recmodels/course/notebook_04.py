"""Checks of the exercises of notebook 04, baselines."""

import functools

import numpy as np

from recmodels.course.checking import NotYet, exercise, expect, expect_close
from recmodels.data.shop import simulate
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.ranking import rank
from recmodels.features.sequences import prepare
from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular

GAIN = 0.01  # What a hybrid must add to the best of its parts, in NDCG@10.


@exercise("04.1")
@np.errstate(all="ignore")
def check_similarity(answer) -> None:
    """`answer(X, shrinkage)`: shrunk cosine of the columns of a 0/1 matrix, (V, V)."""
    expect(callable(answer), "Give a function of the matrix and the shrinkage.")
    matrix = (np.random.default_rng(41).random((9, 5)) < 0.5).astype(float)
    found = np.asarray(answer(matrix.copy(), 0.0), float)
    expect(
        found.shape == (5, 5),
        f"Nine users and five items were given, so that {found.shape} is not items by items.",
    )
    expect(not np.diag(found).any(), "An item that recommends itself to who has it helps nobody.")
    expect(np.allclose(found, found.T), "How near a is to b should be how near b is to a.")
    expect_close(
        found,
        _similarity(matrix, 0.0),
        "Without shrinkage, two items done by exactly the same users must have 1, and what one "
        "user in common is worth depends on how many users each of both has.",
    )
    shrunk = np.asarray(answer(matrix.copy(), 4.0), float)
    expect(not np.allclose(shrunk, found), "Another shrinkage changes nothing.")
    many = np.tile(matrix, (50, 1))
    expect(
        np.allclose(answer(many, 4.0), answer(many, 0.0), atol=0.05),
        "With hundreds of users in common, a shrinkage of four users should hardly be felt.",
    )
    expect_close(
        shrunk, _similarity(matrix, 4.0), "It shrinks, but at another place of the fraction."
    )
    matrix[:, 2] = 0
    empty = np.asarray(answer(matrix.copy(), 0.0), float)
    expect(np.isfinite(empty).all(), "An item that nobody did makes numbers that are none.")
    expect_close(empty, _similarity(matrix, 0.0), "An item that nobody did must be near nothing.")


@exercise("04.2")
@np.errstate(all="ignore")
def check_ease(answer) -> None:
    """`answer(X, regularisation)`: the weights of EASE, (V, V)."""
    expect(callable(answer), "Give a function of the matrix and the regularisation.")
    matrix = (np.random.default_rng(42).random((12, 5)) < 0.5).astype(float)
    found = np.asarray(answer(matrix.copy(), 3.0), float)
    expect(
        found.shape == (5, 5),
        f"Twelve users and five items were given, so that {found.shape} is not items by items.",
    )
    expect(
        not np.diag(found).any(),
        "An item may not explain itself: then the weights would learn nothing else.",
    )
    right = _ease(matrix, 3.0)
    expect(
        not np.allclose(found, -right, atol=1e-5),
        "The sizes are right, but what goes together pushes apart: look at the sign.",
    )
    expect(
        not np.allclose(found, right.T, atol=1e-5),
        "These are the right numbers the other way round: column j should rebuild item j.",
    )
    expect(
        not np.allclose(found, _ease(matrix, 1e-9), atol=1e-5),
        "The regularisation that was given is not in it.",
    )
    expect_close(
        found, right, "Each column should be the ridge regression of one item on the others."
    )
    expect_close(
        answer(matrix.copy(), 40.0), _ease(matrix, 40.0), "Another regularisation goes wrong."
    )


@exercise("04.3")
@np.errstate(all="ignore")
def check_transitions(answer) -> None:
    """`answer(histories, num_items, smoothing)`: P(next | last) smoothed by popularity, (V, V)."""
    expect(callable(answer), "Give a function of histories, number of items and smoothing.")
    histories = [[2, 1, 2, 4], [4, 2, 1], [1, 2, 5], [5]]
    found = np.asarray(answer([list(row) for row in histories], 5, 2.0), float)
    expect(
        found.shape == (5, 5),
        f"With five items one row an item is wanted, in the order of the ids, not {found.shape}.",
    )
    expect(np.isfinite(found).all(), "Something divides by zero, though the smoothing is positive.")
    right = _transitions(histories, 5, 2.0)
    expect(
        not np.allclose(found, _across(histories, 5, 2.0)),
        "The last item of one user was counted as followed by the first item of another.",
    )
    expect(
        not np.allclose(found.sum(axis=0), 1) or np.allclose(found.sum(axis=1), 1),
        "The columns sum to one: from which item to which do you count?",
    )
    expect(np.allclose(found.sum(axis=1), 1), "What may come next must sum to one for each item.")
    expect(
        not np.allclose(found[2], 1 / 5),
        "Of an item that was never followed nothing is known, and still some items are likelier.",
    )
    expect(
        not (found[:, 2] > 0).any(), "Item 3 was never done by anybody, so no share is due to it."
    )
    expect_close(found, right, "Rows sum to one, but the weight of the smoothing is not right.")
    expect_close(
        answer(histories, 6, 0.5), _transitions(histories, 6, 0.5), "Other sizes go wrong."
    )


@exercise("04.4")
def check_hybrid(answer) -> None:
    """`answer(data, texts)`: a fitted scorer that beats every simple model it could be made of."""
    expect(callable(answer), "Give a function of the data and the texts of the items.")
    data, texts, singles = _hidden_shop()
    scorer = answer(data, list(texts))
    expect(hasattr(scorer, "score"), "Return a model that is fitted, something with `score`.")
    try:
        ranks = rank(scorer, data.validation, filter_seen=False).ranks
    except ValueError as error:
        raise NotYet(f"It cannot rank the catalogue: {error}") from None
    found, (name, best) = float(ndcg(ranks, 10).mean()), max(singles.items(), key=lambda s: s[1])
    beaten = [single for single, score in singles.items() if found > score]
    expect(beaten, "On another shop every one of the simple models is better.")
    expect(
        found > best - 1e-9,
        f"On another shop it beats {len(beaten)} of {len(singles)} simple models, but not {name}: "
        "are the scores that you add on one scale?",
    )
    expect(found > best + 1e-9, f"On another shop it is {name} and nothing else.")
    expect(
        found > best + GAIN,
        f"On another shop it is hardly better than {name} alone: does the second model know what "
        "the first does not, and has it a say?",
    )


@functools.cache
def _hidden_shop() -> tuple:
    """Data whose queries to be ranked are not those of any notebook, and what each model makes."""
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


def _similarity(matrix: np.ndarray, shrinkage: float) -> np.ndarray:
    together = matrix.T @ matrix
    users = together.diagonal().copy()
    np.fill_diagonal(together, 0)
    return together / np.maximum(np.sqrt(np.outer(users, users)) + shrinkage, 1e-9)


def _ease(matrix: np.ndarray, regularisation: float) -> np.ndarray:
    """One ridge regression an item."""
    width = matrix.shape[1]
    weights = np.zeros((width, width))
    for item in range(width):
        others = np.delete(np.arange(width), item)
        x = matrix[:, others]
        gram = x.T @ x + regularisation * np.eye(width - 1)
        weights[others, item] = np.linalg.solve(gram, x.T @ matrix[:, item])
    return weights


def _transitions(histories: list, num_items: int, smoothing: float) -> np.ndarray:
    follows, share = np.zeros((num_items, num_items)), np.zeros(num_items)
    for row in histories:
        for item in row:
            share[item - 1] += 1 / sum(map(len, histories))
        for i, j in zip(row[:-1], row[1:], strict=True):
            follows[i - 1, j - 1] += 1
    return (follows + smoothing * share) / (follows.sum(axis=1, keepdims=True) + smoothing)


def _across(histories: list, num_items: int, smoothing: float) -> np.ndarray:
    """What comes of forgetting where one user ends."""
    return _transitions([[item for row in histories for item in row]], num_items, smoothing)
