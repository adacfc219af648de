"""Losses over the next item: plain functions of states, targets and item vectors.

All take `states` (N, D), `targets` item ids int32 (N,), `weights` (N,) with 0 for positions that
do not count, and `table` item vectors (V, D), item i in row i - 1; all return the weighted mean
over positions, a float32 scalar. Those that sample also take `negatives`, item ids int32 (G, K):
the N positions come in G equal groups, each with K negatives of its own.

The two softmaxes make logits, probabilities and products with them in the dtype of `states`, so
that a policy of mixed precision reaches what is most of their work; all sums are float32.
"""

import math

from keras import ops

from recmodels.features.batches import GROUPS

# The full softmax is computed in as many parts: a divisor of GROUPS. Larger products run faster,
# until a part's logits no longer stay in the processor's cache.
LOGITS_PARTS = GROUPS // 2
# The logit of what is no negative, below all others; in float16 it is minus infinity, which the
# softmax takes as well, since the positive is finite.
BARRED = -1e9


def full_softmax(states, targets, weights, table):
    """-log softmax(table state)[target]: cross-entropy against the whole catalogue.

    Computed some positions at a time, with its gradient: the loss is a scalar, so its
    gradient is known up to a factor as soon as the probabilities are. Each part of the logits
    is made once, used for both, and dropped, so that (N, V) logits never stand in memory.

    Example: two items with vectors (1, 0) and (0, 1), state (ln 3, 0), target 1: the logits are
    ln 3 and 0, the probability 3 / 4, the loss ln(4 / 3) = 0.2877.
    """
    dtype = states.dtype
    labels, column = targets - 1, weights[:, None]  # (N,), (N, 1)
    parts = _parts(states.shape[0], LOGITS_PARTS)

    @ops.custom_gradient
    def fused(states, table):
        own = ops.take(table, labels, axis=0)  # (N, D)
        factor = ops.cast(table, dtype)
        loss, state_parts, turned = 0.0, [], 0.0
        for s, w, label in _split(parts, states, column, labels[:, None]):
            logits = ops.matmul(ops.cast(s, dtype), ops.transpose(factor))
            probabilities = ops.softmax(logits)  # (n, V)
            loss = loss + _surprise(ops.take_along_axis(probabilities, label, axis=1), w)
            state_parts.append(w * _float32(ops.matmul(probabilities, factor)))
            # The narrow factor is read transposed: that costs less than the wide one.
            narrow = ops.cast(ops.transpose(w * s), dtype)
            turned = turned + _float32(ops.matmul(narrow, probabilities))  # (D, V)
        state_gradient = ops.concatenate(state_parts) - column * own
        table_gradient = ops.transpose(turned) - ops.segment_sum(
            column * states, labels, num_segments=ops.shape(table)[0]
        )
        return loss, _times(state_gradient, table_gradient)

    return fused(_float32(states), _float32(table)) / _total(weights)


