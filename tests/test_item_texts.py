"""Sequence encoders that train the last blocks of the text encoder of their items."""

from contextlib import nullcontext
from functools import cache

import keras
import numpy as np
import pandas as pd
import pytest
from harness import eager_training, to_numpy
from tiny_bert import LetterEncoder

from recmodels.api import fit
from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare
from recmodels.models.growth import grow
from recmodels.models.item_texts import tune_item_texts
from recmodels.models.popularity import MostPopular
from recmodels.models.recurrent import GRU4Rec
from recmodels.models.sasrec import SASRec
from recmodels.recommend.recommender import Recommender
from recmodels.tasks.build_events import _set_rates
from recmodels.training.checkpoints import OtherRun

pytestmark = pytest.mark.backends
TITLES = ["tea", "cup", "pot", "teacup", "teapot", "milk", None, "cream"]
SETTINGS = {"max_length": 4, "width": 8, "num_blocks": 1, "dropout": 0.0}
QUERY = {"item_ids": np.array([[0, 1, 2, 3], [1, 4, 5, 8]])}


@cache
def prepared():
    """Each user goes through the items in order, from another one on; with the encoder."""
    encoder = LetterEncoder(True, [title for title in TITLES if title])
    rows = [(user, (user + step) % 8) for user in range(16) for step in range(5)]
    items = pd.DataFrame({"text": list(encoder.encode(TITLES))})
    log = Interactions(pd.DataFrame(rows, columns=["user", "item"]), "ordered", items=items)
    data = prepare(leave_one_out(log), schema=Schema({"text": Vector(of="items")}))
    return data, encoder, [TITLES[item] for item in data.vocabulary.raw_ids]


def made(how, kind=SASRec, **options):
    data, encoder, texts = prepared()
    sizes = data.schema.input_sizes("text")
    keras.utils.set_random_seed(0)
    model = kind(data.num_items, **SETTINGS, item_columns=sizes, id_vectors=False)
    return tune_item_texts(model, "text", encoder, texts, how, **options)


def trained(model, **options):
    options = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "seed": 1, **options}
    fit(model, prepared()[0], verbose=False, **options)
    return model


@pytest.fixture(scope="module")
def tuned():
    with eager_training():
        return trained(made("lora", rank=2))


@pytest.mark.parametrize("how, count", [("frozen", 0), ("partial", 32), ("lora", 8)])
def test_training_changes_the_chosen_weights_alone(how, count, eagerly):
    model = made(how, num_blocks=2, rank=2)
    blocks = model.item_embedding.texts
    chosen = {weight.path for weight in blocks.trainable_weights}
    assert len(chosen) == count
    before = {weight.path: to_numpy(weight) for weight in blocks.weights}
    trained(model, epochs=1, batch_size=2)  # More than one step: in the first, A has no gradient.
    moved = {w.path for w in blocks.weights if (to_numpy(w) != before[w.path]).any()}
    # The bias of keys changes no softmax, so its gradient is 0 or a rounding error.
    assert {path for path in chosen if "project_keys/bias" not in path} <= moved <= chosen


@pytest.mark.parametrize("how", ["frozen", "lora"])
def test_scores_begin_as_those_of_the_model_with_fixed_vectors(how):
    data, encoder, texts = prepared()
    sizes = data.schema.input_sizes("text")
    fixed = SASRec(data.num_items, **SETTINGS, item_columns=sizes)  # With id vectors.
    fixed.adapt_items(data.item_columns, data.train.item_counts(data.num_items))
    model = tune_item_texts(fixed, "text", encoder, texts, how)
    np.testing.assert_array_equal(model.score(QUERY), fixed.score(QUERY))
    model.adapt_items(data.item_columns)
    np.testing.assert_allclose(model.score(QUERY), fixed.score(QUERY), atol=1e-5)


@pytest.mark.parametrize("interrupted", [False, True])
def test_item_vectors_are_those_of_the_trained_blocks(interrupted, eagerly):
    model = made("partial")
    before = model.item_embedding.texts.blocks[0].get_weights()
    if interrupted:  # Before anything was validated.
        with pytest.raises(KeyboardInterrupt):
            trained(model, epochs=1, measure=interrupt)
    else:
        trained(model, epochs=1, average=0.5)
    after = model.item_embedding.texts.blocks[0].get_weights()
    assert max(np.abs(new - old).max() for new, old in zip(after, before, strict=True)) > 1e-3
    stored = to_numpy(model.item_embedding.content)
    model.item_embedding.refresh()
    np.testing.assert_allclose(stored, to_numpy(model.item_embedding.content), atol=1e-5)


