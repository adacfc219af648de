"""A training that goes on later equals one that was never interrupted, also with new items."""

import itertools

import numpy as np
import pytest
from harness import SmallEncoder, make_log, random_lists, to_numpy
from test_api import rated, towers

from recmodels.api import fit
from recmodels.data.splits import leave_one_out
from recmodels.features.sequences import prepare
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.growth import grow
from recmodels.models.sasrec import SASRec
from recmodels.models.two_tower import TwoTower
from recmodels.training.settings import Training, make_optimizer
from recmodels.training.state import moments_of

pytestmark = [pytest.mark.backends, pytest.mark.usefixtures("eagerly")]

LISTS = random_lists(12, 6, 7)
DATA = prepare(leave_one_out(make_log(LISTS)))
V, NEW = DATA.num_items, 2
GROWN = prepare(leave_one_out(make_log([*LISTS, [91, 1, 92, 2, 91]])), vocabulary=DATA.vocabulary)


def sasrec():
    return SASRec(V, 4, 4, num_blocks=1)


def encoder():
    return SmallEncoder(V)


def train(model, data=DATA, epochs=2, **options):
    """A training whose last epoch is always the best."""
    if not isinstance(model, TwoTower):
        options = {"loss": "bce", "num_negatives": 2, **options}
    rising = itertools.count().__next__
    options = {"learning_rate": 0.01, "verbose": False, "measure": rising, **options}
    return fit(model, data, epochs=epochs, **options)


def weights_of(model):
    return [to_numpy(weight) for weight in model.weights]


