"""Dropout, by default with fewer random bits than that of Keras."""

import numbers

import keras

from recmodels.data.errors import require
from recmodels.layers.fast import fast_dropout, is_fast


@keras.saving.register_keras_serializable("recmodels")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, in its fast form with 16 random bits for each feature.

    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014,
    section 4.

    Args:
        rate: share that becomes zero in training, at least 0 and below 1. Models and blocks call it
            `dropout`, and so does the error.

    Call arguments:
        inputs: of any shape.

    Returns:
        Of the same shape.

    Raises:
        ValueError: `rate` is out of range or no number.
    """

    def __init__(self, rate: float, **kwargs) -> None:
        must = "`dropout` must be a number that is at least 0 and below 1"
        is_number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
        require(is_number and 0 <= rate < 1, must, dropout=rate)
        super().__init__(rate, **kwargs)

    def call(self, inputs, training=False):
        if training and self.rate and is_fast():
            return fast_dropout(inputs, self.rate, self.seed_generator)
        return super().call(inputs, training=training)
