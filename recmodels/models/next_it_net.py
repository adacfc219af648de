"""NextItNet: dilated causal convolutions over the items of a history."""

import keras

from recmodels.layers.causal_convolution import CausalConvolutions
from recmodels.models.block_encoder import BlockEncoder


@keras.saving.register_keras_serializable("recmodels")
class NextItNet(BlockEncoder):
    """Stacked causal convolutions, whose dilation is four times as large in each further block.

    Yuan et al., "A Simple Convolutional Generative Network for Next Item Recommendation", 2019.
    A state depends on a fixed number of events: with a kernel of 3 on 7, 31, 127 for one, two,
    three blocks.

    Args:
        num_items, max_length, width, num_blocks, dropout, temperature: see `BlockEncoder`.
        columns, combine, item_columns, id_vectors: see `BlockEncoder`.
        kernel_size: events per convolution.

    Example:
        >>> NextItNet(num_items=100, width=8)({"item_ids": np.array([[0, 3, 1]])}).shape
        TensorShape([1, 3, 8])
    """

    reads_positions = False
    own_settings = ("kernel_size",)

    def __init__(self, num_items: int, *args, kernel_size: int = 3, **kwargs) -> None:
        super().__init__(num_items, *args, **kwargs)
        self.kernel_size = kernel_size

    @property
    def receptive_field(self) -> int:
        """How many of the latest events a state depends on."""
        return 1 + sum(3 * (self.kernel_size - 1) * 4**index for index in range(self.num_blocks))

    def make_block(self, index: int, **shared) -> CausalConvolutions:
        return CausalConvolutions(self.kernel_size, 4**index, **shared)
