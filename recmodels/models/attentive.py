"""Encoders whose blocks are variants of attention: HSTU, LiGR and BSARec."""

from collections.abc import Mapping

import keras
import numpy as np

from recmodels.data.errors import require
from recmodels.layers.frequency_filter import FilteredAttention
from recmodels.layers.gated_block import GatedBlock
from recmodels.layers.masks import attention_mask
from recmodels.layers.pointwise_attention import PointwiseAttention, time_buckets
from recmodels.models.block_encoder import BlockEncoder


@keras.saving.register_keras_serializable("recmodels")
class HSTU(BlockEncoder):
    """Hierarchical sequential transduction units: pointwise attention with gates.

    Zhai et al., "Actions Speak Louder than Words", 2024; see `PointwiseAttention`. The published
    code also reads the time of the event to predict; here the bias over times reads only the times
    of the history.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        num_heads: heads per block.
        time_bias: whether attention depends on the seconds between two events. The histories
            must then have times: `prepare(split, columns=("timestamp",))`.

    Raises:
        ValueError: times are needed and a query has none.

    Example:
        >>> HSTU(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    own_settings = ("num_heads", "time_bias")

    def __init__(
        self, num_items: int, *args, num_heads: int = 1, time_bias: bool = False, **kwargs
    ) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.num_heads = num_heads
        require(
            isinstance(time_bias, bool), "`time_bias` must be True or False", time_bias=time_bias
        )
        self.time_bias = time_bias
        if time_bias and "timestamp" not in self.columns:
            self.columns = (*self.columns, "timestamp")

    def make_block(self, index: int, **shared) -> PointwiseAttention:
        return PointwiseAttention(
            self.num_heads, self.max_length, time_bias=self.time_bias, **shared
        )

    def checked(self, queries: Mapping) -> dict[str, np.ndarray]:
        queries = super().checked(queries)
        if self.time_bias:
            times, shape = queries["timestamp"], queries["item_ids"].shape
            fits = times.dtype.kind in "iu" and times.shape == shape
            must = "`timestamp` must be integer UTC seconds for each cell of `item_ids`"
            require(fits, must, dtype=times.dtype, shape=times.shape)
        return queries

    def block_arguments(self, inputs, real) -> tuple:
        if not self.time_bias:
            return (attention_mask(real),)
        must = "`inputs` must have `timestamp`, the UTC seconds of each event, for a time bias"
        require("timestamp" in inputs, must, inputs=sorted(inputs))
        return attention_mask(real), time_buckets(inputs["timestamp"])

    def input_specs(self, rows: int | None = None, length: int | None = None) -> dict:
        specs = super().input_specs(rows, length)
        if self.time_bias:
            specs["timestamp"] = keras.InputSpec(dtype="int64", shape=(rows, length))
        return specs


@keras.saving.register_keras_serializable("recmodels")
class LiGR(BlockEncoder):
    """A Transformer with gated residuals and SwiGLU; see `GatedBlock` for equations and papers.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        num_heads: heads per block.
        hidden_width: of the feed-forward networks; by default the width.

    Example:
        >>> LiGR(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    own_settings = ("num_heads", "hidden_width")

    def __init__(
        self, num_items: int, *args, num_heads: int = 1, hidden_width: int | None = None, **kwargs
    ) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.num_heads = num_heads
        self.hidden_width = hidden_width

    def make_block(self, index: int, **shared) -> GatedBlock:
        return GatedBlock(self.num_heads, self.hidden_width, **shared)

    def block_arguments(self, inputs, real) -> tuple:
        return (attention_mask(real),)


@keras.saving.register_keras_serializable("recmodels")
class BSARec(BlockEncoder):
    """Attention mixed with a low-pass filter over time; see `FilteredAttention`.

    Shin et al., "An Attentive Inductive Bias for Sequential Recommendation beyond the
    Self-Attention", 2024. The filter of the paper reads the whole window at every position, which
    would show the model the events it is trained to predict unless only the last position is
    trained. The filter here is causal, so that all positions are trained.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        num_heads: heads per block.
        hidden_width: of the feed-forward networks; by default the width.
        num_frequencies: how many of the L // 2 + 1 frequencies of a window count as low.
        filter_share: weight of the filter against attention, from 0 to 1.

    Example:
        >>> BSARec(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    own_settings = ("num_heads", "hidden_width", "num_frequencies", "filter_share")

    def __init__(
        self,
        num_items: int,
        *args,
        num_heads: int = 1,
        hidden_width: int | None = None,
        num_frequencies: int = 3,
        filter_share: float = 0.7,
        **kwargs,
    ) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.num_frequencies = num_frequencies
        self.filter_share = filter_share

    def make_block(self, index: int, **shared) -> FilteredAttention:
        return FilteredAttention(
            self.max_length,
            self.num_frequencies,
            self.filter_share,
            self.num_heads,
            self.hidden_width,
            **shared,
        )

    def block_arguments(self, inputs, real) -> tuple:
        return attention_mask(real), real
