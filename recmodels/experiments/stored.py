"""Read stored results: one JSON per experiment, checked against its per-user file."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.evaluation.event_prediction import event_metrics
from recmodels.evaluation.metrics import rank_metric


def read_json(path: Path) -> dict:
    """What `write_json` wrote; empty where nothing is there yet.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        content = str(error)
    if not isinstance(content, dict):
        raise ValueError(
            "`path` must be a stored result, a file with one JSON object: restore it, or delete it "
            f"and measure again. Received: path={str(path)!r}, which holds {str(content)[:80]!r}"
        )
    return content


def files_of(name: str, folder: Path) -> tuple[Path, Path]:
    """Where the result of an experiment is stored, and what it keeps of each user."""
    return folder / f"{name}.json", folder / "per_user" / f"{name}.parquet"


def staged(per_user: Path) -> Path:
    """The name under which `replace_result` writes the per-user file first."""
    return per_user.with_name(f".{per_user.name}.staged")


def read_result(path: Path) -> dict:
    """Read a stored result, or another measurement, and check that a result agrees with itself.

    Raises:
        ValueError: the file is no JSON object; or the result disagrees with what it keeps of each
            user, or its means are not those of the seeds it lists.
    """
    result = read_json(path)
    try:
        if "experiment" in result:
            read_per_user(result, path.parent)
            _check_means(result, path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if read_json(path) != result:  # Another process has just replaced it.
            return read_result(path)
        if isinstance(error, ValueError):
            raise
        raise _disagreement(result, path, f"which is not whole: {error!r}") from error
    return result


def _check_means(result: dict, path: Path) -> None:
    runs = result["runs"]
    for name, metric in result["metrics"].items():
        mean = np.mean([run["test"]["warm_metrics"][name] for run in runs.values()])
        if not np.isclose(mean, metric["mean"], rtol=0, atol=1e-6):
            why = f"{name} is {metric['mean']}, the mean of its seeds {sorted(runs)} {mean:.6f}"
            raise _disagreement(result, path, why)
    if result["seeds"] != sorted(map(int, runs)):
        raise _disagreement(result, path, f"seeds {result['seeds']}, runs of {sorted(runs)}")


def read_per_user(result: dict, folder: Path) -> pd.DataFrame:
    """Read what a stored result keeps of each user, and check that the two agree.

    Returns:
        One row per user; of each seed that the result lists a column such as `seed_0`, the ranks,
        or under the rating protocols sums such as `rmse_seed_0`, and `ratings_seed_0`.

    Raises:
        ValueError: they disagree; the message names the experiment, the seed and the file.
    """
    return _find_per_user(result, folder)[1]


def finish_result(result: dict, folder: Path) -> pd.DataFrame:
    """Do as `read_per_user`, and complete an interrupted replacement. The caller holds the lock."""
    path, table = _find_per_user(result, folder)
    per_user = files_of(result["experiment"], folder)[1]
    if path != per_user:
        os.replace(path, per_user)
    return table


def _find_per_user(result: dict, folder: Path) -> tuple[Path, pd.DataFrame]:
    per_user, why = files_of(result["experiment"], folder)[1], None
    # The staged file is what a kill left, or another process is about to move it: look again.
    for path in (per_user, staged(per_user), per_user):
        try:
            table = pd.read_parquet(path)
            _check_agreement(result["runs"], table)
        except (OSError, ValueError) as error:
            why = why or error
            continue
        return path, table[[c for c in table if c.rpartition("seed_")[2] in result["runs"]]]
    raise _disagreement(result, per_user, why) from why


def _check_agreement(runs: dict[str, dict], table: pd.DataFrame) -> None:
    """Raise unless the per-user table has the metrics of each run."""
    for seed, run in runs.items():
        events = events_of_seed(table, seed)
        of_events = event_metrics(events, run["test"]["types"]) if "predicted" in events else {}
        for name, stored in run["test"]["warm_metrics"].items():
            recomputed = of_events.get(name) if of_events else _metric_of(table, seed, name)
            if recomputed is None or not np.isclose(recomputed, stored, rtol=0, atol=1e-6):
                raise ValueError(f"seed {seed} has {name} {stored}, of its users {recomputed}")


def events_of_seed(table: pd.DataFrame, seed: int | str) -> pd.DataFrame:
    """What a per-user file keeps of the forecasts of one seed; see `EventEvaluation.table`."""
    end = f"_seed_{seed}"
    columns = {name: name.removesuffix(end) for name in table if name.endswith(end)}
    return table[[*columns]].rename(columns=columns)


def _metric_of(table: pd.DataFrame, seed: str, name: str) -> float | None:
    """A metric of one seed, from ranks or from sums over the ratings of each user."""
    if f"seed_{seed}" in table:
        return rank_metric(name, table[f"seed_{seed}"].to_numpy()).mean()
    if f"{name}_seed_{seed}" not in table:
        return None
    mean = table[f"{name}_seed_{seed}"].sum() / table[f"ratings_seed_{seed}"].sum()
    return np.sqrt(mean) if name == "rmse" else mean


def _disagreement(result: dict, file: Path, why: object) -> ValueError:
    name = result["experiment"]
    return ValueError(
        "A stored result must agree with what it keeps of each user: restore both files, or delete "
        f"them and type `recmodels train {name}`. "
        f"Received: experiment={name!r}, file={str(file)!r}, {why}"
    )
