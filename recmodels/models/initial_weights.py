"""Track whether the weights of a Keras model are still the initial ones."""

from typing import Self

import keras
from keras import ops

from recmodels.features.checks import digest
from recmodels.models.growth import grow_keras


class InitialWeights(keras.Model):
    """Base class of models whose initial weights `fit` creates from its seed.

    A model may be built long before `fit`, by `build()`, `summary()` or a first call, and then has
    weights that do not depend on a seed. They are replaced only if no others were assigned.
    """

    _initial = None
    training_state = None  # What the latest `fit` leaves for a warm start.

    def _post_build(self) -> None:
        super()._post_build()
        self.remember_weights()

    def remember_weights(self) -> None:
        """Take the present weights as the initial ones."""
        try:
            self._initial = self._weights_digest()
        except (NotImplementedError, TypeError, RuntimeError):
            self._initial = None  # Built inside a graph, where weights have no values yet.

    @property
    def has_initial_weights(self) -> bool:
        """Return whether no weight was changed since the model, or a model in it, was built."""
        inner = [layer for layer in self._layers if isinstance(layer, InitialWeights)]
        unchanged = self.built and self._initial == self._weights_digest()
        return unchanged and all(model.has_initial_weights for model in inner)

    def _weights_digest(self) -> str:
        return digest(*(ops.convert_to_numpy(weight) for weight in self.weights))

    def grown(self, num_new: int) -> Self:
        """Return a copy with untrained rows for `num_new` further items; see `grow`."""
        config = self.get_config()
        if "num_items" not in config:
            raise ValueError(
                "`model` must have `num_items` in its `get_config` to be made larger. "
                f"Received: model={type(self).__name__}"
            )
        return grow_keras(self, {**config, "num_items": config["num_items"] + num_new})
