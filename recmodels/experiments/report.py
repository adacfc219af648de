"""Text output of the commands."""

from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.registry import open_log
from recmodels.data.text import one_line
from recmodels.evaluation.comparison import comparison
from recmodels.evaluation.held_out import HELD_OUT_METRICS
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.experiments.entry import PROTOCOLS, RATING_PROTOCOLS
from recmodels.experiments.measures import measure
from recmodels.experiments.quickstart import Quickstart
from recmodels.experiments.report_texts import text
from recmodels.experiments.run import split_log
from recmodels.experiments.tournament import Candidate, Note
from recmodels.experiments.train_once import prepare_split
from recmodels.features.protocol import Protocol
from recmodels.models.capabilities import columns_of
from recmodels.recommend.bundle import load_bundle

SHOWN_METRICS = ("ndcg@10", "hr@10", "mrr@10")
SHOWN_LISTS = 5
FEW = 200  # Validation users below which the choice of the best model is mostly random.


def models_table(result: Quickstart) -> pd.DataFrame:
    """One row per measured model, by family, the best on the test last: see `comparison`."""
    tests = {c.family: c.test for c in result.candidates if c.test is not None}
    if result.ceiling is not None:
        tests["ceiling"] = result.ceiling
    return comparison(tests, SHOWN_METRICS)


def verdict(result: Quickstart) -> list[Note]:
    """Return sentences about the best model: how it was chosen, and caveats."""
    winner, metric = result.winner, result.data.protocol.choose_by
    values = {"metric": metric.upper(), "validation": f"{winner.score(result.data):.4f}"}
    values |= {"model": text(winner.family), "test": f"{winner.test.metrics[metric]:.4f}"}
    notes = [("winner", values)]
    others = [c for c in result.candidates if c.test is not None and c is not winner]
    if others:
        second = max(others, key=lambda c: c.score(result.data))
        gap = bootstrap_interval(winner.test.values(metric) - second.test.values(metric))
        shown = dict(zip(("difference", "low", "high"), (f"{v:.4f}" for v in gap), strict=True))
        notes.append(("ahead", {"model": text(second.family), **shown}))
    popularity = next(c for c in result.candidates if c.family == "popularity")
    if popularity.test.metrics[metric] >= winner.test.metrics[metric] and winner is not popularity:
        notes.append(("test below popularity", {}))
    if len(result.data.validation) < FEW:
        notes.append(("few users", {"users": len(result.data.validation)}))
    return notes


def audit_note(result: Quickstart) -> Note:
    """The sentence of the order audit."""
    numbers = result.audit.to_dict()
    shown = {k: f"{v:.4f}" for k, v in numbers.items() if k not in ("metric", "verdict")}
    return result.audit.verdict, {"metric": result.audit.metric.upper(), **shown}


def remark(candidate, result: Quickstart, language: str = "en") -> str:
    """What a row of the table adds: that the model won, was left out, failed or was cut short."""
    parts = [text("in the bundle", language)] if candidate is result.winner else []
    if candidate.note is not None:
        parts.append(text(candidate.note[0], language, **candidate.note[1]))
    return "; ".join(parts)


def describe_quickstart(result: Quickstart) -> str:
    """The verdict, the table of models and some lists as plain text."""
    metric = result.data.protocol.choose_by
    titles = [f"validation {metric.upper()}", *(f"{m.upper()} (95 %)" for m in SHOWN_METRICS)]
    lines = ["", f"{'':16}" + "".join(f"{title:>28}" for title in titles) + f"{'seconds':>10}"]
    table = models_table(result)
    by_family = {c.family: c for c in result.candidates}
    for family, row in table.iterrows():
        candidate = by_family.get(family)
        cells = [f"{candidate.score(result.data):.4f}" if candidate else ""]
        cells += [
            f"{row[m, 'mean']:.4f} ({row[m, 'low']:.4f} to {row[m, 'high']:.4f})"
            for m in SHOWN_METRICS
        ]
        added = remark(candidate, result) if candidate else ""
        seconds = f"{candidate.seconds:.1f}" if candidate else ""
        line = f"{text(family):16}" + "".join(f"{cell:>28}" for cell in cells) + f"{seconds:>10}"
        lines.append(f"{line}  {added}".rstrip())
    lines += [
        f"{text(c.family):16}{remark(c, result)}" for c in result.candidates if c.test is None
    ]
    notes = [*verdict(result), audit_note(result), *result.notes]
    lines += ["", *(f"{text(key, **values)}." for key, values in notes)]
    return "\n".join([*lines, *describe_lists(_spread(result.examples, SHOWN_LISTS))])


