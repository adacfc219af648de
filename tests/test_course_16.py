"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 16."""

import math

import keras
import numpy as np
from exercises import ExerciseBank
from scipy.special import expit


def gru(
    x, h, read, carry, bias, squash=np.tanh, swap=False, turn=False, before=False, scale=(1, 1)
):
    width = h.shape[1]
    z, r, n = (slice(k * width, (k + 1) * width) for k in range(3))
    if swap:
        z, r = r, z
    event, state = x @ read + bias[0] * scale[0], h @ carry + bias[1] * scale[1]
    keep, reset = expit(event[:, z] + state[:, z]), expit(event[:, r] + state[:, r])
    old = reset * state[:, n]
    if before:
        old = (reset * h) @ carry[:, n] + bias[1, n]
    new = squash(event[:, n] + old)
    return (1 - keep) * h + keep * new if turn else keep * h + (1 - keep) * new


def gru_by_row(x, h, read, carry, bias):
    return [gru(a[None], b[None], read, carry, bias)[0] for a, b in zip(x, h, strict=True)]


def gru_of_keras(x, h, read, carry, bias):
    cell = keras.layers.GRUCell(h.shape[1])
    cell.build(x.shape)
    cell.set_weights([read, carry, bias])
    return cell(x.astype("float32"), [h.astype("float32")])[0]


def gru_as_change(x, h, read, carry, bias):
    a, b = np.split(x @ read + bias[0], 3, axis=1), np.split(h @ carry + bias[1], 3, axis=1)
    z = expit(a[0] + b[0])
    return h + (1 - z) * (np.tanh(a[2] + expit(a[1] + b[1]) * b[2]) - h)


def without_reset(x, h, read, carry, bias):
    parts = np.split(x @ read + h @ carry + bias.sum(axis=0), 3, axis=1)
    return expit(parts[0]) * h + (1 - expit(parts[0])) * np.tanh(parts[2])


def only_new(x, h, read, carry, bias):
    z = expit((x @ read + h @ carry + bias.sum(axis=0))[:, :3])
    return gru(x, h, read, carry, bias) - z * h


def states(u, factors, real):
    kept, state = [], np.zeros(len(factors), complex)
    for t in range(len(u)):
        state = factors * state + u[t] if real[t] else state
        kept.append(state)
    return np.array(kept)


def states_of_real_events(u, factors, real):
    """Recur over the real events, then look up the state of the latest one."""
    inner = states(u[real], factors, np.ones(real.sum(), bool))
    return np.vstack([np.zeros((1, len(factors))), inner])[np.cumsum(real)]


def states_by_powers(u, factors, real):
    age = np.cumsum(real)[:, None] - np.cumsum(real)[None, :]
    seen = (age >= 0) & real[None, :] & np.tri(len(u), dtype=bool)
    return np.stack(
        [(np.where(seen, f ** np.maximum(age, 0), 0) @ u[:, n]) for n, f in enumerate(factors)],
        axis=1,
    )


def states_with_where(u, factors, real):
    found = np.zeros(u.shape, complex)
    for t, event in enumerate(u):
        before = found[t - 1] if t else np.zeros(len(factors))
        found[t] = np.where(real[t], factors * before + event, before)
    return found


ALL = np.ones(5, bool)


def reach(factor, share):
    return math.ceil(math.log(share) / math.log(abs(factor)) - 1e-12)


def reach_by_loop(factor, share):
    events, left = 0, 1.0
    while left > share * (1 + 1e-12):
        events, left = events + 1, left * abs(factor)
    return events


def reach_by_table(factor, share):
    return int(np.argmax(np.abs(factor) ** np.arange(2000) <= share + 1e-12))


class TestBank(ExerciseBank):
    right = {
        "16.1": [gru, gru_by_row, gru_of_keras, gru_as_change],
        "16.2": [states, states_of_real_events, states_by_powers, states_with_where],
        "16.3": [reach, reach_by_loop, reach_by_table, lambda f, s: float(reach(f, s))],
    }
    wrong = {
        "16.1": [
            ("changed places", lambda *a: gru(*a, turn=True)),
            ("columns of z come first", lambda *a: gru(*a, swap=True)),
            ("not through a sigmoid", lambda *a: gru(*a, squash=expit)),
            ("needs tanh", lambda *a: gru(*a, squash=lambda values: values)),
            ("after the product", lambda *a: gru(*a, before=True)),
            ("second row of the biases", lambda *a: gru(*a, scale=(1, 0))),
            ("gate r is missing", without_reset),
            ("old state is missing", only_new),
            ("Return states", lambda *a: gru(*a).sum(axis=1)),
        ],
        "16.2": [
            ("Padding adds", lambda u, f, real: states(u, f, ALL)),
            ("multiplies the state", lambda u, f, real: states(u * real[:, None], f, ALL)),
            ("only the old state is", lambda u, f, real: states(u * f, f, real)),
            ("Nothing is forgotten", lambda u, f, real: states(u, f * 0 + 1, real)),
            ("from the last to the first", lambda u, f, r: states(u[::-1], f, r[::-1])[::-1]),
            ("before the events", lambda u, f, r: np.vstack([0 * f[None], states(u, f, r)[:-1]])),
            ("states of padding are 0", lambda u, f, r: states(u, f, r) * r[:, None]),
            ("one state per event", lambda u, f, r: states(u, f, r)[-1]),
            ("real part", lambda *a: states(*a).real),
        ],
        "16.3": [
            ("whole number", lambda f, s: math.log(s) / math.log(abs(f))),
            ("Rounded down", lambda f, s: math.floor(math.log(s) / math.log(abs(f)) + 1e-9)),
            ("One event too many", lambda f, s: math.floor(reach_by_loop(f, s) + 1)),
            ("until the share is lost", lambda f, s: reach(f, 1 - s)),
            ("the size counts", lambda f, s: reach(np.real(f), s)),
            ("more than the share may", lambda f, s: round(math.log(s) / math.log(abs(f)))),
            ("events are wrong", lambda f, s: 3),
        ],
    }
