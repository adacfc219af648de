"""One Transformer block, with three positions of the layer normalisation."""

import keras
from keras import ops

from recmodels.layers.attention import MultiHeadAttention
from recmodels.layers.dropout import Dropout
from recmodels.layers.feed_forward import FeedForward
from recmodels.layers.norm import LayerNorm

NORM_ORDERS = ("original", "pre", "post")


@keras.saving.register_keras_serializable("recmodels")
class TransformerBlock(keras.layers.Layer):
    """Self-attention, then a feed-forward network, each with a residual connection and a norm.

    `norm_order` sets the order of the norms and the residual connections:

        original  h = n1(x) + attention(query n1(x), memory x);  y = n2(h) + feed_forward(n2(h))
        pre       h = x + attention(n1(x), n1(x));               y = h + feed_forward(n2(h))
        post      h = n1(x + attention(x, x));                   y = n2(h + feed_forward(h))

    `original` is what the published code of SASRec does (Kang and McAuley, "Self-Attentive
    Sequential Recommendation", 2018): keys and values are computed from x before the norm, and the
    output of the attention is added to the normalised x. The paper itself (section III-B) describes
    `pre`.

    Args:
        num_heads: heads of the attention; divides the width D.
        hidden_width: of the feed-forward network; by default D.
        dropout: of attention weights and feed-forward activations.
        norm_order: `"original"`, `"pre"` or `"post"`; BERT has `"post"`.
        activation: of the feed-forward network; `"gelu"` in BERT.
        epsilon: of the norms.

    Call arguments:
        x: (B, T, D).
        mask: bool, (B, T, T), True where a position may look; see `attention_mask`.
        return_weights: whether the attention weights, (B, H, T, T), are returned too.
        last_only: whether only the last position is computed: the result is (B, 1, D).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        num_heads: int = 1,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        norm_order: str = "original",
        activation: str = "relu",
        epsilon: float = 1e-8,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if norm_order not in NORM_ORDERS:
            raise ValueError(
                f"`norm_order` must be one of {NORM_ORDERS}. Received: norm_order={norm_order!r}"
            )
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.dropout = dropout
        self.norm_order = norm_order
        self.activation = activation
        self.epsilon = epsilon

    def build(self, x_shape, mask_shape=None) -> None:
        policy = self.dtype_policy
        self.attention = MultiHeadAttention(
            self.num_heads, self.dropout, name="attention", dtype=policy
        )
        self.feed_forward = FeedForward(
            self.hidden_width, self.dropout, self.activation, name="feed_forward", dtype=policy
        )
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        self.norm_attention = LayerNorm(self.epsilon, name="norm_attention", dtype=policy)
        self.norm_feed_forward = LayerNorm(self.epsilon, name="norm_feed_forward", dtype=policy)
        self.attention.build(x_shape, x_shape)
        for layer in (self.feed_forward, self.norm_attention, self.norm_feed_forward):
            layer.build(x_shape)

    def call(self, x, mask, training=None, return_weights=False, last_only=False):
        normed, memory = self._attention_inputs(x)
        if last_only:  # All positions are keys, one is the query.
            x, normed, mask = x[:, -1:], normed[:, -1:], mask[:, -1:]
        attended, weights = self.attention(
            normed, memory, mask, training=training, return_weights=True
        )
        x = self._after_attention(x, normed, attended, training)
        return (x, weights) if return_weights else x

    def extend(self, x, mask, cache=None):
        """Read events after others whose keys and values are known.

        Args:
            x: (B, S, D), the further events.
            mask: bool, (B, S, C + S), what they may look at.
            cache: keys and values of the C events before, (B, H, C, D/H) each; None if C is 0.

        Returns:
            (B, S, D), and the cache of all C + S events.
        """
        normed, memory = self._attention_inputs(x)
        new = self.attention.keys_and_values(memory)
        if cache is not None:
            new = [ops.concatenate(pair, axis=2) for pair in zip(cache, new, strict=True)]
        attended, _ = self.attention.attend(normed, *new, mask)
        return self._after_attention(x, normed, attended, None), new

    def _attention_inputs(self, x):
        """What queries are made from, and what keys and values are."""
        normed = x if self.norm_order == "post" else self.norm_attention(x)
        return normed, normed if self.norm_order == "pre" else x

    def _after_attention(self, x, normed, attended, training):
        """Residuals, norms and the feed-forward network."""
        attended = self.drop(attended, training=training)
        if self.norm_order == "original":
            x = self.norm_feed_forward(normed + attended)
            x = x + self.feed_forward(x, training=training)
        elif self.norm_order == "pre":
            x = x + attended
            x = x + self.feed_forward(self.norm_feed_forward(x), training=training)
        else:
            x = self.norm_attention(x + attended)
            x = self.norm_feed_forward(x + self.feed_forward(x, training=training))
        return x

    def compute_output_shape(self, x_shape, mask_shape=None):
        return x_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "hidden_width": self.hidden_width,
            "dropout": self.dropout,
            "norm_order": self.norm_order,
            "activation": self.activation,
            "epsilon": self.epsilon,
        }
