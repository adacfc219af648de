"""Dropout from fewer random numbers."""

import math

import keras
from keras import ops

CHOICES = 2**16  # What 16 bits tell apart.
NUMBERS_IN_ROW = 32  # Any known number: `ops.view` wants a last dimension it knows.


@keras.saving.register_keras_serializable("recmodels")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with 16 random bits for each feature instead of 32.

    Random numbers are most of what dropout costs a CPU. The rate is rounded to a multiple of
    2^-16, and what is kept is scaled by that rounded rate, so that means stay as they were.

    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014,
    section 4.

    Args:
        rate: share that becomes zero in training, in 0..1 below 1.

    Call arguments:
        inputs: of any shape.

    Returns:
        Of the same shape.
    """

    def __init__(self, rate: float, **kwargs) -> None:
        super().__init__(rate, **kwargs)
        if not rate < 1:
            raise ValueError(f"`rate` must be below 1. Received: rate={rate}")

    def call(self, inputs, training=False):
        dropped = round(self.rate * CHOICES)
        if not training or not dropped:
            return inputs
        shape = ops.shape(inputs)
        count = math.prod(shape)
        bits = keras.random.randint(
            (count // (2 * NUMBERS_IN_ROW) + 1, NUMBERS_IN_ROW),
            -(2**31),
            2**31 - 1,
            seed=self.seed_generator,
        )
        drawn = ops.reshape(ops.view(bits, "int16"), (-1,))[:count]  # -2^15..2^15 - 1
        kept = ops.cast(drawn >= dropped - CHOICES // 2, inputs.dtype)
        return inputs * (ops.reshape(kept, shape) * (CHOICES / (CHOICES - dropped)))
