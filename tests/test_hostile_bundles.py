"""Bundles that were tampered with or badly copied: each is one error that names file and field."""

# ruff: noqa: E501 (the tables have one line per bundle)

import io
import json
import os
import shutil
import sys
import zipfile

import h5py
import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import recmodels as rm
from recmodels.data import atomic_dir
from recmodels.features.vocabulary import Vocabulary
from recmodels.layers.rating_head import RatingHead
from recmodels.recommend import AtMost, load_bundle, save_bundle
from tests.harness import make_histories

ITEMS = [f"i{number}" for number in range(5)]
HISTORIES = make_histories([[1, 2, 3], [2, 3, 4], [5, 1, 6]])  # 6 is the unknown item.
SCHEMA = rm.Schema({"act": rm.Category()}).fit(pd.DataFrame({"act": list("ab")}))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """One folder per kind of bundle, each loaded once to show that it is whole."""
    root, vocabulary = tmp_path_factory.mktemp("bundles"), Vocabulary(ITEMS)
    popular = rm.MostPopular().fit(HISTORIES, 5)
    sasrec = rm.SASRec(5, max_length=4, width=4, num_blocks=1)
    towers = rm.TwoTower(rm.Tower(3, 4, num_members=6), rm.Tower(5, 4), head="dot")
    for model in (sasrec, towers):
        model.build()
    table = pd.DataFrame({"title": list("abcde"), "category": list("xxyyy")}, index=ITEMS)
    kinds = {
        "markov": (rm.Markov().fit(HISTORIES, 5), {"item_vectors": np.eye(5, dtype="float32")}),
        "bpr": (rm.BPRMF(width=2, epochs=1).fit(HISTORIES, 5), {}),
        "encoder": (rm.Markov().fit(HISTORIES, 5), {"schema": SCHEMA}),
        "bias": (rm.Content(["tea cup", "tea", "cup", "cup", "pot"]).fit(HISTORIES, 5), {}),
        "sasrec": (sasrec, {"fallback": popular}),
        "towers": (towers, {"fallback": popular}),
    }
    for name, (model, parts) in kinds.items():
        parts = {"items": table, "histories": HISTORIES, "rules": [AtMost(2)], **parts}
        save_bundle(root / name, model, vocabulary, filter_seen=False, **parts)
        load_bundle(root / name)
    return root


def put(content, path: str, value):
    """Replace the value at a dotted path of nested dicts; `...` removes it."""
    *parents, last = path.split(".")
    for parent in parents:
        content = content[parent]
    if value is ...:
        del content[last]
    else:
        content[last] = value


def in_json(path, value, file="config.json"):
    def change(folder):
        content = json.loads((folder / file).read_text())
        put(content, path, value)
        (folder / file).write_text(json.dumps(content))

    return change


def as_text(file, text):
    return lambda folder: (folder / file).write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )


def in_values(name, value):
    """Change a plain value of a counted model."""

    def change(values):
        content = json.loads(str(values))
        put(content, name, value)
        return np.array(json.dumps(content))

    return in_npz("values", change)


def in_npz(name, change, save=np.savez, file="model.npz"):
    """Change an array of a counted model: a function of the old one, or `...` to remove it."""

    def apply(folder):
        with np.load(folder / file) as stored:
            arrays = dict(stored)
        arrays[name] = change if change is ... else change(arrays.get(name))
        save(folder / file, **{key: value for key, value in arrays.items() if value is not ...})

    return apply


def at(index, value):
    """A function that replaces one number of a copy of an array."""

    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


def in_archive(part, change):
    """Replace a part of a Keras file; `change` gets its bytes, None for a new part."""

    def apply(folder):
        path = folder / "model.keras"
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts[part] = change(parts.get(part))
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)

    return apply


def in_keras(path, value):
    def change(content):
        config = json.loads(content)
        put(config, path, value)
        return json.dumps(config).encode()

    return in_archive("config.json", change)


def in_weights(change):
    def apply(content):
        file = io.BytesIO(content)
        with h5py.File(file, "r+") as weights:
            change(weights)
        return file.getvalue()

    return in_archive("model.weights.h5", apply)


