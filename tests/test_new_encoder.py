"""A new encoder with further columns works everywhere without a change anywhere else."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.evaluation.ranking import ask
from recmodels.features.histories import build_histories
from recmodels.features.windows import build_windows
from recmodels.layers.embedding import ItemEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.recommend.bundle import load_bundle
from recmodels.recommend.export import export_saved_model
from recmodels.recommend.export_columns import MISSING, column_encoders, column_specs
from recmodels.recommend.requests import RequestReader

WIDTH, LENGTH = 8, 5


@keras.saving.register_keras_serializable("tests")
class LastFive(SequenceEncoder):
    """The vector of the last event beside the mean of the last five: item, action and gaps."""

    columns = ("action", "gap", "item_gap")

    def __init__(self, num_items, sizes, **kwargs):
        super().__init__(**kwargs)
        self.num_items, self.sizes, self.max_length = num_items, sizes, LENGTH
        self.item_embedding = ItemEmbedding(num_items, WIDTH, name="items")
        self.tables = [keras.layers.Embedding(size, WIDTH) for size in sizes]

    def build(self, input_shape=None):
        self.item_embedding.build()
        for table in self.tables:
            table.build()

    def call(self, inputs, training=None):
        real = ops.cast(inputs["item_ids"] > 0, "float32")[..., None]  # (B, T, 1)
        x = self.item_embedding(inputs["item_ids"])
        for name, table in zip(self.columns, self.tables, strict=True):
            x = x + table(inputs[name])
        total = ops.cumsum(x * real, axis=1)
        earlier = ops.pad(total, [[0, 0], [LENGTH, 0], [0, 0]])[:, : ops.shape(x)[1]]
        return x * real + (total - earlier) / LENGTH

    def get_config(self):
        return {**super().get_config(), "num_items": self.num_items, "sizes": self.sizes}


ACTIONS = ("view", "buy")


def make_log(users=60, items=8, length=9, seed=0):
    """After a purchase comes item 0 or 1, after a view item 4 or 5, whatever the item was."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        item, time = int(rng.integers(items)), 1_600_000_000 + user
        for _ in range(length):
            action = int(rng.integers(2))
            rows.append((f"u{user:03}", f"i{item}", time, ACTIONS[action]))
            item = int(rng.integers(2)) + 4 * (1 - action)
            time += int(rng.integers(1, 10_000))
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp", "action"])
    return Interactions(frame, "timed", "toy")


SCHEMA = rm.Schema({"action": rm.Category(), "gap": rm.Gap(), "item_gap": rm.Gap(by="item")})


@pytest.fixture(scope="module")
def trained():
    log = make_log()
    data = rm.prepare(
        rm.leave_one_out(log),
        columns=("timestamp",),
        schema=SCHEMA,
        protocol=rm.Protocol(filter_seen=False),
    )
    sizes = [data.schema[name].num_codes for name in LastFive.columns]
    model = LastFive(data.num_items, sizes)
    rm.fit(model, data, epochs=30, learning_rate=0.03, patience=None, verbose=False)
    return log, data, model


@pytest.mark.slow
def test_it_learns_from_the_action_alone(trained):
    _, data, model = trained
    # The action leaves two of four items, a list without it half of the hits.
    assert rm.evaluate(model, data.test, ks=(2,)).metrics["hr@2"] > 0.8


def test_a_thousand_requests_give_a_model_what_training_gives(trained):
    _, data, model = trained
    log, rng = make_log(users=1_000, length=12, seed=1), np.random.default_rng(0)
    place = log.events.groupby("user").cumcount()
    log = log.select((place < np.repeat(rng.integers(1, 13, 1_000), 12)).to_numpy())
    everyone = build_histories(log, data.vocabulary, columns=("timestamp",), schema=data.schema)
    begin, end = everyone.offsets[:-1], everyone.offsets[1:]
    trained_on = build_windows(everyone, begin, end, LENGTH, model.columns)
    scorer = rm.MostPopular().fit(everyone, data.num_items)
    reader = RequestReader(data.vocabulary, data.schema, None, everyone, scorer)
    columns = ["item", "action", "timestamp"]
    raw = [part[columns].to_dict("list") for _, part in log.events.groupby("user")]
    last = log.events.groupby("user")["timestamp"].max()
    for requests in (reader.read_users(everyone.users), reader.read_histories(raw)):
        asked = ask(model, requests, np.arange(1_000))
        for name, values in trained_on.items():
            np.testing.assert_array_equal(asked[name], values, err_msg=name)
        np.testing.assert_array_equal(asked["at"], last)


