"""Track whether the weights of a Keras model are still the initial ones."""

import inspect
from typing import Self

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import digest
from recmodels.models.growth import grow_keras

OF_KERAS = ("name", "dtype", "trainable", "autocast", "activity_regularizer")


class InitialWeights(keras.Model):
    """Base class of models whose initial weights `fit` creates from its seed.

    A model may be built long before `fit`, by `build()`, `summary()` or a first call, and then has
    weights that do not depend on a seed. They are replaced only if no others were assigned.
    """

    _initial = None
    training_state = None  # What the latest `fit` leaves for a warm start.

    def __init__(self, **kwargs) -> None:
        unknown = {name: value for name, value in kwargs.items() if name not in OF_KERAS}
        must = f"{type(self).__name__} has no argument `{next(iter(unknown), None)}`; it has "
        own = f"{_arguments(type(self))}, and those of a Keras model, such as `name` and `dtype`"
        require(not unknown, must + own, **unknown)
        super().__init__(**kwargs)

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


def _arguments(kind: type[InitialWeights]) -> list[str]:
    """Names of the arguments of a class and of the classes to which it gives the others."""
    names = {}
    for each in kind.__mro__[: kind.__mro__.index(InitialWeights)]:
        if "__init__" in vars(each):
            parameters = inspect.signature(each.__init__).parameters.values()
            names |= {
                p.name: None for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            }
    return [name for name in names if name != "self"]