def replaced(name, **options):
    """Replace a data set of the weights by another."""

    def change(weights):
        del weights[name]
        weights.create_dataset(name, **options)

    return in_weights(change)


def poisoned(weights):
    weights["item_embedding/vars/0"][1, 1] = np.nan


def linked(weights):
    del weights["layers/layer_norm/vars/0"]
    weights["layers/layer_norm/vars/0"] = h5py.ExternalLink("/etc/hostname", "/x")


def column(file, name, values, kind=None):
    """Replace a column of a Parquet file; None removes it."""

    def change(folder):
        table = pq.read_table(folder / file).replace_schema_metadata(None)
        place = table.column_names.index(name)
        table = table.remove_column(place)
        if values is not None:
            table = table.add_column(place, name, pa.array(values, kind))
        pq.write_table(table, folder / file)

    return change


def vectors(array):
    return lambda folder: np.save(folder / "item_vectors.npy", array, allow_pickle=True)


def lone_array(folder):
    with (folder / "model.npz").open("wb") as file:
        np.save(file, np.ones(3))


def compressed(folder):
    path = folder / "model.keras"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


FOREIGN = {
    "module": "foreign_module",
    "class_name": "Thing",
    "config": {},
    "registered_name": "x>Thing",
}
LISTS = pa.large_list(pa.int32())

