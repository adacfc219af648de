"""Stored results: means and intervals of each experiment over its seeds."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.files import locked, written_whole
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.report import save_ranks
from recmodels.evaluation.statistics import bootstrap_interval, seed_std
from recmodels.experiments.entry import Experiment
from recmodels.experiments.run import Run
from recmodels.experiments.stored import (
    files_of,
    finish_result,
    read_json,
    read_result,
    staged,
)

RESULTS = Path("results")
TABLE_METRICS = ("hr@10", "ndcg@10", "mrr@10", "hr@5", "ndcg@5", "hr@20", "ndcg@20")


def write_json(path: Path, content: dict) -> None:
    """Write a result: sorted, one value per line, so that a change can be read."""
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def store_run(run: Run, folder: Path = RESULTS, ceiling: dict[str, float] | None = None) -> dict:
    """Add a finished seed to the stored result of its experiment.

    Seeds may finish at once, in threads or processes: all of them are kept.

    Args:
        run: with its test measured.
        folder: of the results.
        ceiling: test metrics of the best possible model, where they are known.

    Returns:
        The whole stored result, its means and intervals over the seeds so far.

    Raises:
        ValueError: fewer than two test users have a training event, or the seeds stored before
            disagree with their ranks.
    """
    experiment, warm = run.experiment, _warm_ranks(run)
    with locked(files_of(experiment.name, folder)[0]):
        runs, table = seeds_so_far(experiment, folder)
        ranks = {int(seed): table[f"seed_{seed}"].to_numpy() for seed in runs} | {run.seed: warm}
        ranks = dict(sorted(ranks.items()))
        runs[str(run.seed)] = run.to_dict()
        result = {
            **described(experiment),
            "filter_seen": experiment.filter_seen,
            "cold": {
                "users": run.test.cold_users,
                "targets": run.test.cold_targets,
                "newcomers": 0 if run.data.newcomers is None else len(run.data.newcomers),
            },
            **summarise(ranks, runs),
            **kept(runs),
        }
        if ceiling is not None:
            result["ceiling"] = {name: ceiling[name] for name in TABLE_METRICS}
        replace_result(result, folder, lambda path: save_ranks(ranks, path))
    return result


def replace_result(result: dict, folder: Path, write_per_user: Callable[[Path], None]) -> None:
    """Replace both files of a result, or neither, wherever the process is killed.

    The JSON decides: before it is replaced the old per-user file is in place, and afterwards the
    new one is, under its own name or still under the staged one, where `read_per_user` finds it.
    The caller holds the lock.
    """
    path, per_user = files_of(result["experiment"], folder)
    try:
        write_per_user(staged(per_user))
        write_json(path, result)
    except Exception:
        staged(per_user).unlink(missing_ok=True)
        raise
    os.replace(staged(per_user), per_user)


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
    }


def kept(runs: dict[str, dict]) -> dict:
    """The seeds of a stored result, with what one costs and how all are run again."""
    return {
        "runs": runs,
        "seeds": sorted(map(int, runs)),
        "seconds": round(float(np.mean([r["seconds"] for r in runs.values()])), 1),
        "command": next(iter(runs.values()))["command"].rsplit(" --seed", 1)[0],
    }


def _warm_ranks(run: Run) -> np.ndarray:
    """Ranks of the users with a training event, on whom what a model has learnt is measured."""
    warm = ~run.test.per_user["cold_user"]
    if warm.sum() < 2:
        raise ValueError(
            "A stored result needs two test users with a training event. Under the temporal "
            f"protocol, try another log. Received: {int(warm.sum())} such users of "
            f"{run.experiment.dataset!r}"
        )
    return run.test.per_user.loc[warm, "rank"].to_numpy()


def summarise(ranks: dict[int, np.ndarray], runs: dict[str, dict]) -> dict:
    """Means over seeds with a bootstrap interval over users, and over newcomers as well."""
    metrics = {}
    for name in TABLE_METRICS:
        values = np.stack([rank_metric(name, r) for r in ranks.values()], axis=1)  # (U, seeds)
        interval = bootstrap_interval(values.mean(axis=1))
        metrics[name] = {
            **{key: round(value, 6) for key, value in interval._asdict().items()},
            "seed_std": None if values.shape[1] < 2 else round(seed_std(values), 6),
        }
    return {
        "metrics": metrics,
        "everyone": _mean_of([r.get("everyone") for r in runs.values()]),
    }


def _mean_of(measures: list[dict | None]) -> dict | None:
    """Mean of each metric over the runs; None under protocols that have no newcomers."""
    if None in measures:
        return None
    means = pd.DataFrame(measures).mean().round(6).to_dict()
    return {**means, "users": int(means["users"])}


def settings_of(experiment: Experiment) -> dict:
    """What must be equal for two seeds to share a mean, in JSON's types."""
    settings = {"options": experiment.options, "fit": experiment.fit}
    if experiment.beside:
        settings["beside"] = experiment.beside
    return json.loads(json.dumps(settings))


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
    return lists["mean"], -metrics.get("rmse", {"mean": 0.0})["mean"]


def stored_intervals(folder: Path, labels: dict[str, str], metric: str) -> pd.DataFrame:
    """One measure of some stored results, as `plots.model_comparison` takes it.

    Args:
        folder: of the results.
        labels: what to call each experiment, by its name.
        metric: such as `"ndcg@10"`.

    Returns:
        One row an experiment, by its label: `mean`, `low`, `high`.
    """
    stored = {r["experiment"]: r["metrics"] for r in load_results(folder)}
    rows = {label: stored[name][metric] for name, label in labels.items()}
    return pd.DataFrame(rows).T[["mean", "low", "high"]].astype(float)
