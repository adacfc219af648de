"""Tables made from stored results: rows, comparisons, and the README's Markdown."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from recmodels.data.files import written_whole
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import compare
from recmodels.experiments.entry import RATING_PROTOCOLS
from recmodels.experiments.results import RESULTS, load_results
from recmodels.experiments.stored import read_per_user

TABLE_BEGINS = "<!-- table: recmodels table --write README.md -->"
TABLE_ENDS = "<!-- end of table -->"
ROW_KEYS = (
    *("experiment", "dataset", "protocol", "model", "seeds", "metrics", "published", "seconds"),
    *("command", "filter_seen", "cold", "everyone", "ceiling"),
)
PROTOCOL_TITLES = {
    "leave-one-out": "Leave-one-out:",
    "temporal": 'One cut in time for all, measured over the users known before it; "everyone" '
    "adds the newcomers, who are shown the most popular items:",
    "random-80-20": "Ratings held out at random, as tutorials do (a fifth of them; later ratings "
    "help with earlier ones): share among the first hundred of all films, and of those the user "
    "has not rated; error in stars; 95 % intervals over five splits, in brackets the mean over "
    "users:",
    "temporal-80-20": "The same models and measures, but held out is what was rated after one "
    "moment, of the users and films that were there before; 95 % intervals over users:",
}
RATING_METRICS = {
    "top_100": "top-100",
    "top_100_filtered": "top-100, seen filtered",
    "rmse": "RMSE",
}


def table_rows(folder: Path = RESULTS) -> list[dict]:
    """What `recmodels table --json` prints, one row an experiment.

    Keys are `experiment, dataset, protocol, model, seeds, metrics, published, seconds, command`;
    `filter_seen`, `cold` (counts of users, targets, newcomers) and `ceiling`; `everyone` (users
    and metrics with the newcomers, under the temporal protocol); `order_audit` (what shuffling each
    history costs the first seed that recorded it, None for others); and `against_best`: the
    difference in NDCG@10 from the best experiment on the same users, with its interval and the
    p-value of a paired permutation test, corrected for the number of rows by Holm's method; None
    for the best and under the rating protocols, whose metrics are `top_100`, `top_100_filtered` and
    `rmse`, each with its mean over users as `users`.
    """
    results = load_results(folder)
    compared = against_best(results, folder)
    rows = [{key: result.get(key) for key in ROW_KEYS} for result in results]
    for row, result in zip(rows, results, strict=True):
        audits = [run["order_audit"] for run in result["runs"].values() if "order_audit" in run]
        row["order_audit"] = next(iter(audits), None)
        row["against_best"] = compared.get(row["experiment"])
    return rows


def against_best(results: list[dict], folder: Path = RESULTS) -> dict[str, dict]:
    """Each experiment but the best compared with the best on the same data and protocol."""
    found = {}
    groups = {(r["dataset"], r["protocol"]) for r in results}
    for group in groups:
        members = [r for r in results if (r["dataset"], r["protocol"]) == group]
        if len(members) < 2 or group[1] in RATING_PROTOCOLS:
            continue  # They keep sums of ratings, not ranks; a random split has users of its own.
        ranks = {r["experiment"]: read_per_user(r, folder) for r in members}
        values = pd.DataFrame({name: ndcg(table, 10).mean(axis=1) for name, table in ranks.items()})
        best = values.mean().idxmax()
        for name, row in compare(values, baseline=best).iterrows():
            numbers = {key: round(row[key], 6) for key in ("difference", "low", "high", "p_holm")}
            found[name] = {"best": best, **numbers}
    return found


def markdown_table(rows: list[dict]) -> str:
    """The rows as Markdown tables with intervals, one a protocol, as the README shows them."""
    parts = []
    for protocol, title in PROTOCOL_TITLES.items():
        members = [row for row in rows if row["protocol"] == protocol]
        if members and protocol in RATING_PROTOCOLS:
            parts += [title, _markdown_ratings(members, of_splits=protocol == "random-80-20")]
        elif members:
            parts += [title, _markdown_part(members, everyone=protocol == "temporal")]
    return "\n\n".join(parts)


def _markdown_part(rows: list[dict], everyone: bool) -> str:
    beside = "everyone: NDCG@10 / HR@10" if everyone else "published or ceiling"
    shown = (lambda r: r["everyone"]) if everyone else (lambda r: r["ceiling"] or r["published"])
    columns = {
        "NDCG@10 (95 %)": lambda r: _cell(r["metrics"]["ndcg@10"]),
        "HR@10 (95 %)": lambda r: _cell(r["metrics"]["hr@10"]),
        "below the best by (95 %), Holm's p": lambda r: _against(r["against_best"]),
        beside: lambda r: _pair(shown(r) or {}),
        "cold users / targets": lambda r: f"{r['cold']['users']} / {r['cold']['targets']}",
    }
    if any(r["order_audit"] for r in rows):
        columns["lost when shuffled (95 %)"] = lambda r: _audit_cell(r["order_audit"])
    return _markdown_lines(rows, columns, "seeds")


def _markdown_ratings(rows: list[dict], of_splits: bool) -> str:
    columns = {
        title: lambda r, name=name: _rating_cell(r["metrics"].get(name))
        for name, title in RATING_METRICS.items()
    }
    if of_splits:
        columns["published"] = lambda r: (
            " / ".join(str(r["published"][n]) for n in RATING_METRICS if n in r["published"]) or "-"
        )
        return _markdown_lines(rows, columns, "splits")
    columns["newcomers left out"] = lambda r: str(r["cold"]["newcomers"])
    return _markdown_lines(rows, columns, "seeds")


def _markdown_lines(rows: list[dict], columns: dict[str, Callable], seeds: str) -> str:
    """A Markdown table: the text of each cell of a row by the title of its column."""
    columns = {
        "data": lambda r: r["dataset"],
        "experiment": lambda r: r["experiment"],
        **columns,
        seeds: lambda r: str(len(r["seeds"])),
        "s": lambda r: f"{r['seconds']:.0f}",
    }
    cells = [[text(row) for text in columns.values()] for row in rows]
    lines = [list(columns), ["---"] * len(columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rating_cell(metric: dict | None) -> str:
    if metric is None:
        return "-"
    interval = "" if metric["low"] is None else f" ({metric['low']:.4f} to {metric['high']:.4f})"
    return f"{metric['mean']:.4f}{interval} [{metric['users']:.4f}]"


def _pair(metrics: dict) -> str:
    return " / ".join(f"{metrics[m]:.4f}" for m in ("ndcg@10", "hr@10") if m in metrics) or "-"


def _against(compared: dict | None) -> str:
    if compared is None:
        return "-"
    less, least, most = (-compared[key] for key in ("difference", "high", "low"))
    return f"{less:.4f} ({least:.4f} to {most:.4f}), {compared['p_holm']:.4f}"


def _audit_cell(audit: dict | None) -> str:
    return "-" if audit is None else _cell({**audit, "mean": audit["difference"]})


def _cell(metric: dict) -> str:
    return f"{metric['mean']:.4f} ({metric['low']:.4f} to {metric['high']:.4f})"


def write_into(readme: Path, table: str) -> None:
    """Put a table between the two marks of a Markdown file."""
    text = readme.read_text("utf-8")
    if text.count(TABLE_BEGINS) != 1 or text.count(TABLE_ENDS) != 1:
        raise ValueError(
            f"`readme` must hold {TABLE_BEGINS!r} and {TABLE_ENDS!r} once each. "
            f"Received: readme={str(readme)!r}"
        )
    before, rest = text.split(TABLE_BEGINS)
    after = rest.split(TABLE_ENDS)[1]
    with written_whole(readme) as unfinished:
        unfinished.write_text(f"{before}{TABLE_BEGINS}\n{table}\n{TABLE_ENDS}{after}", "utf-8")
