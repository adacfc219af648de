"""Each baseline against its formula, worked out by hand or by a slow oracle."""

import numpy as np
import pytest
from test_baselines import make_histories, make_queries

from recmodels.models.bpr_mf import BPRMF, _Table
from recmodels.models.ease import EASE
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular, RecentPopular
from recmodels.models.random_order import RandomOrder
from recmodels.models.repeat_last import RepeatLast


def random_histories(num_items, users=40, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.integers(1, num_items + 1, generator.integers(1, 9)) for _ in range(users)]


def test_random_order_is_uniform_and_differs_by_user_history_and_seed():
    queries = make_queries([[1, 2], [1, 2], [2, 1], [1, 2]], [0, 1, 0, 0])
    train = make_histories([[1], [2]])
    scores = RandomOrder(seed=0).fit(train, 5_000).score(queries)
    others = RandomOrder(seed=1).fit(train, 5_000).score(queries)
    np.testing.assert_array_equal(scores[0], scores[3])
    # Standard errors over 5,000 items: mean 0.004, correlation 0.014.
    np.testing.assert_allclose(scores.mean(axis=1), 0.5, atol=0.02)
    np.testing.assert_allclose(scores.var(axis=1), 1 / 12, atol=0.01)
    streams = np.concatenate([scores[:3], others[:1]])
    np.testing.assert_allclose(np.corrcoef(streams), np.eye(4), atol=0.06)


def test_most_popular_counts_events():
    model = MostPopular().fit(make_histories([[2, 2, 5], [1]]), 3)
    assert model.score(make_queries([[3], []])).tolist() == [[0, 1, 2, 0]] * 2


def test_recent_popular_halves_after_a_half_life():
    # Ages in days: item 1: 60 and 0, item 2: 30; half-life 30.
    # log2(2^-2 + 2^0) = log2(1.25) = 0.3219, log2(2^-1) = -1, item 3: one less than that.
    train = make_histories([[1, 2, 1]], days=[0, 30, 60])
    scores = RecentPopular(half_life=30).fit(train, 3).score(make_queries([[1]]))
    np.testing.assert_allclose(scores[0, 1:], [0.3219, -1, -2], atol=1e-4)


def test_recent_popular_distinguishes_very_old_items():
    # 2^-20000 and 2^-19999 are 0 in any float; their logarithms are not.
    train = make_histories([[1, 2, 3]], days=[0, 1, 20_000])
    scores = RecentPopular(half_life=1).fit(train, 4).score(make_queries([[]]))
    assert scores[0].tolist() == [-20_001, -20_000, -19_999, 0, -20_001]


def test_recent_popular_requires_times():
    train = make_histories([[1, 2]])
    train.columns.pop("timestamp")
    with pytest.raises(ValueError, match=r"prepare\(split, columns=\('timestamp',\)\)"):
        RecentPopular().fit(train, 2)


def test_repeat_last_lists_the_history_backwards_then_the_popular():
    # Counts: item 1 once, 4 twice, 5 never; history items by age 2 -> 0, 3 -> 1.
    model = RepeatLast().fit(make_histories([[1, 4, 4]]), 5)
    scores = model.score(make_queries([[2, 3, 2]]))
    assert scores[0, 1:].tolist() == [-0.5, 1, 0.5, 0, -1]


def test_markov_smooths_transitions_with_popularity():
    # After 1: 2 twice, 1 once; shares 4/6 and 2/6; smoothing 2.
    # (1 + 2 * 4/6) / 5 = 0.4667, (2 + 2 * 2/6) / 5 = 0.5333; after 2 nothing came: the shares.
    model = Markov(smoothing=2.0).fit(make_histories([[1, 2], [1, 2], [], [1, 1]]), 2)
    scores = model.score(make_queries([[2, 1], [1, 2]]))
    np.testing.assert_allclose(scores, [[0, 0.4667, 0.5333], [0, 4 / 6, 2 / 6]], atol=1e-4)


def test_markov_counts_only_within_a_user_and_between_neighbours():
    rows = [*random_histories(5), [3, 6, 4]]  # 6 is unknown: 3 -> 4 is no transition.
    slow = np.zeros((6, 6))
    for row in rows:
        for i, j in zip(row[:-1], row[1:], strict=True):
            if max(i, j) <= 5:
                slow[i, j] += 1
    model = Markov().fit(make_histories(rows), 5)
    np.testing.assert_array_equal(model.transitions.toarray(), slow)


