"""Recurrent encoders: a state that each event updates."""

import keras

from recmodels.layers.masks import padding_mask
from recmodels.layers.recurrent_block import RecurrentBlock
from recmodels.models.block_encoder import BlockEncoder


class RecurrentEncoder(BlockEncoder):
    """Base class of encoders whose blocks are recurrent layers of Keras; see `BlockEncoder`.

    A recurrence reads the events in their order, so that no positions are added.
    """

    reads_positions = False
    cell = "gru"

    def __init__(self, num_items: int, *args, num_blocks: int = 1, **kwargs) -> None:
        super().__init__(num_items, *args, num_blocks=num_blocks, **kwargs)

    def make_block(self, index: int, **shared) -> RecurrentBlock:
        return RecurrentBlock(self.cell, **shared)

    def extend(self, inputs, states: list[list] | None, training=None) -> tuple:
        """Read further events of histories whose earlier events led to `states`.

        Args:
            inputs: see `BlockEncoder`; the further events alone.
            states: of each block, as returned by an earlier call; None for histories that begin.

        Returns:
            What the encoder gives for the further events of the whole histories, (B, T, D), and
            the new states.
        """
        x, real = self.embed(inputs, training), padding_mask(inputs["item_ids"])
        after = []
        for block, before in zip(self.blocks, states or [None] * len(self.blocks), strict=True):
            x, state = block.extend(x, real, before, training=training)
            after.append(state)
        return self.output_states(x), after


@keras.saving.register_keras_serializable("recmodels")
class SimpleRNN(RecurrentEncoder):
    """The simplest recurrence: h_t = tanh(W x_t + U h_(t-1) + b).

    Elman, "Finding Structure in Time", 1990. An event is multiplied by U once for each event after
    it, so that old events are soon forgotten.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`; one
            block by default.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.

    Example:
        >>> SimpleRNN(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    cell = "simple"


@keras.saving.register_keras_serializable("recmodels")
class LSTM(RecurrentEncoder):
    """A recurrence with a memory cell that gates write, keep and read.

    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers et
    al., 2000.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`; one
            block by default.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.

    Example:
        >>> LSTM(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    cell = "lstm"


@keras.saving.register_keras_serializable("recmodels")
class GRU4Rec(RecurrentEncoder):
    """Gated recurrent units over the items of a history.

    Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks", 2016. By default
    windows of histories are read whole. With `fit(..., windows="parallel")` the model reads one
    event of many sessions per step and keeps their states, as in section 3.1.1 of the paper. The
    loss is an option of `fit`, as for every family; the paper has ranking losses over the items of
    the batch.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`; one
            block by default.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.

    Example:
        >>> GRU4Rec(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    cell = "gru"
