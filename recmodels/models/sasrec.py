"""SASRec: a causal Transformer over the items of a history."""

import inspect

import keras
from keras import ops

from recmodels.layers.dropout import Dropout
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.masks import attention_mask, padding_mask
from recmodels.layers.norm import LayerNorm
from recmodels.layers.position import LearnedPosition
from recmodels.layers.transformer import TransformerBlock
from recmodels.models.sequence_encoder import SequenceEncoder


@keras.saving.register_keras_serializable("recmodels")
class SASRec(SequenceEncoder):
    """Self-attentive sequential recommendation, scoring with the item vectors it reads with.

    Kang and McAuley, "Self-Attentive Sequential Recommendation", 2018, section III. The score of
    an item is the dot product of its vector with the state of the last position; with a
    temperature it is their cosine divided by it, which helps where items have few events each.

    Args:
        num_items: V.
        max_length: L, the most events read of a history.
        width: D of vectors and states.
        num_blocks: Transformer blocks.
        num_heads: heads a block.
        hidden_width: of the feed-forward networks; by default D, as in the paper.
        dropout: of embeddings, attention weights and activations.
        norm_order: of the blocks; see `TransformerBlock`.
        temperature: None for the dot product of the paper; 0.05 to 0.1 are usual for the cosine.
        dtype: as of any Keras layer; with `"mixed_bfloat16"` layers and softmax losses compute in
            half precision, while weights, norms and sums stay float32.

    Call arguments:
        inputs: dict with `item_ids`, int32 (B, T), padded on the left with 0, T <= L.
        last_only: whether the last block works out the last position alone: (B, 1, D).

    Returns:
        States, (B, T, D): position t has seen the events up to t.

    Example:
        >>> model = SASRec(num_items=100, max_length=5, width=8)
        >>> model({"item_ids": np.array([[0, 0, 3, 1, 2]])}).shape
        TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        num_items: int,
        max_length: int = 50,
        width: int = 64,
        num_blocks: int = 2,
        num_heads: int = 1,
        hidden_width: int | None = None,
        dropout: float = 0.2,
        norm_order: str = "original",
        temperature: float | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if temperature is not None and temperature <= 0:
            raise ValueError(
                f"`temperature` must be greater than 0. Received: temperature={temperature}"
            )
        self.num_items = num_items
        self.max_length = max_length
        self.width = width
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.dropout = dropout
        self.norm_order = norm_order
        self.temperature = temperature
        policy = self.dtype_policy
        self.item_embedding = ItemEmbedding(
            num_items, width, unit=temperature is not None, name="item_embedding", dtype=policy
        )
        self.position = LearnedPosition(max_length, name="position", dtype=policy)
        self.drop = Dropout(dropout, name="drop", dtype=policy)
        self.blocks = [self._block(index) for index in range(num_blocks)]
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
        states = (None, None, self.width)
        self.item_embedding.build()
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(states)

    def call(self, inputs, training=None, last_only=False):
        item_ids = inputs["item_ids"]
        real = padding_mask(item_ids)
        mask = attention_mask(real)  # (B, T, T)
        x = self.item_embedding(item_ids) * self.width**0.5  # (B, T, D)
        x = self.drop(self.position(x), training=training)
        for block in self.blocks:
            last = last_only and block is self.blocks[-1]
            x = block(x, mask, training=training, last_only=last)
        x = self.norm(x)
        return x if self.temperature is None else ops.normalize(x, axis=-1) / self.temperature

    def last_state(self, inputs):
        if "last_only" not in inspect.signature(self.call).parameters:
            return super().last_state(inputs)  # A subclass with a `call` of its own.
        return self(inputs, training=False, last_only=True)[:, -1]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_items": self.num_items,
            "max_length": self.max_length,
            "width": self.width,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "hidden_width": self.hidden_width,
            "dropout": self.dropout,
            "norm_order": self.norm_order,
            "temperature": self.temperature,
        }
