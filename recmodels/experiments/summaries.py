"""Means and intervals of an experiment over its seeds."""

import numpy as np
import pandas as pd
from scipy import stats

from recmodels.evaluation.event_statistics import event_intervals
from recmodels.evaluation.held_out import interval_of_sums
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.statistics import bootstrap_interval, seed_std
from recmodels.experiments.entry import Experiment
from recmodels.experiments.stored import events_of_seed

TABLE_METRICS = ("hr@10", "ndcg@10", "mrr@10", "hr@5", "ndcg@5", "hr@20", "ndcg@20")


def summarise(experiment: Experiment, ranks: pd.DataFrame, runs: dict[str, dict]) -> dict:
    """Each metric over the seeds, with a bootstrap interval over users."""
    metrics = {}
    for name in TABLE_METRICS:
        values = np.stack([rank_metric(name, ranks[c].to_numpy()) for c in ranks], axis=1)
        interval = bootstrap_interval(values.mean(axis=1))  # Of (U, seeds).
        std = seed_std(values) if values.shape[1] > 1 else None
        metrics[name] = _rounded({**interval._asdict(), "seed_std": std})
    return metrics


def summarise_events(experiment: Experiment, rows: pd.DataFrame, runs: dict[str, dict]) -> dict:
    """Each measure of forecasts over the seeds, with a bootstrap interval over users.

    Users are drawn with all their events; see `event_intervals`.
    """
    tables = [events_of_seed(rows, seed) for seed in runs]
    types = next(iter(runs.values()))["test"]["types"]
    values = pd.DataFrame([run["test"]["metrics"] for run in runs.values()])
    std = values.std() if len(values) > 1 else dict.fromkeys(values, None)
    return {
        name: _rounded({**interval._asdict(), "seed_std": std[name]})
        for name, interval in event_intervals(tables, types).items()
    }


def summarise_ratings(experiment: Experiment, sums: pd.DataFrame, runs: dict[str, dict]) -> dict:
    """Each measure over the test ratings of each seed and then over the seeds.

    Returns:
        By name `mean` with its 95 % interval `low`, `high`, `seed_std`, and `users`, the mean over
        users. The interval is over splits where each seed has its own (Student's t; None for one
        split), and over users where all seeds share one cut in time.
    """
    tests = [record["test"] for record in runs.values()]
    summary = {}
    for name in tests[0]["metrics"]:
        values = np.array([test["metrics"][name] for test in tests])
        over_splits = experiment.protocol == "random-80-20"
        low, high = _over_splits(values) if over_splits else interval_of_sums(sums, name)
        std = values.std(ddof=1) if len(values) > 1 else None
        row = {"mean": values.mean(), "low": low, "high": high, "seed_std": std}
        users = np.mean([test["users"][name] for test in tests])
        summary[name] = _rounded({**row, "users": users})
    return summary


def _rounded(row: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(float(value), 6) for name, value in row.items()}


def _over_splits(values: np.ndarray) -> tuple[float | None, float | None]:
    """Student's t around a mean; nothing is known of a single split."""
    if len(values) < 2:
        return None, None
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = error * stats.t.ppf(0.975, len(values) - 1)
    return values.mean() - half, values.mean() + half
