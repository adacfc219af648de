"""Recommenders that keep the encoder of their texts: new items need only their titles."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from test_item_content import SETTINGS
from tiny_bert import random_tensors, write_folder

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare
from recmodels.models.sasrec import SASRec
from recmodels.recommend.bundle import load_bundle
from recmodels.recommend.recommender import Recommender
from recmodels.text.cleaning import item_texts
from recmodels.text.encoder import TextEncoder

TITLES = ["green tea", "tea cup", "red lamp", "a lamp", "tea pot", "desk lamp"]
ITEMS = pd.DataFrame(
    {"title": TITLES, "category": ["Tea", "Tea", "Light", "Light", "Tea", "Light"]},
    index=[f"i{n}" for n in range(6)],
)
NEW = pd.DataFrame(
    {"title": ["red tea pot", None, "GREEN  tea"], "category": ["Tea", None, "Tea"]},
    index=["black", "blank", "again"],
)
HISTORY = ["i0", "i1"]


def make_recommender(encoder, **options):
    encoder.fit(item_texts(ITEMS))
    items = ITEMS.assign(text=list(encoder.encode_items(ITEMS)))
    rng = np.random.default_rng(0)
    events = pd.DataFrame({"user": np.repeat(range(9), 5), "item": rng.choice(ITEMS.index, 45)})
    log = Interactions(events, "ordered", items=items)
    data = prepare(leave_one_out(log), schema=Schema({"text": Vector(of="items")}))
    model = SASRec(data.num_items, **SETTINGS, item_columns=data.schema.input_sizes("text"))
    model.build()
    model.adapt_items(data.item_columns)
    return Recommender(model, data, **{"texts": {"text": encoder}, **options})


@pytest.fixture(scope="module")
def small():
    return make_recommender(TextEncoder("tfidf", size=4))


def test_new_items_are_the_same_before_saving_and_after_loading(small, tmp_path):
    larger = small.add_items(NEW)
    loaded = Recommender.load(small.save(tmp_path / "bundle"))
    again = loaded.add_items(NEW)
    np.testing.assert_array_equal(
        loaded.texts["text"].encode_items(NEW), small.texts["text"].encode_items(NEW)
    )
    before, after = (one.recommend(HISTORY, 99) for one in (larger, again))
    assert set(after.items) == {*ITEMS.index, *NEW.index} - {"i0", "i1"}
    assert after.items == before.items
    np.testing.assert_allclose(after.scores, before.scores, atol=1e-6)
    # The title of "again" is that of i0, whatever its case; nothing is known of "blank".
    table = again.items["text"]
    np.testing.assert_allclose(table["again"], table["i0"], atol=1e-5)
    assert np.isnan(table["blank"]).all()
    assert "text" in again.add_items(pd.DataFrame({"title": ["tea"]}, index=["more"])).texts


def test_vectors_that_a_table_has_are_kept(small):
    new = NEW.assign(text=[[1.0, 2.0, 3.0, 4.0]] * 3)
    assert small.add_items(new).items["text"]["black"] == [1.0, 2.0, 3.0, 4.0]


def test_a_table_without_the_columns_of_the_encoder_is_refused(small):
    with pytest.raises(ValueError, match=r"\['title', 'category'\], or `text`.*columns=\['name'\]"):
        small.add_items(pd.DataFrame({"name": ["red tea pot"]}, index=["black"]))
    assert np.isnan(small.add_items(["black"]).items["text"]["black"]).all()


def test_another_encoder_is_refused(small):
    other = TextEncoder("tfidf", size=4).fit([*item_texts(ITEMS), "red cup", "desk pot"])
    wrong = Recommender(
        small.scorer,
        small.vocabulary,
        items=small.items,
        schema=small.schema,
        texts={"text": other},
    )
    with pytest.raises(ValueError, match="encoder of the column `text`: it gives other vectors"):
        wrong.add_items(NEW)


@pytest.mark.parametrize(
    "texts, message",
    [
        ({"title": TextEncoder("tfidf", size=4)}, "names of `Vector` columns.*name='title'"),
        ({"text": TextEncoder("tfidf", size=4)}, "fitted `TextEncoder` with vectors of width 4"),
        ({"text": TextEncoder("tfidf", size=2).fit(TITLES)}, "vectors of width 4"),
        ({"text": "tfidf"}, "fitted `TextEncoder`"),
        ({"text": TextEncoder("tfidf", size=2).fit(TITLES)}, "encoder=<TextEncoder 'tfidf' of wid"),
        (TextEncoder("tfidf", size=4), "`texts` must be a dict of encoders.*Received: texts=<Text"),
        (None, "`texts` must be a dict of encoders.*Received: texts=None"),
    ],
)
def test_what_is_no_encoder_of_the_column_is_refused(small, texts, message):
    parts = {"items": small.items, "schema": small.schema, "texts": texts}
    with pytest.raises(ValueError, match=message):
        Recommender(small.scorer, small.vocabulary, **parts)


def test_encoders_need_the_item_table(small):
    with pytest.raises(ValueError, match="`items` must have the column `text`"):
        Recommender(small.scorer, small.vocabulary, schema=small.schema, texts=small.texts)


def tampered(folder, change):
    """Change the settings or the arrays of the encoders, with a checksum that fits."""
    from recmodels.data.atomic_dir import SUMS, checksums

    path = folder / "text_encoders.json"
    recipes = json.loads(path.read_text("utf-8"))
    with np.load(folder / "text_encoders.npz") as stored:
        arrays = dict(stored)
    change(recipes["encoders"][0], arrays)
    path.write_text(json.dumps(recipes), "utf-8")
    np.savez(folder / "text_encoders.npz", **arrays)
    (folder / SUMS).unlink()
    (folder / SUMS).write_text(json.dumps(checksums(folder)), "utf-8")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda recipe, arrays: recipe.pop("size"), "`encoders.size` of text_encoders.json"),
        (lambda recipe, arrays: recipe["words"].append("x"), "`idf` of text_encoders.npz.*shape"),
        (lambda recipe, arrays: recipe.update(words=[1]), "`words` .* be a list of texts"),
        (lambda recipe, arrays: arrays["0.mean"].fill(np.nan), "`mean` .* finite"),
        (lambda recipe, arrays: arrays.pop("0.idf"), "`content` of text_encoders.npz"),
        (lambda recipe, arrays: recipe.update(source="/etc"), "`identity` .* be there"),
        (
            lambda recipe, arrays: arrays.update({"0.idf": np.array([{}], object)}),
            "`content` of text_encoders.npz.*allow_pickle",
        ),
    ],
)
def test_what_was_tampered_with_is_refused(small, tmp_path, change, message):
    folder = small.save(tmp_path / "bundle")
    tampered(folder, change)
    with pytest.raises(ValueError, match=message):
        load_bundle(folder)


def test_a_missing_package_is_named(small, tmp_path, monkeypatch):
    folder = small.save(tmp_path / "bundle")
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(ImportError, match=r"pip install \"recmodels\[text\]\""):
        Recommender.load(folder)


@pytest.mark.filterwarnings("ignore:.*of the tokens are unknown")
def test_a_language_model_is_found_again_or_missed(tmp_path):
    why = "needs `pip install 'recmodels[bert]'`"
    for module in ("tokenizers", "safetensors"):
        pytest.importorskip(module, reason=why)
    source = write_folder(tmp_path / "tiny")
    recommender = make_recommender(TextEncoder(source, size=3))
    before = recommender.texts["text"].encode_items(NEW)
    folder = recommender.save(tmp_path / "bundle")
    after = Recommender.load(folder).texts["text"].encode_items(NEW)
    np.testing.assert_allclose(after, before, atol=1e-6)
    write_folder(source, random_tensors(seed=1))
    with pytest.raises(ValueError, match="`source` must hold the files that the encoder had"):
        Recommender.load(folder)
    source.rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="`source` must be .* a folder"):
        Recommender.load(folder)
