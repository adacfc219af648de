"""The state that a later training needs besides the weights to continue a training."""

from dataclasses import dataclass
from typing import Self

import keras
import numpy as np

from recmodels.models.capabilities import HasItems, can
from recmodels.models.growth import grow_array
from recmodels.training.checkpoints import read_variables


@dataclass(frozen=True, eq=False)
class TrainingState:
    """The state of a training after its last step, stored in `model.training_state`.

    Args:
        epochs: finished epochs, those of earlier trainings included.
        steps: optimiser steps so far.
        moments: averages of gradients that the optimiser keeps for each weight.
        num_items: V of the model when it was trained, `grow` may have added items since; 0 for a
            model without items.
    """

    epochs: int = 0
    steps: int = 0
    moments: tuple[np.ndarray, ...] = ()
    num_items: int = 0

    @classmethod
    def of(cls, optimizer: keras.optimizers.Optimizer, epochs: int, model: keras.Model) -> Self:
        """Return the state of a built optimiser of a model."""
        moments = tuple(read_variables(moments_of(optimizer)))
        return cls(epochs, int(optimizer.iterations), moments, _num_items(model))

    def restore(
        self, optimizer: keras.optimizers.Optimizer, weights: list, model: keras.Model
    ) -> None:
        """Restore the state in an optimiser that was built for the weights of a larger model.

        The rows of new items start as in a new optimiser. An average of the weights starts from
        the weights themselves.

        Raises:
            ValueError: the optimiser or the weights are not those of the earlier training.
        """
        variables = moments_of(optimizer)
        fresh, new = read_variables(variables), _num_items(model) - self.num_items
        if not _fits(self.moments, fresh, new):
            shapes = [[array.shape for array in group[:4]] for group in (self.moments, fresh)]
            raise ValueError(
                "`warm_start` needs the optimiser, task and users of the earlier training, and a "
                "model that only items were added to. Use `warm_start=False` to train the weights "
                f"further with a new optimiser. Received: moments of shapes {shapes[0]}..., "
                f"expected {shapes[1]}..."
            )
        for variable, old, start in zip(variables, self.moments, fresh, strict=True):
            variable.assign(grow_array(old, start, self.num_items))
        optimizer.iterations.assign(self.steps)
        # By way of NumPy: JAX refuses to donate one buffer that two variables share.
        averages = averages_of(optimizer)
        for average, array in zip(averages, read_variables(weights), strict=False):
            average.assign(array)


def _num_items(model: keras.Model) -> int:
    return model.num_items if can(model, HasItems) else 0


def _fits(moments, fresh, num_new: int) -> bool:
    """Return whether arrays differ from larger ones only along axes of items."""
    pairs = list(zip(moments, fresh, strict=False))
    return len(moments) == len(fresh) and all(
        old.ndim == new.ndim
        and all(b - a in (0, num_new) for a, b in zip(old.shape, new.shape, strict=True))
        for old, new in pairs
    )


def averages_of(optimizer: keras.optimizers.Optimizer) -> list:
    """Return the averaged weights of an optimiser, if it has any."""
    return getattr(optimizer, "_model_variables_moving_average", [])


def moments_of(optimizer: keras.optimizers.Optimizer) -> list:
    """Return the optimiser's variables without the step, the learning rate and averaged weights."""
    others = [optimizer.iterations, optimizer.learning_rate, *averages_of(optimizer)]
    return [v for v in optimizer.variables if not any(v is other for other in others)]
