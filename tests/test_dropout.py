import keras
import numpy as np
import pytest
from harness import to_numpy, value_and_gradients
from keras import ops

from recmodels.layers.dropout import Dropout
from recmodels.layers.fast import CHOICES

pytestmark = pytest.mark.backends


def dropped(rate, shape, seed=0, dtype="float32"):
    return to_numpy(Dropout(rate, seed=seed, dtype=dtype)(np.ones(shape, dtype), training=True))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
def test_drops_the_given_share_and_keeps_the_mean(rate):
    found = dropped(rate, (400, 500))
    error = np.sqrt(rate * (1 - rate) / found.size)
    assert abs((found == 0).mean() - rate) < 5 * error
    assert np.unique(found) == pytest.approx([0, 1 / (1 - rate)], rel=1e-3)
    # The mean of 0 and s = 1 / (1 - rate) with chance 1 - rate of s has error s times that.
    assert abs(found.mean() - 1) < 5 * error / (1 - rate)


def test_neighbours_are_dropped_independently():
    # Two features come from each random number: both halves must be random, and unlike.
    zero = (dropped(0.3, (1000, 200)) == 0).astype(float)
    for step in (1, 2, 3, 64):
        both = (zero.ravel()[step:] * zero.ravel()[:-step]).mean()
        assert abs(both - 0.09) < 5 * np.sqrt(0.09 * 0.91 / zero.size)
    for half in (zero[:, ::2], zero[:, 1::2]):
        assert abs(half.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / half.size)


def test_every_call_draws_anew_and_a_seed_repeats():
    layer = Dropout(0.5, seed=1)
    first, second = (to_numpy(layer(np.ones((8, 9)), training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(first, dropped(0.5, (8, 9), seed=1))


@pytest.mark.parametrize("shape", [(1,), (63,), (64,), (65,), (3, 1, 7, 5), (0, 4)])
def test_any_shape_will_do(shape):
    assert dropped(0.5, shape).shape == shape


def test_gradient_passes_where_the_feature_did():
    x = np.arange(1.0, 101.0).astype("float32")
    drop = Dropout(0.4, seed=3)
    kept = to_numpy(Dropout(0.4, seed=3)(x, training=True)) / x
    _, (slope,) = value_and_gradients(lambda x: ops.sum(drop(x, training=True)), x)
    np.testing.assert_allclose(slope, kept, rtol=1e-6)


def test_nothing_is_dropped_outside_training_or_at_a_rate_of_zero():
    x = np.ones((4, 4), "float32")
    for layer, training in ((Dropout(0.5), False), (Dropout(0.0), True), (Dropout(1e-9), True)):
        np.testing.assert_array_equal(to_numpy(layer(x, training=training)), x)


def test_a_small_rate_is_rounded_to_sixteen_bits():
    found = dropped(0.001, (1000, 1000))
    assert np.unique(found)[-1] == pytest.approx(CHOICES / (CHOICES - 66), rel=1e-6)  # 65.5 up.


def test_half_precision_stays():
    found = Dropout(0.5, dtype="mixed_float16")(np.ones((2, 3), "float16"), training=True)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"


@pytest.mark.parametrize("rate", [1.0, 2, -0.1, float("nan"), "0.5", None, True])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(ValueError, match="`dropout` must be a number .* Received: dropout="):
        Dropout(rate)
