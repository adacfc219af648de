"""The task of predicting the next item from one event and the state before it."""

import keras
from keras import ops

from recmodels.models.capabilities import columns_of
from recmodels.models.recurrent import RecurrentEncoder
from recmodels.tasks.next_item import NextItem


@keras.saving.register_keras_serializable("recmodels")
class ParallelNextItem(NextItem):
    """A recurrent encoder with its loss, to be trained on `ParallelBatches`.

    The states after a step are the initial states of the next one, except where a history begins.
    Gradients do not pass from a step to the one before it.

    Args:
        encoder: `GRU4Rec`, `LSTM` or `SimpleRNN`.
        lanes: B, the `batch_size` of the batches.
        loss, label_smoothing: see `NextItem`.

    Example:
        >>> task = ParallelNextItem(GRU4Rec(num_items=100), lanes=32)
        >>> task.compile(optimizer="adam")
        >>> task.fit(ParallelBatches(train, batch_size=32, seed=0), shuffle=False)
    """

    def __init__(self, encoder: RecurrentEncoder, lanes: int, *args, **kwargs) -> None:
        super().__init__(encoder, *args, **kwargs)
        self.lanes = lanes

    def build(self, input_shape=None) -> None:
        super().build(input_shape)
        shape = (self.lanes, self.encoder.width)
        self.states = [
            [
                self.add_weight(shape=shape, initializer="zeros", trainable=False, name="state")
                for _ in range(block.num_states)
            ]
            for block in self.encoder.blocks
        ]

    def call(self, inputs, training=None):
        going_on = ops.logical_not(inputs["begins"])[:, None]
        before = [
            [ops.where(going_on, ops.convert_to_tensor(state), 0.0) for state in block]
            for block in self.states
        ]
        read = {name: inputs[name] for name in ("item_ids", *columns_of(self.encoder))}
        outputs, after = self.encoder.extend(read, before, training=training)
        for kept, new in zip(self.states, after, strict=True):
            for variable, value in zip(kept, new, strict=True):
                variable.assign(ops.cast(ops.stop_gradient(value), variable.dtype))
        return outputs

    def get_config(self) -> dict:
        return {**super().get_config(), "lanes": self.lanes}
