import keras
import numpy as np
import pytest
from harness import to_numpy, value_and_gradients
from keras import ops

from recmodels.layers.fast import fast_normalise
from recmodels.layers.norm import LayerNorm

pytestmark = pytest.mark.backends


def rows(shape=(3, 5, 8), seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, shape).astype("float32")


def test_by_hand():
    # Mean 2, deviations -1, 0, 1, variance 2/3: -1 / sqrt(2/3) = -1.2247; times 2 and plus 1.
    layer = LayerNorm()
    layer.build((1, 3))
    layer.set_weights([np.full(3, 2.0), np.full(3, 1.0)])
    root = np.sqrt(1.5)
    found = to_numpy(layer(np.array([[1.0, 2.0, 3.0]], "float32")))
    np.testing.assert_allclose(found, [[1 - 2 * root, 1.0, 1 + 2 * root]], rtol=1e-5)


def test_equal_to_the_one_of_keras():
    x, gamma, beta = rows(), rows((8,), 1), rows((8,), 2)
    ours, theirs = LayerNorm(epsilon=1e-3), keras.layers.LayerNormalization(epsilon=1e-3)
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.set_weights([gamma, beta])
    np.testing.assert_allclose(to_numpy(ours(x)), to_numpy(theirs(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-8, 0.5])
def test_gradient_is_that_of_the_formula(epsilon):
    x, pulled = rows((4, 6)), ops.convert_to_tensor(rows((4, 6), 1))

    def step_by_step(x):
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        return centred / ops.sqrt(ops.mean(centred**2, axis=-1, keepdims=True) + epsilon)

    found = value_and_gradients(lambda x: ops.sum(fast_normalise(x, epsilon) * pulled), x)
    expected = value_and_gradients(lambda x: ops.sum(step_by_step(x) * pulled), x)
    assert found[0] == pytest.approx(expected[0], 1e-5)
    np.testing.assert_allclose(found[1][0], expected[1][0], rtol=1e-4, atol=1e-6)


def test_a_row_of_equal_numbers_becomes_the_shift():
    layer = LayerNorm()
    layer.build((1, 4))
    layer.set_weights([np.ones(4), np.arange(4.0)])
    np.testing.assert_allclose(to_numpy(layer(np.full((1, 4), 7.0, "float32"))), [[0, 1, 2, 3]])


def test_half_precision_is_computed_in_float32():
    layer = LayerNorm(dtype="mixed_float16")
    found = layer(np.array([[3000.0, 3010.0, 2990.0, 3000.0]], "float16"))
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    # Deviations 0, 10, -10, 0, whose squares no float16 mean would hold: variance 50.
    expected = [[0, np.sqrt(2), -np.sqrt(2), 0]]
    np.testing.assert_allclose(to_numpy(found).astype(float), expected, atol=2e-3)


def test_config_brings_the_layer_back():
    assert LayerNorm.from_config(LayerNorm(epsilon=0.25).get_config()).epsilon == 0.25
