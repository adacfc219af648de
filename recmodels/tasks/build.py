"""Build the training task of each kind of model: loss, batches and identity of the run."""

from collections.abc import Callable

import keras
from keras import ops

from recmodels.features.augment import Augment
from recmodels.features.batches import NextItemBatches
from recmodels.features.checks import check_whole, digest, ratings_of
from recmodels.features.masked_batches import MaskedItemBatches
from recmodels.features.parallel_batches import ParallelBatches
from recmodels.features.ratings import RatingBatches
from recmodels.features.sequences import SequenceData
from recmodels.models.capabilities import columns_of
from recmodels.models.multi_interest import MultiInterest
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.models.two_tower import TwoTower
from recmodels.tasks.build_events import masked_language_job, next_event_job
from recmodels.tasks.contrast import Contrast
from recmodels.tasks.job import (
    IN_BATCH,
    Job,
    augmenter,
    check_causal,
    check_objective,
    check_parallel,
    sampler,
)
from recmodels.tasks.multi_interest import MultiInterestTask
from recmodels.tasks.next_item import NextItem
from recmodels.tasks.next_retrieval import NextRetrieval
from recmodels.tasks.parallel_next_item import ParallelNextItem
from recmodels.tasks.similar_targets import SimilarTargets
from recmodels.tasks.towers import TowerTask


def next_item_job(
    model: SequenceEncoder,
    data: SequenceData,
    seed: int,
    *,
    loss: str = "full_softmax",
    batch_size: int = 16,
    windows: str = "all",
    num_negatives: int = 256,
    max_positions: int = 4096,
    augment: Augment | None = None,
    label_smoothing: float = 0.0,
    contrast: Contrast | None = None,
    similar_targets: SimilarTargets | None = None,
) -> Job:
    """Build the next-item task of a sequence encoder.

    Args:
        model, data, seed: of `fit`.
        loss: `"full_softmax"`, `"sampled_softmax"`, `"bce"`, `"gbce"`, or `"in_batch"`, the
            retrieval task of TensorFlow Recommenders with its logQ correction, and
            `"in_batch_uncorrected"` without.
        batch_size: histories of full length per step.
        windows: `"all"` trains on every event, `"latest"` on the newest window of each user, as
            published code does, `"prefixes"` on every event with a window of its own, which an
            encoder that sees both sides needs, `"parallel"` on one event of `batch_size` histories
            per step, for recurrent encoders, which keep their state; see `ParallelBatches`.
        num_negatives: K of the sampled losses. `"bce"` with one draws it for each position,
            otherwise groups of positions share theirs.
        max_positions: how many positions of a batch the in-batch losses use, drawn over its users.
        augment: changes of what the model reads in training; None for none.
        label_smoothing: share of a target's probability that all items have in equal parts, for
            `"full_softmax"`.
        contrast: a contrastive loss to add; None for none. Neither can be combined with in-batch
            losses.
        similar_targets: for `"full_softmax"`, see `SimilarTargets`; None for none.
    """
    check_causal(model, windows)
    check_whole("max_positions", max_positions)
    check_objective(model, loss, windows, label_smoothing, contrast, similar_targets)
    columns, negatives = columns_of(model, data.train.columns), sampler(data, loss, num_negatives)
    if windows == "parallel":
        check_parallel(model, loss, augment, contrast)
        batches = ParallelBatches(data.train, batch_size, seed, negatives, columns)
        task = ParallelNextItem(model, batch_size, loss, label_smoothing)
    else:
        batches = NextItemBatches(
            data.train, model.max_length, batch_size, seed, windows=windows, negatives=negatives,
            shared_negatives=num_negatives > 1,
            max_positions=max_positions if loss in IN_BATCH else None,
            columns=columns, augmenter=augmenter(augment, data),
        )  # fmt: skip
        task = _window_task(model, data, loss, label_smoothing, contrast, similar_targets)
    identity = {} if similar_targets is None else {"similar targets": similar_targets.identity()}
    # With shared targets the loss of a model that only counts items is above their entropy.
    counted = loss == "full_softmax" and similar_targets is None
    entropy = data.train.target_entropy() if counted else None
    return Job(task, batches, entropy=entropy, identity=identity)


