"""Checks of the exercises of notebook 16, recurrent models."""

import math

import numpy as np

from recmodels.course.checking import call, exercise, expect, expect_close, numbers


@exercise("16.1", "events, states and the weights of a GRU")
def check_gru(answer) -> None:
    """One step of the GRU of Keras, whose reset comes after the product."""
    rng = np.random.default_rng(161)
    x, h = rng.normal(size=(2, 4, 3))
    read, carry = rng.normal(size=(2, 3, 9))
    bias = rng.normal(size=(2, 9))
    returned = numbers(call(answer, x, h, read, carry, bias), (4, 3), "Return states: (B, D).")

    def step(read=read, carry=carry, bias=bias, order=(0, 1), squash=np.tanh, before=False):
        from_event = np.split(x @ read + bias[0], 3, axis=1)
        from_state = np.split(h @ carry + bias[1], 3, axis=1)
        z, r = (_sigmoid(from_event[k] + from_state[k]) for k in order)
        old = r * from_state[2]
        if before:
            old = (r * h) @ carry[:, 6:] + bias[1, 6:]
        return z, r, squash(from_event[2] + old)

    def mix(kept, new):
        return kept * h + (1 - kept) * new

    z, r, new = step()
    no_state_bias = bias * [[1], [0]]
    shared = np.split(x @ read + h @ carry + bias.sum(axis=0), 3, axis=1)[2]
    mistakes = {
        "z keeps the old state: old and new have changed places.": mix(1 - z, new),
        "The columns of z come first, then those of r.": mix(*step(order=(1, 0))[::2]),
        "The new part goes through tanh, not through a sigmoid.": mix(*step(squash=_sigmoid)[::2]),
        "The new part needs tanh.": mix(*step(squash=lambda values: values)[::2]),
        "Here r multiplies U h + b' after the product, not h before it.": (
            mix(*step(before=True)[::2])
        ),
        "The second row of the biases, that of the state, is missing.": (
            mix(*step(bias=no_state_bias)[::2])
        ),
        "The gate r is missing: it multiplies what the new part reads of the state.": (
            mix(z, np.tanh(shared))
        ),
        "The old state is missing: z keeps a part of it.": ((1 - z) * new, new),
    }
    expect_close(returned, mix(z, new), "The new states are wrong.", mistakes)


@exercise("16.2", "events, factors and which events are real")
def check_states(answer) -> None:
    """States of a linear recurrence that padding does not change."""
    rng = np.random.default_rng(162)
    u = rng.normal(size=(5, 2)) + 1j * rng.normal(size=(5, 2))
    factors = np.array([0.9 * np.exp(0.4j), 0.5 + 0j])
    real = np.array([False, True, True, False, True])
    returned = np.asarray(call(answer, u, factors, real))
    expect(returned.shape == (5, 2), "Return one state per event: (T, N).")
    flat = _plane(returned)
    mistakes = {
        "Only the real part is left; the states are complex.": (
            _plane(_linear(u, factors, real).real + 0j)
        ),
        "Padding adds its number to the state.": (
            _plane(_linear(u, factors, np.ones(5, bool))),
            _plane(_linear(u, factors, real, adds=True)),
        ),
        "Padding multiplies the state by the factor.": (
            _plane(_linear(u * real[:, None], factors, np.ones(5, bool)))
        ),
        "The event is multiplied by the factor too; only the old state is.": (
            _plane(_linear(u * factors, factors, real))
        ),
        "Nothing is forgotten: multiply the old state by the factor.": (
            _plane(_linear(u, factors * 0 + 1, real))
        ),
        "It reads the events from the last to the first.": (
            _plane(_linear(u[::-1], factors, real[::-1])[::-1]),
            _plane(_linear(u[::-1], factors, real[::-1])),
        ),
        "These are the states before the events; return those after them.": (
            _plane(np.vstack([np.zeros((1, 2)), _linear(u, factors, real)[:-1]]))
        ),
        "The states of padding are 0; the state stays what it was.": (
            _plane(_linear(u, factors, real) * real[:, None])
        ),
    }
    expect_close(flat, _plane(_linear(u, factors, real)), "The states are wrong.", mistakes)


@exercise("16.3", "a factor and a share")
def check_reach(answer) -> None:
    """The fewest events after which at most a share is left."""
    cases = [(0.9, 0.01), (0.5, 0.25), (0.8 * np.exp(2j), 0.05), (0.99 * np.exp(1j), 0.5)]
    returned = np.array([numbers(call(answer, *case), (), "Return one number.") for case in cases])

    def reach(size=np.abs, lost=lambda share: share):
        return np.array([math.log(lost(share)) / math.log(size(factor)) for factor, share in cases])

    reached = reach()
    mistakes = {
        "Return a whole number of events.": reached,
        "Rounded down, more than the share is left.": np.floor(reached + 1e-9),
        "Rounded to the nearest number, more than the share may be left.": np.round(reached),
        "One event too many: exactly the share is enough.": (
            np.floor(reached + 1e-9) + 1,
            np.ceil(reached - 1e-9) + 1,
        ),
        "Of a complex factor, the size counts: `abs`.": (
            np.ceil(reach(lambda factor: abs(np.real(factor)))),
            np.ceil(reach(lambda factor: abs(np.imag(factor)) or abs(factor))),
        ),
        "It counts until the share is lost, not until it is all that is left.": (
            np.ceil(reach(lost=lambda share: 1 - share))
        ),
    }
    expect_close(returned, np.ceil(reached - 1e-9), "The numbers of events are wrong.", mistakes)


def _sigmoid(values):
    return 1 / (1 + np.exp(-values))


def _plane(states):
    """Real and imaginary part as one array of real numbers."""
    states = np.asarray(states, complex)
    return np.concatenate([states.real, states.imag], axis=-1)


def _linear(u, factors, real, adds: bool = False):
    state, states = np.zeros(u.shape[1], complex), []
    for event, is_real in zip(u, real, strict=True):
        if is_real:
            state = factors * state + event
        elif adds:
            state = state + event
        states.append(state)
    return np.array(states)
