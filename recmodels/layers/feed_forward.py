"""The position-wise feed-forward network of a Transformer block."""

import keras

from recmodels.layers.dropout import Dropout


@keras.saving.register_keras_serializable("recmodels")
class FeedForward(keras.layers.Layer):
    """Two dense layers applied to each position: max(0, x W1 + b1) W2 + b2.

    Vaswani et al., "Attention Is All You Need", 2017, section 3.3.

    Args:
        hidden_width: width between the two layers; by default that of the input.
        dropout: share of activations dropped after each layer in training.
        activation: ReLU as in the paper; exact GELU costs twice as much on a CPU.

    Call arguments:
        x: (B, T, D).

    Returns:
        (B, T, D).
    """

    def __init__(
        self,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        activation: str = "relu",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_width = hidden_width
        self.dropout = dropout
        self.activation = activation

    def build(self, input_shape) -> None:
        width = input_shape[-1]
        hidden = self.hidden_width or width
        self.expand = keras.layers.Dense(
            hidden, activation=self.activation, name="expand", dtype=self.dtype_policy
        )
        self.contract = keras.layers.Dense(width, name="contract", dtype=self.dtype_policy)
        self.drop_hidden = Dropout(self.dropout, name="drop_hidden", dtype=self.dtype_policy)
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        self.expand.build((None, None, width))
        self.contract.build((None, None, hidden))

    def call(self, x, training=None):
        hidden = self.drop_hidden(self.expand(x), training=training)  # (B, T, hidden)
        return self.drop(self.contract(hidden), training=training)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "hidden_width": self.hidden_width,
            "dropout": self.dropout,
            "activation": self.activation,
        }
