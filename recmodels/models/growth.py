"""Add items to a trained model: old items keep their ids and weights."""

import keras
import numpy as np
from keras import ops
from scipy import sparse

from recmodels.models.capabilities import Grows, HasParts, can, map_parts, require


def grow(model, num_new: int):
    """Return a copy of a trained model with rows for new items of the catalogue.

    The new items are V + 1..V + num_new; the unknown and the mask item move behind them. Rows of
    new items start as in an untrained model, or without any count; the rest is unchanged, so
    that old items keep their scores.

    Args:
        model: a trained Keras model such as `SASRec` or `TwoTower`, a fitted `Baseline`, or a model
            that is made of such models, all of which are grown.
        num_new: how many items to add.

    Returns:
        A new model of the same class.

    Raises:
        ValueError: `num_new` is negative, or the model needs something to know an item by, as
            `Content` needs its text.

    Example:
        >>> larger = grow(model, 10)
        >>> larger.num_items == model.num_items + 10
        True
    """
    if num_new < 0:
        raise ValueError(f"`num_new` must be at least 0. Received: num_new={num_new}")
    if can(model, HasParts):
        parts = map_parts(model.parts(), lambda _, part: grow(part, num_new))
        return type(model)(**parts, **model.options())
    require(model, Grows, "`grow`")
    return model.grown(num_new)


def grow_keras(model: keras.Model, config: dict) -> keras.Model:
    """Create a model from a larger config, with the weights of a smaller one.

    Args:
        model: has `num_items` and `training_state`.
        config: that of the model, with more items.
    """
    larger = type(model).from_config(config)
    larger.build()
    fresh = [ops.convert_to_numpy(variable) for variable in larger.variables]
    for variable, old, start in zip(larger.variables, model.variables, fresh, strict=True):
        variable.assign(grow_array(ops.convert_to_numpy(old), start, model.num_items))
    larger.training_state = model.training_state
    return larger


def grow_array(old: np.ndarray, fresh: np.ndarray, num_items: int) -> np.ndarray:
    """Insert the rows of new items of a larger array into `old`.

    Args:
        old: of a model with V items. Along an axis that grows, row i belongs to item i, and rows
            beyond V to the unknown item, the mask or nobody.
        fresh: the same array of an untrained model with more items.
        num_items: V.

    Returns:
        As large as `fresh`: rows up to V and those beyond it from `old`, new ones from `fresh`.

    Example: V = 2, `old` [0, 5, 6, 8, 9] and `fresh` seven numbers f: [0, 5, 6, f, f, 8, 9].
    """
    grown = np.array(fresh)
    places = []
    for before, after in zip(old.shape, fresh.shape, strict=True):
        kept = np.arange(before)
        places.append(np.where((kept > num_items) & (before != after), kept + after - before, kept))
    grown[np.ix_(*places)] = old
    return grown


def pad_items(array, axes: list[int], num_new: int):
    """Append zeros after the last item along some axes; sparse arrays stay sparse."""
    if sparse.issparse(array):
        shape = [size + num_new * (axis in axes) for axis, size in enumerate(array.shape)]
        larger = array.copy()
        larger.resize(*shape)
        return larger
    return np.pad(array, [(0, num_new * (axis in axes)) for axis in range(array.ndim)])