def largest_difference(first, second):
    pairs = zip(weights_of(first), weights_of(second), strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


MODELS = {
    "sequences": (sasrec, DATA, {}),
    "adagrad": (encoder, DATA, {"optimiser": "adagrad"}),
    "towers": (lambda: towers(popularity=True), rated(), {"batch_size": 16}),
}


@pytest.mark.parametrize("kind", MODELS)
def test_two_epochs_and_two_later_ones_are_four(kind):
    make, data, options = MODELS[kind]
    whole, parts, cold = make(), make(), make()
    curve = train(whole, data, epochs=4, **options)
    for model in (parts, cold):
        train(model, data, **options)
    rest = train(parts, data, warm_start=True, **options)
    assert [row["epoch"] for row in rest.rows] == [3, 4]
    for ours, theirs in zip(rest.rows, curve.rows[2:], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert largest_difference(whole, parts) < 1e-6
    # A new optimiser has no moments, and sees the batches of the first epochs again.
    train(cold, data, **options)
    assert largest_difference(whole, cold) > 1e-3


def test_moments_of_the_optimiser_change_a_warm_start():
    models = [encoder(), encoder()]
    for model in models:
        train(model)
    state = models[1].training_state
    for moment in state.moments:
        moment[...] = 0
    for model in models:
        train(model, warm_start=True)
    assert largest_difference(*models) > 1e-3


def test_a_warm_start_says_nothing_and_can_be_repeated(capsys):
    model = encoder()
    train(model)
    for epochs in ([3, 4], [5, 6]):
        assert [row["epoch"] for row in train(model, warm_start=True).rows] == epochs
    assert capsys.readouterr().err == ""


def test_after_growth_old_items_keep_their_moments_and_new_ones_have_none():
    model = encoder()
    train(model)
    larger = grow(model, NEW)
    optimizer = make_optimizer(Training(), 1)
    optimizer.build(larger.trainable_variables)
    larger.training_state.restore(optimizer, larger.trainable_variables, larger)
    table = model.training_state.moments[0]
    grown = to_numpy(moments_of(optimizer)[0])
    assert table.shape == (V + 3, 4) and grown.shape == (V + NEW + 3, 4)
    assert np.abs(table[1 : V + 1]).min() > 0
    np.testing.assert_array_equal(grown[: V + 1], table[: V + 1])
    np.testing.assert_array_equal(grown[V + 1 + NEW :], table[V + 1 :])  # Unknown and mask.
    assert not grown[V + 1 : V + 1 + NEW].any()
    for old, new in zip(model.training_state.moments, moments_of(optimizer), strict=True):
        if old.shape == tuple(new.shape):
            np.testing.assert_array_equal(to_numpy(new), old)
    assert int(optimizer.iterations) == model.training_state.steps > 0


def test_a_grown_model_is_trained_on_the_grown_log():
    assert GROWN.num_items == V + NEW
    model = encoder()
    train(model)
    larger = grow(grow(model, 1), NEW - 1)
    before = to_numpy(larger.item_embedding.table)
    curve = train(larger, GROWN, warm_start=True)
    assert [row["epoch"] for row in curve.rows] == [3, 4]
    assert np.abs(to_numpy(larger.item_embedding.table) - before)[V + 1].max() > 1e-3
    assert larger.training_state.num_items == V + NEW


def test_trained_towers_keep_what_they_learnt_of_popularity():
    model = towers(popularity=True)
    train(model, rated(), batch_size=16)
    learnt = to_numpy(model.item_weights)
    model.adapt(rated().train)
    np.testing.assert_array_equal(to_numpy(model.item_weights), learnt)


def test_a_schedule_covers_the_epochs_of_the_later_training():
    training = Training(learning_rate=0.1, schedule="cosine")
    first, later = make_optimizer(training, 100), make_optimizer(training, 100, begin=40)
    for step in (0, 50, 100):
        rates = first._learning_rate(step), later._learning_rate(step + 40)
        np.testing.assert_allclose(*map(to_numpy, rates), rtol=1e-6)


def test_an_average_starts_from_the_weights_and_takes_over_no_row():
    model = encoder()
    train(model, average=0.5)
    larger = grow(model, NEW)
    train(larger, GROWN, average=0.5, warm_start=True)
    assert all(np.isfinite(weights).all() for weights in weights_of(larger))
    # From zero the average of a row without gradients would lose a half with each step.
    mask = [to_numpy(m.item_embedding.table)[-1] for m in (model, larger)]
    np.testing.assert_allclose(*mask, rtol=1e-5)


def test_a_warm_start_is_resumed_after_a_kill_and_no_other_run(tmp_path):
    whole, killed = encoder(), encoder()
    for model in (whole, killed):
        train(model)
    train(whole, epochs=3, warm_start=True)
    state, path = killed.training_state, tmp_path / "run.npz"

    def kill_in_third(calls=itertools.count()):  # noqa: B008 (one count for all calls)
        if next(calls) == 2:
            raise KeyboardInterrupt
        return 1.0

    options = {"warm_start": True, "checkpoint": path, "epochs": 3, "measure_name": "rising"}
    with pytest.raises(KeyboardInterrupt):
        train(killed, **{**options, "measure": lambda: kill_in_third()})
    killed.training_state = state
    later = itertools.count(5).__next__
    curve = train(killed, **{**options, "measure": lambda: later()})
    assert [row["epoch"] for row in curve.rows] == [3, 4, 5]
    assert largest_difference(whole, killed) < 1e-6
    with pytest.raises(ValueError, match="epochs before"):
        train(killed, **{**options, "warm_start": False, "measure": lambda: later()})


def diverged():
    model = encoder()
    train(model)
    with pytest.raises(FloatingPointError):
        train(model, learning_rate=1e38, loss="full_softmax")
    return model


def trained():
    model = encoder()
    train(model)
    return model


REFUSED = {
    "untrained": (encoder, DATA, {}, "without a training state"),
    "after a divergence": (diverged, DATA, {}, "without a training state"),
    "another optimiser": (trained, DATA, {"optimiser": "adagrad"}, "needs the optimiser, task"),
    "not grown": (trained, GROWN, {}, "num_items"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_go_on_says_so(name):
    make, data, options, message = REFUSED[name]
    model = make()
    with pytest.raises(ValueError, match=message):
        train(model, data, warm_start=True, **options)


def test_counted_models_learn_anew():
    with pytest.raises(ValueError, match="constructors.*warm_start"):
        fit(BPRMF(), DATA, warm_start=True)


def test_another_table_is_refused():
    model, other = encoder(), SmallEncoder(V, width=8)
    train(model)
    other.training_state = model.training_state
    with pytest.raises(ValueError, match="moments of shapes"):
        train(other, warm_start=True)
