"""The fast forms of layers and losses give what the plain forms give."""

import keras
import numpy as np
import pytest
from harness import make_histories, random_lists, to_numpy, value_and_gradients
from keras import ops

from recmodels.features.batches import GROUPS, NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.layers.dropout import Dropout
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.fast import fast_layers, is_fast
from recmodels.layers.norm import LayerNorm
from recmodels.models.sasrec import SASRec
from recmodels.tasks.losses import full_softmax, sampled_softmax
from recmodels.tasks.next_item import NextItem

pytestmark = pytest.mark.backends
N, V, D, K = 32, 9, 4, 3


def both_forms(function, *arrays):
    """Value and gradients of the fast and of the plain form."""
    found = []
    for fast in (True, False):
        with fast_layers(fast):
            found.append(value_and_gradients(function, *arrays))
    return found


def assert_equal_to_rounding(function, *arrays):
    (fast, fast_slopes), (plain, plain_slopes) = both_forms(function, *arrays)
    assert fast == pytest.approx(plain, rel=1e-5)
    for one, other in zip(fast_slopes, plain_slopes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return {
        "states": rng.normal(size=(N, D)).astype("float32"),
        "table": rng.normal(size=(V, D)).astype("float32"),
        "targets": rng.integers(1, V + 1, N).astype("int32"),
        "weights": rng.integers(0, 2, N).astype("float32"),
        "negatives": rng.integers(1, V + 1, (GROUPS, K)).astype("int32"),
        "log_counts": rng.normal(size=(GROUPS, K)).astype("float32"),
        "hidden": rng.random((GROUPS, N // GROUPS, K)) < 0.3,
    }


def test_layer_norm(drawn):
    layer = LayerNorm()
    layer.build((None, D))
    pulled = ops.convert_to_tensor(drawn["table"][:1])
    assert_equal_to_rounding(lambda x: ops.sum(layer(x) * pulled), drawn["states"])


@pytest.mark.slow
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("read", ["catalogue", "vectors_of"])
def test_item_vectors_and_a_step_of_adam(unit, read):
    found = []
    for fast in (True, False):
        layer = ItemEmbedding(4, D, unit=unit)
        layer.build()
        layer.table.assign(np.arange(7 * D).reshape(7, D) % 5 + 1.0)
        model = ItemVectors(layer, read)
        model.compile(keras.optimizers.Adam(0.1), loss="mse")
        with fast_layers(fast):
            before = to_numpy(model(IDS))
            model.fit(IDS, before + 1.0, epochs=2, verbose=0)
        found.append((before, to_numpy(layer.table)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert (
        np.abs(found[0][1][[2, 3]] - (np.arange(7 * D).reshape(7, D) % 5 + 1.0)[[2, 3]]).min() > 0
    )


IDS = np.array([2, 2, 2, 3], np.int32)  # Adam must see the sum of an item's gradients.


class ItemVectors(keras.Model):
    """Vectors of item ids, (B, D), as the output layer has them."""

    def __init__(self, embedding, read):
        super().__init__()
        self.embedding, self.read = embedding, read

    def call(self, ids):
        if self.read == "vectors_of":
            return self.embedding.vectors_of(ids)
        return ops.take(self.embedding.catalogue(), ids - 1, axis=0)


def test_full_softmax(drawn):
    def loss(states, table):
        return full_softmax(states, drawn["targets"], ops.array(drawn["weights"]), table)

    assert_equal_to_rounding(loss, drawn["states"], drawn["table"])


@pytest.mark.parametrize("hides", [False, True])
def test_sampled_softmax(drawn, hides):
    rest = [ops.array(drawn[name]) for name in ("negatives", "log_counts")]
    rest += [ops.array(drawn["hidden"])] if hides else []

    def loss(states, table):
        targets, weights = ops.array(drawn["targets"]), ops.array(drawn["weights"])
        return sampled_softmax(states, targets, weights, table, *rest)

    assert_equal_to_rounding(loss, drawn["states"], drawn["table"])


def test_dropout_has_the_same_distribution():
    for fast in (True, False):
        with fast_layers(fast):
            found = to_numpy(Dropout(0.3, seed=1)(np.ones((200, 300), "float32"), training=True))
        assert (found == 0).mean() == pytest.approx(0.3, abs=0.01)
        assert found.max() == pytest.approx(1 / 0.7, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["full_softmax", "sampled_softmax"])
def test_a_training_without_dropout_takes_the_same_steps(loss, eagerly):
    histories = make_histories(random_lists(40, 6, V))
    losses = []
    for fast in (True, False):
        keras.utils.set_random_seed(0)
        sampler = NegativeSampler(np.ones(V), K) if loss != "full_softmax" else None
        batches = NextItemBatches(histories, 5, 8, seed=0, negatives=sampler)
        task = NextItem(SASRec(V, max_length=5, width=D, num_blocks=1, dropout=0.0), loss)
        with fast_layers(fast):
            task.compile(optimizer="adam", jit_compile=False)
            losses.append(task.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=5e-4)  # Adam enlarges rounding errors.


def test_the_switch_is_on_by_default_and_in_no_config():
    config = SASRec(V).get_config()
    with fast_layers(False):
        assert not is_fast() and SASRec(V, name=config["name"]).get_config() == config
        with fast_layers(True):
            assert is_fast()
        assert not is_fast()
    assert is_fast()
