"""A Transformer block with learned gates on its residuals and a gated feed-forward network."""

import keras
from keras import ops

from recmodels.layers.attention import MultiHeadAttention
from recmodels.layers.dropout import Dropout
from recmodels.layers.norm import LayerNorm


@keras.saving.register_keras_serializable("recmodels")
class SwiGLU(keras.layers.Layer):
    """A feed-forward network with a gate: (silu(x W1) * x W2) W3.

    Shazeer, "GLU Variants Improve Transformer", 2020, section 2.

    Args:
        hidden_width: columns of W1 and W2; by default the width of the input.
        dropout: share of hidden features dropped in training.

    Call arguments:
        x: (B, T, D).

    Returns:
        (B, T, D).
    """

    def __init__(self, hidden_width: int | None = None, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.hidden_width = hidden_width
        self.dropout = dropout

    def build(self, x_shape) -> None:
        width = x_shape[-1]
        hidden = self.hidden_width or width
        dense = {"use_bias": False, "dtype": self.dtype_policy}
        self.expand = keras.layers.Dense(2 * hidden, name="expand", **dense)
        self.contract = keras.layers.Dense(width, name="contract", **dense)
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        self.expand.build((None, None, width))
        self.contract.build((None, None, hidden))

    def call(self, x, training=None):
        gate, value = ops.split(self.expand(x), 2, axis=-1)
        return self.contract(self.drop(ops.silu(gate) * value, training=training))

    def compute_output_shape(self, x_shape):
        return x_shape

    def get_config(self) -> dict:
        own = {"hidden_width": self.hidden_width, "dropout": self.dropout}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("recmodels")
class GatedBlock(keras.layers.Layer):
    """Attention and `SwiGLU`, each multiplied by a gate that depends on the position.

        h = x + sigmoid(x G1) * attention(norm(x), norm(x))
        y = h + sigmoid(h G2) * swiglu(norm(h))

    The block of LiGR (Borisyuk et al., "LiGR", 2025), which Tikhonovich et al., "eSASRec", 2025,
    found to be the best change of the block of SASRec.

    Args:
        num_heads, hidden_width, dropout: see `TransformerBlock`.

    Call arguments:
        x: (B, T, D).
        mask: bool (B, T, T), see `attention_mask`.

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        num_heads: int = 1,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.dropout = dropout

    def build(self, x_shape, mask_shape=None) -> None:
        width, policy = x_shape[-1], self.dtype_policy
        self.attention = MultiHeadAttention(
            self.num_heads, self.dropout, name="attention", dtype=policy
        )
        self.feed_forward = SwiGLU(
            self.hidden_width, self.dropout, name="feed_forward", dtype=policy
        )
        self.norms = [LayerNorm(name=f"norm_{index}", dtype=policy) for index in range(2)]
        self.gates = [
            keras.layers.Dense(width, "sigmoid", name=f"gate_{index}", dtype=policy)
            for index in range(2)
        ]
        self.drop = Dropout(self.dropout, name="drop", dtype=policy)
        self.attention.build(x_shape, x_shape)
        for layer in (self.feed_forward, *self.norms, *self.gates):
            layer.build((None, None, width))

    def call(self, x, mask, training=None):
        normed = self.norms[0](x)
        attended = self.attention(normed, normed, mask, training=training)
        x = x + self.gates[0](x) * self.drop(attended, training=training)
        fed = self.feed_forward(self.norms[1](x), training=training)
        return x + self.gates[1](x) * self.drop(fed, training=training)

    def compute_output_shape(self, x_shape, mask_shape=None):
        return x_shape

    def get_config(self) -> dict:
        names = ("num_heads", "hidden_width", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
