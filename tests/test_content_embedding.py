"""Item vectors made of an id vector and a linear map of what is known of the item."""

import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy, value_and_gradients

from recmodels.layers.content_embedding import ContentItemEmbedding
from recmodels.layers.fast import fast_layers
from recmodels.models.sasrec import SASRec
from recmodels.tasks.next_item import NextItem

pytestmark = pytest.mark.backends

V, D, F = 4, 2, 3
IDS = np.array([[0, 1, 4], [2, 3, 5]], "int32")
CONTENT = np.arange((V + 3) * F).reshape(V + 3, F) / 10.0
KNOWN = np.array([1, 1, 1, 1, 0, 1, 1])  # Item 4 has no training event.
RARE = np.array([0, 1, 0, 1, 0, 0, 0])
COUNTS = np.array([0, 1, 5, 1, 0])


def made(**options):
    layer = ContentItemEmbedding(V, D, F, **options)
    layer.build()
    layer.adapt(CONTENT, KNOWN, RARE)
    return layer


def test_layer_contract():
    options = {"num_items": V, "width": D, "num_features": F, "id_vectors": False}
    check_layer(ContentItemEmbedding, options, [IDS], (2, 3, D))


def test_a_vector_is_an_id_vector_plus_the_mapped_content():
    layer = made()
    table, projection = to_numpy(layer.table), to_numpy(layer.projection)
    table[4] = (table[1] + table[3]) / 2  # The mean of the rare items.
    rows = table + CONTENT @ projection / F**0.5
    np.testing.assert_allclose(to_numpy(layer.catalogue()), rows[1 : V + 1], atol=1e-6)
    expected = np.where(IDS[..., None] > 0, rows[IDS], 0)
    np.testing.assert_allclose(to_numpy(layer(IDS)), expected, atol=1e-6)
    for fast in (True, False):
        with fast_layers(fast):
            found = to_numpy(layer.vectors_of(np.array([4, 1, 4])))
        np.testing.assert_allclose(found, rows[[4, 1, 4]], atol=1e-6)


def test_without_id_vectors_the_content_is_all():
    layer = made(id_vectors=False)
    assert len(layer.weights) == 4 and len(layer.trainable_weights) == 1
    expected = CONTENT[1 : V + 1] @ to_numpy(layer.projection) / F**0.5
    np.testing.assert_allclose(to_numpy(layer.catalogue()), expected, atol=1e-6)


def test_unit_vectors_have_length_one():
    lengths = np.linalg.norm(to_numpy(made(unit=True).catalogue()), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_content_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"`content` must be \(7, 3\).*Received: shapes="):
        made().adapt(CONTENT[:2], KNOWN, RARE)


@pytest.mark.parametrize("loss", ["full_softmax", "sampled_softmax", "bce"])
@pytest.mark.parametrize("fast", [True, False])
def test_the_softmax_leaves_out_items_without_a_training_event(loss, fast):
    model = SASRec(V, max_length=3, width=D, item_columns={"text": {"numbers": F}})
    model.adapt_items({"text": CONTENT}, COUNTS)
    task = NextItem(model, loss)
    inputs = {"negatives": np.array([[4, 2, 4, 3]] * 16), "log_counts": np.zeros((16, 4), "f4")}
    targets, weights = np.tile([1, 2], 16), np.ones(32, "f4")
    states = np.random.default_rng(0).normal(size=(32, D)).astype("f4")

    def loss_of(table, states):
        embedding = model.item_embedding
        embedding.catalogue = lambda: table
        embedding.vectors_of = lambda ids: keras.ops.take(table, ids - 1, axis=0)
        return task.item_loss(states, targets, weights, inputs)

    table = np.random.default_rng(1).normal(size=(V, D)).astype("f4")
    with fast_layers(fast):
        _, (gradient, _) = value_and_gradients(loss_of, table, states)
    assert np.abs(gradient[:3]).max(axis=1).min() > 0 or loss != "full_softmax"
    assert np.abs(gradient[1]).max() > 0 and (gradient[3] == 0).all()


def test_batches_are_still_encoded_in_parts():
    # Weights that hold content are no statistics of the batch.
    model = SASRec(V, max_length=3, width=D, item_columns={"text": {"numbers": F}})
    model.adapt_items({"text": CONTENT}, COUNTS)
    calls = []
    model.call = lambda part, training=None: (
        calls.append(len(part["item_ids"])) or np.zeros((1, 3, D))
    )
    NextItem(model)({"item_ids": np.repeat(IDS, 4, axis=0)}, training=True)
    assert len(calls) > 1 or keras.backend.backend() != "tensorflow"
