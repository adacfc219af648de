"""The model of the next event and its task: probabilities, targets, losses, what it learns."""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from harness import to_numpy

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.evaluation.ranking import ask
from recmodels.models.capabilities import HasVectors, PredictsEvents, Scores, can
from recmodels.tasks.build import next_event_job
from recmodels.tasks.next_event import NextEventTask, event_targets, validation_log_likelihood

TYPES = ("view", "cart", "buy")
NEXT_TYPE = np.array([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6], [0.9, 0.05, 0.05]])
MEAN_LOG, SCALE_LOG = np.array([3.0, 6.0, 10.0]), 0.5
V = 12  # Items 0..3 are viewed, 4..7 carted, 8..11 bought, each with these probabilities:
ITEM_SHARE = np.array([0.4, 0.3, 0.2, 0.1])


def simulate(users, length, seed):
    """Types follow a Markov chain; the gap after an event and the next item depend on types."""
    rng = np.random.default_rng(seed)
    types = np.zeros((users, length), int)
    for t in range(1, length):
        ends = NEXT_TYPE[types[:, t - 1]].cumsum(axis=1)
        types[:, t] = (rng.random(users)[:, None] > ends[:, :2]).sum(axis=1)
    items = 4 * types + (rng.random((users, length))[..., None] > ITEM_SHARE.cumsum()[:3]).sum(-1)
    logs = rng.normal(MEAN_LOG[types[:, :-1]], SCALE_LOG)
    gaps = np.maximum(0, np.rint(np.expm1(logs))).astype(int)
    times = 1_600_000_000 + np.pad(gaps.cumsum(axis=1), ((0, 0), (1, 0)))
    frame = pd.DataFrame(
        {
            "user": np.repeat(np.arange(users), length),
            "item": items.ravel(),
            "timestamp": times.ravel(),
            "action": np.array(TYPES)[types.ravel()],
        }
    )
    return Interactions(frame, "timed", "chain")


SCHEMA = rm.Schema({"action": rm.Category(), "gap": rm.Gap()})


def prepare(log, schema=SCHEMA):
    protocol = rm.Protocol(filter_seen=False)
    return rm.prepare(rm.leave_one_out(log), ("timestamp",), schema, protocol)


def make(data, num_components=4, width=8, **options):
    encoder = rm.SASRec(
        data.num_items, 8, width, num_blocks=1, dropout=0.0,
        columns=data.schema.input_sizes("action", "gap"),
    )  # fmt: skip
    return rm.NextEvent(
        encoder, data.schema["action"].values, num_components=num_components, **options
    )


@pytest.fixture(scope="module")
def small():
    return prepare(simulate(30, 7, seed=0))


@pytest.fixture(scope="module")
def queries(small):
    return ask(make(small), small.test, np.arange(len(small.test)))


@pytest.fixture
def model(small):
    keras.utils.set_random_seed(0)
    model = make(small)
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.4, weight.shape))
    return model


@pytest.mark.backends
def test_probabilities_sum_to_one_and_padding_has_none(small, model, queries):
    forecast = model.next_event(queries)
    assert forecast.types == model.types == small.schema["action"].values
    assert forecast.item_probabilities.shape == (30, 3, small.num_items + 1)
    np.testing.assert_allclose(forecast.joint().sum(axis=(1, 2)), 1, atol=1e-5)
    np.testing.assert_allclose(forecast.type_probabilities.sum(axis=1), 1, atol=1e-12)
    assert (forecast.item_probabilities[..., 0] == 0).all()
    assert (forecast.item_probabilities[..., 1:] > 0).all()
    np.testing.assert_allclose(forecast.gap.weights.sum(axis=1), 1, atol=1e-12)


@pytest.mark.backends
def test_scores_are_log_probabilities_whatever_the_type(model, queries):
    scores, items = model.score(queries), np.array([3, 1])
    assert scores.dtype == np.float32 and np.isneginf(scores[:, 0]).all()
    np.testing.assert_allclose(np.exp(scores), model.next_event(queries).items(), atol=1e-6)
    np.testing.assert_array_equal(model.score(queries, items), scores[:, items])
    with pytest.raises(ValueError, match="`items` must be item ids"):
        model.score(queries, [0])


