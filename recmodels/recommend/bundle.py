"""A trained model and all it needs to answer, in one plain folder."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.evaluation.ranking import Scorer
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.model_files import load_model, save_model

FORMAT, VERSION = "recmodels bundle", 1
LIBRARIES = ("recmodels", "keras", "tensorflow", "jax", "torch", "numpy", "pandas")
STALE_SECONDS = 3600  # Nobody writes one bundle for an hour: what is older was killed.


@dataclass(frozen=True, eq=False, repr=False)
class Bundle:
    """What a bundle's folder holds.

    Args:
        model, fallback: scorers; the fallback may be None.
        vocabulary: of the items they score.
        filter_seen: whether lists leave out the history.
        name: of the model.
        items: the item table, indexed by raw id, or None.
        config: how the model came about: experiment, protocol, seeds.
        metrics: what it reached.
        libraries: versions of the libraries that wrote it.
    """

    model: Scorer
    vocabulary: Vocabulary
    filter_seen: bool
    name: str
    items: pd.DataFrame | None = None
    fallback: Scorer | None = None
    config: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Bundle of {self.name!r}, {len(self.vocabulary):,} items>"


def save_bundle(
    folder: str | Path,
    model: Scorer,
    vocabulary: Vocabulary,
    *,
    filter_seen: bool,
    name: str | None = None,
    items: pd.DataFrame | None = None,
    fallback: Scorer | None = None,
    config: dict | None = None,
    metrics: dict | None = None,
) -> Path:
    """Write a bundle under a temporary name, then put it in place: whole or not at all.

        config.json          format, version, filter_seen, classes, libraries, your `config`
        metrics.json         your `metrics`
        vocabulary.parquet   raw ids in the order of the item ids 1..V
        items.parquet        the item table, if there is one
        model.keras          or model.npz for a baseline; fallback.* likewise
        checksums.json       SHA-256 of every other file

    Args:
        folder: where to. A bundle that is there is replaced; anything else is left alone.
        model, vocabulary, filter_seen, name, items, fallback: see `Bundle`; `name` is by default
            the model's class.
        config, metrics: what JSON can hold.

    Returns:
        The folder.

    Raises:
        ValueError: the folder holds other things than a bundle, or a part cannot be stored.
        OSError: writing failed, for want of space perhaps. What was there before is untouched.
    """
    folder = Path(folder).resolve()
    _check_replaceable(folder)
    with _whole_or_nothing(folder) as unfinished:
        description = {
            "format": FORMAT,
            "version": VERSION,
            "name": type(model).__name__ if name is None else name,
            "filter_seen": bool(filter_seen),
            "model": save_model(model, unfinished, "model"),
            "fallback": None if fallback is None else save_model(fallback, unfinished, "fallback"),
            "libraries": library_versions(),
            "config": config or {},
        }
        _write_json(unfinished / "config.json", description)
        _write_json(unfinished / "metrics.json", metrics or {})
        _write_tables(unfinished, vocabulary, items)
        _write_json(unfinished / "checksums.json", _checksums(unfinished))
    return folder


def load_bundle(folder: str | Path) -> Bundle:
    """Read a bundle after checking that every file is as it was written.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder is no bundle, a newer version wrote it, a file is missing or has
            changed, or its model's class is not known here.

    Example:
        >>> load_bundle("runs/shop/bundle").metrics["ndcg@10"]
    """
    folder = Path(folder).resolve()
    if not folder.exists() and _previous(folder).exists():
        folder = _previous(folder)  # A kill came between the two renames of `_put_in_place`.
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`folder` must be the folder of a bundle. Received: folder={str(folder)!r}"
        )
    description = _read_description(folder)
    _check_files(folder)
    items = folder / "items.parquet"
    fallback = description["fallback"]
    return Bundle(
        model=load_model(folder, description["model"]),
        vocabulary=Vocabulary(pd.read_parquet(folder / "vocabulary.parquet")["item"]),
        filter_seen=description["filter_seen"],
        name=description["name"],
        items=pd.read_parquet(items).set_index("item") if items.exists() else None,
        fallback=None if fallback is None else load_model(folder, fallback),
        config=description["config"],
        metrics=_read_json(folder / "metrics.json"),
        libraries=description["libraries"],
    )


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """A folder to write to that takes the place of `folder` if nothing fails."""
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        _remove_stale(folder)
        yield unfinished
        _put_in_place(unfinished, folder)
    except OSError as error:
        raise OSError(
            error.errno,
            f"The bundle could not be written ({error.strerror or error}). Free some space or "
            "choose another folder; what was there before is untouched",
            str(folder),
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _put_in_place(unfinished: Path, folder: Path) -> None:
    """Two renames: no system call that works everywhere replaces a folder that is not empty."""
    if folder.exists():
        shutil.rmtree(_previous(folder), ignore_errors=True)
        folder.rename(_previous(folder))
    unfinished.rename(folder)
    shutil.rmtree(_previous(folder), ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    """Raise unless the folder is missing, empty or a bundle and nothing else."""
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    ours = {"checksums.json"}
    if "checksums.json" in present:
        ours |= set(_read_json(folder / "checksums.json"))
    if present - ours or folder.is_file():
        raise ValueError(
            "`folder` must be new, empty, or a bundle to replace: nothing else is deleted. Name "
            f"another folder. Received: folder={str(folder)!r}, which holds "
            f"{sorted(present - ours)[:5] or 'no folder but a file'}"
        )


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes left beside the folder."""
    for left in folder.parent.glob(f".{folder.name}.*.unfinished"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def library_versions() -> dict[str, str]:
    """Versions of those of `LIBRARIES` that are installed."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _write_tables(folder: Path, vocabulary: Vocabulary, items: pd.DataFrame | None) -> None:
    raw_ids = pd.DataFrame({"item": vocabulary.raw_ids})
    raw_ids.to_parquet(folder / "vocabulary.parquet", index=False)
    if items is not None:
        table = items.rename_axis(index="item").reset_index()
        table.to_parquet(folder / "items.parquet", index=False)


def _write_json(path: Path, content: dict) -> None:
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, default=_plain)
    except TypeError as error:
        raise ValueError(
            "`config` and `metrics` must hold only what JSON can: texts, numbers, lists, dicts. "
            f"Received: {error}"
        ) from error
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value):
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} of type {type(value).__name__}")


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_bundle(path.parent, f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise _no_bundle(path.parent, f"{path.name} holds no JSON object")
    return content


def _read_description(folder: Path) -> dict:
    """What `config.json` says, once its version is known to be one we can read."""
    description = _read_json(folder / "config.json")
    if description.get("format") != FORMAT:
        raise _no_bundle(folder, f"config.json does not say format {FORMAT!r}")
    if description.get("version") != VERSION:
        raise ValueError(
            f"`folder` holds a bundle of another version; this recmodels reads {VERSION}. Install "
            f"the newest recmodels. Received: version={description.get('version')} "
            f"in {str(folder)!r}, written with {description.get('libraries')}"
        )
    return description


def _no_bundle(folder: Path, why: str) -> ValueError:
    return ValueError(
        "`folder` is not a whole bundle, as `Recommender.save` or `make run` writes them. "
        f"Received: folder={str(folder)!r}, {why}"
    )


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the list of them, by name."""
    sums = {}
    for path in sorted(folder.iterdir()):
        if path.name != "checksums.json":
            with path.open("rb") as file:
                sums[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums


def _check_files(folder: Path) -> None:
    """Raise unless every file is there with the content it was written with."""
    found = _checksums(folder)
    wrong = {
        name: "changed" if name in found else "missing"
        for name, expected in _read_json(folder / "checksums.json").items()
        if found.get(name) != expected
    }
    if wrong:
        raise ValueError(
            "The bundle is damaged: copy it again from where it was made, or train again. "
            f"Received: folder={str(folder)!r}, files={wrong}"
        )
