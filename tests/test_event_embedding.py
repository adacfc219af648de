"""Columns of events beside the items: the layer alone, and an encoder that reads them."""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from harness import check_causal, check_layer, check_padding, to_numpy

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.evaluation.ranking import ask
from recmodels.features.checks import check_columns
from recmodels.layers.event_embedding import COMBINATIONS, EventEmbedding

V, L, D = 10, 6, 4
SIZES = {"action": {"codes": 4}, "price": {"numbers": 2}, "hour": {"codes": 26}}
RNG = np.random.default_rng(0)
COLUMNS = {
    "action": np.array([[0, 1, 3], [0, 0, 2]], np.int32),
    "price": RNG.normal(size=(2, 3, 2)).astype("float32"),
    "hour": np.array([[0, 25, 7], [0, 0, 1]], np.int32),
}
VECTORS = RNG.normal(size=(2, 3, D)).astype("float32")


def make_layer(**options):
    layer = EventEmbedding(D, SIZES, **options)
    layer.build()
    for weight in layer.trainable_weights:  # Larger than at the start, so that an error shows.
        weight.assign(RNG.normal(0, 0.5, weight.shape))
    return layer


@pytest.mark.backends
@pytest.mark.parametrize("combine", COMBINATIONS)
def test_layer(combine):
    options = {"width": D, "columns": SIZES, "combine": combine, "initial_std": 0.1}
    check_layer(EventEmbedding, options, (VECTORS, COLUMNS), (2, 3, D))


@pytest.mark.backends
def test_vectors_by_hand():
    # Rows of the table: 0 padding, 1..3 actions, 4..28 hours. sqrt(4) = 2 scales all of them.
    layer = make_layer()
    table, projection = to_numpy(layer.table), to_numpy(layer.projection)
    assert table.shape == (1 + 3 + 25, D) and projection.shape == (2, D)
    added = 2 * (table[3] + table[3 + 7] + COLUMNS["price"][0, 2] @ projection)
    found = to_numpy(layer(VECTORS, COLUMNS))
    np.testing.assert_allclose(found[0, 2], VECTORS[0, 2] + added, atol=1e-5)
    numbers = 2 * COLUMNS["price"][1, 0] @ projection
    np.testing.assert_allclose(found[1, 0], VECTORS[1, 0] + numbers, atol=1e-5)
    gate = make_layer(combine="gate")
    gate.set_weights([table, projection, *gate.get_weights()[2:]])
    kernel, bias = gate.get_weights()[2:]
    opened = 1 / (1 + np.exp(-((VECTORS[0, 2] + added) @ kernel + bias)))
    found = to_numpy(gate(VECTORS, COLUMNS))[0, 2]
    np.testing.assert_allclose(found, VECTORS[0, 2] + opened * added, atol=1e-5)
    both = make_layer(combine="concatenate")
    both.set_weights([table, projection, *both.get_weights()[2:]])
    parts = [2 * table[3], 2 * table[10], 2 * COLUMNS["price"][0, 2] @ projection]
    expected = np.concatenate([VECTORS[0, 2], *parts]) @ both.get_weights()[2]
    np.testing.assert_allclose(to_numpy(both(VECTORS, COLUMNS))[0, 2], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"combine": "mean"}, "`combine` must be one of"),
        ({"columns": {"action": 4}}, r"`columns` must be the sizes of columns by name"),
        ({"columns": {"action": {"codes": 0}}}, "`columns` must be"),
        ({"columns": {"item_ids": {"codes": 3}}}, "`columns` must be"),
        ({"columns": ("action",)}, "`columns` must be"),
    ],
)
def test_impossible_options_are_refused(options, match):
    with pytest.raises(ValueError, match=f"{match}.*Received: "):
        EventEmbedding(**{"width": D, "columns": SIZES, **options})


# An encoder with columns.

IDS = np.array([[0, 0, 3, 1, 2], [4, 10, 6, 7, 8]], np.int32)


def make_model(**options):
    model = rm.SASRec(V, max_length=L, width=D, columns=SIZES, **options)
    model.build()
    for weight in model.trainable_weights:
        weight.assign(RNG.normal(0.0, 0.5, weight.shape))
    return model


def columns_for(ids):
    """Columns that follow from places alone, so that changing an item changes no column."""
    place = np.where(ids > 0, ids.shape[1] - np.arange(ids.shape[1]), 0).astype(np.int32)
    price = np.stack([np.sin(place), np.zeros(place.shape)], -1).astype("float32")
    return {"action": place % 4, "hour": place, "price": price * (ids > 0)[..., None]}


