"""The tower of a two-tower model: encode a user or an item from its id, features and ratings."""

import keras
import numpy as np
from keras import ops

from recmodels.layers.rating_set_encoder import RatingSetEncoder


@keras.saving.register_keras_serializable("recmodels")
class Tower(keras.layers.Layer):
    """Compute a vector and a bias for each of N users or items.

    The vector is the sum of an embedding of the id (`ids`), a projection of the features given to
    `adapt`, and an encoding of the ratings. If the tower reads features or ratings, a tanh is
    applied to the sum.

    Args:
        count: N, the largest id. Ids below 1 or above N get no embedding.
        width: D, the size of the vectors.
        ids: whether each id has an embedding and a bias.
        num_features: F, the number of feature columns given to `adapt`; 0 for none.
        num_members: M of the rating sets, including the padding column; 0 to read no ratings.
        dropout: dropout rate of the members of a rating set and of the output vector.

    Call arguments:
        ids: int32, (B,).
        rated_mask, values: see `RatingSetEncoder`, (B, M); omitted if `num_members` is 0.

    Returns:
        Vectors (B, D) and biases (B, 1).
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
            self.rating_set_encoder = RatingSetEncoder(
                num_members, width, dropout, name="set", dtype=policy
            )

    def build(self, ids_shape=None, rated_mask_shape=None, values_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=0.05)
        rows = self.count + 2  # Row 0 and the last row belong to ids that are not in the table.
        if self.ids:
            self.table = self.add_weight(
                name="table", shape=(rows, self.width), initializer="random_uniform"
            )
            self.biases = self.add_weight(name="bias", shape=(rows, 1), initializer="zeros")
        if self.num_features:
            shape = (rows, self.num_features)
            self.features = self.add_weight(
                name="features", shape=shape, initializer="zeros", trainable=False
            )
            self.feature_weights = self.add_weight(
                name="feature_vectors", shape=(self.num_features, self.width), initializer=start
            )
        if self.num_members:
            self.rating_set_encoder.build()

    def check_members(self, name: str, count: int, what: str) -> None:
        """Raise a `ValueError` about argument `name` if the tower reads other sets."""
        if self.num_members not in (0, count):
            raise ValueError(
                f"`{name}` must read {count} {what} or none. "
                f"Received: num_members={self.num_members}"
            )

    def adapt(self, features: np.ndarray) -> None:
        """Set the features of the ids 1..N, float (N, F)."""
        if np.shape(features) != (self.count, self.num_features):
            raise ValueError(
                f"`features` must be ({self.count}, {self.num_features}), a row for each id. "
                f"Received: shape={np.shape(features)}"
            )
        self.features.assign(np.pad(features, ((1, 1), (0, 0))))

    def call(self, ids, rated_mask=None, values=None, training=None):
        inside = ops.logical_and(ids >= 1, ids <= self.count)
        rows = ops.where(inside, ids, 0)
        bias = ops.zeros((ops.shape(ids)[0], 1), self.compute_dtype)
        vector = ops.zeros((ops.shape(ids)[0], self.width), self.compute_dtype)
        if self.ids:
            has_id = ops.cast(inside, self.compute_dtype)[:, None]
            vector = vector + has_id * ops.take(self.table, rows, axis=0)
            bias = bias + has_id * ops.take(self.biases, rows, axis=0)
        if self.num_features:
            features = ops.take(ops.cast(self.features, self.compute_dtype), rows, axis=0)
            vector = vector + ops.matmul(features, self.feature_weights)
        if self.num_members:
            read, read_bias = self.rating_set_encoder(rated_mask, values, training=training)
            vector, bias = vector + read, bias + read_bias
        if self.num_members or self.num_features:
            vector = ops.tanh(vector)
        return self.drop(vector, training=training), bias

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