def _window_task(
    model, data, loss: str, label_smoothing: float, contrast, similar_targets
) -> keras.Model:
    if loss not in IN_BATCH:
        shares = similar_targets and similar_targets.layer(model.num_items)
        return NextItem(model, loss, label_smoothing, contrast, shares)
    task = NextRetrieval(model, correct_sampling=loss == "in_batch")
    task.retrieval.adapt(data.train)
    return task


def masked_item_job(
    model: SequenceEncoder,
    data: SequenceData,
    seed: int,
    *,
    loss: str = "full_softmax",
    batch_size: int = 16,
    windows: str = "all",
    num_negatives: int = 256,
    mask_share: float = 0.2,
    last_share: float = 0.5,
) -> Job:
    """Predict masked items from the events on both sides; for `BERT4Rec`.

    Args:
        model, data, seed: of `fit`.
        loss: `"full_softmax"`, `"sampled_softmax"`, `"bce"` or `"gbce"`.
        batch_size, windows, num_negatives: see `next_item_job`.
        mask_share, last_share: see `MaskedItemBatches`.
    """
    batches = MaskedItemBatches(
        data.train,
        model.max_length,
        batch_size,
        seed,
        model.mask_id,
        mask_share,
        last_share,
        windows=windows,
        negatives=sampler(data, loss, num_negatives),
        shared_negatives=num_negatives > 1,
        columns=columns_of(model, data.train.columns),
    )
    return Job(NextItem(model, loss), batches)


def multi_interest_job(
    model: MultiInterest,
    data: SequenceData,
    seed: int,
    *,
    batch_size: int = 16,
    windows: str = "all",
) -> Job:
    """Predict the next item by a mixture of interests; for `MultiInterest`.

    Args:
        model, data, seed: of `fit`.
        batch_size, windows: see `next_item_job`.
    """
    batches = NextItemBatches(data.train, model.max_length, batch_size, seed, windows=windows)
    return Job(MultiInterestTask(model), batches, entropy=data.train.target_entropy())


def tower_job(
    model: TwoTower,
    data: SequenceData,
    seed: int,
    *,
    retrieval_weight: float = 1.0,
    rating_weight: float = 0.0,
    correct_sampling: bool = True,
    remove_accidental_hits: bool = True,
    summed: bool = False,
    batch_size: int = 1024,
    folds: int | None = None,
) -> Job:
    """Build the task of two towers: retrieval, rating, or both; counts the training histories.

    Args:
        model, data, seed: of `fit`; the data come from `prepare(split, columns=("value",))`.
        retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed: see
            `TowerTask`.
        batch_size: ratings to predict per step, all of them negatives of each other.
        folds: parts of each user's ratings, of which one is hidden and predicted; towers that
            read ratings need it. None hides nothing.
    """
    ratings_of(data.train, "rating_weight" if rating_weight else None)
    if folds is None and (model.query.num_members or model.candidate.num_members):
        raise ValueError(
            "`folds` must say into how many parts ratings are cut, or a tower that reads ratings "
            "would read the ratings to predict. Received: folds=None"
        )
    task = TowerTask(
        model, retrieval_weight, rating_weight, correct_sampling, remove_accidental_hits, summed
    )
    task.adapt(data.train)
    towers = [tower for tower in (model.query, model.candidate) if tower.num_features]
    features = [digest(ops.convert_to_numpy(tower.features)) for tower in towers]
    batches = RatingBatches(data.train, data.num_items, batch_size, seed, folds)
    return Job(task, batches, validates=False, identity={"features": features})


# By the `task` that a model names.
JOBS: dict[str, Callable[..., Job]] = {
    "next_item": next_item_job,
    "masked_item": masked_item_job,
    "multi_interest": multi_interest_job,
    "next_event": next_event_job,
    "masked_language": masked_language_job,
    "towers": tower_job,
}
