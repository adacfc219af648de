"""A vector and a level of whatever a set of rated things belongs to."""

import keras
from keras import ops

_SHRINKAGE = 5.0  # As many ratings at the mean stand beside the real ones.


@keras.saving.register_keras_serializable("recmodels")
class SetVector(keras.layers.Layer):
    """Read a row of known values: a user by the items they rated, or an item by its users.

        level  = sum over known j of (value_j - offset_j) / (n + 5)
        vector = tanh(sum over known j of (a_j + (value_j - level) b_j) / sqrt(n + 1) + c)

    a, b, c and the offsets are learnt, the offsets from 0. Since the vector comes from the set
    alone, somebody who was not there in training has one too. With values of 1 for everything
    (clicks), it reads the plain set.

    Args:
        num_members: M, how many different things a set may hold, the column of padding included.
        width: D.
        dropout: share of the members that are overlooked in training.

    Call arguments:
        known: which are in the set, 0 or 1, float (B, M).
        values: theirs, as deviations from the overall mean; 0 where not known, float (B, M).

    Returns:
        Vectors (B, D) before the tanh, so that a tower may add what else it knows, and levels
        (B, 1).
    """

    def __init__(self, num_members: int, width: int, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_members = num_members
        self.width = width
        self.dropout = dropout
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=self.dtype_policy)

    def build(self, known_shape=None, values_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=0.05)
        shape = (self.num_members, self.width)
        self.members = self.add_weight(name="members", shape=shape, initializer=start)
        self.valued = self.add_weight(name="valued", shape=shape, initializer=start)
        self.bias = self.add_weight(name="bias", shape=(self.width,), initializer="zeros")
        self.offsets = self.add_weight(
            name="offset_bias", shape=(self.num_members,), initializer="zeros"
        )

    def call(self, known, values, training=None):
        count = ops.sum(known, axis=1, keepdims=True)  # (B, 1)
        apart = ops.sum((values - self.offsets) * known, axis=1, keepdims=True)
        level = apart / (count + _SHRINKAGE)
        seen = self.drop(known, training=training)  # (B, M)
        total = ops.matmul(seen, self.members) + ops.matmul((values - level) * seen, self.valued)
        return total / ops.sqrt(count + 1.0) + self.bias, level

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_members": self.num_members,
            "width": self.width,
            "dropout": self.dropout,
        }
