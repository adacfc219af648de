"""LRURec: linear recurrences instead of attention."""

import keras

from recmodels.layers.dropout import Dropout
from recmodels.layers.feed_forward import FeedForward
from recmodels.layers.linear_recurrence import LinearRecurrence
from recmodels.layers.norm import LayerNorm
from recmodels.models.block_encoder import BlockEncoder


@keras.saving.register_keras_serializable("recmodels")
class LinearRecurrenceBlock(keras.layers.Layer):
    """A linear recurrence, then a feed-forward network, each with a residual and a norm.

        h = norm(x + dropout(recurrence(x)));  y = norm(h + feed_forward(h))

    Args:
        max_length, num_states: see `LinearRecurrence`.
        hidden_width: of the feed-forward network; by default four times the width.
        dropout: share of features dropped in training.

    Call arguments:
        x: (B, T, D).
        real: padding mask, bool (B, T).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        max_length: int,
        num_states: int | None = None,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.num_states = num_states
        self.hidden_width = hidden_width
        self.dropout = dropout

    def build(self, x_shape, real_shape=None) -> None:
        policy = self.dtype_policy
        self.recurrence = LinearRecurrence(
            self.max_length, self.num_states, name="recurrence", dtype=policy
        )
        self.feed_forward = FeedForward(
            self.hidden_width or 4 * x_shape[-1],
            self.dropout,
            "gelu",
            name="feed_forward",
            dtype=policy,
        )
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        self.norm_recurrence = LayerNorm(name="norm_recurrence", dtype=policy)
        self.norm_feed_forward = LayerNorm(name="norm_feed_forward", dtype=policy)
        layers = (self.recurrence, self.feed_forward, self.norm_recurrence, self.norm_feed_forward)
        for layer in layers:
            layer.build(x_shape)

    def call(self, x, real, training=None):
        recurred = self.drop(self.recurrence(x, real), training=training)
        h = self.norm_recurrence(x + recurred)
        return self.norm_feed_forward(h + self.feed_forward(h, training=training))

    def compute_output_shape(self, x_shape, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        names = ("max_length", "num_states", "hidden_width", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("recmodels")
class LRURec(BlockEncoder):
    """Linear recurrent units over the items of a history.

    Yue et al., "Linear Recurrent Units for Sequential Recommendation", 2024. Training costs
    L log L instead of the L^2 of attention; see `LinearRecurrence` for the equations.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        num_states: complex numbers in the state; by default the width, half of the paper's.
        hidden_width: of the feed-forward networks; by default four times the width.

    Example:
        >>> LRURec(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    reads_positions = False
    own_settings = ("num_states", "hidden_width")

    def __init__(
        self,
        num_items: int,
        *args,
        num_states: int | None = None,
        hidden_width: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.num_states = num_states
        self.hidden_width = hidden_width

    def make_block(self, index: int, **shared) -> LinearRecurrenceBlock:
        return LinearRecurrenceBlock(self.max_length, self.num_states, self.hidden_width, **shared)