def test_a_query_of_the_evaluation_is_the_history_without_the_last_event(trained):
    log, data, model = trained
    everyone = build_histories(log, data.vocabulary, columns=("timestamp",), schema=data.schema)
    rows = np.arange(len(data.test))
    asked = ask(model, data.test, rows)
    places = everyone.offsets[pd.Index(everyone.users).get_indexer(data.test.histories.users)]
    ends = places + data.test.histories.lengths
    for name, values in build_windows(everyone, places, ends, LENGTH, model.columns).items():
        np.testing.assert_array_equal(asked[name], values, err_msg=name)


def test_it_answers_saves_and_loads(trained, tmp_path):
    log, data, model = trained
    histories = build_histories(log, data.vocabulary, data.train.users, schema=data.schema)
    recommender = rm.Recommender(model, data, histories=histories)
    history = {"item": ["i0", "i4"], "action": ["view", "buy"], "timestamp": [10, 70]}
    answer = recommender.recommend(history, k=3)
    folder = recommender.save(tmp_path / "bundle")
    again = rm.Recommender.load(folder)
    assert again.recommend(history, k=3).items == answer.items and answer.notes == ()
    assert again.recommend(user="u003").items == recommender.recommend(user="u003").items
    bundle = load_bundle(folder)
    assert bundle.schema.to_config() == data.schema.to_config() and not bundle.filter_seen
    for name in model.columns:
        np.testing.assert_array_equal(bundle.histories.columns[name], histories.columns[name])


def test_what_a_history_leaves_out_is_missing_and_said(trained):
    _, data, model = trained
    recommender = rm.Recommender(model, data)
    (note,) = recommender.recommend(["i0", "i4"], k=2).notes
    assert "has no action, timestamp" in note
    bought = recommender.recommend({"item": ["i0"], "action": ["buy"]}, k=1)
    viewed = recommender.recommend({"item": ["i0"], "action": ["view"]}, k=1)
    assert bought.items[0] in ("i0", "i1") and viewed.items[0] in ("i4", "i5")
    with pytest.raises(ValueError, match="one value per event"):
        recommender.recommend({"item": ["i0"], "action": []})


def test_its_export_gives_equal_lists(trained, tmp_path):
    import tensorflow as tf

    log, data, model = trained
    recommender = rm.Recommender(model, data)
    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    users = log.events.groupby("user")
    histories = [part[["item", "action", "timestamp"]].to_dict("list") for _, part in users]
    histories = [{k: v[: 3 + n % 7] for k, v in h.items()} for n, h in enumerate(histories)]
    histories.append({"item": ["i1", "other", "i2"], "action": ["buy", "gift", ""]})
    histories[-1]["timestamp"] = [10.0, 20.0, 700.0]
    # Two unknown items, of which one occurs twice.
    histories.append({"item": ["x", "y", "x", "i1"], "action": ["buy"] * 4})
    histories[-1]["timestamp"] = [1.0, 20.0, 90.0, 91.0]
    expected = recommender.recommend_many([_missing_as_none(h) for h in histories], k=3)
    pad = {"item": "", "action": "", "timestamp": np.nan}
    rows = {
        name: [[empty] * (9 - len(h[name])) + h[name] for h in histories]
        for name, empty in pad.items()
    }
    none = tf.constant([], tf.string)
    stamps = tf.constant(rows["timestamp"], tf.float64)
    found = served.recommend(tf.constant(rows["item"]), 3, none, none, rows["action"], stamps)
    for row, answer in zip(found["items"].numpy().tolist(), expected, strict=True):
        assert [item.decode() for item in row] == answer.items


