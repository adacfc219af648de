"""Checks that every layer, encoder and loss must pass, on whatever backend runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.features.histories import Histories
from recmodels.layers.embedding import ItemEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder


@contextmanager
def eager_training() -> Iterator[None]:
    """Train without tracing graphs, which takes a fifth of the time if there are few steps."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def check_layer(cls, init_kwargs, inputs, output_shape):
    """Config round trip, eager and symbolic shape, dtype, finite in float16."""
    config = cls(**init_kwargs).get_config()
    assert all(config[name] == value for name, value in init_kwargs.items())
    assert cls.from_config(config).get_config() == config
    symbols = keras.tree.map_structure(
        lambda i: keras.KerasTensor((None, *i.shape[1:]), str(i.dtype)), inputs
    )
    assert tuple(cls(**init_kwargs)(*symbols).shape) == (None, *output_shape[1:])
    for policy in ("float32", "mixed_float16"):
        layer = cls(**init_kwargs, dtype=policy)
        output = layer(*inputs)
        assert tuple(output.shape) == output_shape
        assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
        assert np.isfinite(to_numpy(output)).all()
    return layer


def check_causal(encode, ids, vocab):
    """Changing item t must not change any state before t, and must change state t."""
    before = to_numpy(encode(ids))
    for t in range(ids.shape[1]):
        changed = ids.copy()
        changed[:, t] = (changed[:, t] % (vocab - 1)) + 1
        after = to_numpy(encode(changed))
        np.testing.assert_allclose(before[:, :t], after[:, :t], atol=1e-5)
        assert np.abs(before[:, t] - after[:, t]).max() > 1e-6


def check_padding(encode, ids, pad):
    """Adding left padding must not change the states of what was there."""
    before, after = to_numpy(encode(ids)), to_numpy(encode(np.pad(ids, ((0, 0), (pad, 0)))))
    real = ids > 0
    np.testing.assert_allclose(before[real], after[:, pad:][real], atol=1e-5)
    np.testing.assert_allclose(before[:, -1], after[:, -1], atol=1e-5)


def to_numpy(tensor) -> np.ndarray:
    """A copy on the host."""
    return np.array(keras.ops.convert_to_numpy(tensor))


def value_and_gradients(function, *arrays):
    """A scalar function's value at some float arrays, and its gradients with respect to them."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        every = tuple(range(len(arrays)))
        value, found = jax.value_and_grad(function, argnums=every)(*map(jax.numpy.array, arrays))
    elif backend == "torch":
        import torch

        tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
        value = function(*tensors)
        value.backward()
        found = [tensor.grad for tensor in tensors]
    else:
        import tensorflow as tf

        tensors = [tf.constant(a) for a in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        found = [tf.convert_to_tensor(g) for g in tape.gradient(value, tensors)]
    return float(to_numpy(value)), [to_numpy(g) for g in found]


@keras.saving.register_keras_serializable("harness")
class SmallEncoder(SequenceEncoder):
    """The vector of each item, dropped out and then normalised over the batch."""

    def __init__(self, num_items, width=4, **kwargs):
        super().__init__(**kwargs)
        self.num_items, self.width, self.max_length = num_items, width, 4
        self.item_embedding = ItemEmbedding(num_items, width, initial_std=0.5)
        self.drop = keras.layers.Dropout(0.3)
        self.norm = keras.layers.BatchNormalization(momentum=0.5)

    def build(self, input_shape=None):
        self.item_embedding.build()
        self.norm.build((None, None, self.width))

    def call(self, inputs, training=None):
        x = self.drop(self.item_embedding(inputs["item_ids"]), training=training)
        return self.norm(x, training=training)

    def get_config(self):
        return {**super().get_config(), "num_items": self.num_items, "width": self.width}


def make_histories(lists) -> Histories:
    """Histories of users 0, 1, ... from lists of item ids."""
    offsets = np.cumsum([0] + [len(items) for items in lists])
    flat = np.array([item for items in lists for item in items], np.int32)
    return Histories(np.arange(len(lists)), flat, offsets, {})


def make_log(lists) -> Interactions:
    """An ordered log of users 0, 1, ... from lists of raw item ids."""
    users = np.repeat(np.arange(len(lists)), [len(items) for items in lists])
    items = np.array([item for items in lists for item in items])
    return Interactions(pd.DataFrame({"user": users, "item": items}), order="ordered")


def random_lists(num_users, length, num_items, seed=0):
    """Histories of one length whose items are drawn uniformly from 1..V."""
    return np.random.default_rng(seed).integers(1, num_items + 1, (num_users, length)).tolist()
