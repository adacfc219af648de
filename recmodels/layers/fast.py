"""Faster implementations of the layers, and the switch between plain and fast ones.

Each layer has a plain form, which follows the formula, and a fast form here, which costs a CPU
less. Both have the same weights and config and give equal results to rounding; dropout has the
same distribution. Tests compare them. The switch is part of no saved file.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator

import keras
from keras import ops

from recmodels.threads import SHARDS

CHOICES = 2**16  # Number of values of 16 bits.
NUMBERS_IN_ROW = 32  # Any fixed number: `ops.view` needs a static last dimension.
_switch = {"fast": True}


def is_fast() -> bool:
    """Return whether layers and losses use their fast forms; True by default."""
    return _switch["fast"]


@contextlib.contextmanager
def fast_layers(enabled: bool) -> Iterator[None]:
    """Use the fast or the plain forms of layers and losses that are called or compiled inside.

    Example:
        >>> with fast_layers(False):
        ...     model.compile("adam"); model.fit(x, y)      # follows the formulas step by step
    """
    before = _switch["fast"]
    _switch["fast"] = enabled
    try:
        yield
    finally:
        _switch["fast"] = before


def encode_in_parts(encode: Callable, inputs: dict):
    """Encode the parts of a batch in parallel on several cores; return states (B, T, D).

    TensorFlow runs parts that do not depend on each other at once. Other backends, and the plain
    form, encode the batch whole.
    """
    if not is_fast() or keras.backend.backend() != "tensorflow":
        return encode(inputs)
    rows = ops.shape(inputs["item_ids"])[0]
    cuts = [rows * part // SHARDS for part in range(SHARDS + 1)]
    parts = (
        {name: values[begin:end] for name, values in inputs.items()}
        for begin, end in itertools.pairwise(cuts)
    )
    return ops.concatenate([encode(part) for part in parts])


def fast_normalise(rows, epsilon: float):
    """(x - mean) / sqrt(variance + epsilon) of each row, with its gradient in closed form.

    Automatic differentiation of the formula needs about twice as many passes over memory, and at
    this width a pass costs more than its arithmetic.

    Args:
        rows: float32, (N, D).
        epsilon: added to the variance.

    Returns:
        (N, D).
    """

    @ops.custom_gradient
    def forward(rows):
        centred = rows - ops.mean(rows, axis=-1, keepdims=True)
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)
        scale = ops.rsqrt(variance + epsilon)  # (N, 1)
        normed = centred * scale

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            shared = ops.mean(upstream, axis=-1, keepdims=True)
            along = ops.mean(upstream * normed, axis=-1, keepdims=True)
            return scale * (upstream - shared - normed * along)

        return normed, gradient

    return forward(rows)


def fast_dropout(inputs, rate: float, seed_generator):
    """Dropout from 16 random bits for each feature instead of 32.

    Random numbers are most of what dropout costs a CPU. The rate is rounded to a multiple of
    2^-16, and what is kept is scaled by that rounded rate, so that means stay as they were.

    Args:
        inputs: of any shape.
        rate: share that becomes zero.
        seed_generator: of the layer.
    """
    dropped = round(rate * CHOICES)
    if not dropped:
        return inputs
    shape = ops.shape(inputs)
    count = math.prod(shape)
    bits = keras.random.randint(
        (count // (2 * NUMBERS_IN_ROW) + 1, NUMBERS_IN_ROW),
        -(2**31),
        2**31 - 1,
        seed=seed_generator,
    )
    drawn = ops.reshape(ops.view(bits, "int16"), (-1,))[:count]  # -2^15..2^15 - 1
    kept = ops.cast(drawn >= dropped - CHOICES // 2, inputs.dtype)
    return inputs * (ops.reshape(kept, shape) * (CHOICES / (CHOICES - dropped)))


def fast_rows(table, begin: int, count: int):
    """Return consecutive rows of a matrix (N, D): (count, D).

    The gradient of indexing is slower than that of a slice.
    """
    table = ops.convert_to_tensor(table)  # JAX cuts no variables.
    return ops.slice(table, (begin, 0), (count, table.shape[1]))


def fast_look_up(table, rows):
    """Return some rows of a matrix (N, D) without a pass over the others: (len(rows), D).

    TensorFlow keeps the gradient of a look-up as a list of rows, of which Keras's Adam squares
    each alone, though a row may be there several times; through a reshape it is a matrix.
    """
    return ops.take(ops.reshape(table, table.shape), rows, axis=0)
