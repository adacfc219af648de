"""The task of predicting the next item at every position of a history."""

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, fields

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.features.batches import GROUPS
from recmodels.layers.content_embedding import ContentItemEmbedding
from recmodels.layers.fast import encode_in_parts
from recmodels.layers.target_shares import TargetShares
from recmodels.layers.text_embedding import TextItemEmbedding
from recmodels.models.capabilities import columns_of
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.contrast import Contrast, last_targets
from recmodels.tasks.losses import LOSSES

# Losses that know the items by their vectors alone; gBCE counts the catalogue too.
GATHERED_LOSSES = ("sampled_softmax", "bce")


def states_at(states, positions):
    """Select states of the flattened (B * T) matrix by position, (N, D)."""
    flat = ops.reshape(states, (-1, ops.shape(states)[-1]))  # (B * T, D)
    return ops.take(flat, positions, axis=0)


def compact_item_ids(targets, negatives, num_items: int):
    """Number targets and negatives by position in one list; return it as well.

    Equal items have equal numbers, from 1, so that losses can recognise accidental hits.

    Example: targets 7 2 and negatives 2 9 make the list 7 2 2 9. The last place of item 2 is the
    third, so that targets are called 1 3 and negatives 3 4.
    """
    item_ids = ops.concatenate([targets, ops.reshape(negatives, (-1,))])
    places = ops.arange(ops.shape(item_ids)[0], dtype="int32") + 1
    last_place = ops.segment_max(places, item_ids, num_segments=num_items + 1)
    return ops.take(last_place, targets), ops.take(last_place, negatives), item_ids


