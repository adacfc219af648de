"""Dropout, by default with fewer random bits than that of Keras."""

import keras

from recmodels.layers.fast import fast_dropout, is_fast


@keras.saving.register_keras_serializable("recmodels")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, in its fast form with 16 random bits for each feature.

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
        if training and self.rate and is_fast():
            return fast_dropout(inputs, self.rate, self.seed_generator)
        return super().call(inputs, training=training)
