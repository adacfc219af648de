import numpy as np
import pytest
from harness import check_layer, to_numpy
from keras import ops

from recmodels.layers.masks import attention_mask
from recmodels.layers.transformer import NORM_ORDERS, TransformerBlock

pytestmark = pytest.mark.backends

B, T, D = 2, 5, 8
X = np.random.default_rng(0).normal(size=(B, T, D)).astype("float32")
MASK = to_numpy(attention_mask(np.array([[False, False, True, True, True], [True] * T])))


@pytest.mark.parametrize("norm_order", NORM_ORDERS)
def test_layer_contract_and_number_of_weights(norm_order):
    options = {"num_heads": 2, "hidden_width": 6, "dropout": 0.2, "norm_order": norm_order}
    layer = check_layer(TransformerBlock, options, [X, MASK], (B, T, D))
    attention, feed_forward, norms = 4 * (8 * 8 + 8), 8 * 6 + 6 + 6 * 8 + 8, 2 * (8 + 8)
    assert layer.count_params() == attention + feed_forward + norms
    assert len(layer.trainable_weights) == 8 + 4 + 4


def made_by_parts(block, x):
    """The three formulas of the docstring, from the block's own parts."""
    n1, n2, feed_forward = block.norm_attention, block.norm_feed_forward, block.feed_forward
    attention = lambda queries, memory: block.attention(queries, memory, MASK)  # noqa: E731
    if block.norm_order == "original":
        h = n1(x) + attention(n1(x), x)
        return n2(h) + feed_forward(n2(h))
    if block.norm_order == "pre":
        h = x + attention(n1(x), n1(x))
        return h + feed_forward(n2(h))
    h = n1(x + attention(x, x))
    return n2(h + feed_forward(h))


@pytest.mark.parametrize("norm_order", NORM_ORDERS)
def test_equals_its_formula(norm_order):
    block = TransformerBlock(2, norm_order=norm_order)
    block.build((B, T, D))
    rng = np.random.default_rng(1)  # Else both norms start alike and could be swapped unseen.
    block.set_weights([rng.normal(size=w.shape) for w in block.weights])
    expected = made_by_parts(block, ops.convert_to_tensor(X))
    np.testing.assert_allclose(to_numpy(block(X, MASK)), to_numpy(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm_order", NORM_ORDERS)
def test_future_and_padding_are_never_seen(norm_order):
    block = TransformerBlock(2, norm_order=norm_order)
    before, weights = block(X, MASK, return_weights=True)
    changed = X.copy()
    changed[0, :2] += 3.0  # Padding of the first row.
    changed[:, 4] += 3.0  # The future of all positions but the last.
    after = to_numpy(block(changed, MASK))
    np.testing.assert_allclose(to_numpy(before)[0, 2:4], after[0, 2:4], atol=1e-5)
    np.testing.assert_allclose(to_numpy(before)[1, :4], after[1, :4], atol=1e-5)
    assert tuple(weights.shape) == (B, 2, T, T)
    assert (to_numpy(weights)[np.broadcast_to(~MASK[:, None], weights.shape)] == 0).all()


def test_unknown_norm_order_is_refused():
    with pytest.raises(ValueError, match="`norm_order` must be one of .* norm_order='middle'"):
        TransformerBlock(norm_order="middle")
