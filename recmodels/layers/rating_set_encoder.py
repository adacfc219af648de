"""Encode a set of ratings as a vector and a bias."""

import keras
from keras import ops

_SHRINKAGE = 5.0  # Number of ratings of 0 that are added to the real ones, to shrink the bias.


@keras.saving.register_keras_serializable("recmodels")
class RatingSetEncoder(keras.layers.Layer):
    """Encode a user by the items they rated, or an item by the users who rated it.

        bias   = sum over rated j of (value_j - offset_j) / (n + 5)
        vector = tanh(sum over rated j of (a_j + (value_j - bias) b_j) / sqrt(n + 1) + c)

    a, b, c and the offsets are trained; the offsets start at 0. The output depends only on the set,
    so users and items that were not in the training data are encoded too. If all values are 1
    (clicks), the layer encodes the set of items.

    Args:
        num_members: M, the number of different members a set can have, including the padding
            column.
        width: D, the size of the vectors.
        dropout: fraction of the members that is dropped during training.

    Call arguments:
        rated_mask: 1 where the member is in the set, else 0, float (B, M).
        values: ratings minus the overall mean, 0 where there is none, float (B, M).

    Returns:
        Vectors (B, D) before the tanh, so that a tower can add other inputs first, and biases
        (B, 1).
    """

    def __init__(self, num_members: int, width: int, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_members = num_members
        self.width = width
        self.dropout = dropout
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=self.dtype_policy)

    def build(self, rated_mask_shape=None, values_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=0.05)
        shape = (self.num_members, self.width)
        self.members = self.add_weight(name="members", shape=shape, initializer=start)
        self.valued = self.add_weight(name="valued", shape=shape, initializer=start)
        self.bias = self.add_weight(name="bias", shape=(self.width,), initializer="zeros")
        self.offsets = self.add_weight(
            name="offset_bias", shape=(self.num_members,), initializer="zeros"
        )

    def call(self, rated_mask, values, training=None):
        count = ops.sum(rated_mask, axis=1, keepdims=True)  # (B, 1)
        residual_sum = ops.sum((values - self.offsets) * rated_mask, axis=1, keepdims=True)
        bias = residual_sum / (count + _SHRINKAGE)
        seen = self.drop(rated_mask, training=training)  # (B, M)
        total = ops.matmul(seen, self.members) + ops.matmul((values - bias) * seen, self.valued)
        return total / ops.sqrt(count + 1.0) + self.bias, bias

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_members": self.num_members,
            "width": self.width,
            "dropout": self.dropout,
        }
