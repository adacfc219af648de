"""Tables made from stored results: rows, comparisons, and Markdown for README and site."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from recmodels.data.errors import require
from recmodels.data.files import written_whole
from recmodels.evaluation.event_ceiling import shares_of
from recmodels.evaluation.report import TARGET_KINDS
from recmodels.experiments.entry import (
    EVENT_PROTOCOLS,
    LAST_EVENT_ITEMS,
    PROTOCOLS,
    RATING_PROTOCOLS,
)
from recmodels.experiments.labels import full_model_name
from recmodels.experiments.markdown import cell, markdown_lines, pair
from recmodels.experiments.results import RESULTS, load_results
from recmodels.experiments.text_table import against_ids, gaps_to, ndcg_by_user, text_table

ROW_KEYS = (
    *("experiment", "dataset", "protocol", "model", "seeds", "metrics", "published", "seconds"),
    *("command", "filter_seen", "query_time", "cold", "everyone", "ceiling"),
)
# Measures of forecasts of events by the title of their column.
EVENT_COLUMNS = {
    "accuracy": "type_accuracy",
    "macro-F1": "type_macro_f1",
    "log-loss": "type_log_loss",
    "ECE": "type_ece",
    "gap MAE, log1p s": "gap_mae_log1p",
    "in 90 % interval": "gap_coverage_90",
}
# Titles of the columns of rare and cold targets.
SLICES = {
    "rare": "at most five training events: NDCG@10 / HR@10",
    "cold": "no training event, allowed: NDCG@10 / HR@10",
}
# Rows of the README, with the metric that both we and the source report.
HEADLINES = {
    "ml-1m-sasrec-softmax": "ndcg@10",
    "ml-1m-sasrec-gbce": "ndcg@10",
    "ml-1m-sasrec-bce": "ndcg@10",
    "ml-1m-gru4rec": "ndcg@10",
    "beauty-softmax": "ndcg@10",
    "beauty-shared-texts": "ndcg@10",
    "sports-shared-users-fused": "ndcg@10",
    "ml-100k-random-tutorial": "top_100",
    "ml-100k-random-mlp": "rmse",
    "ml-100k-random-dcn": "rmse",
    "shop-softmax": "ndcg@10",
}
RATING_METRICS = {
    "top_100": "top-100",
    "top_100_filtered": "top-100, seen filtered",
    "rmse": "RMSE",
}


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
    `query_time` are never compared. `against_ids` is the difference from ids alone, see
    `text_table.against_ids`. `slice` is `"all"`; results that measure them
    have further rows for the users whose target is `"rare"` (at most five training events) or
    `"cold"` (none, where models may rank such items), with their number as `users`.
    """
    results = load_results(folder)
    compared, texts = against_best(results, folder), against_ids(results, folder)
    rows = [{key: result.get(key) for key in ROW_KEYS} for result in results]
    for row, result in zip(rows, results, strict=True):
        audits = [run["order_audit"] for run in result["runs"].values() if "order_audit" in run]
        row["order_audit"] = next(iter(audits), None)
        row["seen_kept"] = _mean_with_seen(result["runs"].values())
        row["by_target"] = _mean_by_target([run["test"] for run in result["runs"].values()])
        shares = [run["of_ceiling"] for run in result["runs"].values() if "of_ceiling" in run]
        row["of_ceiling"] = shares_of(shares) if shares else None
        row["query_time"] = result.get("query_time", False)  # Older results did not record it.
        row["against_best"] = compared.get(row["experiment"])
        row["against_ids"] = texts.get(row["experiment"])
        row["slice"] = "all"
        row["model"] = full_model_name(result)
    sliced = [
        {**row, **part, "slice": name, "against_best": None, "against_ids": None, "published": {}}
        for row, result in zip(rows, results, strict=True)
        for name, part in result.get("slices", {}).items()
    ]
    return rows + sliced


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


