"""Base class of sequence encoders: score the catalogue from the encoded state."""

import functools
from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import ops

from recmodels.features.checks import check_columns, check_items, check_queries
from recmodels.models.initial_weights import InitialWeights
from recmodels.threads import thread_map

# Histories scored at once: few enough that attention over them stays in the processor's cache.
SCORING_ROWS = 64
# Lengths are rounded up to this, so that only few shapes are ever compiled.
LENGTH_STEP = 25


class SequenceEncoder(InitialWeights):
    """Base class of models from a dict with `item_ids` (B, T) to states (B, T, D).

    A subclass sets `item_embedding` (an `ItemEmbedding`) and `max_length` in its constructor, and
    `columns` where it reads further inputs (B, T, ...), with their `column_sizes` where it was made
    for certain ones. The score of an item is the dot product of
    its vector with the last state.
    """

    task = "next_item"  # How `fit` trains it; see `tasks/build.py`.
    causal = True  # Whether the state of a position depends on no later event.
    columns: tuple[str, ...] = ()
    column_sizes: Mapping[str, Mapping[str, int]] = {}

    @functools.cached_property
    def num_items(self) -> int:
        """V, unless the constructor has set it."""
        return self.item_embedding.num_items

    def compute_output_spec(self, inputs, *args, **kwargs):
        """Shapes of the outputs, also of histories of unknown length.

        For a length of None, Keras tries lengths with PyTorch that may be above `max_length`.
        """
        unknown = all(x.shape[1] is None for x in inputs.values())
        if not unknown or kwargs.get("return_weights"):
            return super().compute_output_spec(inputs, *args, **kwargs)
        length = min(2, self.max_length)
        tried = {name: _with_length(x, length) for name, x in inputs.items()}
        states = super().compute_output_spec(tried, *args, **kwargs)
        return _with_length(states, None) if states.shape[1] == length else states

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores after each history.

        Args:
            queries: dict with `item_ids`, int32 (B, T), padded on the left with 0, and the
                columns that the model reads, (B, T, ...).
            items: item ids to score; by default the whole catalogue.

        Returns:
            Float32, (B, V + 1) with column i for item i and 0 in column 0, or (B, len(items)).

        Raises:
            ValueError: `queries` or `items` hold ids that are out of range, padding that is
                not on the left, or columns that are not those of the model.

        A model that was never trained is built and scores by its initial weights.
        """
        queries = self.checked(queries)
        if items is None:
            scores = self._read_in_parts(queries, self._read_scores, self.num_items + 1)
            scores[:, 0] = 0.0  # `match` may score padding.
            return scores
        items = check_items(items, self.num_items)
        states = self._read_in_parts(queries, self._read_last, self.state_width)
        found = self.match(states, self.item_vectors()[items - 1])
        return np.asarray(ops.convert_to_numpy(found), np.float32)

    @property
    def state_width(self) -> int:
        """How many numbers the state of a position has."""
        return self.item_embedding.width

    def match(self, states, vectors):
        """Scores of items, (B, N), from states (B, D) and item vectors (N, D): dot products."""
        return ops.matmul(states, ops.transpose(vectors))

    def checked(self, queries: Mapping) -> dict[str, np.ndarray]:
        """The queries as arrays, after checking every id and code; the model is built by then.

        Raises:
            ValueError: see `score`.
        """
        if not self.built:
            self.build()
        queries = check_queries(queries, self.num_items, needed=("item_ids", *self.columns))
        check_columns(queries, self.column_sizes)
        return queries

    def last_state(self, inputs):
        """Return the state after the last event, (B, D), of padded inputs.

        A subclass may leave out what only the other states need: half the work of two blocks.
        """
        return self(inputs, training=False)[:, -1]

    def query_vectors(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """The state after each whole history, float32, (B, D); see `score` for the queries.

        Rows of similar length are encoded together, without the padding they share.
        """
        return self._read_in_parts(queries, self._read_last, self.state_width)

    def item_vectors(self) -> np.ndarray:
        """Return the output vectors of the items 1..V, float32, (V, D)."""
        return np.asarray(ops.convert_to_numpy(self.item_embedding.catalogue()), np.float32)

    def export(self, filepath, *args, input_signature=None, **kwargs) -> None:
        """Write the encoder as `keras.Model.export` does, from its inputs (B, T) to states.

        `recmodels export` writes a recommender instead, from raw ids to lists.
        """
        if input_signature is None:
            input_signature = [self.input_specs()]
        if not self.built:
            self.build()
        super().export(filepath, *args, input_signature=input_signature, **kwargs)

    def input_specs(self, rows: int | None = None, length: int | None = None) -> dict:
        """Shape and dtype of each input, `keras.InputSpec` by name.

        Args:
            rows, length: B and T; None where they vary.
        """
        specs = {"item_ids": keras.InputSpec(dtype="int32", shape=(rows, length))}
        for name, size in self.column_sizes.items():
            more = (size["numbers"],) if "numbers" in size else ()
            kind = "float32" if more else "int32"
            specs[name] = keras.InputSpec(dtype=kind, shape=(rows, length, *more))
        return specs

    def _read_in_parts(
        self, queries: dict[str, np.ndarray], read: Callable[[dict], np.ndarray], columns: int
    ) -> np.ndarray:
        """Return the output of `read` for each history, float32 (B, columns)."""
        names = ("item_ids", *self.columns)
        inputs = {name: np.asarray(queries[name])[:, -self.max_length :] for name in names}
        item_ids = inputs["item_ids"]
        lengths = item_ids.shape[1] - np.argmax(item_ids != 0, axis=1)
        output = np.empty((len(item_ids), columns), np.float32)
        order = np.argsort(lengths, kind="stable")
        parts = np.split(order, np.arange(SCORING_ROWS, len(order), SCORING_ROWS))

        def fill(rows: np.ndarray) -> None:
            length = -(-int(lengths[rows].max()) // LENGTH_STEP) * LENGTH_STEP
            output[rows] = read({name: inputs[name][rows, -length:] for name in names})

        if len(order):
            # Other backends keep state in the model while it predicts.
            if len(parts) == 1 or keras.backend.backend() != "tensorflow":
                for rows in parts:
                    fill(rows)
            else:
                thread_map(fill, parts)
        return output

    @functools.cached_property
    def _read_last(self) -> Callable[[dict], np.ndarray]:
        """`last_state` as a compiled function of arrays."""
        return _compiled(LastState(self))

    @functools.cached_property
    def _read_scores(self) -> Callable[[dict], np.ndarray]:
        """The scores of the catalogue as a compiled function of arrays."""
        return _compiled(LastScores(self))


def _compiled(reader: keras.Model) -> Callable[[dict], np.ndarray]:
    """Return a function, because Keras would track a model in an attribute as a sublayer."""
    reader.make_predict_function()
    return reader.predict_on_batch


class LastState(keras.Model):
    """A model whose output is the state after the last event, (B, D), of an encoder."""

    def __init__(self, encoder: SequenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def call(self, inputs):
        return self.encoder.last_state(inputs)


class LastScores(LastState):
    """A model whose output is the scores after the last event, (B, V + 1)."""

    def call(self, inputs):
        table = ops.pad(self.encoder.item_embedding.catalogue(), [[1, 0], [0, 0]])
        return self.encoder.match(ops.cast(super().call(inputs), table.dtype), table)


def _with_length(x, length: int | None) -> keras.KerasTensor:
    """The symbolic tensor with another size of the time axis, the second."""
    return keras.KerasTensor((x.shape[0], length, *x.shape[2:]), x.dtype)
