"""One seed for everything that is random in a run."""

import keras
import numpy as np


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and the backend: initial weights depend on it alone."""
    if seed < 0:
        raise ValueError(f"`seed` must be 0 or more. Received: seed={seed}")
    keras.utils.set_random_seed(seed)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Set the state of every dropout generator from the seed and the epoch.

    Keras does not store these states with the weights, so a resumed run would otherwise drop
    other units than an uninterrupted one.
    """
    states = [
        layer.seed_generator.state
        for layer in model._flatten_layers()
        if getattr(layer, "seed_generator", None) is not None
    ]
    for index, state in enumerate(states):
        sequence = np.random.SeedSequence((seed, epoch, index))
        state.assign(np.array([sequence.generate_state(1)[0], 0]).astype(state.dtype))
    if keras.backend.backend() == "torch":
        # There, dropout draws from PyTorch's global generator and ignores those states.
        set_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