def markdown_table(rows: list[dict], protocols: tuple[str, ...] = PROTOCOLS) -> str:
    """Rows as Markdown: one table for each protocol and data set, under a title."""
    parts, sliced = [], {(row["experiment"], row["slice"]): row["metrics"] for row in rows}
    rows = [
        {**row, "sliced": [sliced.get((row["experiment"], name)) for name in SLICES]}
        for row in rows
        if row["slice"] == "all"
    ]
    for protocol in protocols:
        members = [row for row in rows if row["protocol"] == protocol]
        part = _markdown_ratings if protocol in RATING_PROTOCOLS else _markdown_part
        part = _markdown_events if protocol in EVENT_PROTOCOLS else part
        for data in dict.fromkeys(row["dataset"] for row in members):
            table = [row for row in members if row["dataset"] == data]
            parts.append(f"### {data}, {protocol}\n\n{part(table, protocol)}")
    return "\n\n".join(parts)


def headline_table(rows: list[dict]) -> str:
    """The rows of the README as Markdown: our value and the published one or the ceiling."""
    by_name = {row["experiment"]: row for row in rows if row["slice"] == "all"}
    rows = [{**by_name[name], "metric": metric} for name, metric in HEADLINES.items()]
    columns = {
        "experiment": lambda r: r["experiment"],
        "metric": lambda r: RATING_METRICS.get(r["metric"], r["metric"].upper()),
        "ours (95 % CI)": lambda r: cell(r["metrics"][r["metric"]]),
        "published": lambda r: f"{(r['ceiling'] or r['published'])[r['metric']]:.4f}",
        "source": lambda r: "highest possible value" if r["ceiling"] else r["published"]["source"],
    }
    return markdown_lines(rows, columns)


def _markdown_part(rows: list[dict], protocol: str) -> str:
    everyone = protocol == "temporal"
    reference = "everyone: NDCG@10 / HR@10" if everyone else "published or ceiling: NDCG@10 / HR@10"
    shown = (lambda r: r["everyone"]) if everyone else (lambda r: r["ceiling"] or r["published"])
    by_target = {}
    if protocol == LAST_EVENT_ITEMS:
        by_target = {_targets_title(rows): lambda r: _targets_cell(r["by_target"])}
    columns = {
        "experiment": lambda r: r["experiment"],
        "NDCG@10 (95 % CI)": lambda r: cell(r["metrics"]["ndcg@10"]),
        "HR@10 (95 % CI)": lambda r: cell(r["metrics"]["hr@10"]),
        "gap to best (95 % CI), Holm p": lambda r: _against(r["against_best"]),
        **by_target,
        reference: lambda r: pair(shown(r) or {}),
        "cold users / targets": lambda r: f"{r['cold']['users']} / {r['cold']['targets']}",
        "seeds": lambda r: str(len(r["seeds"])),
        "seconds": lambda r: f"{r['seconds']:.0f}",
    }
    if any(metrics for r in rows for metrics in r["sliced"]):
        for place, title in enumerate(SLICES.values()):
            columns[title] = lambda r, place=place: pair(r["sliced"][place] or {})
    if any(r["order_audit"] for r in rows):
        columns["lost when shuffled (95 % CI)"] = lambda r: _audit_cell(r["order_audit"])
    return markdown_lines(rows, columns)


def _markdown_events(rows: list[dict], protocol: str) -> str:
    columns = {"experiment": lambda r: r["experiment"]} | {
        title: lambda r, name=name: cell(r["metrics"][name]) if name in r["metrics"] else "-"
        for title, name in EVENT_COLUMNS.items()
    }
    if any(r["of_ceiling"] for r in rows):
        columns["share of what can be known: type, item, bought item, gap"] = lambda r: (
            ", ".join(f"{part['share']:.3f}" for part in (r["of_ceiling"] or {}).values()) or "-"
        )
    columns["seeds"] = lambda r: str(len(r["seeds"]))
    columns["seconds"] = lambda r: f"{r['seconds']:.0f}"
    lines = markdown_lines(rows, columns)
    ceiling = next((r["ceiling"] for r in rows if r["ceiling"]), None)
    return lines if ceiling is None else f"{lines}\n{_ceiling_line(ceiling, len(columns))}"


