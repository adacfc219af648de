"""An encoder whose scores get similarities of items to the latest events added."""

from collections.abc import Mapping, Sequence
from typing import Self

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.layers.item_similarities import ItemSimilarities
from recmodels.models.capabilities import ChoosesSettings, HasVectors, ReadsItemColumns, can
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.models.similar_items import SimilarItems

LARGEST_ID = 2**24  # Item ids are part of float32 states, which hold whole numbers up to this.


@keras.saving.register_keras_serializable("recmodels")
class WithSimilarities(SequenceEncoder):
    """Score items by an encoder and by their similarity to the latest events, trained together.

        score(j) = state . vector(j) + sum over kinds k and ages a of weight(k, a) * s_k(i_a, j)

    i_a is the item of the event of age a. The similarities s_k are given, such as those of texts;
    their weights are trained with the encoder, which learns what the similarities do not explain.
    Items with few training events are then ranked by what they are similar to. He and McAuley,
    "Fusing Similarity Models with Markov Chains for Sparse Sequential Recommendation" (Fossil),
    2016, add a learnt similarity to a learnt transition likewise. A `Hybrid` adds the scores of
    models that were trained alone.

    Give the similarities by `adapt` before `fit`; the loss is the full softmax.

    Args:
        base: a sequence encoder whose scores are dot products, such as `SASRec`, not yet trained.
        kinds: names of the similarities.
        num_neighbours: how many similar items of each item count.
        num_events: A, how many of the latest events are compared.

    Call arguments:
        inputs: of the encoder, dict with `item_ids`, int32 (B, T).

    Returns:
        (B, T, D + A): states of the encoder, and the item ids of the A latest events, newest first.

    Raises:
        ValueError: `base` scores items otherwise, or `kinds` are not different names.

    Example:
        >>> model = WithSimilarities(SASRec(data.num_items), kinds=["text"])
        >>> model.adapt({"text": similar_texts(texts)})
        >>> fit(model, data, epochs=10)
    """

    # Scores are no dot products of one vector: no index of vectors can find the best items.
    query_vectors = None

    def __init__(
        self,
        base: SequenceEncoder,
        kinds: Sequence[str],
        num_neighbours: int = 100,
        num_events: int = 3,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        dots = isinstance(base, SequenceEncoder) and can(base, HasVectors)
        must = "`base` must be a sequence encoder that scores by dot products, such as `SASRec`"
        require(dots, must, base=type(base).__name__)
        names = [] if isinstance(kinds, str | None) else list(kinds)
        fits = names and all(isinstance(name, str) for name in names)
        fits = fits and len(set(names)) == len(names)
        require(fits, "`kinds` must be a list of different names", kinds=kinds)
        self.base, self.kinds = base, tuple(names)
        self.num_neighbours = check_whole("num_neighbours", num_neighbours)
        self.num_events = check_whole("num_events", num_events)
        self.similarities = None

    @property
    def num_items(self) -> int | None:
        """V, that of the encoder."""
        return self.base.num_items

    @property
    def item_embedding(self):
        """That of the encoder."""
        return self.base.item_embedding

    @property
    def max_length(self) -> int:
        """How many of the latest events are read."""
        return self.base.max_length

    @property
    def causal(self) -> bool:
        """Whether the state of a position depends on no later event."""
        return self.base.causal

    @property
    def task(self) -> str:
        """How `fit` trains it: as the encoder."""
        return self.base.task

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the encoder reads besides the items."""
        return tuple(self.base.columns)

    @property
    def column_sizes(self) -> Mapping[str, Mapping[str, int]]:
        """Their sizes; see `Schema.input_sizes`."""
        return self.base.column_sizes

    @property
    def item_columns(self) -> Mapping[str, Mapping[str, int]]:
        """Columns of items that the encoder reads."""
        return self.base.item_columns if can(self.base, ReadsItemColumns) else {}

    def adapt_items(self, columns, counts=None) -> None:
        """Set the columns of all items; see `ItemContent.adapt_items`."""
        self.base.adapt_items(columns, counts)

    @property
    def state_width(self) -> int:
        return self.base.state_width + self.num_events

    def choose_settings(self, data) -> dict[str, object]:
        """Let the encoder choose its settings, if it can."""
        return self.base.choose_settings(data) if can(self.base, ChoosesSettings) else {}

    def choose_safer_settings(self) -> dict[str, object]:
        """Likewise, after a training that learnt nothing."""
        return self.base.choose_safer_settings()

    def build(self, input_shape=None) -> None:
        if not self.base.built:
            self.base.build()
        must = f"`base` must have fewer than {LARGEST_ID} items"
        require(self.num_items < LARGEST_ID, must, num_items=self.num_items)
        self.similarities = ItemSimilarities(
            self.num_items, len(self.kinds), self.num_neighbours, self.num_events,
            name="similarities",
        )  # fmt: skip
        self.similarities.build()

    def adapt(self, similarities: Mapping[str, SimilarItems]) -> None:
        """Set the similar items of all items.

        Args:
            similarities: by kind, from `similar_texts`, `similar_vectors` or `similar_users`.

        Raises:
            ValueError: a kind is missing, or is of another number of items.
        """
        missing = [kind for kind in self.kinds if kind not in similarities]
        must = f"`similarities` must have a `SimilarItems` for each of {list(self.kinds)}"
        require(not missing, must, missing=missing)
        chosen = [similarities[kind] for kind in self.kinds]
        fits = all(isinstance(each, SimilarItems) for each in chosen)
        require(fits, must, received=[type(each).__name__ for each in chosen])
        if not self.built:
            self.build()
        rows = self.num_items + 1
        must = f"`similarities` must have {rows} rows each, one per item and one for padding"
        sizes = [each.values.shape[0] for each in chosen]
        require(set(sizes) == {rows}, must, rows=sizes)
        was_initial = self.has_initial_weights
        arrays = [each.nearest(self.num_neighbours) for each in chosen]
        self.similarities.adapt(*(np.stack(parts) for parts in zip(*arrays, strict=True)))
        if was_initial:
            self.remember_weights()

    @property
    def adapted(self) -> bool:
        """Whether `adapt` has given similar items, or a file has."""
        return self.built and bool(ops.any(self.similarities.neighbours > 0))

    def call(self, inputs, training=None):
        states = self.base(inputs, training=training)
        ids = inputs["item_ids"]
        length = ops.shape(ids)[1]
        shifted = [ops.pad(ids, [[0, 0], [age, 0]])[:, :length] for age in range(self.num_events)]
        return self._joined(states, ops.stack(shifted, axis=-1))

    def last_state(self, inputs):
        ids = ops.flip(inputs["item_ids"][:, -self.num_events :], axis=1)
        ids = ops.pad(ids, [[0, 0], [0, self.num_events - ops.shape(ids)[1]]])
        return self._joined(self.base.last_state(inputs), ids)

    @staticmethod
    def _joined(states, ids):
        # In float32, because other types do not hold ids exactly.
        return ops.concatenate([ops.cast(part, "float32") for part in (states, ids)], axis=-1)

    def split_states(self, states):
        """States of the encoder (..., D), and item ids of the latest events, int32 (..., A)."""
        width = self.base.state_width
        return states[..., :width], ops.cast(states[..., width:], "int32")

    def catalogue(self):
        """Vectors of the items 1..V with the id of each, (V, D + 1)."""
        vectors = ops.cast(self.base.catalogue(), "float32")
        ids = ops.arange(1, self.num_items + 1, dtype="float32")
        return ops.concatenate([vectors, ids[:, None]], axis=1)

    def match(self, states, vectors):
        states, latest = self.split_states(states)
        scores = self.base.match(states, vectors[:, :-1])
        added = self.similarities(latest)
        return scores + ops.take(added, ops.cast(vectors[:, -1], "int32"), axis=1)

    def grown(self, num_new: int) -> Self:
        """Return a copy with `num_new` further items, which have no similar items; see `grow`."""
        if not self.built:
            self.build()
        larger = type(self)(self.base.grown(num_new), **self._settings(), name=self.name)
        larger.build()
        rows = self.num_items + 1
        arrays = (self.similarities.neighbours, self.similarities.strengths, self.similarities.own)
        kept = [ops.convert_to_numpy(array)[:, :rows] for array in arrays]
        larger.similarities.adapt(*(np.pad(a, ((0, 0), (0, num_new), (0, 0))) for a in kept))
        larger.similarities.weight.assign(self.similarities.weight)
        return larger

    def _settings(self) -> dict:
        names = ("kinds", "num_neighbours", "num_events")
        return {name: getattr(self, name) for name in names}

    def get_config(self) -> dict:
        base = keras.saving.serialize_keras_object(self.base)
        return {**super().get_config(), "base": base, **self._settings()}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        return cls(keras.saving.deserialize_keras_object(config.pop("base")), **config)