@keras.saving.register_keras_serializable("recmodels")
class NextItem(keras.Model):
    """An encoder with its loss, to be trained on `NextItemBatches`.

    Args:
        encoder: gives states (B, T, D) for `item_ids` (B, T).
        loss: one of `LOSSES`. All but `"full_softmax"` need batches with negatives.
        label_smoothing: of the full softmax, see `full_softmax`; not with columns of items, whose
            softmax leaves items out.
        contrast: a contrastive loss to add in training; None for none.
        similar_targets: shares of the targets' probability for similar items, from
            `SimilarTargets.layer`, for the full softmax; None for none.

    Example:
        >>> task = NextItem(SASRec(num_items=100), loss="full_softmax")
        >>> task.compile(optimizer="adam", jit_compile=False)
        >>> task.fit(NextItemBatches(train, max_length=50, batch_size=32, seed=0), shuffle=False)
    """

    def __init__(
        self,
        encoder: SequenceEncoder,
        loss: str = "full_softmax",
        label_smoothing: float = 0.0,
        contrast: Contrast | Mapping | None = None,
        similar_targets: TargetShares | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if loss not in LOSSES:
            raise ValueError(f"`loss` must be one of {sorted(LOSSES)}. Received: loss={loss!r}")
        share = isinstance(label_smoothing, int | float) and 0 <= label_smoothing < 1
        must = "`label_smoothing` must be a number from 0 to below 1"
        require(share, must, label_smoothing=label_smoothing)
        fits = loss == "full_softmax" or not label_smoothing
        must = "`label_smoothing` must be 0 unless `loss` is 'full_softmax'"
        require(fits, must, label_smoothing=label_smoothing, loss=loss)
        self.encoder = encoder
        self.objective, self.label_smoothing = loss, label_smoothing
        if isinstance(contrast, Mapping) and set(contrast) <= {f.name for f in fields(Contrast)}:
            contrast = Contrast(**contrast)
        self.contrast = contrast
        kind = isinstance(contrast, Contrast | None)
        require(kind, "`contrast` must be a `Contrast(weight=0.1)` or None", contrast=contrast)
        self.num_items = encoder.num_items
        self.similar_targets = similar_targets

    def build(self, input_shape=None) -> None:
        if not self.encoder.built:
            self.encoder.build(input_shape)

    def call(self, inputs, training=None):
        names = ("item_ids", *columns_of(self.encoder))
        inputs = {name: inputs[name] for name in names}
        # Statistics of the batch, which such weights hold, need the batch as a whole.
        fixed = self.encoder.item_embedding.non_trainable_weights
        if not training or len(self.encoder.non_trainable_weights) > len(fixed):
            return self.encoder(inputs, training=training)
        return encode_in_parts(lambda part: self.encoder(part, training=True), inputs)

    def train_step(self, *args, **kwargs):
        embedding = self.encoder.item_embedding
        encodes = isinstance(embedding, TextItemEmbedding)
        with embedding.encoding() if encodes else nullcontext():
            return super().train_step(*args, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = self.item_loss(states_at(y_pred, x["positions"]), y, sample_weight, x)
        if self.contrast is None or not training:
            return loss
        again = self(x, training=True)  # The same windows with another dropout.
        last = last_targets(x["positions"], y, sample_weight, *ops.shape(y_pred)[:2])
        return loss + self.contrast.loss(y_pred[:, -1], again[:, -1], last)

    def item_loss(self, states, y, sample_weight, inputs):
        """The loss of states (N, D) with target items `y` (N,) and the negatives of the inputs."""
        # Outside of `fit` a batch has arrays, which PyTorch does not multiply by its tensors.
        states, y, sample_weight = map(ops.convert_to_tensor, (states, y, sample_weight))
        drawn = self._drawn(inputs)
        embedding, item_ids = self.encoder.item_embedding, None
        if self._looks_up(drawn):
            y, drawn["negatives"], item_ids = compact_item_ids(
                y, drawn["negatives"], self.num_items
            )
            table = embedding.vectors_of(item_ids)
        else:
            table = embedding.catalogue()
        if isinstance(embedding, ContentItemEmbedding):
            # One more feature adds the bias in the very product that makes the logits.
            must = "`label_smoothing` must be 0 for an encoder with `item_columns`"
            require(not self.label_smoothing, must, label_smoothing=self.label_smoothing)
            ones = ops.ones((ops.shape(states)[0], 1), states.dtype)
            states = ops.concatenate([states, ones], axis=1)
            table = ops.concatenate([table, embedding.output_bias(item_ids)], axis=1)
        if self.label_smoothing:
            drawn["label_smoothing"] = self.label_smoothing
        loss = LOSSES[self.objective](states, y, sample_weight, table, **drawn)
        if self.similar_targets is None:
            return loss
        return loss + self.similar_targets(states, y, sample_weight, table)

    def _looks_up(self, drawn: dict) -> bool:
        """Return whether the loss gets only the vectors of targets and negatives.

        A step then costs as much with a million items as with some thousands, but for the
        optimiser. With as many negatives as items nothing is saved.
        """
        if self.objective not in GATHERED_LOSSES:
            return False
        return GROUPS * drawn["negatives"].shape[-1] < self.num_items

    def _drawn(self, inputs: dict) -> dict:
        """Return the negatives of a batch that the loss uses."""
        taken = inspect.signature(LOSSES[self.objective]).parameters
        names = [name for name in ("negatives", "log_counts") if name in taken]
        if not all(name in inputs for name in names):
            raise ValueError(
                f"`loss` {self.objective!r} needs negatives: give `NextItemBatches` a "
                f"`NegativeSampler`. Received: inputs={sorted(inputs)}"
            )
        return {name: ops.convert_to_tensor(inputs[name]) for name in names}

    def get_config(self) -> dict:
        encoder = keras.saving.serialize_keras_object(self.encoder)
        config = {**super().get_config(), "encoder": encoder, "loss": self.objective}
        if self.label_smoothing:
            config["label_smoothing"] = self.label_smoothing
        if self.contrast is not None:
            config["contrast"] = asdict(self.contrast)
        if self.similar_targets is not None:
            shares = keras.saving.serialize_keras_object(self.similar_targets)
            config["similar_targets"] = shares
        return config

    @classmethod
    def from_config(cls, config: dict) -> "NextItem":
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name))
            for name in ("encoder", "similar_targets")
            if name in config
        }
        return cls(**parts, **config)
