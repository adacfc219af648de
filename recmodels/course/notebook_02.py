"""Checks of the exercises of notebook 02, prepare: padding, shifting, scaling, cores."""

import numpy as np

from recmodels.course.checking import (
    call,
    exercise,
    expect,
    expect_close,
    numbers,
    parts,
)

# What typical mistakes make of the history [6, 2, 9, 4], read with length 5.
NOT_SHIFTED = {
    "Inputs and targets are the same: a position must ask for the next item.": (
        [[0, 6, 2, 9, 4], [0, 6, 2, 9, 4]],
        [[0, 0, 6, 2, 9], [0, 0, 6, 2, 9]],
        [[0, 0, 2, 9, 4], [0, 0, 2, 9, 4]],
    ),
    "The targets are earlier events: each position must ask for the event after it.": (
        [[0, 0, 2, 9, 4], [0, 0, 6, 2, 9]],
        [[0, 6, 2, 9, 4], [0, 0, 6, 2, 9]],
    ),
    "A position without an input has a target; the target must be padding there.": (
        [[0, 0, 6, 2, 9], [0, 6, 2, 9, 4]]
    ),
    "The newest event has an input but no target; it can only be a target.": (
        [[0, 6, 2, 9, 4], [6, 2, 9, 4, 0]]
    ),
    "The zeros stand on the right; padding belongs on the left.": (
        [[6, 2, 9, 0, 0], [2, 9, 4, 0, 0]]
    ),
}


@exercise("02.1", "histories and a length")
def check_pad(answer) -> None:
    """`answer(histories, length)`: the latest items of each, padded on the left with 0."""
    histories = [[8], [3, 1, 4, 1, 5, 9], [], [2, 7, 6]]
    returned = call(answer, histories, 3)
    numbers(returned, (4, 3), "Return one row for each user, with `length` columns.")
    expect(np.asarray(returned).dtype.kind in "iu", "Item ids must be whole numbers (integers).")
    expected = [[0, 0, 8], [1, 5, 9], [0, 0, 0], [2, 7, 6]]
    mistakes = {
        "The zeros stand on the right; padding belongs on the left.": (
            [[8, 0, 0], [1, 5, 9], [0, 0, 0], [2, 7, 6]]
        ),
        "A long history keeps its oldest events; it must keep the latest.": (
            [[0, 0, 8], [3, 1, 4], [0, 0, 0], [2, 7, 6]]
        ),
        "The zeros stand on the right and a long history keeps its oldest events.": (
            [[8, 0, 0], [3, 1, 4], [0, 0, 0], [2, 7, 6]]
        ),
        "The events of a row are in reverse order; the oldest must come first.": (
            [[0, 0, 8], [9, 5, 1], [0, 0, 0], [6, 7, 2]]
        ),
    }
    expect_close(returned, expected, "A row must hold zeros, then the latest events.", mistakes)
    reason = "Use the length that is given."
    longer = numbers(call(answer, [[2, 7]], 5), (1, 5), reason)
    expect_close(longer, [[0, 0, 0, 2, 7]], reason)


@exercise("02.2", "a history and a length")
def check_shift(answer) -> None:
    """`answer(history, length)`: inputs and targets of a training window, both (length,)."""
    reason = "The inputs are all events but the newest, and a target is the item after its input."
    expect_close(
        _pair(answer, [6, 2, 9, 4], 5), [[0, 0, 6, 2, 9], [0, 0, 2, 9, 4]], reason, NOT_SHIFTED
    )
    mistakes = {
        "A long history must keep its newest events, and it keeps the oldest.": (
            [[1, 2, 3], [2, 3, 4]],
            [[3, 4, 5], [2, 3, 4]],
            [[1, 2, 3], [4, 5, 6]],
        ),
        "Cut a long history only after shifting: every place must hold an event.": (
            [[0, 4, 5], [0, 5, 6]],
            [[4, 5, 0], [5, 6, 0]],
        ),
    }
    reason = "Short histories are right, but not one that is longer than `length`."
    long, exact = _pair(answer, [1, 2, 3, 4, 5, 6], 3), _pair(answer, [1, 2, 3, 4], 3)
    expect_close(long, [[3, 4, 5], [4, 5, 6]], reason, mistakes)
    expect_close(exact, [[1, 2, 3], [2, 3, 4]], reason)
    reason = "One event asks nothing: inputs and targets must be padding."
    expect_close(_pair(answer, [5], 3), np.zeros((2, 3)), reason)


def _pair(answer, history: list[int], length: int) -> np.ndarray:
    reason = "Return inputs and targets, both of `length` numbers."
    returned = parts(call(answer, history, length), 2, reason)
    return np.stack([numbers(part, (length,), reason) for part in returned])


