"""Weights that no gradient moves, such as moving averages, belong to the state of a training."""

import keras
import numpy as np
import pytest
from harness import SmallEncoder, make_histories, random_lists, to_numpy

from recmodels.features.batches import NextItemBatches
from recmodels.layers.fast import fast_layers
from recmodels.tasks.next_item import NextItem
from recmodels.training.checkpoints import load_checkpoint, save_checkpoint
from recmodels.training.fit import fit
from recmodels.training.settings import Training

pytestmark = [pytest.mark.backends, pytest.mark.usefixtures("eagerly")]

V = 8
LISTS = random_lists(16, 5, V)
OPTIONS = {"learning_rate": 0.01, "patience": None}


def train(epochs, scores, **options):
    """A task trained with fixed scores, and what its weights were at each validation."""
    task, seen, scores = NextItem(SmallEncoder(V)), [], iter(scores)

    def measure():
        seen.append([to_numpy(weight) for weight in task.weights])
        return next(scores)

    batches = NextItemBatches(make_histories(LISTS), 4, 8, seed=5)
    training = Training(epochs=epochs, **OPTIONS)
    fit(task, batches, training, measure=measure, verbose=False, **options)
    return task, seen


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_resumed_run_has_the_moving_averages_of_the_uninterrupted_one(tmp_path):
    path, scores = tmp_path / "run.npz", [0.1, 0.2, 0.3, 0.4]
    whole, seen = train(4, scores)
    with pytest.raises(StopIteration):
        train(4, scores[:2], checkpoint=path)
    assert len(load_checkpoint(path)[0]["rows"]) == 2
    resumed, later = train(4, scores[2:], checkpoint=path)
    assert len(later) == 2
    assert_same(resumed.weights, whole.weights)
    moved = [np.abs(a - b).max() for a, b in zip(seen[1], seen[3], strict=True)]
    assert min(moved[-2:]) > 1e-3  # The averages are the last two weights.


def test_the_best_epoch_comes_back_with_its_moving_averages():
    task, seen = train(3, [0.1, 0.3, 0.2])
    assert_same(task.weights, seen[1])


def test_a_checkpoint_with_only_trainable_weights_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    task, _ = train(1, [0.1], checkpoint=path)
    state, arrays = load_checkpoint(path)
    trainable = len(task.trainable_weights)
    save_checkpoint(path, state, {**arrays, "weights": arrays["weights"][:trainable]})
    with pytest.raises(ValueError, match="an older version that held trainable weights alone"):
        train(1, [0.1], checkpoint=path)


def test_statistics_are_those_of_the_whole_batch_in_the_fast_form_too():
    found = []
    for fast in (True, False):
        keras.utils.set_random_seed(0)
        encoder = SmallEncoder(V)
        encoder.drop.rate = 0.0
        task = NextItem(encoder)
        task.build()
        ids = np.arange(1, 25).reshape(8, 3) % V + 1
        with fast_layers(fast):
            found.append(to_numpy(task({"item_ids": ids}, training=True)))
    np.testing.assert_allclose(*found, atol=1e-5)
