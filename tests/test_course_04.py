"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 04."""

import itertools

import keras
import numpy as np
import pandas as pd
from exercises import ExerciseBank
from scipy import sparse

import recmodels as rm


def similarity(X, shrinkage, below=lambda users, s: np.sqrt(np.outer(users, users)) + s):
    together = X.T @ X
    users = together.diagonal().copy()
    np.fill_diagonal(together, 0)
    with np.errstate(all="ignore"):
        return together / np.maximum(below(users, shrinkage), 1e-9)


def similarity_by_loop(X, shrinkage):
    users = [set(np.flatnonzero(column)) for column in X.T]
    found = np.zeros((len(users), len(users)))
    for i, first in enumerate(users):
        for j, second in enumerate(users):
            if i != j and first and second:
                root = (len(first) * len(second)) ** 0.5
                found[i, j] = len(first & second) / (root + shrinkage)
    return found


def similarity_of_sparse(X, shrinkage):
    matrix = sparse.csr_array(X)
    together = (matrix.T @ matrix).tolil()
    sizes = matrix.sum(axis=0)
    together.setdiag(0)
    below = np.sqrt(sizes[:, None] * sizes[None, :]) + shrinkage
    return sparse.csr_array(together / np.where(below > 0, below, 1))


def similarity_in_place(X, shrinkage):
    sizes = np.sqrt(X.sum(axis=0, dtype=np.float32))
    X = X.astype(np.float32)
    together = X.T @ X
    np.fill_diagonal(together, 0)
    return np.nan_to_num(together / (sizes[:, None] * sizes + shrinkage))


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


def ease_by_regressions(X, regularisation):
    columns = []
    for item in range(X.shape[1]):
        others = X.copy()
        others[:, item] = 0
        gram = others.T @ others + regularisation * np.eye(X.shape[1])
        columns.append(np.linalg.solve(gram, others.T @ X[:, item]))
    return np.stack(columns, axis=1)


def ease_by_formula(X, regularisation):
    P = np.linalg.inv(X.T @ X + np.diag([regularisation] * X.shape[1]))
    return np.eye(len(P)) - P @ np.diag(1 / np.diag(P))


def inverse(X, regularisation):
    return np.linalg.inv(X.T @ X + regularisation * np.eye(X.shape[1]))


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


def transitions(histories, num_items, smoothing, share=None, counts=False):
    follows = np.zeros((num_items, num_items))
    for row in histories:
        for i, j in zip(row[:-1], row[1:], strict=True):
            follows[i - 1, j - 1] += 1
    if counts:
        return follows
    if share is None:
        share = np.bincount(np.concatenate(histories), minlength=num_items + 1)[1:]
        share = share / share.sum()
    return (follows + smoothing * share) / (follows.sum(axis=1, keepdims=True) + smoothing)


def transitions_by_rows(histories, num_items, smoothing):
    events = [item for row in histories for item in row]
    share = [events.count(item) / len(events) for item in range(1, num_items + 1)]
    rows = []
    for item in range(1, num_items + 1):
        after = [b for row in histories for a, b in zip(row, row[1:], strict=False) if a == item]
        total = len(after) + smoothing
        rows.append([(after.count(j + 1) + smoothing * share[j]) / total for j in range(num_items)])
    return rows


def transitions_by_users(histories, num_items, smoothing):
    X = np.zeros((len(histories), num_items))
    for user, row in enumerate(histories):
        X[user, np.array(row) - 1] = 1
    follows = transitions(histories, num_items, 0, share=np.zeros(num_items), counts=True)
    share = X.sum(axis=0) / X.sum()
    return (follows + smoothing * share) / (follows.sum(axis=1) + smoothing)[:, None]


