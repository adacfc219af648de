"""The equations of the layers of families, against plain NumPy with one event after the other."""

import numpy as np
import pytest
from harness import check_layer, to_numpy

from recmodels.layers.causal_convolution import CausalConvolutions
from recmodels.layers.frequency_filter import FilteredAttention, FrequencyFilter, low_pass_matrix
from recmodels.layers.gated_block import GatedBlock, SwiGLU
from recmodels.layers.linear_recurrence import LinearRecurrence
from recmodels.layers.masks import attention_mask
from recmodels.layers.pointwise_attention import PointwiseAttention, time_buckets
from recmodels.layers.recurrent_block import RecurrentBlock
from recmodels.models.lru_rec import LinearRecurrenceBlock

pytestmark = pytest.mark.backends

B, T, D, L = 2, 5, 8, 7
X = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
REAL = np.array([[False, False, True, True, True], [True] * 5])
MASK = to_numpy(attention_mask(REAL))
BUCKETS = np.zeros((B, T, T), np.int32)
LAYERS = [
    (LinearRecurrence, {"max_length": L, "num_states": 3}, (X, REAL)),
    (LinearRecurrenceBlock, {"max_length": L, "hidden_width": 4, "dropout": 0.1}, (X, REAL)),
    (CausalConvolutions, {"kernel_size": 2, "dilation": 3, "dropout": 0.1}, (X, REAL)),
    (RecurrentBlock, {"cell": "lstm", "dropout": 0.1}, (X, REAL)),
    (FrequencyFilter, {"max_length": L, "num_frequencies": 2}, (X, REAL)),
    (FilteredAttention, {"max_length": L, "num_heads": 2, "dropout": 0.1}, (X, MASK, REAL)),
    (SwiGLU, {"hidden_width": 5, "dropout": 0.1}, (X,)),
    (GatedBlock, {"num_heads": 2, "hidden_width": 5, "dropout": 0.1}, (X, MASK)),
    (PointwiseAttention, {"num_heads": 2, "max_length": L, "time_bias": True}, (X, MASK, BUCKETS)),
]


@pytest.mark.parametrize(
    ("cls", "options", "inputs"), LAYERS, ids=lambda v: getattr(v, "__name__", "")
)
def test_config_shapes_and_half_precision(cls, options, inputs):
    check_layer(cls, options, inputs, (B, T, D))


def randomised(layer, *inputs):
    """A built layer with weights large enough that an error would show."""
    layer(*inputs)
    rng = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normed(x, norm):
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + norm.epsilon)
    return scaled * to_numpy(norm.gamma) + to_numpy(norm.beta)


def test_linear_recurrence_equals_a_loop_over_complex_numbers():
    layer = randomised(LinearRecurrence(L, 3), X, REAL)
    read, write = to_numpy(layer.read.kernel), to_numpy(layer.write.kernel)
    decay, angle = np.exp(to_numpy(layer.log_decay)), np.exp(to_numpy(layer.log_angle))
    rotation = np.exp(-decay + 1j * angle)
    gain = np.sqrt(1 - np.abs(rotation) ** 2)
    into = read[:, :3] + 1j * read[:, 3:]  # B of the equation.
    out = write[:3] - 1j * write[3:]  # C: the layer writes Re(h) W1 + Im(h) W2.
    expected = np.zeros((B, T, D))
    for row in range(B):
        state = np.zeros(3, complex)
        for t in range(T):
            state = rotation * state + gain * (X[row, t] @ into) * REAL[row, t]
            expected[row, t] = (state @ out).real
    np.testing.assert_allclose(to_numpy(layer(X, REAL)), expected, atol=1e-5)


def test_decays_start_between_the_radii():
    layer = LinearRecurrence(L, 500)
    layer.build((None, None, 4))
    sizes = np.exp(-np.exp(to_numpy(layer.log_decay)))
    assert 0.799 < sizes.min() < 0.82 and 0.98 < sizes.max() < 0.991


