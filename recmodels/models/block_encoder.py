"""Base class of sequence encoders that are a stack of blocks: one class per family."""

from collections.abc import Mapping

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_whole, is_positive
from recmodels.layers.dropout import Dropout
from recmodels.layers.event_embedding import EventEmbedding
from recmodels.layers.masks import padding_mask
from recmodels.layers.norm import LayerNorm
from recmodels.layers.position import LearnedPosition
from recmodels.models.item_content import ItemContent, check_item_columns


class BlockEncoder(ItemContent):
    """Item vectors, columns and positions, then blocks, then a layer norm.

    The families differ in their blocks alone, so that a comparison of families compares nothing
    else. A subclass makes them in `make_block` and names its own arguments in `own_settings`.

    Args:
        num_items: V.
        max_length: L, the most events read of a history.
        width: D of vectors and states.
        num_blocks: how many blocks follow each other.
        dropout: of embeddings and in the blocks.
        temperature: None for scores that are dot products; 0.05 to 0.1 are usual for cosines.
        columns: sizes of further columns to read per event: `data.schema.input_sizes(...)`.
        combine: how columns join the item vector; see `EventEmbedding`.
        item_columns, id_vectors: what item vectors are made of; see `SASRec`.
        dtype: as of any Keras layer.

    Call arguments:
        inputs: dict with `item_ids`, int32 (B, T), padded on the left with 0, T <= L, and the
            columns, codes int32 (B, T) or numbers float32 (B, T, C).

    Returns:
        States, (B, T, D).
    """

    reads_positions = True  # Whether a learned vector per position is added to the inputs.
    own_settings: tuple[str, ...] = ()  # Arguments of the subclass, all of them attributes.

    def __init__(
        self,
        num_items: int,
        max_length: int = 50,
        width: int = 64,
        num_blocks: int = 2,
        dropout: float = 0.2,
        temperature: float | None = None,
        columns: Mapping[str, Mapping[str, int]] | None = None,
        combine: str = "sum",
        item_columns: Mapping[str, Mapping[str, int]] | None = None,
        id_vectors: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        sizes = {"num_items": num_items, "max_length": max_length, "width": width}
        for name, value in sizes.items():
            setattr(self, name, check_whole(name, value))
        self.num_blocks = check_whole("num_blocks", num_blocks, 0)
        positive = temperature is None or is_positive(temperature)
        require(positive, "`temperature` must be greater than 0", temperature=temperature)
        self.dropout, self.temperature, self.combine = dropout, temperature, combine
        self.column_sizes = {name: dict(size) for name, size in (columns or {}).items()}
        self.columns = tuple(self.column_sizes)
        self.item_columns = check_item_columns(item_columns, id_vectors)
        self.id_vectors = id_vectors
        policy = self.dtype_policy
        self.item_embedding = self.make_item_embedding()
        self.event_embedding = None
        if self.columns:
            self.event_embedding = EventEmbedding(
                width, self.column_sizes, combine, name="event_embedding", dtype=policy
            )
        self.drop = Dropout(dropout, name="drop", dtype=policy)
        self.norm = LayerNorm(name="norm", dtype=policy)

    def make_block(self, index: int, **shared) -> keras.layers.Layer:
        """Make the block with this number, from 0; `shared` are arguments of every block."""
        raise NotImplementedError

    def block_arguments(self, inputs, real) -> tuple:
        """What all blocks get besides their input: the padding mask, bool (B, T)."""
        return (real,)

    @property
    def num_positions(self) -> int:
        """The longest sequence that the blocks read."""
        return self.max_length

    def build(self, input_shape=None) -> None:
        states = (None, None, self.width)
        self.item_embedding.build()
        if self.event_embedding is not None:
            self.event_embedding.build()
        self.position = None
        if self.reads_positions:
            self.position = LearnedPosition(
                self.num_positions, name="position", dtype=self.dtype_policy
            )
            self.position.build(states)
        shared = {"dropout": self.dropout, "dtype": self.dtype_policy}
        self.blocks = [
            self.make_block(index, name=f"block_{index}", **shared)
            for index in range(self.num_blocks)
        ]
        for layer in (*self.blocks, self.norm):
            layer.build(states)

    def call(self, inputs, training=None):
        x = self.embed(inputs, training)
        arguments = self.block_arguments(inputs, padding_mask(inputs["item_ids"]))
        for block in self.blocks:
            x = block(x, *arguments, training=training)
        return self.output_states(x)

    def embed(self, inputs, training=None):
        """What the first block reads, (B, T, D)."""
        x = self.item_embedding(inputs["item_ids"]) * self.width**0.5
        if self.event_embedding is not None:
            x = self.event_embedding(x, {name: inputs[name] for name in self.column_sizes})
        if self.position is not None:
            x = self.position(x)
        return self.drop(x, training=training)

    def output_states(self, x):
        """States (B, T, D) from the outputs of the last block."""
        x = self.norm(x)
        return x if self.temperature is None else ops.normalize(x, axis=-1) / self.temperature

    def get_config(self) -> dict:
        names = ("num_items", "max_length", "width", "num_blocks", "dropout", "temperature")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        config |= self.content_config()
        if self.column_sizes:
            config |= {"columns": self.column_sizes, "combine": self.combine}
        return config | {name: getattr(self, name) for name in self.own_settings}
