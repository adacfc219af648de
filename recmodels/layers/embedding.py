"""Item embeddings, used for histories and, tied, to score the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from recmodels.features.batches import GROUPS
from recmodels.features.vocabulary import PADDING_ID
from recmodels.layers.fast import fast_look_up, fast_rows, is_fast


@keras.saving.register_keras_serializable("recmodels")
class ItemEmbedding(keras.layers.Layer):
    """One vector per item; padding is always zero.

    Args:
        num_items: V. The table has V + 3 rows: padding, 1..V, unknown and mask.
        width: D.
        initial_std: standard deviation of the initial vectors.
        unit: whether the output layer multiplies with vectors of length 1, so that scores do not
            grow with an item's popularity.

    Call arguments:
        item_ids: int32, (B, T).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        num_items: int,
        width: int,
        initial_std: float = 0.02,
        unit: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_items = num_items
        self.width = width
        self.initial_std = initial_std
        self.unit = unit
        self._given = None  # See `giving`.

    _added_rows = 0  # At the end of a table that several processes share.

    def build(self, input_shape=None) -> None:
        rows = self.num_items + 3
        initial = keras.initializers.RandomNormal(stddev=self.initial_std)
        if isinstance(keras.distribution.distribution(), keras.distribution.ModelParallel):
            # Every number of processes that may train together divides it.
            rows += -rows % GROUPS
            self._added_rows = rows - self.num_items - 3
            initial = _ThenZeros(initial, self.num_items + 3)
        self.table = self.add_weight(name="table", shape=(rows, self.width), initializer=initial)

    def save_own_variables(self, store) -> None:
        """Store V + 3 rows of the table, however many processes have trained them."""
        table = getattr(self, "table", None)  # Items that have content alone have no table.
        for number, variable in enumerate(self._weights_in_order()):
            value = ops.convert_to_numpy(variable)
            added = self._added_rows if variable is table else 0
            store[str(number)] = value[: len(value) - added]

    def load_own_variables(self, store) -> None:
        """Load what `save_own_variables` has stored."""
        table = getattr(self, "table", None)
        for number, variable in enumerate(self._weights_in_order()):
            value = np.asarray(store[str(number)])
            if variable is table:
                value = np.pad(value, [(0, variable.shape[0] - len(value)), (0, 0)])
            variable.assign(value)

    def _weights_in_order(self) -> list:
        """Those of this layer alone, in the order in which Keras stores them."""
        return [*self._trainable_variables, *self._non_trainable_variables]

    @contextmanager
    def giving(self, vectors) -> Iterator[None]:
        """Make calls return `vectors`, (B, T, D), for the first T positions, whatever the ids are.

        Gradients with respect to the vectors of events then pass through the encoder as it is.
        """
        self._given = vectors
        try:
            yield
        finally:
            self._given = None

    def call(self, item_ids):
        vectors = self.look_up(item_ids)
        if self._given is None:
            return vectors
        # Positions that the encoder adds after the events, such as a mask, keep their vectors.
        return ops.concatenate([self._given, vectors[:, self._given.shape[1] :]], axis=1)

    def look_up(self, item_ids):
        """Return the vectors of the ids, as `call` does outside `giving`."""
        real = ops.cast(ops.not_equal(item_ids, PADDING_ID), self.compute_dtype)
        vectors = ops.take(ops.cast(self.table, self.compute_dtype), item_ids, axis=0)
        return vectors * real[..., None]  # (B, T, D)

    def catalogue(self):
        """Return the vectors of items 1..V, (V, D), for the tied output layer."""
        if is_fast():
            vectors = fast_rows(self.table, 1, self.num_items)
        else:
            vectors = ops.convert_to_tensor(self.table)[1 : self.num_items + 1]
        return ops.normalize(vectors, axis=-1) if self.unit else vectors

    def vectors_of(self, item_ids):
        """Return vectors of some items as in `catalogue`, (N, D), without computing the others."""
        if not is_fast():
            return ops.take(self.catalogue(), item_ids - 1, axis=0)
        vectors = fast_look_up(self.table, item_ids)
        return ops.normalize(vectors, axis=-1) if self.unit else vectors

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.width)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_items": self.num_items,
            "width": self.width,
            "initial_std": self.initial_std,
            "unit": self.unit,
        }


class _ThenZeros(keras.initializers.Initializer):
    """The values of another initializer for the first rows, and zeros below."""

    def __init__(self, initial: keras.initializers.Initializer, rows: int) -> None:
        self.initial, self.rows = initial, rows

    def __call__(self, shape, dtype=None):
        values = self.initial((self.rows, *shape[1:]), dtype)
        return ops.pad(values, [(0, shape[0] - self.rows), *[(0, 0)] * (len(shape) - 1)])
