"""SASRec against the forward pass of gSASRec in NumPy, written from its equations.

The published PyTorch code differs from them: it has no activation between the two dense layers,
no output projection of the attention, and does not scale the item vectors that it reads.
"""

import numpy as np
import pytest
from harness import to_numpy

from recmodels.models.sasrec import SASRec

pytestmark = pytest.mark.backends

V, L, D, H = 10, 5, 8, 2


def dense(x, layer):
    return x @ to_numpy(layer.kernel) + to_numpy(layer.bias)


def norm(x, layer):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + layer.epsilon)
    return scaled * to_numpy(layer.gamma) + to_numpy(layer.beta)


def attend(queries, memory, layer):
    """Attention of each event to the events up to it, one head and one event after the other."""
    q, k, v = (
        dense(x, getattr(layer, f"project_{name}"))
        for name, x in (("queries", queries), ("keys", memory), ("values", memory))
    )
    mixed = np.zeros_like(q)
    for head in np.split(np.arange(D), H):
        for t in range(len(q)):
            scores = np.exp([q[t, head] @ k[s, head] / np.sqrt(D / H) for s in range(t + 1)])
            mixed[t, head] = (scores / scores.sum()) @ v[: t + 1, head]
    return dense(mixed, layer.project_output)


def scores_of(history, model):
    """Petrov and Macdonald, 2023, section 3, which is the model of SASRec: scores of all items."""
    table = to_numpy(model.item_embedding.table)
    ages = np.arange(len(history))[::-1]
    x = table[history] * np.sqrt(D) + to_numpy(model.position.table)[ages]
    for block in model.blocks:
        queries = norm(x, block.norm_attention)
        h = norm(queries + attend(queries, x, block.attention), block.norm_feed_forward)
        hidden = np.maximum(dense(h, block.feed_forward.expand), 0)
        x = h + dense(hidden, block.feed_forward.contract)
    return table[1 : V + 1] @ norm(x, model.norm)[-1]


def test_scores_are_those_of_the_equations_with_the_same_weights():
    model = SASRec(V, max_length=L, width=D, num_heads=H, dropout=0.3)
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    histories = [[3], [1, 4, 4, 9], [2, 10, 5, 6, 7]]
    item_ids = np.array([[0] * (L - len(h)) + h for h in histories], np.int32)
    states = model({"item_ids": item_ids})[:, -1]
    found = to_numpy(model.match(states, model.item_vectors()))
    expected = [scores_of(np.array(history), model) for history in histories]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
