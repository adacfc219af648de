"""What every baseline promises, and what each learns from a chain with a known ceiling."""

import copy
import functools

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ranking import rank
from recmodels.features.histories import Histories
from recmodels.features.sequences import prepare
from recmodels.models.baseline import history_matrix, known_events, user_item_matrix
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.hybrid import Hybrid
from recmodels.models.implicit_als import ImplicitALS
from recmodels.models.item_knn import ItemKNN
from recmodels.models.item_vectors import GloVe, Item2Vec
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular, RecentPopular
from recmodels.models.random_order import RandomOrder
from recmodels.models.repeat_last import RepeatLast
from recmodels.models.transition import Transitions
from recmodels.models.user_knn import UserKNN

V = 6
HISTORIES = [[1, 2, 3], [2, 3, 7, 4], [1, 2, 2, 5], [], [5, 1, 2, 3, 4]]  # 7 = V + 1: unknown

MODELS = {
    "random": lambda: RandomOrder(seed=3),
    "popular": MostPopular,
    "recent": lambda: RecentPopular(half_life=2.0),
    "repeat": RepeatLast,
    "markov": lambda: Markov(smoothing=0.5),
    "transitions": lambda: Transitions(depth=3, decay=0.5, backoff=0.5),
    "knn": lambda: ItemKNN(neighbours=3, shrinkage=1.0, decay=0.8),
    "ease": lambda: EASE(regularisation=2.0, decay=0.8),
    "als": lambda: ImplicitALS(width=3, epochs=2),
    "user-knn": lambda: UserKNN(neighbours=3, shrinkage=1.0, decay=0.8),
    "content": lambda num_items=V: Content([f"w{i // 2} w{i % 2}" for i in range(num_items)]),
    "hybrid": lambda: Hybrid([Markov(), EASE(2.0)], [1.0, 0.5]),
    "bpr": lambda: BPRMF(width=3, epochs=3, batch_size=64, seed=1),
    "item2vec": lambda: Item2Vec(width=3, epochs=1, seed=1),
    "glove": lambda: GloVe(width=3, epochs=1, seed=1),
}
every_model = pytest.mark.parametrize("name", MODELS)


def make_histories(rows, days=None):
    offsets = np.cumsum([0] + [len(row) for row in rows])
    items = np.array([item for row in rows for item in row], np.int32)
    days = np.arange(len(items)) if days is None else np.array(days)
    return Histories(np.arange(len(rows)), items, offsets, {"timestamp": days * 86_400})


def make_queries(rows, user_ids=None):
    length = max(1, max(len(row) for row in rows))
    item_ids = np.array([[0] * (length - len(row)) + list(row) for row in rows], np.int32)
    user_ids = [-1] * len(rows) if user_ids is None else user_ids
    return {"item_ids": item_ids, "user_ids": np.array(user_ids, np.int32)}


@functools.cache
def fitted_once(name):
    return MODELS[name]().fit(make_histories(HISTORIES), V)


def fitted(name):
    return copy.deepcopy(fitted_once(name))  # Some are trained by Keras, which takes a second.


QUERIES = make_queries([[1, 2], [], [4, 7, 5, 1], [7], [6], [3, 1]], [0, -1, 4, -1, -1, 3])


@every_model
def test_scores_every_item_in_float32(name):
    scores = fitted(name).score(QUERIES)
    assert scores.shape == (6, V + 1) and scores.dtype == np.float32
    assert np.isfinite(scores).all()


@every_model
def test_a_chunk_of_the_catalogue_is_those_columns(name):
    model = fitted(name)
    items = np.array([5, 1, 5])
    np.testing.assert_allclose(
        model.score(QUERIES, items), model.score(QUERIES)[:, items], rtol=1e-6
    )


@every_model
def test_more_padding_changes_nothing(name):
    model = fitted(name)
    longer = QUERIES | {"item_ids": np.pad(QUERIES["item_ids"], ((0, 0), (3, 0)))}
    np.testing.assert_array_equal(model.score(QUERIES), model.score(longer))


@every_model
def test_the_rest_of_the_batch_changes_nothing(name):
    model = fitted(name)
    together = model.score(QUERIES)
    for row in range(len(together)):
        alone = model.score({key: values[row : row + 1] for key, values in QUERIES.items()})
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-6, atol=1e-7)


@every_model
def test_unknown_items_are_ignored(name):
    model = fitted(name)
    without = model.score(make_queries([[1, 2], [], [3, 5]]))
    with_unknown = model.score(make_queries([[7, 1, 7, 2, 7], [7, 7], [3, 8, 5]]))
    np.testing.assert_array_equal(without, with_unknown)


@every_model
def test_fitting_twice_gives_the_same_scores(name):
    model = fitted(name)
    first = model.score(QUERIES)
    again = model.fit(make_histories([[6, 6]] * 5), V).fit(make_histories(HISTORIES), V)
    assert again is model
    np.testing.assert_array_equal(first, again.score(QUERIES))