def describe_lists(examples: list) -> list[str]:
    """Lines with what some users did last, did next and were recommended."""
    lines = []
    for last, wanted, answer in examples:
        lines += ["", "After  " + "  >  ".join(map(one_line, last))]
        lines += [f"came   {one_line(wanted or text('new item'))}"]
        lines += [
            f"   {place}. {one_line(title)}{'   <- it' if title == wanted else ''}"
            for place, title in enumerate(list_titles(answer), 1)
        ]
    return lines


def list_titles(answer) -> list[str]:
    """What a list shows of each item: its title or else its raw id."""
    return answer.table["title" if "title" in answer.table else "item"].astype(str).tolist()


def _spread(examples: list, count: int) -> list:
    places = np.unique(np.linspace(0, len(examples) - 1, count).astype(int))
    return [examples[place] for place in places]


def quickstart_to_dict(result: Quickstart) -> dict:
    """What `recmodels run --json` prints."""
    return {
        "winner": result.winner.family,
        "filter_seen": result.data.protocol.filter_seen,
        "models": {
            c.family: {
                "options": c.options,
                "seconds": round(c.seconds, 1),
                "validation": None if c.validation is None else c.validation.to_dict(),
                "test": None if c.test is None else c.test.to_dict(),
                "remark": remark(c, result),
                "trials": [_trial(trial) for trial in c.trials],
            }
            for c in result.candidates
        },
        "ceiling": None if result.ceiling is None else result.ceiling.to_dict(),
        "order_audit": result.audit.to_dict(),
        "cost": None if result.cost is None else result.cost.to_dict(),
    }


def _trial(candidate: Candidate) -> dict:
    """A shorter training by which encoders were compared."""
    measured = candidate.validation.to_dict()
    epochs = len(candidate.curve.rows)
    return {"epochs": epochs, "seconds": round(candidate.seconds, 1), "validation": measured}


def evaluate_bundle(folder: Path) -> dict:
    """Metrics of a bundle on the test cases of its data set, under its own protocol.

    Raises:
        ValueError: the folder is no bundle, does not say which data it was trained on, or these
            have changed.
    """
    bundle = load_bundle(folder)
    dataset, protocol = bundle.config.get("dataset"), bundle.config.get("protocol")
    columns, seed = bundle.config.get("columns", {}), bundle.config.get("seed", 0)
    if (
        not isinstance(dataset, str)
        or protocol not in PROTOCOLS
        or type(seed) is not int
        or seed < 0
        or not isinstance(columns, dict)
        or not all(isinstance(column, str) for column in columns.values())
    ):
        raise ValueError(
            "`folder` must hold a bundle of `recmodels run` or `recmodels train`, whose config has "
            "`dataset`, `protocol`, `columns` and `seed`. For a bundle of `Recommender.save` load "
            "it and call `recmodels.evaluate(model, data.test)` with the data it was trained on. "
            f"Received: folder={str(folder)!r}, config={bundle.config!r:.200}"
        )
    log, _ = open_log(dataset, columns)
    split = split_log(log, protocol, seed)
    if protocol in RATING_PROTOCOLS:
        split = split.refitted()
    data = prepare_split(split, columns_of(bundle.model), Protocol(filter_seen=bundle.filter_seen))
    if list(data.vocabulary.raw_ids) != list(bundle.vocabulary.raw_ids):
        raise ValueError(
            "`folder` holds a model of another catalogue than the data set has now. "
            f"Received: folder={str(folder)!r}, dataset={dataset!r}"
        )
    stored = set(bundle.metrics)  # What was measured under a rating protocol is measured again.
    measured = {"retrieves": HELD_OUT_METRICS[0] in stored, "rates": "rmse" in stored}
    return measure(bundle.model, data, split, "test", **measured).metrics
