"""Similarities of items whose weights are trained with an encoder."""

import keras
import numpy as np
import pytest
from harness import check_causal, check_padding, make_histories, make_log, to_numpy

import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.layers.item_similarities import ItemSimilarities
from recmodels.models.capabilities import HasVectors, can
from recmodels.models.similar_items import (
    SimilarItems,
    similar_texts,
    similar_users,
    similar_vectors,
)
from recmodels.models.with_similarities import WithSimilarities
from recmodels.recommend.export import export_saved_model
from recmodels.tasks.next_item import NextItem

V, L, D, A = 10, 6, 4, 2
IDS = np.array([[0, 0, 3, 1, 2], [4, 10, 6, 7, 8]], np.int32)
RANDOM = np.random.default_rng(1).normal(size=(V + 1, 3))
HISTORIES = [[1, 2, 3], [1, 2], [2, 1, 4], [5, 6, 7, 8, 9, 10]]


def make(kinds=("vectors", "users"), base=None, **options):
    keras.utils.set_random_seed(0)
    base = base or rm.SASRec(V, max_length=L, width=D, num_blocks=1, dropout=0.0)
    model = WithSimilarities(base, kinds, num_neighbours=4, num_events=A, **options)
    given = {
        "vectors": similar_vectors(RANDOM),
        "users": similar_users(make_histories(HISTORIES), V, shrinkage=1.0),
    }
    model.adapt({kind: given[kind] for kind in kinds})
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make()


def expected_scores(model, latest, without=()):
    """Sum of weights and similarities of each item to some latest events, newest first."""
    layer, scores = model.similarities, np.zeros(V + 1)
    near, strength, own = map(to_numpy, (layer.neighbours, layer.strengths, layer.own))
    weights = to_numpy(layer.weight)
    for kind in range(len(model.kinds)):
        for age, item in enumerate(latest):
            for place, other in enumerate(near[kind, item]):
                value = strength[kind, item, place]
                if other in without:
                    value -= own[kind, item, place]
                scores[other] += weights[kind, age] * value
    return scores


