"""Choose which weights of pre-trained layers a further training changes."""

from collections.abc import Sequence

import keras

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.layers.transformer import TransformerBlock

TUNED = ("full", "frozen", "partial", "lora")


def tune_layers(
    layers: Sequence[keras.layers.Layer],
    last: Sequence[keras.layers.Layer],
    how: str,
    rank: int = 4,
) -> None:
    """Choose which weights of pre-trained layers a further training changes.

    Args:
        layers: all layers that were pre-trained, each built, with Transformer blocks among them.
        last: those of them that `"partial"` trains.
        how: `"full"` for all layers; `"frozen"` for none; `"partial"` for `last`; `"lora"` for a
            low-rank change A B of the projections of queries and values of each block, with B = 0
            at the start, so that the outputs are those of the frozen layers (Hu et al., "LoRA:
            Low-rank adaptation of large language models", ICLR 2022, section 4.1). Keras adds the
            change to the weights when the model is saved.
        rank: of that change.

    Raises:
        ValueError: `how` is unknown, `rank` is no positive integer, or the layers have low-rank
            weights already.

    Example:
        >>> tune_layers(bert.blocks, bert.blocks[-1:], "partial")
    """
    require(how in TUNED, f"`how` must be one of {TUNED}", how=how)
    check_whole("rank", rank)
    blocks = [layer for layer in layers if isinstance(layer, TransformerBlock)]
    adapted = [
        dense
        for block in blocks
        for dense in (block.attention.project_queries, block.attention.project_values)
    ]
    clean = not any(dense.lora_enabled for dense in adapted)
    require(clean, "`tune` needs a model without low-rank weights: load it anew", how=how)
    # Each layer by itself: `trainable` of a model that was frozen in parts does not reach them.
    for layer in layers:
        layer.trainable = how == "full" or (how == "partial" and layer in last)
    if how == "lora":
        for block in blocks:
            _freeze_but(block, adapted)
        for dense in adapted:
            dense.enable_lora(rank)
            dense.bias.trainable = False


def _freeze_but(block: TransformerBlock, kept: list) -> None:
    """Freeze all layers of a block that have weights of their own, but some."""
    block.trainable = True
    for layer in block._flatten_layers(include_self=False):
        if not layer._layers and layer not in kept:
            layer.trainable = False
