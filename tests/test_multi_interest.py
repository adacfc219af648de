"""Several interests per history: their formula, their likelihood, and the interest that answers."""

import keras
import numpy as np
import pytest
from harness import check_causal, check_padding, make_histories, make_log, to_numpy

import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.models.capabilities import HasVectors, can
from recmodels.models.multi_interest import MultiInterest
from recmodels.recommend.export import export_saved_model
from recmodels.tasks.multi_interest import MultiInterestTask

V, L, D, K = 10, 7, 4, 3
IDS = np.array([[0, 0, 3, 1, 2], [4, 10, 6, 7, 8]], np.int32)


def make(**options):
    keras.utils.set_random_seed(0)
    model = MultiInterest(V, **{"num_interests": K, "max_length": L, "width": D, **options})
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make()


@pytest.mark.backends
def test_never_looks_ahead_and_padding_changes_nothing(model):
    def encode(ids):
        return model({"item_ids": ids})

    assert tuple(encode(IDS).shape) == (2, 5, K * (D + 1))
    check_causal(encode, IDS[1:], V)
    check_padding(encode, IDS, pad=2)


@pytest.mark.backends
def test_states_follow_the_formula(model):
    table = to_numpy(model.item_embedding.table)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    history = IDS[0, 2:]
    hidden = to_numpy(model.hidden(unit[history] * 2.0))  # The square root of the width 4.
    predictions = to_numpy(model.predict_next(hidden)).reshape(3, K, D)
    predictions /= np.linalg.norm(predictions, axis=-1, keepdims=True)
    memory = 1 / (1 + np.exp(-to_numpy(model.memory_logit)))
    evidence, weights = np.zeros(K), []
    for place, item in enumerate(history):
        evidence = memory * evidence
        if place:
            matched = predictions[place - 1] @ unit[item] / 0.1
            evidence = evidence + matched - np.logaddexp.reduce(matched)
        sharp = np.exp(to_numpy(model.log_sharpness)) * evidence
        weights.append(sharp - np.logaddexp.reduce(sharp))
    states = to_numpy(model({"item_ids": IDS}))[0, 2:].reshape(3, K, D + 1)
    np.testing.assert_allclose(states[..., :D], predictions / 0.1, atol=1e-4)
    np.testing.assert_allclose(states[..., D], weights, atol=1e-4)
    scores = predictions[-1] @ unit[1 : V + 1].T / 0.1 + weights[-1][:, None]
    found = model.score({"item_ids": IDS})
    np.testing.assert_allclose(found[0, 1:], scores.max(axis=0), atol=1e-4)
    assert found[0, 0] == 0
    assert model.active_interest({"item_ids": IDS})[0, -1] == scores.max(axis=1).argmax()


@pytest.mark.backends
def test_the_loss_is_that_of_a_mixture_of_softmaxes(model):
    task = MultiInterestTask(model)
    inputs, targets, weights = NextItemBatches(make_histories(IDS[:, 2:].tolist()), L, 2, seed=0)[0]
    states = task(inputs)
    found = float(to_numpy(task.compute_loss(inputs, targets, states, weights)))
    states = to_numpy(states).reshape(-1, K, D + 1)[inputs["positions"]]
    table = to_numpy(model.item_embedding.catalogue())
    lost = []
    for state, target in zip(states[weights > 0], targets[weights > 0], strict=True):
        chance = 0.0
        for interest in state:
            exps = np.exp(interest[:D] @ table.T)
            chance += np.exp(interest[D]) * exps[target - 1] / exps.sum()
        lost.append(-np.log(chance))
    assert found == pytest.approx(np.mean(lost), rel=1e-4) and len(lost) == 4


def test_some_items_score_as_in_the_whole_catalogue(model):
    whole = model.score({"item_ids": IDS})
    some = model.score({"item_ids": IDS}, np.array([7, 2]))
    np.testing.assert_allclose(some, whole[:, [7, 2]], atol=1e-5)