# Bundle, what is done to it, and what the error says. The checksums are made new afterwards.
TAMPERED = {
    "config: filter_seen is a text": ("markov", in_json("filter_seen", "false"), "`filter_seen` of config.json .* true or false"),
    "config: filter_seen is a number": ("markov", in_json("filter_seen", 1), "`filter_seen` of config.json"),
    "config: filter_seen is null": ("markov", in_json("filter_seen", None), "`filter_seen` of config.json"),
    "config: filter_seen is missing": ("markov", in_json("filter_seen", ...), "`filter_seen` of config.json"),
    "config: name is a number": ("markov", in_json("name", 3), "`name` of config.json"),
    "config: version is true": ("markov", in_json("version", True), "another version.*version=True"),
    "config: version is a list": ("markov", in_json("version", [2]), "another version"),
    "config: version is missing": ("markov", in_json("version", ...), "another version"),
    "config: format is another": ("markov", in_json("format", "zip"), "not a whole bundle.*config.json"),
    "config: libraries are a list": ("markov", in_json("libraries", []), "`libraries` of config.json"),
    "config: config is a text": ("markov", in_json("config", "x"), "`config` of config.json"),
    "config: item_vectors is true": ("markov", in_json("item_vectors", True), "`item_vectors` of config.json"),
    "config: model is a text": ("markov", in_json("model", "model.npz"), "`model` of config.json .* object"),
    "config: model is null": ("markov", in_json("model", None), "`model` of config.json"),
    "config: model is missing": ("markov", in_json("model", ...), "`model` of config.json"),
    "config: fallback is a list": ("sasrec", in_json("fallback", []), "`fallback` of config.json"),
    "config: class is missing": ("markov", in_json("model.class", ...), "`model.class` of config.json"),
    "config: class is a number": ("markov", in_json("model.class", 1), "`model.class` of config.json"),
    "config: module is null": ("markov", in_json("model.module", None), "`model.module` of config.json"),
    "config: file above the folder": ("markov", in_json("model.file", "../markov/model.npz"), "`model.file` of config.json"),
    "config: file with an absolute name": ("markov", in_json("model.file", "/etc/passwd"), "`model.file` of config.json"),
    "config: file is a list": ("markov", in_json("model.file", ["model.npz"]), "`model.file` of config.json"),
    "config: fallback reads the model": ("sasrec", in_json("fallback.file", "model.keras"), "`fallback.file` of config.json"),
    "config: fallback is not there": ("markov", in_json("fallback", {"file": "fallback.npz", "module": "recmodels.models.markov", "class": "Markov"}), "`files` of checksums.json"),
    "config: a fallback too many": ("sasrec", in_json("fallback", None), "`files` of checksums.json"),
    "config: vectors too many": ("markov", in_json("item_vectors", None), "`files` of checksums.json"),
    "config: no JSON": ("markov", as_text("config.json", "{"), "not a whole bundle.*config.json"),
    "config: nested too deep": ("markov", as_text("config.json", '{"a":' * 100_000), "not a whole bundle.*config.json"),
    "config: not UTF-8": ("markov", as_text("config.json", b'{"name": "\xff"}'), "not a whole bundle.*config.json"),
    "class: of a foreign module": ("markov", in_json("model.module", "foreign_module"), "model.npz.*foreign_module"),
    "class: of a foreign module, neural": ("sasrec", in_json("model.module", "foreign_module"), "foreign_module"),
    "class: of a foreign fallback": ("sasrec", in_json("fallback.module", "foreign_module"), "fallback.npz.*foreign_module"),
    "class: of the command line": ("markov", in_json("model.module", "recmodels.__main__"), "model.npz.*__main__"),
    "class: of a module that looks like ours": ("markov", in_json("model.module", "recmodels_evil.models.x"), "model.npz.*recmodels_evil"),
    "class: of no module of ours": ("markov", in_json("model.module", "recmodels.models.nothing"), "model.npz.*nothing"),
    "class: a function": ("markov", in_json("model.class", "known_events"), "model.npz.*known_events"),
    "class: imported by the module": ("markov", in_json("model.class", "Baseline"), "model.npz.*Baseline"),
    "class: not of the file": ("markov", in_json("model", {"file": "model.npz", "module": "recmodels.models.sasrec", "class": "SASRec"}), "model.npz.*SASRec"),
    "class: another counted one": ("markov", in_json("model", {"file": "model.npz", "module": "recmodels.models.ease", "class": "EASE"}), "`values` of model.npz"),
    "metrics: NaN": ("markov", as_text("metrics.json", '{"ndcg@10": NaN}'), "metrics.json"),
    "metrics: infinite": ("markov", as_text("metrics.json", '{"ndcg@10": 1e999}'), "metrics.json"),
    "metrics: a list": ("markov", as_text("metrics.json", "[1]"), "metrics.json"),
    "metrics: a name twice": ("markov", as_text("metrics.json", '{"a": 1, "a": 2}'), "metrics.json"),
    "schema: no columns": ("encoder", as_text("schema.json", "{}"), "`columns` of schema.json"),
    "schema: unknown kind": ("encoder", in_json("columns.act.kind", "exec", "schema.json"), "`columns` of schema.json"),
    "schema: a text for values": ("encoder", in_json("columns.act.values", "ab", "schema.json"), "`columns` of schema.json.*`values`"),
    "schema: lists in values": ("encoder", in_json("columns.act.values", [["a"]], "schema.json"), "`columns` of schema.json.*`values`"),
    "schema: unknown table": ("encoder", in_json("columns.act.of", "shops", "schema.json"), "`columns` of schema.json.*`of`"),
    "rules: no rules": ("markov", as_text("rules.json", "{}"), "`rules` of rules.json"),
    "rules: an object": ("markov", as_text("rules.json", '{"rules": {"rule": "AtMost"}}'), "`rules` of rules.json"),
    "rules: unknown": ("markov", in_json("rules", [{"rule": "Exec"}], "rules.json"), "`rules` of rules.json"),
    "rules: nested": ("markov", in_json("rules", [[{"rule": "AtMost", "most": 1}]], "rules.json"), "`rules` of rules.json"),
    "rules: a text for a number": ("markov", in_json("rules", [{"rule": "AtMost", "most": "2"}], "rules.json"), "`rules` of rules.json.*`most`"),
    "rules: true for a number": ("markov", in_json("rules", [{"rule": "AtMost", "most": True}], "rules.json"), "`rules` of rules.json.*`most`"),
    "vocabulary: no Parquet": ("markov", as_text("vocabulary.parquet", "item\ni0"), "vocabulary.parquet"),
    "vocabulary: an id twice": ("markov", column("vocabulary.parquet", "item", ["i0", "i0", "i2", "i3", "i4"]), "`item` of vocabulary.parquet"),
    "vocabulary: a missing id": ("markov", column("vocabulary.parquet", "item", ["i0", None, "i2", "i3", "i4"]), "`item` of vocabulary.parquet"),
    "vocabulary: fractions": ("markov", column("vocabulary.parquet", "item", [0.5, 1, 2, 3, 4]), "`item` of vocabulary.parquet"),
    "vocabulary: lists": ("markov", column("vocabulary.parquet", "item", [[1]] * 5), "`item` of vocabulary.parquet"),
    "vocabulary: bytes": ("markov", column("vocabulary.parquet", "item", [b"a", b"b", b"c", b"d", b"e"]), "`item` of vocabulary.parquet"),
    "vocabulary: another column": ("markov", lambda f: pq.write_table(pa.table({"id": ITEMS}), f / "vocabulary.parquet"), "`item` of vocabulary.parquet"),
    "vocabulary: empty": ("markov", lambda f: pq.write_table(pa.table({"item": pa.array([], pa.string())}), f / "vocabulary.parquet"), "`item` of vocabulary.parquet"),
    "vocabulary: an item less": ("bpr", lambda f: pq.write_table(pa.table({"item": ITEMS[:4]}), f / "vocabulary.parquet"), "`num_items` of model.npz"),
    "vocabulary: an item more, neural": ("sasrec", lambda f: pq.write_table(pa.table({"item": [*ITEMS, "i5"]}), f / "vocabulary.parquet"), "item_vectors.npy|`num_items` of model.keras"),
    "items: no ids": ("markov", column("items.parquet", "item", None), "`item` of items.parquet"),
    "items: ids twice": ("markov", column("items.parquet", "item", ["i0"] * 5), "`item` of items.parquet"),
    "items: ids of another type": ("markov", column("items.parquet", "item", [0, 1, 2, 3, 4]), "`item` of items.parquet"),
    "items: a missing id": ("markov", column("items.parquet", "item", ["i0", "i1", "i2", "i3", None]), "`item` of items.parquet"),
    "items: a column of ours": ("markov", lambda f: pq.write_table(pa.table({"item": ITEMS, "score": [1] * 5}), f / "items.parquet"), "`item` of items.parquet"),
    "histories: an id of no item": ("markov", column("histories.parquet", "items", [[1], [9], [2]], LISTS), "`items` of histories.parquet"),
    "histories: padding": ("markov", column("histories.parquet", "items", [[0, 1], [2], [2]], LISTS), "`items` of histories.parquet"),
    "histories: a negative id": ("markov", column("histories.parquet", "items", [[-1], [2], [2]], LISTS), "`items` of histories.parquet"),
    "histories: a missing list": ("markov", column("histories.parquet", "items", [[1], None, [2]], LISTS), "`items` of histories.parquet"),
    "histories: a missing item": ("markov", column("histories.parquet", "items", [[1], [None], [2]], LISTS), "`items` of histories.parquet"),
    "histories: texts": ("markov", column("histories.parquet", "items", [["1"], ["2"], ["3"]]), "`items` of histories.parquet"),
    "histories: no lists": ("markov", column("histories.parquet", "items", [1, 2, 3]), "`items` of histories.parquet"),
    "histories: a user twice": ("markov", column("histories.parquet", "user", [1, 1, 2]), "`user` of histories.parquet"),
    "histories: a missing user": ("markov", column("histories.parquet", "user", [1, None, 2]), "`user` of histories.parquet"),
    "histories: fractions as users": ("markov", column("histories.parquet", "user", [1.5, 2, 3]), "`user` of histories.parquet"),
    "vectors: an item less": ("markov", vectors(np.ones((4, 2), "f4")), "`item_vectors` of item_vectors.npy"),
    "vectors: NaN": ("markov", vectors(np.full((5, 2), np.nan)), "`item_vectors` of item_vectors.npy"),
    "vectors: flat": ("markov", vectors(np.ones(5)), "`item_vectors` of item_vectors.npy"),
    "vectors: texts": ("markov", vectors(np.full((5, 2), "1")), "`item_vectors` of item_vectors.npy"),
    "vectors: pickled": ("markov", vectors(np.array([{}] * 5)), "`item_vectors` of item_vectors.npy"),
    "vectors: cut off": ("markov", lambda f: as_text("item_vectors.npy", (f / "item_vectors.npy").read_bytes()[:-8])(f), "`item_vectors` of item_vectors.npy"),
    "vectors of the model: infinite": ("sasrec", vectors(np.full((5, 4), np.inf)), "`item_vectors` of item_vectors.npy"),
    "values: no JSON": ("markov", in_npz("values", lambda _: np.array("{")), "`values` of model.npz"),
    "values: a list": ("markov", in_npz("values", lambda _: np.array("[]")), "`values` of model.npz"),
    "values: missing": ("markov", in_npz("values", ...), "`values` of model.npz"),
    "values: an option missing": ("markov", in_values("smoothing", ...), "`values` of model.npz"),
    "values: a text for an option": ("markov", in_values("smoothing", "10"), "`values.smoothing` of model.npz"),
    "values: an option out of range": ("markov", in_values("smoothing", -1.0), "`values` of model.npz.*smoothing"),
    "values: true for an option": ("bpr", in_values("seed", True), "`values.seed` of model.npz"),
    "values: an option beyond 64 bits": ("bpr", in_values("seed", 2**70), "`values` of model.npz"),
    "values: texts that are none": ("bias", in_values("texts", [1, 2, 3, 4, 5]), "`values` of model.npz"),
    "values: a method": ("markov", in_values("score", 1), "`content` of model.npz"),
    "num_items: a text": ("markov", in_values("num_items", "5"), "`num_items` of model.npz"),
    "num_items: negative": ("markov", in_values("num_items", -5), "model.npz"),
    "num_items: of another catalogue": ("markov", in_values("num_items", 6), "`counts` of model.npz"),
    "counts: too short": ("markov", in_npz("counts", lambda a: a[:-1]), "`counts` of model.npz"),
    "counts: negative": ("markov", in_npz("counts", at(1, -3)), "`counts` of model.npz"),
    "counts: nothing": ("markov", in_npz("counts", np.zeros_like), "`counts` of model.npz"),
    "counts: fractions": ("markov", in_npz("counts", lambda a: a + 0.5), "`counts` of model.npz"),
    "counts: missing": ("markov", in_npz("counts", ...), "`content` of model.npz"),
    "counts: texts": ("markov", in_npz("counts", lambda a: a.astype(str)), "`counts` of model.npz"),
    "counts: pickled": ("markov", in_npz("counts", lambda a: a.astype(object)), "`counts` of model.npz"),
    "an array too many": ("markov", in_npz("extra", lambda _: np.ones(3)), "`content` of model.npz"),
    "sparse: an index too large": ("markov", in_npz("transitions.indices", at(0, 6)), "`transitions` of model.npz"),
    "sparse: an index far outside": ("markov", in_npz("transitions.indices", at(0, 2**30)), "`transitions` of model.npz"),
    "sparse: a negative index": ("markov", in_npz("transitions.indices", at(0, -2)), "`transitions` of model.npz"),
    "sparse: indices as fractions": ("markov", in_npz("transitions.indices", lambda a: a + 0.0), "`transitions.indices` of model.npz"),
    "sparse: pointers that go back": ("markov", in_npz("transitions.indptr", at(2, 4)), "`transitions` of model.npz"),
    "sparse: pointers beyond the data": ("markov", in_npz("transitions.indptr", at(-1, 99)), "`transitions` of model.npz"),
    "sparse: pointers that begin late": ("markov", in_npz("transitions.indptr", at(0, 1)), "`transitions` of model.npz"),
    "sparse: a pointer less": ("markov", in_npz("transitions.indptr", lambda a: a[:-1]), "`transitions` of model.npz"),
    "sparse: a number less": ("markov", in_npz("transitions.data", lambda a: a[:-1]), "`transitions` of model.npz"),
    "sparse: NaN": ("markov", in_npz("transitions.data", at(0, np.nan)), "`transitions.data` of model.npz"),
    "sparse: a matrix as indices": ("markov", in_npz("transitions.indices", lambda a: a[None]), "`transitions.indices` of model.npz"),
    "sparse: another shape": ("markov", in_npz("transitions.shape", lambda _: np.array([6, 7])), "`transitions.shape` of model.npz"),
    "sparse: a huge shape": ("markov", in_npz("transitions.shape", lambda _: np.array([2**40, 2**40])), "`transitions.shape` of model.npz"),
    "sparse: a negative shape": ("markov", in_npz("transitions.shape", lambda _: np.array([-6, 6])), "`transitions.shape` of model.npz"),
    "sparse: three axes": ("markov", in_npz("transitions.shape", lambda _: np.array([6, 6, 1])), "`transitions.shape` of model.npz"),
    "sparse: a part missing": ("markov", in_npz("transitions.indptr", ...), "`transitions.indptr` of model.npz"),
    "sparse: a part too many": ("markov", in_npz("transitions.more", lambda _: np.ones(2)), "`transitions.more` of model.npz"),
    "sparse: rows of other users": ("bias", in_npz("vectors.shape", lambda a: a + [1, 0]), "`vectors.shape` of model.npz"),
    "dense for sparse": ("markov", in_npz("totals", lambda a: a[:, None]), "`totals` of model.npz"),
    "vectors of users of another width": ("bpr", in_npz("user_vectors", lambda a: a[:, :1]), "`user_vectors` of model.npz"),
    "users: more than have vectors": ("bpr", in_values("num_users", 4), "`user_vectors` of model.npz"),
    "users: their number is a text": ("bpr", in_values("num_users", "3"), "`num_users` of model.npz"),
    "users: their digest is a number": ("bpr", in_values("user_rows", 3), "`user_rows` of model.npz"),
    "vectors of items of another width": ("bpr", in_npz("item_vectors", lambda a: np.ones((6, 3))), "`item_vectors` of model.npz"),
    "vectors of items, infinite": ("bpr", in_npz("item_vectors", at((0, 0), np.inf)), "`item_vectors` of model.npz"),
    "archive: compressed": ("markov", in_npz("counts", lambda a: a, np.savez_compressed), "of model.npz .* not be compressed"),
    "archive: no archive": ("markov", as_text("model.npz", "PK"), "model.npz"),
    "archive: one array alone": ("markov", lone_array, "model.npz"),
    "keras: no archive": ("sasrec", as_text("model.keras", "PK"), "model.keras"),
    "keras: compressed": ("sasrec", compressed, "of model.keras .* not be compressed"),
    "keras: a file that leaves the folder": ("sasrec", in_archive("../evil.py", lambda _: b""), "`content` of model.keras"),
    "keras: no JSON": ("sasrec", in_archive("config.json", lambda _: b"{"), "`config.json` of model.keras"),
    "keras: another class": ("sasrec", in_keras("class_name", "TwoTower"), "`config.class_name` of model.keras"),
    "keras: another module": ("sasrec", in_keras("module", "keras"), "`config.module` of model.keras"),
    "keras: registered under another name": ("sasrec", in_keras("registered_name", "recmodels>TwoTower"), "`SASRec.registered_name` of model.keras"),
    "keras: a foreign class inside": ("sasrec", in_keras("config.dtype", FOREIGN), "foreign_module"),
    "keras: a foreign class far inside": ("towers", in_keras("config.query.config.dtype", [{"a": FOREIGN}]), "foreign_module"),
    "keras: a function of Python": ("towers", in_keras("config.query", FOREIGN | {"module": "os", "class_name": "system"}), "model.keras.*os"),
    "keras: options missing": ("sasrec", in_keras("config", ...), "`config.config` of model.keras"),
    "keras: options are a list": ("sasrec", in_keras("config", []), "`config.config` of model.keras"),
    "keras: a text for a size": ("sasrec", in_keras("config.width", "4"), "`SASRec.width` of model.keras"),
    "keras: true for a size": ("sasrec", in_keras("config.num_blocks", True), "`SASRec.num_blocks` of model.keras"),
    "keras: a text for a share": ("sasrec", in_keras("config.dropout", "0.2"), "`SASRec.dropout` of model.keras"),
    "keras: a negative size": ("sasrec", in_keras("config.width", -4), "model.keras"),
    "keras: a huge width": ("sasrec", in_keras("config.width", 2**40), "model.keras"),
    "keras: a huge catalogue": ("sasrec", in_keras("config.num_items", 2**50), "model.keras"),
    "keras: too many blocks": ("sasrec", in_keras("config.num_blocks", 10**9), "`num_blocks` of model.keras"),
    "keras: a block more": ("sasrec", in_keras("config.num_blocks", 2), "`model.weights.h5` of model.keras"),
    "keras: an unknown option": ("sasrec", in_keras("config.evil", 1), "model.keras"),
    "keras: an order of no block": ("sasrec", in_keras("config.norm_order", "x"), "model.keras.*norm_order"),
    "keras: a tower as text": ("towers", in_keras("config.query", "Tower"), "model.keras"),
    "keras: a tower of another size": ("towers", in_keras("config.candidate.config.count", 6), "model.keras"),
    "weights: no HDF5": ("sasrec", in_archive("model.weights.h5", lambda _: b"none"), "`model.weights.h5` of model.keras"),
    "weights: cut off": ("sasrec", in_archive("model.weights.h5", lambda old: old[: len(old) // 2]), "`model.weights.h5` of model.keras"),
    "weights: NaN": ("sasrec", in_weights(poisoned), "item_embedding/table` of model.keras"),
    "weights: another shape": ("sasrec", replaced("item_embedding/vars/0", data=np.ones((8, 5), "f4")), "`model.weights.h5` of model.keras"),
    "weights: missing": ("sasrec", in_weights(lambda w: w.__delitem__("item_embedding/vars/0")), "`model.weights.h5` of model.keras"),
    "weights: unpack without end": ("sasrec", replaced("item_embedding/vars/0", shape=(8, 2**40), dtype="f4", chunks=(8, 1024)), "vars/0` of model.keras"),
    "weights: of another file": ("sasrec", in_weights(linked), "`model.weights.h5` of model.keras"),
    "weights: texts": ("sasrec", replaced("item_embedding/vars/0", data=np.full((8, 4), b"x")), "model.keras"),
}  # fmt: skip


# TensorFlow waits for ten seconds before it gives an allocation up.
ENORMOUS = ("keras: a huge width", "keras: a huge catalogue")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.slow] * (case in ENORMOUS)) for case in TAMPERED],
)
def test_what_was_tampered_with_is_one_error(bundles, tmp_path, monkeypatch, case):
    kind, change, match = TAMPERED[case]
    folder = shutil.copytree(bundles / kind, tmp_path / "bundle")
    (tmp_path / "foreign_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    change(folder)
    (folder / "checksums.json").write_text(json.dumps(atomic_dir.checksums(folder)))
    with pytest.raises(ValueError, match=match) as caught:
        load_bundle(folder)
    assert "Received: " in str(caught.value)
    assert "foreign_module" not in sys.modules


def listed(change):
    """Change the checksums, which are not made new afterwards."""

    def apply(folder):
        sums = json.loads((folder / "checksums.json").read_text())
        change(sums)
        (folder / "checksums.json").write_text(json.dumps(sums))

    return apply


def moved(name, target, make):
    """Put a file elsewhere and something that leads to it in its place."""

    def change(folder):
        (folder / name).rename(folder.parent / target)
        make(folder / name, folder.parent / target)

    return change


DAMAGED = {
    "a file that is not listed": (as_text("notes.txt", "mine"), "notes.txt': 'not listed"),
    "code that is not listed": (as_text("model.py", "1"), "model.py': 'not listed"),
    "a folder": (lambda f: (f / "more").mkdir(), "more': 'not listed"),
    "a link that is not listed": (lambda f: (f / "x").symlink_to("/etc/passwd"), "x': 'not listed"),
    "a link": (moved("model.npz", "m", lambda here, there: here.symlink_to(there)), "model.npz': 'no plain file"),
    "a link to nothing": (moved("model.npz", "m", lambda here, there: here.symlink_to("/no")), "model.npz': 'no plain file"),
    "a folder for a file": (moved("rules.json", "m", lambda here, there: here.mkdir()), "rules.json': 'no plain file"),
    "a pipe": (moved("model.npz", "m", lambda here, there: os.mkfifo(here)), "model.npz': 'no plain file"),
    "a pipe for the config": (moved("config.json", "m", lambda here, there: os.mkfifo(here)), "config.json"),
    "a link for the config": (moved("config.json", "m", lambda here, there: here.symlink_to(there)), "config.json"),
    "a link for the checksums": (moved("checksums.json", "m", lambda here, there: here.symlink_to(there)), "checksums.json"),
    "no checksums": (lambda f: (f / "checksums.json").unlink(), "checksums.json"),
    "checksums without an entry": (listed(lambda sums: sums.pop("model.npz")), "model.npz': 'not listed"),
    "no entry at all": (as_text("checksums.json", "{}"), "model.npz': 'not listed"),
    "checksums are a list": (as_text("checksums.json", "[]"), "checksums.json"),
    "checksums are cut off": (as_text("checksums.json", '{"config.json": "12'), "checksums.json"),
    "a checksum is a number": (listed(lambda sums: sums.update({"model.npz": 7})), "model.npz': 'changed"),
    "a checksum is null": (listed(lambda sums: sums.update({"model.npz": None})), "model.npz': 'changed"),
    "an entry above the folder": (listed(lambda sums: sums.update({"../x": "0"})), "../x': 'not in the folder"),
    "an absolute entry": (listed(lambda sums: sums.update({"/etc/passwd": "0"})), "passwd': 'not in the folder"),
    "an entry without a file": (listed(lambda sums: sums.update({"x": "0"})), "x': 'missing"),
    "config changed": (in_json("filter_seen", True), "config.json': 'changed"),
    "bytes that would not be read": (as_text("vocabulary.parquet", "x"), "vocabulary.parquet': 'changed"),
    "a file is empty": (as_text("model.npz", ""), "model.npz': 'changed"),
}  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("case", DAMAGED)
def test_files_that_are_not_those_that_were_written(bundles, tmp_path, case):
    change, match = DAMAGED[case]
    folder = shutil.copytree(bundles / "markov", tmp_path / "bundle")
    change(folder)
    with pytest.raises(ValueError, match=match) as caught:
        load_bundle(folder)
    assert "Received: " in str(caught.value)


@pytest.mark.slow
def test_models_are_made_as_before_after_a_bundle_of_an_enormous_one(bundles, tmp_path):
    folder = shutil.copytree(bundles / "sasrec", tmp_path / "bundle")
    in_keras("config.width", 2**40)(folder)
    (folder / "checksums.json").write_text(json.dumps(atomic_dir.checksums(folder)))
    with pytest.raises(ValueError, match="of model.keras in the bundle must"):
        load_bundle(folder)
    pair = [keras.Input((4,)), keras.Input((4,))]
    assert RatingHead("mlp")(*pair).shape == (None, 1)


def test_there_are_many_of_them():
    assert len(TAMPERED) + len(DAMAGED) >= 74


def make_sasrec(**options):
    model = rm.SASRec(5, max_length=4, width=4, num_blocks=1, **options)
    model.build()
    return model


def test_models_of_every_make_are_read_again(tmp_path):
    """What the checks of sizes must not mistake for tampering."""
    compiled = make_sasrec()
    compiled.compile("adam", loss="mse")
    compiled.optimizer.build(compiled.trainable_variables)
    query = rm.Tower(3, 4, num_features=2, num_members=6, dropout=0.1)
    towers = rm.TwoTower(query, rm.Tower(5, 4, num_members=3, dropout=0.1), "mlp", normalise=True)
    towers.build()
    sizes = {"num_heads": 2, "hidden_width": 8, "temperature": 0.1, "norm_order": "pre"}
    for model in (compiled, towers, make_sasrec(**sizes), make_sasrec(dtype="mixed_bfloat16")):
        folder = save_bundle(tmp_path / "b", model, Vocabulary(ITEMS), filter_seen=True)
        for stored, weights in zip(
            load_bundle(folder).model.get_weights(), model.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(stored, weights)


def test_a_class_of_the_user_is_loaded_where_it_is_registered(tmp_path):
    @keras.saving.register_keras_serializable("hostile_bundles")
    class Mine(rm.SASRec):
        pass

    model = Mine(5, max_length=4, width=4, num_blocks=1)
    model.build()
    folder = save_bundle(tmp_path / "b", model, Vocabulary(ITEMS), filter_seen=True)
    assert type(load_bundle(folder).model) is Mine
    del keras.saving.get_custom_objects()["hostile_bundles>Mine"]
    with pytest.raises(ValueError, match="into a Mine. If that is a class of your own, import"):
        load_bundle(folder)
