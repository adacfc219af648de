"""Markdown tables of stored results, for README and site."""

import re
from pathlib import Path

from recmodels.data.errors import require
from recmodels.data.files import written_whole
from recmodels.experiments.entry import (
    EVENT_PROTOCOLS,
    LAST_EVENT_ITEMS,
    PROTOCOLS,
    RATING_PROTOCOLS,
)
from recmodels.experiments.family_table import family_table
from recmodels.experiments.markdown import cell, markdown_lines, pair
from recmodels.experiments.text_table import text_table

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
    "ml-1m-bert4rec": "ndcg@10",
    "ml-1m-ligr": "ndcg@10",
    "beauty-softmax": "ndcg@10",
    "beauty-shared-users-seeds-fused": "ndcg@10",
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
            protocol, "headlines", the rows of the README, "texts", what texts add to ids, or
            "families", families of encoders in equal conditions.
        rows: what `table_rows` returns.

    Raises:
        ValueError: the page has no such marks, or there are no rows.
    """

    def renewed(match: re.Match) -> str:
        name = match[2]
        table = special[name](rows) if name in special else markdown_table(rows, (name,))
        return f"{match[1]}{table}\n{match[3]}"

    special = {"headlines": headline_table, "texts": text_table, "families": family_table}
    names = (*special, *PROTOCOLS)
    mark = rf"(?s)(<!-- table: ({'|'.join(names)}) -->\n).*?(<!-- end of table -->)"
    text = page.read_text("utf-8")
    must = "`page` must hold `<!-- table: NAME -->` and `<!-- end of table -->`, with one of the "
    require(re.search(mark, text), f"{must}names {names}", page=str(page))
    require(rows, "`rows` must hold stored results: an empty table would replace another", rows=[])
    text = re.sub(mark, renewed, text)
    with written_whole(page) as unfinished:
        unfinished.write_text(text, "utf-8")
