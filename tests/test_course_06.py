"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 06."""

import numpy as np
import pandas as pd
import pytest
from exercises import ExerciseBank

import recmodels as rm


def size(num_items, max_length, width, num_blocks):
    block = 6 * (width**2 + width) + 4 * width
    return (num_items + 3 + max_length) * width + num_blocks * block + 2 * width


def size_of_shapes(num_items, max_length, width, num_blocks):
    dense, norm = [(width, width), (width,)], [(width,), (width,)]
    shapes = [(num_items + 3, width), (max_length, width), *norm]
    shapes += (6 * dense + 2 * norm) * num_blocks
    return sum(int(np.prod(shape)) for shape in shapes)


def size_of_the_model(num_items, max_length, width, num_blocks):
    model = rm.SASRec(num_items, max_length=max_length, width=width, num_blocks=num_blocks)
    model.build()
    return model.count_params()


def size_with(block=0, rest=0):
    """The right size, with so many other numbers per block and in the rest, by the width."""
    return lambda v, length, d, blocks: size(v, length, d, blocks) + blocks * block(d) + rest * d


def by_distance(weights, real):
    steps = np.arange(weights.shape[1])
    pairs = real[:, :, None] & real[:, None, :]
    apart = steps[:, None] - steps
    return np.array([weights[pairs & (apart == distance)].mean() for distance in steps])


def by_distance_in_loops(weights, real):
    length = weights.shape[1]
    found = [[] for _ in range(length)]
    for b in range(len(weights)):
        for i in range(length):
            for j in range(i + 1):
                if real[b, i] and real[b, j]:
                    found[i - j].append(weights[b, i, j])
    return [sum(weights) / len(weights) for weights in found]


def by_diagonals(weights, real):
    kept = real[:, :, None] * real[:, None, :]
    sums, pairs = (
        [np.trace(table, -d, axis1=1, axis2=2).sum() for d in range(weights.shape[1])]
        for table in (weights * kept, kept.astype(np.float32))
    )
    return np.divide(sums, pairs)


def by_groups(weights, real):
    b, i, j = np.nonzero(real[:, :, None] & real[:, None, :] & np.tri(weights.shape[1], dtype=bool))
    return pd.Series(weights[b, i, j]).groupby(i - j).mean()


def only_looking(weights, real):
    apart = np.arange(weights.shape[1])[:, None] - np.arange(weights.shape[1])
    pairs = np.broadcast_to(real[:, :, None], weights.shape)
    return [weights[pairs & (apart == d)].mean() for d in range(weights.shape[1])]


def zeros_for_padding(weights, real):
    return by_distance(weights * real[:, :, None] * real[:, None, :], np.ones_like(real))


def changed_in_place(weights, real):
    weights[:, 0] *= 1.0 + 1e-9
    return by_distance(weights, real)


def rollout(weights):
    shares = np.eye(len(weights[0]))
    for block in weights:
        shares = (block + np.eye(len(block))) / 2 @ shares
    return shares


def rollout_backwards(weights):
    halves = [0.5 * np.asarray(block) + 0.5 * np.eye(len(block)) for block in weights]
    return halves[0] if len(halves) == 1 else np.linalg.multi_dot(halves[::-1])


def rollout_by_recursion(weights):
    if not weights:
        return np.eye(4)
    before = rollout_by_recursion(weights[:-1])
    return 0.5 * before + 0.5 * weights[-1] @ before


def attention_only(weights):
    return np.linalg.multi_dot([np.eye(4), *weights[::-1], np.eye(4)])


def residual_once(weights):
    return rollout([attention_only(weights)])


class TestBank(ExerciseBank):
    right = {
        "06.1": [size, size_of_shapes, size_of_the_model, lambda *given: np.int64(size(*given))],
        "06.2": [by_distance, by_distance_in_loops, by_diagonals, by_groups],
        "06.3": [rollout, rollout_backwards, rollout_by_recursion,
                 lambda weights: rollout(np.array(weights, np.float32)).tolist()],
    }  # fmt: skip
    wrong = {
        "06.1": [
            ("whole number", lambda *given: size(*given) / 1),
            ("item table is too small", size_with(lambda d: 0, -3)),
            ("table of items or that of positions", lambda v, length, d, blocks: v * d + 3 * d),
            ("last norm", size_with(lambda d: 0, -2)),
            ("as the first", lambda v, length, d, blocks: size(v, length, d, min(blocks, 1))),
            ("not everything that is learnt", size_with(lambda d: -10 * d)),
            ("two norms", size_with(lambda d: -4 * d)),
            ("have biases too", size_with(lambda d: -6 * d)),
            ("feed-forward network", size_with(lambda d: -2 * (d * d + d))),
            ("joins the heads", size_with(lambda d: -(d * d + d))),
            ("four times as wide", size_with(lambda d: 6 * d * d + 3 * d)),
            ("list its layers", size_with(lambda d: 5)),
            ("one width and one length", lambda v, length, d, blocks: size(v, 11, d, blocks)),
        ],
        "06.2": [
            ("one number for each distance", lambda weights, real: weights.mean(axis=0)),
            ("reversed", lambda weights, real: by_distance(weights, real)[::-1]),
            ("last event only", lambda weights, real: weights[:, -1, ::-1].mean(axis=0)),
            ("fewer pairs", lambda w, real: by_diagonals(w, real) * np.arange(5, 0, -1) / 5),
            ("are sums", lambda w, real: by_diagonals(w, real) * np.arange(5, 0, -1) * 3),
            ("padding is counted", lambda weights, real: by_distance(weights, np.ones_like(real))),
            ("Both events", only_looking),
            ("weights of zero", zeros_for_padding),
            ("all events are real", lambda weights, real: np.arange(weights.shape[1])),
            ("changes the array", changed_in_place),
            ("histories first", lambda w, real: np.nanmean(
                [by_distance(w[[b]], real[[b]]) for b in range(len(w))], axis=0)),
            ("by position", lambda weights, real: weights.mean(axis=(0, 1))),
        ],
        "06.3": [
            ("four states", lambda weights: np.stack(weights)),
            ("weights alone", attention_only),
            ("rows must sum to one", lambda w: rollout([block + np.eye(4) for block in w]) * 1.0),
            ("are averaged", lambda weights: np.mean([rollout([w]) for w in weights], axis=0)),
            ("wrong order", lambda weights: rollout(weights[::-1])),
            ("three are not", lambda weights: rollout(weights[:2])),
            ("sum to two", lambda weights: sum(rollout([w]) for w in weights)),
            ("added once", residual_once),
            ("only one of them", lambda weights: rollout(weights[-1:])),
            ("two are not", lambda w: np.prod([rollout([block]) for block in w], axis=0)),
            ("one half", lambda weights: attention_only(weights) / 2),
            ("changed places", lambda weights: rollout(weights).T),
        ],
    }  # fmt: skip
    given_away = ("+ 3", "gamma", "np.", "@", "matmul", "eye", "trace")


@pytest.mark.parametrize("blocks", [0, 2])
def test_the_size_is_that_of_the_model(blocks):
    assert size_of_the_model(7, 5, 4, blocks) == size(7, 5, 4, blocks)
