"""Checks of the exercises of notebook 18, modern blocks."""

import numpy as np

from recmodels.course.checking import call, exercise, expect_close
from recmodels.layers.frequency_filter import low_pass_matrix


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _silu(z):
    return z * _sigmoid(z)


@exercise("18.1", "x and three matrices")
def check_swiglu(answer) -> None:
    """(silu(x W1) * x W2) W3."""
    rng = np.random.default_rng(181)
    x, W1, W2, W3 = (rng.normal(size=shape) for shape in [(5, 3), (3, 4), (3, 4), (4, 3)])
    returned = call(answer, x, W1, W2, W3)
    one, two = x @ W1, x @ W2
    mistakes = {
        "The gate is missing: multiply x W2 by silu(x W1).": (_silu(one) @ W3, two @ W3),
        "The gate belongs on x W1, and x W2 is multiplied with it.": (one * _silu(two)) @ W3,
        "silu(z) is z times the sigmoid of z; this is the sigmoid alone.": (
            (_sigmoid(one) * two) @ W3
        ),
        "This gate is a ReLU; silu(z) is z times the sigmoid of z.": (
            (np.maximum(one, 0) * two) @ W3
        ),
        "Multiply the two hidden vectors; they are added.": (_silu(one) + two) @ W3,
        "W3 is missing.": _silu(one) * two,
        "There is no gate function: the product of x W1 and x W2 alone.": (one * two) @ W3,
        "The function silu is for the first vector only.": (_silu(one) * _silu(two)) @ W3,
        "The function silu comes after the product; it belongs on x W1.": _silu(one * two) @ W3,
    }
    right = (_silu(one) * two) @ W3
    expect_close(returned, right, "The numbers are wrong.", mistakes, 1e-6)


def _weights_and_mistakes(q, k, position, real, L) -> tuple[np.ndarray, dict]:
    """The weights of HSTU, and what typical mistakes give."""
    step = np.arange(len(q))
    distance = step[:, None] - step[None, :]
    causal, shown, rows = distance >= 0, real[None, :], real[:, None]
    mask, bias = causal & shown, position[np.maximum(distance, 0)]
    products = q @ k.T
    scores = products + bias
    free = _silu(scores) / L  # Before the mask.
    softmax = np.exp(np.where(mask, scores, -np.inf))
    with np.errstate(invalid="ignore"):
        softmax = np.nan_to_num(softmax / softmax.sum(axis=1, keepdims=True))
    visible = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return free * mask, {
        "Events look at padding.": (free * causal, free * (causal & rows)),
        "Events look at later events.": (free * shown, free * (rows & shown)),
        "Neither padding nor later events are left out.": free,
        "An event may look at itself.": free * (mask & (distance > 0)),
        "The weights must be divided by L.": L * free * mask,
        "Divide by L, not by the number of positions T.": L * free * mask / len(q),
        "Divide by L, not by the number of events that are visible.": L * free * mask / visible,
        "The bias of the distance is missing.": _silu(products) * mask / L,
        "The bias is added after silu; it belongs to the score.": (
            (_silu(products) + bias) * mask / L
        ),
        "The bias is that of the place of the key; it must be that of the distance.": (
            _silu(products + position[: len(q)]) * mask / L
        ),
        "This is a softmax; the weights are silu of the scores.": softmax,
        "These are the scores; silu is missing.": scores * mask / L,
        "silu(z) is z times the sigmoid of z; this is the sigmoid alone.": (
            _sigmoid(scores) * mask / L
        ),
        "HSTU does not divide the scores by the square root of the width.": (
            _silu(products / np.sqrt(q.shape[1]) + bias) * mask / L
        ),
        "Apply the mask after silu: a score of 0 plus a bias has a weight.": (
            _silu(products * mask + bias) / L
        ),
    }


@exercise("18.2", "queries, keys, biases by distance, where events are, and L")
def check_weights(answer) -> None:
    """silu(q k^T + bias) / L where the mask allows it."""
    rng = np.random.default_rng(182)
    q, k, position = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=8)
    real = np.array([False, True, True, True, True])
    returned = call(answer, q, k, position, real, 8)
    right, mistakes = _weights_and_mistakes(q, k, position, real, 8)
    without_rows = right * real[:, None]  # Nothing reads the rows of padding.
    if np.shape(returned) == right.shape and np.allclose(returned, without_rows, atol=1e-6):
        return
    expect_close(returned, right, "The weights are wrong.", mistakes, 1e-6)


@exercise("18.3", "a sequence and a number of frequencies")
def check_low_pass(answer) -> None:
    """The last value of the filter of each window, with zeros before the first event."""
    x, kept = np.array([1.0, -2.0, 0.5, 3.0, 1.5, -1.0, 2.0, 4.0]), 2
    returned = call(answer, x, kept)
    size = len(x)

    def filtered(window, low=kept):
        waves = np.fft.rfft(window)
        waves[low:] = 0
        return np.fft.irfft(waves, len(window))

    high = np.fft.rfft(x)
    high[:kept] = 0
    grown = [filtered(x[: t + 1])[-1] for t in range(size)]
    right = low_pass_matrix(size, kept).astype(float) @ x
    mistakes = {
        "The filter reads later events: filter the window that ends at each position.": filtered(x),
        "These are the high frequencies.": (x - right, np.fft.irfft(high, size)),
        "One frequency too many is kept: 0 is the first.": low_pass_matrix(size, kept + 1) @ x,
        "One frequency too few is kept: 0 is the first.": low_pass_matrix(size, kept - 1) @ x,
        "All windows have T events; those before the first one are zeros.": grown,
        "The zeros belong before the events, and the result is at the last position.": (
            [filtered(np.pad(x[: t + 1], (0, size - 1 - t)))[-1] for t in range(size)]
        ),
        "Return what the filter gives at the last position of each window, not at the first.": (
            [filtered(np.pad(x[: t + 1], (size - 1 - t, 0)))[0] for t in range(size)]
        ),
        "Before the first event the window has zeros, not the first event again.": (
            [filtered(np.r_[np.full(size - 1 - t, x[0]), x[: t + 1]])[-1] for t in range(size)]
        ),
        "This is the mean of the events so far.": np.cumsum(x) / np.arange(1, size + 1),
    }
    expect_close(returned, right, "The filtered numbers are wrong.", mistakes, 1e-4)