def transitions_by_pandas(histories, num_items, smoothing):
    pairs = [pair for row in histories for pair in zip(row, row[1:], strict=False)]
    table = pd.DataFrame(pairs, columns=["before", "after"])
    items = range(1, num_items + 1)
    follows = pd.crosstab(table["before"], table["after"])
    follows = follows.reindex(index=items, columns=items, fill_value=0)
    share = pd.Series(np.concatenate(histories)).value_counts(normalize=True)
    mixed = follows + smoothing * share.reindex(items, fill_value=0)
    return mixed.div(follows.sum(axis=1) + smoothing, axis=0)


def of_all_pairs(histories, num_items, smoothing):
    pairs = [pair for row in histories for pair in itertools.combinations(row, 2)]
    counts = np.bincount(np.concatenate(histories), minlength=num_items + 1)[1:]
    return transitions(pairs, num_items, smoothing, counts / counts.sum())


def transitions_backwards(histories, num_items, smoothing):
    return transitions([row[::-1] for row in histories], num_items, smoothing)


def of_followers(histories, num_items, smoothing):
    follows = transitions(histories, num_items, 0, counts=True)
    return transitions(histories, num_items, smoothing, follows.sum(axis=0) / follows.sum())


def unsmoothed(histories, num_items, smoothing):
    follows = transitions(histories, num_items, 0, counts=True)
    return follows / np.maximum(follows.sum(axis=1, keepdims=True), 1)


def undivided(histories, num_items, smoothing):
    right = transitions(histories, num_items, smoothing)
    follows = transitions(histories, num_items, 0, counts=True)
    return right * (follows.sum(axis=1, keepdims=True) + smoothing)


def fitted(data, *models):
    return [model.fit(data.train, data.num_items) for model in models]


def hybrid(data, texts, weights=(0.7, 0.3), scaling="rank"):
    parts = [rm.Markov(), rm.EASE(100.0, 0.5)]
    return rm.Hybrid(parts, weights, scaling).fit(data.train, data.num_items)


class Sum:
    """Scores of several models, added; the text says nothing of `max_length`."""

    def __init__(self, models, scale):
        self.models, self.scale = models, scale

    def score(self, queries, items=None):
        return sum(self.scale(model.score(queries)) for model in self.models)


def standardised(scores):
    return (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)


def of_logarithms(data, texts):
    chain, ease = fitted(data, rm.Markov(), rm.EASE(100.0, 0.5))

    class Product:
        max_length = None

        def score(self, queries, items=None):
            strength = np.exp(3 * ease.score(queries))
            return np.log(chain.score(queries) + 1e-9) + np.log(strength)

    return Product()


def sasrec(data, texts):
    model = rm.SASRec(data.num_items, max_length=5, width=4, num_blocks=1)
    rm.fit(model, data, epochs=1, verbose=False)
    return rm.Hybrid([*fitted(data, rm.Markov()), model], [0.7, 0.3])


def keras_network(data, texts):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    return hybrid(data, texts)


def bpr(data, texts):
    return rm.Hybrid([rm.Markov(), rm.BPRMF(epochs=1)], [0.5, 0.5]).fit(data.train, data.num_items)


def without_padding(data, texts):
    model = hybrid(data, texts)
    model.score = lambda queries, items=None: rm.Hybrid.score(model, queries)[:, 1:]
    return model


def not_finite(data, texts):
    model = hybrid(data, texts)
    model.score = lambda queries, items=None: np.log(rm.Hybrid.score(model, queries) * 0)
    return model