@every_model
def test_writing_into_scores_or_queries_changes_no_other_result(name):
    model = fitted(name)
    queries = {key: values.copy() for key, values in QUERIES.items()}
    first = model.score(queries)
    expected = first.copy()
    first[:] = -1
    np.testing.assert_array_equal(model.score(queries), expected)
    assert all(np.array_equal(queries[key], QUERIES[key]) for key in QUERIES)


@every_model
def test_says_what_to_do_before_fit(name):
    with pytest.raises(ValueError, match="`score` needs a fitted model: call `fit"):
        MODELS[name]().score(QUERIES)


@every_model
def test_refuses_training_data_without_items(name):
    with pytest.raises(ValueError, match="`train` holds no item of the catalogue"):
        MODELS[name]().fit(make_histories([[], [7]]), V)


@pytest.mark.parametrize(
    "name", ["popular", "repeat", "markov", "knn", "ease", "als", "user-knn", "content", "hybrid"]
)
def test_an_empty_history_gets_the_popular_items(name):
    scores = fitted(name).score(make_queries([[]]))[0, 1:]
    counts = np.array([3, 5, 3, 2, 2, 0])  # of items 1..6 in HISTORIES
    assert (
        np.sign(np.subtract.outer(scores, scores)) == np.sign(np.subtract.outer(counts, counts))
    ).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RecentPopular(half_life=0), "`half_life` must .* Received: half_life=0"),
        (lambda: Markov(smoothing=0), "`smoothing` must .* Received: smoothing=0"),
        (lambda: ItemKNN(neighbours=0), "`neighbours` must .* Received: neighbours=0"),
        (lambda: ItemKNN(shrinkage=-1), "`shrinkage` must .* Received: shrinkage=-1"),
        (lambda: ItemKNN(decay=0), "`decay` must .* Received: decay=0"),
        (lambda: ImplicitALS(width=0), "`width` must be positive. Received: width=0"),
        (lambda: ImplicitALS(unseen_weight=-1.0), "`unseen_weight` must .* Received: .*=-1.0"),
        (lambda: EASE(decay=1.5), "`decay` must .* Received: decay=1.5"),
        (lambda: EASE(regularisation=0), "`regularisation` must .* Received: regularisation=0"),
    ],
)
def test_refuses_impossible_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_ages_count_known_events_from_the_newest():
    rows, items, ages = known_events(np.array([[0, 4, 7, 2], [0, 0, 0, 0], [3, 3, 8, 9]]), V)
    assert rows.tolist() == [0, 0, 2, 2]
    assert items.tolist() == [4, 2, 3, 3]
    assert ages.tolist() == [1, 0, 1, 0]


def test_history_matrix_weighs_the_latest_event_of_an_item():
    # Row 0: item 2 last at age 0, item 3 at age 1; row 1: item 1 at 0, 2 at 1, 3 at 2.
    item_ids = np.array([[0, 2, 3, 2], [3, 2, 7, 1]])
    expected = [[0, 0, 1, 0.5], [0, 1, 0.5, 0.25]]
    np.testing.assert_allclose(history_matrix(item_ids, 3, decay=0.5).toarray(), expected)


def test_user_item_matrix_holds_each_pair_once():
    matrix = user_item_matrix(make_histories([[2, 2, 4], [], [3, 1]]), 3)
    assert matrix.toarray().tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1]]


def chain(noise, num_items=30, users=150, length=14):
    """Each item is followed by one successor, or with chance `noise` by any item."""
    generator = np.random.default_rng(0)
    successor = generator.permutation(num_items)
    walk = generator.integers(0, num_items, (users, length))
    for step in range(1, length):
        follows = generator.random(users) >= noise
        walk[follows, step] = successor[walk[follows, step - 1]]
    frame = pd.DataFrame({"user": np.repeat(np.arange(users), length), "item": walk.ravel()})
    return prepare(leave_one_out(Interactions(frame, order="ordered", name="chain")))


def hit_rate(model, data, k):
    model.fit(data.train, data.num_items)
    return (rank(model, data.test, filter_seen=False).ranks <= k).mean()


def test_markov_reaches_the_ceiling_of_a_chain():
    assert hit_rate(Markov(), chain(noise=0.0), k=1) == 1.0


def test_markov_is_near_the_ceiling_of_a_noisy_chain():
    # Ceiling 0.8 + 0.2 / 30 = 0.807; one standard error over 150 users is 0.032.
    assert 0.71 < hit_rate(Markov(), chain(noise=0.2), k=1) < 0.90


@pytest.mark.parametrize("name", [name for name in MODELS if name != "recent"])  # No times.
def test_nothing_beats_chance_on_pure_noise(name):
    # Chance at 10 of 30 is 0.333; one standard error over 150 users is 0.038.
    model = MODELS[name](num_items=30) if name == "content" else MODELS[name]()
    assert 0.20 < hit_rate(model, chain(noise=1.0), k=10) < 0.46


def test_without_order_a_chain_is_noise():
    assert hit_rate(MostPopular(), chain(noise=0.0), k=1) < 0.15