def test_markov_rows_are_distributions():
    model = Markov().fit(make_histories(random_histories(5)), 5)
    scores = model.score(make_queries([[i] for i in range(1, 6)]))
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_item_knn_is_a_shrunk_cosine_with_decay():
    # Users: item 1 has 2, item 2 has 3, item 3 has 1; together (1, 2): 2, (1, 3): 0, (2, 3): 1.
    # Shrinkage 1: s(1, 2) = 2 / (sqrt(6) + 1) = 0.5798, s(2, 3) = 1 / (sqrt(3) + 1) = 0.3660.
    # History 3, 1 with decay 0.5: score(2) = 0.5798 + 0.5 * 0.3660 = 0.7628; 1 and 3 are near
    # neither and follow by popularity: 2/3 - 1, 1/3 - 1.
    model = ItemKNN(shrinkage=1.0, decay=0.5).fit(make_histories([[1, 2], [2, 1], [2, 3]]), 3)
    scores = model.score(make_queries([[3, 1]]))
    np.testing.assert_allclose(scores[0, 1:], [-1 / 3, 0.7628, -2 / 3], atol=1e-4)


@pytest.mark.parametrize("neighbours", [1, 3, 100])
def test_item_knn_does_not_depend_on_the_block_size(monkeypatch, neighbours):
    train = make_histories(random_histories(12))
    whole = ItemKNN(neighbours=neighbours).fit(train, 12).similarities.toarray()
    monkeypatch.setattr("recmodels.models.baseline._BLOCK_CELLS", 13 * 5)
    blocks = ItemKNN(neighbours=neighbours).fit(train, 12).similarities.toarray()
    np.testing.assert_array_equal(whole, blocks)
    everything = ItemKNN(neighbours=13).fit(train, 12).similarities.toarray()
    kept = np.sort(everything, axis=1)[:, ::-1][:, :neighbours].sum(axis=1)
    np.testing.assert_allclose(whole.sum(axis=1), kept, rtol=1e-5)
    assert not np.diag(whole).any()


def test_ease_equals_its_closed_form_by_hand():
    # X = [[1, 1], [1, 0]], X'X + I = [[3, 1], [1, 2]], P = [[2, -1], [-1, 3]] / 5,
    # B(1, 2) = -P(1, 2) / P(2, 2) = 1/3, B(2, 1) = 1/2.
    model = EASE(regularisation=1.0, decay=1.0).fit(make_histories([[1, 2], [1, 1]]), 2)
    expected = [[0, 0, 0], [0, 0, 1 / 3], [0, 1 / 2, 0]]
    np.testing.assert_allclose(model.weights, expected, atol=1e-6)
    scores = model.score(make_queries([[2, 1]]))
    np.testing.assert_allclose(scores, [[0, 1 / 2, 1 / 3]], atol=1e-6)


def test_ease_is_one_ridge_regression_an_item():
    rows = random_histories(7)
    x = np.zeros((len(rows), 8))
    for user, row in enumerate(rows):
        x[user, row] = 1
    model = EASE(regularisation=3.0).fit(make_histories(rows), 7)
    for item in range(1, 8):
        others = np.delete(np.arange(8), item)
        gram = x[:, others].T @ x[:, others] + 3 * np.eye(7)
        slow = np.linalg.solve(gram, x[:, others].T @ x[:, item])
        np.testing.assert_allclose(model.weights[others, item], slow, atol=1e-5)
    assert not np.diag(model.weights).any()


def test_ease_weighs_old_events_less():
    train = make_histories([[1, 2], [1, 1]])
    scores = EASE(regularisation=1.0, decay=0.5).fit(train, 2).score(make_queries([[2, 1]]))
    np.testing.assert_allclose(scores, [[0, 0.5 / 2, 1 / 3]], atol=1e-6)


def test_ease_refuses_what_does_not_fit_into_memory():
    # 2 matrices * 8 bytes * 50,000^2 = 40 GB.
    with pytest.raises(ValueError, match="40 GB.*Use ItemKNN.*Received: num_items=50000"):
        EASE().fit(make_histories([[1, 2]]), 50_000)


class Recorder:
    """A table that adds up the gradients it is given and stays where it is."""

    def __init__(self, values):
        self.values = values
        self.gradients = np.zeros_like(values)

    def climb(self, rows, gradients):
        np.add.at(self.gradients, rows, gradients)


def bpr_criterion(users, items, batch, regularisation):
    """The sum over pairs (u, i, j), one at a time; the last column of `items` is the bias."""
    total = 0.0
    for u, i, j in batch:
        margin = users[u] @ (items[i, :-1] - items[j, :-1]) + items[i, -1] - items[j, -1]
        squares = (users[u] ** 2).sum() + (items[i] ** 2).sum() + (items[j] ** 2).sum()
        total += np.log(1 / (1 + np.exp(-margin))) - regularisation / 2 * squares
    return total


