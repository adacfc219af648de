"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 18."""

import numpy as np
from exercises import ExerciseBank

from recmodels.layers.frequency_filter import low_pass_matrix


def silu(z):
    return z / (1 + np.exp(-z))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def swiglu(x, W1, W2, W3):
    return (silu(x @ W1) * (x @ W2)) @ W3


def swiglu_by_einsum(x, W1, W2, W3):
    gate = np.einsum("td,dh->th", x, W1)
    return np.einsum("th,th,hd->td", gate * sigmoid(gate), np.einsum("td,dh->th", x, W2), W3)


def swiglu_by_rows(x, W1, W2, W3):
    return np.array([W3.T @ (silu(W1.T @ row) * (W2.T @ row)) for row in x])


def swiglu_by_one_product(x, W1, W2, W3):
    gate, value = np.split(x @ np.hstack([W1, W2]), 2, axis=1)
    return gate * sigmoid(gate) * value @ W3


def distances(size):
    step = np.arange(size)
    return step[:, None] - step[None, :]


def weights(q, k, position, real, L):
    back = distances(len(q))
    scores = q @ k.T + position[np.maximum(back, 0)]
    return silu(scores) * (back >= 0) * real[None, :] / L


def weights_by_loop(q, k, position, real, L):
    result = np.zeros((len(q), len(q)))
    for t in range(len(q)):
        for s in range(t + 1):
            if real[s]:
                z = q[t] @ k[s] + position[t - s]
                result[t, s] = z / (1 + np.exp(-z)) / L
    return result


def weights_without_rows_of_padding(q, k, position, real, L):
    return weights(q, k, position, real, L) * real[:, None]


def weights_by_where(q, k, position, real, L):
    mask = np.tril(np.ones((len(q), len(q)), bool)) & real
    bias = np.array([[position[abs(t - s)] for s in range(len(q))] for t in range(len(q))])
    return np.where(mask, silu(q @ k.T + bias), 0) / L


def weights_of(scores=None, mask=None, function=silu, after=0.0, by=None):
    """A wrong answer: one part of the right one is replaced."""

    def answer(q, k, position, real, L):
        back = distances(len(q))
        bias = position[np.maximum(back, 0)]
        z = q @ k.T + bias if scores is None else scores(q, k, bias, position)
        m = (back >= 0) & real if mask is None else mask(back, real)
        return (function(z) + after * bias) * m / (L if by is None else by(m, L))

    return answer


def softmax_weights(q, k, position, real, L):
    back = distances(len(q))
    mask = (back >= 0) & real
    z = np.where(mask, q @ k.T + position[np.maximum(back, 0)], -1e9)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) * mask


def low_pass(x, kept):
    size, result = len(x), []
    for t in range(size):
        window = np.pad(x[: t + 1], (size - 1 - t, 0))
        waves = np.fft.rfft(window)
        waves[kept:] = 0
        result.append(np.fft.irfft(waves, size)[-1])
    return np.array(result)


def low_pass_by_matrix(x, kept):
    return low_pass_matrix(len(x), kept) @ x


