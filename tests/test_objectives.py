"""Options of the objective of causal encoders: label smoothing and a contrastive loss."""

from dataclasses import asdict
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from harness import make_histories, random_lists, to_numpy

from recmodels.features.batches import NextItemBatches
from recmodels.layers.fast import fast_layers
from recmodels.models.sasrec import SASRec
from recmodels.tasks.build import next_item_job
from recmodels.tasks.contrast import Contrast, last_targets
from recmodels.tasks.losses import contrastive, full_softmax
from recmodels.tasks.next_item import NextItem
from recmodels.training.fit import fit
from recmodels.training.settings import Training

pytestmark = pytest.mark.backends

V, L, D, N = 6, 5, 8, 4
RNG = np.random.default_rng(0)
STATES, TABLE = RNG.normal(size=(N, D)), RNG.normal(size=(V, D))
TARGETS, WEIGHTS = np.array([3, 1, 6, 3], np.int32), np.array([1, 1, 0, 2], np.float32)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def tensors(*arrays):
    cast = (a.astype("float32") if a.dtype.kind == "f" else a for a in arrays)
    return [keras.ops.convert_to_tensor(array) for array in cast]


@pytest.mark.parametrize("fast", [True, False])
def test_label_smoothing_is_the_cross_entropy_against_a_mixed_target(fast):
    wanted = 0.8 * np.eye(V)[TARGETS - 1] + 0.2 / V
    each = -(wanted * log_softmax(STATES @ TABLE.T)).sum(axis=1)
    with fast_layers(fast):
        found = full_softmax(*tensors(STATES, TARGETS, WEIGHTS, TABLE), label_smoothing=0.2)
    assert float(found) == pytest.approx((WEIGHTS * each).sum() / WEIGHTS.sum(), rel=1e-5)


def test_label_smoothing_of_zero_is_the_plain_loss_exactly():
    given = tensors(STATES, TARGETS, WEIGHTS, TABLE)
    assert float(full_softmax(*given, label_smoothing=0.0)) == float(full_softmax(*given))


def contrastive_by_loops(views, labels, temperature):
    losses = []
    for i in range(len(views)):
        others = [j for j in range(len(views)) if j != i]
        logs = log_softmax(np.array([views[i] @ views[j] / temperature for j in others]))
        same = [logs[k] for k, j in enumerate(others) if labels[j] == labels[i]]
        losses.append(-np.mean(same))
    return np.mean(losses)


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2], [7, 7, 2, 7, 7, 2]])
def test_contrastive_equals_loops_over_pairs_of_views(labels):
    views = RNG.normal(size=(6, 3))
    found = contrastive(*tensors(views, np.array(labels, np.int32)), temperature=0.5)
    assert float(found) == pytest.approx(contrastive_by_loops(views, labels, 0.5), rel=1e-5)


def test_views_of_windows_with_one_target_are_positives_of_each_other():
    first, second = RNG.normal(size=(2, 3, D))
    targets = np.array([4, 0, 4], np.int32)  # The second window asks for nothing.
    views = np.concatenate([first, second])
    for positives, labels in (("target", [4, -2, 4]), ("window", [0, 1, 2])):
        contrast = Contrast(weight=0.3, positives=positives, temperature=2.0)
        found = contrast.loss(*tensors(first, second, targets))
        expected = 0.3 * contrastive_by_loops(views, labels + labels, 2.0)
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_last_targets_are_those_of_the_last_position_of_each_row():
    # Three rows of four positions; the last row asks for nothing at its last one, 11.
    positions = np.array([0, 3, 6, 7, 10, 0, 0], np.int32)
    targets, weights = np.array([9, 5, 1, 2, 8, 1, 1], np.int32), np.float32([1] * 5 + [0] * 2)
    found = last_targets(*tensors(positions, targets, weights), 3, 4)
    assert to_numpy(found).tolist() == [5, 2, 0]


