"""Paired comparisons of stored experiments on the same users."""

from pathlib import Path

import pandas as pd

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import compare
from recmodels.experiments.stored import read_per_user


def ndcg_by_user(results: list[dict], folder: Path) -> pd.DataFrame:
    """NDCG@10 of each user, averaged over seeds, one column per stored experiment."""
    ranks = {result["experiment"]: read_per_user(result, folder) for result in results}
    return pd.DataFrame({name: ndcg(table, 10).mean(axis=1) for name, table in ranks.items()})


def gaps_to(baseline: str, values: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Difference of each other column from a baseline, with interval and corrected p-value."""
    keys = ["difference", "low", "high", "p_holm"]
    return compare(values, baseline)[keys].round(6).to_dict("index")


def against(
    compared: dict[str, tuple[str, ...]], results: list[dict], folder: Path
) -> dict[str, dict]:
    """Compare stored experiments with a baseline, on the same users.

    Args:
        compared: experiments by the baseline of their group.
        results: what is stored.
        folder: of the results.

    Returns:
        By experiment: `baseline`; the `difference` in NDCG@10 with its interval `low`, `high`; and
        `p_holm`, corrected for the experiments that have the same baseline.
    """
    stored = {result["experiment"]: result for result in results}
    found = {}
    for baseline, others in compared.items():
        there = [name for name in (baseline, *others) if name in stored]
        if baseline not in there or len(there) < 2:
            continue
        values = ndcg_by_user([stored[name] for name in there], folder)
        gaps = gaps_to(baseline, values)
        found |= {name: {"baseline": baseline, **gap} for name, gap in gaps.items()}
    return found
