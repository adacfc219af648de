"""Experiments under splits of ratings: refit on all but the test, measure each rating."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.api import fit
from recmodels.data.interactions import Interactions
from recmodels.data.rating_splits import random_ratings, temporal_ratings
from recmodels.data.splits import Cases, Split
from recmodels.evaluation.held_out import (
    LIST_LENGTH,
    measure_held_out,
    predict_ratings,
    summarise_held_out,
)
from recmodels.evaluation.metrics import hit_rate
from recmodels.evaluation.ranking import rank
from recmodels.experiments.entry import MODELS, Experiment
from recmodels.experiments.run import count, prepare_split, versions, with_beside
from recmodels.features.sequences import Queries, SequenceData
from recmodels.threads import usable_cores
from recmodels.training.curve import LearningCurve
from recmodels.training.seeds import set_seed


@dataclass(frozen=True, eq=False)
class RatingRun:
    """One seed under a rating protocol: its split, its model after the refit, and its measures.

    Args:
        experiment, seed: what was run; the seed drew the random split too.
        model: trained on all that is not tested.
        data: what it was trained on.
        held_out: one row a test rating; see `measure_held_out`.
        validation: measures of the model before the refit, on the split that settled the entry;
            None on others.
        curve: of the training before the refit where there was one, or else of the refit; None
            for counted models.
        seconds: of the training of what is tested.
        newcomers: users whose held-out ratings are not asked for, having none before.
    """

    experiment: Experiment
    seed: int
    model: object
    data: SequenceData
    held_out: pd.DataFrame
    validation: dict[str, float] | None
    curve: LearningCurve | None
    seconds: float
    newcomers: int

    def to_dict(self) -> dict:
        """What the stored result of this seed records."""
        summary = summarise_held_out(self.held_out)
        test = {name: value["mean"] for name, value in summary.items()}
        record = {
            "seconds": round(self.seconds, 1),
            "cores": usable_cores(),
            "command": self.experiment.command(self.seed),
            "validation": self.validation,
            "test": {
                "metrics": test,
                "warm_metrics": test,  # Whoever has no training event is no query here.
                "users": {name: value["users"] for name, value in summary.items()},
                "ratings": len(self.held_out),
            },
            "versions": versions(),
        }
        if self.curve is not None:
            record["curve"] = self.curve.rows
        return record


def split_ratings(log: Interactions, protocol: str, seed: int) -> Split:
    """Cut a rated log as a protocol says; the seed draws the random split."""
    return random_ratings(log, seed) if protocol == "random-80-20" else temporal_ratings(log)


def run_rating_split(
    experiment: Experiment, seed: int, log: Interactions, *, verbose: bool = True
) -> RatingRun:
    """Train on the training ratings of a split and measure each of its test ratings.

    Every choice in the entry, epochs included, was made on the validation part of the first
    random split. The first seed repeats the training without that part and measures it; what is
    tested is trained on all that is not tested, under a cut in time on all before it.

    Args:
        experiment: under one of `RATING_PROTOCOLS`.
        seed: of a random split and of everything random in the training.
        log: rated.
        verbose: whether a line an epoch goes to standard error.
    """
    split = split_ratings(log, experiment.protocol, seed)
    chosen = None
    if seed == experiment.seeds[0]:
        chosen = _train(experiment, seed, split, split.validation, verbose)
    again = split.refitted()
    final = _train(experiment, seed, again, None, verbose)
    held_out = _measure(experiment, final, again.test, "test")
    return RatingRun(
        experiment=experiment,
        seed=seed,
        model=final.model,
        data=final.data,
        held_out=held_out.assign(user=_places(log, final.data)[held_out["user"]]),
        validation=None if chosen is None else _validation(experiment, chosen, split),
        curve=(chosen or final).curve,
        seconds=final.seconds,
        newcomers=split.test.newcomers.num_users,
    )


@dataclass(frozen=True, eq=False)
class _Trained:
    """A model with what it was trained on and how long that took."""

    model: object
    data: SequenceData
    curve: LearningCurve | None
    seconds: float


def _train(
    experiment: Experiment, seed: int, split: Split, cases: Cases | None, verbose: bool
) -> _Trained:
    """Train on a split; with cases to validate on, note how each epoch did."""
    data = prepare_split(split, experiment)
    began = time.perf_counter()
    if not experiment.has_towers:
        model = count(experiment, seed, data)
        return _Trained(model, data, None, time.perf_counter() - began)
    set_seed(seed)
    model = MODELS[experiment.model](data, **experiment.options)

    def measure() -> float:
        return score_of(experiment, model, data.validation, _ratings(cases))

    curve = fit(
        model,
        data,
        measure=None if cases is None else measure,
        seed=seed,
        verbose=verbose,
        **experiment.fit,
    )
    return _Trained(with_beside(experiment, model, data), data, curve, curve.seconds)


def score_of(experiment: Experiment, model, queries: Queries, truth: np.ndarray) -> float:
    """What an epoch is chosen by: hits of long lists, less the error of ratings in stars."""
    score = 0.0
    if experiment.retrieves:
        score += hit_rate(rank(model, queries, filter_seen=True).ranks, LIST_LENGTH).mean()
    if experiment.rates:
        score -= np.sqrt(np.mean((predict_ratings(model, queries) - truth) ** 2))
    return float(score)


def _measure(experiment: Experiment, trained: _Trained, cases: Cases, part: str) -> pd.DataFrame:
    return measure_held_out(
        trained.model,
        getattr(trained.data, part),
        _ratings(cases),
        retrieves=experiment.retrieves,
        rates=experiment.rates,
    )


def _validation(experiment: Experiment, trained: _Trained, split: Split) -> dict[str, float]:
    table = _measure(experiment, trained, split.validation, "validation")
    return {name: value["mean"] for name, value in summarise_held_out(table).items()}


def _ratings(cases: Cases) -> np.ndarray:
    return cases.targets.events["value"].to_numpy()


def _places(log: Interactions, data: SequenceData) -> np.ndarray:
    """Row of each training user among all of the log, the same under every split."""
    return np.searchsorted(np.sort(log.events["user"].unique()), data.train.users)
