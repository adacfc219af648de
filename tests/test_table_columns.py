"""Columns of items, of users and of the event asked for reach a model the same way everywhere."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.evaluation.ranking import ask
from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import build_histories
from recmodels.layers.embedding import ItemEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.recommend.export import export_saved_model
from recmodels.recommend.export_columns import MISSING, column_encoders, column_specs
from recmodels.recommend.requests import RequestReader

WIDTH, LENGTH, ACTIONS = 8, 6, ("view", "buy")
FIT = {"epochs": 12, "learning_rate": 0.05, "patience": None, "verbose": False}
SCHEMA = rm.Schema(
    {
        "action": rm.Category(),
        "brand": rm.Category(of="items"),
        "price": rm.Number("log1p", of="items"),
        "text": rm.Vector(of="items"),
        "age": rm.Number(buckets=3, of="users"),
        "member": rm.Flag(of="users"),
        "asked_action": rm.Category(of="asked"),
    }
)
# Item i7 and user u01 have no row, and i3 has no price.
ITEMS = pd.DataFrame(
    {
        "brand": ["ann", "bob", "ann", None, "cid", "bob", "ann"],
        "price": [1.0, 2.5, 30.0, np.nan, 7.0, 0.0, 4.0],
        "text": [[float(i), 1.0] for i in range(7)],
    },
    index=[f"i{i}" for i in range(7)],
)


@keras.saving.register_keras_serializable("tests")
class SumOfColumns(SequenceEncoder):
    """The vector of the last event: the sum of those of its item and of any columns."""

    def __init__(self, num_items, columns, sizes, **kwargs):
        super().__init__(**kwargs)
        self.num_items, self.columns, self.sizes = num_items, tuple(columns), sizes
        self.max_length = LENGTH
        self.item_embedding = ItemEmbedding(num_items, WIDTH, name="items")
        self.readers = [
            keras.layers.Dense(WIDTH) if codes is None else keras.layers.Embedding(codes, WIDTH)
            for codes, _ in sizes
        ]

    def build(self, input_shape=None):
        self.item_embedding.build()
        for reader, (_, width) in zip(self.readers, self.sizes, strict=True):
            reader.build((None, None, width))

    def call(self, inputs, training=None):
        x = self.item_embedding(inputs["item_ids"])
        for name, reader in zip(self.columns, self.readers, strict=True):
            x = x + reader(inputs[name])
        return x * ops.cast(inputs["item_ids"] > 0, x.dtype)[..., None]

    def get_config(self):
        own = {"num_items": self.num_items, "columns": self.columns, "sizes": self.sizes}
        return {**super().get_config(), **own}


def make_log(users=80, length=9, seed=0):
    """A purchase is of item 0 or 1, a view of one of the items from 4 on."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for time in range(length):
            action = int(rng.integers(2))
            item = int(rng.integers(2)) if action else int(rng.integers(2, 8))
            rows.append((f"u{user:02}", f"i{item}", 1_600_000_000 + time, ACTIONS[action]))
    events = pd.DataFrame(rows, columns=["user", "item", "timestamp", "action"])
    people = pd.DataFrame({"age": rng.integers(18, 80, users).astype(float)})
    people["member"] = rng.random(users) < 0.5
    people.index = [f"u{user:02}" for user in range(users)]
    return Interactions(events, "timed", "toy", items=ITEMS, users=people.drop(index="u01"))


def make_model(data, columns, seed=0):
    sizes = [(data.schema[name].num_codes, data.schema[name].width) for name in columns]
    keras.utils.set_random_seed(seed)
    return SumOfColumns(data.num_items, columns, sizes)


@pytest.fixture(scope="module")
def world():
    log = make_log()
    protocol = rm.Protocol(filter_seen=False)
    return log, rm.prepare(rm.leave_one_out(log), schema=SCHEMA, protocol=protocol)


@pytest.fixture(scope="module")
def trained(world):
    model = make_model(world[1], SCHEMA)
    rm.fit(model, world[1], **FIT)
    return model


@pytest.mark.slow
def test_the_type_asked_for_reaches_its_ceiling(world, trained):
    _, data = world
    without = make_model(data, [name for name in SCHEMA if name != "asked_action"])
    rm.fit(without, data, **FIT)
    bought = np.isin(data.test.targets, data.vocabulary.encode(["i0", "i1"]))
    told, untold = (rm.evaluate(model, data.test, ks=(2,)) for model in (trained, without))
    # "buy" leaves two items and "view" six; who is told neither does best to list the two.
    assert told.values("hr@2")[bought].mean() == 1.0
    assert told.metrics["hr@2"] == pytest.approx(bought.mean() + (1 - bought.mean()) / 3, abs=0.1)
    assert untold.metrics["hr@2"] < bought.mean() + 0.05


