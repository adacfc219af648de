"""One trained model in one file, neural or counted, without pickle."""

import importlib
import json
from pathlib import Path

import numpy as np
from scipy import sparse

from recmodels.models.baseline import Baseline

PACKAGE = "recmodels."
_SPARSE_PARTS = ("data", "indices", "indptr", "shape")


def save_model(model, folder: Path, stem: str) -> dict[str, str]:
    """Write a model as `stem.keras` or, if it is a baseline, `stem.npz`.

    Returns:
        What `load_model` needs: the file's name, and the module and name of the class.

    Raises:
        ValueError: the model is of no kind that can be stored, or has not been trained.
    """
    module = type(model).__module__
    if isinstance(model, Baseline):
        trained, storable, name = (
            hasattr(model, "counts"),
            module.startswith(PACKAGE),
            f"{stem}.npz",
        )
    else:
        # A class in the notebook is fine here: Keras finds it if it is registered.
        import keras  # Here, so that baselines do not wait for it.

        trained, storable = getattr(model, "built", False), isinstance(model, keras.Model)
        name = f"{stem}.keras"
    if not (trained and storable):
        raise ValueError(
            "`model` must be a trained Keras model or a fitted baseline of this package: those can "
            f"be stored without pickle. Received: {type(model).__name__} from {module}, "
            f"trained={trained}"
        )
    if name.endswith(".npz"):
        _save_baseline(model, folder / name)
    else:
        model.save(folder / name)
    return {"file": name, "module": module, "class": type(model).__name__}


def load_model(folder: Path, stored: dict[str, str]):
    """The model that `save_model` described as `stored`.

    Raises:
        ValueError: its class is not known here, or the file does not fit the class.
    """
    path = folder / stored["file"]
    try:
        # Only our own modules are imported on the word of a file.
        ours = stored["module"].startswith(PACKAGE)
        module = importlib.import_module(stored["module"]) if ours else None
        if path.suffix == ".npz":
            return _load_baseline(getattr(module, stored["class"]), path)
        import keras

        return keras.saving.load_model(path, compile=False)
    except (AttributeError, ImportError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"`{path.name}` cannot be turned into a {stored['class']}. If that is a class of your "
            "own, import the module that registers it before loading; if it is one of recmodels, "
            f"use the version that saved it. Received: path={str(path)!r}, {error}"
        ) from error


def _save_baseline(model: Baseline, path: Path) -> None:
    """All a baseline remembers: plain values as JSON, arrays as they are, sparse ones in parts."""
    values, arrays = {}, {}
    for name, value in vars(model).items():
        if isinstance(value, sparse.csr_array):
            arrays |= {f"{name}.{part}": getattr(value, part) for part in _SPARSE_PARTS}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            values[name] = value
    np.savez(path, values=np.array(json.dumps(values)), **arrays)


def _load_baseline(kind: type[Baseline], path: Path) -> Baseline:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    memory = json.loads(str(arrays.pop("values")))
    for name in [name for name in arrays if name.endswith(".indptr")]:
        stem = name.removesuffix(".indptr")
        parts = {part: arrays.pop(f"{stem}.{part}") for part in _SPARSE_PARTS}
        shape = tuple(parts.pop("shape").tolist())
        memory[stem] = sparse.csr_array(tuple(parts.values()), shape=shape)
    model = kind.__new__(kind)
    vars(model).update(memory | arrays)
    return model
