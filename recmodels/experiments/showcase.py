"""The first thing a newcomer runs: any log, a model beside its baselines, lists in words."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels import plots
from recmodels.data.files import written_whole
from recmodels.data.interactions import Interactions
from recmodels.data.registry import SOURCES, open_log
from recmodels.data.shop import PRESETS
from recmodels.data.splits import Split
from recmodels.evaluation.comparison import comparison, slices
from recmodels.evaluation.report import Evaluation
from recmodels.experiments.catalogue import EXPERIMENTS, SHOWN_BASELINES
from recmodels.experiments.entry import Experiment
from recmodels.experiments.measures import measure_ceiling
from recmodels.experiments.run import Run, run_seed, split_log
from recmodels.experiments.train import save_bundle_of
from recmodels.features.checks import digest
from recmodels.features.sequences import SequenceData
from recmodels.recommend.recommender import Recommendation, Recommender
from recmodels.training.checkpoints import OtherRun

SHOWN_METRICS = ("ndcg@10", "hr@10", "mrr@10")
SOURCE = "dataset.txt"  # In a folder of a run: whose folder it is.
PACKED = (".gz", ".bz2", ".zip")
REPEATS_MATTER = 0.05  # Share of returns above which lists keep what a user already has.


@dataclass(frozen=True, eq=False)
class Showcase:
    """What a showcase found.

    Args:
        table: one row a model, worst first: mean, low and high of each of `SHOWN_METRICS`.
        examples: what five users did last, did next and were recommended.
        recommender: the trained model behind raw ids.
        evaluations: of each model on the test cases.
    """

    table: pd.DataFrame
    examples: list[tuple[list[str], str, Recommendation]]
    recommender: Recommender
    evaluations: dict[str, Evaluation]


def default_experiment(name: str, log: Interactions) -> Experiment:
    """Settings for a log nobody has tuned for: long enough histories, early stopping."""
    _, offsets = log.user_offsets()
    longest = int(np.quantile(np.diff(offsets), 0.95))
    returns = log.events.duplicated(["user", "item"]).mean()
    return Experiment(
        name=name,
        dataset=name,
        model="sasrec",
        options={"max_length": int(np.clip(longest, 10, 200)), "dropout": 0.2},
        fit={"epochs": 40, "patience": 4, "average": 0.99, "batch_size": 16},
        filter_seen=bool(returns < REPEATS_MATTER),
    )


def run_folder(runs: Path, dataset: str) -> Path:
    """The folder of a data set's run: that of its name, unless another data set has it.

    Args:
        runs: the folder of all runs.
        dataset: a name `load` knows, or the path of a file.

    Example: `sales.2023.csv` has `runs/sales.2023`; another file of that name elsewhere has
    `runs/sales.2023-` followed by eight digits or letters that depend on its path.
    """
    name = Path(dataset).name
    if dataset not in (*SOURCES, *PRESETS) and not Path(dataset).is_dir():
        while Path(name).suffix in PACKED:
            name = Path(name).stem
        name = Path(name).stem
    folder, source = runs / name, _source(dataset)
    note = folder / SOURCE
    if folder.exists() and not (note.is_file() and note.read_text("utf-8") == source):
        return runs / f"{name}-{digest([source])[:8]}"
    return folder


def _source(dataset: str) -> str:
    """A known name, or the full path of a file or folder."""
    known = dataset in (*SOURCES, *PRESETS) or not Path(dataset).exists()
    return dataset if known else str(Path(dataset).resolve())


def showcase(dataset: str, columns: dict[str, str], folder: Path, seed: int = 0) -> Showcase:
    """Train on a log, measure beside the baselines, write figures and a bundle.

    Args:
        dataset: a name `load` knows, or the path of a CSV or Parquet file.
        columns: of that file, such as `{"user": "uid", "item": "sku"}`.
        folder: gets `figures/`, `bundle/` and the checkpoint. A checkpoint of other data or
            settings is replaced, and a line on standard error says so.
        seed: of the training.
    """
    log, shop = open_log(dataset, columns)
    experiment = find_showcase_experiment(dataset, log)
    split = split_log(log, experiment.protocol)
    with written_whole(folder / SOURCE) as unfinished:
        unfinished.write_text(_source(dataset), "utf-8")
    run = _train(experiment, seed, split, folder / "checkpoint.npz")
    evaluations = {**_baselines(experiment, split), "SASRec": run.test}
    if shop is not None:
        evaluations["known ceiling"] = measure_ceiling(shop, run.data)
    table = comparison(evaluations, SHOWN_METRICS)
    config = {"dataset": _source(dataset), "columns": columns}
    recommender = save_bundle_of(run, log, folder / "bundle", config)
    _draw(run, table, folder / "figures")
    return Showcase(table, _examples(recommender, run.data), recommender, evaluations)


def _train(experiment: Experiment, seed: int, split: Split, checkpoint: Path) -> Run:
    """Go on from the checkpoint where it is of this run; start afresh where it is not."""
    try:
        return run_seed(experiment, seed, split, checkpoint=checkpoint)
    except OtherRun as error:
        reason = str(error).split(". ")[0]
        print(f"Training starts afresh, because {reason}.", file=sys.stderr)
        checkpoint.unlink()
        return run_seed(experiment, seed, split, checkpoint=checkpoint)


def find_showcase_experiment(dataset: str, log: Interactions) -> Experiment:
    """The tuned experiment of a data set where there is one."""
    tuned = [e for e in EXPERIMENTS.values() if e.dataset == dataset and e.model == "sasrec"]
    return tuned[0] if tuned else default_experiment(Path(dataset).name, log)


def _baselines(experiment: Experiment, split: Split) -> dict[str, Evaluation]:
    found = {}
    for label, (model, options) in SHOWN_BASELINES.items():
        baseline = replace(experiment, model=model, options=options, fit={})
        found[label] = run_seed(baseline, 0, split).test
    return found


def _examples(recommender: Recommender, data: SequenceData, users: int = 5):
    """A few users spread over the test cases: their last three items, the next, the list."""
    titles = _titles(recommender)
    examples = []
    for row in np.linspace(0, len(data.test) - 1, users).astype(int):
        history = data.test.histories.last([row])[0]
        raw = data.vocabulary.decode(history[(history > 0) & (history <= data.num_items)])
        target = data.test.targets[row]
        wanted = data.vocabulary.decode([target])[0] if target <= data.num_items else "a new item"
        shown = recommender.recommend(list(raw), k=5)
        examples.append(([titles(r) for r in raw[-3:]], titles(wanted), shown))
    return examples


def _titles(recommender: Recommender):
    items = recommender.items
    if items is None or "title" not in items.columns:
        return str
    known = items["title"].to_dict()
    return lambda raw: str(known.get(raw, raw))


def _draw(run: Run, table: pd.DataFrame, folder: Path) -> None:
    data = run.data
    models = table["ndcg@10"].drop("known ceiling", errors="ignore")
    known = "known ceiling" in table.index
    ceiling = table.loc["known ceiling", ("ndcg@10", "mean")] if known else None
    popularity = data.train.item_counts(data.num_items)[1:]
    figures = {
        "models": lambda: plots.model_comparison(models, ceiling=ceiling),
        "learning": lambda: plots.learning_curves({"SASRec": run.curve.to_frame()}),
        "lengths": lambda: plots.length_distribution(data.train.lengths, run.model.max_length),
        "popularity": lambda: plots.popularity_distribution(popularity),
        "by_length": lambda: plots.metric_by_slice({"SASRec": slices(run.test, "length")}),
        "by_popularity": lambda: plots.metric_by_slice(
            {"SASRec": slices(run.test, "popularity")}, by="popularity of the target"
        ),
    }
    for name, draw in figures.items():
        plots.save(draw(), folder / f"{name}.png")