def test_results_record_the_fields_of_queries(world, trained):
    log, data = world
    found = rm.evaluate(trained, data.test, protocol=rm.Protocol())
    assert found.to_dict()["protocol"]["asked"] == ("action",)
    plain = rm.prepare(rm.leave_one_out(log), schema=rm.Schema({"action": rm.Category()}))
    assert "asked" not in plain.protocol.to_dict()
    # A run on other codes is another run, whose checkpoint is not continued.
    codes = data.train.columns["asked_action"]
    other = replace(data.train, columns={"asked_action": 3 - codes})
    batches = [NextItemBatches(h, 5, 8, 0, columns=("asked_action",)) for h in (data.train, other)]
    assert batches[0].identity() != batches[1].identity()


def raw_history(log, user, stop):
    """The first events of a user as a request, and what follows them."""
    events = log.events[log.events["user"] == user]
    history = events[["item", "action"]].iloc[:stop].to_dict("list")
    history["user"] = {} if user not in log.users.index else log.users.loc[user].to_dict()
    return history, {"action": events["action"].iloc[stop]}


def check_equal(found, expected):
    for name in ("item_ids", *SCHEMA):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_every_reader_gives_a_model_the_same_inputs(world, trained):
    log, data = world
    scorer = rm.MostPopular().fit(data.train, data.num_items)
    before_test = log.select(log.events["timestamp"] < log.events["timestamp"].max())
    known = build_histories(before_test, data.vocabulary, data.train.users[::-1], (), data.schema)
    reader = RequestReader(data.vocabulary, data.schema, log.items, known, scorer)
    users = np.random.default_rng(0).choice(data.train.users, 24, replace=False)
    for user in ("u01", *users):
        # A query of the evaluation, and a known user, are requests for the target.
        history, target = raw_history(log, user, 8)
        expected = inputs_of(reader.read([history], None, target), trained)
        (place,) = np.flatnonzero(data.test.histories.users == user)
        check_equal(ask(trained, data.test, np.array([place])), expected)
        check_equal(inputs_of(reader.read(None, [user], target), trained), expected)
        check_equal(exported_inputs(data, history, target), expected)
        # A training window is a request for the last event of the training history.
        history, target = raw_history(log, user, 6)
        expected = inputs_of(reader.read([history], None, target), trained)
        own = data.train.select(np.flatnonzero(data.train.users == user))
        inputs, _, _ = NextItemBatches(own, LENGTH, 1, 0, columns=trained.columns)[0]
        check_equal(inputs, expected)


def inputs_of(requests, model):
    return ask(model, requests, np.array([0]))


def exported_inputs(data, history, target):
    import tensorflow as tf

    names, user = tuple(SCHEMA), history["user"]
    events, told = column_specs(data.schema, names)
    encode, _ = column_encoders(data.schema, names, data.item_columns)
    raw = {
        "action": [history["action"]],
        "asked_action": [target["action"]],
        "user_age": [user.get("age", np.nan)],
        "user_member": [int(user.get("member", MISSING))],
    }
    raw = {spec.name: tf.constant(raw[spec.name], spec.dtype) for spec in (*events, *told)}
    item_ids = data.vocabulary.encode(history["item"])[None]
    found = {"item_ids": item_ids, **encode(raw, tf.constant(item_ids))}
    return {name: np.asarray(values)[:, -LENGTH:] for name, values in found.items()}


def test_inputs_by_hand(world, trained):
    log, data = world
    reader = RequestReader(data.vocabulary, data.schema, log.items)
    history = {"item": ["i3", "i7"], "action": ["buy", "view"], "user": {"age": 1.0}}
    found = inputs_of(reader.read([history], None, {"action": "buy"}), trained)
    decode = data.schema.decode
    assert decode("asked_action", found["asked_action"][0, -2:]) == ["view", "buy"]
    assert decode("brand", found["brand"][0, -2:]) == [None, None]
    assert found["price"][0, -2:].tolist() == [[0, 1], [0, 1]]
    assert decode("text", found["text"][0, -2:]) == [[3.0, 1.0], None]
    assert found["age"][0].tolist() == [0, 0, 0, 0, 1, 1]  # The lowest of three buckets.
    assert found["member"][0].tolist() == [0, 0, 0, 0, 3, 3]


def test_columns_of_the_catalogue_come_back(world):
    _, data = world
    for name in ("brand", "text"):
        rows = data.item_columns[name]
        assert len(rows) == data.num_items + 3 and not rows[0].any()
        ids = [*data.vocabulary.raw_ids, "unknown", "mask"]
        found = pd.Series(data.schema.decode(name, rows[1:]), ids, dtype=object)
        expected = [value if isinstance(value, list | str) else None for value in ITEMS[name]]
        assert found[ITEMS.index].tolist() == expected
        assert found[["i7", "unknown", "mask"]].tolist() == [None] * 3
    prices = pd.Series(data.schema.decode("price", data.item_columns["price"][1:-2]), dtype=float)
    expected = ITEMS["price"].reindex(data.vocabulary.raw_ids)
    np.testing.assert_allclose(prices, expected, rtol=1e-6, atol=1e-12)


