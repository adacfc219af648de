"""One trained model in one file, neural or counted, without pickle."""

import importlib
import inspect
import json
import re
import typing
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from recmodels.models.baseline import Baseline
from recmodels.recommend.checks import (
    SPARSE_PARTS,
    check_array,
    check_json,
    checked_sparse,
    malformed,
    parse_json,
    reading,
)

PACKAGE = "recmodels."
# Modules that may be imported because a file names them: they hold classes and do nothing else.
_MODULES = re.compile(r"recmodels\.(layers|models|tasks)\.\w+")
# What every baseline learns; its class names the rest in `learnt`. See `check_array` for the axes:
# V is the catalogue with padding, D the `width`, U the users and F the words.
_LEARNT_BY_ALL = {"num_items": "", "counts": "V"}
# What models with rows of users may say of them: how many there are, and a digest of their ids.
_OF_USERS = {"num_users": int, "user_rows": str}
_KERAS_PARTS = ["config.json", "metadata.json", "model.weights.h5"]


def save_model(model, folder: Path, stem: str, num_items: int) -> dict[str, str]:
    """Write a model of V items as `stem.keras` or, if it is a baseline, `stem.npz`.

    Returns:
        What `load_model` needs: the file's name, and the module and name of the class.

    Raises:
        ValueError: the model is of no kind that can be stored, has not been trained, or is of
            another number of items.
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
    if getattr(model, "num_items", num_items) != num_items:
        raise ValueError(
            "`model` and `vocabulary` must be made from the same data. "
            f"Received: model.num_items={model.num_items}, {num_items} items in the vocabulary"
        )
    if name.endswith(".npz"):
        _save_baseline(model, folder / name)
    else:
        model.save(folder / name)
    return {"file": name, "module": module, "class": type(model).__name__}


def load_model(folder: Path, stored: dict[str, str], num_items: int):
    """The model that `save_model` described as `stored`, for a catalogue of V items.

    Raises:
        ValueError: its class is not known here, or the file does not hold such a model.
    """
    path = folder / stored["file"]
    load = _load_baseline if path.suffix == ".npz" else _load_keras
    try:
        model = load(path, stored["module"], stored["class"])
    except _UnknownClass as error:
        raise ValueError(
            f"`{path.name}` cannot be turned into a {stored['class']}. If that is a class of your "
            "own, import the module that registers it before loading; if it is one of recmodels, "
            f"use the version that saved it. Received: path={str(path)!r}, {error}"
        ) from error
    found = getattr(model, "num_items", num_items)
    if found != num_items:
        raise malformed(path, "num_items", f"be {num_items}, as the vocabulary has it", found)
    return model


class _UnknownClass(Exception):
    """A file names a class that is none of this package, and not registered with Keras."""


def _own_class(module: str, name: str) -> type:
    """A class of this package; no module is imported that it does not define."""
    if not _MODULES.fullmatch(module):
        raise _UnknownClass(f"module={module!r}, class={name!r}")
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise _UnknownClass(f"module={module!r}, {error}") from error
    if not isinstance(kind, type) or kind.__module__ != module:
        raise _UnknownClass(f"module={module!r}, class={name!r}")
    return kind


def _check_options(kind: type, options: dict, path: Path, field: str) -> None:
    """Options of a constructor are of the types that it names, where those are plain."""
    for name, parameter in inspect.signature(kind).parameters.items():
        types = typing.get_args(parameter.annotation) or (parameter.annotation,)
        if name in options and set(types) <= {int, float, bool, str, type(None)}:
            allowed = (*types, int) if float in types else types
            check_json(options[name], allowed, path, f"{field}.{name}")


def _save_baseline(model: Baseline, path: Path) -> None:
    """All a baseline remembers: plain values as JSON, arrays as they are, sparse ones in parts."""
    values, arrays = {}, {}
    for name, value in vars(model).items():
        if isinstance(value, sparse.csr_array):
            arrays |= {f"{name}.{part}": getattr(value, part) for part in SPARSE_PARTS}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            values[name] = value
    np.savez(path, values=np.array(json.dumps(values)), **arrays)


def _load_baseline(path: Path, module: str, name: str) -> Baseline:
    kind = _own_class(module, name)
    if not issubclass(kind, Baseline):
        raise _UnknownClass(f"{name} is not stored as {path.suffix}")
    values, arrays = _read_archive(path)
    parameters = inspect.signature(kind).parameters
    options = {name: values.pop(name) for name in parameters if name in values}
    _check_options(kind, options, path, "values")
    with reading(path, "values"):
        model = kind(**options)
    if vars(model) != options:  # One is missing, or the constructor has changed it.
        raise malformed(path, "values", f"hold options of {name} as {vars(model)}", options)
    learnt = _LEARNT_BY_ALL | kind.learnt
    found = values | arrays
    users = {name: found.pop(name) for name in _OF_USERS if name in found}
    check_json(users, {name: _OF_USERS[name] for name in users}, path)
    if found.keys() != learnt.keys():
        raise malformed(path, "content", f"be {sorted(learnt)}", sorted(found))
    check_json(found["num_items"], int, path, "num_items")
    sizes = {"V": found["num_items"] + 1, **({"D": model.width} if "width" in options else {})}
    sizes |= {"U": users["num_users"]} if "num_users" in users else {}
    for field, axes in learnt.items():
        if isinstance(found[field], dict):
            found[field] = checked_sparse(found[field], axes, sizes, path, field)
            continue
        with reading(path, field):
            array = np.asarray(found[field])
        check_array(array, axes, sizes, path, field)
    counts = found["counts"]
    if counts.dtype.kind not in "iu" or counts.min() < 0 or not counts.any():
        raise malformed(path, "counts", "count events", counts)
    vars(model).update(found | users)
    return model


def _read_archive(path: Path) -> tuple[dict, dict]:
    """The plain values of a baseline, and its arrays; a sparse one is a dict of its parts."""
    _check_archive(path)
    arrays = {}
    with reading(path, "content"), np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            with reading(path, name):
                arrays[name] = stored[name]
    with reading(path, "values"):
        values = parse_json(str(arrays.pop("values")))
    check_json(values, {}, path, "values")
    for name in [name for name in arrays if "." in name]:
        stem, part = name.split(".", 1)
        parts = arrays.setdefault(stem, {})
        if not isinstance(parts, dict) or part not in SPARSE_PARTS:
            raise malformed(path, name, "be an array or a part of a sparse one", sorted(arrays))
        parts[part] = arrays.pop(name)
    return values, arrays


def _check_archive(path: Path, wanted: list[str] | None = None) -> None:
    """An archive holds each name once and nothing packed, which might unpack without end."""
    with reading(path, "content"), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = sorted(entry.filename for entry in entries)
    if len(set(names)) < len(names) or names != (wanted or names):
        raise malformed(path, "content", f"be {wanted or 'distinct files'}", names)
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise malformed(path, packed[0], "not be compressed", packed)


def _load_keras(path: Path, module: str, name: str):
    import keras

    own = module.startswith(PACKAGE)
    kind = _own_class(module, name) if own else None
    _check_archive(path, _KERAS_PARTS if own else None)
    with reading(path, "config.json"), zipfile.ZipFile(path) as archive:
        config = parse_json(archive.read("config.json"))
    check_json(config, {"module": (module,), "class_name": (name,), "config": dict}, path, "config")
    config.pop("compile_config", None)  # Models are loaded without.
    for described in _classes_in(config):
        _check_class(described, path)
    if own:
        _check_weights(kind, config, path)
    with reading(path, "content"):
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    for weight in model.weights:
        values = np.asarray(keras.ops.convert_to_numpy(weight), np.float32)
        check_array(values, "?" * values.ndim, {}, path, weight.path)
    return model


def _classes_in(config) -> Iterator[dict]:
    """All descriptions of objects in the config of a Keras model, however deep."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        config = list(config.values())
    for value in config if isinstance(config, list) else ():
        yield from _classes_in(value)


