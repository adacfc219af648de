"""What texts of items and word vectors add to ids, in one table."""

from pathlib import Path

import pandas as pd

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import compare
from recmodels.experiments.markdown import cell, markdown_lines, pair
from recmodels.experiments.stored import read_per_user


def _small(dataset: str) -> tuple[str, ...]:
    """The entries of a small log besides the one on ids alone and that of MiniLM."""
    added = ("tfidf", "ids-word-vectors", "ids-tfidf", "ids-shared", "ids-tfidf-fused")
    return tuple(f"{dataset}-text-{name}" for name in added)


# Each model on ids alone, and those that have the same settings but for what is added.
COMPARED: dict[str, tuple[str, ...]] = {
    "beauty-recipe": (
        *("beauty-tfidf", "beauty-word-vectors", "beauty-text-start"),
        *("beauty-text", "beauty-text-fused"),
    ),
    "beauty-bsarec": (
        *("beauty-word-vectors-bsarec", "beauty-text-start-bsarec"),
        *("beauty-text-start-fused", "beauty-text-two-fused"),
    ),
    "beauty-shared-users": (
        "beauty-shared-texts",
        "beauty-shared-texts-fused",
        "beauty-shared-texts-two-fused",
    ),
    "ml-1m-sasrec-softmax-20": ("ml-1m-text-tfidf", "ml-1m-text-ids-minilm"),
    "ml-100k-text-ids": (
        *_small("ml-100k"),
        "ml-100k-text-ids-minilm",
        *(f"ml-100k-text-minilm-{how}" for how in ("frozen", "partial", "lora")),
    ),
    "shop-text-ids": (*_small("shop"), "shop-text-ids-minilm"),
    "shop-chinese-text-ids": _small("shop-chinese"),
}


def ndcg_by_user(results: list[dict], folder: Path) -> pd.DataFrame:
    """NDCG@10 of each user, averaged over seeds, one column per stored experiment."""
    ranks = {result["experiment"]: read_per_user(result, folder) for result in results}
    return pd.DataFrame({name: ndcg(table, 10).mean(axis=1) for name, table in ranks.items()})


def gaps_to(baseline: str, values: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Difference of each other column from a baseline, with interval and corrected p-value."""
    keys = ["difference", "low", "high", "p_holm"]
    return compare(values, baseline)[keys].round(6).to_dict("index")


def against_ids(results: list[dict], folder: Path) -> dict[str, dict]:
    """Compare each stored experiment of `COMPARED` with ids alone, on the same users.

    Returns:
        By experiment: `ids`, the experiment on ids alone; the `difference` in NDCG@10 with its
        interval `low`, `high`; and `p_holm`, corrected for the models that have the same `ids`.
    """
    stored = {result["experiment"]: result for result in results}
    found = {}
    for ids, others in COMPARED.items():
        there = [name for name in (ids, *others) if name in stored]
        if ids not in there or len(there) < 2:
            continue
        values = ndcg_by_user([stored[name] for name in there], folder)
        found |= {name: {"ids": ids, **gap} for name, gap in gaps_to(ids, values).items()}
    return found


def text_table(rows: list[dict]) -> str:
    """The rows that are compared with ids alone as Markdown, each group after its ids.

    Args:
        rows: what `table_rows` returns.
    """
    by_name = {(row["experiment"], row["slice"]): row for row in rows}
    shown = [
        {**by_name[name, "all"], **{part: by_name.get((name, part)) for part in ("rare", "cold")}}
        for ids, others in COMPARED.items()
        for name in (ids, *others)
        if (name, "all") in by_name
    ]
    columns = {
        "data": lambda row: row["dataset"],
        "model": lambda row: row["model"],
        "experiment": lambda row: row["experiment"],
        "NDCG@10 (95 % CI)": lambda row: cell(row["metrics"]["ndcg@10"]),
        "HR@10": lambda row: f"{row['metrics']['hr@10']['mean']:.4f}",
        "minus ids alone (95 % CI), Holm p": lambda row: _difference(row["against_ids"]),
        "rare: NDCG@10 / HR@10": lambda row: pair((row["rare"] or {}).get("metrics", {})),
        "cold: NDCG@10 / HR@10": lambda row: pair((row["cold"] or {}).get("metrics", {})),
        "seen items kept: NDCG@10 / HR@10": lambda row: pair(row["seen_kept"] or {}),
        "seeds": lambda row: str(len(row["seeds"])),
        "seconds": lambda row: f"{row['seconds']:.0f}",
    }
    return markdown_lines(shown, columns)


def _difference(compared: dict | None) -> str:
    if compared is None:
        return "-"
    return f"{cell({**compared, 'mean': compared['difference']})}, {compared['p_holm']:.4f}"
