"""Run one seed of an experiment: load, split, train, measure."""

import platform
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from recmodels.api import fit, validation_score
from recmodels.data.interactions import Interactions
from recmodels.data.shop import Shop
from recmodels.data.splits import Split, leave_one_out, temporal_cutoff
from recmodels.evaluation.ceilings import BayesCeiling
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.ranking import rank
from recmodels.evaluation.report import Evaluation, evaluate
from recmodels.experiments.entry import MODELS, SEEDED, Experiment
from recmodels.experiments.memory import refuse_what_cannot_fit
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.baseline import Baseline
from recmodels.models.fallback import WithFallback
from recmodels.models.hybrid import Hybrid
from recmodels.models.popularity import MostPopular
from recmodels.recommend.bundle import library_versions
from recmodels.threads import usable_cores
from recmodels.training.curve import LearningCurve
from recmodels.training.seeds import set_seed

# Event columns that models read beside the items.
COLUMNS = {
    "recent-popularity": ("timestamp",),
    "two-tower": ("value",),
    "user-item-bias": ("value",),
}
EVERYONE_METRICS = ("hr@10", "ndcg@10", "mrr@10")


@dataclass(frozen=True, eq=False)
class Run:
    """One trained model with its measures.

    Args:
        experiment, seed: what was run.
        model: trained, a model that scores.
        data: what it was trained on.
        curve: of the training; None for baselines.
        validation, test: measures; `test` is None where the test was not asked for.
        everyone: metrics over all who come after a temporal cut, the most popular items for those
            of whom nothing is known; None under other protocols.
        seconds: of training alone.
    """

    experiment: Experiment
    seed: int
    model: object
    data: SequenceData
    curve: LearningCurve | None
    validation: Evaluation
    test: Evaluation | None
    everyone: dict[str, float] | None
    seconds: float

    def to_dict(self) -> dict:
        """What the stored result of this seed records."""
        record = {
            "seconds": round(self.seconds, 1),
            "cores": usable_cores(),
            "command": self.experiment.command(self.seed),
            "validation": self.validation.metrics,
            "test": None if self.test is None else self.test.to_dict(),
            "everyone": self.everyone,
            "versions": versions(),
        }
        if self.curve is not None:
            record["best_epoch"] = self.curve.best["epoch"]
            record["curve"] = self.curve.rows
        return record


def measure_ceiling(shop: Shop, data: SequenceData) -> Evaluation:
    """What the exact probabilities of a shop reach on the test cases; nothing is filtered."""
    truth = BayesCeiling(shop, data.vocabulary, data.train.users)
    return evaluate(truth, data.test, filter_seen=False, train=data.train)


def split_log(interactions: Interactions, protocol: str) -> Split:
    """Cut a log as a protocol says."""
    cut = {"leave-one-out": leave_one_out, "temporal": temporal_cutoff}[protocol]
    return cut(interactions)


def prepare_experiment(experiment: Experiment, log: Interactions) -> SequenceData:
    """Encode the data of an experiment."""
    return prepare_split(split_log(log, experiment.protocol), experiment)


def prepare_split(split: Split, experiment: Experiment) -> SequenceData:
    """Encode a split with the columns that the model of an experiment reads."""
    wanted = COLUMNS.get(experiment.model, ())
    there = tuple(name for name in wanted if name in split.train.events)
    return prepare(split, columns=there)


def run_seed(
    experiment: Experiment,
    seed: int,
    data: SequenceData,
    *,
    checkpoint: Path | None = None,
    categories: list[str] | None = None,
    verbose: bool = True,
) -> Run:
    """Train on `data.train`, choose on `data.validation`, measure on `data.test` if it is there.

    Args:
        experiment: what to run.
        seed: of everything random.
        data: from `prepare_experiment`.
        checkpoint: file to continue from after a kill.
        categories: of the items, for the diversity of lists; see `evaluate`.
        verbose: whether a line an epoch goes to standard error.
    """
    began = time.perf_counter()
    model, curve = _train(experiment, seed, data, checkpoint, verbose)
    seconds = time.perf_counter() - began if curve is None else curve.seconds

    def measure(queries):
        return evaluate(
            model,
            queries,
            filter_seen=experiment.filter_seen,
            train=data.train,
            item_categories=categories,
        )

    return Run(
        experiment=experiment,
        seed=seed,
        model=model,
        data=data,
        curve=curve,
        validation=measure(data.validation),
        test=None if data.test is None else measure(data.test),
        everyone=None if data.newcomers is None else measure_everyone(model, data, experiment),
        seconds=seconds,
    )


def measure_everyone(model, data: SequenceData, experiment: Experiment) -> dict[str, float]:
    """Metrics over test users and newcomers alike.

    Baselines have an answer to an empty history of their own; others fall back to popularity.
    """
    chain = model
    if not isinstance(model, Baseline):
        chain = WithFallback(model, MostPopular().fit(data.train, data.num_items))
    parts = (data.test, data.newcomers)
    ranks = [rank(chain, part, filter_seen=experiment.filter_seen).ranks for part in parts]
    ranks = np.concatenate(ranks)
    return {
        "users": len(ranks),
        **{name: float(rank_metric(name, ranks).mean()) for name in EVERYONE_METRICS},
    }


def _train(experiment, seed, data, checkpoint, verbose) -> tuple[object, LearningCurve | None]:
    if not (experiment.is_neural or experiment.has_towers):
        return count(experiment, seed, data), None
    set_seed(seed)
    if experiment.has_towers:
        model = MODELS[experiment.model](data, **experiment.options)
        score = partial(validation_score, model, data, filter_seen=experiment.filter_seen)
        measured = {"measure": score, "measure_name": data.protocol.choose_by}
    else:
        refuse_what_cannot_fit(experiment, data.num_items)
        model = MODELS[experiment.model](num_items=data.num_items, **experiment.options)
        measured = {"filter_seen": experiment.filter_seen}
    curve = fit(
        model,
        data,
        checkpoint=checkpoint,
        verbose=verbose,
        seed=seed,
        **measured,
        **experiment.fit,
    )
    return with_beside(experiment, model, data), curve


def count(experiment: Experiment, seed: int, data: SequenceData) -> Baseline:
    """The model of an experiment that needs no `fit`, counted on `data.train`."""
    options = experiment.options | ({"seed": seed} if experiment.model in SEEDED else {})
    return MODELS[experiment.model](**options).fit(data.train, data.num_items)


def with_beside(experiment: Experiment, model, data: SequenceData):
    """The model, or its sum with the counted ones that the entry puts beside it."""
    if not experiment.beside:
        return model
    others = [MODELS[other["model"]](**other["options"]) for other in experiment.beside]
    weights = [1.0, *(other["weight"] for other in experiment.beside)]
    return Hybrid([model, *others], weights, "spread").fit(data.train, data.num_items)


def item_categories(log: Interactions, data: SequenceData) -> list[str] | None:
    """Categories of the items 1..V where the source has them."""
    if log.items is None or "category" not in log.items.columns:
        return None
    categories = log.items["category"].reindex(data.vocabulary.raw_ids)
    return [None if c is np.nan or c is None else str(c) for c in categories]


def versions() -> dict[str, str]:
    """Of Python, the backend and what else moves a number."""
    return {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        **library_versions(),
    }