@pytest.mark.backends
def test_states_given_a_type_by_hand(model, queries):
    states, (types, read, write) = model.encoder.query_vectors(queries), model.given_type.weights
    x = states @ to_numpy(read) + to_numpy(types)[2]
    gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    logits = (states + gelu @ to_numpy(write)) @ model.encoder.item_vectors().T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = model.next_event(queries).items_given(model.types[1])[:, 1:]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_rows_do_not_depend_on_each_other(monkeypatch, model, queries):
    together = model.next_event(queries).joint()
    monkeypatch.setattr("recmodels.models.next_event.CELLS", 100)
    np.testing.assert_allclose(model.next_event(queries).joint(), together, atol=1e-7)
    alone = {name: values[4:5] for name, values in queries.items()}
    np.testing.assert_allclose(model.next_event(alone).joint()[0], together[4], atol=1e-6)


def test_the_likelihood_of_events_is_that_of_the_forecast(small, model, queries):
    rng, rows = np.random.default_rng(1), np.arange(30)
    types, items = rng.integers(1, 4, 30), rng.integers(1, small.num_items + 1, 30)
    gaps = rng.exponential(1e4, 30)
    forecast = model.next_event(queries)
    found = model.event_log_likelihood(queries, types, items, gaps)
    given = forecast.item_probabilities[rows, types - 1, items]
    expected = forecast.type_probabilities[rows, types - 1]
    np.testing.assert_allclose(np.exp(found["item"]), given, rtol=1e-4)
    np.testing.assert_allclose(np.exp(found["type"]), expected, rtol=1e-5)
    np.testing.assert_allclose(found["gap"], forecast.gap.log_density(gaps), rtol=1e-4)
    # Unknown (A + 1) and missing (A + 2) types, an item outside the catalogue, no time.
    types[:2], items[2], gaps[3] = [4, 5], small.num_items + 1, np.nan
    found = model.event_log_likelihood(queries, types, items, gaps)
    gone = {name: np.flatnonzero(np.isnan(values)).tolist() for name, values in found.items()}
    assert gone == {"type": [0, 1], "item": [2], "gap": [3]}


def test_temperature_flattens_only_types(model, queries):
    cold = model.next_event(queries)
    model.temperature = 2.0
    warm = model.next_event(queries)
    root = np.sqrt(cold.type_probabilities)
    expected = root / root.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(warm.type_probabilities, expected, rtol=1e-5)
    np.testing.assert_array_equal(warm.item_probabilities, cold.item_probabilities)
    np.testing.assert_allclose(np.exp(model.score(queries)), warm.items(), atol=1e-6)
    for wrong in (0, -1.0, np.nan, "2", True):
        with pytest.raises(ValueError, match="`temperature` must be a number greater than 0"):
            model.temperature = wrong


def test_the_time_width_multiplies_only_the_scales(model, queries):
    narrow, gaps = model.next_event(queries), np.full(30, 100.0)
    model.time_width = 1.5
    wide = model.next_event(queries)
    np.testing.assert_allclose(wide.gap.scales, 1.5 * narrow.gap.scales, rtol=1e-6)
    np.testing.assert_array_equal(wide.gap.means, narrow.gap.means)
    np.testing.assert_array_equal(wide.type_probabilities, narrow.type_probabilities)
    codes = np.ones(30, int)
    found = model.event_log_likelihood(queries, codes, codes, gaps)["gap"]
    np.testing.assert_allclose(found, wide.gap.log_density(gaps), rtol=1e-4)
    with pytest.raises(ValueError, match="`time_width` must be a number greater than 0"):
        model.time_width = 0.0


def test_capabilities_and_config(small, model):
    assert can(model, Scores) and can(model, PredictsEvents) and not can(model, HasVectors)
    assert model.columns == ("action", "gap") and model.max_length == 8
    config = model.get_config()
    again = rm.NextEvent.from_config(config)
    assert again.get_config() == config and again.types == model.types
    assert make(small, num_components=0).get_config()["num_components"] == 0


def test_saved_grown_and_bundled_models_forecast_the_same(small, model, queries, tmp_path):
    model.temperature, model.time_width = 1.5, 1.25
    before = model.next_event(queries)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.next_event(queries).joint(), before.joint(), atol=1e-6)
    larger = rm.grow(model, 2)
    old = slice(0, small.num_items + 1)
    assert larger.num_items == small.num_items + 2 and larger.temperature == 1.5
    assert larger.time_width == loaded.time_width == 1.25
    shares = larger.next_event(queries).item_probabilities[:, :, old]
    shares = shares / shares.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(shares, before.item_probabilities, atol=1e-5)
    recommender = rm.Recommender(model, small)
    history = {"item": [0, 5], "action": ["view", "cart"], "timestamp": [10, 70]}
    again = rm.Recommender.load(recommender.save(tmp_path / "bundle"))
    assert again.scorer.temperature == 1.5 and again.scorer.time_width == 1.25
    assert again.recommend(history, k=3).items == recommender.recommend(history, k=3).items


