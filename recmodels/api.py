"""Train a model and measure it on validation data: the calls that most users need."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

from recmodels.data import errors
from recmodels.evaluation.model_checks import check_model, check_user_rows
from recmodels.evaluation.ranking import settle_protocol, validation_score
from recmodels.features.sequences import SequenceData
from recmodels.models.capabilities import (
    ChoosesSettings,
    Fits,
    Trains,
    can,
    columns_of,
    require,
)
from recmodels.tasks.build import JOBS, Job
from recmodels.tasks.job import adapt_items
from recmodels.training.collapse import CollapseCheck
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import fit as fit_task
from recmodels.training.processes import make_whole
from recmodels.training.seeds import seed_weights, set_seed
from recmodels.training.settings import Training

_TRAINING = tuple(field.name for field in fields(Training))


def fit(
    model,
    data: SequenceData,
    *,
    measure: Callable[[], float] | None = None,
    measure_name: str | None = None,
    filter_seen: bool | None = None,
    checkpoint: str | Path | None = None,
    warm_start: bool = False,
    verbose: bool = True,
    **options,
) -> LearningCurve:
    """Train a model on the training histories and leave the best weights in it.

    Counted models, such as `ItemKNN`, learn in one pass and take no options. Sequence encoders
    learn to name the next item (`tasks.build.next_item_job`), a `NextEvent` also its type and time
    (`tasks.build.next_event_job`), two towers to retrieve, to rate or both
    (`tasks.build.tower_job`).

    A sequence encoder keeps the weights of the epoch with the best validation score by the
    protocol of the data (NDCG@10 by default), a `NextEvent` by the log-likelihood of the validation
    targets; two towers keep the last ones unless `measure` is given. The best weights also stay in
    the model when training diverges or is stopped by Ctrl-C, which still raises
    `KeyboardInterrupt`; the curve up to there is `model.curve`.

    A training whose loss after three epochs is hardly below that of a model that only knows how
    popular each item is says so. Where the settings were chosen from the data, as by `SASRec()`,
    it is stopped and started again once with less dropout and a lower rate, unless
    `max_seconds`, of which it gets what is left, are used up.

    The initial weights follow from `seed`, also where the model was built or called before. A
    model that was trained, loaded or given weights is trained further by a new optimiser, with a
    line that says so. With `warm_start` the optimiser continues too, as if the training had not
    ended: on the same data, or on a grown log with a model that `grow` or `add_items` enlarged.

    Args:
        model: such as `SASRec`, `TwoTower` or `Markov`.
        data: from `prepare`.
        measure: validation score, higher is better, instead of the default. A checkpoint notes
            the keyword arguments of a `functools.partial`.
        measure_name: what it is.
        filter_seen: whether validation hides what a user already has, instead of what the
            protocol says.
        checkpoint: file to continue from after a kill. It is refused where data, filter, model or
            settings, except `max_seconds`, are not those of the run that wrote it.
        warm_start: whether to continue with the optimiser's moments, and the numbers of epochs and
            steps, that the latest `fit` left in `model.training_state`. Rows of new items start
            at zero moments. `epochs` are further ones, which a schedule covers anew; an average
            of the weights starts from the weights of the model.
        verbose: print one line per epoch to standard error.
        **options: fields of `Training` (`epochs`, `learning_rate`, `patience`, `seed`, ...), and
            for sequence encoders `loss`, `batch_size`, `windows`, `num_negatives`,
            `max_positions`, `augment`, `label_smoothing`, `contrast`, `similar_targets`; for
            `NextEvent` also `item_weight`, `type_weight`,
            `time_weight`; for two towers `retrieval_weight`, `rating_weight`,
            `correct_sampling`, `remove_accidental_hits`, `summed`, `batch_size`, `folds`.

    Returns:
        The learning curve; without rows for counted models.

    Raises:
        ValueError: the model cannot be fitted or has not as many items as the data, `data` are
            not from `prepare`, an option is unknown, of another type or out of range, the
            checkpoint is of another run, or there is no state to continue from.
        FloatingPointError: the loss, a weight or the validation score is not finite.

    Example:
        >>> data = prepare(leave_one_out(load("shop")), protocol=Protocol(filter_seen=False))
        >>> model = SASRec(data.num_items, max_length=50)
        >>> curve = fit(model, data, epochs=20)
        >>> later = prepare(leave_one_out(longer_log), vocabulary=data.vocabulary)
        >>> larger = grow(model, later.num_items - data.num_items)
        >>> curve = fit(larger, later, epochs=2, warm_start=True)
    """
    if not _is_trained_in_epochs(model, data):
        return _count(model, data, [*options, *(["warm_start"] if warm_start else [])])
    _check_arguments(measure, checkpoint)
    chosen = model.choose_settings(data) if can(model, ChoosesSettings) else {}
    _check_trained(model, data)
    train = partial(
        _train, model, data, measure=measure, measure_name=measure_name, filter_seen=filter_seen,
        warm_start=warm_start, verbose=verbose,
    )  # fmt: skip
    path = None if checkpoint is None else Path(checkpoint)
    curve = train({**chosen, **options}, path, stop=bool(chosen))
    limit = options.get("max_seconds")
    left = None if limit is None else limit - curve.seconds
    if curve.collapse and chosen and (left is None or left > 0):
        safer = {**model.choose_safer_settings(), "max_seconds": left}
        path = path and path.with_stem(f"{path.stem}-restarted")
        curve = train({**chosen, **options, **safer}, path, restart=True)
    return curve


def _train(
    model,
    data: SequenceData,
    options: dict,
    checkpoint: Path | None,
    *,
    measure: Callable[[], float] | None,
    measure_name: str | None,
    filter_seen: bool | None,
    warm_start: bool,
    verbose: bool,
    stop: bool = False,
    restart: bool = False,
) -> LearningCurve:
    """Train with these options, from new initial weights in a `restart`; see `fit`."""
    training, rest = _sort_options(model.task, options)
    if not warm_start and (checkpoint is None or not checkpoint.exists()):
        seed_weights(model, training.seed, again=restart)
    set_seed(training.seed)  # Some weights are made when a task counts the data.
    items = adapt_items(model, data)
    job = JOBS[model.task](model, data, training.seed, **rest)
    measure, measure_name, chosen_by = _settle_measure(
        job, model, data, measure, measure_name, filter_seen
    )
    identity = {"validation data": _identity(model, data), **items, **job.identity, **chosen_by}
    curve = fit_task(
        job.task,
        job.batches,
        training,
        measure=measure,
        measure_name=measure_name or "score",
        checkpoint=checkpoint,
        verbose=verbose,
        model=model,
        identity=identity,
        warm_start=warm_start,
        collapse=CollapseCheck(None if warm_start else job.entropy, len(job.batches), stop),
    )
    make_whole(model.weights)
    return curve


def _settle_measure(job: Job, model, data: SequenceData, measure, measure_name, filter_seen):
    """The score that chooses among epochs, its name, and what a checkpoint notes of them."""
    if measure is None and job.measure is None and job.validates:
        protocol = settle_protocol(data.validation, None, filter_seen)
        measure = partial(validation_score, model, data, protocol.filter_seen)
        return measure, protocol.choose_by, protocol.to_dict()
    if measure is None:
        measure, measure_name = job.measure, job.measure_name
    noted = None if measure is None else [measure_name, _plain_keywords(measure)]
    return measure, measure_name, {} if noted is None else {"measure": noted}


def _plain_keywords(measure: Callable) -> dict:
    """Return the plain keyword arguments of a `functools.partial`, to identify a measure."""
    keywords = getattr(measure, "keywords", {})
    return {k: v for k, v in keywords.items() if isinstance(v, str | int | float | None)}


def _is_trained_in_epochs(model, data: SequenceData) -> bool:
    """Return whether a model has a task; raise if it or the data cannot be fitted."""
    if not isinstance(data, SequenceData):
        raise ValueError(
            "`data` must come from `prepare`, such as `prepare(leave_one_out(log))`. "
            f"Received: data={type(data).__name__}"
        )
    if not can(model, Trains):
        require(model, Fits, "`fit`")
    return can(model, Trains)


def _count(model, data: SequenceData, options: list[str]) -> LearningCurve:
    if options:
        raise ValueError(
            "Options of counted models are arguments of their constructors. "
            f"Received: model={type(model).__name__}, options={sorted(options)}"
        )
    model.fit(data.train, data.num_items)
    return LearningCurve(measure=data.protocol.choose_by)


def _check_trained(model, data: SequenceData) -> None:
    """Raise if a model with a task does not fit the data."""
    if data.num_items < 2:
        raise ValueError(
            "`data` must hold two items at least: every loss, such as 'gbce', needs one that came "
            f"and one that did not. Received: data.num_items={data.num_items}"
        )
    check_model(model, data.num_items, data.train, trained=False)
    if model.task == "towers" and model.candidate.num_members:
        check_user_rows(model, data.train, trained=False)


def _check_arguments(measure, checkpoint) -> None:
    """Raise a `ValueError` before the first epoch where one cannot be used after it."""
    must = "`measure` must be a function without arguments that returns a score, or None"
    errors.require(measure is None or callable(measure), must, measure=measure)
    must = "`checkpoint` must be the path of a file, or None"
    path = isinstance(checkpoint, str | Path) and not Path(checkpoint).is_dir()
    errors.require(checkpoint is None or path, must, checkpoint=checkpoint)


def _sort_options(task: str, options: dict) -> tuple[Training, dict]:
    """Split options into the settings of `Training` and those of the task."""
    of_task = list(inspect.signature(JOBS[task]).parameters)[3:]
    unknown = sorted(set(options) - set(_TRAINING) - set(of_task))
    if unknown:
        raise ValueError(
            f"`fit` has no option {unknown[0]!r} for a model of this kind. Use one of {of_task} or "
            f"a field of `Training`: {list(_TRAINING)}. Received: {unknown}"
        )
    training = {name: value for name, value in options.items() if name in _TRAINING}
    return Training(**training), {k: v for k, v in options.items() if k in of_task}


def _identity(model, data: SequenceData) -> str | None:
    return data.validation and data.validation.identity(columns_of(model))
