"""Item2vec and GloVe against closed forms, on planted clusters, and as initial item tables."""

import numpy as np
import pytest
from harness import make_histories, to_numpy, value_and_gradients

from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.models.initial_items import initialise_items
from recmodels.models.item_vectors import GloVe, Item2Vec, cooccurrences
from recmodels.models.popularity import MostPopular
from recmodels.models.sasrec import SASRec
from recmodels.models.word_vectors import (
    CellBatches,
    GloVeCells,
    PairBatches,
    SkipGram,
    glove_loss,
    pairs_within,
    skip_gram_loss,
)

GROUPS, GROUP_SIZE = 4, 5
V = GROUPS * GROUP_SIZE


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def clustered_histories(num_users=300, length=12):
    """Users who stay in one group of five items; item i belongs to group (i - 1) modulo 4."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, GROUPS, num_users)[:, None]
    items = 1 + group + GROUPS * rng.integers(0, GROUP_SIZE, (num_users, length))
    return make_histories(items.tolist())


def purity(model):
    """Share of the four nearest neighbours that belong to the group of the item."""
    near = [model.most_similar(item, GROUP_SIZE - 1)[0] for item in range(1, V + 1)]
    same = [(items - item) % GROUPS == 0 for item, items in enumerate(near, 1)]
    return np.mean(same)


def test_skip_gram_loss_and_gradient_are_the_closed_form():
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    value, (gradient,) = value_and_gradients(skip_gram_loss, logits)
    by_hand = -np.log(sigmoid(logits[:, 0])) - np.log(sigmoid(-logits[:, 1:])).sum(axis=1)
    assert value == pytest.approx(by_hand.mean(), rel=1e-5)
    # d/dl softplus(-l) = sigmoid(l) - 1 and d/dl softplus(l) = sigmoid(l), over three pairs.
    expected = (sigmoid(logits) - np.eye(4)[[0, 0, 0]]) / 3
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_skip_gram_vectors_get_the_gradient_of_their_pairs():
    # One pair (1, 2) with the drawn item 3: the gradient of c is sum over contexts of
    # (sigmoid(c . o_k) - [k true]) o_k, and that of o_k the same error times c.
    model = SkipGram(num_items=3, width=2, seed=0)
    model.build()
    c, o = to_numpy(model.centres), to_numpy(model.contexts)
    errors = sigmoid(o[[2, 3]] @ c[1]) - [1, 0]

    def loss(centre, contexts):
        return skip_gram_loss((contexts @ centre[:, None])[None, :, 0])

    _, (of_centre, of_contexts) = value_and_gradients(loss, c[1], o[[2, 3]])
    np.testing.assert_allclose(of_centre, errors @ o[[2, 3]], atol=1e-6)
    np.testing.assert_allclose(of_contexts, errors[:, None] * c[1], atol=1e-6)
    logits = model({"centres": np.array([1]), "contexts": np.array([[2, 3]])})
    np.testing.assert_allclose(to_numpy(logits)[0], o[[2, 3]] @ c[1], atol=1e-6)


def test_glove_loss_and_gradient_are_the_closed_form():
    predicted = np.array([0.5, 1.0, 2.0], np.float32)
    counts = np.array([1.0, 4.0, 20.0], np.float32)
    value, gradients = value_and_gradients(lambda p, x: glove_loss(p, x, 10.0), predicted, counts)
    # f = (1 / 10)^0.75, (4 / 10)^0.75 and, beyond 10, 1.
    weights = np.array([0.1**0.75, 0.4**0.75, 1.0])
    errors = predicted - np.log(counts)
    assert value == pytest.approx((weights * errors**2).mean(), rel=1e-5)
    np.testing.assert_allclose(gradients[0], 2 * weights * errors / 3, rtol=1e-5)


def test_glove_reproduces_log_counts_of_known_rank():
    # log X = a b' + r + s has rank 1 besides biases, so that two features leave no error.
    rng = np.random.default_rng(0)
    size = 12
    a, b = rng.normal(size=(2, size, 1))
    logs = a @ b.T + rng.normal(size=(size, 1)) + rng.normal(size=(1, size))
    rows, columns = (1 + axis.ravel().astype(np.int32) for axis in np.indices((size, size)))
    model = GloVeCells(1e-6, num_items=size, width=2, seed=0)
    model.build()
    model.compile("adam", jit_compile=False)
    model.optimizer.learning_rate = 0.05
    counts = np.exp(logs).ravel().astype(np.float32)
    every = (np.tile(part, 400) for part in (rows, columns, counts))  # 400 passes in one epoch.
    model.fit(CellBatches(*every, 144, seed=0), verbose=0)
    predicted = to_numpy(model({"centres": rows, "contexts": columns}))
    np.testing.assert_allclose(predicted, logs.ravel(), atol=0.05)


def test_pairs_and_cooccurrences_equal_a_loop():
    lists = [[1, 2, 3, 1], [4], [2, 2]]
    expected, pairs = np.zeros((5, 5)), []
    for row in lists:
        for i, first in enumerate(row):
            for j, second in enumerate(row):
                if 0 < abs(i - j) <= 2:
                    expected[first, second] += 1 / abs(i - j)
                    pairs.append((first, second, abs(i - j)))
    items, users = np.concatenate(lists), np.repeat([0, 1, 2], [4, 1, 2])
    assert sorted(zip(*pairs_within(items, users, 2), strict=True)) == sorted(pairs)
    found = cooccurrences(make_histories(lists), 4, 2).toarray()
    np.testing.assert_allclose(found, expected)


def test_contexts_are_drawn_by_count_to_the_power_of_three_quarters():
    items, users = np.repeat([1, 2, 3], [160, 80, 20]).astype(np.int32), np.zeros(260, int)
    batches = PairBatches(items, users, 3, 5, 20, 1.0, 4096, seed=0)
    drawn = batches[0][0]["contexts"][:, 1:]
    expected = np.array([160, 80, 20]) ** 0.75
    shares = np.bincount(drawn.ravel(), minlength=4)[1:] / drawn.size
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.01)


def test_frequent_items_are_left_out_by_their_share():
    # Item 1 has 0.9 of the events: sqrt(0.1 / 0.9) = 1 / 3 of them are kept, all of item 2.
    items = np.where(np.arange(5000) % 10 == 0, 2, 1).astype(np.int32)
    batches = PairBatches(items, np.zeros(5000, int), 2, 1, 1, 0.1, 10**6, seed=0)
    kept = np.bincount(batches.centres, minlength=3)[1:] / 2  # Each event is in two pairs.
    np.testing.assert_allclose(kept / [4500, 500], [1 / 3, 1], atol=0.03)


@pytest.mark.parametrize("kind", [Item2Vec, GloVe])
def test_planted_clusters_are_recovered(kind):
    options = {"subsample": 1.0, "epochs": 2} if kind is Item2Vec else {"epochs": 8}
    model = kind(width=8, batch_size=256 if kind is Item2Vec else 8, learning_rate=0.05, **options)
    model.fit(clustered_histories(), V + 1)  # Item 21 is in no history.
    assert purity(model) > 0.95  # Chance is 4 / 19.
    assert not model.vectors[[0, V + 1]].any()
    scores = model.score({"item_ids": np.array([[0, 1, 5, V + 2]], np.int32)})[0]
    best = np.argsort(-scores[1:])[:3] + 1
    assert sorted(best) == [9, 13, 17]  # The others of the group, without those of the history.


def test_equal_seeds_give_equal_vectors():
    fitted = [
        Item2Vec(width=4, epochs=1, seed=seed).fit(clustered_histories(9), V) for seed in (0, 0, 1)
    ]
    np.testing.assert_allclose(fitted[0].vectors, fitted[1].vectors, atol=1e-6)
    assert np.abs(fitted[0].vectors - fitted[2].vectors).max() > 1e-3


@pytest.mark.parametrize("kind", [Item2Vec, GloVe])
@pytest.mark.parametrize(
    "options", [{"width": 0}, {"window": 0}, {"decay": 0.0}, {"learning_rate": -1.0}]
)
def test_bad_options_are_refused(kind, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
        kind(**options).fit(clustered_histories(10), V)


def test_items_without_events_have_no_neighbours():
    model = GloVe(width=2, epochs=1).fit(make_histories([[1, 2]]), 3)
    with pytest.raises(ValueError, match="`item` must have training events"):
        model.most_similar(3)
    assert model.most_similar(1, k=9)[0].tolist() == [2]
    with pytest.raises(ValueError, match="two known items"):
        GloVe(width=2).fit(make_histories([[1], [2]]), 3)


def test_initial_items_are_white_and_padding_stays_zero():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(41, 10)) @ rng.normal(size=(10, 10))
    vectors[7] = 0  # No vector: this item keeps its initial one.
    model = SASRec(40, max_length=5, width=6)
    model.build()
    before = to_numpy(model.item_embedding.table)
    initialise_items(model, vectors)
    table = to_numpy(model.item_embedding.table)
    assert not table[0].any()
    np.testing.assert_array_equal(table[[7, 41, 42]], before[[7, 41, 42]])
    known = np.delete(table[1:41], 6, axis=0)
    np.testing.assert_allclose(known.T @ known / 39, 0.02**2 * np.eye(6), atol=1e-9)
    states = to_numpy(model({"item_ids": np.array([[0, 0, 1, 2, 3]])}))
    longer = to_numpy(model({"item_ids": np.array([[0, 1, 2, 3]])}))
    np.testing.assert_allclose(states[:, -1], longer[:, -1], atol=1e-5)


def test_without_whitening_distances_are_kept():
    vectors = np.random.default_rng(0).normal(size=(9, 3)) * [5, 2, 1]
    model = SASRec(8, max_length=5, width=4)
    initialise_items(model, vectors, whiten=False)
    table = to_numpy(model.item_embedding.table)[1:9, :3]

    def distances(x):
        return np.linalg.norm(x[:, None] - x[None], axis=2)

    ratio = distances(table)[0, 1:] / distances(vectors[1:])[0, 1:]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_bad_initial_vectors_are_refused():
    model = SASRec(8, max_length=5, width=4)
    for vectors in (np.ones((8, 3)), np.ones(9), np.full((9, 2), np.nan)):
        with pytest.raises(ValueError, match="`vectors` must have 9 rows"):
            initialise_items(model, vectors)
    with pytest.raises(ValueError, match="not be all 0"):
        initialise_items(model, np.zeros((9, 2)))
    with pytest.raises(ValueError, match="must differ between items"):
        initialise_items(model, np.ones((9, 2)))
    for wrong in ("tea", [["tea"]] * 9, [[1], [1, 2]], {"tea": 1}, None):
        with pytest.raises(ValueError, match="`vectors` must have 9 rows.*Received: "):
            initialise_items(model, wrong)
    with pytest.raises(ValueError, match="`whiten` must be True or False"):
        initialise_items(model, np.ones((9, 2)), whiten="no")


def test_a_model_without_a_table_of_items_gets_no_initial_vectors():
    vectors = np.random.default_rng(0).normal(size=(9, 2))
    for model in (None, MostPopular(), SASRec, SASRec()):
        with pytest.raises(ValueError, match="`model` must be a sequence encoder with items"):
            initialise_items(model, vectors)
    content = SASRec(8, item_columns={"text": {"numbers": 3}}, id_vectors=False)
    tokens = SASRec(8, max_length=4, width=4, num_blocks=1)
    tokens.item_embedding = TokenEmbedding(12, range(1, 9), 4)
    for model in (content, tokens):
        with pytest.raises(ValueError, match="`model` must have id vectors of its items"):
            initialise_items(model, vectors)
