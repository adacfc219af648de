"""Share the probability of each target with the items that are similar to it."""

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require


@keras.saving.register_keras_serializable("recmodels")
class TargetShares(keras.layers.Layer):
    """What a softmax loss gains if similar items have a share of the target's probability.

        target distribution  (1 - sum of shares(y)) at y, and share(y, j) at each similar item j
        term                 sum over j of share(y, j) * (logit(y) - logit(j))

    The cross-entropy with that distribution is the plain one plus this term, because the normaliser
    is the same.

    Args:
        num_items: V.
        count: K, how many similar items each item has at most.

    Call arguments:
        states: (N, D).
        targets: item ids, int32 (N,).
        weights: of the positions, (N,).
        table: item vectors, (V, D), item i in row i - 1.
        added: scores to add to the logits, (N, V); None for none.

    Returns:
        The weighted mean of the term, a float32 scalar.
    """

    def __init__(self, num_items: int, count: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_items, self.count = num_items, count
        self.build()

    def build(self, input_shape=None) -> None:
        fixed = {"shape": (self.num_items + 1, self.count), "initializer": "zeros"}
        fixed["trainable"] = False
        self.similar = self.add_weight(name="similar", dtype="int32", **fixed)
        self.shares = self.add_weight(name="shares", dtype="float32", **fixed)

    def adapt(self, similar: np.ndarray, shares: np.ndarray) -> None:
        """Set the similar items of each item, int (V + 1, K), and their shares, likewise.

        Raises:
            ValueError: an array has another shape, or the shares of an item are not in 0..1.
        """
        shape = (self.num_items + 1, self.count)
        shapes = [np.shape(similar), np.shape(shares)]
        require(shapes == [shape, shape], f"`similar` and `shares` must be {shape}", shapes=shapes)
        total = np.sum(shares, axis=1)
        fits = np.min(shares) >= 0 and total.max() <= 1
        require(fits, "`shares` must not be negative, and add up to at most 1", most=total.max())
        self.similar.assign(similar)
        self.shares.assign(shares)

    def call(self, states, targets, weights, table, added=None):
        similar = ops.take(self.similar, targets, axis=0)  # (N, K)
        shares = ops.take(self.shares, targets, axis=0)
        total = ops.sum(shares, axis=1)
        columns = ops.maximum(similar - 1, 0)  # Where there is none the share is 0.
        table, states = ops.cast(table, "float32"), ops.cast(states, "float32")
        mixed = ops.einsum("nk,nkd->nd", shares, ops.take(table, columns, axis=0))
        own = total[:, None] * ops.take(table, targets - 1, axis=0)
        term = ops.sum(states * (own - mixed), axis=-1)
        if added is not None:
            of_own = ops.take_along_axis(added, targets[:, None] - 1, axis=1)[:, 0]
            of_similar = ops.take_along_axis(added, columns, axis=1)
            term = term + total * of_own - ops.sum(shares * of_similar, axis=1)
        return ops.sum(weights * term) / ops.maximum(ops.sum(weights), 1e-9)

    def get_config(self) -> dict:
        return {**super().get_config(), "num_items": self.num_items, "count": self.count}
