"""Attention without a softmax, with a gate: the block of HSTU."""

import math

import keras
from keras import ops

from recmodels.layers.attention import check_heads, join_heads, split_heads
from recmodels.layers.dropout import Dropout
from recmodels.layers.norm import LayerNorm

TIME_BUCKETS = 32  # Powers of two of seconds: the last one begins at 34 years.


def time_buckets(timestamps):
    """Number of the bucket of the seconds between every two events: floor(log2(1 + seconds)).

    Args:
        timestamps: integer UTC seconds, (B, T).

    Returns:
        int32 (B, T, T), 0 to `TIME_BUCKETS` - 1; row t has the events that t looks at.
    """
    seconds = ops.cast(timestamps[:, :, None] - timestamps[:, None, :], "float32")
    bucket = ops.floor(ops.log(1 + ops.maximum(seconds, 0.0)) / math.log(2.0) + 1e-6)
    return ops.cast(ops.minimum(bucket, TIME_BUCKETS - 1), "int32")


@keras.saving.register_keras_serializable("recmodels")
class PointwiseAttention(keras.layers.Layer):
    """One block of hierarchical sequential transduction units (HSTU), with its residual.

        u, v, q, k = split(silu(norm(x) W1))
        a = silu(q k^T + position bias + time bias) / L, 0 where the mask is False
        y = x + dropout(norm(a v) * u) W2

    The weights of a row do not sum to 1, so that the state also tells how many events matched.
    One block does the work of attention and feed-forward network of a Transformer. The biases
    are one number per distance in events and per bucket of the seconds between two events.
    Zhai et al., "Actions Speak Louder than Words", 2024, section 3.

    Args:
        num_heads: H; divides the width D.
        max_length: L, the longest history.
        dropout: share of gated features dropped in training.
        time_bias: whether times are read.

    Call arguments:
        x: (B, T, D).
        mask: bool, (B, T, T), True where a position may look; see `attention_mask`.
        buckets: int32 (B, T, T) from `time_buckets`, if there is a time bias.

    Returns:
        (B, T, D).

    Raises:
        ValueError: `num_heads` does not divide D, or `time_bias` has no buckets.
    """

    def __init__(
        self,
        num_heads: int = 1,
        max_length: int = 50,
        dropout: float = 0.0,
        time_bias: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.max_length = max_length
        self.dropout = dropout
        self.time_bias = time_bias

    def build(self, x_shape, mask_shape=None, buckets_shape=None) -> None:
        width, policy = x_shape[-1], self.dtype_policy
        check_heads(self.num_heads, width)
        self.project = keras.layers.Dense(4 * width, "silu", name="project", dtype=policy)
        self.project_output = keras.layers.Dense(width, name="project_output", dtype=policy)
        self.norm = LayerNorm(name="norm", dtype=policy)
        self.norm_mixed = LayerNorm(1e-6, name="norm_mixed", dtype=policy)
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        for layer in (self.project, self.project_output, self.norm, self.norm_mixed):
            layer.build((None, None, width))
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.position_bias = self.add_weight(
            name="position_bias", shape=(self.max_length,), initializer=start
        )
        if self.time_bias:
            self.bucket_bias = self.add_weight(
                name="bucket_bias", shape=(TIME_BUCKETS,), initializer=start
            )

    def call(self, x, mask, buckets=None, training=None):
        if self.time_bias and buckets is None:
            raise ValueError(
                "`buckets` must be given to a block with a time bias: see `time_buckets`. "
                "Received: buckets=None"
            )
        u, v, q, k = ops.split(self.project(self.norm(x)), 4, axis=-1)
        v, q, k = (split_heads(part, self.num_heads) for part in (v, q, k))
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2))  # (B, H, T, T)
        scores = ops.cast(scores, "float32") + ops.cast(self._bias(x, buckets), "float32")[:, None]
        kept = ops.cast(mask, "float32")[:, None] / self.max_length
        weights = ops.cast(ops.silu(scores) * kept, self.compute_dtype)
        mixed = ops.matmul(weights, v)  # (B, H, T, D/H)
        gated = self.norm_mixed(join_heads(mixed)) * u
        return x + self.project_output(self.drop(gated, training=training))

    def _bias(self, x, buckets):
        """The sum of both biases, (1, T, T) or (B, T, T)."""
        step = ops.arange(ops.shape(x)[1])
        distance = ops.maximum(step[:, None] - step[None, :], 0)
        bias = ops.take(self.position_bias, distance)[None]
        return bias + ops.take(self.bucket_bias, buckets) if self.time_bias else bias

    def compute_output_shape(self, x_shape, mask_shape=None, buckets_shape=None):
        return x_shape

    def get_config(self) -> dict:
        names = ("num_heads", "max_length", "dropout", "time_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
