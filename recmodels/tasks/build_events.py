"""Build the tasks of the next event, and the pre-training of encoders of sentences."""

from functools import partial

from recmodels.data.errors import require
from recmodels.features.augment import Augment
from recmodels.features.batches import NextItemBatches
from recmodels.features.checks import digest
from recmodels.features.masked_tokens import MaskedTokenBatches
from recmodels.features.sequences import SequenceData
from recmodels.models.masked_language import MaskedLanguage
from recmodels.models.next_event import NextEvent
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.job import Job, augmenter, check_causal, sampler
from recmodels.tasks.next_event import (
    NextEventTask,
    event_targets,
    validation_log_likelihood,
)
from recmodels.text.word_pieces import SPECIAL


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
    windows: str = "all",
    prefixes: int | None = None,
    encoder_rate: float = 1.0,
    num_negatives: int = 256,
    augment: Augment | None = None,
) -> Job:
    """Predict type, item and time of the next event at every position of a history.

    Epochs are chosen by the log-likelihood of the validation targets, weighted as in training,
    because the model is asked for probabilities. For the protocol's metric of ranked items give
    `fit(..., measure=partial(validation_score, model, data))`.

    Args:
        model, data, seed: of `fit`; the schema of the data has the model's column of types, and
            `prepare(..., columns=("timestamp",))` carries the times.
        item_weight, type_weight, time_weight: of the three losses; a task with weight 0 is not
            learnt and does not influence the others.
        loss: of the item, `"full_softmax"`, or `"sampled_softmax"` for a large catalogue.
        prefixes: see `NextItemBatches`.
        encoder_rate: by which the learning rate is multiplied for the weights of the encoder, which
            must be built then: below 1 for one that was trained before.
        batch_size, windows, num_negatives, augment: see `next_item_job`.
    """
    check_causal(model.encoder, windows)
    _set_rates(model.encoder, encoder_rate)
    task = NextEventTask(model, loss, item_weight, type_weight, time_weight)
    batches = NextItemBatches(
        data.train,
        model.max_length,
        batch_size,
        seed,
        windows=windows,
        prefixes=prefixes,
        negatives=sampler(data, loss, num_negatives),
        columns=model.columns,
        targets=event_targets(model, data),
        augmenter=augmenter(augment, data),
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


def masked_language_job(
    model: MaskedLanguage,
    data: SequenceData,
    seed: int,
    *,
    share: float = 0.15,
    batch_size: int = 64,
) -> Job:
    """Predict masked tokens of training sentences; the weights of the last epoch are kept.

    Args:
        model, data, seed: of `fit`.
        share: of the tokens that are hidden, besides those of some last events.
        batch_size: sentences per step.
    """
    encoder = model.encoder
    _set_rates(encoder, 1.0)
    batches = MaskedTokenBatches(
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


def _set_rates(encoder: SequenceEncoder, rate: float) -> None:
    """Note at the weights of an encoder by what their learning rate is multiplied."""
    require(rate > 0, "`encoder_rate` must be positive", encoder_rate=rate)
    must = "`encoder_rate` needs an encoder that has weights: train or load it first"
    require(rate == 1 or encoder.built, must, encoder_rate=rate)
    texts = getattr(encoder.item_embedding, "texts", None)  # Whose weights have their own rate.
    own = set() if texts is None else {id(variable) for variable in texts.variables}
    for variable in encoder.variables:
        if id(variable) not in own:
            variable.rate_factor = rate


def _noted(rate: float) -> dict[str, float]:
    return {} if rate == 1 else {"encoder_rate": rate}
