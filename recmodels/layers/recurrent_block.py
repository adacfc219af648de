"""A recurrent layer of Keras over padded histories."""

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.dropout import Dropout

CELLS = {
    "simple": keras.layers.SimpleRNN,
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
}


@keras.saving.register_keras_serializable("recmodels")
class RecurrentBlock(keras.layers.Layer):
    """`keras.layers.SimpleRNN`, `LSTM` or `GRU`, whose state padding does not change.

    Args:
        cell: `"simple"`, `"lstm"` or `"gru"`.
        dropout: share of the outputs dropped in training.

    Call arguments:
        x: (B, T, D).
        real: padding mask, bool (B, T).

    Returns:
        (B, T, D).

    Raises:
        ValueError: `cell` is unknown.
    """

    def __init__(self, cell: str = "gru", dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        require(cell in CELLS, f"`cell` must be one of {sorted(CELLS)}", cell=cell)
        self.cell = cell
        self.dropout = dropout

    def build(self, x_shape, real_shape=None) -> None:
        self.recurrent = CELLS[self.cell](
            x_shape[-1],
            return_sequences=True,
            return_state=True,
            name="recurrent",
            dtype=self.dtype_policy,
        )
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        self.recurrent.build((None, None, x_shape[-1]))

    def call(self, x, real, training=None):
        return self.extend(x, real, None, training=training)[0]

    def extend(self, x, real, state: list | None, training=None) -> tuple:
        """Read further events after those that led to a state.

        Args:
            x, real: see the class.
            state: that an earlier call returned, arrays (B, D); None for the initial state.

        Returns:
            The outputs (B, T, D) and the state after the last event, a list: `num_states` arrays.
        """
        outputs, *state = self.recurrent(x, mask=real, initial_state=state, training=training)
        # The product also drops the mask that Keras attaches, which other layers warn of.
        kept = ops.cast(real, self.compute_dtype)[..., None]
        return self.drop(outputs * kept, training=training), state

    @property
    def num_states(self) -> int:
        """How many arrays are the state: LSTM has two."""
        return 2 if self.cell == "lstm" else 1

    def compute_output_shape(self, x_shape, real_shape=None):
        return x_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "cell": self.cell, "dropout": self.dropout}
