from dataclasses import replace

import keras
import numpy as np
import pytest
from harness import make_histories, make_log

import recmodels as rm
from recmodels.features.negatives import NegativeSampler
from recmodels.features.parallel_batches import ParallelBatches
from recmodels.models.families import FAMILIES
from recmodels.tasks.build import JOBS
from recmodels.tasks.next_item import NextItem
from recmodels.tasks.parallel_next_item import ParallelNextItem

LISTS = [[5, 3, 8, 2], [9], [7, 1], [4, 6, 10]]  # Six targets.


def lanes_of(batches):
    """The items, targets and beginnings of each lane."""
    steps = [batches[index] for index in range(len(batches))]
    ids = np.hstack([inputs["item_ids"] for inputs, _, _ in steps])
    begins = np.stack([inputs["begins"] for inputs, _, _ in steps], axis=1)
    targets = np.stack([y[weights > 0] for _, y, weights in steps], axis=1)
    return ids, targets, begins


def test_lanes_follow_the_histories():
    ids, targets, begins = lanes_of(ParallelBatches(make_histories(LISTS), 2, seed=0))
    assert ids.shape == targets.shape == begins.shape == (2, 3) and begins[:, 0].all()
    after = {a: b for items in LISTS for a, b in zip(items, items[1:], strict=False)}
    assert {a: b for a, b in zip(ids.ravel(), targets.ravel(), strict=True)} == after
    firsts = {items[0] for items in LISTS}
    for row, following, new in zip(ids, targets, begins, strict=True):
        for step in range(1, 3):
            assert new[step] == (row[step] in firsts)
            assert new[step] or row[step] == following[step - 1]


def test_epochs_have_other_orders_and_equally_many_steps():
    batches = ParallelBatches(make_histories(LISTS), 4, seed=0)
    assert len(batches) == 1  # Two of the six targets are left out.
    orders = set()
    for epoch in range(8):
        batches.set_epoch(epoch)
        assert len(batches) == 1
        orders.add(tuple(lanes_of(batches)[0].ravel()))
    assert len(orders) >= 3
    again = ParallelBatches(make_histories(LISTS), 4, seed=0, epoch=7)
    np.testing.assert_array_equal(lanes_of(batches)[0], lanes_of(again)[0])


def test_columns_and_negatives_are_those_of_the_events():
    plain = make_histories(LISTS)
    histories = replace(plain, columns={"twice": 2 * plain.items})
    sampler = NegativeSampler(np.ones(10), 3)
    inputs, _, weights = ParallelBatches(histories, 2, 0, sampler, ("twice",))[1]
    np.testing.assert_array_equal(inputs["twice"], 2 * inputs["item_ids"])
    assert inputs["negatives"].shape == (16, 3) and weights.sum() == 2


def test_more_lanes_than_targets_are_refused():
    with pytest.raises(ValueError, match="`batch_size` must be at most"):
        ParallelBatches(make_histories(LISTS), 7, seed=0)


@pytest.mark.backends
@pytest.mark.parametrize("family", ["simple-rnn", "lstm", "gru4rec"])
def test_steps_with_states_give_the_outputs_and_the_loss_of_whole_histories(family):
    lists = [[1, 2, 3, 4], [5, 6, 1], [3, 7]]  # Six targets: one lane reads all histories.
    histories, encoder = make_histories(lists), FAMILIES[family].build(7, width=4, num_blocks=2)
    task = ParallelNextItem(encoder, 1)
    task.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    task.build()
    batches, got, losses = ParallelBatches(histories, 1, 0), {}, []
    for index in range(6):
        inputs, target, weights = batches[index]
        states = task(inputs, training=False)
        got[(int(inputs["item_ids"][0, 0]), int(target[0]))] = keras.ops.convert_to_numpy(states)
        lost = task.compute_loss(inputs, target, states, weights, training=False)
        losses.append(float(keras.ops.convert_to_numpy(lost)))
    whole = []
    for items in lists:
        ids = np.array([items[:-1]], np.int32)
        expected = encoder({"item_ids": ids}, training=False)
        found = np.concatenate([got[pair] for pair in zip(items, items[1:], strict=False)], axis=1)
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=1e-5)
        positions = np.arange(ids.size, dtype=np.int32)
        inputs = {"item_ids": ids, "positions": positions}
        following, ones = np.array(items[1:], np.int32), np.ones(ids.size, np.float32)
        each = NextItem(encoder).compute_loss(inputs, following, expected, ones, training=False)
        whole += [float(keras.ops.convert_to_numpy(each))] * ids.size
    assert np.mean(losses) == pytest.approx(np.mean(whole), abs=1e-5)


def data_of_pairs(users=60):
    """A log in which each item has one successor."""
    return rm.prepare(
        rm.leave_one_out(make_log([[(u + i) % 6 for i in range(7)] for u in range(users)])),
        protocol=rm.Protocol(filter_seen=False),
    )


@pytest.mark.slow
@pytest.mark.backends
@pytest.mark.parametrize("loss", ["full_softmax", "bce"])
def test_a_training_with_states_learns(loss):
    data, model = data_of_pairs(), FAMILIES["gru4rec"].build(6, width=16, dropout=0.0)
    rm.fit(model, data, windows="parallel", batch_size=12, epochs=12, learning_rate=0.02,
           patience=None, verbose=False, loss=loss, num_negatives=3)  # fmt: skip
    assert rm.evaluate(model, data.test, ks=(1,)).metrics["hr@1"] > 0.95


@pytest.mark.slow
def test_a_training_continues_from_its_checkpoint_to_the_same_weights(tmp_path):
    data = data_of_pairs(20)
    options = {"windows": "parallel", "batch_size": 8, "verbose": False, "patience": None}

    def trained(epochs, **more):
        model = FAMILIES["lstm"].build(6, width=4)
        rm.fit(model, data, epochs=epochs, schedule="constant", **options, **more)
        return model.get_weights()

    class Stop(Exception):
        pass

    def stops(calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 2:
            raise Stop
        return float(len(calls))

    path = tmp_path / "run.npz"
    with pytest.raises(Stop):
        trained(3, checkpoint=path, measure=stops, measure_name="calls")
    counted = iter(range(2, 9))
    resumed = trained(
        3, checkpoint=path, measure=lambda: float(next(counted)), measure_name="calls"
    )
    numbers = iter(range(9))
    whole = trained(3, measure=lambda: float(next(numbers)), measure_name="calls")
    for a, b in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("sasrec", {}, "needs a model that has the capability `Recurrent`"),
        ("gru4rec", {"loss": "in_batch"}, "`loss` must not be one of"),
        ("gru4rec", {"windows": "sideways"}, "`windows` must be one of .*'parallel'"),
        ("gru4rec", {"augment": rm.Augment(crop=0.5)}, "without `augment` and `contrast`"),
        ("gru4rec", {"contrast": {"weight": 0.1}}, "without `augment` and `contrast`"),
    ],
)
def test_what_parallel_steps_cannot_do_is_refused(family, options, message):
    model = FAMILIES[family].build(6, width=4)
    with pytest.raises(ValueError, match=message):
        JOBS["next_item"](model, data_of_pairs(8), 0, **{"windows": "parallel", **options})
