"""Store results: means and intervals of each experiment over its seeds."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.files import locked, write_json, written_whole
from recmodels.evaluation.held_out import user_sums
from recmodels.evaluation.report import save_ranks
from recmodels.experiments.entry import Experiment
from recmodels.experiments.run import Run
from recmodels.experiments.stored import (
    files_of,
    finish_result,
    read_json,
    read_result,
    staged,
)
from recmodels.experiments.summaries import (
    TABLE_METRICS,
    summarise,
    summarise_events,
    summarise_ratings,
)

RESULTS = Path("results")
RARE = 5  # Most training events of the target of a rare case.


def store_run(
    run: Run,
    folder: Path = RESULTS,
    ceiling: dict[str, float] | None = None,
    users: np.ndarray | None = None,
) -> dict:
    """Add a finished seed to the stored result of its experiment.

    Seeds may finish at once, in threads or processes: all of them are kept.

    Args:
        run: with its test measured.
        folder: of the results.
        ceiling: test metrics of the best possible model, where they are known.
        users: under the rating protocols the raw ids of all users of the log, in ascending order,
            the same for every split; each of them has a row of sums.

    Returns:
        The whole stored result, its means and intervals over the seeds so far.

    Raises:
        ValueError: fewer than two test users have a training event, or the seeds stored before
            disagree with what is kept of their users, or have others.
    """
    experiment = run.experiment
    measured, summarised = _measured(run, users)
    with locked(files_of(experiment.name, folder)[0]):
        runs, table = seeds_so_far(experiment, folder)
        if runs:
            _check_same_users(experiment, table, measured)
            measured = table.assign(
                **{name: values.to_numpy() for name, values in measured.items()}
            )
            measured = measured[sorted(measured, key=lambda name: int(name.rpartition("_")[2]))]
        runs[str(run.seed)] = run.to_dict()
        slices = _slices(run, measured, runs) if experiment.slices else {}
        result = {
            **described(experiment),
            "cold": _count_cold(run),
            "metrics": summarised(experiment, measured, runs),
            "everyone": _mean_of([record.get("everyone") for record in runs.values()]),
            **kept(runs),
            **slices,
        }
        if ceiling is not None:
            names = ceiling if experiment.predicts_events else TABLE_METRICS
            result["ceiling"] = {name: ceiling[name] for name in names}
        replace_result(result, folder, measured)
    return result


def _measured(run: Run, users: np.ndarray | None) -> tuple[pd.DataFrame, Callable]:
    """What is kept of each user or event of a run, and how it is summarised."""
    if run.experiment.predicts_events:
        rows = run.test.table
        return rows.rename(columns=lambda name: f"{name}_seed_{run.seed}"), summarise_events
    if run.experiment.holds_out_ratings:
        return _sums_of_ratings(run, users), summarise_ratings
    return _warm_ranks(run), summarise


def _slices(run: Run, ranks: pd.DataFrame, runs: dict[str, dict]) -> dict[str, dict]:
    """Metrics over the test cases with a rare target, and over those with a cold one.

    Args:
        run: the latest; the targets of all seeds are the same.
        ranks: of the users with a training event, one column per seed.
        runs: what is stored of each seed.
    """
    table = run.test.per_user
    events = table.loc[~table["cold_user"], "target_popularity"].to_numpy()
    cold = pd.DataFrame({f"seed_{seed}": runs[seed]["cold_ranks"] for seed in runs})
    parts = {"rare": ranks[(events > 0) & (events <= RARE)], "cold": cold}
    return {
        "slices": {
            name: {"users": len(part), "metrics": summarise(run.experiment, part, runs)}
            for name, part in parts.items()
            if len(part) > 1
        }
    }


def _check_same_users(experiment: Experiment, stored: pd.DataFrame, measured: pd.DataFrame) -> None:
    if len(stored) != len(measured):
        raise ValueError(
            "`run` must be of the same test users as the seeds stored before: if the data have "
            "changed, delete both files of the result and run all seeds again. "
            f"Received: experiment={experiment.name!r}, {len(measured)} users, stored {len(stored)}"
        )


def replace_result(result: dict, folder: Path, per_user_table: pd.DataFrame) -> None:
    """Replace both files of a result, or neither, even if the process is killed.

    The JSON decides: before it is replaced the old per-user file is in place, and afterwards the
    new one is, under its own name or still under the staged one, where `read_per_user` finds it.
    The caller holds the lock.
    """
    path, per_user = files_of(result["experiment"], folder)
    try:
        _write_per_user(per_user_table, staged(per_user))
        write_json(path, result)
    except Exception:
        staged(per_user).unlink(missing_ok=True)
        raise
    os.replace(staged(per_user), per_user)


def _write_per_user(table: pd.DataFrame, path: Path) -> None:
    """Write ranks, or sums of ratings where the columns are of several measures."""
    if all(name.startswith("seed_") for name in table):
        ranks = {int(name.removeprefix("seed_")): table[name].to_numpy() for name in table}
        save_ranks(ranks, path)
        return
    with written_whole(path) as unfinished:
        table.to_parquet(unfinished)


def seeds_so_far(experiment: Experiment, folder: Path) -> tuple[dict[str, dict], pd.DataFrame]:
    """The stored seeds of an experiment with its per-user table, both empty where none count.

    Seeds of other settings belong in no mean with its own.

    Raises:
        ValueError: the two files disagree.
    """
    path, per_user = files_of(experiment.name, folder)
    stored = read_json(path)
    there = per_user.exists() or staged(per_user).exists()
    if not there or stored.get("settings") != settings_of(experiment):
        return {}, pd.DataFrame()
    return stored["runs"], finish_result(stored, folder)


def described(experiment: Experiment) -> dict:
    """What a stored result says of its experiment."""
    return {
        "experiment": experiment.name,
        "dataset": experiment.dataset,
        "protocol": experiment.protocol,
        "model": experiment.model,
        "settings": settings_of(experiment),
        "published": experiment.published,
        "filter_seen": None if experiment.holds_out_ratings else experiment.filter_seen,
        "query_time": experiment.query_time,
    }


def kept(runs: dict[str, dict]) -> dict:
    """The seeds of a stored result, with what one costs and how all are run again."""
    return {
        "runs": runs,
        "seeds": sorted(map(int, runs)),
        "seconds": round(float(np.mean([r["seconds"] for r in runs.values()])), 1),
        "command": next(iter(runs.values()))["command"].rsplit(" --seed", 1)[0],
    }


def _count_cold(run: Run) -> dict[str, int]:
    """Count test users, targets and newcomers that do not occur in training."""
    newcomers = run.data.newcomers
    if run.experiment.predicts_events:
        test = run.data.test
        users = np.unique(test.histories.users[test.user_ids < 0])
        return {"users": len(users), "targets": int((~test.trained).sum()), "newcomers": 0}
    warm = run.experiment.holds_out_ratings  # Users without a training event are left out there.
    return {
        "users": 0 if warm else run.test.cold_users,
        "targets": 0 if warm else run.test.cold_targets,
        "newcomers": 0 if newcomers is None else len(np.unique(newcomers.histories.users)),
    }


def _warm_ranks(run: Run) -> pd.DataFrame:
    """Ranks of the users with a training event, on whom what a model has learnt is measured."""
    warm = ~run.test.per_user["cold_user"]
    if warm.sum() < 2:
        raise ValueError(
            "A stored result needs two test users with a training event. Under the temporal "
            f"protocol, try another log. Received: {int(warm.sum())} such users of "
            f"{run.experiment.dataset!r}"
        )
    ranks = run.test.per_user.loc[warm, "rank"].to_numpy()
    return pd.DataFrame({f"seed_{run.seed}": ranks})


def _sums_of_ratings(run: Run, users: np.ndarray) -> pd.DataFrame:
    """Sums over the held-out ratings of each user; see `user_sums`."""
    rows = np.searchsorted(users, run.data.train.users)  # Of the training users among all.
    table = run.test.table
    return user_sums(table.assign(user=rows[table["user"]]), run.seed, len(users))


def _mean_of(measures: list[dict | None]) -> dict | None:
    """Mean of each metric over the runs; None under protocols that have no newcomers."""
    if None in measures:
        return None
    means = pd.DataFrame(measures).mean().round(6).to_dict()
    return {**means, "users": int(means["users"])}


def settings_of(experiment: Experiment) -> dict:
    """What must be equal for two seeds to share a mean, in JSON's types."""
    settings = {"options": experiment.options, "fit": experiment.fit}
    if experiment.predicts_events:
        settings["split"] = experiment.split
    if len(experiment.schema):
        settings["schema"] = experiment.schema.to_config()
    if experiment.item_text:
        settings["item_text"] = experiment.item_text
    if experiment.tune_text:
        settings["tune_text"] = experiment.tune_text
    if experiment.initial_items:
        settings["initial_items"] = experiment.initial_items
    if experiment.similarities:
        settings["similarities"] = experiment.similarities
    if experiment.similar_targets:
        settings["similar_targets"] = experiment.similar_targets
    if experiment.query_time:
        settings["query_time"] = True
    if experiment.ensemble_with:
        settings["ensemble_with"] = [_added(other) for other in experiment.ensemble_with]
    return json.loads(json.dumps(settings, default=asdict))


