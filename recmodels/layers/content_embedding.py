"""Item vectors made of an id vector and of attributes of the item, such as its text."""

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.fast import fast_look_up, fast_rows, is_fast

HIDDEN_LOGIT = -1e9  # Added to the logits of items that no training event has.


@keras.saving.register_keras_serializable("recmodels")
class ContentItemEmbedding(ItemEmbedding):
    """The vector of an item: an id vector, and a linear map of numbers that describe the item.

        vector(i) = table(i) + content(i) W / sqrt(F)                  with a training event
        vector(i) = mean of table over rare items + content(i) W / sqrt(F)        without

    The same vectors are read in histories and scored. The id vector of an item without a training
    event is not trained. It gets the mean id vector of rare items instead, so that its scores are
    comparable with theirs as soon as its content is set. The numbers should have a variance of
    about 1, as whitened vectors do: the division makes the mapped content as large as an id vector
    at the start.

    Args:
        num_items, width, initial_std, unit: see `ItemEmbedding`.
        num_features: F, the numbers per item.
        id_vectors: whether items have id vectors; without them they are their content alone.

    Call arguments:
        item_ids: int32, (B, T).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        num_items: int,
        width: int,
        num_features: int,
        id_vectors: bool = True,
        initial_std: float = 0.02,
        unit: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(num_items, width, initial_std, unit, **kwargs)
        self.num_features = num_features
        self.id_vectors = id_vectors

    def build(self, input_shape=None) -> None:
        rows = self.num_items + 3
        start = keras.initializers.RandomNormal(stddev=self.initial_std)
        if self.id_vectors:
            super().build()
        fixed = {"initializer": "zeros", "trainable": False}
        self.content = self.add_weight(name="content", shape=(rows, self.num_features), **fixed)
        self.rare = self.add_weight(name="rare", shape=(rows, 1), **fixed)
        fixed["initializer"] = "ones"
        self.known = self.add_weight(name="known", shape=(rows, 1), **fixed)
        self.projection = self.add_weight(
            name="projection", shape=(self.num_features, self.width), initializer=start
        )

    def adapt(self, content: np.ndarray, known: np.ndarray, rare: np.ndarray) -> None:
        """Set what is known of items.

        Args:
            content: float (V + 3, F), row i for item id i.
            known: bool (V + 3,), False for items without a training event.
            rare: bool (V + 3,), True for items whose mean id vector others get.

        Raises:
            ValueError: an array has another shape.
        """
        shape = (self.num_items + 3, self.num_features)
        shapes = [np.shape(array) for array in (content, known, rare)]
        must = f"`content` must be {shape}, and `known` and `rare` have as many rows"
        require(shapes == [shape, shape[:1], shape[:1]], must, shapes=shapes)
        self.content.assign(content)
        self.known.assign(np.asarray(known, np.float32)[:, None])
        self.rare.assign(np.asarray(rare, np.float32)[:, None] / max(1, np.sum(rare)))

    def look_up(self, item_ids):
        flat = ops.reshape(item_ids, (-1,))
        vectors = self._sum(lambda weight: ops.take(weight, flat, axis=0))
        vectors = ops.reshape(vectors, (*ops.shape(item_ids), self.width))
        real = ops.cast(ops.not_equal(item_ids, 0), self.compute_dtype)
        return ops.cast(vectors, self.compute_dtype) * real[..., None]

    def catalogue(self):
        """Return the vectors of items 1..V, (V, D), for the tied output layer."""
        vectors = self._sum(lambda weight: fast_rows(weight, 1, self.num_items))
        return ops.normalize(vectors, axis=-1) if self.unit else vectors

    def vectors_of(self, item_ids):
        """Return vectors of some items as in `catalogue`, (N, D), without computing the others."""
        look_up = fast_look_up if is_fast() else lambda w, rows: ops.take(w, rows, axis=0)
        vectors = self._sum(lambda weight: look_up(ops.convert_to_tensor(weight), item_ids))
        return ops.normalize(vectors, axis=-1) if self.unit else vectors

    def output_bias(self, item_ids=None):
        """Return 0 for items with a training event and `HIDDEN_LOGIT` for others, (N, 1).

        Args:
            item_ids: (N,); by default 1..V.
        """
        known = ops.convert_to_tensor(self.known)
        rows = known[1 : self.num_items + 1] if item_ids is None else ops.take(known, item_ids, 0)
        return (1.0 - rows) * HIDDEN_LOGIT

    def _sum(self, rows_of):
        """Id vectors and mapped content of the rows that `rows_of` selects of a weight."""
        projection = ops.convert_to_tensor(self.projection) / self.num_features**0.5
        vectors = ops.matmul(rows_of(self._content()), projection)
        if not self.id_vectors:
            return vectors
        table, rare = ops.convert_to_tensor(self.table), ops.convert_to_tensor(self.rare)
        known = rows_of(self.known)
        # Not trained through this mean: items without a training event are in no loss.
        mean = ops.stop_gradient(ops.matmul(ops.transpose(rare), table))  # (1, D)
        return vectors + known * rows_of(self.table) + (1.0 - known) * mean

    def _content(self):
        """What `_sum` maps, (V + 3, F)."""
        return self.content

    def get_config(self) -> dict:
        own = {"num_features": self.num_features, "id_vectors": self.id_vectors}
        return {**super().get_config(), **own}
