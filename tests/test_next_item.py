import keras
import numpy as np
import pytest
from harness import make_histories, random_lists, to_numpy

from recmodels.features.batches import NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.models.sasrec import SASRec
from recmodels.tasks.losses import LOSSES
from recmodels.tasks.next_item import GATHERED_LOSSES, NextItem, compact_item_ids
from recmodels.training.settings import Training, make_optimizer

pytestmark = pytest.mark.backends

V, L, D = 10, 5, 8
LISTS = random_lists(8, L + 1, V)


def first_batch(negatives=True):
    """As tensors, which is how Keras hands a batch to a task."""
    sampler = NegativeSampler(np.ones(V), num_negatives=4) if negatives else None
    batches = NextItemBatches(make_histories(LISTS), L, 8, 0, negatives=sampler)
    return keras.tree.map_structure(keras.ops.convert_to_tensor, batches[0])


def make_task(loss, dropout=0.2):
    task = NextItem(SASRec(V, max_length=L, width=D, dropout=dropout), loss)
    task.build()
    return task


def catalogue_of(task):
    return to_numpy(task.encoder.item_embedding.table)[1 : V + 1]


def compile_for_one_step(task):
    compiled = keras.backend.backend() == "jax"  # Where a step without it is slower still.
    optimizer = make_optimizer(Training(learning_rate=0.01), 1)
    task.compile(optimizer=optimizer, jit_compile=compiled, run_eagerly=not compiled)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_that_of_the_states_at_the_positions(loss):
    task = make_task(loss)
    inputs, targets, weights = first_batch()
    found = task.compute_loss(inputs, targets, task(inputs), weights)
    # By hand: the position p of the flattened matrix is row p // L, place p % L.
    states = to_numpy(task.encoder(inputs))
    rows = np.stack([states[p // L, p % L] for p in to_numpy(inputs["positions"])])
    drawn = {"full_softmax": (), "sampled_softmax": (inputs["negatives"], inputs["log_counts"])}
    rows, table = map(keras.ops.convert_to_tensor, (rows, catalogue_of(task)))
    more = drawn.get(loss, (inputs["negatives"],))
    expected = LOSSES[loss](rows, targets, weights, table, *more)
    assert float(to_numpy(found)) == pytest.approx(float(to_numpy(expected)), rel=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
def test_parts_of_a_batch_come_back_in_order(rows):
    task = make_task("full_softmax", dropout=0.0)
    item_ids = first_batch()[0]["item_ids"][:rows]
    whole = to_numpy(task.encoder({"item_ids": item_ids}))
    found = to_numpy(task({"item_ids": item_ids}, training=True))
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_parts_of_a_batch_drop_differently():
    task = make_task("full_softmax", dropout=0.5)
    item_ids = keras.ops.convert_to_tensor(np.tile(np.arange(1, 5, dtype=np.int32), (8, 1)))
    states = to_numpy(task({"item_ids": item_ids}, training=True))
    assert len(np.unique(states.reshape(8, -1).round(5), axis=0)) == 8


@pytest.mark.parametrize("loss", LOSSES)
def test_one_step_moves_every_weight(loss):
    task = make_task(loss)
    compile_for_one_step(task)
    before = [to_numpy(w) for w in task.trainable_weights]
    assert len(before) == 36 and sum(w.size for w in before) == 1088
    reported = task.train_on_batch(*first_batch())
    assert np.isfinite(reported)
    for weight, old in zip(task.trainable_weights, before, strict=True):
        # The bias of the keys is the exception: softmax does not see it.
        if "project_keys/bias" not in weight.path:
            assert np.abs(to_numpy(weight) - old).max() > 1e-3, weight.path


def test_padding_and_special_rows_are_not_changed():
    task = make_task("full_softmax")
    compile_for_one_step(task)
    before = to_numpy(task.encoder.item_embedding.table)
    task.train_on_batch(*first_batch())
    moved = np.abs(to_numpy(task.encoder.item_embedding.table) - before).max(axis=1)
    assert (moved[[0, V + 1, V + 2]] == 0).all() and (moved[1 : V + 1] > 0).all()


def test_saved_and_reloaded_task_scores_the_same(tmp_path):
    task = make_task("gbce")
    task.save(tmp_path / "task.keras")
    loaded = keras.models.load_model(tmp_path / "task.keras")
    assert loaded.objective == "gbce" and loaded.get_config() == task.get_config()
    queries = {"item_ids": np.array([[0, 2, 3, 4, 5]], np.int32)}
    np.testing.assert_allclose(
        loaded.encoder.score(queries), task.encoder.score(queries), atol=1e-6
    )


def test_full_softmax_ignores_negatives():
    task = make_task("full_softmax")
    inputs, targets, weights = first_batch()
    with_them = task.compute_loss(inputs, targets, task(inputs), weights)
    inputs, targets, weights = first_batch(negatives=False)
    without = task.compute_loss(inputs, targets, task(inputs), weights)
    assert float(to_numpy(with_them)) == pytest.approx(float(to_numpy(without)))


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "full_softmax"])
def test_missing_negatives_are_named(loss):
    task = make_task(loss)
    inputs, targets, weights = first_batch(negatives=False)
    with pytest.raises(ValueError, match=f"`loss` '{loss}' needs negatives: .*NegativeSampler"):
        task.compute_loss(inputs, targets, task(inputs), weights)


def test_unknown_loss_is_refused():
    with pytest.raises(ValueError, match="`loss` must be one of .* Received: loss='mse'"):
        make_task("mse")


def test_compact_item_ids_by_hand():
    # The list is 7 2 | 2 9: item 2 stands last in place 3.
    targets, negatives = np.array([7, 2], np.int32), np.array([[2, 9]], np.int32)
    found = [
        to_numpy(x).tolist()
        for x in compact_item_ids(*map(keras.ops.array, (targets, negatives)), 9)
    ]
    assert found == [[1, 3], [[3, 4]], [7, 2, 2, 9]]


@pytest.mark.slow
@pytest.mark.parametrize("loss", GATHERED_LOSSES)
@pytest.mark.parametrize("temperature", [None, 0.5])
def test_looking_up_a_few_items_is_learning_from_all(monkeypatch, loss, temperature):
    many = 100  # More than 16 groups of 4 negatives.
    lists = random_lists(8, L + 1, V)  # Of the first ten items: many of them come twice.
    sampler = NegativeSampler(np.r_[np.ones(V), np.zeros(many - V)], num_negatives=4, power=1.0)
    batches = NextItemBatches(make_histories(lists), L, 8, 0, negatives=sampler)
    tables = []
    for looks_up in (None, False):
        keras.utils.set_random_seed(0)
        encoder = SASRec(many, max_length=L, width=D, dropout=0.0, temperature=temperature)
        task = NextItem(encoder, loss)
        task.build()
        batch = keras.tree.map_structure(keras.ops.convert_to_tensor, batches[0])
        assert task._looks_up(batch[0])
        if looks_up is False:
            monkeypatch.setattr(task, "_looks_up", lambda drawn: False)
        compile_for_one_step(task)
        losses = [float(task.train_on_batch(*batch)) for _ in range(2)]
        tables.append((losses, to_numpy(encoder.item_embedding.table)))
    np.testing.assert_allclose(*(losses for losses, _ in tables), rtol=1e-5)
    np.testing.assert_allclose(*(table for _, table in tables), atol=1e-5)
