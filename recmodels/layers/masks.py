"""Boolean masks: True where a position may be attended to."""

from keras import ops

from recmodels.features.vocabulary import PADDING_ID


def padding_mask(item_ids):
    """True at real items, (B, T), for ids padded with 0."""
    return ops.not_equal(item_ids, PADDING_ID)


def causal_mask(length):
    """True where position t (row) may attend to position s (column): s <= t. (T, T)."""
    step = ops.arange(length)
    return ops.greater_equal(step[:, None], step[None, :])


def attention_mask(real, causal: bool = True):
    """True for real keys and, with `causal`, only for keys that are not later. (B, T, T).

    Padding sees itself besides, so that no row is empty: the last state of an empty history then
    depends on its own position alone, not on how much padding the batch happens to have.

    Args:
        real: padding mask, bool, (B, T).
        causal: whether the future is hidden.
    """
    length = ops.shape(real)[1]
    step = ops.arange(length)
    itself = ops.equal(step[:, None], step[None, :])  # (T, T)
    visible = ops.logical_or(real[:, None, :], itself[None])  # (B, T, T)
    return ops.logical_and(visible, causal_mask(length)[None]) if causal else visible