def _added(other: dict) -> dict:
    if "experiment" not in other:
        return other
    named = other["experiment"]
    return {**other, "experiment": {"model": named.model, **settings_of(named)}}


def load_results(folder: Path = RESULTS) -> list[dict]:
    """All stored results, by data set and then best last.

    Raises:
        ValueError: a result disagrees with what it keeps of each user, or its means are not those
            of the seeds it lists.
    """
    results = [read_result(path) for path in sorted(folder.glob("*.json"))]
    results = [r for r in results if "experiment" in r]
    return sorted(results, key=lambda r: (r["dataset"], r["protocol"], _worth(r["metrics"])))


def _worth(metrics: dict[str, dict]) -> tuple[float, float]:
    """What a table is sorted by, best last: lists, then ratings where there are no lists."""
    lists = metrics.get("ndcg@10", metrics.get("top_100_filtered", {"mean": -1.0}))
    errors = (metrics.get(name, {"mean": 0.0})["mean"] for name in ("rmse", "type_log_loss"))
    return lists["mean"], -sum(errors)


def stored_intervals(folder: Path, labels: dict[str, str], metric: str) -> pd.DataFrame:
    """One measure of some stored results, as `plots.model_comparison` takes it.

    Args:
        folder: of the results.
        labels: what to call each experiment, by its name.
        metric: such as `"ndcg@10"`.

    Returns:
        One row per experiment, by its label: `mean`, `low`, `high`.
    """
    stored = {r["experiment"]: r["metrics"] for r in load_results(folder)}
    rows = {label: stored[name][metric] for name, label in labels.items()}
    return pd.DataFrame(rows).T[["mean", "low", "high"]].astype(float)