def _check_class(described: dict, path: Path) -> None:
    """A class that a config names is ours, Keras's own, or registered by the user."""
    import keras

    check_json(described, {"class_name": str, "config": (dict, str)}, path, "config")
    name, module = described["class_name"], described.get("module")
    registered = described.get("registered_name")
    check_json(module, (str, None), path, f"{name}.module")
    check_json(registered, (str, None), path, f"{name}.registered_name")
    if (module or "").startswith(PACKAGE):
        kind = _own_class(module, name)
        if registered != f"{PACKAGE[:-1]}>{name}":
            raise malformed(path, f"{name}.registered_name", "name the same class", registered)
        check_json(described["config"], {}, path, name)
        _check_options(kind, described["config"], path, name)
    elif keras.saving.get_registered_object(registered) is None and module is not None:
        if module.split(".")[0] not in ("keras", "builtins"):
            raise _UnknownClass(f"module={module!r}, class={name!r}")


def _check_weights(kind: type, config: dict, path: Path) -> None:
    """The stored weights are those of a model with this config, which is not built for that."""
    import h5py
    import keras

    shapes = []

    def see(name: str, entry) -> None:
        # Optimizers and generators of random numbers are stored beside the weights.
        apart = name.startswith("optimizer/") or "seed_generator" in name
        if isinstance(entry, h5py.Dataset) and not apart:
            elsewhere = entry.external or entry.is_virtual
            if elsewhere or entry.id.get_storage_size() != entry.nbytes:
                raise malformed(path, name, "be stored in the file itself", entry)
            shapes.append(entry.shape)

    with reading(path, "model.weights.h5"), zipfile.ZipFile(path) as archive:
        with archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            weights.visititems(see)
    # Blocks take time to make, even without weights.
    if config["config"].get("num_blocks", 0) > len(shapes):
        raise malformed(path, "num_blocks", f"be at most {len(shapes)}", config["config"])
    with reading(path, "config"), keras.StatelessScope(initialize_variables=False):
        model = kind.from_config(config["config"])
        if not model.built:
            model.build()
        wanted = [tuple(weight.shape) for weight in model.weights]
    if sorted(wanted) != sorted(shapes):
        raise malformed(
            path, "model.weights.h5", f"hold the shapes {sorted(wanted)}", sorted(shapes)
        )
