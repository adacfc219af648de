"""BERT4Rec: a Transformer that sees both sides and fills in masked items."""

import keras
from keras import ops

from recmodels.layers.masks import attention_mask
from recmodels.layers.transformer import TransformerBlock
from recmodels.models.block_encoder import BlockEncoder


@keras.saving.register_keras_serializable("recmodels")
class BERT4Rec(BlockEncoder):
    """Predict masked items from the events on both sides.

    Sun et al., "BERT4Rec", 2019. `fit` trains it on windows with masked items, see
    `MaskedItemBatches`; the next item is asked for by a mask after the last event. States are
    compared with the item vectors directly, without the output layer of the paper.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`. The
            blocks read one position more than `max_length`: the mask.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        num_heads: heads per block.
        hidden_width: of the feed-forward networks; by default the width.
        norm_order: see `TransformerBlock`; the paper has `"post"`.

    Call arguments:
        inputs: dict with `item_ids`, int32 (B, T), T <= L + 1, with masks where items are asked
            for.

    Example:
        >>> model = BERT4Rec(num_items=100, width=8)
        >>> model.score({"item_ids": np.array([[0, 3, 1]])}).shape     # Appends the mask.
        (1, 101)
    """

    task = "masked_item"
    causal = False
    own_settings = ("num_heads", "hidden_width", "norm_order")

    def __init__(
        self,
        num_items: int,
        *args,
        num_heads: int = 1,
        hidden_width: int | None = None,
        norm_order: str = "pre",
        **kwargs,
    ) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.norm_order = norm_order

    @property
    def mask_id(self) -> int:
        """Id of the mask item, V + 2."""
        return self.num_items + 2

    @property
    def num_positions(self) -> int:
        return self.max_length + 1

    def make_block(self, index: int, **shared) -> TransformerBlock:
        return TransformerBlock(
            self.num_heads, self.hidden_width, norm_order=self.norm_order, **shared
        )

    def block_arguments(self, inputs, real) -> tuple:
        return (attention_mask(real, causal=False),)

    def last_state(self, inputs):
        """The state of a mask after the last event, (B, D)."""

        def longer(values, added=0):
            rest = [[0, 0]] * (len(values.shape) - 2)
            return ops.pad(values, [[0, 0], [0, 1], *rest], constant_values=added)

        names = ("item_ids", *self.columns)
        padded = {name: longer(inputs[name]) for name in names if name != "item_ids"}
        padded["item_ids"] = longer(inputs["item_ids"], self.mask_id)
        return self(padded, training=False)[:, -1]