def _missing_as_none(history):
    return {**history, "action": [action or None for action in history["action"]]}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (rm.Category(), ["a", "b", "a", "c", ""]),
        (rm.Category(), [3, 5, 3, 9, MISSING]),
        (rm.Counts(), ["a", "b", "a", "c", ""]),
        (rm.Counts(), [3, 5, 3, 9, MISSING]),
        (rm.Flag(), [1, 0, 1, MISSING, 0]),
        (rm.Number("standard"), [1.0, 2.5, np.nan, -4.0, 0.0]),
        (rm.Number("log1p"), [1.0, 2.5, np.nan, 4.0, 0.0]),
        (rm.Number(buckets=3), [1.0, 2.5, np.nan, -4.0, 0.0]),
        (rm.Gap(source="x"), [0.0, 5.0, 5.0, 9_000.0, 9_001.5]),
        (rm.Gap(source="x", by="item"), [0.0, 5.0, 70.0, 9_000.0, 90_001.5]),
        (rm.Gap(source="x", by="item"), [0.0, 5.0, np.nan, 9_000.0, 90_001.5]),
        (rm.Clock("hour", source="x", offset=8), [0.0, 1e9, 1.7e9, np.nan, 86_399.0]),
        (rm.Clock("weekday", source="x"), [0.0, 1e9, 1.7e9, np.nan, 86_400.0 * 4]),
    ],
)
def test_exported_columns_equal_those_of_the_schema(column, values):
    import tensorflow as tf

    empty = {"": None, MISSING: None}
    plain = [empty.get(v, v) if not isinstance(v, float) else v for v in values]
    plain = [bool(v) if isinstance(column, rm.Flag) and v is not None else v for v in plain]
    rows = pd.DataFrame({"x": pd.Series(plain, dtype=object), "user": 1})
    rows["item"] = [8, 9, 8, 8, 9]
    schema = rm.Schema({"x": column}).fit(rows.iloc[:3])
    (spec,), _ = column_specs(schema, ("x",))
    encode, _ = column_encoders(schema, ("x",), {})
    raw = tf.constant([[values[0], *values]], spec.dtype)
    item_ids = tf.constant([[0] + [1] * 5])  # The first cell is padding.
    found = encode({"x": raw, "histories": tf.constant([[0, 8, 9, 8, 8, 9]])}, item_ids)[
        "x"
    ].numpy()[0]
    np.testing.assert_allclose(found[1:], schema.encode(rows)["x"], rtol=1e-6)
    assert not found[0].any()


def test_it_grows(trained):
    _, data, model = trained
    larger = rm.grow(model, 2)
    queries = ask(model, data.test, np.arange(len(data.test)))
    before, after = model.score(queries), larger.score(queries)
    np.testing.assert_allclose(after[:, : before.shape[1]], before, atol=1e-6)


def test_data_without_its_columns_are_refused(trained):
    log, _, model = trained
    plain = rm.prepare(rm.leave_one_out(log))
    with pytest.raises(ValueError, match="reads the column `action`"):
        rm.evaluate(model, plain.test)
    with pytest.raises(ValueError, match="reads the column `action`"):
        rm.fit(model, plain, epochs=1, verbose=False)


@pytest.mark.slow
def test_towers_and_chains_answer_through_a_recommender():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": np.repeat(np.arange(12), 6), "item": rng.integers(0, 9, 72)})
    frame["timestamp"], frame["value"] = np.arange(72), rng.integers(1, 6, 72).astype(float)
    data = rm.prepare(rm.leave_one_out(Interactions(frame, "timed")), columns=("value",))
    towers = rm.build_two_tower(data, width=4, user_ids=False, read_ratings=True, head="dot")
    rm.fit(towers, data, epochs=2, folds=2, rating_weight=1.0, verbose=False)
    for model in (towers, rm.RetrieveThenRank(towers, towers, depth=4)):
        recommender = rm.Recommender(model, data, histories=data.train)
        assert len(recommender.recommend(user=3, k=3)) == 3
        assert len(recommender.recommend({"item": [1, 2], "value": [5.0, 1.0]}, k=3)) == 3
        assert len(recommender.recommend([1, 2], k=3)) == 3
    # What is served for a known user is what evaluation asks.
    rows = np.arange(len(data.train))
    asked = {**data.train.window(rows, columns=("value",)), "user_ids": rows.astype(np.int32)}
    scores = towers.score(asked)[3]
    found = rm.Recommender(towers, data, histories=data.train, filter_seen=False).recommend(user=3)
    assert found.items[0] == data.vocabulary.decode([1 + np.argmax(scores[1:])])[0]
