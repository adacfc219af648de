"""SASRec against gSASRec in NumPy, written from its equations, and in PyTorch where installed.

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


def scored():
    """A model with random weights, histories, and its scores of all items after each."""
    model = SASRec(V, max_length=L, width=D, num_heads=H, dropout=0.3)
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    histories = [[3], [1, 4, 4, 9], [2, 10, 5, 6, 7]]
    item_ids = np.array([[0] * (L - len(h)) + h for h in histories], np.int32)
    states = model({"item_ids": item_ids})[:, -1]
    return model, histories, to_numpy(model.match(states, model.item_vectors()))


def test_scores_are_those_of_the_equations_with_the_same_weights():
    model, histories, found = scored()
    expected = [scores_of(np.array(history), model) for history in histories]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def copied(torch, layer):
    """A `torch.nn` layer with the weights of ours."""
    if hasattr(layer, "gamma"):
        weight, bias = to_numpy(layer.gamma), to_numpy(layer.beta)
        made = torch.nn.LayerNorm(D, eps=layer.epsilon)
    else:
        weight, bias = to_numpy(layer.kernel).T, to_numpy(layer.bias)
        made = torch.nn.Linear(*weight.T.shape)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(weight))
        made.bias.copy_(torch.tensor(bias))
    return made


def torch_attention(torch, layer):
    """`torch.nn.MultiheadAttention` with the weights of ours."""
    parts = [copied(torch, getattr(layer, f"project_{n}")) for n in ("queries", "keys", "values")]
    made = torch.nn.MultiheadAttention(D, H, batch_first=True)
    with torch.no_grad():
        made.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        made.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    made.out_proj = copied(torch, layer.project_output)
    return made


def torch_scores(torch, history, model):
    """Scores of all items by the layers of PyTorch."""
    table = torch.tensor(to_numpy(model.item_embedding.table))
    ages = list(range(len(history)))[::-1]
    x = table[history] * D**0.5 + torch.tensor(to_numpy(model.position.table))[ages]
    later = torch.ones(len(history), len(history), dtype=torch.bool).triu(1)
    for block in model.blocks:
        queries = copied(torch, block.norm_attention)(x)
        mixed, _ = torch_attention(torch, block.attention)(
            queries[None], x[None], x[None], attn_mask=later
        )
        h = copied(torch, block.norm_feed_forward)(queries + mixed[0])
        hidden = torch.relu(copied(torch, block.feed_forward.expand)(h))
        x = h + copied(torch, block.feed_forward.contract)(hidden)
    return (table[1 : V + 1] @ copied(torch, model.norm)(x)[-1]).detach().numpy()


def test_scores_are_those_of_a_pytorch_model_with_the_same_weights():
    torch = pytest.importorskip("torch")
    model, histories, found = scored()
    expected = [torch_scores(torch, history, model) for history in histories]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