@pytest.mark.parametrize("types", [None, "view", ["view"], ["view", "view"]])
def test_impossible_types_are_refused(small, types):
    with pytest.raises(ValueError, match="`types` must be two or more different labels"):
        rm.NextEvent(rm.SASRec(5), types)


# Targets.


def test_targets_follow_from_the_log_and_are_masked_where_nothing_is_known():
    frame = pd.DataFrame(
        {
            "user": ["a"] * 6 + ["b"] * 5,
            "item": list("xyxyxy") + list("xyxyx"),
            "timestamp": [0, 10, 10, 70, 80, 90, 5, 6, 8, 9, 11],
            "action": [
                "view",
                None,
                "buy",
                "view",
                "view",
                "buy",
                "view",
                "gift",
                "view",
                "buy",
                "view",
            ],
        }
    )
    schema = rm.Schema({"action": rm.Category(min_count=2), "gap": rm.Gap()})
    data = prepare(Interactions(frame, "timed", "toy"), schema)
    assert data.schema["action"].values == ("view",)
    schema = rm.Schema({"action": rm.Category(), "gap": rm.Gap()})
    data = prepare(Interactions(frame, "timed", "toy"), schema)
    model = make(data)
    found = event_targets(model, data)
    decoded = [[None, *model.types][code] for code in found["types"]]
    assert decoded == ["view", None, "buy", "view", "view", "gift", "view"]
    assert found["gaps"].tolist() == [-1, 10, 0, 60, -1, 1, 2]
    without = event_targets(make(data, num_components=0), data)
    assert (without["gaps"] == -1).all()


def test_batches_carry_the_targets_of_the_next_event(small):
    job = next_event_job(make(small), small, seed=0, batch_size=4)
    flat = event_targets(job.task.model, small)
    items, offsets = small.train.items, small.train.offsets
    expected = sorted(
        (items[i], items[i + 1], flat["types"][i + 1], flat["gaps"][i + 1])
        for begin, end in zip(offsets[:-1], offsets[1:], strict=True)
        for i in range(begin, end - 1)
    )
    found = []
    for inputs, targets, weights in map(job.batches.__getitem__, range(len(job.batches))):
        read = inputs["item_ids"].ravel()[inputs["positions"]]
        rows = zip(
            read, targets["item_ids"], targets["types"], targets["gaps"], weights, strict=True
        )
        found += [tuple(row[:4]) for row in rows if row[4]]
        assert set(inputs) == {"item_ids", "action", "gap", "positions"}
    assert sorted(found) == expected


def test_no_input_knows_the_type_or_the_time_of_the_target(small):
    """Shift the time and change the type of every user's last event: no query changes."""
    log = simulate(30, 7, seed=0)
    last = ~log.events["user"].duplicated(keep="last").to_numpy()
    changed = log.events.assign(
        timestamp=np.where(last, log.events["timestamp"] + 12_345, log.events["timestamp"]),
        action=np.where(last, "cart", log.events["action"]),
    )
    other = prepare(replace(log, events=changed))
    model = make(small)
    rows = np.arange(len(small.test))
    asked, again = ask(model, small.test, rows), ask(model, other.test, rows)
    for name, values in asked.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)
    assert (
        other.test.target_columns["gap_seconds"] != small.test.target_columns["gap_seconds"]
    ).all()


def test_clocks_that_jump_back_and_data_that_lack_something_are_refused(small):
    model = make(small)
    times = small.train.columns["timestamp"].copy()
    times[2] = times[1] - 5
    columns = {**small.train.columns, "timestamp": times}
    broken = replace(small, train=replace(small.train, columns=columns))
    with pytest.raises(ValueError, match="`timestamp` must not decrease.*user=0, seconds=-5.0"):
        event_targets(model, broken)
    untimed = rm.prepare(rm.leave_one_out(simulate(30, 7, seed=0)), schema=SCHEMA)
    with pytest.raises(ValueError, match=r"columns=\('timestamp',\)"):
        event_targets(model, untimed)
    others = rm.NextEvent(model.encoder, ("view", "buy"))
    with pytest.raises(ValueError, match="`types` of the model must be those of the schema"):
        event_targets(others, small)
    elsewhere = rm.NextEvent(model.encoder, TYPES, type_column="kind")
    with pytest.raises(ValueError, match="column `kind`"):
        event_targets(elsewhere, small)


# The loss.


