"""Save and load one trained model, as one file or, if it is made of others, several."""

import inspect
import json
from pathlib import Path

import numpy as np
from scipy import sparse

from recmodels.data.forms import parse_json
from recmodels.models.baseline import Baseline
from recmodels.models.capabilities import (
    HasItems,
    HasParts,
    Learns,
    SavesItself,
    Scores,
    all_parts,
    can,
    map_parts,
    require,
)
from recmodels.recommend.checks import (
    SPARSE_PARTS,
    check_array,
    check_json,
    checked_sparse,
    malformed,
    reading,
)
from recmodels.recommend.keras_files import load_keras
from recmodels.recommend.model_classes import (
    PACKAGE,
    UnknownClass,
    check_archive,
    check_options,
    own_class,
)

# What every baseline learns; its class names the rest in `learnt`. See `check_array` for the axes:
# V is the catalogue with padding, D the `width`, U the users and F the words.
_LEARNT_BY_ALL = {"num_items": "", "counts": "V"}
# What models with rows of users may say of them: how many there are, and a digest of their ids.
_OF_USERS = {"num_users": int, "user_rows": str}
_DEEPEST = 10  # Models within models.


def save_model(model, folder: Path, stem: str, num_items: int) -> dict:
    """Write a model of V items as `stem.keras` or, if it is a baseline, `stem.npz`.

    A model that is made of others has a file for each of them, such as `stem.ranker.keras`.

    Returns:
        What `load_model` needs: the module and name of the class, and the file's name or the
        options and parts.

    Raises:
        ValueError: the model is of no kind that can be stored, has not been trained, or is of
            another number of items.
    """
    module = type(model).__module__
    described = {"module": module, "class": type(model).__name__}
    if can(model, HasItems) and model.num_items != num_items:
        raise ValueError(
            "`model` and `vocabulary` must be made from the same data. "
            f"Received: model.num_items={model.num_items}, {num_items} items in the vocabulary"
        )
    if can(model, HasParts) and module.startswith(PACKAGE):
        parts = map_parts(
            model.parts(),
            lambda place, part: save_model(part, folder, f"{stem}.{place}", num_items),
        )
        return {**described, "options": model.options(), "parts": parts}
    if can(model, Learns) and module.startswith(PACKAGE):
        _save_baseline(model, folder / f"{stem}.npz")
        return {**described, "file": f"{stem}.npz"}
    # A class in the notebook is fine here: Keras finds it if it is registered.
    if can(model, SavesItself) and model.built:
        model.save(folder / f"{stem}.keras")
        return {**described, "file": f"{stem}.keras"}
    raise ValueError(
        "`model` must be a trained Keras model, a fitted baseline of this package, or made of such "
        f"models: those can be stored without pickle. Received: {described['class']} from {module}"
    )


def model_file_names(stored, stem: str, path: Path) -> set[str]:
    """The files that a description from `save_model` names, once it is known to be one.

    Args:
        stored: the description as it was read.
        stem: with which the names of its files must begin.
        path: of the file with the description.

    Raises:
        ValueError: a field is not of its type, or a file is not named as `save_model` names it.
    """
    if not (isinstance(stored, dict) and "parts" in stored):
        names = (f"{stem}.npz", f"{stem}.keras")
        check_json(stored, {"file": names, "module": str, "class": str}, path, stem)
        return {stored["file"]}
    check_json(stored, {"module": str, "class": str, "options": {}, "parts": {}}, path, stem)
    if stem.count(".") > 2 * _DEEPEST:
        raise malformed(path, stem, f"be at most {_DEEPEST} models deep", sorted(stored["parts"]))
    names = set()
    map_parts(
        stored["parts"],
        lambda place, part: names.update(model_file_names(part, f"{stem}.{place}", path)),
    )
    return names


def load_model(folder: Path, stored: dict, num_items: int):
    """Load the model that `save_model` described as `stored`, for a catalogue of V items.

    Raises:
        ValueError: its class is not known here, or the files do not hold such a model.
    """
    path = folder / stored.get("file", "config.json")
    try:
        if "parts" in stored:
            model = _load_parts(folder, stored, num_items)
        else:
            load = _load_baseline if path.suffix == ".npz" else load_keras
            model = load(path, stored["module"], stored["class"])
    except UnknownClass as error:
        raise ValueError(
            f"`{path.name}` cannot be turned into a {stored['class']}. If that is a class of your "
            "own, import the module that registers it before loading; if it is one of recmodels, "
            f"use the version that saved it. Received: path={str(path)!r}, {error}"
        ) from error
    if can(model, HasItems) and model.num_items != num_items:
        raise malformed(
            path, "num_items", f"be {num_items}, as the vocabulary has it", model.num_items
        )
    return model


def _load_parts(folder: Path, stored: dict, num_items: int) -> HasParts:
    path, options = folder / "config.json", stored["options"]
    kind = own_class(stored["module"], stored["class"])
    if not issubclass(kind, HasParts):
        raise UnknownClass(f"{kind.__name__} is not made of other models")
    check_options(kind, options, path, "options")
    parts = map_parts(stored["parts"], lambda _, part: load_model(folder, part, num_items))
    with reading(path, "parts"):
        model = kind(**parts, **options)
        for part in all_parts(model):
            require(part, Scores, kind.__name__)
    if model.options() != options or model.parts().keys() != parts.keys():
        raise malformed(path, "options", f"be those of {kind.__name__}", options)
    return model


def _save_baseline(model: Baseline, path: Path) -> None:
    """Save the state of a baseline: values as JSON, arrays as they are, sparse arrays in parts."""
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
    kind = own_class(module, name)
    if not issubclass(kind, Baseline):
        raise UnknownClass(f"{name} is not stored as {path.suffix}")
    values, arrays = _read_archive(path)
    parameters = inspect.signature(kind).parameters
    options = {name: values.pop(name) for name in parameters if name in values}
    check_options(kind, options, path, "values")
    with reading(path, "values"):
        model = kind(**options)
    if vars(model) != options:  # One is missing, or the constructor has changed it.
        raise malformed(path, "values", f"hold options of {name} as {vars(model)}", options)
    learnt = _LEARNT_BY_ALL | kind.learnt
    state = values | arrays
    users = {name: state.pop(name) for name in _OF_USERS if name in state}
    check_json(users, {name: _OF_USERS[name] for name in users}, path)
    if state.keys() != learnt.keys():
        raise malformed(path, "content", f"be {sorted(learnt)}", sorted(state))
    check_json(state["num_items"], int, path, "num_items")
    sizes = {"V": state["num_items"] + 1, **({"D": model.width} if "width" in options else {})}
    sizes |= {"U": users["num_users"]} if "num_users" in users else {}
    for field, axes in learnt.items():
        if isinstance(state[field], dict):
            state[field] = checked_sparse(state[field], axes, sizes, path, field)
            continue
        with reading(path, field):
            array = np.asarray(state[field])
        check_array(array, axes, sizes, path, field)
    counts = state["counts"]
    if counts.dtype.kind not in "iu" or counts.min() < 0 or not counts.any():
        raise malformed(path, "counts", "count events", counts)
    vars(model).update(state | users)
    return model


def _read_archive(path: Path) -> tuple[dict, dict]:
    """The plain values of a baseline, and its arrays; a sparse one is a dict of its parts."""
    check_archive(path)
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
