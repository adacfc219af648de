"""The task of predicting a rating or a click."""

import keras
from keras import ops

from recmodels.tasks.tfrs import import_tfrs, legacy_losses

RATING_LOSSES = ("mse", "bce")


@keras.saving.register_keras_serializable("recmodels")
class RankingTask(keras.layers.Layer):
    """Loss of predicted ratings or clicks, with `tfrs.tasks.Ranking`; computed in float32.

    Args:
        loss: `"mse"` for ratings, `"bce"` for probabilities of a click.

    Call arguments:
        labels, predictions: (B,) or (B, 1), of the same shape.
        sample_weight: (B,); 1 each by default.

    Returns:
        The mean over the batch, a scalar.
    """

    def __init__(self, loss: str = "mse", **kwargs) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        if loss not in RATING_LOSSES:
            raise ValueError(f"`loss` must be one of {RATING_LOSSES}. Received: loss={loss!r}")
        self.objective = loss
        self.built = True

    def call(self, labels, predictions, sample_weight=None):
        labels, predictions = (
            ops.reshape(ops.cast(x, "float32"), (-1, 1)) for x in (labels, predictions)
        )
        if keras.backend.backend() != "tensorflow":
            kinds = {"mse": keras.losses.MeanSquaredError, "bce": keras.losses.BinaryCrossentropy}
            return kinds[self.objective]()(labels, predictions, sample_weight)
        losses = legacy_losses()
        kinds = {"mse": losses.MeanSquaredError, "bce": losses.BinaryCrossentropy}
        return import_tfrs().tasks.Ranking(loss=kinds[self.objective]())(
            labels, predictions, sample_weight=sample_weight, compute_metrics=False
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "loss": self.objective}
