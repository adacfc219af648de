"""A sequence encoder trained on the candidates of its batch."""

import keras
import numpy as np
import pytest
from harness import make_histories, random_lists, to_numpy

from recmodels import api
from recmodels.features.batches import NextItemBatches
from recmodels.features.sequences import Queries, SequenceData
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.sasrec import SASRec
from recmodels.tasks.build import IN_BATCH
from recmodels.tasks.next_retrieval import NextRetrieval

V, T = 7, 5


def make_task(train, **options):
    keras.utils.set_random_seed(0)
    task = NextRetrieval(SASRec(V, max_length=T, width=8, dropout=0.0), **options)
    task.retrieval.adapt(train)
    return task


def loss_of(task, inputs, targets, weights):
    states = task(inputs)
    return float(to_numpy(task.compute_loss(inputs, targets, states, weights)))


@pytest.mark.backends
def test_places_that_fill_up_change_nothing():
    train = make_histories(random_lists(4, 6, V))
    task = make_task(train)
    inputs, targets, weights = NextItemBatches(train, T, 4, seed=0)[0]
    real = weights > 0
    full = loss_of(task, inputs, targets, weights)
    short = {**inputs, "positions": inputs["positions"][real]}
    assert full == pytest.approx(loss_of(task, short, targets[real], weights[real]), rel=1e-5)
    padded = {**inputs, "positions": np.append(inputs["positions"], [0] * 8).astype(np.int32)}
    more = np.append(targets, [V] * 8).astype(np.int32)
    assert full == pytest.approx(
        loss_of(task, padded, more, np.append(weights, [0.0] * 8).astype(np.float32)), rel=1e-5
    )


@pytest.mark.backends
def test_loss_by_hand():
    train = make_histories([[1, 2, 3], [2, 3, 3, 1]])
    task = make_task(train)
    inputs, targets, weights = NextItemBatches(train, T, 2, seed=0)[0]
    real = np.flatnonzero(weights)
    states = to_numpy(task(inputs)).reshape(-1, 8)[inputs["positions"]]
    table = to_numpy(task.encoder.item_embedding.catalogue())
    shares = np.log(np.maximum(train.item_counts(V), 1) / 7)  # Seven events in all.
    losses = []
    for n in real:
        logits = [states[n] @ table[targets[m] - 1] - shares[targets[m]] for m in real]
        kept = [logits[j] for j, m in enumerate(real) if m == n or targets[m] != targets[n]]
        losses.append(np.logaddexp.reduce(kept) - logits[list(real).index(n)])
    assert loss_of(task, inputs, targets, weights) == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize("most", [16, 32])
def test_positions_are_drawn_over_all_windows(most):
    train = make_histories(random_lists(30, 6, V))
    batches = NextItemBatches(train, T, 30, seed=0, max_positions=most)
    drawn = [batches[0][0]["positions"]]
    batches.on_epoch_end()
    drawn.append(batches[0][0]["positions"])
    for positions in drawn:
        assert len(positions) == len(np.unique(positions)) == most
        assert len(np.unique(positions // T)) > most / 3
    assert not np.array_equal(*drawn)
    inputs, targets, _ = batches[0]
    ends = inputs["item_ids"].ravel()[inputs["positions"] + 1 - (inputs["positions"] % T == T - 1)]
    inner = inputs["positions"] % T < T - 1
    np.testing.assert_array_equal(targets[inner], ends[inner])  # The target is what comes next.


def test_fewer_positions_than_the_most_are_filled_up():
    train = make_histories(random_lists(3, 6, V))
    _, targets, weights = NextItemBatches(train, T, 3, seed=0, max_positions=64)[0]
    assert len(targets) == 64 and weights.sum() == 15


@pytest.mark.slow
@pytest.mark.parametrize("loss", IN_BATCH)
def test_fit_learns_a_ring(loss):
    rows = [[(start + t) % V + 1 for t in range(6)] for start in range(V) for _ in range(3)]
    train = make_histories(rows)
    last = np.array([row[-1] for row in rows])
    queries = Queries(train, np.arange(len(rows)), (last % V + 1).astype(np.int32), last > 0)
    data = SequenceData(Vocabulary(np.arange(V)), train, queries, None, "ring")
    keras.utils.set_random_seed(0)
    model = SASRec(V, max_length=T, width=8, num_blocks=1, dropout=0.0)
    training = {"epochs": 15, "learning_rate": 0.05, "verbose": False}
    curve = api.fit(model, data, loss=loss, filter_seen=False, max_positions=128, **training)
    assert curve.best["score"] > 0.9


def test_config_round_trip():
    task = make_task(make_histories([[1, 2]]), correct_sampling=False)
    again = NextRetrieval.from_config(task.get_config())
    assert again.get_config() == task.get_config() and not again.retrieval.correct_sampling