def sampled_softmax(states, targets, weights, table, negatives, log_counts, hidden=False):
    """Cross-entropy of the target against K sampled negatives, corrected for how they were drawn.

    The logit of a negative is lowered by the log of its expected count among the K (logQ: Bengio
    and Senécal, "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
    Language Model", 2008, section III), so that the sum over negatives estimates the sum over the
    catalogue. Negatives equal to the target are taken out. With every other item as a negative,
    once each, this is the full softmax. Computed some groups at a time, with its gradient, like
    that.

    Args:
        log_counts: log of the expected count of each negative, (G, K).
        hidden: bool, (G, n, K), True where a negative does not count for a position.
    """
    groups = ops.shape(negatives)[0]
    dtype = states.dtype
    own_ids = ops.reshape(targets, (groups, -1))  # (G, n)
    column = ops.reshape(weights, (groups, -1, 1))  # (G, n, 1)
    barred = ops.logical_or(own_ids[..., None] == negatives[:, None, :], hidden)  # (G, n, K)
    parts = _parts(negatives.shape[0], GROUPS)

    @ops.custom_gradient
    def fused(states, table):
        asked = ops.reshape(states, (groups, -1, table.shape[-1]))  # (G, n, D)
        own = ops.take(table, own_ids - 1, axis=0)  # (G, n, D)
        drawn = ops.take(table, negatives - 1, axis=0)  # (G, K, D)
        loss, of_states, of_drawn, of_own = 0.0, [], [], []
        for s, o, d, q, b, w in _split(parts, asked, own, drawn, log_counts, barred, column):
            factor = ops.cast(d, dtype)
            positive = ops.cast(ops.sum(s * o, axis=-1, keepdims=True), dtype)  # (g, n, 1)
            negative = ops.matmul(ops.cast(s, dtype), ops.swapaxes(factor, 1, 2))
            negative = ops.where(b, BARRED, negative - ops.cast(q, dtype)[:, None])  # (g, n, K)
            probabilities = ops.softmax(ops.concatenate([positive, negative], axis=-1))
            of_target, of_others = probabilities[..., :1], probabilities[..., 1:]
            loss = loss + _surprise(of_target, w)
            missing = w * (_float32(of_target) - 1)
            of_states.append(w * _float32(ops.matmul(of_others, factor)) + missing * o)
            turned = ops.matmul(ops.swapaxes(of_others, 1, 2), ops.cast(w * s, dtype))
            of_drawn.append(_float32(turned))  # (g, K, D)
            of_own.append(missing * s)
        table_gradient = _rows_sum(of_drawn, negatives, table) + _rows_sum(of_own, own_ids, table)
        state_gradient = ops.reshape(ops.concatenate(of_states), ops.shape(states))
        return loss, _times(state_gradient, table_gradient)

    return fused(_float32(states), _float32(table)) / _total(weights)


def in_batch_softmax(
    queries,
    candidates,
    weights,
    log_shares=None,
    candidate_ids=None,
    score_mask=None,
    temperature=1.0,
    num_hard_negatives=None,
):
    """Cross-entropy of each query's own candidate against the other candidates of the batch.

    The sampled softmax with the batch as catalogue and as negatives. Unlike there, the logit of
    the positive is corrected too, since it was drawn like all others: Yi et al.,
    "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", 2019, eq. 3.

    Args:
        queries: (B, D).
        candidates: (C, D) with C >= B, candidate i that of query i.
        weights: (B,).
        log_shares: log of each candidate's share of the events it was drawn from, (C,).
        candidate_ids: (C,); given, candidates with the id of the positive are no negatives.
        score_mask: bool, (B, C), False where a candidate is no negative of a query.
        temperature: logits are divided by it.
        num_hard_negatives: how many negatives with the highest logits count; None for all.
    """
    rows, columns = ops.shape(queries)[0], ops.shape(candidates)[0]
    if log_shares is None:
        log_shares = ops.zeros((columns,), "float32")
    lowered = ops.maximum(log_shares, math.log(1e-6))
    # One more feature subtracts the log share in the very product that makes the logits.
    states = ops.concatenate([queries / temperature, ops.ones((rows, 1), queries.dtype)], axis=1)
    table = ops.concatenate([candidates, -lowered[:, None]], axis=1)
    hidden = ops.zeros((rows, columns), "bool")
    if score_mask is not None:
        hidden = ops.logical_not(score_mask)
    if candidate_ids is not None:
        hidden = ops.logical_or(hidden, candidate_ids[:rows, None] == candidate_ids[None, :])
    if num_hard_negatives is not None:
        hidden = ops.logical_or(hidden, _too_easy(states, table, hidden, num_hard_negatives))
    places = ops.arange(columns) + 1
    return sampled_softmax(
        states,
        places[:rows],
        weights,
        table,
        places[None],
        ops.zeros((1, columns), "float32"),
        hidden[None],
    )


def _too_easy(states, table, hidden, count):
    """True below the `count` highest logits of negatives in each row, bool, (B, C)."""
    logits = ops.matmul(states, ops.transpose(table))
    own = ops.arange(ops.shape(logits)[0])[:, None] == ops.arange(ops.shape(logits)[1])[None]
    logits = ops.where(ops.logical_or(hidden, own), BARRED, logits)
    highest, _ = ops.top_k(logits, min(count, logits.shape[1]))
    return logits < highest[:, -1:]


