"""The few calls most users need, each a thin join of the folders below."""

from collections.abc import Callable
from pathlib import Path

from keras import ops

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.model_checks import check_model, check_user_rows
from recmodels.evaluation.ranking import check_request, rank
from recmodels.features.batches import NextItemBatches
from recmodels.features.checks import digest, ratings_of
from recmodels.features.negatives import NegativeSampler
from recmodels.features.ratings import RatingBatches
from recmodels.features.sequences import SequenceData
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.models.two_tower import TwoTower
from recmodels.tasks.next_item import NextItem
from recmodels.tasks.next_retrieval import NextRetrieval
from recmodels.tasks.towers import TowerTask
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import Training
from recmodels.training.fit import fit as fit_task
from recmodels.training.seeds import seed_weights, set_seed

IN_BATCH = ("in_batch", "in_batch_uncorrected")  # Losses of the retrieval task.


def fit(
    model: SequenceEncoder,
    data: SequenceData,
    *,
    loss: str = "full_softmax",
    filter_seen: bool = True,
    batch_size: int = 16,
    windows: str = "all",
    num_negatives: int = 256,
    max_positions: int = 4096,
    checkpoint: str | Path | None = None,
    verbose: bool = True,
    **training,
) -> LearningCurve:
    """Train a sequence encoder to name the next item; the best weights stay in it.

    The best epoch is the one with the highest NDCG@10 over the validation queries. Its weights
    stay in the model also when training diverges or is stopped by Ctrl-C, which still raises
    `KeyboardInterrupt`; the curve up to there is `model.curve`.

    The initial weights follow from `seed`, also where the model was built or called before. A
    model that was trained, loaded or given weights is trained further, with a line that says so.

    Args:
        model: such as `SASRec`.
        data: from `prepare`.
        loss: `"full_softmax"`, `"sampled_softmax"`, `"bce"`, `"gbce"`, or `"in_batch"`, the
            retrieval task of TensorFlow Recommenders with its logQ correction, and
            `"in_batch_uncorrected"` without.
        filter_seen: whether validation hides what a user already has, as the final test will.
        batch_size: histories of full length a step.
        windows: `"all"` trains on every event, `"latest"` on the newest window of each user, as
            published code does.
        num_negatives: K of the sampled losses. `"bce"` with one draws it for each position,
            otherwise groups of positions share theirs.
        max_positions: of a batch that the losses in the batch look at, drawn over its users.
        checkpoint: file to continue from after a kill. It is refused where data, `filter_seen`,
            model or settings are not those of the run that wrote it.
        verbose: whether a line an epoch goes to standard error.
        **training: fields of `Training`: `epochs`, `learning_rate`, `patience`, `seed`, ...

    Returns:
        The learning curve.

    Raises:
        ValueError: the model is no sequence encoder or has not as many items as the data, `data`
            are not from `prepare`, a setting is out of range, or the checkpoint is of another run.
        FloatingPointError: the loss, a weight or the validation score is not finite.

    Example:
        >>> data = prepare(leave_one_out(load("shop")))
        >>> model = SASRec(data.num_items, max_length=50)
        >>> curve = fit(model, data, epochs=20, filter_seen=False)
    """
    settings = Training(**training)
    _check(model, SequenceEncoder, data)
    check_request(data.validation, filter_seen)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        settings.seed,
        windows=windows,
        negatives=_sampler(data, loss, num_negatives),
        shared_negatives=num_negatives > 1,
        max_positions=max_positions if loss in IN_BATCH else None,
    )
    _start(model, settings.seed, checkpoint)
    return fit_task(
        _next_item_task(model, loss, data),
        batches,
        settings,
        measure=lambda: validation_ndcg(model, data, filter_seen),
        measure_name="ndcg@10",
        checkpoint=None if checkpoint is None else Path(checkpoint),
        verbose=verbose,
        model=model,
        identity=_identity(model, data, filter_seen=bool(filter_seen)),
    )


def _check(model, kind: type, data: SequenceData) -> None:
    """Raise where a model is not trained by this function, or not on these data."""
    if not isinstance(model, kind):
        advice = {SequenceEncoder: "fit", TwoTower: "fit_towers"}
        others = [name for other, name in advice.items() if isinstance(model, other)]
        instead = others[0] if others else "model.fit(data.train, data.num_items)"
        raise ValueError(
            f"`model` must be a {kind.__name__}; other models are trained by another function: "
            f"`{instead}`. Received: model={type(model).__name__}"
        )
    if not isinstance(data, SequenceData):
        raise ValueError(
            "`data` must come from `prepare`, such as `prepare(leave_one_out(log))`. "
            f"Received: data={type(data).__name__}"
        )
    if data.num_items < 2:
        raise ValueError(
            "`data` must hold two items at least: every loss, such as 'gbce', needs one that came "
            f"and one that did not. Received: data.num_items={data.num_items}"
        )
    check_model(model, data.num_items, data.train, trained=False)


