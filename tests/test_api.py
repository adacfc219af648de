"""`fit`: which data and models they take, and what a checkpoint knows of a run."""

import functools
import json
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from harness import make_log, random_lists, to_numpy

from recmodels import api
from recmodels.api import fit
from recmodels.data.splits import leave_one_out
from recmodels.features.histories import Histories
from recmodels.features.sequences import Queries, SequenceData, prepare
from recmodels.features.vocabulary import Vocabulary
from recmodels.layers.tower import Tower
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.sasrec import SASRec
from recmodels.models.two_tower import TwoTower
from recmodels.training.checkpoints import OtherRun, load_checkpoint

pytestmark = pytest.mark.usefixtures("eagerly")

LISTS = random_lists(12, 5, 7)
SPLIT = leave_one_out(make_log(LISTS))
DATA = prepare(SPLIT)
V, U = DATA.num_items, len(DATA.train)
OPTIONS = {"epochs": 1, "filter_seen": False, "verbose": False, "loss": "bce", "num_negatives": 2}


def sasrec(num_items=V, **options):
    return SASRec(num_items, 4, 4, num_blocks=1, **options)


def towers(users=U, items=V, features=None, **options):
    query = Tower(users, 4, num_features=0 if features is None else 1)
    if features is not None:
        query.build()
        query.adapt(np.full((users, 1), features))
    return TwoTower(query, Tower(items, 4), **options)


def rated(values=3.0, data=DATA):
    """The same data with a rating of each training event."""
    train = data.train
    columns = {"value": np.broadcast_to(np.asarray(values, float), train.items.shape).copy()}
    return replace(data, train=Histories(train.users, train.items, train.offsets, columns))


def weights_of(model):
    return [to_numpy(weight) for weight in model.weights]


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def swapped(histories):
    """The same events, but the last two of the last user the other way round."""
    items = histories.items.copy()
    items[-2:] = items[-2:][::-1] + (items[-1] == items[-2])
    return replace(histories, items=items)


def other_targets(queries):
    return replace(queries, targets=queries.targets % V + 1)


