"""Which weights of pre-trained layers a further training changes."""

import numpy as np
import pytest
from harness import to_numpy

from recmodels.layers.norm import LayerNorm
from recmodels.layers.transformer import TransformerBlock
from recmodels.layers.tuning import tune_layers

pytestmark = pytest.mark.backends
D, RANK = 8, 3
STATES = np.random.default_rng(0).normal(size=(2, 4, D)).astype("f4")
MASK = np.ones((2, 4, 4), bool)


def made():
    """Two blocks and a norm, built."""
    layers = [TransformerBlock(2, name=f"block_{n}") for n in range(2)] + [LayerNorm(name="norm")]
    for layer in layers:
        layer.build((None, None, D))
    return layers


def trained(layers):
    return [weight.path for layer in layers for weight in layer.trainable_weights]


def test_full_frozen_and_partial_may_follow_each_other():
    layers = made()
    every = trained(layers)
    tune_layers(layers, layers[1:], "frozen")
    assert trained(layers) == []
    tune_layers(layers, layers[1:], "partial")
    assert trained(layers) == [path for path in every if not path.startswith("block_0")]
    tune_layers(layers, layers[1:], "full")
    assert trained(layers) == every


def test_lora_adds_weights_of_a_rank_to_queries_and_values_and_starts_equal():
    layers = made()
    block = layers[0]
    before = to_numpy(block(STATES, MASK))
    tune_layers(layers, (), "lora", RANK)
    paths = trained(layers)
    assert len(paths) == 8  # Two blocks, queries and values, A and B.
    assert all("lora_kernel" in p for p in paths)
    assert {p.split("/")[-2] for p in paths} == {"project_queries", "project_values"}
    shapes = {tuple(weight.shape) for weight in block.trainable_weights}
    assert shapes == {(D, RANK), (RANK, D)}
    np.testing.assert_array_equal(to_numpy(block(STATES, MASK)), before)


def test_other_requests_are_refused():
    layers = made()
    with pytest.raises(ValueError, match="`how` must be one of .*Received: how='half'"):
        tune_layers(layers, (), "half")
    with pytest.raises(ValueError, match="`rank` must be"):
        tune_layers(layers, (), "lora", rank=0)
    tune_layers(layers, (), "lora")
    with pytest.raises(ValueError, match="without low-rank weights: load it anew"):
        tune_layers(layers, (), "full")