def _identity(model, data: SequenceData, **others) -> dict[str, object]:
    """What a run that is continued must share with its checkpoint, besides batches and settings."""
    columns = getattr(model, "columns", ())
    return {"validation data": data.validation and data.validation.identity(columns), **others}


def _start(model: SequenceEncoder | TwoTower, seed: int, checkpoint: str | Path | None) -> None:
    """Settle the first weights, unless a checkpoint holds those to go on from."""
    if checkpoint is None or not Path(checkpoint).exists():
        seed_weights(model, seed)


def _sampler(data: SequenceData, loss: str, num_negatives: int) -> NegativeSampler | None:
    if loss == "full_softmax" or loss in IN_BATCH:
        return None
    return NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)


def _next_item_task(model: SequenceEncoder, loss: str, data: SequenceData) -> NextItem:
    if loss not in IN_BATCH:
        return NextItem(model, loss)
    task = NextRetrieval(model, correct_sampling=loss == "in_batch")
    task.retrieval.adapt(data.train)
    return task


def validation_ndcg(model, data: SequenceData, filter_seen: bool) -> float:
    """Mean NDCG@10 over the validation queries: what choices are made by."""
    ranks = rank(model, data.validation, filter_seen=filter_seen).ranks
    return float(ndcg(ranks, 10).mean())


def fit_towers(
    model: TwoTower,
    data: SequenceData,
    *,
    retrieval_weight: float = 1.0,
    rating_weight: float = 0.0,
    correct_sampling: bool = True,
    remove_accidental_hits: bool = True,
    summed: bool = False,
    batch_size: int = 1024,
    folds: int | None = None,
    measure: Callable[[], float] | None = None,
    measure_name: str = "score",
    checkpoint: str | Path | None = None,
    verbose: bool = True,
    **training,
) -> LearningCurve:
    """Train two towers to retrieve, to rate, or both; what the towers count comes from `data`.

    Initial weights, Ctrl-C and divergence are as in `fit`.

    Args:
        model: its towers, with their features if they have any.
        data: from `prepare(split, columns=("value",))`.
        retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed: see
            `TowerTask`.
        batch_size: ratings asked for in a step, all of them negatives of each other.
        folds: parts of each user's ratings, of which one is hidden and asked for; towers that
            read ratings need it. None hides nothing.
        measure: validation score, higher is better; without one the last weights are kept. A
            checkpoint notes the keyword arguments of a `functools.partial`.
        measure_name: what it is.
        checkpoint: file to continue from after a kill, refused as in `fit`.
        verbose: whether a line an epoch goes to standard error.
        **training: fields of `Training`.

    Returns:
        The learning curve.

    Raises:
        ValueError: `folds` is missing for a tower that reads ratings, the towers have not as many
            users and items as the data, `rating_weight` is given but the data have no ratings, or
            one that is not a finite number; and what `fit` raises.

    Example:
        >>> data = prepare(random_ratings(load("ml-100k")), columns=("value",))
        >>> towers = Tower(len(data.train), 32), Tower(data.num_items, 32)
        >>> curve = fit_towers(TwoTower(*towers), data, epochs=3)
    """
    settings = Training(**training)
    _check(model, TwoTower, data)
    _check_ratings(model, data, rating_weight, folds)
    task = TowerTask(
        model, retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed
    )
    _start(model, settings.seed, checkpoint)
    set_seed(settings.seed)  # The first weights are made when the towers count the data.
    task.adapt(data.train)
    return fit_task(
        task,
        RatingBatches(data.train, data.num_items, batch_size, settings.seed, folds),
        settings,
        measure=measure,
        measure_name=measure_name,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        verbose=verbose,
        model=model,
        identity=_tower_identity(model, data, measure, measure_name),
    )


def _check_ratings(model: TwoTower, data: SequenceData, rating_weight, folds) -> None:
    """Raise where towers lack the ratings or the users they read, or would read the answers."""
    if model.candidate.num_members:
        check_user_rows(model, data.train, trained=False)
    ratings_of(data.train, "rating_weight" if rating_weight else None)
    if folds is None and (model.query.num_members or model.candidate.num_members):
        raise ValueError(
            "`folds` must say into how many parts ratings are cut, or a tower that reads ratings "
            "would read what it is asked for. Received: folds=None"
        )


def _tower_identity(
    model: TwoTower, data: SequenceData, measure: Callable | None, measure_name: str
) -> dict[str, object]:
    keywords = getattr(measure, "keywords", {})
    plain = {k: v for k, v in keywords.items() if isinstance(v, str | int | float | None)}
    towers = [tower for tower in (model.query, model.candidate) if tower.num_features]
    features = [digest(ops.convert_to_numpy(tower.features)) for tower in towers]
    measured = [measure is not None, measure_name, plain]
    return _identity(model, data, measure=measured, features=features)