def first_batch():
    histories = make_histories(random_lists(8, L + 1, V))
    return keras.tree.map_structure(
        keras.ops.convert_to_tensor, NextItemBatches(histories, L, 8, 0)[0]
    )


def test_contrast_is_added_in_training_only():
    task = NextItem(SASRec(V, L, D, dropout=0.0), contrast=Contrast(0.5, "target"))
    task.build()
    inputs, targets, weights = first_batch()
    states = task(inputs, training=True)
    plain = NextItem(task.encoder).compute_loss(inputs, targets, states, weights)
    last = to_numpy(states)[:, -1]  # Without dropout both views are equal.
    rows, length = states.shape[:2]
    asked = last_targets(inputs["positions"], targets, weights, rows, length)
    labels = to_numpy(asked).tolist()
    assert 0 not in labels and len(set(labels)) < len(labels)
    added = 0.5 * contrastive_by_loops(np.concatenate([last, last]), labels + labels, 1.0)
    found = task.compute_loss(inputs, targets, states, weights, training=True)
    still = task.compute_loss(inputs, targets, states, weights, training=False)
    found, plain, still = (float(to_numpy(loss)) for loss in (found, plain, still))
    assert found == pytest.approx(plain + added, rel=1e-5)
    assert still == pytest.approx(plain, rel=1e-6)


def test_options_are_part_of_the_config_and_thus_of_a_checkpoint():
    task = NextItem(SASRec(V, L, D), label_smoothing=0.1, contrast=Contrast(0.2))
    config = task.get_config()
    assert config["label_smoothing"] == 0.1 and config["contrast"] == asdict(Contrast(0.2))
    again = NextItem.from_config(config)
    assert again.contrast == task.contrast and again.label_smoothing == 0.1
    assert not {"label_smoothing", "contrast"} & set(NextItem(SASRec(V, L, D)).get_config())


@pytest.mark.slow
def test_a_compiled_training_with_both_options_lowers_the_loss():
    chains = [[(start + step) % V + 1 for step in range(L + 1)] for start in range(V)] * 8
    data = SimpleNamespace(train=make_histories(chains), num_items=V)
    options = {"label_smoothing": 0.1, "contrast": Contrast(0.1)}
    job = next_item_job(SASRec(V, L, D, num_blocks=1), data, 0, **options)
    training = Training(epochs=4, learning_rate=0.02)
    losses = [row["loss"] for row in fit(job.task, job.batches, training, verbose=False).rows]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"label_smoothing": "much"}, "label_smoothing"),
        ({"label_smoothing": 0.1, "loss": "bce"}, "label_smoothing"),
        ({"label_smoothing": 0.1, "loss": "in_batch"}, "loss"),
        ({"contrast": Contrast(), "loss": "in_batch"}, "loss"),
        ({"contrast": 0.1}, "contrast"),
        ({"contrast": {"wait": 0.1}}, "contrast"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, named):
    data = SimpleNamespace(train=make_histories([[1, 2, 3]]), num_items=V)
    with pytest.raises(ValueError, match=f"`{named}` must"):
        next_item_job(SASRec(V, L, D), data, 0, **options)


def test_a_contrast_without_dropout_is_refused():
    data = SimpleNamespace(train=make_histories([[1, 2, 3]]), num_items=V)
    with pytest.raises(ValueError, match="`contrast` must come with a model that has dropout"):
        next_item_job(SASRec(V, L, D, dropout=0.0), data, 0, contrast=Contrast())


def test_impossible_contrasts_are_refused():
    for options in ({"weight": 0}, {"temperature": -1.0}, {"positives": "item"}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must"):
            Contrast(**options)


def test_label_smoothing_of_items_with_columns_is_refused():
    encoder = SASRec(V, L, D, item_columns={"text": {"numbers": 3}})
    task = NextItem(encoder, label_smoothing=0.1)
    task.build()
    inputs, targets, weights = first_batch()
    with pytest.raises(ValueError, match="`label_smoothing` must be 0"):
        task.compute_loss(inputs, targets, task(inputs), weights)
