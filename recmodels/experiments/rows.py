"""Rows of tables, made from stored results."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.evaluation.event_ceiling import shares_of
from recmodels.evaluation.report import TARGET_KINDS
from recmodels.experiments.comparisons import against, gaps_to, ndcg_by_user
from recmodels.experiments.entry import EVENT_PROTOCOLS, RATING_PROTOCOLS
from recmodels.experiments.family_table import FAMILIES_COMPARED, search_of
from recmodels.experiments.labels import full_model_name
from recmodels.experiments.results import RESULTS, load_results
from recmodels.experiments.text_table import TEXTS_COMPARED

ROW_KEYS = (
    *("experiment", "dataset", "protocol", "model", "seeds", "metrics", "published", "seconds"),
    *("command", "filter_seen", "query_time", "cold", "everyone", "ceiling"),
)


def table_rows(folder: Path = RESULTS) -> list[dict]:
    """What `recmodels table --json` prints, one row per experiment.

    Keys are `experiment, dataset, protocol, model, seeds, metrics, published, seconds, command`;
    `model` has its additions, as `sasrec+text` has (`full_model_name`). Further keys are
    `filter_seen`, `query_time` (whether queries tell the time of their target), `cold` (counts of
    users, targets, newcomers) and `ceiling`; `everyone` (users and metrics with the newcomers,
    under the temporal protocol); `order_audit` (what shuffling each history costs the first seed
    that recorded it, None for others); `by_target` (see `Evaluation.by_target`, None in older
    results); `seen_kept` (metrics of lists that keep the items a user already has, None where they
    were not measured); `of_ceiling` (of trained models of events of a simulated shop, see
    `share_of_ceiling`); and `against_best`: the difference in NDCG@10 from the best experiment on
    the same users, with its interval and the p-value of a paired permutation test, corrected for
    the number of rows by Holm's method; None for the best, under the rating protocols, whose
    metrics are `top_100`, `top_100_filtered` and `rmse`, each with its mean over users as `users`,
    and under those of events, whose metrics are those of `event_metrics`. Rows with and without
    `query_time` are never compared. `against_ids` and `against_sasrec` are such differences from
    ids alone and from SASRec in equal conditions, see `comparisons.against`. `validation` is the
    mean NDCG@10 on validation cases, `epoch_seconds` the median of all epochs, and `search` what
    `family_table.search_of` returns. `slice` is `"all"`; results that measure them have further
    rows for the users whose target is `"rare"` (at most five training events) or `"cold"` (none,
    where models may rank such items), with their number as `users`.
    """
    results = load_results(folder)
    differences = {
        "against_best": against_best(results, folder),
        "against_ids": against(TEXTS_COMPARED, results, folder),
        "against_sasrec": against(FAMILIES_COMPARED, results, folder),
    }
    rows = [{key: result.get(key) for key in ROW_KEYS} for result in results]
    for row, result in zip(rows, results, strict=True):
        row |= _of_seeds(list(result["runs"].values()))
        row["query_time"] = result.get("query_time", False)  # Older results did not record it.
        row |= {name: found.get(row["experiment"]) for name, found in differences.items()}
        row["search"] = search_of(row["experiment"], folder)
        row["slice"] = "all"
        row["model"] = full_model_name(result)
    sliced = [
        {**row, **part, "slice": name, **dict.fromkeys(differences), "published": {}}
        for row, result in zip(rows, results, strict=True)
        for name, part in result.get("slices", {}).items()
    ]
    return rows + sliced


def _of_seeds(runs: list[dict]) -> dict:
    """What the runs of all seeds say together."""
    audits = [run["order_audit"] for run in runs if "order_audit" in run]
    shares = [run["of_ceiling"] for run in runs if "of_ceiling" in run]
    return {
        "order_audit": next(iter(audits), None),
        "seen_kept": _mean_with_seen(runs),
        "by_target": _mean_by_target([run["test"] for run in runs]),
        "of_ceiling": shares_of(shares) if shares else None,
        "validation": _mean_validation(runs),
        "epoch_seconds": _median_epoch(runs),
    }


def _mean_validation(runs: list[dict]) -> float | None:
    """Mean NDCG@10 on validation cases; None where it is not measured."""
    scores = [(run.get("validation") or {}).get("ndcg@10") for run in runs]
    return None if None in scores else round(float(np.mean(scores)), 6)


def _median_epoch(runs: list[dict]) -> float | None:
    """Median seconds of an epoch over all epochs and seeds; None without a training."""
    seconds = [row["seconds"] for run in runs for row in run.get("curve") or []]
    return round(float(np.median(seconds)), 3) if seconds else None


def _mean_with_seen(runs: Iterable[dict]) -> dict[str, float] | None:
    """Mean over the seeds of metrics of lists that keep seen items; None where one lacks them."""
    measured = [run.get("seen_kept") for run in runs]
    return None if None in measured else pd.DataFrame(measured).mean().round(6).to_dict()


def _mean_by_target(tests: list[dict]) -> dict[str, dict[str, float]] | None:
    """Mean over the seeds of metrics by kind of target; None where they are not stored."""
    if not all("by_target" in test for test in tests):
        return None
    return {
        kind: pd.DataFrame([test["by_target"][kind] for test in tests]).mean().round(6).to_dict()
        for kind in TARGET_KINDS
    }


def against_best(results: list[dict], folder: Path = RESULTS) -> dict[str, dict]:
    """Each experiment but the best compared with the best on the same data and protocol."""
    gaps = {}
    members_of = {}
    for result in results:
        group = (result["dataset"], result["protocol"], result.get("query_time", False))
        members_of.setdefault(group, []).append(result)
    for (_, protocol, _), members in members_of.items():
        if len(members) < 2 or protocol in (*RATING_PROTOCOLS, *EVENT_PROTOCOLS):
            continue  # They keep sums of ratings, not ranks; a random split has users of its own.
        values = ndcg_by_user(members, folder)
        best = values.mean().idxmax()
        gaps |= {name: {"best": best, **gap} for name, gap in gaps_to(best, values).items()}
    return gaps