def first_batch(task, data, model):
    job = next_event_job(model, data, seed=0, batch_size=4)
    return keras.tree.map_structure(keras.ops.convert_to_tensor, job.batches[0])


@pytest.mark.backends
def test_the_loss_is_the_weighted_likelihood_of_the_true_events(small, model):
    task = NextEventTask(model, item_weight=1.0, type_weight=2.0, time_weight=0.5)
    task.build()
    inputs, targets, _ = first_batch(task, small, model)
    # The last position of each row is a query, whose likelihood the model tells by itself.
    length = inputs["item_ids"].shape[1]
    last = np.flatnonzero(to_numpy(inputs["positions"]) % length == length - 1)
    rows = to_numpy(inputs["positions"])[last] // length
    weights = np.zeros(len(to_numpy(inputs["positions"])), np.float32)
    weights[last] = 1.0
    weights = keras.ops.convert_to_tensor(weights)
    found = float(to_numpy(task.compute_loss(inputs, targets, task(inputs), weights)))
    asked = {name: to_numpy(inputs[name])[rows] for name in ("item_ids", "action", "gap")}
    y = [to_numpy(targets[name])[last] for name in ("types", "item_ids", "gaps")]
    parts = model.event_log_likelihood(asked, *y)
    assert len(rows) > 3
    expected = -(parts["item"] + 2 * parts["type"] + 0.5 * parts["gap"]).mean()
    assert found == pytest.approx(expected, rel=1e-4)


def test_targets_without_type_or_time_do_not_count(small, model):
    task = NextEventTask(model, item_weight=0.0)
    task.build()
    inputs, targets, weights = first_batch(task, small, model)
    states = task(inputs)
    full = float(to_numpy(task.compute_loss(inputs, targets, states, weights)))
    some = np.arange(len(to_numpy(weights))) % 2 == 0
    y = {name: to_numpy(values) for name, values in targets.items()}
    masked = {**y, "types": y["types"] * some, "gaps": np.where(some, y["gaps"], -1)}
    masked = {name: keras.ops.convert_to_tensor(values) for name, values in masked.items()}
    found = float(to_numpy(task.compute_loss(inputs, masked, states, weights)))
    kept = keras.ops.convert_to_tensor(to_numpy(weights) * some.astype("float32"))
    half = float(to_numpy(task.compute_loss(inputs, targets, states, kept)))
    assert found == pytest.approx(half, rel=1e-5) and found != pytest.approx(full, rel=1e-3)


def test_an_encoder_of_several_states_per_event_is_refused():
    several = rm.MultiInterest(num_items=5, num_interests=2, width=4)
    with pytest.raises(ValueError, match="`encoder` must score.*Received: encoder='MultiInterest'"):
        rm.NextEvent(several, TYPES)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"loss": "bce"}, "`loss` must be one of"),
        ({"type_weight": -1.0}, "Weights of losses must be 0 or more"),
        ({"item_weight": 0.0, "type_weight": 0.0, "time_weight": 0.0}, "not all 0"),
    ],
)
def test_impossible_losses_are_refused(small, options, match):
    with pytest.raises(ValueError, match=f"{match}.*Received: "):
        rm.fit(make(small), small, epochs=1, verbose=False, **options)


def trained_twin(small, start, num_components, **weights):
    model = make(small, num_components=num_components)
    model.build()
    for weight, value in zip(model.weights, start, strict=False):
        weight.assign(value)
    job = next_event_job(model, small, seed=0, batch_size=8, **weights)
    job.task.compile(optimizer=keras.optimizers.Adam(0.01), run_eagerly=True)
    for index in range(3):
        job.task.train_on_batch(*job.batches[index % len(job.batches)])
    return model


@pytest.mark.slow
def test_a_task_of_weight_zero_does_not_exist_for_the_others(small, model):
    """Without times, and without items and types that are learnt, as if those heads were none."""
    start = [to_numpy(weight) for weight in model.weights]
    both = trained_twin(small, start, 4, time_weight=0.0)
    twin = trained_twin(small, start, 0)
    assert len(both.weights) == len(twin.weights) + 2
    for one, other in zip(both.weights, twin.weights, strict=False):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other), err_msg=one.path)
    # Types alone move neither what names items nor what tells times.
    alone = trained_twin(small, start, 4, item_weight=0.0, time_weight=0.0)
    for weight, value in zip(alone.weights, start, strict=True):
        kept = "given_type" in weight.path or "time_head" in weight.path
        assert np.array_equal(to_numpy(weight), value) == kept or "bias" in weight.path, weight.path


