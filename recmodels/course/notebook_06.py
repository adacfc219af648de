"""Checks of the exercises of notebook 06, SASRec."""

import numpy as np

from recmodels.course.checking import (
    NotYet,
    call,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
)


@exercise("06.1", "num_items, max_length, width and num_blocks")
def check_size(answer) -> None:
    """How many numbers a SASRec learns."""
    items, length, width = 37, 11, 6
    without, one, two, three = (_size(answer, items, length, width, n) for n in range(4))
    tables, norm = (items + 3 + length) * width, 2 * width
    mistakes = {
        "Without blocks the item table is too small: it also has rows for padding and for special "
        "items.": tuple(tables - rows * width for rows in (-1, 1, 3)),
        "Without blocks the table of items or that of positions is missing.": (
            (items + 3) * width + norm,
            (items + 3) * width,
            length * width + norm,
        ),
        "Without blocks it is nearly right: a last norm follows the blocks, with two vectors.": (
            tables,
            tables + width,
        ),
    }
    reason = "Without blocks it is wrong: count the two tables and the last norm."
    expect_close(without, tables + norm, reason, mistakes)
    same = three - two == two - one == one - without
    expect(same, "Every block must add as many numbers as the first.")
    _expect_block(one - without, width)
    other = _size(answer, 100, 20, 8, 2)
    right = (100 + 3 + 20) * 8 + 2 * 8 + 2 * (6 * 8**2 + 10 * 8)
    expect(other == right, "It is right for one width and one length only.")


def _expect_block(returned: int, width: int) -> None:
    kernels, biases, norms = 6 * width**2, 6 * width, 4 * width
    mistakes = {
        "has its kernels, but not everything that is learnt is a kernel.": kernels,
        "has its dense layers, but its two norms learn vectors too.": kernels + biases,
        "has its kernels and norms, but dense layers have biases too.": kernels + norms,
        "also has a feed-forward network of two dense layers.": kernels * 2 // 3 + 8 * width,
        "has four dense layers in attention: one more joins the heads.": (
            kernels * 5 // 6 + 9 * width
        ),
        "has a feed-forward network as wide as the model, not four times as wide.": (
            12 * width**2 + 13 * width
        ),
    }
    mistakes = {f"Without blocks it is right. A block {why}": n for why, n in mistakes.items()}
    reason = "Without blocks it is right, but a block is not: list its layers with `block.weights`."
    expect_close(returned, kernels + biases + norms, reason, mistakes)


def _size(answer, *given: int) -> int:
    returned = call(answer, *given)
    numbers(returned, (), "Return one number.")
    if not isinstance(returned, int | np.integer):
        kind = type(returned).__name__
        raise NotYet(f"A number of weights is a whole number (int); yours has the type {kind}.")
    return int(returned)


@exercise("06.2", "the weights and of which events are real")
def check_distances(answer) -> None:
    """The mean weight at each distance, over real events only."""
    rng = np.random.default_rng(62)
    weights, real = _causal(rng, 3, 5), np.ones((3, 5), bool)
    reason = "Five events are 0 to 4 steps apart; return one number for each distance."
    returned = numbers(call(answer, weights, real), (5,), reason)
    expect_unchanged(answer, weights, real)
    expected, pairs = _by_distance(weights, real), 5 - np.arange(5)
    mistakes = {
        "These are the weights of the last event only; use every event that looks back.": (
            weights[:, -1, ::-1].mean(axis=0)
        ),
        "Each sum is divided by the number of events. Larger distances have fewer pairs; divide by "
        "the number of pairs.": expected * pairs / 5,
        "These are sums; divide each by the number of its pairs.": (
            expected * pairs,
            expected * pairs * 3,
        ),
        "These are means by position, not by distance.": (
            weights.mean(axis=(0, 1)),
            weights.mean(axis=(0, 2)),
        ),
    }
    expect_close(returned, expected, "It is wrong even where all events are real.", mistakes)
    real[0, :3], real[1, :1] = False, False
    weights = _causal(rng, 3, 5) * real[:, None, :] + np.eye(5) * ~real[:, :, None]
    reason = "It is right where all events are real, and wrong where some are padding."
    right = _by_distance(weights, real)
    expect_close(call(answer, weights, real), right, reason, _with_padding(weights, real))


def _with_padding(weights: np.ndarray, real: np.ndarray) -> dict:
    every, histories = np.ones_like(real), range(len(real))
    hidden = np.where(real[:, :, None] & real[:, None, :], weights, 0)
    by_history = [_by_distance(weights[[b]], real[[b]]) for b in histories]
    return {
        "It is right where all events are real, but padding is counted: it looks at itself.": (
            _by_distance(weights, every)
        ),
        "Both events of a pair must be real, the one that looks and the one that is looked at.": (
            _by_distance(weights, real, every),
            _by_distance(weights, every, real),
        ),
        "Pairs with padding are counted as weights of zero; leave them out of the mean.": (
            _by_distance(hidden, every)
        ),
        "It averages the histories first; average over all pairs at once.": (
            np.nanmean(by_history, axis=0)
        ),
    }


@exercise("06.3", "the weights of the blocks, first block first")
def check_rollout(answer) -> None:
    """Attention of several blocks, followed back to the events."""
    rng = np.random.default_rng(63)
    first, second, third = _causal(rng, 3, 4)
    half, later, last = ((block + np.eye(4)) / 2 for block in (first, second, third))
    reason = "Return the shares of four events in each of four states."
    returned = numbers(call(answer, [first]), (4, 4), reason)
    mistakes = {
        "With one block it returns the weights alone; half of a state comes from the residual.": (
            first
        ),
        "With one block the residual is added, but the rows must sum to one.": (
            first + np.eye(4),
            first / 2 + np.eye(4),
        ),
        "With one block the residual is missing: the rows sum to one half.": first / 2,
        "Rows and columns have changed places: a row must belong to a state.": half.T,
    }
    expect_close(returned, half, "It is wrong for one block.", mistakes)
    mistakes = {
        "One block is right. With two, the blocks are averaged; the second looks at states that "
        "have looked already, so multiply.": (half + later) / 2,
        "One block is right. With two, the product is in the wrong order: start from the last "
        "block, whose rows are the states.": half @ later,
        "One block is right. With two, the weights are multiplied first and the residual is added "
        "once; each block has its own.": (
            (second @ first + np.eye(4)) / 2,
            second @ half,
            later @ first,
        ),
        "One block is right. With two, only one of them is used.": (half, later),
        "One block is right. With two, the shares are added, so that rows sum to two.": half
        + later,
    }
    two = call(answer, [first, second])
    expect_close(two, later @ half, "One block is right, two are not.", mistakes)
    three = call(answer, [first, second, third])
    expect_close(three, last @ later @ half, "Two blocks are right, three are not.")


def _causal(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Random weights that look back only, rows summing to one, (count, T, T)."""
    weights = np.tril(rng.random((count, length, length)))
    return weights / weights.sum(axis=-1, keepdims=True)


def _by_distance(weights: np.ndarray, real: np.ndarray, looking=None) -> np.ndarray:
    steps = np.arange(weights.shape[1])
    apart = steps[:, None] - steps[None, :]
    pairs = (real if looking is None else looking)[:, :, None] & real[:, None, :]
    return np.array([weights[pairs & (apart == distance)].mean() for distance in steps])
