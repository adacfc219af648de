"""Losses for next-item prediction: plain functions of states, targets and item vectors.

All take `states` (N, D), `targets` item ids int32 (N,), `weights` (N,) with 0 for positions that
do not count, and `table` item vectors (V, D), item i in row i - 1; all return the weighted mean
over positions, a float32 scalar. Those that sample also take `negatives`, item ids int32 (G, K):
the N positions come in G equal groups, each with K negatives of its own.

The two softmaxes have a fast form each in `tasks/fast_losses.py`, used unless `fast_layers(False)`.
"""

import math

from keras import ops

from recmodels.layers.fast import is_fast
from recmodels.tasks.fast_losses import (
    MASKED_LOGIT,
    fast_full_softmax,
    fast_sampled_softmax,
    float32,
    total,
)


def full_softmax(states, targets, weights, table, label_smoothing=0.0):
    """-log softmax(table state)[target]: cross-entropy against the whole catalogue.

    Example: two items with vectors (1, 0) and (0, 1), state (ln 3, 0), target 1: the logits are
    ln 3 and 0, the probability 3 / 4, the loss ln(4 / 3) = 0.2877.

    Args:
        label_smoothing: share of the target's probability that all V items have in equal parts,
            from 0 to below 1: Szegedy et al., "Rethinking the Inception Architecture for Computer
            Vision", 2016, section 7. The target then has 1 - share + share / V.
    """
    if label_smoothing:
        # The normaliser is that of the plain loss, so that only the mean logit has to be added.
        vectors = float32(table)
        above_mean = ops.take(vectors, targets - 1, axis=0) - ops.mean(vectors, axis=0)  # (N, D)
        logits = ops.sum(float32(states) * above_mean, axis=-1)  # Above their mean, (N,).
        added = ops.sum(weights * logits) / total(weights)
        return full_softmax(states, targets, weights, table) + label_smoothing * added
    if is_fast():
        return fast_full_softmax(states, targets, weights, table)
    logits = ops.matmul(float32(states), ops.transpose(float32(table)))  # (N, V)
    chosen = ops.take_along_axis(ops.log_softmax(logits), targets[:, None] - 1, axis=1)[:, 0]
    return -ops.sum(weights * chosen) / total(weights)


def sampled_softmax(states, targets, weights, table, negatives, log_counts, hidden=False):
    """Cross-entropy of the target against K sampled negatives, with the logQ correction.

    The logit of a negative is lowered by the log of its expected count among the K (logQ: Bengio
    and Senécal, "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
    Language Model", 2008, section III), so that the sum over negatives estimates the sum over the
    catalogue. Negatives equal to the target are left out. If every other item is a negative exactly
    once, this is the full softmax.

    Args:
        log_counts: log of the expected count of each negative, (G, K).
        hidden: bool, (G, n, K), True where a negative does not count for a position.
    """
    if is_fast():
        return fast_sampled_softmax(states, targets, weights, table, negatives, log_counts, hidden)
    positive, negative, hit = _logits(states, targets, table, negatives)
    masked = ops.logical_or(hit, hidden)
    negative = ops.where(masked, MASKED_LOGIT, negative - log_counts[:, None])  # (G, n, K)
    logits = ops.concatenate([positive[..., None], negative], axis=-1)
    chosen = ops.reshape(ops.log_softmax(logits)[..., 0], (-1,))  # (N,)
    return -ops.sum(weights * chosen) / total(weights)


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
    """Cross-entropy of each query's own candidate against the in-batch negatives.

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
    is_target = ops.arange(ops.shape(logits)[0])[:, None] == ops.arange(ops.shape(logits)[1])[None]
    logits = ops.where(ops.logical_or(hidden, is_target), MASKED_LOGIT, logits)
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
    return ops.sum(weights * ops.reshape(each, (-1,))) / total(weights)


def gbce(states, targets, weights, table, negatives, calibration=0.75):
    """Binary cross-entropy whose positive probability is raised to the power beta.

    Petrov and Macdonald, "gSASRec", 2023, section 4: with sampling rate a = K / (V - 1) and
    calibration t, beta = a (t (1 - 1/a) + 1/a), and the loss is
    -(beta log sigmoid(positive) + sum over negatives of log(1 - sigmoid(negative))).
    t = 0 is BCE with K negatives; t = 1 removes the overconfidence that sampling causes. The paper
    also divides by K + 1, which does not change the minimum.

    Here log(beta / K) is added to every logit, which changes no ranking. Scores of 0 are then the
    optimum for a model without any information. Without this term all scores must decrease first,
    and they do so for all items in every step, so that all item vectors move in one direction. If
    the same vectors are the inputs of the model, they become similar to each other, and the model
    learns little more than popularity.
    """
    positive, negative, hit = _logits(states, targets, table, negatives)
    rate = negatives.shape[-1] / (table.shape[0] - 1)
    beta = rate * (calibration * (1 - 1 / rate) + 1 / rate)
    start = math.log(beta / negatives.shape[-1])
    positive, negative = positive + start, negative + start
    kept = ops.cast(ops.logical_not(hit), negative.dtype)
    refused = ops.sum(kept * ops.softplus(negative), axis=-1)
    each = beta * ops.softplus(-positive) + refused  # (G, n)
    return ops.sum(weights * ops.reshape(each, (-1,))) / total(weights)


def contrastive(views, labels, temperature=1.0):
    """-log of the softmax of a view's similarity to those with its label, among all other views.

    The mean over the positives of each view, and over the views: the supervised contrastive loss
    of Khosla et al., "Supervised Contrastive Learning", 2020, equation 2. With two views of each
    window and labels that are different, it is the unsupervised loss of Qiu et al., "Contrastive
    Learning for Representation Degeneration Problem in Sequential Recommendation" (DuoRec), 2022.

    Args:
        views: float, (M, D); similarities are dot products, as in DuoRec.
        labels: int32, (M,); each label must occur twice or more.
        temperature: divides the similarities.
    """
    views = float32(views)
    itself = ops.eye(ops.shape(views)[0], dtype="bool")
    logits = ops.matmul(views, ops.transpose(views)) / temperature  # (M, M)
    logits = ops.where(itself, MASKED_LOGIT, logits)
    positive = ops.logical_and(labels[:, None] == labels[None, :], ops.logical_not(itself))
    share = float32(positive) / ops.sum(float32(positive), axis=1, keepdims=True)
    return -ops.mean(ops.sum(ops.where(positive, ops.log_softmax(logits), 0.0) * share, axis=1))


LOSSES = {
    "full_softmax": full_softmax,
    "sampled_softmax": sampled_softmax,
    "bce": bce,
    "gbce": gbce,
}


def _logits(states, targets, table, negatives):
    """Positive logits (G, n), negative logits (G, n, K) and where a negative is the target."""
    groups = ops.shape(negatives)[0]
    width = ops.shape(table)[-1]
    states, table = float32(states), float32(table)
    states = ops.reshape(states, (groups, -1, width))  # (G, n, D)
    targets = ops.reshape(targets, (groups, -1))  # (G, n)
    positive = ops.sum(states * ops.take(table, targets - 1, axis=0), axis=-1)
    drawn = ops.take(table, negatives - 1, axis=0)  # (G, K, D)
    negative = ops.matmul(states, ops.swapaxes(drawn, 1, 2))  # (G, n, K)
    hit = ops.equal(targets[..., None], negatives[:, None, :])
    return positive, negative, hit
