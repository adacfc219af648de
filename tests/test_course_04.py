"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks

from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.hybrid import Hybrid
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular


def similarity(X, shrinkage, below=lambda users, s: np.sqrt(np.outer(users, users)) + s):
    together = X.T @ X
    users = together.diagonal().copy()
    np.fill_diagonal(together, 0)
    with np.errstate(all="ignore"):
        return together / np.maximum(below(users, shrinkage), 1e-9)


def with_itself(X, shrinkage):
    together = X.T @ X
    users = together.diagonal()
    return together / np.maximum(np.sqrt(np.outer(users, users)) + shrinkage, 1e-9)


def one_sided(X, shrinkage):
    return similarity(X, shrinkage, lambda users, s: users[:, None] + s + 0 * users)


def jaccard(X, shrinkage):
    def below(users, s):
        return users[:, None] + users - X.T @ X + s

    return similarity(X, shrinkage, below)


def never_shrunk(X, shrinkage):
    return similarity(X, 0)


def shrunk_in_the_root(X, shrinkage):
    return similarity(X, shrinkage, lambda users, s: np.sqrt(np.outer(users, users) + s))


def shrunk_outside(X, shrinkage):
    return similarity(X, 0) / (1 + shrinkage)


def not_a_number(X, shrinkage):
    together = X.T @ X
    users = together.diagonal().copy()
    np.fill_diagonal(together, 0)
    return together / (np.sqrt(np.outer(users, users)) + shrinkage)


def of_users(X, shrinkage):
    return similarity(X.T, shrinkage)


def ease(X, regularisation):
    P = np.linalg.inv(X.T @ X + regularisation * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B


def ridge(X, regularisation):
    gram = X.T @ X
    return np.linalg.solve(gram + regularisation * np.eye(len(gram)), gram)


def ridge_emptied(X, regularisation):
    B = ridge(X, regularisation)
    np.fill_diagonal(B, 0)
    return B


def ease_by_rows(X, regularisation):
    return ease(X, regularisation).T


def ease_upside_down(X, regularisation):
    return -ease(X, regularisation)


def ease_unregularised(X, regularisation):
    return ease(X, 0)


def ease_of_users(X, regularisation):
    return ease(X.T, regularisation)


def ease_at_three(X, regularisation):
    return ease(X, 3)


def transitions(histories, num_items, smoothing, prior=None):
    follows = np.zeros((num_items, num_items))
    for row in histories:
        for i, j in zip(row[:-1], row[1:], strict=True):
            follows[i - 1, j - 1] += 1
    counts = np.bincount(np.concatenate(histories), minlength=num_items + 1)[1:]
    share = counts / counts.sum() if prior is None else np.full(num_items, prior / num_items)
    return (follows + smoothing * share) / (follows.sum(axis=1, keepdims=True) + smoothing)


def transitions_of_everyone(histories, num_items, smoothing):
    return transitions([np.concatenate(histories)], num_items, smoothing)


def transitions_laplace(histories, num_items, smoothing):
    return transitions(histories, num_items, smoothing, prior=1)


def transitions_unshared(histories, num_items, smoothing):
    return transitions(histories, num_items, smoothing, prior=num_items)


def transitions_transposed(histories, num_items, smoothing):
    return transitions(histories, num_items, smoothing).T


def transitions_unsmoothed(histories, num_items, smoothing):
    with np.errstate(all="ignore"):
        return transitions(histories, num_items, 0)


def transitions_smoothed_twice(histories, num_items, smoothing):
    return transitions(histories, num_items, 2 * smoothing)


def transitions_with_padding(histories, num_items, smoothing):
    return np.pad(transitions(histories, num_items, smoothing), ((1, 0), (1, 0)))


def hybrid(data, texts):
    parts = [Markov(), EASE(100.0, 0.5)]
    return Hybrid(parts, [0.7, 0.3], "rank").fit(data.train, data.num_items)


def only_popular(data, texts):
    return MostPopular().fit(data.train, data.num_items)


def only_markov(data, texts):
    return Markov().fit(data.train, data.num_items)


def hardly_a_hybrid(data, texts):
    return Hybrid([Markov(), Content(texts)], [1.0, 0.05]).fit(data.train, data.num_items)


class Sum:
    """Scores of chances and of cosines, added as they are."""

    max_length = None

    def __init__(self, *models):
        self.models = models

    def score(self, queries, items=None):
        return sum(model.score(queries, items) for model in self.models)


def unscaled(data, texts):
    return Sum(*(m.fit(data.train, data.num_items) for m in (Markov(), ItemKNN())))


def without_padding(data, texts):
    model = hybrid(data, texts)
    model.score = lambda queries, items=None: Hybrid.score(model, queries)[:, 1:]
    return model


RIGHT = {"04.1": similarity, "04.2": ease, "04.3": transitions, "04.4": hybrid}
WRONG = {
    "04.1": (
        *(with_itself, one_sided, jaccard, never_shrunk, shrunk_in_the_root, shrunk_outside),
        *(not_a_number, of_users),
    ),
    "04.2": (
        *(ridge, ridge_emptied, ease_by_rows, ease_upside_down, ease_unregularised),
        *(ease_of_users, ease_at_three),
    ),
    "04.3": (
        *(transitions_of_everyone, transitions_laplace, transitions_unshared),
        *(transitions_transposed, transitions_unsmoothed, transitions_smoothed_twice),
        transitions_with_padding,
    ),
    "04.4": (
        *(only_popular, only_markov, hardly_a_hybrid, unscaled, without_padding),
        lambda data, texts: "a hybrid",
    ),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("sqrt", "square root", "np.", "inv(", "diag(", "EASE", "@")
