"""Load Keras models from untrusted files."""

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from recmodels.data.forms import parse_json
from recmodels.recommend.checks import check_array, check_json, malformed, reading
from recmodels.recommend.model_classes import (
    PACKAGE,
    UnknownClass,
    check_archive,
    check_options,
    own_class,
)

_KERAS_PARTS = ["config.json", "metadata.json", "model.weights.h5"]


def load_keras(path: Path, module: str, name: str):
    """The model in a file, whose class must be this one."""
    import keras

    is_ours = module.startswith(PACKAGE)
    kind = own_class(module, name) if is_ours else None
    check_archive(path, _KERAS_PARTS if is_ours else None)
    with reading(path, "config.json"), zipfile.ZipFile(path) as archive:
        config = parse_json(archive.read("config.json"))
    check_json(config, {"module": (module,), "class_name": (name,), "config": dict}, path, "config")
    config.pop("compile_config", None)  # Models are loaded without.
    for described in _classes_in(config):
        _check_class(described, path)
    if is_ours:
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
        kind = own_class(module, name)
        if registered != f"{PACKAGE[:-1]}>{name}":
            raise malformed(path, f"{name}.registered_name", "name the same class", registered)
        check_json(described["config"], {}, path, name)
        check_options(kind, described["config"], path, name)
    elif keras.saving.get_registered_object(registered) is None and module is not None:
        if module.split(".")[0] not in ("keras", "builtins"):
            raise UnknownClass(f"module={module!r}, class={name!r}")


def _check_weights(kind: type, config: dict, path: Path) -> None:
    """The stored weights are those of a model with this config, which is not built for that."""
    import h5py

    shapes = []

    def see(name: str, entry) -> None:
        # Optimizers and generators of random numbers are stored with the weights.
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
    with reading(path, "config"), ThreadPoolExecutor(1) as thread:
        # Keras initialises later, in the thread where they were made, weights without values.
        wanted = thread.submit(_weight_shapes, kind, config["config"]).result()
    if sorted(wanted) != sorted(shapes):
        raise malformed(
            path, "model.weights.h5", f"hold the shapes {sorted(wanted)}", sorted(shapes)
        )


def _weight_shapes(kind: type, config: dict) -> list[tuple[int, ...]]:
    """Shapes of the weights of a model, which get no values and so no memory."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = kind.from_config(config)
        if not model.built:
            model.build()
        return [tuple(weight.shape) for weight in model.weights]
