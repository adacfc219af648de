"""Scores of items by their similarity to the latest events of a history."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require


@keras.saving.register_keras_serializable("recmodels")
class ItemSimilarities(keras.layers.Layer):
    """Add up given similarities of items to the latest events, with trained weights.

        score(j) = sum over kinds k and ages a of  weight(k, a) * s(k, item of age a, j)

    The similarities are not trained. Of each item the most similar ones are kept, the others have
    similarity 0.

    A similarity that counts training events knows the answer: the items of an event and of the one
    to predict may be similar because of this very user. `own` says how much one user adds, which
    is taken off all items of the user in training.

    Args:
        num_items: V.
        num_kinds: how many similarities there are of each pair.
        num_neighbours: K, how many similar items are kept for each item and kind.
        num_events: A, how many of the latest events count.
        initial_weight: of the latest event; each older one starts with half of the weight before.

    Call arguments:
        item_ids: the latest events, newest first, int32 (N, A).
        of_user: items whose scores leave out what their own user adds, int32 (N, M), filled up
            with 0; None for none.

    Returns:
        Float32, (N, V + 1), 0 in column 0.

    Example:
        >>> layer = ItemSimilarities(num_items=3, num_neighbours=1, num_events=1)
        >>> layer.adapt(np.array([[[0], [2], [1], [0]]]), np.array([[[0.0], [0.5], [0.5], [0.0]]]))
        >>> layer(np.array([[1]]))
        [[0, 0, 0.5, 0]]
    """

    def __init__(
        self,
        num_items: int,
        num_kinds: int = 1,
        num_neighbours: int = 100,
        num_events: int = 3,
        initial_weight: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_items, self.num_kinds = num_items, num_kinds
        self.num_neighbours, self.num_events = num_neighbours, num_events
        self.initial_weight = initial_weight

    def build(self, input_shape=None) -> None:
        # The unknown item and the mask have rows without neighbours, so that all ids can be read.
        shape = (self.num_kinds, self.num_items + 3, self.num_neighbours)
        fixed = {"shape": shape, "initializer": "zeros", "trainable": False}
        self.neighbours = self.add_weight(name="neighbours", dtype="int32", **fixed)
        self.strengths = self.add_weight(name="strengths", dtype="float32", **fixed)
        self.own = self.add_weight(name="own", dtype="float32", **fixed)
        start = self.initial_weight * 0.5 ** np.arange(self.num_events, dtype=np.float32)
        self.weight = self.add_weight(
            name="weight", shape=(self.num_kinds, self.num_events), dtype="float32",
            initializer=lambda shape, dtype=None: ops.broadcast_to(start, shape),
        )  # fmt: skip

    def adapt(self, neighbours, strengths, own=None) -> None:
        """Set the similar items of each item.

        Args:
            neighbours: item ids, int (kinds, V + 1, K); 0 where there are fewer.
            strengths: their similarity, float, likewise.
            own: how much of it one user adds whose history has both items; 0 by default.

        Raises:
            ValueError: an array has another shape, an id is out of range, or a number not finite.
        """
        shape = (self.num_kinds, self.num_items + 1, self.num_neighbours)
        own = np.zeros(shape) if own is None else own
        given = {"neighbours": neighbours, "strengths": strengths, "own": own}
        for name, array in given.items():
            array = np.asarray(array)
            fits = array.shape == shape and np.isfinite(array).all()
            require(fits, f"`{name}` must be {shape} and finite", shape=array.shape)
        ids = np.asarray(neighbours)
        known = ids.min() >= 0 and ids.max() <= self.num_items
        must = f"`neighbours` must be item ids from 0 to {self.num_items}"
        require(known, must, lowest=ids.min(), highest=ids.max())
        for name, array in given.items():
            getattr(self, name).assign(np.pad(array, ((0, 0), (0, 2), (0, 0))))

    def call(self, item_ids, of_user=None):
        rows = ops.shape(item_ids)[0]
        places, values = [], []
        for kind in range(self.num_kinds):
            near = ops.take(self.neighbours[kind], item_ids, axis=0)  # (N, A, K)
            strength = ops.take(self.strengths[kind], item_ids, axis=0)
            if of_user is not None:
                same = ops.any(near[..., None] == of_user[:, None, None, :], axis=-1)  # (N, A, K)
                own = ops.take(self.own[kind], item_ids, axis=0)
                strength = strength - ops.cast(same, "float32") * own
            places.append(ops.reshape(near, (rows, -1)))
            values.append(ops.reshape(strength * self.weight[kind][:, None], (rows, -1)))
        width = self.num_items + 1
        places = ops.concatenate(places, axis=1) + width * ops.arange(rows, dtype="int32")[:, None]
        values = ops.concatenate(values, axis=1)
        scores = ops.segment_sum(
            ops.reshape(values, (-1,)), ops.reshape(places, (-1,)), num_segments=rows * width
        )
        return ops.reshape(scores, (rows, width))

    def get_config(self) -> Mapping:
        names = ("num_items", "num_kinds", "num_neighbours", "num_events", "initial_weight")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
