import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy, value_and_gradients
from keras import ops

from recmodels.layers.attention import MultiHeadAttention, attention_weights
from recmodels.training.seeds import seed_dropout

pytestmark = pytest.mark.backends

B, T, S, D = 2, 5, 3, 8
RNG = np.random.default_rng(0)
CAUSAL = np.tril(np.ones((B, T, T), bool))


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def test_weights_by_hand():
    # d = 4, so scores are halved: q.k / 2 = 2 ln 3 / 2 = ln 3 and 0; softmax: 3 / 4 and 1 / 4.
    queries = np.array([[2.0, 0, 0, 0]], "float32")
    keys = np.array([[np.log(3.0), 0, 0, 0], [0, 1, 0, 0]], "float32")
    weights = attention_weights(queries, keys, np.ones((1, 2), bool))
    np.testing.assert_allclose(to_numpy(weights), [[0.75, 0.25]], rtol=1e-5)


def test_rows_sum_to_one_and_hidden_keys_get_nothing():
    mask = RNG.random((B, T, S)) < 0.5
    mask[..., 0] = True
    weights = to_numpy(attention_weights(normal(B, T, D), normal(B, S, D), mask))
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-6)
    assert (weights[~mask] == 0).all() and (weights[mask] > 0).all()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_row_that_sees_nothing_is_uniform(dtype):
    queries, keys = normal(1, T, D).astype(dtype), normal(1, S, D).astype(dtype)
    weights = attention_weights(queries, keys, np.zeros((1, T, S), bool))
    np.testing.assert_allclose(to_numpy(weights), 1 / S, rtol=1e-6)


def test_large_float16_scores_stay_finite():
    x = np.full((1, T, 64), 60.0, "float16")  # Unscaled, a score would be 230,400 > 65,504.
    weights = to_numpy(attention_weights(x, x, CAUSAL[:1]))
    np.testing.assert_allclose(weights[0, -1], 1 / T, rtol=1e-3)


def test_scores_of_standard_normal_vectors_have_variance_one():
    weights = to_numpy(attention_weights(normal(50, 64), normal(50, 64), np.ones((50, 50), bool)))
    scores = np.log(weights)  # Up to a constant a row.
    assert 0.9 < scores.var(axis=1).mean() < 1.1


def copy_of_keras(num_heads, width):
    """Our layer and Keras's, with the same random weights."""
    ours = MultiHeadAttention(num_heads)
    theirs = keras.layers.MultiHeadAttention(num_heads, key_dim=width // num_heads)
    ours.build((None, None, width), (None, None, width))
    theirs.build((None, None, width), (None, None, width))
    ours.set_weights([normal(*w.shape) for w in ours.weights])
    arrays = {w.path.split("/", 1)[1]: to_numpy(w) for w in ours.weights}
    size = width // num_heads
    copied = []
    for name in ("queries", "keys", "values"):
        copied.append(arrays[f"project_{name}/kernel"].reshape(width, num_heads, size))
        copied.append(arrays[f"project_{name}/bias"].reshape(num_heads, size))
    copied.append(arrays["project_output/kernel"].reshape(num_heads, size, width))
    copied.append(arrays["project_output/bias"])
    order = [["query", "key", "value", "attention_output"].index(part) for part in keras_order()]
    theirs.set_weights([copied[2 * place + i] for place in order for i in (0, 1)])
    return ours, theirs


def keras_order():
    """In which order Keras keeps its four projections."""
    layer = keras.layers.MultiHeadAttention(1, key_dim=2)
    layer.build((None, None, 2), (None, None, 2))
    return [weight.path.split("/")[-2] for weight in layer.weights[::2]]


@pytest.mark.parametrize(("num_heads", "length"), [(1, T), (2, S), (4, T)])
def test_equals_keras_with_copied_weights(num_heads, length):
    ours, theirs = copy_of_keras(num_heads, D)
    queries, memory = normal(B, T, D), normal(B, length, D)
    mask = RNG.random((B, T, length)) < 0.6
    mask[..., 0] = True
    output, weights = ours(queries, memory, mask, return_weights=True)
    expected, expected_weights = theirs(
        queries, memory, attention_mask=mask, return_attention_scores=True
    )
    np.testing.assert_allclose(to_numpy(output), to_numpy(expected), atol=1e-5)
    np.testing.assert_allclose(to_numpy(weights), to_numpy(expected_weights), atol=1e-5)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_layer_contract(num_heads):
    x = normal(B, T, D)
    layer = check_layer(
        MultiHeadAttention, {"num_heads": num_heads, "dropout": 0.3}, [x, x, CAUSAL], (B, T, D)
    )
    assert layer.count_params() == 4 * (D * D + D)


def test_cross_shapes_and_returned_weights():
    output, weights = MultiHeadAttention(2)(
        normal(B, T, D), normal(B, S, D), np.ones((B, T, S), bool), return_weights=True
    )
    assert tuple(output.shape) == (B, T, D)
    assert tuple(weights.shape) == (B, 2, T, S)


@pytest.mark.parametrize("return_weights", [False, True])
def test_never_looks_ahead_even_with_dropout_or_when_weights_are_returned(return_weights):
    layer = MultiHeadAttention(2, dropout=0.4)
    layer.build((B, T, D), (B, T, D))
    x = normal(B, T, D)
    outputs = []
    for future in (0.0, 5.0):
        changed = np.concatenate([x[:, :3], x[:, 3:] + future], axis=1)
        seed_dropout(layer, seed=0, epoch=0)
        output = layer(changed, changed, CAUSAL, training=True, return_weights=return_weights)
        outputs.append(to_numpy(output[0] if return_weights else output))
    np.testing.assert_allclose(outputs[0][:, :3], outputs[1][:, :3], atol=1e-6)
    assert np.abs(outputs[0][:, 3:] - outputs[1][:, 3:]).max() > 1e-3


def test_dropout_works_in_training_only():
    layer, x = MultiHeadAttention(1, dropout=0.5), normal(B, T, D)
    first, second = (to_numpy(layer(x, x, CAUSAL)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(to_numpy(layer(x, x, CAUSAL, training=True)) - first).max() > 1e-3


def test_bias_of_the_keys_is_of_no_consequence():
    # q.(k + b) adds the same q.b to every key of a row, and softmax does not see it.
    q, k, readout = (ops.convert_to_tensor(normal(*s)) for s in ((T, D), (T, D), (T, T)))

    def read(bias):
        return ops.sum(attention_weights(q, k + bias, CAUSAL[0]) * readout)

    _, (slope,) = value_and_gradients(read, normal(D))
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_heads_must_divide_the_width():
    x = normal(B, T, D)
    with pytest.raises(ValueError, match="`num_heads` must divide .* num_heads=3, width=8"):
        MultiHeadAttention(3)(x, x, CAUSAL)
