"""Candidates on one log: tuned and chosen on validation cases, measured once on test cases."""

import copy
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import psutil

from recmodels.api import fit
from recmodels.evaluation.fusion import Remembered, fuse
from recmodels.evaluation.ranking import validation_score
from recmodels.evaluation.report import Evaluation, evaluate
from recmodels.experiments.entry import MODELS, Experiment, build_model
from recmodels.features.sequences import SequenceData
from recmodels.models.ease import MAX_ITEMS
from recmodels.models.families import FAMILIES as ENCODERS
from recmodels.models.popularity import MostPopular
from recmodels.models.recipe import recipe_for
from recmodels.training.curve import LearningCurve

TUNING_USERS = 4_000  # Validation users whose score chooses the options of counted models.
TUNING_SECONDS = 30.0  # Per family; the options tried so far are then compared.
LONGEST_FIT = 120.0  # Seconds; a counted model predicted to take longer is left out.
PROBED_ITEMS, PROBED_USERS = 2_000, 20_000  # A part of the log that predicts the time of a fit.
BLEND_WEIGHTS = (0.1, 0.25, 0.5, 1.0, 2.0)  # Of the counting model; the neural one has weight 1.
BLEND_SCALINGS = ("spread", "range")


@dataclass(frozen=True)
class Family:
    """A kind of counted model with the options that are tried, the first of each by default.

    Args:
        fitted: option name to values that need a new fit.
        scored: option name to values that only scoring reads.
        growth: the power of the number of items that the time of a fit grows with, where that
            grows fast; None for models that read each event once.
    """

    fitted: dict[str, tuple] = field(default_factory=dict)
    scored: dict[str, tuple] = field(default_factory=dict)
    growth: int | None = None


