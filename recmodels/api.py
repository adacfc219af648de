"""The few calls most users need, each a thin join of the folders below."""

from collections.abc import Callable
from pathlib import Path

from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.ranking import rank
from recmodels.features.batches import NextItemBatches
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
from recmodels.training.seeds import set_seed

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

    The best epoch is the one with the highest NDCG@10 over the validation queries.

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
        checkpoint: file to continue from after a kill.
        verbose: whether a line an epoch goes to standard error.
        **training: fields of `Training`: `epochs`, `learning_rate`, `patience`, `seed`, ...

    Returns:
        The learning curve.

    Example:
        >>> data = prepare(leave_one_out(load("shop")))
        >>> model = SASRec(data.num_items, max_length=50)
        >>> curve = fit(model, data, epochs=20, filter_seen=False)
    """
    settings = Training(**training)
    in_batch = loss in IN_BATCH
    sampler = None
    if loss != "full_softmax" and not in_batch:
        sampler = NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        settings.seed,
        windows=windows,
        negatives=sampler,
        shared_negatives=num_negatives > 1,
        max_positions=max_positions if in_batch else None,
    )
    return fit_task(
        _next_item_task(model, loss, data),
        batches,
        settings,
        measure=lambda: validation_ndcg(model, data, filter_seen),
        measure_name="ndcg@10",
        checkpoint=None if checkpoint is None else Path(checkpoint),
        verbose=verbose,
    )


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

    Args:
        model: its towers, with their features if they have any.
        data: from `prepare(split, columns=("value",))`.
        retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed: see
            `TowerTask`.
        batch_size: ratings asked for in a step, all of them negatives of each other.
        folds: parts of each user's ratings, of which one is hidden and asked for; towers that
            read ratings need it. None hides nothing.
        measure: validation score, higher is better; without one the last weights are kept.
        measure_name: what it is.
        checkpoint: file to continue from after a kill.
        verbose: whether a line an epoch goes to standard error.
        **training: fields of `Training`.

    Returns:
        The learning curve.

    Raises:
        ValueError: `folds` is missing for a tower that reads ratings; and what `fit` raises.

    Example:
        >>> data = prepare(random_ratings(load("ml-100k")), columns=("value",))
        >>> towers = Tower(len(data.train), 32), Tower(data.num_items, 32)
        >>> curve = fit_towers(TwoTower(*towers), data, epochs=3)
    """
    if folds is None and (model.query.num_members or model.candidate.num_members):
        raise ValueError(
            "`folds` must say into how many parts ratings are cut, or a tower that reads ratings "
            "would read what it is asked for. Received: folds=None"
        )
    settings = Training(**training)
    task = TowerTask(
        model, retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed
    )
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
    )
