"""SASRec: a causal Transformer over the items of a history."""

import inspect
import sys
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_whole, is_positive
from recmodels.features.sequences import SequenceData
from recmodels.layers.dropout import Dropout
from recmodels.layers.event_embedding import EventEmbedding
from recmodels.layers.masks import attention_mask, padding_mask
from recmodels.layers.norm import LayerNorm
from recmodels.layers.position import LearnedPosition, places_from_oldest
from recmodels.layers.transformer import TransformerBlock
from recmodels.models.item_content import ItemContent, check_item_columns
from recmodels.models.recipe import recipe_for
from recmodels.models.sequence_encoder import SCORING_ROWS

POSITIONS = ("newest", "oldest")
DEFAULTS = {"max_length": 50, "width": 64, "num_blocks": 2, "num_heads": 1, "hidden_width": None,
            "dropout": 0.2}  # fmt: skip
LEAST = {"num_items": 1, "max_length": 1, "width": 1, "num_blocks": 0, "num_heads": 1,
         "hidden_width": 1}  # fmt: skip


@keras.saving.register_keras_serializable("recmodels")
class SASRec(ItemContent):
    """Self-attentive sequential recommendation with tied item embeddings.

    Kang and McAuley, "Self-Attentive Sequential Recommendation", 2018, section III. The score of
    an item is the dot product of its vector with the state of the last position; with a
    temperature it is their cosine divided by it, which helps where items have few events each.

    Without any setting, or with `num_items` alone, `fit` chooses all others from the training
    data (see `recipe_for`), prints why, and trains by the same recipe. A model that is built
    before `fit`, or that names one setting, uses the defaults below.

    Args:
        num_items: V; by default that of the data in `fit`.
        max_length: L, the most events read of a history; 50 by default.
        width: D of vectors and states; 64 by default.
        num_blocks: Transformer blocks; 2 by default.
        num_heads: heads per block; 1 by default.
        hidden_width: of the feed-forward networks; by default D, as in the paper.
        dropout: of embeddings, attention weights and activations; 0.2 by default.
        norm_order: of the blocks; see `TransformerBlock`.
        temperature: None for the dot product of the paper; 0.05 to 0.1 are usual for the cosine.
        columns: sizes of further columns to read per event, of any kind that the schema has, such
            as `data.schema.input_sizes("action", "gap")`. They are no setting: `fit` chooses the
            others as without them.
        combine: how columns join the item vector: `"sum"`, `"concatenate"` or `"gate"`; see
            `EventEmbedding`.
        read_items: whether the model reads the items of a history, or only its columns, which can
            be better for logs in which most items are new or rare. In both cases items can be
            scored.
        positions: whether they are counted from the `"newest"` event, or from the `"oldest"`, as
            in GPT; only then `CachedDecoder` can reuse what it computed before a new event.
        item_columns: sizes of columns of items that are part of each item vector, in histories and
            in scores, through a linear map: `data.schema.input_sizes("text")` of a
            `Vector(of="items")`, for example. `fit` takes their values from `data.item_columns`.
            Items without a training event are then scored by them alone. `tune_item_texts` also
            trains the text encoder.
        id_vectors: whether items have vectors of their own besides their columns.
        dtype: as of any Keras layer; with `"mixed_bfloat16"` layers and softmax losses compute in
            half precision, while weights, norms and sums stay float32.

    Call arguments:
        inputs: dict with `item_ids`, int32 (B, T), padded on the left with 0, T <= L, and the
            columns, codes int32 (B, T) or numbers float32 (B, T, C).
        last_only: whether the last block computes only the last position: (B, 1, D).
        return_weights: whether the attention weights of the last position are returned too,
            (B, blocks, heads, T).

    Returns:
        States, (B, T, D): position t has seen the events up to t.

    Example:
        >>> model = SASRec(num_items=100, max_length=5, width=8)
        >>> model({"item_ids": np.array([[0, 0, 3, 1, 2]])}).shape
        TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        num_items: int | None = None,
        max_length: int | None = None,
        width: int | None = None,
        num_blocks: int | None = None,
        num_heads: int | None = None,
        hidden_width: int | None = None,
        dropout: float | None = None,
        norm_order: str = "original",
        temperature: float | None = None,
        columns: Mapping[str, Mapping[str, int]] | None = None,
        combine: str = "sum",
        read_items: bool = True,
        item_columns: Mapping[str, Mapping[str, int]] | None = None,
        id_vectors: bool = True,
        positions: str = "newest",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        positive = temperature is None or is_positive(temperature)
        require(positive, "`temperature` must be greater than 0", temperature=temperature)
        require(
            positions in POSITIONS, f"`positions` must be one of {POSITIONS}", positions=positions
        )
        self.column_sizes = {name: dict(size) for name, size in (columns or {}).items()}
        self.columns = tuple(self.column_sizes)
        self.combine, self.read_items = combine, read_items
        self.item_columns = check_item_columns(item_columns, id_vectors)
        self.id_vectors, self.num_items = id_vectors, num_items
        self.norm_order, self.temperature, self.positions = norm_order, temperature, positions
        self.recipe = None  # What `choose_settings` chose.
        given = (max_length, width, num_blocks, num_heads, hidden_width, dropout)
        _check_sizes(num_items, *given[:-1])
        changed = norm_order != "original" or positions != "newest" or temperature is not None
        self._chosen = changed or any(value is not None for value in given)
        pairs = zip(DEFAULTS.items(), given, strict=True)
        self._settle(**{name: usual if own is None else own for (name, usual), own in pairs})
        if self._chosen:
            self._make_layers()

    def _settle(self, **settings) -> None:
        for name, value in settings.items():
            setattr(self, name, value)

    def choose_settings(self, data: SequenceData) -> dict[str, object]:
        """Choose settings that the user left open from the training data.

        Returns:
            Options for `fit` that belong to the settings; empty where the user chose settings.
        """
        if not self._chosen:
            self.recipe = recipe_for(data)
            self.num_items = data.num_items if self.num_items is None else self.num_items
            self._settle(**self.recipe.model)
            self._make_layers()
            print(f"Settings that follow from the log:\n{self.recipe}", file=sys.stderr)
        return {} if self.recipe is None else dict(self.recipe.training)

    def choose_safer_settings(self) -> dict[str, object]:
        """Lower the dropout in all layers, and return the options of a slower training."""
        self.dropout = min(self.dropout, 0.1)
        for layer in self._flatten_layers(include_self=False):
            if isinstance(layer, Dropout):
                layer.rate = self.dropout
            elif "dropout" in layer.get_config():
                layer.dropout = self.dropout
        rate = self.recipe.training["learning_rate"] / 3
        print(
            f"Training starts again with dropout {self.dropout} and learning_rate {rate:.4g}.",
            file=sys.stderr,
        )
        return {"learning_rate": rate}

    def _make_layers(self) -> None:
        if self.num_items is None:
            raise ValueError(
                "`num_items` must be given before the model is built or called, or be chosen from "
                "the data by `fit`. Received: num_items=None"
            )
        must = "`columns` must be given to an encoder that reads nothing else"
        reads = self.read_items or self.columns
        require(reads, must, columns=self.columns, read_items=self.read_items)
        self._chosen = True
        policy = self.dtype_policy
        self.item_embedding = self.make_item_embedding()
        self.event_embedding = None
        if self.columns:
            self.event_embedding = EventEmbedding(
                self.width, self.column_sizes, self.combine, name="event_embedding", dtype=policy
            )
        self.position = LearnedPosition(self.max_length, name="position", dtype=policy)
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        self.blocks = [self._block(index) for index in range(self.num_blocks)]
        self.norm = LayerNorm(name="norm", dtype=policy)

    def _block(self, index: int) -> TransformerBlock:
        return TransformerBlock(
            self.num_heads,
            self.hidden_width,
            dropout=self.dropout,
            norm_order=self.norm_order,
            name=f"block_{index}",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape=None) -> None:
        if not self._chosen:
            self._make_layers()
        states = (None, None, self.width)
        self.item_embedding.build()
        if self.columns:
            self.event_embedding.build()
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(states)

    def call(self, inputs, training=None, last_only=False, return_weights=False):
        real = padding_mask(inputs["item_ids"])
        mask = attention_mask(real)  # (B, T, T)
        places = None if self.positions == "newest" else places_from_oldest(real)
        x = self.drop(self.embed(inputs, places), training=training)
        weights = []
        for block in self.blocks:
            last = last_only and block is self.blocks[-1]
            x, looked = block(x, mask, training=training, last_only=last, return_weights=True)
            weights.append(looked)
        x = self.output_states(x)
        if return_weights:
            return x, ops.stack([looked[:, :, -1] for looked in weights], axis=1)
        return x

    def embed(self, inputs, places=None):
        """What the first block reads, (B, T, D); see `LearnedPosition` for the places."""
        # A factor of 0 instead of no vectors, so that all gradients are defined.
        scale = self.width**0.5 if self.read_items else 0.0
        x = self.item_embedding(inputs["item_ids"]) * scale  # (B, T, D)
        if self.columns:
            x = self.event_embedding(x, {name: inputs[name] for name in self.columns})
        return self.position(x, places)

    def output_states(self, x):
        """States, (B, T, D), from what the last block returned."""
        x = self.norm(x)
        return x if self.temperature is None else ops.normalize(x, axis=-1) / self.temperature

    def attention(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Attention weights of the last position on each event, as the forward pass computes them.

        Args:
            queries: see `score`; of longer histories the latest L events are read.

        Returns:
            Float32, (B, blocks, heads, T); rows sum to 1, and padding has 0 unless the history is
            empty.
        """
        queries = self.checked(queries)
        names, found = ("item_ids", *self.columns), []
        for start in range(0, len(queries["item_ids"]), SCORING_ROWS):
            rows = slice(start, start + SCORING_ROWS)
            inputs = {n: np.asarray(queries[n])[rows, -self.max_length :] for n in names}
            weights = self(inputs, training=False, return_weights=True)[1]
            found.append(ops.convert_to_numpy(weights))
        return np.concatenate(found)

    def last_state(self, inputs):
        if "last_only" not in inspect.signature(self.call).parameters:
            return super().last_state(inputs)  # A subclass with a `call` of its own.
        return self(inputs, training=False, last_only=True)[:, -1]

    def get_config(self) -> dict:
        config = {**super().get_config(), "num_items": self.num_items}
        if self.columns:
            names = ("combine", "read_items")
            config |= {"columns": self.column_sizes, **{n: getattr(self, n) for n in names}}
        config |= self.content_config()
        if not self._chosen:
            return config
        return {
            **config,
            "max_length": self.max_length,
            "width": self.width,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "hidden_width": self.hidden_width,
            "dropout": self.dropout,
            "norm_order": self.norm_order,
            "temperature": self.temperature,
            **({} if self.positions == "newest" else {"positions": self.positions}),
        }


def _check_sizes(*sizes: int | None) -> None:
    """Raise a `ValueError` unless the sizes of `LEAST` are whole numbers that are large enough."""
    for (name, least), size in zip(LEAST.items(), sizes, strict=True):
        if size is not None:
            check_whole(name, size, least)
