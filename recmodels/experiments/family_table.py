"""Families of sequence encoders in equal conditions, in one table."""

from pathlib import Path

from recmodels.experiments.families_catalogue import OWN, OWN_ON_SHOP, SEARCHED_SETTINGS
from recmodels.experiments.markdown import cell, difference_cell, markdown_lines
from recmodels.experiments.stored import read_json

# SASRec on each log, and the other families with the same settings; on Beauty also two families
# with the settings of their searches, because they are better on validation cases.
FAMILIES_COMPARED: dict[str, tuple[str, ...]] = {
    "beauty-recipe": (
        *(f"beauty-{family}" for family in OWN if family != "sasrec"),
        *(f"beauty-{family}-searched" for family in SEARCHED_SETTINGS),
    ),
    "ml-1m-sasrec-softmax-20": ("ml-1m-gru4rec", "ml-1m-bert4rec"),
    "ml-1m-wide": ("ml-1m-ligr",),
    "shop-recipe": tuple(f"shop-{family}" for family in OWN_ON_SHOP),
}
# The entry that `tune` searched, where it is not the experiment itself but has its settings.
SEARCHED = {"beauty-recipe": "beauty-sasrec"}


def search_of(experiment: str, folder: Path) -> dict | None:
    """The stored search for the options of an experiment.

    Returns:
        Number of `trials`, the `best` validation score, and the `hours` of all trials; None if
        there was no search.
    """
    stored = read_json(folder / "tuning" / f"{SEARCHED.get(experiment, experiment)}.json")
    if not stored:
        return None
    measure = stored["measure"].removeprefix("validation ")
    seconds = sum(trial["seconds"] for trial in stored["trials"])
    found = {"trials": len(stored["trials"]), "best": stored["best"][measure]}
    return {**found, "hours": round(seconds / 3600, 3)}


def family_table(rows: list[dict]) -> str:
    """The families of each log as Markdown, best first, with the hours of their searches.

    Args:
        rows: what `table_rows` returns.
    """
    by_name = {row["experiment"]: row for row in rows if row["slice"] == "all"}
    shown = []
    for sasrec, others in FAMILIES_COMPARED.items():
        group = [by_name[name] for name in (sasrec, *others) if name in by_name]
        shown += sorted(group, key=lambda row: -row["metrics"]["ndcg@10"]["mean"])
    columns = {
        "data": lambda row: row["dataset"],
        "experiment": lambda row: row["experiment"],
        "NDCG@10 (95 % CI)": lambda row: cell(row["metrics"]["ndcg@10"]),
        "HR@10": lambda row: f"{row['metrics']['hr@10']['mean']:.4f}",
        "minus SASRec (95 % CI), Holm p": lambda row: difference_cell(row["against_sasrec"]),
        "validation NDCG@10": lambda row: f"{row['validation']:.4f}",
        "best of the search": lambda row: _search_cell(row, "best", 4),
        "hours of the search": lambda row: _search_cell(row, "hours", 2),
        "seconds an epoch": lambda row: f"{row['epoch_seconds']:.1f}",
        "seeds": lambda row: str(len(row["seeds"])),
    }
    hours = sum(row["search"]["hours"] for row in shown if row["search"])
    lines = markdown_lines(shown, columns)
    return f"{lines}\n\nAll searches together took {hours:.1f} hours, each on one core."


def _search_cell(row: dict, name: str, digits: int) -> str:
    return f"{row['search'][name]:.{digits}f}" if row["search"] else "-"