def test_bpr_climbs_the_gradient_of_its_criterion():
    generator = np.random.default_rng(0)
    tables = [Recorder(generator.normal(size=(2, 2))), Recorder(generator.normal(size=(5, 3)))]
    batch = np.array([[0, 1, 2], [1, 3, 1], [0, 1, 4]])
    BPRMF(width=2, regularisation=0.3)._step(*tables, *batch.T)
    for table in tables:
        for cell in np.ndindex(table.values.shape):
            here = table.values[cell]
            table.values[cell] = here + 1e-5
            above = bpr_criterion(tables[0].values, tables[1].values, batch, 0.3)
            table.values[cell] = here - 1e-5
            below = bpr_criterion(tables[0].values, tables[1].values, batch, 0.3)
            table.values[cell] = here
            assert table.gradients[cell] == pytest.approx((above - below) / 2e-5, abs=1e-6)


def test_adagrad_adds_gradients_of_equal_rows_before_the_update():
    # Row 1: gradient 1 + 2 = 3, step 0.5 * 3 / sqrt(9) = 0.5; then 4: 0.5 * 4 / sqrt(25) = 0.4.
    table = _Table(np.zeros((3, 1)), learning_rate=0.5)
    table.climb(np.array([1, 2, 1]), np.array([[1.0], [-5.0], [2.0]], np.float32))
    table.climb(np.array([1]), np.array([[4.0]], np.float32))
    np.testing.assert_allclose(table.values, [[0], [0.9], [-0.5]], rtol=1e-5)


def test_bpr_draws_only_what_the_user_has_not_done():
    users = np.repeat([0, 1], 300)
    done = np.sort([0 * 5 + 1, 0 * 5 + 2, 1 * 5 + 1, 1 * 5 + 3])  # V = 4
    model = BPRMF()
    model.num_items = 4
    drawn = model._draw_undone(users, done, np.random.default_rng(0))
    assert set(drawn[:300]) == {3, 4} and set(drawn[300:]) == {2, 4}


def test_bpr_survives_a_user_who_did_everything():
    model = BPRMF(width=2, epochs=1).fit(make_histories([[1, 2], [1]]), 2)
    assert np.isfinite(model.score(make_queries([[1, 2]], [0]))).all()


def two_tastes():
    """Even users like items 1..8, odd users 9..16, each six of them."""
    generator = np.random.default_rng(0)
    return [generator.permutation(8)[:6] + 1 + 8 * (user % 2) for user in range(40)]


def test_bpr_learns_taste_and_passes_it_to_newcomers():
    rows = two_tastes()
    model = BPRMF(width=4, epochs=30, batch_size=32).fit(make_histories(rows), 16)
    known = model.score(make_queries(rows, range(40)))[:, 1:]
    assert (known[::2, :8].min(axis=1) > known[::2, 8:].max(axis=1)).mean() > 0.9
    newcomer = model.score(make_queries([[10, 12, 15]]))[0, 1:]
    assert newcomer[8:].min() > newcomer[:8].max()


def test_bpr_scores_newcomers_by_the_mean_of_their_items():
    model = BPRMF(width=3, epochs=1).fit(make_histories(two_tastes()), 16)
    mean = (model.item_vectors[2] + model.item_vectors[5]) / 2
    expected = model.item_vectors @ mean + model.item_bias
    scores = model.score(make_queries([[5, 2, 5], []]))
    np.testing.assert_allclose(scores[0], expected, rtol=1e-4)
    np.testing.assert_allclose(scores[1], model.item_bias, rtol=1e-6)


def test_another_seed_gives_other_vectors():
    train = make_histories(two_tastes())
    first, second = (BPRMF(width=2, epochs=1, seed=s).fit(train, 16) for s in (0, 1))
    assert np.abs(first.user_vectors - second.user_vectors).max() > 0.01


def test_ease_weighs_users_and_thinks_items_away():
    lists = [[1, 2, 3, 4], [1, 2], [3], [2, 4, 3]]
    train = make_histories(lists)
    X = np.array([[float(item in row) for item in range(1, 5)] for row in lists])
    weights = (X.sum(axis=1) / X.sum(axis=1).mean()) ** -0.5
    gram = (X * weights[:, None]).T @ (X * weights[:, None])
    # A quarter thought away adds a third of the diagonal.
    P = np.linalg.inv(gram + np.diag(2.0 + np.diag(gram) / 3))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    options = {"regularisation": 2.0, "decay": 1.0, "user_power": 0.5, "dropout": 0.25}
    queries = {"item_ids": np.array([[0, 1, 3]]), "user_ids": np.array([-1])}
    found = EASE(**options).fit(train, 4).score(queries)[0, 1:]
    np.testing.assert_allclose(found, B[0] + B[2], rtol=1e-5)
    silent = EASE(**options, score_seen=False).fit(train, 4)
    expected = np.where([True, False, True, False], 0, B[0] + B[2])
    np.testing.assert_allclose(silent.score(queries)[0, 1:], expected, rtol=1e-5)
    np.testing.assert_allclose(silent.score(queries, np.array([3, 2]))[0], expected[[2, 1]])
    with pytest.raises(ValueError, match="`dropout`"):
        EASE(dropout=1.0)
