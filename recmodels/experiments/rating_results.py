"""Stored results under random splits: means over splits, and sums for every user beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from recmodels.data.files import written_whole
from recmodels.evaluation.held_out import user_sums
from recmodels.experiments.random_split import RatingRun
from recmodels.experiments.results import described, files_of, kept, runs_so_far, write_json

_DIGITS = 6


def store_rating_run(run: RatingRun, folder: Path, num_users: int) -> dict:
    """Add a finished seed to the stored result of its experiment.

    Args:
        run: with its test measured.
        folder: of the results.
        num_users: of the log.

    Returns:
        The whole stored result. Of each measure it holds `mean`, over the test ratings of each
        split and then over splits, with the 95 % interval `low`, `high` of that mean over splits
        (Student's t; None for one split), `seed_std`, and `users`, the mean over users.
    """
    experiment = run.experiment
    path, sums_path = files_of(experiment, folder)
    runs = runs_so_far(experiment, folder)
    found = user_sums(run.held_out, run.seed, num_users)
    sums = pd.read_parquet(sums_path).assign(**found) if runs else found
    runs[str(run.seed)] = run.to_dict()
    with written_whole(sums_path) as unfinished:
        sums.to_parquet(unfinished)
    result = {
        **described(experiment),
        "filter_seen": None,
        "cold": {"users": 0, "targets": 0, "newcomers": 0},
        "everyone": None,
        "metrics": summarise_splits([record["test"] for record in runs.values()]),
        **kept(runs),
    }
    write_json(path, result)
    return result


def summarise_splits(tests: list[dict]) -> dict[str, dict]:
    """Each measure over the splits: see `store_rating_run`.

    Args:
        tests: one a split, each with `metrics` and, over users, `users`.
    """
    summary = {}
    for name in tests[0]["metrics"]:
        values = np.array([test["metrics"][name] for test in tests])
        spread = values.std(ddof=1) if len(values) > 1 else None
        half = None
        if spread is not None:
            half = spread / np.sqrt(len(values)) * stats.t.ppf(0.975, len(values) - 1)
        users = np.mean([test["users"][name] for test in tests])
        row = {
            "mean": values.mean(),
            "low": None if half is None else values.mean() - half,
            "high": None if half is None else values.mean() + half,
            "seed_std": spread,
            "users": users,
        }
        summary[name] = {k: None if v is None else round(float(v), _DIGITS) for k, v in row.items()}
    return summary
