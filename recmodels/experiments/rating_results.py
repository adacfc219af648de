"""Stored results under random splits: means over splits, and sums for every user beside them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from recmodels.data.files import written_whole
from recmodels.evaluation.held_out import user_sums
from recmodels.experiments.random_split import RatingRun
from recmodels.experiments.results import settings_of, write_json

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
    path = folder / f"{experiment.name}.json"
    sums_path = folder / "per_user" / f"{experiment.name}.parquet"
    stored = json.loads(path.read_text("utf-8")) if path.exists() else {}
    runs, sums = {}, None
    if stored.get("settings") == settings_of(experiment) and sums_path.exists():
        runs, sums = stored["runs"], pd.read_parquet(sums_path)
    runs[str(run.seed)] = run.to_dict()
    found = user_sums(run.held_out, run.seed, num_users)
    sums = found if sums is None else sums.assign(**found)
    with written_whole(sums_path) as unfinished:
        sums.to_parquet(unfinished)
    seeds = sorted(map(int, runs))
    result = {
        "experiment": experiment.name,
        "dataset": experiment.dataset,
        "protocol": experiment.protocol,
        "model": experiment.model,
        "filter_seen": None,
        "settings": settings_of(experiment),
        "published": experiment.published,
        "cold": {"users": 0, "targets": 0, "newcomers": 0},
        "everyone": None,
        "runs": runs,
        "seeds": seeds,
        "metrics": summarise_splits([runs[str(seed)]["test"] for seed in seeds]),
        "seconds": round(float(np.mean([r["seconds"] for r in runs.values()])), 1),
        "command": experiment.command(run.seed).rsplit(" --seed", 1)[0],
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
