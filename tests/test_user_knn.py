import numpy as np
import pytest
from test_baseline_formulas import random_histories
from test_baselines import make_histories, make_queries

from recmodels.models.user_knn import UserKNN


def slow_scores(rows, query, user, num_items, neighbours, shrinkage, decay):
    """One pair of users after the other; the history must not repeat an item."""
    weight = {item: decay**age for age, item in enumerate(reversed(query))}
    similar = []
    for v, row in enumerate(rows):
        together = sum(weight.get(item, 0) for item in set(row))
        length = np.sqrt(sum(w**2 for w in weight.values())) * np.sqrt(len(set(row)))
        similar.append(0 if v == user else together / (length + shrinkage))
    scores = np.zeros(num_items + 1)
    for v in np.argsort(similar)[::-1][:neighbours]:
        for item in set(rows[v]):
            scores[item] += similar[v]
    return scores


def test_user_knn_by_hand():
    # History 3, 1 with decay 0.5: x = (1, 0, 0.5), |x| = sqrt(1.25) = 1.1180; shrinkage 1.
    # [1, 2]: 1 / (1.1180 * sqrt(2) + 1) = 0.3874; [2, 3, 4]: 0.5 / (1.1180 * sqrt(3) + 1) = 0.1703;
    # [4]: 0. Score of 2: 0.5577, 1: 0.3874, 3 and 4: 0.1703; 5, done by nobody near: 0/2 - 1.
    model = UserKNN(shrinkage=1.0, decay=0.5)
    model.fit(make_histories([[1, 2], [2, 3, 4], [4, 4]]), 5)
    scores = model.score(make_queries([[3, 1]]))
    np.testing.assert_allclose(scores[0, 1:], [0.3874, 0.5577, 0.1703, 0.1703, -1], atol=1e-4)


@pytest.mark.parametrize("neighbours", [3, 1000])
@pytest.mark.parametrize("user", [-1, 4])
def test_user_knn_equals_the_slow_way(neighbours, user):
    rows = random_histories(30, users=20)
    model = UserKNN(neighbours, shrinkage=0.7, decay=0.6).fit(make_histories(rows), 30)
    query = [4, 17, 9, 25, 11]
    slow = slow_scores(rows, query, user, 30, neighbours, 0.7, 0.6)
    found = model.score(make_queries([query], [user]))[0]
    assert (slow > 0).any()
    np.testing.assert_allclose(np.where(found > 0, found, 0), slow, rtol=1e-5)


def test_users_are_no_neighbours_of_their_own():
    rows = [[1, 2, 3], [1, 4], [5, 6]]
    model = UserKNN(neighbours=1).fit(make_histories(rows), 6)
    near = model.nearest(make_queries([rows[0], rows[0]], [0, -1])).toarray()
    assert near[0].nonzero()[0].tolist() == [1] and near[1].nonzero()[0].tolist() == [0]


@pytest.mark.parametrize("option, value", [("neighbours", 0), ("shrinkage", -1), ("decay", 1.2)])
def test_refuses_impossible_arguments(option, value):
    with pytest.raises(ValueError, match=f"`{option}` must .* Received: {option}={value}"):
        UserKNN(**{option: value})