def _ceiling_line(ceiling: dict[str, float], width: int) -> str:
    """A row with the metrics of the best possible forecasts."""
    shown = [f"{ceiling[name]:.4f}" for name in EVENT_COLUMNS.values()]
    cells = ["highest possible value", *shown]
    return f"| {' | '.join([*cells, *['-'] * (width - len(cells))])} |"


def _markdown_ratings(rows: list[dict], protocol: str) -> str:
    of_splits = protocol == "random-80-20"
    columns = {"experiment": lambda r: r["experiment"]} | {
        title: lambda r, name=name: _rating_cell(r["metrics"].get(name))
        for name, title in RATING_METRICS.items()
    }
    if of_splits:
        columns["published"] = lambda r: (
            " / ".join(str(r["published"][n]) for n in RATING_METRICS if n in r["published"]) or "-"
        )
    else:
        columns["new users left out"] = lambda r: str(r["cold"]["newcomers"])
    columns["splits" if of_splits else "seeds"] = lambda r: str(len(r["seeds"]))
    columns["seconds"] = lambda r: f"{r['seconds']:.0f}"
    return markdown_lines(rows, columns)


def _rating_cell(metric: dict | None) -> str:
    if metric is None:
        return "-"
    interval = "" if metric["low"] is None else f" ({metric['low']:.4f} to {metric['high']:.4f})"
    return f"{metric['mean']:.4f}{interval} [{metric['users']:.4f}]"


def _targets_title(rows: list[dict]) -> str:
    counts = [f"{kind} ({group['users']:.0f})" for kind, group in rows[0]["by_target"].items()]
    return f"NDCG@10 of targets: {' / '.join(counts)}"


def _targets_cell(by_target: dict[str, dict[str, float]]) -> str:
    return " / ".join(f"{group.get('ndcg@10', 0.0):.4f}" for group in by_target.values())


def _against(compared: dict | None) -> str:
    if compared is None:
        return "-"
    less, least, most = (-compared[key] for key in ("difference", "high", "low"))
    return f"{less:.4f} ({least:.4f} to {most:.4f}), {compared['p_holm']:.4f}"


def _audit_cell(audit: dict | None) -> str:
    return "-" if audit is None else cell({**audit, "mean": audit["difference"]})


def write_into(page: Path, rows: list[dict]) -> None:
    """Renew the tables of a Markdown file between their marks.

    Args:
        page: a file with `<!-- table: NAME -->` and `<!-- end of table -->`, where NAME is a
            protocol, "headlines", the rows of the README, or "texts", what texts add to ids.
        rows: what `table_rows` returns.

    Raises:
        ValueError: the page has no such marks, or there are no rows.
    """

    def renewed(match: re.Match) -> str:
        name = match[2]
        table = special[name](rows) if name in special else markdown_table(rows, (name,))
        return f"{match[1]}{table}\n{match[3]}"

    special = {"headlines": headline_table, "texts": text_table}
    names = (*special, *PROTOCOLS)
    mark = rf"(?s)(<!-- table: ({'|'.join(names)}) -->\n).*?(<!-- end of table -->)"
    text = page.read_text("utf-8")
    must = "`page` must hold `<!-- table: NAME -->` and `<!-- end of table -->`, with one of the "
    require(re.search(mark, text), f"{must}names {names}", page=str(page))
    require(rows, "`rows` must hold stored results: an empty table would replace another", rows=[])
    text = re.sub(mark, renewed, text)
    with written_whole(page) as unfinished:
        unfinished.write_text(text, "utf-8")
