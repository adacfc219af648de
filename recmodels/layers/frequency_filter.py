"""A low-pass filter over time, and the block of BSARec that adds it to attention."""

import keras
import numpy as np
from keras import ops

from recmodels.layers.attention import MultiHeadAttention
from recmodels.layers.dropout import Dropout
from recmodels.layers.feed_forward import FeedForward
from recmodels.layers.norm import LayerNorm


def low_pass_matrix(max_length: int, num_frequencies: int) -> np.ndarray:
    """Return the causal low-pass filter as a matrix, float32 (L, L).

    To keep the `num_frequencies` lowest frequencies of a window of L events is a circular
    convolution. At its last position, where a prediction is made, it reads the events before
    alone. Row t is that filter for a window that ends at t: the part of the circular matrix below
    and on the diagonal.
    """
    kept = np.arange(max_length // 2 + 1) < num_frequencies
    response = np.fft.irfft(kept.astype(float), max_length)  # Of one event, by its distance.
    lag = np.arange(max_length)[:, None] - np.arange(max_length)[None, :]
    return np.where(lag >= 0, response[lag % max_length], 0.0).astype(np.float32)


@keras.saving.register_keras_serializable("recmodels")
class FrequencyFilter(keras.layers.Layer):
    """Keep low frequencies over time and scale the others: low(x) + b^2 (x - low(x)).

    Shin et al., "An Attentive Inductive Bias for Sequential Recommendation beyond the
    Self-Attention" (BSARec), 2024, section 4. There the Fourier transform runs over the whole
    window, so that every position reads later events, and only the state of the last one may be
    trained. This filter gives every position what the last position of a window that ends there
    would have, see `low_pass_matrix`, so that training may use all positions.

    Args:
        max_length: L, the longest history.
        num_frequencies: how many of the L // 2 + 1 frequencies count as low.

    Call arguments:
        x: (B, T, D), T <= L.
        real: padding mask, bool (B, T); padding counts as zeros.

    Returns:
        (B, T, D).
    """

    def __init__(self, max_length: int, num_frequencies: int = 3, **kwargs) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.num_frequencies = num_frequencies

    def build(self, x_shape, real_shape=None) -> None:
        self.matrix = low_pass_matrix(self.max_length, self.num_frequencies)
        self.high = self.add_weight(
            name="high", shape=(x_shape[-1],), initializer=keras.initializers.RandomNormal()
        )

    def call(self, x, real):
        length = ops.shape(x)[1]
        x = x * ops.cast(real, self.compute_dtype)[..., None]
        matrix = ops.cast(self.matrix, self.compute_dtype)[:length, :length]
        low = ops.matmul(matrix, x)  # (T, T) times (B, T, D)
        return low + ops.cast(self.high, self.compute_dtype) ** 2 * (x - low)

    def compute_output_shape(self, x_shape, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        own = {"max_length": self.max_length, "num_frequencies": self.num_frequencies}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("recmodels")
class FilteredAttention(keras.layers.Layer):
    """A Transformer block whose attention is mixed with a frequency filter.

        h = f norm(x + dropout(filter(x))) + (1 - f) norm(x + dropout(attention(x, x)))
        y = norm(h + feed_forward(h))

    with f = `filter_share`. See `FrequencyFilter` for the paper.

    Args:
        max_length, num_frequencies: see `FrequencyFilter`.
        filter_share: weight of the filter, from 0 to 1.
        num_heads, hidden_width, dropout: see `TransformerBlock`.

    Call arguments:
        x: (B, T, D).
        mask: bool (B, T, T), see `attention_mask`.
        real: padding mask, bool (B, T).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        max_length: int,
        num_frequencies: int = 3,
        filter_share: float = 0.7,
        num_heads: int = 1,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.num_frequencies = num_frequencies
        self.filter_share = filter_share
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.dropout = dropout

    def build(self, x_shape, mask_shape=None, real_shape=None) -> None:
        policy = self.dtype_policy
        self.filter = FrequencyFilter(
            self.max_length, self.num_frequencies, name="filter", dtype=policy
        )
        self.attention = MultiHeadAttention(
            self.num_heads, self.dropout, name="attention", dtype=policy
        )
        self.feed_forward = FeedForward(
            self.hidden_width, self.dropout, name="feed_forward", dtype=policy
        )
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        names = ("norm_filter", "norm_attention", "norm_feed_forward")
        norms = [LayerNorm(name=name, dtype=policy) for name in names]
        self.norm_filter, self.norm_attention, self.norm_feed_forward = norms
        self.attention.build(x_shape, x_shape)
        for layer in (self.filter, self.feed_forward, *norms):
            layer.build(x_shape)

    def call(self, x, mask, real, training=None):
        filtered = self.drop(self.filter(x, real), training=training)
        attended = self.drop(self.attention(x, x, mask, training=training), training=training)
        filtered, attended = self.norm_filter(x + filtered), self.norm_attention(x + attended)
        h = self.filter_share * filtered + (1 - self.filter_share) * attended
        return self.norm_feed_forward(h + self.feed_forward(h, training=training))

    def compute_output_shape(self, x_shape, mask_shape=None, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        names = ("max_length", "num_frequencies", "filter_share", "num_heads", "hidden_width")
        own = {name: getattr(self, name) for name in (*names, "dropout")}
        return {**super().get_config(), **own}
