"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
import pytest
from exercises import ExerciseChecks

import recmodels as rm


def size(num_items, max_length, width, num_blocks):
    block = 6 * (width**2 + width) + 4 * width
    return (num_items + 3 + max_length) * width + num_blocks * block + 2 * width


def by_distance(weights, real):
    steps = np.arange(weights.shape[1])
    pairs = real[:, :, None] & real[:, None, :]
    apart = steps[:, None] - steps
    return np.array([weights[pairs & (apart == distance)].mean() for distance in steps])


def rollout(weights):
    shares = np.eye(len(weights[0]))
    for block in weights:
        shares = (block + np.eye(len(block))) / 2 @ shares
    return shares


def over_all_steps(weights, real):
    length = weights.shape[1]
    traces = [np.trace(weights, -d, axis1=1, axis2=2).mean() for d in range(length)]
    return np.array(traces) / length


def changed_in_place(weights, real):
    weights[~real] = 0
    weights *= 1.0 + 1e-3
    return by_distance(weights, real)


RIGHT = {"06.1": size, "06.2": by_distance, "06.3": rollout}
WRONG = {
    "06.1": (
        lambda v, length, d, blocks: size(v, length, d, blocks) / 1,
        lambda v, length, d, blocks: size(v - 3, length, d, blocks) - 2 * d,
        lambda v, length, d, blocks: v * d,
        lambda v, length, d, blocks: size(v, length, d, blocks) - 2 * d,
        lambda v, length, d, blocks: size(v, length, d, min(blocks, 1)),
        lambda v, length, d, blocks: size(v, length, d, 0) + blocks * 6 * d * d,
        lambda v, length, d, blocks: size(v, length, d, 0) + blocks * 6 * (d * d + d),
        lambda v, length, d, blocks: size(v, length, d, 0) + blocks * 5 * d * d,
    ),
    "06.2": (
        lambda weights, real: weights.mean(axis=0),
        lambda weights, real: by_distance(weights, real)[::-1],
        lambda weights, real: weights[:, -1, ::-1].mean(axis=0),
        over_all_steps,
        lambda weights, real: by_distance(weights, np.ones_like(real)),
        lambda weights, real: np.arange(weights.shape[1]),
        changed_in_place,
    ),
    "06.3": (
        lambda weights: np.stack(weights),
        lambda weights: np.linalg.multi_dot([np.eye(4), *weights[::-1], np.eye(4)]),
        lambda weights: rollout([w + np.eye(4) for w in weights]),
        lambda weights: np.mean([rollout([w]) for w in weights], axis=0),
        lambda weights: rollout(weights[::-1]),
        lambda weights: rollout(weights[:2]),
        lambda weights: sum(rollout([w]) for w in weights),
    ),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("+ 3", "unknown", "mask", "bias", "gamma", "np.", "@", "matmul", "eye", "trace")


@pytest.mark.parametrize("blocks", [0, 2])
def test_the_size_is_that_of_the_model(blocks):
    model = rm.SASRec(7, max_length=5, width=4, num_blocks=blocks)
    model.build()
    assert model.count_params() == size(7, 5, 4, blocks)
