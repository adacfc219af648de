"""Alternating least squares against its objective, written out pair by pair."""

import numpy as np
from test_baselines import make_histories

from recmodels.models.baseline import user_item_matrix
from recmodels.models.implicit_als import ImplicitALS

ALS_LISTS = [[1, 2, 3], [2, 3], [1, 4, 4], [3, 4, 5]]


def als_objective(model, users, items, X):
    """What alternating least squares makes small, pair by pair."""
    U, V = X.shape
    total = 0.0
    for u in range(U):
        total += model.regularisation * (X[u].sum() + model.unseen_weight * V) * users[u] @ users[u]
        for i in range(V):
            product = users[u] @ items[i]
            total += X[u, i] * (1 - product) ** 2 + model.unseen_weight * product**2
    for i in range(V):
        weight = X[:, i].sum() + model.unseen_weight * U
        total += model.regularisation * weight * items[i] @ items[i]
    return total


def als(epochs, **options):
    model = ImplicitALS(2, 0.05, 0.4, epochs, seed=3, **options)
    model.fit(make_histories(ALS_LISTS), 5)
    X = np.array([[float(item in row) for item in range(1, 6)] for row in ALS_LISTS])
    return model, X


def test_als_solves_one_user_by_hand():
    # Items at 2 and 1 on a line, a history of the first: p is 2 over 0.5 (4 + 1) for all pairs,
    # plus 4 for the one done, plus 0.1 (1 + 0.5 x 2): 6.7. Scores are 2 p and p.
    model, _ = als(1)
    model.width, model.unseen_weight, model.regularisation, model.num_items = 1, 0.5, 0.1, 2
    model.vectors, model.counts, model.num_solved = np.array([[0.0], [2.0], [1.0]]), np.zeros(3), 2
    queries = {"item_ids": np.array([[0, 1]]), "user_ids": np.array([-1])}
    np.testing.assert_allclose(model.score(queries), [[0, 4 / 6.7, 2 / 6.7]], rtol=1e-6)


def test_als_makes_its_objective_small_on_both_sides():
    values = []
    for epochs in (1, 3, 60):
        model, X = als(epochs)
        items = model.vectors[1:]
        users = model._solved(user_item_matrix(make_histories(ALS_LISTS), 5), model.vectors, 5)
        values.append(als_objective(model, users, items, X))
    assert values[0] > values[1] > values[2]
    # At the end no small step of any vector helps.
    for side in (users, items):
        for place in np.ndindex(side.shape):
            for step in (1e-3, -1e-3):
                side[place] += step
                assert als_objective(model, users, items, X) > values[2] - 1e-9
                side[place] -= step


def test_als_scores_of_a_known_user_are_those_of_an_unknown_one_with_the_same_history():
    model, _ = als(3)
    item_ids = np.array([[1, 2, 3], [1, 2, 3], [0, 3, 4], [0, 4, 3]])
    scores = model.score({"item_ids": item_ids, "user_ids": np.array([0, -1, -1, -1])})
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[2], scores[3])


def test_als_may_be_silent_about_the_history():
    queries = {"item_ids": np.array([[0, 1, 3]]), "user_ids": np.array([-1])}
    scores = als(3)[0].score(queries)[0]
    silent = als(3, score_seen=False)[0]
    np.testing.assert_allclose(silent.score(queries)[0], np.where([1, 0, 1, 0, 1, 1], scores, 0))
    np.testing.assert_allclose(silent.score(queries, np.array([3, 2]))[0], [0, scores[2]])
