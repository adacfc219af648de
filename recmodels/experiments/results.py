"""Stored results: one JSON an experiment, ranks beside it, tables made from both."""

import json
from pathlib import Path

import numpy as np

from recmodels.data.files import written_whole
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.report import load_ranks, save_ranks
from recmodels.evaluation.statistics import bootstrap_interval, seed_std
from recmodels.experiments.entry import Experiment
from recmodels.experiments.run import Run

RESULTS = Path("results")
TABLE_BEGINS = "<!-- table: recmodels table --write README.md -->"
TABLE_ENDS = "<!-- end of table -->"
TABLE_METRICS = ("hr@10", "ndcg@10", "mrr@10", "hr@5", "ndcg@5", "hr@20", "ndcg@20")


def write_json(path: Path, content: dict) -> None:
    """Write a result: sorted, one value a line, so that a change can be read."""
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def store_run(run: Run, folder: Path = RESULTS, ceiling: dict[str, float] | None = None) -> dict:
    """Add a finished seed to the stored result of its experiment.

    Args:
        run: with its test measured.
        folder: of the results.
        ceiling: test metrics of the best possible model, where they are known.

    Returns:
        The whole stored result, its means and intervals over the seeds so far.
    """
    experiment = run.experiment
    path = folder / f"{experiment.name}.json"
    ranks_path = folder / "per_user" / f"{experiment.name}.parquet"
    stored = json.loads(path.read_text("utf-8")) if path.exists() else {"runs": {}}
    ranks = {}
    if ranks_path.exists() and stored.get("settings") == _settings(experiment):
        table = load_ranks(ranks_path)
        ranks = {seed: table[seed].to_numpy() for seed in table.columns}
    else:
        stored["runs"] = {}  # Another setting: its seeds do not belong in one mean.
    ranks[run.seed] = run.test.per_user["rank"].to_numpy()
    stored["runs"][str(run.seed)] = run.to_dict()
    save_ranks(dict(sorted(ranks.items())), ranks_path)
    result = {
        "experiment": experiment.name,
        "dataset": experiment.dataset,
        "protocol": experiment.protocol,
        "model": experiment.model,
        "filter_seen": experiment.filter_seen,
        "settings": _settings(experiment),
        "published": experiment.published,
        "runs": stored["runs"],
        **summarise(ranks, stored["runs"]),
    }
    if ceiling is not None:
        result["ceiling"] = {name: ceiling[name] for name in TABLE_METRICS}
    write_json(path, result)
    return result


def summarise(ranks: dict[int, np.ndarray], runs: dict[str, dict]) -> dict:
    """Means over seeds with a bootstrap interval over users, and what the runs cost."""
    metrics = {}
    for name in TABLE_METRICS:
        values = np.stack([rank_metric(name, r) for r in ranks.values()], axis=1)  # (U, seeds)
        interval = bootstrap_interval(values.mean(axis=1))
        metrics[name] = {
            **{key: round(value, 6) for key, value in interval._asdict().items()},
            "seed_std": None if values.shape[1] < 2 else round(seed_std(values), 6),
        }
    return {
        "metrics": metrics,
        "seeds": sorted(ranks),
        "seconds": round(float(np.mean([r["seconds"] for r in runs.values()])), 1),
        "command": next(iter(runs.values()))["command"].rsplit(" --seed", 1)[0],
    }


def _settings(experiment: Experiment) -> dict:
    """What must be equal for two seeds to share a mean, in JSON's types."""
    return json.loads(json.dumps({"options": experiment.options, "fit": experiment.fit}))


def load_results(folder: Path = RESULTS) -> list[dict]:
    """All stored results, by data set and then best last."""
    results = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    results = [r for r in results if "experiment" in r]
    return sorted(results, key=lambda r: (r["dataset"], r["metrics"]["ndcg@10"]["mean"]))


def table_rows(folder: Path = RESULTS) -> list[dict]:
    """Rows with `experiment, dataset, protocol, model, seeds, metrics, published, seconds,
    command`, which `recmodels table --json` prints."""
    keys = ("experiment", "dataset", "protocol", "model", "seeds", "metrics", "published")
    return [
        {key: result.get(key) for key in (*keys, "seconds", "command", "filter_seen", "ceiling")}
        for result in load_results(folder)
    ]


def markdown_table(rows: list[dict]) -> str:
    """The rows as a Markdown table with intervals, as the README shows them."""
    lines = [
        "| data | experiment | NDCG@10 (95 %) | HR@10 (95 %) | published or ceiling | seeds | s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ndcg, hr = (_cell(row["metrics"][name]) for name in ("ndcg@10", "hr@10"))
        published = row["published"]
        if row["ceiling"]:
            published = row["ceiling"]
        printed = " / ".join(f"{published[m]:.4f}" for m in ("ndcg@10", "hr@10") if m in published)
        lines.append(
            f"| {row['dataset']} | {row['experiment']} | {ndcg} | {hr} | {printed or '-'} "
            f"| {len(row['seeds'])} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


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
