"""What texts of items and word vectors add to ids, in one table."""

from recmodels.experiments.markdown import cell, difference_cell, markdown_lines, pair


def _small(dataset: str) -> tuple[str, ...]:
    """The entries of a small log besides the one on ids alone and that of MiniLM."""
    added = ("tfidf", "ids-word-vectors", "ids-tfidf", "ids-shared", "ids-tfidf-fused")
    return tuple(f"{dataset}-text-{name}" for name in added)


# Each model on ids alone, and those that have the same settings but for what is added.
TEXTS_COMPARED: dict[str, tuple[str, ...]] = {
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


def text_table(rows: list[dict]) -> str:
    """The rows that are compared with ids alone as Markdown, each group after its ids.

    Args:
        rows: what `table_rows` returns.
    """
    by_name = {(row["experiment"], row["slice"]): row for row in rows}
    shown = [
        {**by_name[name, "all"], **{part: by_name.get((name, part)) for part in ("rare", "cold")}}
        for ids, others in TEXTS_COMPARED.items()
        for name in (ids, *others)
        if (name, "all") in by_name
    ]
    columns = {
        "data": lambda row: row["dataset"],
        "model": lambda row: row["model"],
        "experiment": lambda row: row["experiment"],
        "NDCG@10 (95 % CI)": lambda row: cell(row["metrics"]["ndcg@10"]),
        "HR@10": lambda row: f"{row['metrics']['hr@10']['mean']:.4f}",
        "minus ids alone (95 % CI), Holm p": lambda row: difference_cell(row["against_ids"]),
        "rare: NDCG@10 / HR@10": lambda row: pair((row["rare"] or {}).get("metrics", {})),
        "cold: NDCG@10 / HR@10": lambda row: pair((row["cold"] or {}).get("metrics", {})),
        "seen items kept: NDCG@10 / HR@10": lambda row: pair(row["seen_kept"] or {}),
        "seeds": lambda row: str(len(row["seeds"])),
        "seconds": lambda row: f"{row['seconds']:.0f}",
    }
    return markdown_lines(shown, columns)