@pytest.mark.backends
@pytest.mark.parametrize("combine", COMBINATIONS)
def test_columns_never_look_ahead_and_padding_changes_nothing(combine):
    model = make_model(combine=combine)
    check_padding(lambda ids: model({"item_ids": ids, **columns_for(ids)}), IDS, pad=1)
    check_causal(lambda ids: model({"item_ids": ids, **columns_for(ids)}), IDS[1:], V)
    own = columns_for(IDS[1:])
    check_causal(lambda hours: model({"item_ids": IDS[1:], **own, "hour": hours}), own["hour"], 26)
    before = to_numpy(model({"item_ids": IDS[1:], **own}))
    own["price"][:, 3] += 5
    after = to_numpy(model({"item_ids": IDS[1:], **own}))
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-5)
    assert np.abs(after - before)[:, 3:].max(axis=(0, 2)).min() > 1e-4
    last = to_numpy(model.last_state({"item_ids": IDS[1:], **own}))
    np.testing.assert_allclose(last, after[:, -1], atol=1e-5)


@pytest.mark.backends
def test_without_columns_it_is_the_model_that_it_was():
    keras.utils.set_random_seed(0)
    plain = rm.SASRec(V, max_length=L, width=D)
    plain.build()
    assert plain.event_embedding is None and not plain.columns
    assert {"columns", "combine"}.isdisjoint(plain.get_config())
    assert not any("event_embedding" in weight.path for weight in plain.weights)


def test_config_save_and_growth_keep_columns(tmp_path):
    model = make_model(combine="gate")
    config = model.get_config()
    assert config["columns"] == SIZES and config["combine"] == "gate"
    assert rm.SASRec.from_config(config).get_config() == config
    model.save(tmp_path / "model.keras")
    queries = {"item_ids": IDS, **columns_for(IDS)}
    scores = model.score(queries)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.score(queries), scores, atol=1e-6)
    larger = rm.grow(model, 3)
    np.testing.assert_allclose(larger.score(queries)[:, : V + 1], scores, atol=1e-6)


def test_columns_that_do_not_fit_are_refused_with_their_name():
    model, queries = make_model(), {"item_ids": IDS, **columns_for(IDS)}
    with pytest.raises(ValueError, match=r"Column `hour` must hold codes in 0..25.*Received: hour"):
        model.score({**queries, "hour": queries["hour"] + 22})
    with pytest.raises(ValueError, match=r"Column `price` must hold 2 finite numbers"):
        model.score({**queries, "price": queries["price"] * np.nan})
    with pytest.raises(ValueError, match=r"`queries` must be a dict with .*'action'"):
        model.score({"item_ids": IDS})
    with pytest.raises(ValueError, match="Column `a` must hold codes"):
        check_columns({"a": np.zeros((2, 3))}, {"a": {"codes": 4}})


# From a log to a bundle.


def make_log(users=40, length=7, seed=0):
    """What follows is item 0 after a purchase and item 1 after a view; the item tells nothing."""
    rng = np.random.default_rng(seed)
    buys = rng.random((users, length)) < 0.5
    items = rng.integers(2, 8, (users, length))
    items[:, 1:] = np.where(buys[:, :-1], 0, 1)
    frame = pd.DataFrame(
        {
            "user": np.repeat([f"u{u}" for u in range(users)], length),
            "item": [f"i{i}" for i in items.ravel()],
            "timestamp": 1_700_000_000 + np.cumsum(rng.integers(1, 9_000, users * length)),
            "action": np.where(buys, "buy", "view").ravel(),
            "duration": np.where(
                rng.random(buys.size) < 0.3, np.nan, rng.exponential(30, buys.size)
            ),
        }
    )
    people = pd.DataFrame({"age": rng.integers(18, 70, users)}, [f"u{u}" for u in range(users)])
    things = pd.DataFrame({"price": np.arange(8) + 0.5}, [f"i{i}" for i in range(8)])
    return Interactions(frame, "timed", "toy", items=things, users=people)


SCHEMA = rm.Schema(
    {
        "action": rm.Category(),
        "gap": rm.Gap(),
        "hour": rm.Clock("hour"),
        "dwell": rm.Number("log1p", buckets=4, source="duration"),
        "price": rm.Number(of="items"),
        "age": rm.Number(buckets=3, of="users"),
        "asked_action": rm.Category(of="asked"),
    }
)


@pytest.fixture(scope="module")
def trained():
    log = make_log()
    data = rm.prepare(rm.leave_one_out(log), ("timestamp",), SCHEMA, rm.Protocol(filter_seen=False))
    model = rm.SASRec(
        data.num_items, 8, 8, num_blocks=1, dropout=0.1, columns=data.schema.input_sizes()
    )
    rm.fit(model, data, epochs=12, batch_size=2, learning_rate=0.02, verbose=False)
    return log, data, model


