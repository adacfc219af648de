"""A linear recurrence over time, computed in a logarithmic number of steps."""

import math

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require

RADIUS = (0.8, 0.99)  # Of the initial decays: a memory of 5 to 100 events.


def shift_right(x, steps: int):
    """Move a sequence (B, T, ...) later by some steps, with zeros at the start."""
    rest = [[0, 0]] * (len(x.shape) - 2)
    return ops.pad(x, [[0, 0], [steps, 0], *rest])[:, : ops.shape(x)[1]]


def decayed_sums(real, imaginary, decay, angle, max_length: int):
    """Return h with h_t = lambda h_(t-1) + u_t for complex u and lambda, as two real arrays.

    With lambda = exp(-decay + i angle). Each step doubles how far back the sums reach, because
    h_t over 2 s events is h_t over s events plus lambda^s times h_(t-s) over s events: a history
    of T events takes log2(T) steps instead of T.

    Args:
        real, imaginary: parts of u, (B, T, N).
        decay, angle: (N,).
        max_length: L, the most events T.

    Returns:
        The real and the imaginary part of h, (B, T, N).
    """
    for step in range(math.ceil(math.log2(max(2, max_length)))):
        reach = 2**step
        size = ops.exp(-decay * reach)
        cosine, sine = size * ops.cos(angle * reach), size * ops.sin(angle * reach)
        a, b = shift_right(real, reach), shift_right(imaginary, reach)
        real, imaginary = real + cosine * a - sine * b, imaginary + sine * a + cosine * b
    return real, imaginary


@keras.saving.register_keras_serializable("recmodels")
class LinearRecurrence(keras.layers.Layer):
    """The linear recurrent unit: a complex state that decays and turns at learned rates.

        h_t = lambda * h_(t-1) + gamma * (B x_t)          y_t = Re(C h_t)

    with one complex lambda = exp(-exp(nu) + i exp(theta)) per number of the state, whose size
    is always below 1. There is no activation between two events, so that a whole history is
    computed in log2(T) steps. Orvieto et al., "Resurrecting Recurrent Neural Networks for Long
    Sequences", 2023, section 3; Yue et al., "Linear Recurrent Units for Sequential
    Recommendation", 2024, section 3.

    Args:
        max_length: L, the most events.
        num_states: N, complex numbers in the state; by default the width, half of the paper's.

    Call arguments:
        x: (B, T, D), T <= L.
        real: padding mask, bool (B, T); padding adds nothing to the state.

    Returns:
        (B, T, D).

    Raises:
        ValueError: T is greater than L, so that the passes would not reach all events.

    Example:
        >>> LinearRecurrence(max_length=50)(np.ones((1, 3, 8)), np.ones((1, 3), bool)).shape
        TensorShape([1, 3, 8])
    """

    def __init__(self, max_length: int, num_states: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.num_states = num_states

    def build(self, x_shape, real_shape=None) -> None:
        width = x_shape[-1]
        states = self.num_states or width
        dense = {"use_bias": False, "dtype": self.dtype_policy}
        self.read = keras.layers.Dense(2 * states, name="read", **dense)
        self.write = keras.layers.Dense(width, name="write", **dense)
        self.read.build((None, None, width))
        self.write.build((None, None, 2 * states))

        def uniform(shape, dtype=None):
            return keras.random.uniform(shape, dtype="float32")

        def log_decay(shape, dtype=None):
            squares = [radius**2 for radius in RADIUS]
            square = uniform(shape) * (squares[1] - squares[0]) + squares[0]
            return ops.log(-0.5 * ops.log(square))

        def log_angle(shape, dtype=None):
            return ops.log(2 * np.pi * uniform(shape) + 1e-6)

        self.log_decay = self.add_weight(name="log_decay", shape=(states,), initializer=log_decay)
        self.log_angle = self.add_weight(name="log_angle", shape=(states,), initializer=log_angle)

    def call(self, x, real):
        length = x.shape[1]
        must = "`x` is longer than `max_length`: cut histories with `last(rows, max_length)`"
        fits = length is None or length <= self.max_length
        require(fits, must, T=length, max_length=self.max_length)
        # In float32, because powers of numbers near 1 are needed.
        kept = ops.cast(real, "float32")[..., None]
        decay = ops.exp(ops.cast(self.log_decay, "float32"))
        angle = ops.exp(ops.cast(self.log_angle, "float32"))
        # The factor that keeps the size of the state that of its inputs, gamma in the paper.
        gain = ops.sqrt(1 - ops.exp(-2 * decay))
        u = ops.cast(self.read(x), "float32") * kept * ops.concatenate([gain, gain])
        states = decayed_sums(*ops.split(u, 2, axis=-1), decay, angle, self.max_length)
        return self.write(ops.cast(ops.concatenate(states, axis=-1), self.compute_dtype))

    def compute_output_shape(self, x_shape, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        own = {"max_length": self.max_length, "num_states": self.num_states}
        return {**super().get_config(), **own}
