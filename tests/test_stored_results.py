"""Stored results: no seed is lost and no mean holds another, whoever is killed or comes at once."""

import itertools
import json
import os
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from recmodels.evaluation.held_out import HeldOut
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.report import Evaluation, load_ranks
from recmodels.experiments import tune as tune_module
from recmodels.experiments.entry import Experiment
from recmodels.experiments.results import load_results, store_run
from recmodels.experiments.rows import table_rows
from recmodels.experiments.run import Run
from recmodels.experiments.summaries import TABLE_METRICS
from recmodels.experiments.tune import tune
from recmodels.features.protocol import DEFAULT_PROTOCOL

USERS = 6
MARKOV = Experiment("ring", "ring", "markov")
RATED = Experiment("stars", "ring", "user-item-bias", protocol="temporal-80-20", retrieves=False)


class Killed(BaseException):
    """What no handler of errors catches, as a kill."""


def finished_run(seed, ranks=None, experiment=MARKOV):
    """A run of six users; by default their ranks follow from the seed."""
    ranks = np.arange(USERS) + 1 + seed if ranks is None else np.asarray(ranks)
    metrics = {name: float(rank_metric(name, ranks).mean()) for name in TABLE_METRICS}
    test = Evaluation(
        per_user=pd.DataFrame(
            {
                "rank": ranks,
                "cold_user": False,
                "cold_target": False,
                "repeated_target": False,
                "filtered_target": False,
            }
        ),
        lists=np.zeros((USERS, 20), int),
        metrics=metrics,
        warm_metrics=metrics,
        protocol=DEFAULT_PROTOCOL,
        num_items=50,
    )
    data = SimpleNamespace(newcomers=None)
    return Run(experiment, seed, None, data, None, test, test, None, 1.0)


def rated_run(seed):
    """A run with two held-out ratings per user; squared errors follow from the seed."""
    test = HeldOut(pd.DataFrame({"user": np.arange(USERS).repeat(2), "rmse": seed + 1.0}))
    data = SimpleNamespace(newcomers=None, train=SimpleNamespace(users=np.arange(USERS)))
    return Run(RATED, seed, None, data, None, None, test, None, 1.0)


def store_rated(seed, folder):
    return store_run(rated_run(seed), folder, users=np.arange(USERS))


def at_once(*calls):
    """Run calls in threads that begin together; raise what one of them raises."""
    barrier, errors = threading.Barrier(len(calls)), []

    def run(call):
        barrier.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def check_whole(folder, seeds):
    """The result lists these seeds, its mean is theirs, and so are the stored ranks."""
    (result,) = load_results(folder)
    ranks = load_ranks(folder / "per_user" / "ring.parquet")
    assert result["seeds"] == sorted(ranks.columns) == seeds
    mean = rank_metric("ndcg@10", ranks.to_numpy()).mean()
    assert result["metrics"]["ndcg@10"]["mean"] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("attempt", range(20))
def test_results_of_concurrent_seeds_are_all_stored(attempt, tmp_path):
    at_once(*(lambda seed=seed: store_run(finished_run(seed), tmp_path) for seed in range(3)))
    check_whole(tmp_path, [0, 1, 2])
    assert not [path for path in tmp_path.rglob(".*")], "locks and temporary files are removed"


def test_rating_results_of_concurrent_seeds_are_all_stored(tmp_path):
    at_once(*(lambda s=s: store_rated(s, tmp_path) for s in range(3)))
    (result,) = load_results(tmp_path)
    assert result["seeds"] == [0, 1, 2]
    # Root of the mean squared errors 1, 2 and 3, averaged: (1 + 1.414214 + 1.732051) / 3.
    assert result["metrics"]["rmse"]["mean"] == pytest.approx(1.382088, abs=1e-6)


NEXT_RUNS = {
    "a new seed": (finished_run(1), [0, 1]),
    "the same seed with other ranks": (finished_run(0, [9, 9, 9, 1, 2, 3]), [0]),
    "other settings": (finished_run(1, experiment=replace(MARKOV, options={"smoothing": 5})), [1]),
}


@pytest.mark.parametrize("what", NEXT_RUNS)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_kill_leaves_the_old_or_the_new_result(what, place, tmp_path, monkeypatch):
    run, seeds_after = NEXT_RUNS[what]
    store_run(finished_run(0), tmp_path)
    before = json.loads((tmp_path / "ring.json").read_text())
    original, number = os.replace, itertools.count(1)

    def killed_at_the_place(*names):
        if next(number) == place:
            raise Killed
        original(*names)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killed_at_the_place)
        store_run(run, tmp_path)
    (result,) = load_results(tmp_path)  # Refuses a result that disagrees with its ranks.
    assert table_rows(tmp_path)
    committed = place == 3
    assert result["seeds"] == (seeds_after if committed else [0])
    assert committed or result == before
    experiment = run.experiment if committed else MARKOV
    store_run(finished_run(2, experiment=experiment), tmp_path)
    check_whole(tmp_path, [*result["seeds"], 2])
    assert not [path for path in tmp_path.rglob(".*")]