@pytest.mark.backends
def test_a_layer_adds_weighted_similarities():
    layer = ItemSimilarities(num_items=3, num_neighbours=2, num_events=2, initial_weight=2.0)
    layer.build()
    near = np.array([[[0, 0], [2, 3], [1, 0], [1, 0]]])
    strengths = np.array([[[0, 0], [0.5, 0.25], [1.0, 0], [0.75, 0]]])
    layer.adapt(near, strengths, own=strengths / 2)
    # Item 1 is the latest with weight 2, item 3 the one before with weight 1.
    found = to_numpy(layer(np.array([[1, 3], [0, 0]], np.int32)))
    np.testing.assert_allclose(found, [[0, 0.75, 1.0, 0.5], [0, 0, 0, 0]])
    # The own user's half is taken off the items of the user alone.
    found = to_numpy(layer(np.array([[1, 3]], np.int32), of_user=np.array([[0, 2]], np.int32)))
    np.testing.assert_allclose(found, [[0, 0.75, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("near", "strengths", "message"),
    [
        (np.zeros((1, 4, 3), int), np.zeros((1, 4, 2)), "`neighbours` must be"),
        (np.zeros((1, 4, 2), int), np.full((1, 4, 2), np.nan), "`strengths` must be"),
        (np.full((1, 4, 2), 4), np.zeros((1, 4, 2)), "item ids from 0 to 3"),
    ],
)
def test_a_layer_refuses_other_arrays(near, strengths, message):
    layer = ItemSimilarities(num_items=3, num_neighbours=2)
    layer.build()
    with pytest.raises(ValueError, match=message):
        layer.adapt(near, strengths)


def test_similar_users_are_those_of_item_knn_and_one_user_can_be_taken_off():
    # Items 1 and 2 have three users in common, of three each; 1 and 3 have one of one.
    found = similar_users(make_histories(HISTORIES), V, shrinkage=1.0)
    values, own = found.values.toarray(), found.own.toarray()
    np.testing.assert_allclose(values[1, 2], 2 * 3 / (3 + 1))
    np.testing.assert_allclose(values[1, 3], 2 * 1 / (np.sqrt(3) + 1))
    # Without one of the users two remain, of two each; of items 1 and 3 none remains.
    np.testing.assert_allclose(values[1, 2] - own[1, 2], 2 * 2 / (2 + 1), rtol=1e-6)
    np.testing.assert_allclose(values[1, 3] - own[1, 3], 0, atol=1e-6)
    for row in range(V + 1):
        assert values[row, row] == 0
    counted = similar_users(make_histories([[1, 2], [2, 1, 4]]), V, shrinkage=1.0).values.toarray()
    rest = similar_users(make_histories([[1, 2, 3], [1, 2], [2, 1, 4]]), V, shrinkage=1.0)
    less = rest.values.toarray() - rest.own.toarray()
    np.testing.assert_allclose(less[1, 2], counted[1, 2], rtol=1e-6)


def test_similar_texts_are_cosines_of_their_words():
    found = similar_texts(["green tea", "tea cup", None, "lamp"]).values.toarray()
    # As in the example of `Content`: tea occurs in two of the texts.
    content = rm.Content(["green tea", "tea cup", None, "lamp"]).text_vectors().toarray()
    np.testing.assert_allclose(found[1, 2], content[1] @ content[2], rtol=1e-6)
    assert 0 < found[1, 2] < 1 and not found[3].any() and not found[4].any()
    assert not np.diag(found).any()


def test_similar_vectors_are_the_largest_cosines():
    found = similar_vectors(RANDOM, keep=3).values.toarray()
    rows = RANDOM.copy()
    rows[0] = 0
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, 0)
    for row in range(1, V + 1):
        best = np.argsort(-cosines[row])[:3]
        best = best[cosines[row, best] > 0]
        np.testing.assert_allclose(found[row, best], cosines[row, best], atol=1e-6)
        assert np.count_nonzero(found[row]) == len(best)


@pytest.mark.parametrize("vectors", [np.zeros((4, 2)), np.full((4, 2), np.inf), np.ones(4)])
def test_similar_vectors_need_a_finite_matrix(vectors):
    with pytest.raises(ValueError, match="`vectors` must be a finite matrix"):
        similar_vectors(vectors)


@pytest.mark.backends
def test_never_looks_ahead_and_padding_changes_nothing(model):
    def encode(ids):
        return model({"item_ids": ids})

    assert tuple(encode(IDS).shape) == (2, 5, D + A)
    check_causal(encode, IDS[1:], V)
    check_padding(encode, IDS, pad=1)


@pytest.mark.backends
def test_scores_are_those_of_the_encoder_and_of_the_similarities(model):
    scores = model.score({"item_ids": IDS})
    base = model.base.score({"item_ids": IDS})
    for row, latest in enumerate(([2, 1], [8, 7])):
        expected = base[row] + expected_scores(model, latest)
        np.testing.assert_allclose(scores[row, 1:], expected[1:], atol=1e-5)
    some = np.array([7, 2, 9])
    found = model.score({"item_ids": IDS}, some)
    np.testing.assert_allclose(found, scores[:, some], atol=1e-5)
    short = model.score({"item_ids": IDS[:1, -1:]})  # Fewer events than are compared.
    expected = model.base.score({"item_ids": IDS[:1, -1:]})[0] + expected_scores(model, [2])
    np.testing.assert_allclose(short[0, 1:], expected[1:], atol=1e-5)


@pytest.mark.backends
def test_the_loss_leaves_out_what_the_own_user_adds(model):
    task = NextItem(model)
    inputs, targets, weights = NextItemBatches(make_histories(HISTORIES), L, 4, seed=0)[0]
    states = task(inputs)
    found = float(to_numpy(task.compute_loss(inputs, targets, states, weights)))
    table, lost = to_numpy(model.base.catalogue()), []
    places = inputs["positions"][weights > 0]
    states = to_numpy(states).reshape(-1, D + A)[places]
    rows = inputs["item_ids"][places // inputs["item_ids"].shape[1]]
    for state, row, target in zip(states, rows, targets[weights > 0], strict=True):
        logits = table @ state[:D]
        of_user = {*row, target}
        logits = logits + expected_scores(model, state[D:].astype(int), without=of_user)[1:]
        lost.append(np.logaddexp.reduce(logits) - logits[target - 1])
    np.testing.assert_allclose(found, np.mean(lost), rtol=1e-5)


def ring(users=120, length=8, items=12):
    """Item i is followed by item i + 1, from any start."""
    return make_log([[(user + place) % items + 1 for place in range(length)]
                     for user in range(users)])  # fmt: skip


def test_a_training_reaches_the_ceiling_and_survives_a_file(tmp_path):
    data = rm.prepare(rm.leave_one_out(ring()), protocol=rm.Protocol(filter_seen=False))
    base = rm.SASRec(data.num_items, max_length=8, width=16, num_blocks=1, dropout=0.1)
    model = WithSimilarities(base, ["users"])
    model.adapt({"users": similar_users(data.train, data.num_items)})
    before = to_numpy(model.similarities.weight)
    rm.fit(model, data, epochs=30, learning_rate=1e-2, verbose=False)
    assert rm.evaluate(model, data.test).metrics["ndcg@10"] > 0.98
    assert np.abs(to_numpy(model.similarities.weight) - before).max() > 0.05
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    queries = {"item_ids": IDS}
    np.testing.assert_array_equal(loaded.score(queries), model.score(queries))
    assert loaded.adapted


def test_what_similarities_explain_an_encoder_need_not_learn():
    # The next item is the one with the same word, and no two users share an item.
    texts = [f"word{item // 2}" for item in range(400)]
    lists = [[2 * pair + 1, 2 * pair + 2] * 3 for pair in range(200)]
    data = rm.prepare(rm.leave_one_out(make_log(lists)), protocol=rm.Protocol(filter_seen=False))
    texts = [texts[int(raw) - 1] for raw in data.vocabulary.raw_ids]
    base = rm.SASRec(data.num_items, max_length=4, width=8, num_blocks=1, dropout=0.0)
    model = WithSimilarities(base, ["text"], num_events=1)
    model.adapt({"text": similar_texts(texts)})
    rm.fit(model, data, epochs=3, learning_rate=0.1, verbose=False)
    assert to_numpy(model.similarities.weight)[0, 0] > 2
    assert rm.evaluate(model, data.test).metrics["ndcg@10"] > 0.95


def test_new_items_have_no_similar_items_until_they_are_given(model):
    larger = rm.grow(model, 3)
    queries = {"item_ids": IDS}
    found = larger.score(queries)
    np.testing.assert_allclose(found[:, : V + 1], model.score(queries), atol=1e-6)
    assert larger.num_items == V + 3
    assert not to_numpy(larger.similarities.strengths)[:, V + 1 :].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": []}, "`kinds` must be"),
        ({"kinds": "text"}, "`kinds` must be"),
        ({"kinds": ["a", "a"]}, "`kinds` must be"),
        ({"kinds": None}, "`kinds` must be"),
        ({"base": rm.Markov()}, "`base` must be"),
        ({"base": rm.MultiInterest(V)}, "`base` must be"),
        ({"num_events": 0}, "`num_events` must be"),
        ({"num_neighbours": 1.5}, "`num_neighbours` must be"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    given = {"base": rm.SASRec(V, width=D), "kinds": ["text"], **arguments}
    with pytest.raises(ValueError, match=message):
        WithSimilarities(**given)


def test_similarities_of_other_items_or_kinds_are_refused():
    model = WithSimilarities(rm.SASRec(V, width=D), ["vectors"])
    with pytest.raises(ValueError, match="missing="):
        model.adapt({"text": similar_vectors(RANDOM)})
    with pytest.raises(ValueError, match="must have 11 rows"):
        model.adapt({"vectors": similar_vectors(RANDOM[:-2])})
    with pytest.raises(ValueError, match="`SimilarItems`"):
        model.adapt({"vectors": RANDOM})


def test_a_training_needs_similarities_and_the_full_softmax():
    data = rm.prepare(rm.leave_one_out(ring()))
    model = WithSimilarities(rm.SASRec(data.num_items, width=D), ["users"])
    with pytest.raises(ValueError, match="`adapt`"):
        rm.fit(model, data, epochs=1, verbose=False)
    model.adapt({"users": similar_users(data.train, data.num_items)})
    for options in (
        {"loss": "sampled_softmax"}, {"loss": "in_batch"}, {"label_smoothing": 0.1},
        {"contrast": rm.Contrast()}, {"windows": "parallel"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="`WithSimilarities`"):
            rm.fit(model, data, epochs=1, verbose=False, **options)


def test_no_index_of_vectors_can_search_it_but_it_can_be_exported(model, tmp_path):
    assert not can(model, HasVectors)
    log = ring(items=V)
    data = rm.prepare(rm.leave_one_out(log))
    recommender = rm.Recommender(model, data)
    folder = recommender.save(tmp_path / "bundle")
    answer = recommender.recommend([3, 4, 5], k=3).items
    assert rm.Recommender.load(folder).recommend([3, 4, 5], k=3).items == answer
    import tensorflow as tf

    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    none = tf.constant([], tf.int64)
    found = served.recommend(tf.constant([[3, 4, 5]], tf.int64), 3, none, none)
    assert found["items"].numpy()[0].tolist() == answer


def test_sparse_similarities_are_cut_to_the_largest():
    from scipy import sparse

    values = np.zeros((4, 4), np.float32)
    values[1, [2, 3]] = 0.5, 0.75
    near, strength, own = SimilarItems(sparse.csr_array(values)).nearest(1)
    assert near.tolist() == [[0], [3], [0], [0]] and strength[1, 0] == 0.75 and not own.any()