def test_the_type_of_the_target_is_no_input_of_its_own_probability(small, model):
    task = NextEventTask(model, item_weight=0.0, time_weight=0.0)
    task.build()
    inputs, targets, weights = first_batch(task, small, model)
    others = {**targets, "gaps": targets["gaps"] + 7.0, "item_ids": targets["item_ids"] * 0 + 1}
    losses = [
        float(to_numpy(task.compute_loss(inputs, y, task(inputs), weights)))
        for y in (targets, others)
    ]
    assert losses[0] == losses[1]


def test_saved_task_is_the_same(small, model, tmp_path):
    task = NextEventTask(model, "sampled_softmax", 1.0, 0.5, 0.0)
    task.build()
    task.save(tmp_path / "task.keras")
    loaded = keras.models.load_model(tmp_path / "task.keras")
    assert loaded.task_weights == task.task_weights and loaded.objective == "sampled_softmax"
    assert len(loaded.weights) == len(task.weights) == len(model.weights)


# Training.


@pytest.fixture(scope="module")
def trained():
    data = prepare(simulate(1_000, 9, seed=1))
    model = make(data, width=16)
    options = {"learning_rate": 0.02, "schedule": "cosine", "batch_size": 32}
    curve = rm.fit(model, data, epochs=8, verbose=False, **options)
    return data, model, curve


@pytest.mark.slow
def test_epochs_are_chosen_by_the_likelihood_of_the_validation_events(trained):
    data, model, curve = trained
    assert curve.measure == "log_likelihood"
    weights = {"item_weight": 1.0, "type_weight": 1.0, "time_weight": 1.0}
    score = validation_log_likelihood(model, data, **weights)
    assert score == pytest.approx(curve.best["score"], abs=1e-4)


@pytest.mark.slow
def test_it_learns_what_can_be_learnt_of_types_items_and_times(trained):
    """Log-likelihoods on new users gain 95 % of what an oracle gains on knowing only shares."""
    data, model, _ = trained
    # Other logs meet items and types in another order: encode by the schema of the training.
    log = simulate(1_000, 9, seed=2)
    split = rm.leave_one_out(log)
    fresh = rm.prepare(split, ("timestamp",), data.schema, vocabulary=data.vocabulary).test
    forecast = model.next_event(ask(model, fresh, np.arange(1_000)))
    labels = split.test.inputs.events.groupby("user")["action"].last()
    before = np.array([TYPES.index(label) for label in labels])
    after = [TYPES.index(v) for v in data.schema.decode("action", fresh.target_columns["action"])]
    after, rows = np.array(after), np.arange(1_000)
    items, gaps = (
        np.array(data.vocabulary.decode(fresh.targets)),
        fresh.target_columns["gap_seconds"],
    )
    place = np.array([forecast.place(TYPES[a]) for a in after])

    def check(found, oracle, floor, share=0.95):
        assert found.mean() - floor.mean() >= share * (oracle.mean() - floor.mean())

    shares = np.bincount(after, minlength=3) / 1_000
    check(
        np.log(forecast.type_probabilities[rows, place]),
        np.log(NEXT_TYPE[before, after]),
        np.log(shares[after]),
    )
    popular = np.bincount(items, minlength=V) / 1_000
    check(
        np.log(forecast.item_probabilities[rows, place, fresh.targets]),
        np.log(ITEM_SHARE[items % 4]),
        np.log(popular[items]),
    )
    logs = np.log1p(gaps)
    constant = -np.log(SCALE_LOG * np.sqrt(2 * np.pi)) - logs
    oracle = constant - 0.5 * ((logs - MEAN_LOG[before]) / SCALE_LOG) ** 2
    spread = -np.log(logs.std() * np.sqrt(2 * np.pi)) - logs
    floor = spread - 0.5 * ((logs - logs.mean()) / logs.std()) ** 2
    check(forecast.gap.log_density(gaps), oracle, floor)


@pytest.mark.slow
def test_another_measure_and_a_warm_start_work_as_for_any_model(small, eagerly):
    model = make(small)
    options = {"epochs": 2, "verbose": False, "loss": "sampled_softmax", "num_negatives": 5}
    score = partial(lambda: 1.0)
    curve = rm.fit(model, small, measure=score, measure_name="one", **options)
    assert curve.measure == "one" and len(curve.rows) == 2
    assert len(rm.fit(model, small, warm_start=True, **options).rows) == 2
    report = rm.evaluate(model, small.test, ks=(3,))
    assert 0 <= report.metrics["hr@3"] <= 1
