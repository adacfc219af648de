"""Families of different inputs and tasks from raw ids to lists: served, saved, exported, grown."""

import numpy as np
import pandas as pd
import pytest
from harness import eager_training

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.features.histories import build_histories
from recmodels.layers.fast import fast_layers
from recmodels.models.families import FAMILIES
from recmodels.recommend.export import export_saved_model

NAMES = ("hstu-times", "bert4rec")  # One that reads times, one that answers at a mask.


@pytest.fixture(autouse=True)
def plain_layers():
    """Those compile faster, which is most of the time here; test_export has the fast ones."""
    with fast_layers(False):
        yield


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": np.repeat(np.arange(20), 8), "item": rng.integers(0, 9, 160)})
    frame["timestamp"] = 1_600_000_000 + rng.integers(1, 5_000, 160).cumsum()
    frame["action"] = rng.choice(["view", "buy"], 160)
    return Interactions(frame, "timed", "toy")


@pytest.fixture(scope="module")
def data(log):
    schema = rm.Schema({"action": rm.Category()})
    return rm.prepare(rm.leave_one_out(log), columns=("timestamp",), schema=schema)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_served_saved_and_exported_lists_are_equal(log, data, name, tmp_path):
    import tensorflow as tf

    columns = data.schema.input_sizes("action")
    model = FAMILIES[name].build(data.num_items, max_length=5, width=8, columns=columns)
    with eager_training():  # The export below needs graphs.
        curve = rm.fit(model, data, epochs=1, learning_rate=0.01, verbose=False)
    assert np.isfinite(curve.rows[0]["loss"])
    histories = build_histories(
        log, data.vocabulary, data.train.users, ("timestamp",), schema=data.schema
    )
    recommender = rm.Recommender(model, data, histories=histories, filter_seen=False)
    loaded = rm.Recommender.load(recommender.save(tmp_path / "bundle"))
    events = log.events[log.events["user"] == 3]
    history = events[["item", "action", "timestamp"]].to_dict("list")
    expected = recommender.recommend(history, k=4)
    # A known user and the same history given anew: the same numbers on both ways.
    assert recommender.recommend(user=3, k=4).items == expected.items
    assert loaded.recommend(history, k=4).items == expected.items
    assert loaded.recommend(user=3, k=4).items == expected.items
    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    none = tf.constant([], tf.int64)
    columns = [tf.constant([history["action"]])]
    if "timestamp" in model.columns:
        columns.append(tf.constant([history["timestamp"]], tf.float64))
    found = served.recommend(tf.constant([history["item"]], tf.int64), 4, none, none, *columns)
    assert found["items"].numpy()[0].tolist() == expected.items
    larger = rm.grow(model, 2)
    assert larger.num_items == model.num_items + 2


def test_lists_that_need_times_are_refused_without_them(data):
    model = FAMILIES["hstu-times"].build(data.num_items, max_length=5, width=8)
    recommender = rm.Recommender(model, data)
    for history in ([1, 2], {"item": [1, 2], "timestamp": [1_600_000_000, None]}):
        with pytest.raises(ValueError, match="`timestamp`"):
            recommender.recommend(history)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["lrurec", "bert4rec"])
def test_the_next_event_needs_a_causal_encoder(data, name):
    columns = data.schema.input_sizes("action")
    encoder = FAMILIES[name].build(data.num_items, max_length=5, width=8, columns=columns)
    model = rm.NextEvent(encoder, data.schema["action"].values)
    if encoder.causal:
        curve = rm.fit(model, data, epochs=1, verbose=False)
        assert np.isfinite(curve.rows[0]["loss"])
    else:
        with pytest.raises(ValueError, match="`windows` must be 'prefixes'"):
            rm.fit(model, data, epochs=1, verbose=False)


def test_times_that_the_log_lacks_are_named(log):
    data = rm.prepare(rm.leave_one_out(log))
    model = FAMILIES["hstu-times"].build(data.num_items, max_length=5, width=8)
    with pytest.raises(ValueError, match="reads the column `timestamp`, which the histories lack"):
        rm.fit(model, data, epochs=1, verbose=False)