def interrupt():
    raise KeyboardInterrupt


def test_compiled_training_equals_eager_training():
    scores = []
    for context in (eager_training, nullcontext):
        with context():
            scores.append(trained(made("lora"), epochs=1).score(QUERY))
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_a_saved_model_has_the_tuned_weights_and_can_be_tuned_again(tuned, tmp_path, eagerly):
    tuned.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.score(QUERY), tuned.score(QUERY), atol=1e-5)
    embedding = loaded.item_embedding
    assert not embedding.texts.trainable_weights
    embedding.refresh()
    np.testing.assert_allclose(loaded.score(QUERY), tuned.score(QUERY), atol=1e-5)
    embedding.texts.tune("lora", rank=2)
    change = embedding.texts.trainable_weights[1]  # B.
    trained(loaded, epochs=1)
    assert to_numpy(change).any()


def test_a_bundle_has_the_tuned_weights(tuned, tmp_path):
    recommender = Recommender(tuned, prepared()[0])
    lists = recommender.recommend([0, 1], 5)
    recommender.save(tmp_path / "bundle")
    again = Recommender.load(tmp_path / "bundle").recommend([0, 1], 5)
    assert again.items == lists.items
    np.testing.assert_allclose(again.scores, lists.scores, atol=1e-6)


def test_a_checkpoint_of_another_tuning_is_refused(tmp_path, eagerly):
    path = tmp_path / "checkpoint.npz"
    trained(made("partial"), epochs=1, checkpoint=path)
    with pytest.raises(OtherRun, match="other texts"):
        trained(made("partial", rate=0.5), epochs=1, checkpoint=path)


def test_other_families_train_their_texts_too(eagerly):
    model = made("lora", GRU4Rec)
    trained(model, epochs=1)
    assert to_numpy(model.item_embedding.texts.trainable_weights[1]).any()  # B was 0.


def test_requests_that_do_not_fit_are_refused():
    data, encoder, texts = prepared()
    sizes = data.schema.input_sizes("text")
    model = SASRec(data.num_items, **SETTINGS, item_columns=sizes)
    with pytest.raises(ValueError, match="`model` must read `column`.*column='title'"):
        tune_item_texts(model, "title", encoder, texts)
    for column in (None, ["text"]):
        with pytest.raises(ValueError, match="`model` must read `column`"):
            tune_item_texts(model, column, encoder, texts)
    for other in (None, MostPopular()):
        with pytest.raises(ValueError, match="`model` must read `column`"):
            tune_item_texts(other, "text", encoder, texts)
        with pytest.raises(ValueError, match="`encoder` must be a fitted `TextEncoder`"):
            tune_item_texts(model, "text", other, texts)
    for wrong in (texts[1:], 8, None, "teacupab", iter(texts)):
        with pytest.raises(ValueError, match="one text per item, 8. Received: texts="):
            tune_item_texts(model, "text", encoder, wrong)
    for options in ({"how": "full"}, {"how": None}, {"rate": "1"}, {"rate": None}, {"rank": "4"}):
        (name,) = options
        with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
            tune_item_texts(model, "text", encoder, texts, **options)
    with pytest.raises(ValueError, match="must be those of the column.*width=8, numbers=4"):
        tune_item_texts(model, "text", LetterEncoder(), texts)
    with pytest.raises(ValueError, match="made without `tune_item_texts`.*num_new=1"):
        grow(made("frozen"), 1)
    with pytest.raises(ValueError, match="`model` must be without blocks"):
        tune_item_texts(made("frozen"), "text", encoder, texts)


def test_texts_in_another_order_than_the_items_are_refused_for_a_trained_model(eagerly):
    data, encoder, texts = prepared()
    sizes = data.schema.input_sizes("text")
    model = trained(SASRec(data.num_items, **SETTINGS, item_columns=sizes), epochs=1)
    same = tune_item_texts(model, "text", encoder, texts, "frozen")
    np.testing.assert_allclose(same.score(QUERY), model.score(QUERY), atol=1e-5)
    with pytest.raises(ValueError, match="order `texts` by item id.*largest_difference="):
        tune_item_texts(model, "text", encoder, texts[::-1])


def test_the_rate_of_an_encoder_does_not_replace_that_of_its_texts():
    model = made("partial", rate=0.01)
    _set_rates(model, 0.5)
    rates = {weight.rate_factor for weight in model.item_embedding.texts.trainable_weights}
    assert rates == {0.01} and model.item_embedding.projection.rate_factor == 0.5
