"""Save and load a trained model with everything it needs for recommendations, in one folder."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.atomic_dir import (
    SUMS,
    atomic_dir,
    check_files,
    no_bundle,
    read_consistently,
    read_json,
)
from recmodels.data.files import write_json
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.sequences import EMPTY_SCHEMA
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.capabilities import Scores
from recmodels.recommend.candidates import catalogue_vectors
from recmodels.recommend.checks import (
    check_array,
    check_json,
    malformed,
    reading,
)
from recmodels.recommend.item_table import checked_vectors
from recmodels.recommend.rules import Rule, rules_from_json, rules_to_json
from recmodels.recommend.serialization import load_model, model_file_names, save_model
from recmodels.recommend.tables import (
    read_histories,
    read_items,
    read_vocabulary,
    write_histories,
    write_items,
    write_vocabulary,
)
from recmodels.recommend.text_encoders import FILES as TEXT_FILES
from recmodels.recommend.text_encoders import read_encoders, write_encoders
from recmodels.text.encoder import TextEncoder

FORMAT, VERSION = "recmodels bundle", 2
READABLE = (1, VERSION)  # The first had no rules, histories or item vectors.
_DESCRIPTION = {
    "version": READABLE,
    "name": str,
    "filter_seen": bool,
    "model": dict,
    "fallback": (dict, None),
    "libraries": dict,
    "config": dict,
}
LIBRARIES = ("recmodels", "keras", "tensorflow", "jax", "torch", "numpy", "pandas")


@dataclass(frozen=True, eq=False, repr=False)
class Bundle:
    """The content of a bundle's folder.

    Args:
        model, fallback: scorers; the fallback may be None.
        vocabulary: of the items they score.
        filter_seen: whether lists leave out the history.
        name: of the model.
        items: the item table, indexed by raw id, or None.
        config: how the model came about: experiment, protocol, seeds.
        metrics: what it reached.
        libraries: versions of the libraries that wrote it.
        histories: of the known users, or None.
        rules: of every list.
        item_vectors: for `Diverse`, float32 (V, D); None where the model's own serve.
        schema: of the columns that the model reads. Those of items follow from the item table and
            are not among the columns of the histories.
        texts: encoders of the texts of items by the name of their column.
    """

    model: Scores
    vocabulary: Vocabulary
    filter_seen: bool
    name: str
    items: pd.DataFrame | None = None
    fallback: Scores | None = None
    config: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    histories: Histories | None = None
    rules: tuple[Rule, ...] = ()
    item_vectors: np.ndarray | None = None
    schema: Schema = EMPTY_SCHEMA
    texts: dict[str, TextEncoder] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Bundle of {self.name!r}, {len(self.vocabulary):,} items>"


def save_bundle(
    folder: str | Path,
    model: Scores,
    vocabulary: Vocabulary,
    *,
    filter_seen: bool,
    name: str | None = None,
    items: pd.DataFrame | None = None,
    fallback: Scores | None = None,
    histories: Histories | None = None,
    rules: Sequence[Rule] = (),
    item_vectors: np.ndarray | None = None,
    schema: Schema = EMPTY_SCHEMA,
    texts: Mapping[str, TextEncoder] = {},
    config: dict | None = None,
    metrics: dict | None = None,
) -> Path:
    """Write a bundle under a temporary name, then rename it, atomically.

        config.json          format, version, filter_seen, classes, libraries, your `config`
        metrics.json         your `metrics`
        rules.json           the rules
        schema.json          the fitted columns that the model reads besides the items
        vocabulary.parquet   raw ids in the order of the item ids 1..V
        items.parquet        the item table, if there is one
        histories.parquet    raw user ids and their item ids, if there are any
        item_vectors.npy     given, or else the model's own, if it has any
        text_encoders.*      settings and arrays of encoders of texts, if there are any
        model.keras          or model.npz for a baseline; fallback.* likewise. A model that is made
                             of others has a file for each, such as model.ranker.keras
        checksums.json       SHA-256 of every other file

    Args:
        folder: where to. A bundle in it is replaced; any other content is left unchanged.
        model, vocabulary, filter_seen, name, items, fallback, histories, rules, item_vectors,
        schema, texts: see `Bundle`; `name` is by default the model's class.
        config, metrics: what JSON can hold.

    Returns:
        The folder.

    Raises:
        ValueError: the folder holds other things than a bundle, or a part cannot be stored.
        OSError: writing failed, for example on a full disk. An older bundle there is unchanged.
    """
    folder = Path(folder).resolve()
    vectors = checked_vectors(item_vectors, vocabulary)
    with atomic_dir(folder) as unfinished:
        description = {
            "format": FORMAT,
            "version": VERSION,
            "name": type(model).__name__ if name is None else str(name),
            "filter_seen": bool(filter_seen),
            "model": save_model(model, unfinished, "model", len(vocabulary)),
            "fallback": fallback and save_model(fallback, unfinished, "fallback", len(vocabulary)),
            "item_vectors": _write_vectors(unfinished, model, vectors),
            "libraries": library_versions(),
            "config": config or {},
        }
        write_json(unfinished / "config.json", description)
        write_json(unfinished / "metrics.json", metrics or {})
        write_json(unfinished / "rules.json", {"rules": rules_to_json(rules)})
        write_json(unfinished / "schema.json", {"columns": schema.to_config()}, sort=False)
        write_vocabulary(unfinished / "vocabulary.parquet", vocabulary)
        _write_optional(unfinished, vocabulary, schema, items, histories, texts)
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
    return read_consistently(Path(folder).resolve(), _read_bundle)


def _read_bundle(folder: Path) -> Bundle:
    description = _read_description(folder)
    _check_description(description, check_files(folder), folder)
    vocabulary = read_vocabulary(folder / "vocabulary.parquet")
    size, schema = len(vocabulary), _read_schema(folder / "schema.json")
    items, histories = folder / "items.parquet", folder / "histories.parquet"
    rules, fallback = folder / "rules.json", description["fallback"]
    source = description.get("item_vectors")
    vectors = None if source is None else _read_vectors(folder / "item_vectors.npy", size)
    return Bundle(
        model=load_model(folder, description["model"], size),
        vocabulary=vocabulary,
        filter_seen=description["filter_seen"],
        name=description["name"],
        items=read_items(items, vocabulary) if items.exists() else None,
        fallback=None if fallback is None else load_model(folder, fallback, size),
        config=description["config"],
        metrics=read_json(folder / "metrics.json"),
        libraries=description["libraries"],
        histories=read_histories(histories, size, schema) if histories.exists() else None,
        rules=_read_rules(rules) if rules.exists() else (),
        schema=schema,
        texts=read_encoders(folder) if (folder / TEXT_FILES[0]).exists() else {},
        item_vectors=vectors if source == "given" else None,
    )


def library_versions() -> dict[str, str]:
    """Versions of those of `LIBRARIES` that are installed."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _write_optional(folder: Path, vocabulary, schema, items, histories, texts) -> None:
    """Write the files of those parts that there are."""
    if items is not None:
        write_items(folder / "items.parquet", items, vocabulary)
    if histories is not None:
        write_histories(folder / "histories.parquet", histories, schema)
    if texts:
        write_encoders(folder, texts)


