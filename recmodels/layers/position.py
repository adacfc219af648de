"""Positional encodings, counted from the newest event unless places are given."""

import keras
import numpy as np
from keras import ops


def reversed_positions(length):
    """Return T - 1, ..., 1, 0, so that padding on the left changes no position."""
    return length - 1 - ops.arange(length)


def places_from_oldest(real):
    """Return 0, 1, ... for real events and 0 before them, int32 (B, T), from the padding mask."""
    return ops.maximum(ops.cumsum(ops.cast(real, "int32"), axis=1) - 1, 0)


@keras.saving.register_keras_serializable("recmodels")
class LearnedPosition(keras.layers.Layer):
    """Add a learned vector to each position.

    Args:
        max_length: L, the longest history; longer inputs raise.
        initial_std: standard deviation of the initial vectors.

    Call arguments:
        x: (B, T, D), padded on the left, T <= L.
        places: the row of the table for each position, int32 (B, T); by default T - 1, ..., 0,
            counted from the newest.

    Returns:
        (B, T, D).
    """

    def __init__(self, max_length: int, initial_std: float = 0.02, **kwargs) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.initial_std = initial_std

    def build(self, input_shape) -> None:
        self.table = self.add_weight(
            name="table",
            shape=(self.max_length, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=self.initial_std),
        )

    def call(self, x, places=None):
        length = ops.shape(x)[1]
        if isinstance(length, int) and length > self.max_length:
            raise ValueError(
                f"`x` is longer than `max_length`. Received: T={length}, "
                f"max_length={self.max_length}. Cut histories with `last(rows, max_length)`."
            )
        places = reversed_positions(length) if places is None else places
        rows = ops.take(self.table, places, axis=0)  # (T, D) or (B, T, D)
        return x + ops.cast(rows, self.compute_dtype)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initial_std": self.initial_std,
        }


@keras.saving.register_keras_serializable("recmodels")
class SinusoidalPosition(keras.layers.Layer):
    """Add fixed sine and cosine waves to each position, for any length.

    sin(p / 10000^(2i/D)) in the even features, cos in the odd ones: Vaswani et al., "Attention
    Is All You Need", 2017, section 3.5, with p counted from the newest event.

    Call arguments:
        x: (B, T, D), D even.

    Returns:
        (B, T, D).
    """

    def build(self, input_shape) -> None:
        width = input_shape[-1]
        if width % 2:
            raise ValueError(f"`x` must have an even width. Received: D={width}")
        self.rates = np.repeat(10000.0 ** (-np.arange(0, width, 2) / width), 2)  # (D,)
        self.shifts = np.tile([0.0, np.pi / 2], width // 2)  # cos(a) = sin(a + pi / 2)

    def call(self, x):
        position = ops.cast(reversed_positions(ops.shape(x)[1]), "float32")
        angles = position[:, None] * ops.cast(self.rates, "float32")  # (T, D)
        return x + ops.cast(ops.sin(angles + ops.cast(self.shifts, "float32")), self.compute_dtype)