def test_rows_of_the_test_change_no_fitted_number():
    log = make_log()
    first = rm.temporal_cutoff(log, time=1_600_000_006)
    late = log.events["timestamp"] >= 1_600_000_006
    events = log.events.copy()
    events.loc[late, ["item", "action"]] = ["late", "gift"]
    events.loc[late & (events["user"] == "u00"), "user"] = "u99"
    row = pd.DataFrame({"brand": ["zoe"], "price": [1e9], "text": [[9.0, 9.0]]}, index=["late"])
    person = pd.DataFrame({"age": [1e6], "member": [True]}, index=["u99"])
    items, users = pd.concat([log.items, row]), pd.concat([log.users, person])
    changed = Interactions(events, "timed", "toy", items=items, users=users)
    second = rm.temporal_cutoff(changed, time=1_600_000_006)
    configs = [rm.prepare(split, schema=SCHEMA).schema.to_config() for split in (first, second)]
    assert configs[0] == configs[1]
    assert "zoe" not in configs[0]["brand"]["values"]


def test_it_answers_saves_loads_and_grows(world, trained, tmp_path):
    log, data = world
    recommender = rm.Recommender(trained, data, histories=data.train)
    history, _ = raw_history(log, "u05", 5)
    answers = [recommender.recommend(history, k=2, asked={"action": a}) for a in ACTIONS]
    assert set(answers[1].items) == {"i0", "i1"} and not {"i0", "i1"} & set(answers[0].items)
    again = rm.Recommender.load(recommender.save(tmp_path / "bundle"))
    assert answers[0].notes == () and "brand" not in again.histories.columns
    row = pd.DataFrame({"brand": ["bob"], "price": [3.0], "text": [[0.5, 1.0]]}, index=["new"])
    larger = again.add_items(row)
    for other in (again, larger):
        assert other.recommend(history, k=2, asked={"action": "buy"}).items == answers[1].items
        asked = {"user": "u05", "asked": {"action": "view"}}
        assert other.recommend(k=2, **asked).items == recommender.recommend(k=2, **asked).items
    new = larger._reader.item_columns["brand"][data.num_items + 1]
    assert data.schema.decode("brand", [new]) == ["bob"]
    assert "new" in larger.recommend({**history, "item": ["new"] * 5}, k=9).items


def test_its_export_gives_equal_lists(world, trained, tmp_path):
    import tensorflow as tf

    log, data = world
    recommender = rm.Recommender(trained, data, filter_seen=False)
    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    none = tf.constant([], tf.string)
    for user in ("u02", "u03", "u04"):
        history, target = raw_history(log, user, 7)
        person, told = history["user"], target["action"]
        member = tf.constant([int(person["member"])], tf.int64)
        age = tf.constant([person["age"]], tf.float64)
        items, actions = tf.constant([history["item"]]), tf.constant([history["action"]])
        found = served.recommend(items, 8, none, none, actions, tf.constant([told]), age, member)
        expected = recommender.recommend(history, k=8, asked=target)
        assert [item.decode() for item in found["items"].numpy()[0]] == expected.items
        np.testing.assert_allclose(found["scores"][0], expected.scores, rtol=1e-4, atol=1e-5)


def test_what_requests_leave_out_or_get_wrong_is_said(world, trained):
    _, data = world
    recommender = rm.Recommender(trained, data)
    known = {"item": ["i1"], "action": ["buy"]}
    notes = recommender.recommend({**known, "user": {"age": 20}}, k=2).notes
    assert "has no user member" in notes[0] and "`asked` has no action" in notes[1]
    whole = {**known, "user": {"age": 20, "member": True}}
    (note,) = recommender.recommend(whole, k=2, asked={"action": "gift"}).notes
    assert "action 'gift' is unknown" in note
    buy = {"action": "buy"}
    for history, asked, message in (
        ({**known, "user": {"age": "old"}}, buy, "Column `age` must hold numbers"),
        ({**known, "user": {"size": 3}}, buy, r"\['size'\]"),
        ({**known, "user": 25}, buy, r"`history\['user'\]` must be a dict"),
        (whole, {"colour": "red"}, "`asked` must be a dict"),
        (whole, "buy", "`asked` must be a dict"),
        (whole, {"action": ["buy"]}, "must hold single values"),
    ):
        with pytest.raises(ValueError, match=message):
            recommender.recommend(history, asked=asked)
    with pytest.raises(ValueError, match="needs the table `items`"):
        rm.Recommender(trained, data.vocabulary, schema=data.schema)