def test_an_error_between_the_writes_leaves_the_old_result(tmp_path, monkeypatch):
    store_run(finished_run(0), tmp_path)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):

        def full(*arguments, **options):
            raise OSError("The disk is full")

        patch.setattr(json, "dumps", full)
        store_run(finished_run(1), tmp_path)
    check_whole(tmp_path, [0])
    assert not [path for path in tmp_path.rglob(".*")]


def change_ranks(folder):
    path = folder / "per_user" / "ring.parquet"
    pd.read_parquet(path).assign(seed_1=1).to_parquet(path, index=False)


def drop_a_seed_of_the_ranks(folder):
    path = folder / "per_user" / "ring.parquet"
    pd.read_parquet(path).drop(columns="seed_1").to_parquet(path, index=False)


def cut_the_ranks(folder):
    path = folder / "per_user" / "ring.parquet"
    path.write_bytes(path.read_bytes()[:200])


def change_json(folder, change):
    result = json.loads((folder / "ring.json").read_text())
    change(result)
    (folder / "ring.json").write_text(json.dumps(result))


DAMAGES = {
    "other ranks": (change_ranks, "seed 1 has"),
    "ranks of a listed seed are gone": (drop_a_seed_of_the_ranks, "seed 1 has"),
    "half a file of ranks": (cut_the_ranks, "ring.parquet"),
    "no file of ranks": (lambda f: (f / "per_user" / "ring.parquet").unlink(), "ring.parquet"),
    "a mean that holds a seed that is not listed": (
        lambda f: change_json(f, lambda r: r["runs"].pop("1")),
        "ring.json.*the mean of its seeds",
    ),
    "a listed seed without a run": (
        lambda f: change_json(f, lambda r: r.update(seeds=[0, 1, 2])),
        r"ring.json.*seeds \[0, 1, 2\]",
    ),
    "a part is missing": (lambda f: change_json(f, lambda r: r.pop("runs")), "ring.json.*runs"),
    "no JSON": (lambda f: (f / "ring.json").write_text('{"experi'), "ring.json"),
    "JSON of another kind": (lambda f: (f / "ring.json").write_text("[1]"), "ring.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_disagree_are_refused(damage, tmp_path):
    for seed in (0, 1):
        store_run(finished_run(seed), tmp_path)
    spoil, words = DAMAGES[damage]
    spoil(tmp_path)
    with pytest.raises(ValueError, match=words) as caught:
        load_results(tmp_path)
    assert "ring" in str(caught.value) and "Received: " in str(caught.value)


def test_sums_of_ratings_that_disagree_are_refused(tmp_path):
    store_rated(0, tmp_path)
    path = tmp_path / "per_user" / "stars.parquet"
    sums = pd.read_parquet(path)
    sums.assign(rmse_seed_0=sums["rmse_seed_0"] * 1.1).to_parquet(path)
    with pytest.raises(ValueError, match=r"experiment='stars'.*stars.parquet.*seed 0 has rmse 1.0"):
        load_results(tmp_path)


def test_a_result_is_not_added_to_ranks_that_disagree(tmp_path):
    for seed in (0, 1):
        store_run(finished_run(seed), tmp_path)
    change_ranks(tmp_path)
    with pytest.raises(ValueError, match="recmodels train ring"):
        store_run(finished_run(2), tmp_path)


def test_a_seed_of_other_users_is_refused(tmp_path):
    store_run(finished_run(0), tmp_path)
    store_rated(0, tmp_path)
    before = (tmp_path / "ring.json").read_text(), (tmp_path / "stars.json").read_text()
    other = finished_run(1)
    test = replace(other.test, per_user=other.test.per_user[:-1])
    with pytest.raises(ValueError, match="same test users.*experiment='ring', 5 users, stored 6"):
        store_run(replace(other, test=test), tmp_path)
    with pytest.raises(ValueError, match="experiment='stars', 7 users, stored 6"):
        store_run(rated_run(1), tmp_path, users=np.arange(USERS + 1))
    assert before == ((tmp_path / "ring.json").read_text(), (tmp_path / "stars.json").read_text())


def test_concurrent_searches_share_their_trials(tmp_path, monkeypatch):
    entry = replace(MARKOV, space={"smoothing": (1.0, 100.0, "log")})
    monkeypatch.setattr(tune_module, "load", lambda name: None)
    split = SimpleNamespace(without_test=lambda: None)
    monkeypatch.setattr(tune_module, "split_log", lambda *arguments: split)
    tried = []

    def score(experiment, *arguments, **options):
        tried.append(experiment.options["smoothing"])
        return SimpleNamespace(seconds=0.1, score=1 / experiment.options["smoothing"])

    monkeypatch.setattr(tune_module, "run_seed", score)
    alone = tune(entry, trials=3, runs=tmp_path / "alone", results=tmp_path)
    expected, tried = tried, []
    found = []

    def search():
        found.append(tune(entry, trials=3, runs=tmp_path / "both", results=tmp_path))

    at_once(search, search)
    assert tried == expected, "each trial is made once, as one process would have made it"
    assert found == [alone, alone]
    assert json.loads((tmp_path / "tuning" / "ring.json").read_text()) == alone
