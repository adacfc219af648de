import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy

from recmodels.layers.feed_forward import FeedForward

pytestmark = pytest.mark.backends

B, T, D = 2, 5, 4
X = np.random.default_rng(0).normal(size=(B, T, D)).astype("float32")


@pytest.mark.parametrize(("hidden", "count"), [(None, 2 * (4 * 4 + 4)), (6, 4 * 6 + 6 + 6 * 4 + 4)])
def test_layer_contract_and_number_of_weights(hidden, count):
    layer = check_layer(FeedForward, {"hidden_width": hidden, "dropout": 0.2}, [X], (B, T, D))
    assert layer.count_params() == count


def test_by_hand():
    # x W1 + b1 = (1 + 1, -3 - 1) = (2, -4); ReLU (2, 0); W2: (2 * 3, 2 * 5) = (6, 10); + b2.
    layer = FeedForward()
    layer.build((1, 1, 2))
    weights = [[1.0, 0.0], [0.0, -1.0]], [1.0, -1.0], [[3.0, 5.0], [7.0, 9.0]], [0.5, -0.5]
    layer.set_weights([np.array(w) for w in weights])
    assert to_numpy(layer(np.array([[[1.0, 3.0]]], "float32"))).tolist() == [[[6.5, 9.5]]]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_equals_two_dense_layers(activation):
    layer = FeedForward(6, activation=activation)
    output = layer(X)
    expand, contract = keras.layers.Dense(6, activation=activation), keras.layers.Dense(D)
    expand.build((None, D))
    contract.build((None, 6))
    expand.set_weights(layer.get_weights()[:2])
    contract.set_weights(layer.get_weights()[2:])
    np.testing.assert_allclose(to_numpy(output), to_numpy(contract(expand(X))), atol=1e-6)


def test_every_position_alike():
    layer = FeedForward()
    whole = to_numpy(layer(X))
    np.testing.assert_allclose(whole[:, 2:3], to_numpy(layer(X[:, 2:3])), atol=1e-6)


def test_dropout_works_in_training_only():
    layer = FeedForward(hidden_width=64, dropout=0.5)  # Wide: no row is dropped as a whole.
    x = np.tile(X, (50, 1, 1))
    still = to_numpy(layer(x))
    np.testing.assert_array_equal(still, to_numpy(layer(x)))
    # The last dropout sets half of the outputs to zero: 2,000 draws, so 0.05 is 4.5 sigma.
    assert 0.45 < (to_numpy(layer(x, training=True)) == 0).mean() < 0.55
