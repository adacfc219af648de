"""Two dilated causal convolutions with a residual connection: the block of NextItNet."""

import keras
from keras import ops

from recmodels.layers.dropout import Dropout
from recmodels.layers.linear_recurrence import shift_right
from recmodels.layers.norm import LayerNorm


@keras.saving.register_keras_serializable("recmodels")
class CausalConvolutions(keras.layers.Layer):
    """Two causal convolutions over time, with dilations of `dilation` and twice as many events.

        y = x + conv_(2 d)(relu(norm(conv_d(x)))), normed, with ReLU and dropout, where
        conv_d(x)_t = W_0 x_t + W_1 x_(t-d) + ... + W_(K-1) x_(t-(K-1)d)

    Yuan et al., "A Simple Convolutional Generative Network for Next Item Recommendation", 2019,
    section 3.3, figure 3 (b).

    Args:
        kernel_size: K, events per convolution.
        dilation: d, distance between them.
        dropout: share of features dropped in training.

    Call arguments:
        x: (B, T, D).
        real: padding mask, bool (B, T); padding counts as zeros.

    Returns:
        (B, T, D). Position t depends on the 1 + 3 (K - 1) d latest events.
    """

    def __init__(
        self, kernel_size: int = 3, dilation: int = 1, dropout: float = 0.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.dropout = dropout

    def build(self, x_shape, real_shape=None) -> None:
        width, policy = x_shape[-1], self.dtype_policy
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        self.convolutions = [
            keras.layers.Dense(width, name=f"convolution_{index}", dtype=policy)
            for index in range(2)
        ]
        self.norms = [LayerNorm(name=f"norm_{index}", dtype=policy) for index in range(2)]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build((None, None, self.kernel_size * width))
            norm.build((None, None, width))

    def call(self, x, real, training=None):
        kept = ops.cast(real, self.compute_dtype)[..., None]
        y = x
        for index, (dense, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            # One matrix product over shifted copies, which every backend runs fast.
            hole, y = self.dilation * (1 + index), y * kept
            copies = [shift_right(y, k * hole) for k in range(self.kernel_size)]
            y = ops.relu(norm(dense(ops.concatenate(copies, axis=-1))))
        return x + self.drop(y, training=training)

    def compute_output_shape(self, x_shape, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        names = ("kernel_size", "dilation", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
