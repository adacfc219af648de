"""Build the training task of each kind of model: loss, batches and identity of the run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.features.augment import Augment, Augmenter
from recmodels.features.batches import NextItemBatches
from recmodels.features.checks import digest, ratings_of
from recmodels.features.epochs import EpochBatches
from recmodels.features.masked_batches import MaskedBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.features.ratings import RatingBatches
from recmodels.features.sequences import SequenceData
from recmodels.models.capabilities import columns_of
from recmodels.models.masked_language import MaskedLanguage
from recmodels.models.multi_interest import MultiInterest
from recmodels.models.next_event import NextEvent
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.models.two_tower import TwoTower
from recmodels.tasks.multi_interest import MultiInterestTask
from recmodels.tasks.next_event import (
    NextEventTask,
    event_targets,
    validation_log_likelihood,
)
from recmodels.tasks.next_item import NextItem
from recmodels.tasks.next_retrieval import NextRetrieval
from recmodels.tasks.towers import TowerTask
from recmodels.text.word_pieces import SPECIAL

IN_BATCH = ("in_batch", "in_batch_uncorrected")  # Losses of the retrieval task.


@dataclass(frozen=True)
class Job:
    """The objects that `fit` trains.

    Args:
        task: a Keras model with its own loss.
        batches: what it is trained on.
        validates: whether epochs are chosen by the protocol's metric unless the caller says
            otherwise.
        measure: what chooses among epochs instead of that metric, and
        measure_name: what it is.
        identity: what a run that is continued must share with its checkpoint, besides batches
            and settings.
        entropy: lowest loss of a model that uses only the item frequencies, in nats; None
            for losses that cannot be compared with it.
    """

    task: keras.Model
    batches: EpochBatches
    validates: bool = True
    measure: Callable[[], float] | None = None
    measure_name: str | None = None
    identity: dict[str, object] = field(default_factory=dict)
    entropy: float | None = None


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
) -> Job:
    """Build the next-item task of a sequence encoder.

    Args:
        model, data, seed: of `fit`.
        loss: `"full_softmax"`, `"sampled_softmax"`, `"bce"`, `"gbce"`, or `"in_batch"`, the
            retrieval task of TensorFlow Recommenders with its logQ correction, and
            `"in_batch_uncorrected"` without.
        batch_size: histories of full length per step.
        windows: `"all"` trains on every event, `"latest"` on the newest window of each user, as
            published code does.
        num_negatives: K of the sampled losses. `"bce"` with one draws it for each position,
            otherwise groups of positions share theirs.
        max_positions: of a batch that the losses in the batch look at, drawn over its users.
        augment: changes of what the model reads in training; None for none.
    """
    sampler = None
    if loss != "full_softmax" and loss not in IN_BATCH:
        sampler = NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        seed,
        windows=windows,
        negatives=sampler,
        shared_negatives=num_negatives > 1,
        max_positions=max_positions if loss in IN_BATCH else None,
        columns=columns_of(model, data.train.columns),
        augmenter=_augmenter(augment, data),
    )
    if loss not in IN_BATCH:
        entropy = data.train.target_entropy() if loss == "full_softmax" else None
        return Job(NextItem(model, loss), batches, entropy=entropy)
    task = NextRetrieval(model, correct_sampling=loss == "in_batch")
    task.retrieval.adapt(data.train)
    return Job(task, batches)


def multi_interest_job(
    model: MultiInterest,
    data: SequenceData,
    seed: int,
    *,
    batch_size: int = 16,
    windows: str = "all",
) -> Job:
    """Name the next item by a mixture of interests; for `MultiInterest`.

    Args:
        model, data, seed: of `fit`.
        batch_size, windows: see `next_item_job`.
    """
    batches = NextItemBatches(data.train, model.max_length, batch_size, seed, windows=windows)
    return Job(MultiInterestTask(model), batches, entropy=data.train.target_entropy())


def next_event_job(
    model: NextEvent,
    data: SequenceData,
    seed: int,
    *,
    item_weight: float = 1.0,
    type_weight: float = 1.0,
    time_weight: float = 1.0,
    loss: str = "full_softmax",
    batch_size: int = 16,
    windows: str | None = None,
    prefixes: int = 8,
    encoder_rate: float = 1.0,
    num_negatives: int = 256,
    augment: Augment | None = None,
) -> Job:
    """Name type, item and time of the next event at every position of a history.

    Epochs are chosen by the log-likelihood of the validation targets, weighted as in training,
    because the model is asked for probabilities. For the protocol's metric of ranked items give
    `fit(..., measure=partial(validation_score, model, data))`.

    Args:
        model, data, seed: of `fit`; the schema of the data has the model's column of types, and
            `prepare(..., columns=("timestamp",))` carries the times.
        item_weight, type_weight, time_weight: of the three losses; with weight 0 a task is not
            learnt, and the others are as without it.
        loss: of the item, `"full_softmax"`, or `"sampled_softmax"` for a large catalogue.
        windows: see `NextItemBatches`; by default `"all"`, or `"prefixes"` for an encoder that sees
            both sides.
        prefixes: of each history in every epoch, for such an encoder.
        encoder_rate: by which the learning rate is multiplied for the weights of the encoder, which
            must be built then: below 1 for one that was trained before.
        batch_size, num_negatives, augment: see `next_item_job`.
    """
    _set_rates(model.encoder, encoder_rate)
    both_sides = getattr(model.encoder, "reads_both_sides", False)
    must = "`windows` must be 'prefixes' for an encoder that sees both sides, and only for such"
    windows = windows or ("prefixes" if both_sides else "all")
    require((windows == "prefixes") == both_sides, must, windows=windows)
    task = NextEventTask(model, loss, item_weight, type_weight, time_weight)
    sampler = None
    if loss != "full_softmax":
        sampler = NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        seed,
        windows=windows,
        prefixes=prefixes,
        negatives=sampler,
        columns=model.columns,
        targets=event_targets(model, data),
        augmenter=_augmenter(augment, data),
    )
    measure = partial(validation_log_likelihood, model, data, **task.task_weights)
    targets = digest(*data.validation.target_columns.values())
    return Job(
        task,
        batches,
        measure=measure,
        measure_name="log_likelihood",
        identity={"validation targets": targets, **_noted(encoder_rate)},
    )


def _set_rates(encoder: SequenceEncoder, rate: float) -> None:
    """Note at the weights of an encoder by what their learning rate is multiplied."""
    require(rate > 0, "`encoder_rate` must be positive", encoder_rate=rate)
    must = "`encoder_rate` needs an encoder that has weights: train or load it first"
    require(rate == 1 or encoder.built, must, encoder_rate=rate)
    for variable in encoder.variables:
        variable.rate_factor = rate


def _noted(rate: float) -> dict[str, float]:
    return {} if rate == 1 else {"encoder_rate": rate}


def masked_language_job(
    model: MaskedLanguage,
    data: SequenceData,
    seed: int,
    *,
    share: float = 0.15,
    batch_size: int = 64,
) -> Job:
    """Name hidden tokens of training sentences; the weights of the last epoch are kept.

    Args:
        model, data, seed: of `fit`.
        share: of the tokens that are hidden, besides those of some last events.
        batch_size: sentences per step.
    """
    encoder = model.encoder
    _set_rates(encoder, 1.0)
    batches = MaskedBatches(
        data.train,
        encoder.behaviours,
        len(encoder.tokens),
        len(SPECIAL),
        encoder.mask_token,
        encoder.max_length,
        batch_size,
        share,
        seed,
    )
    return Job(model, batches, validates=False)


def _augmenter(augment: Augment | None, data: SequenceData) -> Augmenter | None:
    if augment is None:
        return None
    return Augmenter(augment, data.train, data.num_items, data.schema.names_of("asked"))


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
    "multi_interest": multi_interest_job,
    "next_event": next_event_job,
    "masked_language": masked_language_job,
    "towers": tower_job,
}
