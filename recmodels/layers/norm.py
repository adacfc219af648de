"""Layer normalisation over the features of a position."""

import keras
from keras import ops

from recmodels.layers.fast import fast_normalise, is_fast


@keras.saving.register_keras_serializable("recmodels")
class LayerNorm(keras.layers.Layer):
    """Normalise the features of each position to mean 0 and variance 1, then scale and shift them.

    Ba, Kiros and Hinton, "Layer Normalization", 2016, section 3. Equal to
    `keras.layers.LayerNormalization` over the last axis; computed in float32.

    Args:
        epsilon: added to the variance.

    Call arguments:
        x: (..., D).

    Returns:
        (..., D).
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape) -> None:
        width = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(width,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(width,), initializer="zeros")

    def call(self, x):
        rows = ops.reshape(ops.cast(x, "float32"), (-1, x.shape[-1]))  # (N, D)
        if is_fast():
            normed = fast_normalise(rows, self.epsilon)
        else:
            centred = rows - ops.mean(rows, axis=-1, keepdims=True)
            variance = ops.mean(centred**2, axis=-1, keepdims=True)
            normed = centred / ops.sqrt(variance + self.epsilon)
        scaled = normed * ops.cast(self.gamma, "float32") + ops.cast(self.beta, "float32")
        return ops.cast(ops.reshape(scaled, ops.shape(x)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "epsilon": self.epsilon}
