"""What `fit` trains, and what the builders of tasks share."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras

from recmodels.data.errors import require
from recmodels.features.augment import Augment, Augmenter
from recmodels.features.batches import WINDOWS
from recmodels.features.checks import digest
from recmodels.features.epochs import EpochBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.features.sequences import SequenceData
from recmodels.layers.content_embedding import ContentItemEmbedding
from recmodels.layers.text_embedding import TextItemEmbedding
from recmodels.models.capabilities import Recurrent, readers_of_item_columns
from recmodels.models.capabilities import require as require_capability
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.losses import LOSSES
from recmodels.tasks.similar_targets import SimilarTargets

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


def sampler(data: SequenceData, loss: str, num_negatives: int) -> NegativeSampler | None:
    """The negatives that a loss needs, or None."""
    if loss == "full_softmax" or loss in IN_BATCH:
        return None
    return NegativeSampler(data.train.item_counts(data.num_items)[1:], num_negatives)


def check_causal(model: SequenceEncoder, windows: str) -> None:
    """Raise where states that have seen what comes next would be trained to predict it."""
    must = (
        "`windows` must be 'prefixes' for an encoder that sees both sides of an event, because "
        "its other states have read what they would have to predict"
    )
    fits = model.causal or windows == "prefixes"
    require(fits, must, model=type(model).__name__, windows=windows)


def check_objective(
    model: SequenceEncoder,
    loss: str,
    windows: str,
    label_smoothing: float,
    contrast: object,
    similar_targets: object,
) -> None:
    """Raise where a loss or windows are unknown, or something cannot be added to the loss."""
    losses = (*sorted(LOSSES), *IN_BATCH)
    require(loss in losses, f"`loss` must be one of {losses}", loss=loss)
    known = (*WINDOWS, "parallel")
    require(windows in known, f"`windows` must be one of {known}", windows=windows)
    must = "`loss` must not be one in the batch with `label_smoothing` or `contrast`"
    require(loss not in IN_BATCH or not (label_smoothing or contrast), must, loss=loss)
    views = contrast is None or getattr(model, "dropout", None) != 0
    must = "`contrast` must come with a model that has dropout: it makes the two views differ"
    require(views, must, dropout=0)
    usual = loss == "full_softmax" and windows != "parallel" and not label_smoothing
    _check_similar(model, similar_targets, usual)


def _check_similar(model: SequenceEncoder, similar: object, usual: bool) -> None:
    """Raise where targets cannot share their probability with similar items.

    Args:
        model: the encoder.
        similar: the option `similar_targets`.
        usual: whether the loss is the full softmax of whole windows without label smoothing.
    """
    must = "`similar_targets` must be a `SimilarTargets(similar_texts(texts))` or None"
    kind = type(similar).__name__
    require(isinstance(similar, SimilarTargets | None), must, similar_targets=kind)
    must = "`similar_targets` must come with the full softmax, without `label_smoothing` and not "
    require(similar is None or usual, must + "with windows='parallel'", similar_targets=kind)
    # The softmax of such an encoder leaves items without a training event out.
    content = isinstance(model.item_embedding, ContentItemEmbedding)
    must = "`similar_targets` must not be given to an encoder with `item_columns`"
    require(similar is None or not content, must, model=type(model).__name__)


def check_parallel(
    model: SequenceEncoder, loss: str, augment: Augment | None, contrast: object
) -> None:
    """Raise where a training on one event per step cannot do what is asked for."""
    require_capability(model, Recurrent, "`windows='parallel'`")
    must = "`windows='parallel'` must come without `augment` and `contrast`"
    require(augment is None and contrast is None, must, augment=augment, contrast=contrast)
    must = f"`loss` must not be one of {IN_BATCH} with `windows='parallel'`"
    require(loss not in IN_BATCH, must, loss=loss)


def augmenter(augment: Augment | None, data: SequenceData) -> Augmenter | None:
    """What changes the windows of a training, or None."""
    if augment is None:
        return None
    return Augmenter(augment, data.train, data.num_items, data.schema.names_of("asked"))


def adapt_items(model, data: SequenceData) -> dict[str, object]:
    """Give a model and its encoder the item columns that they read; return what identifies them."""
    identity = {}
    for reader in readers_of_item_columns(model):
        reader.adapt_items(data.item_columns, data.train.item_counts(data.num_items))
        columns = (data.item_columns[name] for name in reader.item_columns)
        identity["item columns"] = digest(*columns)
        if isinstance(reader.item_embedding, TextItemEmbedding):
            identity["texts"] = reader.item_embedding.texts.tuning
    return identity
