"""What the commands print."""

from pathlib import Path

from recmodels.data.registry import open_log
from recmodels.data.text import one_line
from recmodels.evaluation.held_out import HELD_OUT_METRICS
from recmodels.experiments.entry import PROTOCOLS, RATING_PROTOCOLS
from recmodels.experiments.measures import measure
from recmodels.experiments.run import prepare_split, split_log
from recmodels.experiments.showcase import SHOWN_METRICS, Showcase
from recmodels.models.capabilities import columns_of
from recmodels.recommend.bundle import load_bundle


def describe_showcase(shown: Showcase) -> str:
    """The table of models and the example lists as plain text."""
    lines = ["", f"{'':16}" + "".join(f"{m.upper() + ' (95 %)':>28}" for m in SHOWN_METRICS)]
    for name, row in shown.table.iterrows():
        cells = (
            f"{row[m, 'mean']:.4f} ({row[m, 'low']:.4f} to {row[m, 'high']:.4f})"
            for m in SHOWN_METRICS
        )
        lines.append(f"{name:16}" + "".join(f"{cell:>28}" for cell in cells))
    for last, wanted, answer in shown.examples:
        lines += ["", "After  " + "  >  ".join(map(one_line, last)), f"came   {one_line(wanted)}"]
        titles = answer.table["title" if "title" in answer.table else "item"].astype(str)
        lines += [
            f"   {place}. {one_line(title)}{'   <- it' if title == wanted else ''}"
            for place, title in enumerate(titles, 1)
        ]
    return "\n".join(lines)


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
    data = prepare_split(split, columns_of(bundle.model), bundle.filter_seen)
    if list(data.vocabulary.raw_ids) != list(bundle.vocabulary.raw_ids):
        raise ValueError(
            "`folder` holds a model of another catalogue than the data set has now. "
            f"Received: folder={str(folder)!r}, dataset={dataset!r}"
        )
    found = set(bundle.metrics)  # What was measured under a rating protocol is measured again.
    asked = {"retrieves": HELD_OUT_METRICS[0] in found, "rates": "rmse" in found}
    return measure(bundle.model, data, split, "test", **asked).metrics
