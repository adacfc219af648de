"""Towers: a vector of a user or an item from its number, its features and its ratings."""

import keras
import numpy as np
from keras import ops

from recmodels.layers.set_vector import SetVector


@keras.saving.register_keras_serializable("recmodels")
class Tower(keras.layers.Layer):
    """A vector and a level for each of N users or items.

    The vector adds up what the tower knows: a vector of the number (`ids`), one of the features
    it was shown, one of the set of ratings. With a set or features a tanh keeps it bounded.

    Args:
        count: N, the largest id; ids below 0 or above N stand for nobody.
        width: D.
        ids: whether each id has a vector and a level of its own.
        num_features: F, columns given to `adapt`; 0 for none.
        num_members: M of the sets, the column of padding included; 0 reads no ratings.
        dropout: of the members of a set, and of the finished vector.

    Call arguments:
        ids: int32, (B,).
        known, values: see `SetVector`, (B, M); left out where `num_members` is 0.

    Returns:
        Vectors (B, D) and levels (B, 1).
    """

    def __init__(
        self,
        count: int,
        width: int,
        ids: bool = True,
        num_features: int = 0,
        num_members: int = 0,
        dropout: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not (ids or num_features or num_members):
            raise ValueError(
                "`ids`, `num_features` or `num_members` must give the tower something to read. "
                f"Received: ids={ids}, num_features={num_features}, num_members={num_members}"
            )
        self.count = count
        self.width = width
        self.ids = ids
        self.num_features = num_features
        self.num_members = num_members
        self.dropout = dropout
        policy = self.dtype_policy
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=policy)
        if num_members:
            self.set_vector = SetVector(num_members, width, dropout, name="set", dtype=policy)

    def build(self, ids_shape=None, known_shape=None, values_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=0.05)
        rows = self.count + 2  # Row 0 and the last one are nobody's.
        if self.ids:
            self.table = self.add_weight(
                name="table", shape=(rows, self.width), initializer="random_uniform"
            )
            self.levels = self.add_weight(name="level_bias", shape=(rows, 1), initializer="zeros")
        if self.num_features:
            shape = (rows, self.num_features)
            self.features = self.add_weight(
                name="features", shape=shape, initializer="zeros", trainable=False
            )
            self.feature_weights = self.add_weight(
                name="feature_vectors", shape=(self.num_features, self.width), initializer=start
            )
        if self.num_members:
            self.set_vector.build()

    def check_members(self, name: str, count: int, what: str) -> None:
        """Raise a `ValueError` that calls the tower `name` unless it reads a set of so many."""
        if self.num_members not in (0, count):
            raise ValueError(
                f"`{name}` must read {count} {what} or none. "
                f"Received: num_members={self.num_members}"
            )

    def adapt(self, features: np.ndarray) -> None:
        """Take the features of the ids 1..N, float (N, F)."""
        if np.shape(features) != (self.count, self.num_features):
            raise ValueError(
                f"`features` must be ({self.count}, {self.num_features}), a row for each id. "
                f"Received: shape={np.shape(features)}"
            )
        self.features.assign(np.pad(features, ((1, 1), (0, 0))))

    def call(self, ids, known=None, values=None, training=None):
        inside = ops.logical_and(ids >= 1, ids <= self.count)
        rows = ops.where(inside, ids, 0)
        level = ops.zeros((ops.shape(ids)[0], 1), self.compute_dtype)
        vector = ops.zeros((ops.shape(ids)[0], self.width), self.compute_dtype)
        if self.ids:
            own = ops.cast(inside, self.compute_dtype)[:, None]
            vector = vector + own * ops.take(self.table, rows, axis=0)
            level = level + own * ops.take(self.levels, rows, axis=0)
        if self.num_features:
            found = ops.take(ops.cast(self.features, self.compute_dtype), rows, axis=0)
            vector = vector + ops.matmul(found, self.feature_weights)
        if self.num_members:
            read, read_level = self.set_vector(known, values, training=training)
            vector, level = vector + read, level + read_level
        if self.num_members or self.num_features:
            vector = ops.tanh(vector)
        return self.drop(vector, training=training), level

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "count": self.count,
            "width": self.width,
            "ids": self.ids,
            "num_features": self.num_features,
            "num_members": self.num_members,
            "dropout": self.dropout,
        }
