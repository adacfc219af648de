"""Multi-head attention: softmax(Q K^T / sqrt(d)) V."""

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.dropout import Dropout

# Finite, so that the softmax of a fully masked row is finite; added in float32, where it fits.
HIDDEN_SCORE = -1e9


def attention_weights(queries, keys, mask):
    """Return the attention weights softmax(Q K^T / sqrt(d)); rows sum to 1.

    Vaswani et al., "Attention Is All You Need", 2017, section 3.2.1.

    Args:
        queries: (..., T, d).
        keys: (..., S, d).
        mask: bool, (..., T, S), True where the key may be seen. A row without a visible key gets
            uniform weights.

    Returns:
        Float32, (..., T, S).
    """
    if keys.shape[-2] == 1:  # Everything goes to the only key; Keras warns of such a softmax.
        return ops.ones((*ops.shape(queries)[:-1], 1), "float32")
    scale = ops.shape(queries)[-1] ** -0.5
    scores = ops.matmul(queries * scale, ops.swapaxes(keys, -1, -2))  # (..., T, S)
    # Added, since a choice between two would also have to be made for the gradient.
    scores = ops.cast(scores, "float32") + ops.where(mask, 0.0, HIDDEN_SCORE)
    return ops.softmax(scores, axis=-1)


def check_heads(num_heads: int, width: int) -> None:
    """Raise a `ValueError` unless heads divide the width of the input."""
    must = "`num_heads` must divide the width of the input"
    require(width % num_heads == 0, must, num_heads=num_heads, width=width)


def split_heads(x, num_heads: int):
    """Split the features of (B, T, D) into heads: (B, H, T, D/H)."""
    if num_heads == 1:
        return ops.expand_dims(x, 1)  # Indexing would copy in its gradient.
    batch, length, width = ops.shape(x)
    x = ops.reshape(x, (batch, length, num_heads, width // num_heads))
    return ops.swapaxes(x, 1, 2)


def join_heads(x):
    """Undo `split_heads`: (B, H, T, D/H) to (B, T, D)."""
    batch, heads, length, size = ops.shape(x)
    if heads != 1:  # One head needs no copy.
        x = ops.swapaxes(x, 1, 2)
    return ops.reshape(x, (batch, length, heads * size))


@keras.saving.register_keras_serializable("recmodels")
class MultiHeadAttention(keras.layers.Layer):
    """Several attentions in parallel, each with its own projection of the features.

    Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2. Equal to
    `keras.layers.MultiHeadAttention` with `key_dim = D / H` when the weights are equal.

    Args:
        num_heads: H; divides the width D of the input.
        dropout: share of attention weights dropped in training.

    Call arguments:
        queries: (B, T, D).
        memory: what keys and values are made from, (B, S, D).
        mask: bool, (B, T, S), True where a query may look; see `attention_mask`.
        return_weights: whether the attention weights, (B, H, T, S), are returned too.

    Returns:
        (B, T, D).
    """

    def __init__(self, num_heads: int = 1, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = dropout

    def build(self, queries_shape, memory_shape=None, mask_shape=None) -> None:
        width = queries_shape[-1]
        check_heads(self.num_heads, width)

        def dense(name: str) -> keras.layers.Dense:
            layer = keras.layers.Dense(width, name=name, dtype=self.dtype_policy)
            layer.build((None, None, width))
            return layer

        self.project_queries = dense("project_queries")
        self.project_keys = dense("project_keys")
        self.project_values = dense("project_values")
        self.project_output = dense("project_output")
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)

    def call(self, queries, memory, mask, training=None, return_weights=False):
        output, weights = self.attend(queries, *self.keys_and_values(memory), mask, training)
        return (output, weights) if return_weights else output

    def keys_and_values(self, memory):
        """Keys and values of events (B, S, D), (B, H, S, D/H) each."""
        keys = split_heads(self.project_keys(memory), self.num_heads)
        return keys, split_heads(self.project_values(memory), self.num_heads)

    def attend(self, queries, keys, values, mask, training=None):
        """Output (B, T, D) and weights (B, H, T, S) of queries, given keys and values."""
        q = split_heads(self.project_queries(queries), self.num_heads)  # (B, H, T, D/H)
        weights = attention_weights(q, keys, mask[:, None])  # (B, H, T, S)
        dropped = self.drop(ops.cast(weights, self.compute_dtype), training=training)
        mixed = ops.matmul(dropped, values)  # (B, H, T, D/H)
        return self.project_output(join_heads(mixed)), weights

    def get_config(self) -> dict:
        return {**super().get_config(), "num_heads": self.num_heads, "dropout": self.dropout}