COUNTED: dict[str, Family] = {
    "popularity": Family(),
    "repeat-last": Family(),
    "markov": Family(scored={"smoothing": (10.0, 1.0, 100.0)}),
    "transitions": Family({"depth": (2, 4), "decay": (0.5, 0.8)}, {"backoff": (1.0, 10.0)}),
    "item-knn": Family({"shrinkage": (10.0, 0.0)}, {"decay": (0.7, 0.5, 0.3, 1.0)}, growth=2),
    "ease": Family(
        {"regularisation": (500.0, 100.0, 2000.0)}, {"decay": (0.8, 0.5, 1.0)}, growth=3
    ),
}
NEURAL, BLEND = "sasrec", "blend"
FAMILIES = (*COUNTED, NEURAL, BLEND)  # By default.
# An own log need not have times.
CHOICE = (*COUNTED, *(name for name in ENCODERS if name != "hstu-times"), BLEND)
FAILURES = (FloatingPointError, MemoryError)  # Of a training; the other models go on.
OUT_OF_MEMORY = "ResourceExhaustedError"  # TensorFlow's name for it, which is not imported here.
Note = tuple[str, dict]  # A key of `report_texts` with the values of its sentence.
NOTHING_LEARNED: Note = ("no better than popularity", {})


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model of the tournament.

    Args:
        family: one of `CHOICE`.
        model: ready to score; None where it was left out or failed.
        options: that were chosen.
        seconds: of tuning and training, for a blend with those of its parts.
        validation, test: measures; None without a model, and `test` until the winner is known.
        curve: of the training, for neural models.
        note: why there is no model, or what to know about it.
        trials: shorter trainings of the family, by which it was compared with others; without
            their models.
    """

    family: str
    model: object = None
    options: dict = field(default_factory=dict)
    seconds: float = 0.0
    validation: Evaluation | None = None
    test: Evaluation | None = None
    curve: LearningCurve | None = None
    note: Note | None = None
    trials: tuple["Candidate", ...] = ()

    @property
    def learned(self) -> bool:
        """Whether there is a model that knows more than popularity."""
        return self.model is not None and self.note != NOTHING_LEARNED

    def score(self, data: SequenceData) -> float:
        """What the winner is chosen by: the metric of the protocol on validation cases."""
        return self.validation.metrics[data.protocol.choose_by]


def check_families(families: list[str] | None) -> tuple[str, ...]:
    """The families to try, popularity always among them, in the order of `CHOICE`.

    Raises:
        ValueError: a name is unknown.
    """
    unknown = sorted(set(families or ()) - set(CHOICE))
    if unknown:
        raise ValueError(
            f"`families` must be some of {', '.join(CHOICE)}. Received: families={unknown}"
        )
    wanted = {"popularity", *(families or FAMILIES)}
    return tuple(name for name in CHOICE if name in wanted)


def tune_counted(
    family: str, data: SequenceData, chosen: dict | None = None, seconds: float = TUNING_SECONDS
) -> Candidate:
    """Fit a counted model with the options that score best on validation cases.

    Args:
        family: a key of `COUNTED`.
        data: its test part is not looked at.
        chosen: options that an earlier run found, which are then not searched again.
        seconds: after which no further options are tried.

    Returns:
        The candidate, without a model where a fit would take too long or too much memory.
    """
    began = time.perf_counter()
    if note := _too_large(family, data):
        return Candidate(family, note=note)
    sample = replace(data, validation=data.validation.sample(TUNING_USERS))
    best, best_score = None, -np.inf
    for model, options in _variants(family, data, chosen):
        score = validation_score(model, sample)
        if score > best_score:
            best, best_score = (model, options), score
        if time.perf_counter() - began > seconds:
            break
    spent = time.perf_counter() - began
    return Candidate(family, *best, spent, evaluate(best[0], data.validation))


def _variants(
    family: str, data: SequenceData, chosen: dict | None
) -> Iterator[tuple[object, dict]]:
    """Fitted models with their options; those that differ in scoring alone share a fit."""
    kind, grid = MODELS[family], COUNTED[family]
    as_tuples = {name: (value,) for name, value in (chosen or {}).items()}
    fitted = {name: as_tuples.get(name, values) for name, values in grid.fitted.items()}
    scored = {name: as_tuples.get(name, values) for name, values in grid.scored.items()}
    for options in _product(fitted):
        model = kind(**options).fit(data.train, data.num_items)
        for further in _product(scored):
            variant = copy.copy(model)
            vars(variant).update(further)
            yield variant, {**options, **further}


def _product(grid: dict[str, tuple]) -> list[dict]:
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _too_large(family: str, data: SequenceData) -> Note | None:
    """Why a counted model cannot be fitted here in reasonable time, or None where it can."""
    growth, num_items = COUNTED[family].growth, data.num_items
    if growth is None:
        return None
    values = {"items": f"{num_items:,}", "gib": f"{2 * 8 * num_items**2 / 2**30:.1f}"}
    if family == "ease":  # A dense matrix, held twice.
        needed, available = 2 * 8 * num_items**2, psutil.virtual_memory().available
        if num_items > MAX_ITEMS or needed > available:
            return "too many items for ease", values
    seconds = predict_fit_seconds(family, data)
    if seconds > LONGEST_FIT:
        return "fit takes too long", {**values, "minutes": f"{seconds / 60:.0f}"}
    return None


def predict_fit_seconds(family: str, data: SequenceData) -> float:
    """Time of a fit, from a fit on a part of the users and items; 0 where the log is a part."""
    if data.num_items <= 2 * PROBED_ITEMS:
        return 0.0
    train = data.train.select(np.arange(min(PROBED_USERS, len(data.train))))
    train = replace(train, items=(train.items - 1) % PROBED_ITEMS + 1)
    began, used = time.perf_counter(), time.process_time()
    MODELS[family]().fit(train, PROBED_ITEMS)
    # With other processes running the wall time is too high, on idle cores the processor time.
    spent = min(time.perf_counter() - began, time.process_time() - used)
    return spent * (data.num_items / PROBED_ITEMS) ** COUNTED[family].growth


def train_neural(
    experiment: Experiment,
    data: SequenceData,
    train_on: Callable[..., LearningCurve] = fit,
    **arguments,
) -> Candidate:
    """Train a sequence model; one that diverges or learns nothing becomes a failed candidate.

    Args:
        experiment: its options and those of `fit`.
        data: its validation part chooses the epoch.
        train_on: `fit`, or what calls it.
        **arguments: of `fit`, such as `checkpoint` and `seed`.
    """
    # Settings of the recipe are left to `fit`, which tells their reasons and restarts a collapse.
    by_recipe = experiment.model == NEURAL and experiment.options == recipe_for(data).model
    options = {} if by_recipe else experiment.options
    model = build_model(experiment.model, options, data)
    try:
        curve = train_on(model, data, **experiment.fit, **arguments)
        validation = evaluate(model, data.validation)
    except Exception as error:
        if not (isinstance(error, FAILURES) or type(error).__name__ == OUT_OF_MEMORY):
            raise
        return Candidate(
            experiment.model, note=("failed", {"reason": str(error).split(" Received:")[0]})
        )
    candidate = Candidate(
        experiment.model, model, experiment.options, curve.seconds, validation, curve=curve
    )
    popular = evaluate(MostPopular().fit(data.train, data.num_items), data.validation)
    if candidate.score(data) <= popular.metrics[data.protocol.choose_by]:
        return replace(candidate, note=NOTHING_LEARNED)
    return candidate


def blend(counted: list[Candidate], neural: Candidate, data: SequenceData) -> Candidate:
    """The best weighted sum of the neural model and one counted model, on validation cases.

    Args:
        counted: candidates with a model, of which each is tried with two scalings of the scores.
        neural: the trained candidate.
        data: its test part is not looked at.
    """
    began = time.perf_counter()
    first, best, best_score = Remembered(neural.model), None, -np.inf
    for candidate in counted:
        fused = fuse([first, candidate.model], data, BLEND_WEIGHTS, BLEND_SCALINGS, TUNING_USERS)
        score = fused.tried[data.protocol.choose_by].iloc[0]
        if score > best_score:
            best, best_score = (candidate, fused.model), score
    candidate, model = best
    options = {"with": candidate.family, "weight": model.weights[1], "scaling": model.scaling}
    spent = time.perf_counter() - began + neural.seconds + candidate.seconds
    return Candidate(BLEND, model, options, spent, evaluate(model, data.validation))


def best_of(candidates: list[Candidate], data: SequenceData) -> Candidate:
    """The candidate of the highest validation score, the simplest among equals.

    Popularity takes part in every tournament, so that the winner is never worse than it there.
    """
    return max((c for c in candidates if c.validation is not None), key=lambda c: c.score(data))