def _write_vectors(folder: Path, model: Scores, given: np.ndarray | None) -> str | None:
    """Write the vectors there are and say whose they are: those of the model are read by others."""
    vectors = catalogue_vectors(model) if given is None else given
    if vectors is None:
        return None
    np.save(folder / "item_vectors.npy", vectors)
    return "model's own" if given is None else "given"


def _read_vectors(path: Path, num_items: int) -> np.ndarray:
    with reading(path, "item_vectors"):
        vectors = np.load(path, allow_pickle=False)
    check_array(vectors, "VD", {"V": num_items}, path, "item_vectors")
    return vectors


def _read_rules(path: Path) -> tuple[Rule, ...]:
    content = read_json(path)
    check_json(content, {"rules": list}, path)
    with reading(path, "rules"):
        return rules_from_json(content["rules"])


def _read_schema(path: Path) -> Schema:
    if not path.exists():
        return EMPTY_SCHEMA
    content = read_json(path)
    check_json(content, {"columns": dict}, path)
    with reading(path, "columns"):
        return Schema.from_config(content["columns"])


def _check_description(description: dict, listed: set[str], folder: Path) -> None:
    """Raise unless every field is of its type, and the folder holds the files that they name."""
    check_json(description, _DESCRIPTION, folder / "config.json")
    files = {"config.json", "metrics.json", "vocabulary.parquet"}
    files |= {"rules.json"} if description["version"] > 1 else set()
    for stem in ("model", "fallback"):
        if stem == "model" or description[stem] is not None:
            files |= model_file_names(description[stem], stem, folder / "config.json")
    source = description.get("item_vectors")
    check_json(source, (None, "given", "model's own"), folder / "config.json", "item_vectors")
    files |= set() if source is None else {"item_vectors.npy"}
    optional = {"items.parquet", "histories.parquet", "schema.json"}
    optional |= set(TEXT_FILES) if set(TEXT_FILES) <= listed else set()
    if files - listed or listed - files - optional:
        rule = f"list {sorted(files)}, and perhaps {sorted(optional)}"
        raise malformed(folder / SUMS, "files", rule, sorted(listed))


def _read_description(folder: Path) -> dict:
    """What `config.json` says, once its version is known to be one we can read."""
    description = read_json(folder / "config.json")
    if description.get("format") != FORMAT:
        raise no_bundle(folder, f"config.json does not say format {FORMAT!r}")
    version = description.get("version")
    if type(version) is not int or version not in READABLE:
        raise ValueError(
            f"`folder` holds a bundle of another version; this recmodels reads {READABLE}. Install "
            f"the newest recmodels. Received: version={version!r} "
            f"in {str(folder)!r}, written with {description.get('libraries')}"
        )
    return description