def low_pass_by_convolution(x, kept):
    mask = np.arange(len(x) // 2 + 1) < kept
    return np.convolve(np.fft.irfft(mask.astype(float), len(x)), x)[: len(x)]


def low_pass_by_full_transform(x, kept):
    size = len(x)
    frequencies = np.abs(np.fft.fftfreq(size, 1 / size)) < kept
    padded = np.concatenate([np.zeros(size - 1), x])
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    return np.fft.ifft(np.fft.fft(windows, axis=1) * frequencies, axis=1).real[:, -1]


def low_pass_with_zeros_behind(x, kept):
    """The filter is circular, so that zeros behind the window are zeros before it."""
    rest = len(x) - 1
    return [circular(np.pad(x[: t + 1], (0, rest - t)), kept)[t] for t in range(len(x))]


def circular(x, kept):
    waves = np.fft.rfft(x)
    waves[kept:] = 0
    return np.fft.irfft(waves, len(x))


class TestBank(ExerciseBank):
    right = {
        "18.1": [swiglu, swiglu_by_einsum, swiglu_by_rows, swiglu_by_one_product],
        "18.2": [
            weights,
            weights_by_loop,
            weights_without_rows_of_padding,
            weights_by_where,
        ],
        "18.3": [
            low_pass,
            low_pass_by_matrix,
            low_pass_by_convolution,
            low_pass_by_full_transform,
            low_pass_with_zeros_behind,
        ],
    }
    wrong = {
        "18.1": [
            ("gate is missing", lambda x, A, B, C: silu(x @ A) @ C),
            ("belongs on x W1", lambda x, A, B, C: (x @ A * silu(x @ B)) @ C),
            ("sigmoid alone", lambda x, A, B, C: (sigmoid(x @ A) * (x @ B)) @ C),
            ("is a ReLU", lambda x, A, B, C: (np.maximum(x @ A, 0) * (x @ B)) @ C),
            ("they are added", lambda x, A, B, C: (silu(x @ A) + x @ B) @ C),
            ("W3 is missing", lambda x, A, B, C: silu(x @ A) * (x @ B)),
            ("no gate function", lambda x, A, B, C: (x @ A * (x @ B)) @ C),
            ("first vector only", lambda x, A, B, C: (silu(x @ A) * silu(x @ B)) @ C),
            ("after the product", lambda x, A, B, C: silu(x @ A * (x @ B)) @ C),
            ("numbers are wrong", lambda x, A, B, C: (np.tanh(x @ A) * (x @ B)) @ C),
        ],
        "18.2": [
            ("look at padding", weights_of(mask=lambda back, real: back >= 0)),
            ("later events", weights_of(mask=lambda back, real: real[None, :] & (back == back))),
            ("Neither padding", weights_of(mask=lambda back, real: back == back)),
            ("look at itself", weights_of(mask=lambda back, real: (back > 0) & real)),
            ("divided by L", weights_of(by=lambda m, L: 1)),
            ("number of positions T", weights_of(by=lambda m, L: len(m))),
            ("that are visible", weights_of(by=lambda m, L: np.maximum(m.sum(1), 1)[:, None])),
            ("distance is missing", weights_of(lambda q, k, bias, position: q @ k.T)),
            ("after silu", weights_of(lambda q, k, bias, position: q @ k.T, after=1.0)),
            (
                "place of the key",
                weights_of(lambda q, k, b, position: q @ k.T + position[: len(q)]),
            ),
            ("is a softmax", softmax_weights),
            ("silu is missing", weights_of(function=lambda z: z)),
            ("sigmoid alone", weights_of(function=sigmoid)),
            ("square root of the width", weights_of(lambda q, k, b, p: q @ k.T / 3**0.5 + b)),
        ],
        "18.3": [
            ("reads later events", circular),
            ("high frequencies", lambda x, kept: x - low_pass(x, kept)),
            ("too many", lambda x, kept: low_pass(x, kept + 1)),
            ("too few", lambda x, kept: low_pass(x, kept - 1)),
            (
                "have T events",
                lambda x, kept: [circular(x[: t + 1], kept)[-1] for t in range(len(x))],
            ),
            (
                "zeros belong before",
                lambda x, kept: [
                    circular(np.pad(x[: t + 1], (0, len(x) - 1 - t)), kept)[-1]
                    for t in range(len(x))
                ],
            ),
            (
                "not at the first",
                lambda x, kept: [
                    circular(np.pad(x[: t + 1], (len(x) - 1 - t, 0)), kept)[0]
                    for t in range(len(x))
                ],
            ),
            ("mean of the events", lambda x, kept: np.cumsum(x) / np.arange(1, len(x) + 1)),
            ("filtered numbers are wrong", lambda x, kept: np.sort(x)),
        ],
    }
