"""A state that knows of which type the event will be whose item it names."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("recmodels")
class GivenType(keras.layers.Layer):
    """Change a state h by the type a that the next event is assumed to have.

        h_a = h + U gelu(R h + e_a)

    A vector per type alone would make some items likelier for all users alike; through R h the
    type decides which part of the history counts, such as the item that was put into the cart.

    Args:
        num_types: A.

    Call arguments:
        states: (..., D).
        types: 1..A, or 0 where the type is not known, int32 (...).

    Returns:
        (..., D).
    """

    def __init__(self, num_types: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_types = num_types

    def build(self, states_shape, types_shape=None) -> None:
        width, normal = states_shape[-1], keras.initializers.RandomNormal
        self.types = self.add_weight(
            name="types", shape=(self.num_types + 1, width), initializer=normal(stddev=0.5)
        )
        self.read = self.add_weight(name="read", shape=(width, width), initializer="glorot_uniform")
        # Small, so that at first the type is of no matter.
        self.write = self.add_weight(
            name="write", shape=(width, width), initializer=normal(stddev=0.02)
        )

    def call(self, states, types):
        asked = ops.take(ops.cast(self.types, self.compute_dtype), types, axis=0)
        read, write = (ops.cast(w, self.compute_dtype) for w in (self.read, self.write))
        return states + ops.matmul(ops.gelu(ops.matmul(states, read) + asked), write)

    def compute_output_shape(self, states_shape, types_shape=None):
        return states_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "num_types": self.num_types}
