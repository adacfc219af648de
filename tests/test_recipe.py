"""The default recipe follows from the training data and leaves what the user chose alone."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.run import split_log
from recmodels.models.recipe import recipe_for


def make_data(users, length, items, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user": np.repeat(np.arange(users), length),
            "item": rng.integers(0, items, users * length),
            "timestamp": np.arange(users * length),
        }
    )
    return rm.prepare(rm.leave_one_out(Interactions(frame, "timed")))


def test_length_and_depth_follow_the_histories():
    short, long = recipe_for(make_data(50, 8, 20)), recipe_for(make_data(20, 120, 20))
    assert short.model["max_length"] == 10 and long.model["max_length"] == 118
    assert short.model["num_blocks"] == 1 and long.model["num_blocks"] == 2


def test_sparse_items_get_more_dropout():
    sparse, dense = recipe_for(make_data(50, 8, 200)), recipe_for(make_data(50, 8, 4))
    assert sparse.model["dropout"] > dense.model["dropout"]
    assert any("dropout 0.25: items have" in reason for reason in sparse.reasons)


def test_items_with_many_events_get_less_dropout_and_a_second_block():
    usual, dense = recipe_for(make_data(400, 8, 20)), recipe_for(make_data(4000, 8, 20))
    assert (usual.model["dropout"], usual.model["num_blocks"]) == (0.2, 1)
    assert (dense.model["dropout"], dense.model["num_blocks"]) == (0.1, 2)
    assert dense.training["learning_rate"] == usual.training["learning_rate"]


def test_the_tuned_settings_of_ml_1m_follow_from_the_recipe(real_log):
    """So the recipe has the stored scores of `ml-1m-sasrec-softmax`."""
    tuned = EXPERIMENTS["ml-1m-sasrec-softmax"]
    recipe = recipe_for(rm.prepare(split_log(real_log(tuned.dataset), tuned.protocol)))
    fit = {name: value for name, value in tuned.fit.items() if name != "loss"}
    assert recipe.model == tuned.options and tuned.fit["loss"] == "full_softmax"
    assert {name: recipe.training[name] for name in fit} == fit


def test_small_logs_get_small_batches_and_more_epochs():
    tiny, small, large = (recipe_for(make_data(n, 8, 20)) for n in (10, 400, 20_000))
    sizes = [r.training["batch_size"] for r in (tiny, small, large)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
    assert tiny.training["epochs"] > small.training["epochs"] >= large.training["epochs"]
    assert all(r.training["warmup"] * 20 <= 400 * 20 for r in (tiny, small, large))


def test_events_outside_training_change_no_setting():
    data = make_data(50, 8, 20)
    longer = replace(data, test=make_data(50, 80, 20).test, validation=None)
    assert recipe_for(data) == recipe_for(longer)


@pytest.mark.slow
def test_a_model_without_settings_gets_them_in_fit(capsys):
    data = make_data(40, 8, 12)
    for model in (rm.SASRec(), rm.SASRec(data.num_items)):
        curve = rm.fit(model, data, epochs=1, verbose=False)
        recipe = recipe_for(data)
        assert recipe.reasons[0] in capsys.readouterr().err
        assert {k: model.get_config()[k] for k in recipe.model} == recipe.model
        assert model.num_items == data.num_items and len(curve.rows) == 1


@pytest.mark.slow
def test_what_the_user_chose_stays(capsys):
    data = make_data(40, 8, 12)
    model = rm.SASRec(data.num_items, max_length=5)
    rm.fit(model, data, epochs=1, verbose=False)
    config = model.get_config()
    assert (config["max_length"], config["num_blocks"], config["dropout"]) == (5, 2, 0.2)
    assert model.recipe is None and "Settings" not in capsys.readouterr().err


def test_a_model_that_is_built_first_uses_the_defaults_of_its_constructor():
    model = rm.SASRec(9)
    assert model.score({"item_ids": np.array([[1, 2]])}).shape == (1, 10)
    assert model.get_config()["max_length"] == 50
    with pytest.raises(ValueError, match="`num_items` must be given"):
        rm.SASRec().build()


@pytest.mark.slow
def test_an_adapted_model_is_saved_with_its_settings(tmp_path):
    data = make_data(40, 8, 12)
    model = rm.SASRec()
    rm.fit(model, data, epochs=1, verbose=False)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    queries = {"item_ids": np.array([[0, 1, 2]], np.int32)}
    np.testing.assert_array_equal(again.score(queries), model.score(queries))
    open_settings = rm.SASRec.from_config(rm.SASRec(9).get_config())
    open_settings.choose_settings(data)
    assert open_settings.recipe is not None