def test_it_saves_loads_and_grows(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    before = model.score({"item_ids": IDS})
    np.testing.assert_allclose(loaded.score({"item_ids": IDS}), before, atol=1e-6)
    larger = rm.grow(model, 2).score({"item_ids": IDS})
    np.testing.assert_allclose(larger[:, : V + 1], before, atol=1e-5)
    assert larger.shape == (2, V + 3) and not can(model, HasVectors)


def test_half_precision_stays_finite():
    scores = make(dtype="mixed_bfloat16").score({"item_ids": IDS})
    assert scores.dtype == np.float32 and np.isfinite(scores).all()


@pytest.mark.parametrize(
    "options",
    [
        {"num_interests": 0},
        {"temperature": 0.0},
        {"temperature": None},
        {"temperature": "0.1"},
        {"width": "8"},
        {"max_length": 0},
        {"num_items": 0},
    ],
)
def test_impossible_settings_are_refused(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        MultiInterest(**{"num_items": V, **options})


def test_an_unknown_argument_is_named_with_those_that_there_are():
    told = (
        r"MultiInterest has no argument `item_columns`; it has \['num_items', 'num_interests', "
        r"'max_length', 'width', 'dropout', 'temperature'\], and those of a Keras model.*Received: "
        "item_columns={}"
    )
    with pytest.raises(ValueError, match=told):
        MultiInterest(V, item_columns={})
    assert MultiInterest(V, name="mine", dtype="float32", trainable=False).name == "mine"


def test_active_interest_of_padding_and_of_events_too_old_is_none(model):
    history = np.arange(1, 10, dtype=np.int32)[None]
    active = model.active_interest({"item_ids": np.pad(history, ((0, 0), (1, 0)))})
    assert (active[0, :3] == -1).all() and (active[0, 3:] >= 0).all()


def chains(users, length, seed):
    """Item i leads to i + 1 or to i - 1, of 9 items in a ring; the direction changes at half."""
    rng = np.random.default_rng(seed)
    steps = np.repeat(rng.choice([-1, 1], (users, 1)), length, axis=1)
    steps[:, length // 2 :] *= -1
    return (np.cumsum(steps, axis=1) + rng.integers(9, size=(users, 1))) % 9 + 1


def turning_model():
    """Interest 0 turns the vector of an item by 40 degrees, interest 1 turns it back."""
    model = MultiInterest(9, 2, max_length=15, width=2)
    model.build()
    angles = np.deg2rad(40 * np.arange(12))
    model.item_embedding.table.assign(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    cos, sin = np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40))
    turn = np.array([[cos, sin], [-sin, cos]])  # Row vectors times this matrix turn by 40 degrees.
    # gelu(x) - gelu(-x) = x, so that the network is the linear map.
    zeros = np.zeros((2, 4))
    hidden = np.concatenate([np.eye(2), -np.eye(2), zeros], axis=1)
    model.hidden.set_weights([hidden, np.zeros(8)])
    maps = np.concatenate([turn, turn.T], axis=1)
    model.predict_next.set_weights([np.concatenate([maps, -maps, zeros, zeros]), np.zeros(4)])
    return model


@pytest.mark.backends
def test_the_active_interest_switches_soon_after_the_direction():
    histories = chains(50, 16, seed=1)  # The event of column 8 is the first after the change.
    model = turning_model()
    active = model.active_interest({"item_ids": histories.astype(np.int32)[:, :15]})
    upwards = (histories[:, 2] - histories[:, 1]) % 9 == 1
    first, second = np.where(upwards, 0, 1)[:, None], np.where(upwards, 1, 0)[:, None]
    assert (active[:, 1:8] == first).all()
    assert (active[:, 12:] == second).all()
    scores = model.score({"item_ids": histories.astype(np.int32)[:, :15]})
    assert (scores[:, 1:].argmax(axis=1) + 1 == histories[:, 15]).all()


@pytest.fixture(scope="module")
def trained():
    log = make_log(chains(60, 16, seed=0).tolist())
    data = rm.prepare(rm.leave_one_out(log), protocol=rm.Protocol(filter_seen=False))
    model = MultiInterest(data.num_items, 2, max_length=15, width=8, dropout=0.0)
    curve = rm.fit(model, data, epochs=8, learning_rate=0.02, patience=None, verbose=False)
    return data, model, curve


@pytest.mark.slow
def test_it_learns_two_directions_of_a_ring(trained):
    data, model, curve = trained
    # Two items may follow each, so that ln 2 = 0.69 is what a model without a history reaches.
    assert curve.rows[-1]["loss"] < 0.5 * curve.rows[0]["loss"]
    assert rm.evaluate(model, data.test, ks=(2,)).metrics["hr@2"] > 0.9


def test_a_recommender_and_its_export_answer_alike(trained, tmp_path):
    import tensorflow as tf

    data, model, _ = trained
    recommender = rm.Recommender(model, data)
    folder = recommender.save(tmp_path / "bundle")
    answer = recommender.recommend([3, 4, 5], k=3).items
    assert rm.Recommender.load(folder).recommend([3, 4, 5], k=3).items == answer
    served = tf.saved_model.load(str(export_saved_model(recommender, tmp_path / "served")))
    none = tf.constant([], tf.int64)
    found = served.recommend(tf.constant([[3, 4, 5]], tf.int64), 3, none, none)
    assert found["items"].numpy()[0].tolist() == answer
