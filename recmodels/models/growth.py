"""Add items to a trained model: old items keep their ids and everything learnt about them."""

import copy

import keras
import numpy as np
from keras import ops
from scipy import sparse

from recmodels.models.baseline import Baseline
from recmodels.models.two_tower import TwoTower


def grow(model, num_new: int):
    """A copy of a trained model with rows for items that are new in the catalogue.

    The new items are V + 1..V + num_new; the unknown and the mask item move behind them. Rows of
    new items start as in an untrained model, or without any count; the rest is unchanged, so
    that old items keep their scores.

    Args:
        model: a trained Keras model such as `SASRec` or `TwoTower`, or a fitted `Baseline`.
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
    if isinstance(model, Baseline):
        return _grown_baseline(model, num_new)
    config = model.get_config() if isinstance(model, keras.Model) else {}
    if isinstance(model, TwoTower):
        config["candidate"]["config"]["count"] += num_new
        config["query"]["config"]["num_members"] += num_new if model.query.num_members else 0
    elif "num_items" in config:
        config["num_items"] += num_new
    else:
        raise ValueError(
            "`model` must be a sequence encoder, two towers or a baseline: others hold models that "
            f"can be grown one by one. Received: model={type(model).__name__}"
        )
    larger = type(model).from_config(config)
    larger.build()
    fresh = [ops.convert_to_numpy(variable) for variable in larger.variables]
    for variable, old, start in zip(larger.variables, model.variables, fresh, strict=True):
        variable.assign(grow_array(ops.convert_to_numpy(old), start, model.num_items))
    if isinstance(model, TwoTower):
        _start_items(larger, model.num_items)
    larger.training_state = model.training_state
    return larger


def _start_items(model: TwoTower, num_old: int) -> None:
    """Let items beyond `num_old` be as unpopular as any, with average ratings."""
    weights, means = (
        np.array(ops.convert_to_numpy(v)) for v in (model.item_weights, model.item_means)
    )
    weights[num_old + 1 :] = weights[1 : num_old + 1].min()
    means[num_old + 1 :] = float(ops.convert_to_numpy(model.scale)[0])
    model.item_weights.assign(weights)
    model.item_means.assign(means)


def grow_array(old: np.ndarray, fresh: np.ndarray, num_items: int) -> np.ndarray:
    """The rows of `old` with those of new items put between them from a larger array.

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


def _grown_baseline(model: Baseline, num_new: int) -> Baseline:
    grown = copy.copy(model)
    if not (hasattr(model, "counts") and model.grows):
        raise ValueError(
            "`model` must be fitted and must not need the texts of items: fit it again on the "
            f"larger catalogue. Received: model={type(model).__name__}"
        )
    for name, letters in {"counts": "V", **model.learnt}.items():
        axes = [axis for axis, letter in enumerate(letters) if letter == "V"]
        if axes:
            setattr(grown, name, _padded(getattr(model, name), axes, num_new))
    grown.num_items = model.num_items + num_new
    return grown


def _padded(array, axes: list[int], num_new: int):
    """An array with zeros behind the last item along some axes."""
    if sparse.issparse(array):
        shape = [size + num_new * (axis in axes) for axis, size in enumerate(array.shape)]
        larger = array.copy()
        larger.resize(*shape)
        return larger
    return np.pad(array, [(0, num_new * (axis in axes)) for axis in range(array.ndim)])
