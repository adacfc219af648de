"""Embeddings of tokens, of which some are items that can be scored."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.fast import fast_look_up


@keras.saving.register_keras_serializable("recmodels")
class TokenEmbedding(ItemEmbedding):
    """One vector per token; padding is always zero, and items are scored by their token's vector.

    Args:
        num_tokens: N, token 0 is padding.
        item_tokens: token of each item 1..V, (V,).
        width: D.
        initial_std: standard deviation of the initial vectors.

    Call arguments:
        item_ids: ids of tokens, int32 (B, T).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        num_tokens: int,
        item_tokens: Sequence[int],
        width: int,
        initial_std: float = 0.02,
        **kwargs,
    ) -> None:
        super().__init__(len(item_tokens), width, initial_std, **kwargs)
        self.num_tokens = num_tokens
        self.item_tokens = [int(token) for token in item_tokens]

    def build(self, input_shape=None) -> None:
        start = keras.initializers.RandomNormal(stddev=self.initial_std)
        self.table = self.add_weight((self.num_tokens, self.width), start, name="table")

    def catalogue(self):
        """Return the vectors of items 1..V, (V, D)."""
        return fast_look_up(self.table, np.array(self.item_tokens, np.int32))

    def vectors_of(self, item_ids):
        """Return the vectors of some items, (N, D)."""
        tokens = ops.take(np.array(self.item_tokens, np.int32), item_ids - 1)
        return fast_look_up(self.table, tokens)

    def get_config(self) -> dict:
        config = super().get_config()
        for name in ("num_items", "unit"):
            del config[name]
        return {**config, "num_tokens": self.num_tokens, "item_tokens": self.item_tokens}
