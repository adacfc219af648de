"""Predict the rating residual after user and item biases."""

import keras
from keras import ops

HEADS = ("dot", "mlp", "cross")
_HIDDEN = 64


@keras.saving.register_keras_serializable("recmodels")
class RatingHead(keras.layers.Layer):
    """Combine two vectors to one number per pair.

    Args:
        kind: `"dot"` is a dot product with a learnt weight per dimension; `"mlp"` two dense layers
            over both vectors; `"cross"` two cross layers parallel to two dense layers (DCN-v2: Wang
            et al., "DCN V2: Improved deep & cross network", WWW 2021, section 3, parallel form).
        dropout: of the dense layers.

    Call arguments:
        users, items: vectors, (N, D) each.

    Returns:
        (N, 1).
    """

    def __init__(self, kind: str = "dot", dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        if kind not in HEADS:
            raise ValueError(f"`kind` must be one of {HEADS}. Received: kind={kind!r}")
        self.kind = kind
        self.dropout = dropout
        policy = self.dtype_policy
        if kind == "dot":
            return
        self.hidden = [
            keras.layers.Dense(_HIDDEN, "relu", name=f"hidden_{i}", dtype=policy) for i in range(2)
        ]
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=policy)
        self.out = keras.layers.Dense(1, name="out", dtype=policy)
        self.crosses = []
        if kind == "cross":
            import keras_rs  # Here, because only this kind waits for it.

            self.crosses = [
                keras_rs.layers.FeatureCross(name=f"cross_{i}", dtype=policy) for i in range(2)
            ]

    def build(self, users_shape, items_shape=None) -> None:
        width = users_shape[-1]
        if self.kind == "dot":
            self.scale = self.add_weight(
                name="scale", shape=(width,), initializer=keras.initializers.Constant(0.3)
            )
            return
        joined = 2 * width
        for layer, size in zip(self.hidden, (joined, _HIDDEN), strict=True):
            layer.build((None, size))
        for layer in self.crosses:
            layer.build((None, joined))
            # It would wait for the first call, by when the optimiser has counted the weights.
            layer.dense.build((None, joined))
        self.out.build((None, _HIDDEN + (joined if self.crosses else 0)))

    def call(self, users, items, training=None):
        if self.kind == "dot":
            return ops.sum(users * items * self.scale, axis=-1, keepdims=True)
        joined = deep = ops.concatenate([users, items], axis=-1)  # (N, 2 D)
        for layer in self.hidden:
            deep = self.drop(layer(deep), training=training)
        if not self.crosses:
            return self.out(deep)
        crossed = joined
        for layer in self.crosses:
            crossed = layer(joined, crossed)
        return self.out(ops.concatenate([crossed, deep], axis=-1))

    def get_config(self) -> dict:
        return {**super().get_config(), "kind": self.kind, "dropout": self.dropout}
