"""Seed all random numbers of a run."""

import sys

import keras
import numpy as np

from recmodels.models.initial_weights import InitialWeights


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and the backend, so that initial weights depend on the seed only."""
    if seed < 0:
        raise ValueError(f"`seed` must be 0 or more. Received: seed={seed}")
    keras.utils.set_random_seed(seed)


def seed_weights(model: InitialWeights, seed: int, again: bool = False) -> None:
    """Set the initial weights of a built model to those of a seed.

    A model that is not built gets them when it is built after `set_seed`. One that was trained,
    loaded or given weights keeps them, and a line on standard error says so; with `again` they
    are replaced.
    """
    if not model.built:
        return
    twin = _untrained_twin(model, seed) if again or model.has_initial_weights else None
    if twin is None:
        print(
            f"{type(model).__name__} has weights already, from an earlier training, a file or the "
            "user: training continues from them. For initial weights make a new model.",
            file=sys.stderr,
        )
        return
    for weight, fresh in zip(model.weights, twin.weights, strict=True):
        if fresh.trainable:  # The others hold what was counted or given, such as features.
            weight.assign(fresh)
    model.remember_weights()


def _untrained_twin(model: InitialWeights, seed: int) -> InitialWeights | None:
    """Build the same model again after `set_seed`; None if that is not possible."""
    try:
        twin = type(model).from_config(_unbuilt(model.get_config()))
        set_seed(seed)
        twin.build()
    except (NotImplementedError, TypeError, ValueError):
        return None
    shapes = [[tuple(weight.shape) for weight in each.weights] for each in (twin, model)]
    return twin if shapes[0] == shapes[1] else None


def _unbuilt(config):
    """Remove build information of inner layers from a config, to build after the seed."""
    if isinstance(config, list):
        return [_unbuilt(part) for part in config]
    if not isinstance(config, dict):
        return config
    return {name: _unbuilt(part) for name, part in config.items() if name != "build_config"}


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
