"""The two softmax losses computed in parts with their gradients, which is faster on a CPU.

The loss is a scalar, so its gradient is known up to a factor as soon as the probabilities are.
Each part of the logits is made once, used for both, and dropped, so that (N, V) logits are never
stored. Logits, probabilities and products with them have the dtype of `states`, so that a policy
of mixed precision reaches what is most of their work; all sums are float32.
"""

from keras import ops

from recmodels.features.batches import GROUPS

# The full softmax is computed in as many parts: a divisor of GROUPS. Larger products run faster,
# until a part's logits no longer stay in the processor's cache.
LOGITS_PARTS = GROUPS // 2
# The logit of what is no negative, below all others; in float16 it is minus infinity, which the
# softmax takes as well, since the positive is finite.
MASKED_LOGIT = -1e9


def fast_full_softmax(states, targets, weights, table):
    """Compute `full_softmax` for some positions at a time."""
    dtype = states.dtype
    labels, column = targets - 1, weights[:, None]  # (N,), (N, 1)
    parts = _parts(states.shape[0], LOGITS_PARTS)

    @ops.custom_gradient
    def fused(states, table):
        positives = ops.take(table, labels, axis=0)  # (N, D)
        factor = ops.cast(table, dtype)
        loss, state_parts, turned = 0.0, [], 0.0
        for s, w, label in _split(parts, states, column, labels[:, None]):
            logits = ops.matmul(ops.cast(s, dtype), ops.transpose(factor))
            probabilities = ops.softmax(logits)  # (n, V)
            loss = loss + _weighted_loss(ops.take_along_axis(probabilities, label, axis=1), w)
            state_parts.append(w * float32(ops.matmul(probabilities, factor)))
            # The narrow factor is read transposed: that costs less than the wide one.
            narrow = ops.cast(ops.transpose(w * s), dtype)
            turned = turned + float32(ops.matmul(narrow, probabilities))  # (D, V)
        state_gradient = ops.concatenate(state_parts) - column * positives
        table_gradient = ops.transpose(turned) - ops.segment_sum(
            column * states, labels, num_segments=ops.shape(table)[0]
        )
        return loss, _times(state_gradient, table_gradient)

    return fused(float32(states), float32(table)) / total(weights)


def fast_sampled_softmax(states, targets, weights, table, negatives, log_counts, hidden=False):
    """Compute `sampled_softmax` for some groups at a time."""
    groups = ops.shape(negatives)[0]
    dtype = states.dtype
    own_ids = ops.reshape(targets, (groups, -1))  # (G, n)
    column = ops.reshape(weights, (groups, -1, 1))  # (G, n, 1)
    masked = ops.logical_or(own_ids[..., None] == negatives[:, None, :], hidden)  # (G, n, K)
    parts = _parts(negatives.shape[0], GROUPS)

    @ops.custom_gradient
    def fused(states, table):
        grouped = ops.reshape(states, (groups, -1, table.shape[-1]))  # (G, n, D)
        positives = ops.take(table, own_ids - 1, axis=0)  # (G, n, D)
        drawn = ops.take(table, negatives - 1, axis=0)  # (G, K, D)
        loss, of_states, of_drawn, of_own = 0.0, [], [], []
        for s, o, d, q, b, w in _split(
            parts, grouped, positives, drawn, log_counts, masked, column
        ):
            factor = ops.cast(d, dtype)
            positive = ops.cast(ops.sum(s * o, axis=-1, keepdims=True), dtype)  # (g, n, 1)
            negative = ops.matmul(ops.cast(s, dtype), ops.swapaxes(factor, 1, 2))
            negative = ops.where(
                b, MASKED_LOGIT, negative - ops.cast(q, dtype)[:, None]
            )  # (g, n, K)
            probabilities = ops.softmax(ops.concatenate([positive, negative], axis=-1))
            of_target, of_others = probabilities[..., :1], probabilities[..., 1:]
            loss = loss + _weighted_loss(of_target, w)
            missing = w * (float32(of_target) - 1)
            of_states.append(w * float32(ops.matmul(of_others, factor)) + missing * o)
            turned = ops.matmul(ops.swapaxes(of_others, 1, 2), ops.cast(w * s, dtype))
            of_drawn.append(float32(turned))  # (g, K, D)
            of_own.append(missing * s)
        table_gradient = _rows_sum(of_drawn, negatives, table) + _rows_sum(of_own, own_ids, table)
        state_gradient = ops.reshape(ops.concatenate(of_states), ops.shape(states))
        return loss, _times(state_gradient, table_gradient)

    return fused(float32(states), float32(table)) / total(weights)


def float32(array):
    """The array in float32."""
    return ops.cast(array, "float32")


def total(weights):
    """Return the sum of weights, by which a mean is divided; 1 if all weights are zero."""
    return ops.maximum(ops.sum(weights), 1e-9)


def _parts(count: int | None, wanted: int) -> int:
    """Return the number of parts; None, while a graph is traced, is a multiple."""
    return wanted if count is None or count % wanted == 0 else 1


def _split(parts: int, *arrays):
    """Split arrays along their first axis and yield them part by part."""
    return zip(*(ops.split(array, parts) for array in arrays), strict=True)


def _weighted_loss(probability, weights):
    """-log probability, summed with its weights; at most 85, where float32 ends."""
    return -ops.sum(weights * ops.log(ops.maximum(float32(probability), 1e-37)))


def _rows_sum(gradients: list, item_ids, table):
    """Add up gradients of item vectors, (g, n, D) each, in the rows of their items, (V, D)."""
    rows = ops.reshape(ops.concatenate(gradients), (-1, table.shape[-1]))
    places = ops.reshape(item_ids, (-1,)) - 1
    return ops.segment_sum(rows, places, num_segments=ops.shape(table)[0])


def _times(state_gradient, table_gradient):
    """Return the value of a custom gradient for a scalar loss; backends differ in its arguments."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return upstream * state_gradient, upstream * table_gradient

    return gradient
