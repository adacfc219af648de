"""Stored results of rating protocols: means over ratings, and sums for every user beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from recmodels.data.files import locked, written_whole
from recmodels.evaluation.held_out import interval_of_sums, user_sums
from recmodels.experiments.rating_run import RatingRun
from recmodels.experiments.results import described, kept, replace_result, seeds_so_far
from recmodels.experiments.stored import files_of

_DIGITS = 6


def store_rating_run(run: RatingRun, folder: Path, num_users: int) -> dict:
    """Add a finished seed to the stored result of its experiment.

    Args:
        run: with its test measured.
        folder: of the results.
        num_users: of the log.

    Returns:
        The whole stored result. Of each measure it holds `mean`, over the test ratings of each
        seed and then over seeds, with its 95 % interval `low`, `high`, `seed_std`, and `users`,
        the mean over users. The interval is over splits where each seed has its own (Student's t;
        None for one split), and over users where all share one cut in time.

    Raises:
        ValueError: the seeds stored before disagree with their sums.
    """
    experiment = run.experiment
    found = user_sums(run.held_out, run.seed, num_users)

    def write_sums(path: Path) -> None:
        with written_whole(path) as unfinished:
            sums.to_parquet(unfinished)

    with locked(files_of(experiment.name, folder)[0]):
        runs, sums = seeds_so_far(experiment, folder)
        sums = sums.assign(**found) if runs else found
        runs[str(run.seed)] = run.to_dict()
        result = {
            **described(experiment),
            "filter_seen": None,
            "cold": {"users": 0, "targets": 0, "newcomers": run.newcomers},
            "everyone": None,
            "metrics": summarise_ratings(
                [record["test"] for record in runs.values()],
                None if experiment.protocol == "random-80-20" else sums,
            ),
            **kept(runs),
        }
        replace_result(result, folder, write_sums)
    return result


def summarise_ratings(tests: list[dict], sums: pd.DataFrame | None) -> dict[str, dict]:
    """Each measure over the seeds: see `store_rating_run`.

    Args:
        tests: one a seed, each with `metrics` and, over users, `users`.
        sums: of each user, for an interval over users; None for one over splits.
    """
    summary = {}
    for name in tests[0]["metrics"]:
        values = np.array([test["metrics"][name] for test in tests])
        low, high = _over_splits(values) if sums is None else interval_of_sums(sums, name)
        row = {
            "mean": values.mean(),
            "low": low,
            "high": high,
            "seed_std": values.std(ddof=1) if len(values) > 1 else None,
            "users": np.mean([test["users"][name] for test in tests]),
        }
        summary[name] = {k: None if v is None else round(float(v), _DIGITS) for k, v in row.items()}
    return summary


def _over_splits(values: np.ndarray) -> tuple[float | None, float | None]:
    """Student's t around a mean; nothing is known of a single split."""
    if len(values) < 2:
        return None, None
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = error * stats.t.ppf(0.975, len(values) - 1)
    return values.mean() - half, values.mean() + half