def test_pointwise_attention_equals_a_loop_over_pairs_of_events():
    times = np.array([[0, 0, 10, 13, 900], [5, 5, 6, 100, 4_000]])
    buckets = to_numpy(time_buckets(times))
    layer = randomised(PointwiseAttention(2, L, time_bias=True), X, MASK, buckets)
    kernel, bias = to_numpy(layer.project.kernel), to_numpy(layer.project.bias)
    expected = np.zeros((B, T, D))
    for row in range(B):
        projected = normed(X[row], layer.norm) @ kernel + bias
        u, v, q, k = np.split(projected * sigmoid(projected), 4, axis=-1)
        mixed = np.zeros((T, D))
        for t in range(T):
            for s in np.flatnonzero(MASK[row, t]):
                passed = np.log2(1 + times[row, t] - times[row, s])
                extra = to_numpy(layer.position_bias)[t - s]
                extra += to_numpy(layer.bucket_bias)[int(passed)]
                for head in (slice(0, 4), slice(4, 8)):
                    score = q[t, head] @ k[s, head] + extra
                    mixed[t, head] += score * sigmoid(score) / L * v[s, head]
        gated = normed(mixed, layer.norm_mixed) * u
        out = gated @ to_numpy(layer.project_output.kernel) + to_numpy(layer.project_output.bias)
        expected[row] = X[row] + out
    np.testing.assert_allclose(to_numpy(layer(X, MASK, buckets)), expected, atol=1e-4)


def test_time_buckets_are_powers_of_two():
    # 1 + seconds: 1, 2, 4, 2^20 begin buckets 0, 1, 2, 20; the future is never looked at.
    times = np.array([[2**20, 2**20 + 1, 2**20 + 3, 2**21 + 2]])
    assert to_numpy(time_buckets(times))[0].tolist() == [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [2, 1, 0, 0],
        [20, 20, 20, 0],
    ]


def test_a_time_bias_without_buckets_is_refused():
    with pytest.raises(ValueError, match="`buckets` must be given"):
        PointwiseAttention(time_bias=True)(X, MASK)


@pytest.mark.parametrize("kept", [1, 3])
def test_the_last_row_of_the_filter_is_that_of_the_fourier_transform(kept):
    # Of a whole window, and of each shorter one behind zeros.
    window = np.random.default_rng(2).normal(size=L)
    for length in range(1, L + 1):
        padded = np.pad(window[:length], (L - length, 0))
        spectrum = np.fft.rfft(padded)
        spectrum[kept:] = 0
        found = (low_pass_matrix(L, kept)[:length, :length] @ window[:length])[-1]
        assert found == pytest.approx(np.fft.irfft(spectrum, L)[-1], abs=1e-5)


def test_filter_scales_high_frequencies_and_leaves_padding_out():
    layer = randomised(FrequencyFilter(L, 2), X, REAL)
    kept = X * REAL[..., None]
    low = np.einsum("ts,bsd->btd", low_pass_matrix(L, 2)[:T, :T], kept)
    expected = low + to_numpy(layer.high) ** 2 * (kept - low)
    np.testing.assert_allclose(to_numpy(layer(X, REAL)), expected, atol=1e-5)


def test_convolutions_equal_a_loop_over_their_events():
    layer = randomised(CausalConvolutions(3, 2), X, REAL)
    expected = X.copy()
    for row in range(B):
        y = X[row]
        for index, hole in enumerate((2, 4)):
            y, dense = y * REAL[row][:, None], layer.convolutions[index]
            kernel, out = to_numpy(dense.kernel).reshape(3, D, D), np.zeros((T, D))
            for t in range(T):
                past = [y[t - k * hole] @ kernel[k] for k in range(3) if t >= k * hole]
                out[t] = sum(past) + to_numpy(dense.bias)
            y = np.maximum(normed(out, layer.norms[index]), 0)
        expected[row] += y
    np.testing.assert_allclose(to_numpy(layer(X, REAL)), expected, atol=1e-5)


def test_swiglu_by_hand():
    layer = randomised(SwiGLU(5), X)
    first, second = np.split(X @ to_numpy(layer.expand.kernel), 2, axis=-1)
    expected = first * sigmoid(first) * second @ to_numpy(layer.contract.kernel)
    np.testing.assert_allclose(to_numpy(layer(X)), expected, atol=1e-5)


def test_gates_that_are_closed_leave_the_input():
    layer = randomised(GatedBlock(2), X, MASK)
    for gate in layer.gates:
        gate.kernel.assign(np.zeros(gate.kernel.shape))
        gate.bias.assign(np.full(gate.bias.shape, -30.0))
    np.testing.assert_allclose(to_numpy(layer(X, MASK)), X, atol=1e-5)


def test_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="`cell` must be one of"):
        RecurrentBlock("gated")
