"""Checks of the exercises of notebook 06, SASRec."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("06.1")
def check_size(answer) -> None:
    """How many numbers a SASRec learns."""
    expect(callable(answer), "Give a function of num_items, max_length, width and num_blocks.")
    items, length, width = 37, 11, 6
    without = answer(items, length, width, 0)
    expect(
        isinstance(without, int | np.integer),
        f"A number of weights is a whole number; yours is of the type {type(without).__name__}.",
    )
    tables = (items + 3) * width + length * width
    expect(
        without not in (tables - 3 * width, tables - width, tables - 2 * width),
        "Without blocks it is a little too small: compare the rows of the item table with the "
        "number of items.",
    )
    expect(
        without - tables in (0, 2 * width),
        "Without blocks it is off: there are still tables of items and of positions.",
    )
    expect(without != tables, "Without blocks it is nearly right: something follows the blocks.")
    one, three = answer(items, length, width, 1), answer(items, length, width, 3)
    expect(three - without == 3 * (one - without), "Every block must add as much as the first.")
    narrow = one - without
    expect(
        narrow != 6 * width**2,
        "Without blocks it is right. A block has all its kernels, but not everything that is "
        "learnt is a kernel.",
    )
    expect(
        narrow != 6 * width**2 + 6 * width,
        "Without blocks it is right, and a block has its dense layers. What else has it learnt?",
    )
    expect(
        narrow == 6 * width**2 + 10 * width,
        "Without blocks it is right, but a block is not: list its layers with `block.weights`.",
    )


@exercise("06.2")
def check_distances(answer) -> None:
    """The mean weight at each distance, over real events only."""
    expect(callable(answer), "Give a function of the weights and of which events are real.")
    rng = np.random.default_rng(62)
    weights, real = _causal(rng, 3, 5), np.ones((3, 5), bool)
    given = weights.copy()
    found = np.asarray(answer(given, real))
    expect(
        found.shape == (5,),
        f"Five events can be 0 to 4 steps apart: the shape (5,) was expected, not {found.shape}.",
    )
    expect(np.array_equal(given, weights), "It changed the weights it was given.")
    expected = _by_distance(weights, real)
    expect(
        not np.allclose(found[::-1], expected),
        "The numbers are there, but the other way round: an event is at no distance from itself.",
    )
    last = weights[:, -1, ::-1].mean(axis=0)
    expect(
        not np.allclose(found, last),
        "These are the weights of the last event alone; every event that looks counts.",
    )
    expect(
        not np.allclose(found * 5, expected * (5 - np.arange(5))),
        "Not all distances can be seen equally often: only the first event is that far from the "
        "last. A mean is over the pairs that exist.",
    )
    expect_close(found, expected, "Even where every event is real the means are not right.")
    real[0, :3], real[1, :1] = False, False
    weights = _causal(rng, 3, 5) * real[:, None, :] + np.eye(5) * ~real[:, :, None]
    expect_close(
        answer(weights, real),
        _by_distance(weights, real),
        "It is right where all events are real, but padding looks at itself, and that says "
        "nothing about people.",
    )


@exercise("06.3")
def check_rollout(answer) -> None:
    """Attention of several blocks, followed back to the events."""
    expect(callable(answer), "Give a function of the weights of the blocks, first block first.")
    rng = np.random.default_rng(63)
    first, second, third = _causal(rng, 3, 4)
    half = (first + np.eye(4)) / 2
    found = np.asarray(answer([first]))
    expect(
        found.shape == (4, 4),
        f"Each of four states goes back to four events: (4, 4), not {found.shape}.",
    )
    expect(
        not np.allclose(found, first),
        "With a single block it returns the weights alone; but the event also reaches its state "
        "past the attention.",
    )
    expect_close(found, half, "A single block is not right yet: half comes from the residual.")
    two = np.asarray(answer([first, second]))
    later = (second + np.eye(4)) / 2
    expect(
        np.allclose(two.sum(axis=-1), 1),
        "One block is right. With two, the shares of a state no longer sum to one.",
    )
    expect(
        not np.allclose(two, (half + later) / 2),
        "One block is right. Two stand one upon the other, not side by side: what the second "
        "looks at has already looked.",
    )
    expect(
        not np.allclose(two, half @ later),
        "One block is right. With two, follow a single share back from the last state: which block "
        "do you pass first?",
    )
    expect_close(two, later @ half, "One block is right, two are not.")
    expect_close(
        answer([first, second, third]),
        (third + np.eye(4)) / 2 @ later @ half,
        "Two blocks are right, three are not.",
    )


def _causal(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Random weights that look back only, rows summing to one, (count, T, T)."""
    weights = np.tril(rng.random((count, length, length)))
    return weights / weights.sum(axis=-1, keepdims=True)


def _by_distance(weights: np.ndarray, real: np.ndarray) -> np.ndarray:
    steps = np.arange(weights.shape[1])
    apart = steps[:, None] - steps[None, :]
    pairs = real[:, :, None] & real[:, None, :]
    return np.array([weights[pairs & (apart == distance)].mean() for distance in steps])
