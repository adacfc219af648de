"""Vectors of events: the vector of the item together with further columns of the same event."""

from collections.abc import Mapping
from itertools import accumulate

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_column_sizes
from recmodels.layers.fast import fast_look_up

COMBINATIONS = ("sum", "concatenate", "gate")


@keras.saving.register_keras_serializable("recmodels")
class EventEmbedding(keras.layers.Layer):
    """Add what further columns say of each event to the vector of its item.

    Codes have a vector each, numbers are projected; both are scaled by sqrt(D) as the item vectors
    of a Transformer are. With c the sum of the columns' vectors and x the item vector:

        "sum"            x + c
        "concatenate"    W [x; vector of the first column; ...]
        "gate"           x + sigmoid(W (x + c) + b) * c, for each of the D features

    Columns of users are read at every event, as those of items are. In a causal Transformer this
    has the purpose of a prefix token: each position sees them, and histories keep their length.

    Args:
        width: D.
        columns: sizes from `Schema.input_sizes`, such as
            `{"action": {"codes": 6}, "price": {"numbers": 2}}`; code 0 is padding.
        combine: one of the above.
        initial_std: standard deviation of the initial vectors.

    Call arguments:
        vectors: of the items, (B, T, D).
        columns: by name, codes int32 (B, T) or numbers float32 (B, T, C); others are ignored.

    Returns:
        (B, T, D). Where the columns are padding, the item vector is not changed, but for the
        projection of `"concatenate"`.

    Raises:
        ValueError: `combine` is unknown, or `columns` holds something other than sizes.

    Example:
        >>> layer = EventEmbedding(8, data.schema.input_sizes("action"))
        >>> layer(np.ones((1, 2, 8)), {"action": np.array([[1, 2]])}).shape
        TensorShape([1, 2, 8])
    """

    def __init__(
        self,
        width: int,
        columns: Mapping[str, Mapping[str, int]],
        combine: str = "sum",
        initial_std: float = 0.02,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_column_sizes(columns)
        require(
            combine in COMBINATIONS, f"`combine` must be one of {COMBINATIONS}", combine=combine
        )
        self.width = width
        self.columns = {name: dict(size) for name, size in columns.items()}
        self.combine = combine
        self.initial_std = initial_std
        self.coded = [name for name, size in columns.items() if "codes" in size]
        self.numeric = [name for name, size in columns.items() if "numbers" in size]
        # Where the codes of a column begin in the one table. Its row 0 is padding for all.
        counts = [columns[name]["codes"] - 1 for name in self.coded]
        *self.offsets, self.num_rows = accumulate(counts, initial=0)
        if combine != "sum":
            self.mix = keras.layers.Dense(
                width, use_bias=combine == "gate", name="mix", dtype=self.dtype_policy
            )

    def build(self, vectors_shape=None, columns_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=self.initial_std)
        if self.coded:
            shape = (self.num_rows + 1, self.width)
            self.table = self.add_weight(name="table", shape=shape, initializer=start)
        if self.numeric:
            numbers = sum(self.columns[name]["numbers"] for name in self.numeric)
            shape = (numbers, self.width)
            self.projection = self.add_weight(name="projection", shape=shape, initializer=start)
        if self.combine != "sum":
            parts = 1 + len(self.coded) + bool(self.numeric)
            self.mix.build((None, None, self.width * (parts if self.combine != "gate" else 1)))

    def call(self, vectors, columns):
        parts = [*self._of_codes(columns), *self._of_numbers(columns)]
        if self.combine == "concatenate":
            return self.mix(ops.concatenate([vectors, *parts], axis=-1))
        total = sum(parts)
        if self.combine == "gate":
            total = ops.sigmoid(self.mix(vectors + total)) * total
        return vectors + total

    def _of_codes(self, columns) -> list:
        """The vector of each column with codes, (B, T, D); zeros where it is padding."""
        if not self.coded:
            return []
        real = ops.cast(ops.arange(self.num_rows + 1) > 0, self.compute_dtype)
        table = ops.cast(self.table, self.compute_dtype) * (real * self.width**0.5)[:, None]
        pairs = zip(self.coded, self.offsets, strict=True)
        codes = [ops.where(columns[name] > 0, columns[name] + start, 0) for name, start in pairs]
        return [fast_look_up(table, rows) for rows in codes]

    def _of_numbers(self, columns) -> list:
        """The projection of all numbers, (B, T, D)."""
        if not self.numeric:
            return []
        numbers = [ops.cast(columns[name], self.compute_dtype) for name in self.numeric]
        projection = ops.cast(self.projection, self.compute_dtype) * self.width**0.5
        return [ops.matmul(ops.concatenate(numbers, axis=-1), projection)]

    def compute_output_shape(self, vectors_shape, columns_shape=None):
        return vectors_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "width": self.width,
            "columns": {name: dict(size) for name, size in self.columns.items()},
            "combine": self.combine,
            "initial_std": self.initial_std,
        }