def bce(states, targets, weights, table, negatives):
    """-log sigmoid(positive) - mean over negatives of log(1 - sigmoid(negative)).

    The loss of Kang and McAuley, "Self-Attentive Sequential Recommendation", 2018, section III-E,
    with K = 1 there. Negatives equal to the target do not count.
    """
    positive, negative, hit = _logits(states, targets, table, negatives)
    kept = ops.cast(ops.logical_not(hit), negative.dtype)
    refused = ops.sum(kept * ops.softplus(negative), axis=-1)  # -log(1 - sigmoid(x))
    refused = refused / ops.maximum(ops.sum(kept, axis=-1), 1.0)
    each = ops.softplus(-positive) + refused  # (G, n)
    return ops.sum(weights * ops.reshape(each, (-1,))) / _total(weights)


def gbce(states, targets, weights, table, negatives, calibration=0.75):
    """Binary cross-entropy whose positive probability is raised to the power beta.

    Petrov and Macdonald, "gSASRec", 2023, section 4: with sampling rate a = K / (V - 1) and
    calibration t, beta = a (t (1 - 1/a) + 1/a), and the loss is
    -(beta log sigmoid(positive) + sum over negatives of log(1 - sigmoid(negative))).
    t = 0 is BCE with K negatives, t = 1 undoes the overconfidence that sampling causes. The paper
    divides by K + 1 besides, which moves no minimum.

    Here log(beta / K) is added to every logit, which changes no ranking: scores of 0 then already
    are the right answer for a model that knows nothing. Without it all scores must sink first,
    and since every item is a negative in every step, all item vectors do so in one direction;
    where they are also what histories are read with, they come to look alike, and learning
    stops at popularity.
    """
    positive, negative, hit = _logits(states, targets, table, negatives)
    rate = negatives.shape[-1] / (table.shape[0] - 1)
    beta = rate * (calibration * (1 - 1 / rate) + 1 / rate)
    start = math.log(beta / negatives.shape[-1])
    positive, negative = positive + start, negative + start
    kept = ops.cast(ops.logical_not(hit), negative.dtype)
    refused = ops.sum(kept * ops.softplus(negative), axis=-1)
    each = beta * ops.softplus(-positive) + refused  # (G, n)
    return ops.sum(weights * ops.reshape(each, (-1,))) / _total(weights)


LOSSES = {
    "full_softmax": full_softmax,
    "sampled_softmax": sampled_softmax,
    "bce": bce,
    "gbce": gbce,
}


def _parts(count: int | None, wanted: int) -> int:
    """How many parts something is computed in; None, while a graph is traced, is a multiple."""
    return wanted if count is None or count % wanted == 0 else 1


def _split(parts: int, *arrays):
    """The arrays cut along their first axis, part by part."""
    return zip(*(ops.split(array, parts) for array in arrays), strict=True)


def _float32(array):
    return ops.cast(array, "float32")


def _surprise(probability, weights):
    """-log probability, summed with its weights; at most 85, where float32 ends."""
    return -ops.sum(weights * ops.log(ops.maximum(_float32(probability), 1e-37)))


def _rows_sum(gradients: list, item_ids, table):
    """Gradients of item vectors, (g, n, D) each, added up in the rows of their items, (V, D)."""
    rows = ops.reshape(ops.concatenate(gradients), (-1, table.shape[-1]))
    places = ops.reshape(item_ids, (-1,)) - 1
    return ops.segment_sum(rows, places, num_segments=ops.shape(table)[0])


def _times(state_gradient, table_gradient):
    """What a custom gradient returns beside a scalar loss; backends hand over differently."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return upstream * state_gradient, upstream * table_gradient

    return gradient


def _total(weights):
    """Their sum, by which a mean is divided; where all are zero, so is the mean."""
    return ops.maximum(ops.sum(weights), 1e-9)


def _logits(states, targets, table, negatives):
    """Positive logits (G, n), negative logits (G, n, K) and where a negative is the target."""
    groups = ops.shape(negatives)[0]
    width = ops.shape(table)[-1]
    states, table = _float32(states), _float32(table)
    states = ops.reshape(states, (groups, -1, width))  # (G, n, D)
    targets = ops.reshape(targets, (groups, -1))  # (G, n)
    positive = ops.sum(states * ops.take(table, targets - 1, axis=0), axis=-1)
    drawn = ops.take(table, negatives - 1, axis=0)  # (G, K, D)
    negative = ops.matmul(states, ops.swapaxes(drawn, 1, 2))  # (G, n, K)
    hit = ops.equal(targets[..., None], negatives[:, None, :])
    return positive, negative, hit