OTHER_RUNS = {
    "training data": {"data": replace(DATA, train=swapped(DATA.train))},
    "validation data": {"data": replace(DATA, validation=other_targets(DATA.validation))},
    "filter_seen": {"filter_seen": True},
    "negatives": {"num_negatives": 3},
    "windows": {"windows": "latest"},
    "batch_size, steps": {"batch_size": 2},
    "learning_rate": {"learning_rate": 0.02},
    "seed, seed of batches": {"seed": 1},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Of a finished run with `OPTIONS`."""
    path = tmp_path_factory.mktemp("run") / "run.npz"
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    fit(sasrec(), DATA, checkpoint=path, **OPTIONS)
    tf.config.run_functions_eagerly(False)
    return path


@pytest.mark.parametrize("name", OTHER_RUNS)
def test_a_checkpoint_of_another_run_is_refused_and_kept(name, checkpoint):
    options = {"data": DATA, **OPTIONS, **OTHER_RUNS[name]}
    before = checkpoint.read_bytes()
    with pytest.raises(OtherRun, match=f"with other {name}. Delete it to start afresh, or name"):
        fit(sasrec(), checkpoint=checkpoint, **options)
    assert checkpoint.read_bytes() == before


def test_a_checkpoint_of_the_same_run_is_taken(checkpoint):
    again = prepare(leave_one_out(make_log(LISTS)))  # Equal, but made anew.
    curve = fit(sasrec(), again, checkpoint=checkpoint, **OPTIONS)
    assert curve.rows == load_checkpoint(checkpoint)[0]["rows"]


def test_a_checkpoint_without_a_digest_of_its_data_is_refused(checkpoint, tmp_path):
    stored = dict(np.load(checkpoint))
    state = json.loads(str(stored["state"]))
    kept = {k: v for k, v in state["settings"].items() if " data" not in k and k != "filter_seen"}
    stored["state"] = np.array(json.dumps({**state, "settings": kept}))
    np.savez(tmp_path / "old.npz", **stored)
    with pytest.raises(OtherRun, match="older version.*Delete it or name another file"):
        fit(sasrec(), DATA, checkpoint=tmp_path / "old.npz", **OPTIONS)


def scored(filter_seen):
    return functools.partial(lambda filter_seen: 0.5, filter_seen=filter_seen)


TOWERS = {"epochs": 1, "batch_size": 16, "verbose": False, "measure": scored(True)}
OTHER_TOWER_RUNS = {
    "training data": {"data": rated(4.0)},
    "validation data": {"data": replace(rated(), validation=other_targets(DATA.validation))},
    "measure": {"measure": scored(False)},
    "features": {"model": lambda: towers(features=2.0)},
}


@pytest.mark.parametrize("name", OTHER_TOWER_RUNS)
def test_towers_refuse_a_checkpoint_of_another_run(name, tmp_path):
    path = tmp_path / "run.npz"
    options = {"data": rated(), **TOWERS}
    fit(towers(features=1.0), checkpoint=path, **options)
    changed = {"model": lambda: towers(features=1.0), **options, **OTHER_TOWER_RUNS[name]}
    with pytest.raises(OtherRun, match=f"with other {name}. Delete it"):
        fit(changed.pop("model")(), checkpoint=path, **changed)


def test_digests_of_ten_million_events_take_less_than_a_second():
    items = np.random.default_rng(0).integers(1, 1000, 10**7).astype(np.int32)
    histories = Histories(np.arange(10), items, np.arange(11) * 10**6, {})
    queries = Queries(histories, np.arange(10), np.ones(10, np.int32), np.ones(10, bool))
    began = time.process_time()
    first = queries.identity()
    assert time.process_time() - began < 0.5  # 0.05 s on an idle core.
    items[-1] += 1
    assert queries.identity() != first


class Stopped:
    """In place of the validation: the first epoch is the best, and in the third someone stops."""

    def __init__(self):
        self.seen = []

    def __call__(self, model, data, filter_seen):
        self.seen.append(weights_of(model))
        if len(self.seen) == 3:
            raise KeyboardInterrupt
        return 1 / len(self.seen)


def test_a_stopped_training_leaves_the_best_weights_and_the_curve(monkeypatch, capsys):
    stopped, model = Stopped(), sasrec()
    monkeypatch.setattr(api, "validation_score", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(model, DATA, **{**OPTIONS, "epochs": 5})
    assert_equal(weights_of(model), stopped.seen[0])
    assert [row["score"] for row in model.curve.rows] == [1.0, 0.5]
    assert "The model has the weights of epoch 1; `model.curve`" in capsys.readouterr().err


@pytest.mark.slow
def test_a_stopped_training_with_a_checkpoint_continues_in_the_same_model(
    monkeypatch, tmp_path, capsys
):
    whole = sasrec()
    options = {**OPTIONS, "epochs": 4}
    fit(whole, DATA, **options)
    model, path = sasrec(), tmp_path / "run.npz"
    with monkeypatch.context() as patched:
        patched.setattr(api, "validation_score", Stopped())
        with pytest.raises(KeyboardInterrupt):
            fit(model, DATA, checkpoint=path, **options)
    state, arrays = load_checkpoint(path)
    assert len(state["rows"]) == 2
    curve = fit(model, DATA, checkpoint=path, **options)
    assert len(curve.rows) == 4 and model.curve is curve
    assert "has weights already" not in capsys.readouterr().err
    losses = [row["loss"] for row in curve.rows]
    np.testing.assert_allclose(losses, [row["loss"] for row in whole.curve.rows], rtol=1e-5)


def test_a_second_training_reports_that_it_continues(capsys):
    model = sasrec()
    first = fit(model, DATA, **OPTIONS)
    assert capsys.readouterr().err == ""
    second = fit(model, DATA, **OPTIONS)
    assert second.rows[0]["loss"] < first.rows[0]["loss"]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "training continues from them" in said


@pytest.mark.parametrize("kind", ["sequences", "towers"])
def test_a_model_built_before_trains_like_an_untouched_one(kind):
    found = []
    for early in (False, True):
        keras.utils.set_random_seed(0 if kind == "towers" else 50 + early)
        model = sasrec() if kind == "sequences" else towers()
        if early:
            keras.utils.set_random_seed(51)
            model.build()
        if kind == "sequences":
            fit(model, DATA, **OPTIONS, seed=4)
        else:
            fit(model, DATA, epochs=1, batch_size=16, verbose=False, seed=4)
        found.append(weights_of(model))
    assert_equal(*found)


def test_counted_models_are_fitted_by_the_same_call():
    model = BPRMF(width=4, epochs=1)
    curve = fit(model, DATA)
    twin = BPRMF(width=4, epochs=1).fit(DATA.train, DATA.num_items)
    np.testing.assert_array_equal(model.item_vectors, twin.item_vectors)
    assert curve.rows == [] and curve.best is None


BAD = {
    "a log": (lambda: fit(sasrec(), make_log(LISTS)), "`data` must come from `prepare`"),
    "a split": (lambda: fit(sasrec(), SPLIT), "`data` must come from `prepare`"),
    "a log for towers": (lambda: fit(towers(), SPLIT), "`data` must come from"),
    "an option of another task": (lambda: fit(towers(), DATA, loss="bce"), "no option 'loss'"),
    "an option of towers": (lambda: fit(sasrec(), DATA, folds=2), "no option 'folds'"),
    "an option of a counted model": (lambda: fit(BPRMF(), DATA, epochs=3), "constructors"),
    "what cannot learn": (lambda: fit(object(), DATA), "capability `Fits`.*model=object"),
    "text for a truth value": (
        lambda: fit(sasrec(), DATA, filter_seen="False"),
        "`filter_seen` must be True or False",
    ),
    "a smaller model": (lambda: fit(sasrec(V - 1), DATA), f"num_items={V - 1}, data with"),
    "a larger model": (lambda: fit(sasrec(V + 9), DATA), f"num_items={V + 9}, data with"),
    "towers of other items": (lambda: fit(towers(items=V + 1), DATA), "`num_items`"),
    "towers of fewer users": (lambda: fit(towers(users=5), DATA), "with 5 users|of 5"),
    "towers of more users": (lambda: fit(towers(users=50), DATA), "of 50 users"),
    "readers of other raters": (
        lambda: fit(
            TwoTower(Tower(5, 4, num_members=V + 1, ids=False), Tower(V, 4, num_members=5)),
            DATA,
            folds=2,
        ),
        "of 5 users, histories of",
    ),
    "no ratings": (
        lambda: fit(towers(head="dot"), DATA, rating_weight=1.0),
        "`rating_weight` needs the ratings",
    ),
    "a missing rating": (
        lambda: fit(towers(), rated([np.nan] + [1.0] * (len(DATA.train.items) - 1))),
        "`value` must be a finite number .*in row 0",
    ),
    "one item": (
        lambda: fit(sasrec(1), replace(DATA, vocabulary=Vocabulary([5])), loss="gbce"),
        "two items",
    ),
    "no validation": (
        lambda: fit(sasrec(), SequenceData(DATA.vocabulary, DATA.train, None, None)),
        "`queries` must be",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_models_and_data_must_fit(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
