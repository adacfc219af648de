"""Save the state of a run, so that an interruption loses one epoch at most."""

import json
import zipfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from recmodels.data.files import written_whole
from recmodels.training.processes import host_array

# Errors of NumPy for a file that is truncated, empty, overwritten or of another format.
DAMAGED = (OSError, EOFError, KeyError, IndexError, TypeError, ValueError, zipfile.BadZipFile)


class OtherRun(ValueError):
    """Raised if a checkpoint belongs to a run with other settings or data."""


def save_checkpoint(path: Path, state: dict, arrays: dict[str, Iterable[np.ndarray]]) -> None:
    """Write a run's state and arrays to one file, atomically.

    Args:
        path: of the checkpoint, `.npz`.
        state: what JSON can hold (the curve, the settings).
        arrays: by name (weights, optimiser, best weights); each is dropped before the next is made.
    """
    flat = ((f"{name}/{i}", a) for name, group in arrays.items() for i, a in enumerate(group))
    with written_whole(path) as unfinished, zipfile.ZipFile(unfinished, "w") as file:
        for name, array in chain([("state", np.array(json.dumps(state)))], flat):
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array)


def load_checkpoint(path: Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """Read a file of `save_checkpoint`.

    Raises:
        ValueError: the file is damaged or is no checkpoint.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            state = json.loads(str(stored["state"]))
            names = [name for name in stored.files if name != "state"]
            groups: dict[str, list[np.ndarray]] = {}
            for name in sorted(names, key=lambda n: (n.split("/")[0], int(n.split("/")[1]))):
                groups.setdefault(name.split("/")[0], []).append(stored[name])
    except DAMAGED as error:
        raise ValueError(
            f"`path` is not a readable checkpoint ({error}). Delete it to start afresh. "
            f"Received: path={str(path)!r}"
        ) from error
    return state, groups


def read_variables(variables) -> list[np.ndarray]:
    """Return copies of Keras variables, in order."""
    return [host_array(v) for v in variables]


def write_variables(variables, arrays: list[np.ndarray]) -> None:
    """Assign copies to Keras variables.

    Raises:
        ValueError: their number or a shape differs: the model is another one.
    """
    shapes = [tuple(v.shape) for v in variables]
    stored = [a.shape for a in arrays]
    if shapes != stored:
        raise ValueError(
            "The checkpoint belongs to a model of another size, or to an older version that held "
            "trainable weights alone. Use another folder or delete it. Received: "
            f"{len(stored)} shapes {stored[:3]}..., expected {len(shapes)}, {shapes[:3]}..."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