class TestBank(ExerciseBank):
    right = {
        "04.1": [similarity, similarity_by_loop, similarity_of_sparse, similarity_in_place],
        "04.2": [
            ease,
            ease_by_regressions,
            ease_by_formula,
            lambda X, regularisation: ease(X.astype(np.float32), np.float32(regularisation)),
        ],
        "04.3": [
            transitions,
            transitions_by_rows,
            transitions_by_users,
            transitions_by_pandas,
            lambda *given: transitions(*given).astype(np.float32),
        ],
        "04.4": [
            hybrid,
            lambda data, texts: hybrid(data, texts, (0.5, 0.5), "range"),
            lambda data, texts: Sum(fitted(data, rm.Markov(), rm.UserKNN()), standardised),
            of_logarithms,
            lambda data, texts: rm.Hybrid(
                [rm.Markov(), rm.ItemKNN(), rm.Content(texts)], [0.6, 0.3, 0.1], "spread"
            ).fit(data.train, data.num_items),
        ],
    }
    wrong = {
        "04.1": [
            ("diagonal must be zero", with_itself),
            ("one of the two items", one_sided),
            ("Jaccard", jaccard),
            ("changes nothing", never_shrunk),
            ("outside the root", shrunk_in_the_root),
            ("divides all similarities alike", shrunk_outside),
            ("NaN", not_a_number),
            ("items by items", of_users),
            ("number of common users", lambda X, s: X.T @ X - np.diag(np.diag(X.T @ X))),
            ("weighs by common users", lambda X, s: similarity(X, 0) * np.nan_to_num(
                X.T @ X / (X.T @ X + s))),
            ("cosine of the columns", lambda X, s: np.corrcoef(X.T) - np.eye(X.shape[1])),
            ("take its root", lambda X, s: similarity(X, s, lambda u, s: np.outer(u, u) + s)),
        ],
        "04.2": [
            ("explains itself", ridge),
            ("was set to zero after", ridge_emptied),
            ("changed places", ease_by_rows),
            ("sign is wrong", ease_upside_down),
            ("regularisation is not used", ease_unregularised),
            ("items by items", ease_of_users),
            ("one regularisation only", ease_at_three),
            ("squared", lambda X, regularisation: ease(X, regularisation**2)),
            ("here it is -1", lambda X, regularisation: ease(X, regularisation) - np.eye(5)),
            ("not yet divided", lambda X, r: inverse(X, r) * (np.eye(5) - 1)),
            ("None", lambda X, regularisation: np.fill_diagonal(X.T @ X, 0)),
        ],
        "04.3": [
            ("first item of the next user", lambda h, n, s: transitions([np.concatenate(h)], n, s)),
            ("shared out evenly", lambda h, n, s: transitions(h, n, s, np.full(n, 1 / n))),
            ("shared out evenly", lambda h, n, s: transitions(h, n, s, np.ones(n))),
            ("changed places", lambda h, n, s: transitions(h, n, s).T),
            ("no smoothing", lambda h, n, s: transitions(h, n, 0)),
            ("no smoothing", unsmoothed),
            ("Every pair of a history", of_all_pairs),
            ("not a number of events", lambda h, n, s: transitions(
                h, n, s * sum(map(len, h)))),
            ("counts twice", lambda h, n, s: transitions(h, n, 2 * s)),
            ("without one for padding", lambda h, n, s: np.pad(transitions(h, n, s), 1)),
            ("came before", transitions_backwards),
            ("only those that follow", of_followers),
            ("so that it sums to one", undivided),
            ("another number of items", lambda h, n, s: transitions(h, n, 2.0)),
        ],
        "04.4": [
            ("every one of the five", lambda data, texts: rm.RandomOrder().fit(data.train, 80)),
            ("are those of EASE", lambda data, texts: fitted(data, rm.EASE(100.0, 0.5))[0]),
            ("are those of Markov", lambda data, texts: fitted(data, rm.Markov())[0]),
            ("hardly better", lambda data, texts: hybrid(data, texts, (0.95, 0.05), "spread")),
            ("one scale", lambda data, texts: Sum(
                fitted(data, rm.Markov(), rm.ItemKNN()), lambda scores: scores)),
            ("one column per item", without_padding),
            ("not finite", not_finite),
            ("method `score`", lambda data, texts: "a hybrid"),
            ("gradient descent", sasrec),
            ("gradient descent", keras_network),
            ("gradient descent", bpr),
            ("It stopped with", lambda data, texts: rm.Hybrid([rm.Markov()], [1.0, 2.0])),
        ],
    }  # fmt: skip
    given_away = ("np.", "inv(", "diag(", "@")
