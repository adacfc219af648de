"""Encoders of the texts of items: checked, applied to new items, written and read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.atomic_dir import read_json
from recmodels.data.errors import require
from recmodels.data.files import write_json
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
from recmodels.recommend.checks import check_array, check_json, malformed, reading
from recmodels.recommend.model_classes import check_archive
from recmodels.text.encoder import TextEncoder

FILES = ("text_encoders.json", "text_encoders.npz")
COMPARED = 3  # Items of the table that are encoded again, to compare their vectors.
# Arrays by the letters of their axes: W words, F dimensions before whitening, D after it.
_OF_TFIDF = {"idf": "W", "directions": "FW"}
_OF_WHITENING = {"mean": "F", "weights": "FD"}


def check_encoders(
    texts: Mapping[str, TextEncoder], schema: Schema, items: pd.DataFrame | None
) -> dict[str, TextEncoder]:
    """The same encoders, each of them fitted and of the width of its column.

    Raises:
        ValueError: a column is none of the vectors of items in the schema, or not in the item
            table, or an encoder does not fit it.
    """
    must = "`texts` must be a dict of encoders by the names of their columns"
    require(isinstance(texts, Mapping), must, texts=texts)
    for name, encoder in texts.items():
        column = schema[name] if name in schema.names_of("items") else None
        must = "`texts` must have names of `Vector` columns of items in the schema"
        require(isinstance(column, Vector), must, name=name, schema=list(schema))
        there = [] if items is None else list(items.columns)
        require(name in there, f"`items` must have the column `{name}` of `texts`", columns=there)
        fits = isinstance(encoder, TextEncoder) and encoder.fitted
        fits = fits and encoder.width == column.length
        must = f"`texts` must hold a fitted `TextEncoder` with vectors of width {column.length}"
        require(fits, must, name=name, encoder=encoder)
    return dict(texts)


def add_vectors(
    table: pd.DataFrame, known: pd.DataFrame, texts: Mapping[str, TextEncoder]
) -> pd.DataFrame:
    """A table of new items with the vectors of their texts; columns that it has are kept.

    Args:
        table: of the new items, with texts; without any column, their texts are missing.
        known: the table of all items before; some of them are encoded again, because an encoder
            that did not make their vectors would silently give wrong ones.
        texts: encoders by the names of the columns.

    Raises:
        ValueError: the table has no texts, or an encoder did not make the vectors of `known`.
    """
    for name, encoder in texts.items():
        if name in table or not len(table):
            continue
        must = f"`items` must have one of the columns {list(encoder.columns)}, or `{name}`"
        told = table.columns.empty or any(column in table for column in encoder.columns)
        require(told, must, columns=list(table.columns))
        stored = known[known[name].notna()].head(COMPARED)
        vectors = encoder.encode_items(pd.concat([stored.drop(columns=name), table]))
        before = np.array(stored[name].tolist(), float).reshape(len(stored), -1)
        must = f"`texts` must hold the encoder of the column `{name}`: it gives other vectors"
        fits = np.allclose(vectors[: len(stored)], before, atol=1e-3, equal_nan=True)
        require(fits, must, items=list(stored.index))
        table = table.assign(**{name: list(vectors[len(stored) :].astype(float))})
    return table


def write_encoders(folder: Path, texts: Mapping[str, TextEncoder]) -> None:
    """Write the settings of all encoders to one file and their arrays to another."""
    states = [(name, *encoder.state()) for name, encoder in texts.items()]
    recipes = [{"column": name, **recipe} for name, recipe, _ in states]
    write_json(folder / FILES[0], {"encoders": recipes})
    arrays = {f"{n}.{key}": a for n, (_, _, of) in enumerate(states) for key, a in of.items()}
    np.savez(folder / FILES[1], **arrays)


def read_encoders(folder: Path) -> dict[str, TextEncoder]:
    """What `write_encoders` wrote.

    Raises:
        ValueError: a file holds something else, or the model of an encoder is not on this machine.
        ImportError: the packages that an encoder needs are not installed; the message names them.
    """
    path, content = folder / FILES[0], read_json(folder / FILES[0])
    check_json(content, {"encoders": list}, path)
    check_archive(folder / FILES[1])
    with reading(folder / FILES[1], "content"), np.load(folder / FILES[1]) as stored:
        arrays = dict(stored)
    encoders = {}
    for number, recipe in enumerate(content["encoders"]):
        prefix = f"{number}."
        own = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
        _check_recipe(recipe, own, folder)
        encoders[recipe["column"]] = TextEncoder.restore(recipe, own)
    return encoders


def _check_recipe(recipe: dict, arrays: dict[str, np.ndarray], folder: Path) -> None:
    path, sizes = folder / FILES[0], {}
    shape = {"column": str, "source": str, "size": (int, None), "columns": list}
    check_json(recipe, shape, path, "encoders")
    check_json(recipe, {"words": list} if recipe["source"] == "tfidf" else {"identity": str}, path)
    for field in ("columns", *(["words"] if recipe["source"] == "tfidf" else [])):
        if not recipe[field] or not all(type(text) is str for text in recipe[field]):
            raise malformed(path, field, "be a list of texts", recipe[field])
    wanted = {}
    if recipe["source"] == "tfidf":
        wanted |= _OF_TFIDF
        sizes["W"] = len(recipe["words"])
    if recipe["size"] is not None:
        wanted |= _OF_WHITENING
        sizes["D"] = recipe["size"]
    if arrays.keys() != wanted.keys():
        raise malformed(folder / FILES[1], "content", f"be {sorted(wanted)}", sorted(arrays))
    for name, axes in wanted.items():
        check_array(arrays[name], axes, sizes, folder / FILES[1], name)