def test_sizes_of_a_schema(trained):
    _, data, _ = trained
    assert data.schema.input_sizes() == {
        "action": {"codes": 5}, "gap": {"codes": 28}, "hour": {"codes": 26},
        "dwell": {"codes": 6}, "price": {"numbers": 2}, "age": {"codes": 5},
        "asked_action": {"codes": 5},
    }  # fmt: skip
    assert data.schema.input_sizes("gap") == {"gap": {"codes": 28}}
    with pytest.raises(ValueError, match="needs a fitted schema"):
        SCHEMA.input_sizes("action")
    with pytest.raises(ValueError, match="`name` must be a column of the schema"):
        data.schema.input_sizes("sold")


def test_missing_dwell_is_a_code_of_its_own(trained):
    log, data, _ = trained
    codes = data.train.columns["dwell"]
    rows = log.select(log.events.groupby("user").cumcount(ascending=False).to_numpy() > 1)
    gone = rows.events["duration"].isna().to_numpy()
    assert 0 < gone.sum() and (codes[gone] == 5).all() and codes[~gone].max() == 4
    # Zero seconds is the shortest dwell, not a missing one.
    frame = pd.DataFrame({"user": ["a"], "duration": [0.0]})
    assert rm.Schema({"dwell": data.schema["dwell"]}).encode(frame)["dwell"].tolist() == [1]


def test_it_learns_from_columns_if_items_tell_nothing(trained):
    _, data, model = trained
    assert rm.evaluate(model, data.test, ks=(1,)).metrics["hr@1"] > 0.9


@pytest.mark.slow
def test_bundle_answers_as_before_and_export_equals_it(trained, tmp_path):
    import tensorflow as tf

    from recmodels.recommend.export import export_lite, export_saved_model

    log, data, model = trained
    recommender = rm.Recommender(model, data)
    history = {
        "item": ["i3", "i0"], "action": ["buy", "buy"], "timestamp": [10, 70],
        "duration": [3.0, None], "user": {"age": 30},
    }  # fmt: skip
    (answer,) = recommender.recommend_many([history], k=3, asked={"action": "view"})
    assert answer.items[0] == "i0" and answer.notes == ()
    again = rm.Recommender.load(recommender.save(tmp_path / "bundle"))
    assert again.recommend(history, k=3, asked={"action": "view"}).items == answer.items
    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    found = served.signatures["serving_default"](
        histories=tf.constant([history["item"]]), k=tf.constant(3),
        exclude=tf.constant([], tf.string), only=tf.constant([], tf.string),
        action=tf.constant([["buy", "buy"]]),
        timestamp=tf.constant([[10.0, 70.0]], tf.float64),
        duration=tf.constant([[3.0, np.nan]], tf.float64),
        user_age=tf.constant([30.0], tf.float64), asked_action=tf.constant(["view"]),
    )  # fmt: skip
    assert [item.decode() for item in found["items"].numpy()[0]] == answer.items
    with warnings.catch_warnings(action="ignore"):  # TensorFlow moves the interpreter elsewhere.
        lite = tf.lite.Interpreter(str(export_lite(recommender, tmp_path / "encoder.tflite")))
    assert len(lite.get_input_details()) == 1 + len(model.columns)
    model.export(tmp_path / "encoder", verbose=False)
    encoder = tf.saved_model.load(str(tmp_path / "encoder"))
    states = encoder.serve({name: tf.constant(v) for name, v in ask_one(model, data).items()})
    np.testing.assert_allclose(states[:, -1], model.query_vectors(ask_one(model, data)), atol=1e-5)


def ask_one(model, data):
    asked = ask(model, data.test, np.arange(1))
    return {name: asked[name] for name in ("item_ids", *model.columns)}


def test_settings_are_chosen_as_without_columns(trained, eagerly):
    _, data, _ = trained
    sizes = data.schema.input_sizes("action", "gap")
    model = rm.SASRec(columns=sizes, combine="concatenate")
    rm.fit(model, data, epochs=1, verbose=False)
    assert model.recipe is not None and model.columns == ("action", "gap")
    assert model.event_embedding.combine == "concatenate"


def test_data_with_another_schema_are_refused(trained):
    log, _, model = trained
    actions = log.events["action"].where(log.events.index % 3 > 0, "cart")
    other = Interactions(
        log.events.assign(action=actions), "timed", items=log.items, users=log.users
    )
    data = rm.prepare(rm.leave_one_out(other), schema=SCHEMA)
    with pytest.raises(ValueError, match=r"Column `(asked_)?action` must hold codes in 0..4"):
        rm.evaluate(model, data.test)
    with pytest.raises(ValueError, match=r"Column `(asked_)?action` must hold codes in 0..4"):
        rm.fit(model, data, epochs=1, verbose=False)
    with pytest.raises(
        ValueError, match="`schema` must be the one that the model was trained with"
    ):
        rm.Recommender(model, data)
