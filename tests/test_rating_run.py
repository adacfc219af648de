"""Experiments under splits of ratings: what is trained on, what is measured, what is stored."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.rating_splits import random_ratings, temporal_ratings
from recmodels.evaluation import held_out as held_out_module
from recmodels.evaluation.held_out import interval_of_sums
from recmodels.experiments import report as report_module
from recmodels.experiments import run as module
from recmodels.experiments import train as train_module
from recmodels.experiments import tune as tune_module
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.entry import RATING_PROTOCOLS, Experiment
from recmodels.experiments.measures import score_epoch
from recmodels.experiments.report import evaluate_bundle
from recmodels.experiments.results import load_results, summarise_ratings
from recmodels.experiments.rows import table_rows
from recmodels.experiments.run import run_seed, split_log
from recmodels.experiments.tables import markdown_table
from recmodels.experiments.train import UnexpectedResult, train_and_store
from recmodels.experiments.tune import tune
from recmodels.features.sequences import prepare
from recmodels.models.user_item_bias import UserItemBias
from recmodels.recommend.recommender import Recommender

pytestmark = pytest.mark.usefixtures("eagerly")
RATING = {name: e for name, e in EXPERIMENTS.items() if e.protocol in RATING_PROTOCOLS}


@pytest.fixture
def log():
    """Twenty users, twelve of fifteen items each, at any time; even users like even items."""
    rng = np.random.default_rng(0)
    rows = [(u, i) for u in range(20) for i in rng.permutation(15)[:12]]
    events = pd.DataFrame(rows, columns=["user", "item"])
    alike = events["user"] % 2 == events["item"] % 2
    events = events.assign(value=np.where(alike, 5.0, 2.0), timestamp=rng.permutation(len(events)))
    return Interactions(events, "timed", "parity")


def entry(model="popularity", **changes):
    made = Experiment("parity-one", "parity", model, protocol="random-80-20", seeds=(0, 1))
    return replace(made, **changes)


def run_split(experiment, seed, log):
    return run_seed(experiment, seed, split_log(log, experiment.protocol, seed), verbose=False)


def small(experiment):
    """The same entry in a fraction of a second."""
    if experiment.task is None:
        return experiment
    fit = experiment.fit | {"epochs": 1, "batch_size": 512}
    return replace(experiment, options=experiment.options | {"width": 4}, fit=fit)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if e.task else ()) for n, e in RATING.items()],
)
def test_every_entry_builds_and_measures_what_it_says(name, log):
    experiment = small(RATING[name])
    run = run_split(experiment, 0, log)
    measured = set(run.test.metrics)
    lists = {"top_100", "top_100_filtered"} if experiment.retrieves else set()
    assert measured == lists | ({"rmse"} if experiment.rates else set())
    assert len(run.test.table) == 48 and set(run.validation.metrics) == measured  # A fifth of 240.
    random = experiment.protocol == "random-80-20"
    assert experiment.seeds == ((0, 1, 2, 3, 4) if random else (0, 1, 2)[: len(experiment.seeds)])


def test_rmse_by_hand(log):
    """The stored figure against a model fitted and a root taken here."""
    run = run_split(entry("user-item-bias", retrieves=False, rates=True), 3, log)
    split = random_ratings(log, 3)
    data = prepare(split.refitted(), columns=("value",))
    model = UserItemBias().fit(data.train, data.num_items)
    errors = []
    known_events, targets = split.test.inputs.events, split.test.targets.events
    for row in range(len(targets)):
        known = known_events[known_events["user"] == targets["user"][row]]
        query = {
            "item_ids": data.vocabulary.encode(known["item"])[None],
            "value": known["value"].to_numpy()[None],
        }
        rated = float(model.rate(query, data.test.targets[[row]])[0])
        errors.append(rated - targets["value"][row])
    found = run.to_dict()["test"]["metrics"]["rmse"]
    assert found == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)


@pytest.mark.parametrize("protocol", RATING_PROTOCOLS)
def test_nothing_of_the_test_is_trained_on(log, monkeypatch, protocol):
    trained = []
    original = module.train_once

    def spy(experiment, seed, split, *rest, **options):
        trained.append(set(map(tuple, split.train.events[["user", "item"]].to_numpy())))
        return original(experiment, seed, split, *rest, **options)

    monkeypatch.setattr(module, "train_once", spy)
    run_split(entry(protocol=protocol), 0, log)
    split = random_ratings(log, 0) if protocol == "random-80-20" else temporal_ratings(log)
    tested = set(map(tuple, split.test.targets.events[["user", "item"]].to_numpy()))
    asked = set(map(tuple, split.validation.targets.events[["user", "item"]].to_numpy()))
    before, after = trained
    assert not before & (tested | asked) and not after & tested
    assert after == before | asked


@pytest.mark.parametrize(
    ("retrieves", "rates", "score"), [(True, False, 1.0), (False, True, -0.5), (True, True, 0.5)]
)
def test_an_epoch_is_good_for_its_hits_less_its_error(log, monkeypatch, retrieves, rates, score):
    split = random_ratings(log, 0)
    data = prepare(split, columns=("value",))
    truth = split.validation.targets.events["value"].to_numpy()
    monkeypatch.setattr(held_out_module, "predict_ratings", lambda model, queries: truth + 0.5)
    model = UserItemBias().fit(data.train, data.num_items)  # A hundred holds all fifteen items.
    asked = {"filter_seen": True, "retrieves": retrieves, "rates": rates}
    assert score_epoch(model, data, split, **asked) == pytest.approx(score)


def test_only_the_first_split_is_validated(log):
    assert run_split(entry(), 0, log).validation is not None
    assert run_split(entry(), 1, log).validation is None


SETTINGS = {
    "options": {"width": 4, "read_ratings": True, "user_ids": False, "head": "dot"},
    "fit": {"epochs": 1, "batch_size": 128, "folds": 3, "rating_weight": 1.0},
}


def towers(**changes):
    """Small towers that read ratings, retrieve and rate."""
    return entry("two-tower", **{**SETTINGS, "rates": True, **changes})


def test_a_run_with_checkpoints_is_not_trained_twice(log, tmp_path):
    """The training that is validated and the one that is tested have a file each."""
    split = split_log(log, "random-80-20", 0)
    options = {"checkpoint": tmp_path / "part.npz", "verbose": False}
    first = run_seed(towers(), 0, split, **options)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"part.npz", "part-refitted.npz"}
    again = run_seed(towers(), 0, split, **options)
    assert again.curve.rows == first.curve.rows and again.seconds == first.seconds
    assert again.test.metrics == first.test.metrics
    assert again.validation.metrics == first.validation.metrics
    with pytest.raises(ValueError, match="holds another run"):
        run_seed(towers(rates=False), 0, split, **options)  # Other epochs might be chosen.


def test_only_the_first_of_two_trainings_has_a_validation(log):
    first, other = (run_split(towers(), seed, log) for seed in (0, 1))
    assert first.data.validation is None and other.data.validation is None
    assert [row["score"] for row in other.curve.rows] == [None]
    assert first.curve.rows[0]["score"] == pytest.approx(first.score)


@pytest.mark.parametrize("protocol", RATING_PROTOCOLS)
def test_a_sequence_encoder_is_refused(protocol):
    with pytest.raises(ValueError, match="`model` under a rating protocol.*model='sasrec'"):
        entry("sasrec", protocol=protocol)


@pytest.mark.parametrize("protocol", [*RATING_PROTOCOLS, "temporal"])
def test_a_bundle_is_measured_again_with_its_ratings(log, tmp_path, monkeypatch, protocol):
    for place in (train_module, report_module):
        monkeypatch.setattr(place, "open_log", lambda name, columns: (log, None))
    result = train_and_store(towers(protocol=protocol), (1,), tmp_path, tmp_path / "results")
    folder = tmp_path / "parity-one" / "seed-1" / "bundle"
    found = evaluate_bundle(folder)
    expected = result["runs"]["1"]["test"]["metrics"]
    assert found == pytest.approx(expected, abs=1e-6)
    assert ("rmse" in found) == (protocol in RATING_PROTOCOLS)
    ratings = Recommender.load(folder).histories.columns["value"]
    assert set(ratings) == {2, 5}  # Lists for known users are made of all their ratings.


def test_a_rater_is_tuned_for_the_least_error(log, tmp_path, monkeypatch):
    monkeypatch.setattr(tune_module, "load", lambda name: log)
    space = {"item_shrinkage": [0.5, 500.0]}
    rated = entry("user-item-bias", retrieves=False, rates=True, space=space)
    found = tune(rated, trials=3, runs=tmp_path, results=tmp_path)
    errors = {}
    for value in space["item_shrinkage"]:
        run = run_split(replace(rated, options={"item_shrinkage": value}), 0, log)
        errors[value] = run.validation.metrics["rmse"]
    best = min(errors, key=errors.get)
    assert found["measure"] == "validation score" and len(found["trials"]) == 3
    assert found["best"]["options"] == {"item_shrinkage": best}
    assert found["best"]["score"] == pytest.approx(-errors[best], abs=1e-6)


def test_splits_gather_in_one_result(log, tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "open_log", lambda name, columns: (log, None))
    train_and_store(entry(), (0,), tmp_path, tmp_path)
    result = train_and_store(entry(), (1,), tmp_path, tmp_path)
    assert result["seeds"] == [0, 1] and load_results(tmp_path) == [result]
    sums = pd.read_parquet(tmp_path / "per_user" / "parity-one.parquet")
    assert len(sums) == 20
    means = [sums[f"top_100_seed_{s}"].sum() / sums[f"ratings_seed_{s}"].sum() for s in (0, 1)]
    assert result["metrics"]["top_100"]["mean"] == pytest.approx(np.mean(means), abs=1e-6)
    (row,) = table_rows(tmp_path)
    assert row["against_best"] is None and row["protocol"] == "random-80-20"
    assert "| parity-one |" in markdown_table([row])
    other = entry("recent-popularity", options={"half_life": 7.0})
    again = train_and_store(other, (1,), tmp_path, tmp_path)
    assert again["seeds"] == [1]  # Another setting begins a new result.


def test_random_splits_have_an_interval_over_splits(log, tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "open_log", lambda name, columns: (log, None))
    rated = entry("user-item-bias", retrieves=False, rates=True)
    result = train_and_store(rated, (0, 1), tmp_path, tmp_path)
    one, other = (result["runs"][s]["test"]["metrics"]["rmse"] for s in ("0", "1"))
    # Student's t of one degree at 97.5 %; the standard error of two is half their distance.
    half = 12.7062 * abs(one - other) / 2
    found = result["metrics"]["rmse"]
    assert half > 0 and found["high"] - found["low"] == pytest.approx(2 * half, rel=1e-3)


def test_seeds_of_one_cut_in_time_have_an_interval_over_its_users(log, tmp_path, monkeypatch):
    log.events.loc[log.events["user"] == 7, "timestamp"] += 1000  # Known by nobody before the cut.
    monkeypatch.setattr(train_module, "open_log", lambda name, columns: (log, None))
    later = entry("user-item-bias", protocol="temporal-80-20", retrieves=False, rates=True)
    result = train_and_store(later, (0, 1), tmp_path, tmp_path)
    sums = pd.read_parquet(tmp_path / "per_user" / "parity-one.parquet")
    assert sums["ratings_seed_0"].equals(sums["ratings_seed_1"])
    assert sums.loc[7, "ratings_seed_0"] == 0 and result["cold"]["newcomers"] == 1
    # A counted model is the same with every seed: one root, of all errors over all ratings.
    root = np.sqrt(sums["rmse_seed_0"].sum() / sums["ratings_seed_0"].sum())
    found = result["metrics"]["rmse"]
    assert found["mean"] == pytest.approx(root, abs=1e-6) and found["seed_std"] == 0
    assert (found["low"], found["high"]) == pytest.approx(interval_of_sums(sums, "rmse"), abs=1e-6)
    assert found["low"] < root < found["high"]
    shown = markdown_table(table_rows(tmp_path))
    assert "new users left out" in shown and f"{root:.4f} ({found['low']:.4f} to" in shown


def test_intervals_by_hand():
    tests = [
        {"metrics": {"rmse": value}, "users": {"rmse": value + 0.5}} for value in (1.0, 1.2, 1.1)
    ]
    runs = {str(seed): {"test": test} for seed, test in enumerate(tests)}
    found = summarise_ratings(entry(), None, runs)["rmse"]
    # Standard deviation 0.1; Student's t of two degrees at 97.5 % is 4.303; over root three.
    half = 4.302653 * 0.1 / 3**0.5
    assert found["mean"] == pytest.approx(1.1) and found["users"] == pytest.approx(1.6)
    assert found["low"] == pytest.approx(1.1 - half, abs=1e-5)
    assert found["high"] == pytest.approx(1.1 + half, abs=1e-5)
    assert summarise_ratings(entry(), None, {"0": runs["0"]})["rmse"]["low"] is None


def test_a_split_that_does_not_reproduce_is_reported(log, tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "open_log", lambda name, columns: (log, None))
    surprising = entry(expected={"top_100": (0.1, 0.01)})
    with pytest.raises(UnexpectedResult, match="seed 0: top_100 is 1.0000, expected 0.1000"):
        train_and_store(surprising, (0,), tmp_path, tmp_path)
    assert load_results(tmp_path)