@exercise("02.3", "the training values and the test values")
def check_scale(answer) -> None:
    """`answer(train, test)`: log1p, standardised as training is; missing values become 0."""
    train = np.array([3.0, 40.0, np.nan, 11.0, 250.0])
    test = np.array([1000.0, np.nan, 2000.0])
    scaled, scaled_test = _parts(answer, train, test)
    expect(
        not np.isnan(scaled).any() and not np.isnan(scaled_test).any(),
        "A missing value must become 0, which is the mean on the new scale.",
    )
    other, _ = _parts(answer, train, test * 7)
    expect(
        np.allclose(other, scaled),
        "The training values change when only the test values change: take mean and deviation "
        "from training alone.",
    )
    logs, test_logs, known = np.log1p(train), np.log1p(test), ~np.isnan(train)
    # A deviation may divide by n or by n - 1; both parts must use the same one.
    ddof = int(np.isclose(scaled[known].std(ddof=1), 1))
    reason = "The training values must be log(1 + seconds) with mean 0 and deviation 1."
    expect_close(scaled, _standard(logs, logs, ddof), reason, _not_scaled(train, ddof))
    mistakes = {
        "The test values were given a mean and a deviation of their own; use those of training.": (
            _standard(test_logs, test_logs, ddof)
        ),
        "Test and training are divided by different deviations.": _standard(
            test_logs, logs, 1 - ddof
        ),
    }
    reason = "The test values are not on the scale of training."
    expect_close(scaled_test, _standard(test_logs, logs, ddof), reason, mistakes)


def _not_scaled(train: np.ndarray, ddof: int) -> dict:
    logs = np.log1p(train)
    filled, spread = np.log1p(np.nan_to_num(train)), np.nanmax(logs) - np.nanmin(logs)
    return {
        "The seconds are standardised; take log(1 + seconds) first.": _standard(train, train, ddof),
        "log(seconds) was taken; take log(1 + seconds).": (
            _standard(np.log(train), np.log(train), ddof)
        ),
        "The values have mean 0 but were not divided by their deviation.": (
            np.nan_to_num(logs - np.nanmean(logs))
        ),
        "The values are logarithms; they still need mean 0 and deviation 1.": np.nan_to_num(logs),
        "Missing values were counted as 0 seconds in the mean and the deviation.": (
            np.where(np.isnan(train), 0, _standard(filled, filled, ddof)),
            np.where(np.isnan(train), 0, _standard(filled, filled, 1 - ddof)),
        ),
        "The values lie between 0 and 1; they need mean 0 and deviation 1.": (
            np.nan_to_num((logs - np.nanmin(logs)) / spread)
        ),
    }


def _parts(answer, train: np.ndarray, test: np.ndarray) -> list[np.ndarray]:
    returned = parts(call(answer, train, test), 2, "Return both parts, scaled.")
    shapes = (train.shape, test.shape)
    return [numbers(part, shape) for part, shape in zip(returned, shapes, strict=True)]


def _standard(values: np.ndarray, fitted_on: np.ndarray, ddof: int) -> np.ndarray:
    return np.nan_to_num((values - np.nanmean(fitted_on)) / np.nanstd(fitted_on, ddof=ddof))


@exercise("02.4", "users, items and k")
def check_core(answer) -> None:
    """`answer(users, items, k)`: which events are in the k-core, bool, (N,)."""
    # A chain of 60 users, each with two items that the neighbours have too: without the items at
    # its ends, which are rare, the next users are rare, and so on. Users 60 and 61 stay.
    users = np.repeat(np.arange(62), 2)
    items = np.append((np.arange(120) + 1) // 2, [70, 71, 70, 71])
    returned = call(answer, users, items, 2)
    numbers(returned, users.shape, "Return true or false for each event.")
    returned = np.asarray(returned)
    expect(returned.dtype == bool, "Return true or false for each event, not other numbers.")
    expected = users >= 60
    expect(returned[-4:].all(), "A user or an item with exactly k events must stay.")
    once = np.bincount(items)[items] >= 2  # No user is rare before items are dropped.
    mistakes = {
        "Every event stays: drop the events of rare users and rare items.": np.ones(124),
        "Dropping once is not enough: what is left has to be counted again.": once,
    }
    reason = "Drop and count again until no user and no item left has fewer than k events."
    expect_close(returned, expected, reason, mistakes)
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 30, 150), rng.integers(0, 30, 150)
    returned = call(answer, users, items, 3)
    expect_close(returned, _core(users, items, 3), "A log of 150 events keeps the wrong events.")
    nobody = numbers(call(answer, users, items, 40), users.shape)
    expect(not nobody.any(), "Where nothing has k events, no event may stay.")


def _core(users: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    keep, left = np.ones(len(users), bool), -1
    while left != keep.sum():
        left = keep.sum()
        for ids in (users, items):
            keep &= np.bincount(ids[keep], minlength=ids.max() + 1)[ids] >= k
    return keep
