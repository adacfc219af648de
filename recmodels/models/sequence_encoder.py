"""What every sequence encoder can do besides encoding: score the catalogue."""

import functools
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from recmodels.threads import side_by_side

# Histories scored at once: few enough that attention over them stays in the processor's cache.
SCORING_ROWS = 64
# Lengths are rounded up to this, so that only few shapes are ever compiled.
LENGTH_STEP = 25


class SequenceEncoder(keras.Model):
    """A model from a dict with `item_ids` (B, T) to states (B, T, D).

    A subclass sets `item_embedding` (an `ItemEmbedding`) and `max_length` in its constructor.
    The score of an item is the dot product of its vector with the last state.
    """

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores after each history.

        Args:
            queries: dict with `item_ids`, int32 (B, T), padded on the left with 0.
            items: item ids to score; by default the whole catalogue.

        Returns:
            Float32, (B, V + 1) with column i for item i and 0 in column 0, or (B, len(items)).

        Raises:
            ValueError: an id in `items` is not in 1..V.
        """
        if items is None:
            columns = self.item_embedding.num_items + 1
            return self._read_in_parts(queries["item_ids"], self._read_scores, columns)
        states = self.last_states(queries["item_ids"])
        table = ops.convert_to_numpy(self.item_embedding.catalogue())
        items = np.asarray(items)
        if items.size and not 1 <= items.min() <= items.max() <= len(table):
            raise ValueError(
                f"`items` must be item ids in 1..{len(table)}: padding, unknown and mask are "
                f"never scored. Received: {items.min()} to {items.max()}"
            )
        return states @ table[items - 1].T

    def export(self, *args, **kwargs):
        """Not supported: Keras would export the states of padded item ids, without the items.

        Raises:
            ValueError: always, with what to use instead.
        """
        raise ValueError(
            "`export` of Keras knows neither raw ids nor the catalogue: use `recmodels export "
            "BUNDLE FOLDER`, or `recmodels.recommend.export.export_saved_model(recommender, "
            f"folder)`. Received: model={type(self).__name__}"
        )

    def last_state(self, inputs):
        """The state after the last event alone, (B, D), of padded inputs.

        A subclass may leave out what only the other states need: half the work of two blocks.
        """
        return self(inputs, training=False)[:, -1]

    def last_states(self, item_ids: np.ndarray) -> np.ndarray:
        """The state after each whole history, float32, (B, D).

        Rows of similar length are encoded together, without the padding they share.
        """
        return self._read_in_parts(item_ids, self._read_last, self.item_embedding.width)

    def _read_in_parts(
        self, item_ids: np.ndarray, read: Callable[[dict], np.ndarray], columns: int
    ) -> np.ndarray:
        """What `read` makes of each history, float32 (B, columns)."""
        item_ids = np.asarray(item_ids)[:, -self.max_length :]
        lengths = item_ids.shape[1] - np.argmax(item_ids != 0, axis=1)
        found = np.empty((len(item_ids), columns), np.float32)
        order = np.argsort(lengths, kind="stable")
        parts = np.split(order, np.arange(SCORING_ROWS, len(order), SCORING_ROWS))

        def fill(rows: np.ndarray) -> None:
            length = -(-int(lengths[rows].max()) // LENGTH_STEP) * LENGTH_STEP
            found[rows] = read({"item_ids": item_ids[rows, -length:]})

        if len(order):
            # Other backends keep state in the model while it predicts.
            if len(parts) == 1 or keras.backend.backend() != "tensorflow":
                for rows in parts:
                    fill(rows)
            else:
                side_by_side(fill, parts)
        return found

    @functools.cached_property
    def _read_last(self) -> Callable[[dict], np.ndarray]:
        """`last_state` as a compiled function of arrays."""
        return _compiled(LastState(self))

    @functools.cached_property
    def _read_scores(self) -> Callable[[dict], np.ndarray]:
        """The scores of the catalogue as a compiled function of arrays."""
        return _compiled(LastScores(self))


def _compiled(reader: keras.Model) -> Callable[[dict], np.ndarray]:
    """A function, because Keras would store a model in an attribute as a part of the other."""
    reader.make_predict_function()
    return reader.predict_on_batch


class LastState(keras.Model):
    """Another model whose output is the state after the last event, (B, D), of an encoder."""

    def __init__(self, encoder: SequenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def call(self, inputs):
        return self.encoder.last_state(inputs)


class LastScores(LastState):
    """Another model whose output are the scores after the last event, (B, V + 1)."""

    def call(self, inputs):
        table = ops.pad(self.encoder.item_embedding.catalogue(), [[1, 0], [0, 0]])
        return ops.matmul(ops.cast(super().call(inputs), table.dtype), ops.transpose(table))
