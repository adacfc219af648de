"""Exercises of notebook 02, prepare: padding, shifting, scaling, cores."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("02.1")
def check_pad(answer) -> None:
    """`answer(histories, length)`: the latest items of each, padded on the left with 0."""
    expect(callable(answer), "Give a function.")
    histories = [[8], [3, 1, 4, 1, 5, 9], [], [2, 7, 6]]
    found = np.asarray(answer([list(history) for history in histories], 3))
    expect(found.shape == (4, 3), f"Its shape is {found.shape}: one row a user, `length` columns.")
    expect(found.dtype.kind in "iu", "Item ids are whole numbers.")
    expect(found[0].tolist() != [8, 0, 0], "A short history: on which side is its newest event?")
    expect(found[1].tolist() != [3, 1, 4], "A long history lost its latest events.")
    expect(found[1].tolist() != [9, 5, 1], "The events of a row should stay oldest first.")
    expect(found[2].tolist() == [0, 0, 0], "A user without an event has a row of padding.")
    expected = [[0, 0, 8], [1, 5, 9], [0, 0, 0], [2, 7, 6]]
    expect_close(found, expected, "A row should hold padding first, then the latest events.")
    longer = np.asarray(answer([[2, 7]], 5))
    expect_close(longer, [[0, 0, 0, 2, 7]], "It should use the length that it is given.")


@exercise("02.2")
def check_shift(answer) -> None:
    """`answer(history, length)`: inputs and targets of a training window, both (length,)."""
    expect(callable(answer), "Give a function.")
    inputs, targets = _pair(answer, [6, 2, 9, 4], 5)
    expect(inputs.shape == targets.shape == (5,), "Inputs and targets both have `length` places.")
    expect(inputs[0] == 0 and targets[0] == 0, "Padding should stand on the left.")
    expect(inputs[-1] != targets[-1], "A position must not be asked for the item it is shown.")
    expect(
        targets.tolist() != [0, 0, 6, 2, 9],
        "The targets lie in the past: each position should be asked for what comes after.",
    )
    expect(
        not (targets[inputs == 0] != 0).any(),
        "Where there is no input there is nothing to ask: the target should be padding.",
    )
    _expect_pair((inputs, targets), [0, 0, 6, 2, 9], [0, 0, 2, 9, 4])
    inputs, targets = _pair(answer, [1, 2, 3, 4, 5, 6], 3)
    expect(
        (inputs != 0).all() and (targets != 0).all(),
        "A history longer than `length` fills every place: cut the window after shifting.",
    )
    expect(targets[-1] == 6, "The newest event of a long history should be a target.")
    _expect_pair((inputs, targets), [3, 4, 5], [4, 5, 6])


@exercise("02.3")
def check_scale(answer) -> None:
    """`answer(train, test)`: log1p, standardised as training is; missing values become 0."""
    expect(callable(answer), "Give a function.")
    train = np.array([3.0, 40.0, np.nan, 11.0, 250.0])
    test = np.array([1000.0, np.nan, 2000.0])
    found = answer(train.copy(), test.copy())
    expect(isinstance(found, tuple | list) and len(found) == 2, "Return both parts, scaled.")
    scaled, scaled_test = (np.asarray(part, float) for part in found)
    expect(
        scaled.shape == train.shape and scaled_test.shape == test.shape,
        "Each part should come back in its own shape.",
    )
    expect(
        not np.isnan(scaled).any() and not np.isnan(scaled_test).any(),
        "A missing value should become the usual one, which is 0 on the new scale.",
    )
    other = np.asarray(answer(train.copy(), test * 7)[0], float)
    expect(
        np.allclose(other, scaled), "The training values change when only the test values change."
    )
    known = ~np.isnan(train)
    expect(np.isclose(scaled[known].mean(), 0), "The training values should have the mean 0.")
    expect(np.isclose(scaled[known].std(), 1), "The training values should have the deviation 1.")
    plain = (train[known] - train[known].mean()) / train[known].std()
    expect(not np.allclose(scaled[known], plain), "The scale of the seconds is not logarithmic.")
    logs = np.log1p(train)
    middle, spread = np.nanmean(logs), np.nanstd(logs)
    expected = np.nan_to_num((logs - middle) / spread)
    expect_close(scaled, expected, "The training values differ from log1p, then standardised.")
    expect(
        abs(scaled_test[[0, 2]].mean()) > 0.01,
        "The test values were given a scale of their own: a model could not compare them.",
    )
    expected = np.nan_to_num((np.log1p(test) - middle) / spread)
    expect_close(scaled_test, expected, "The test values are not on the scale of training.")


@exercise("02.4")
def check_core(answer) -> None:
    """`answer(users, items, k)`: which events are in the k-core, bool, (N,)."""
    expect(callable(answer), "Give a function.")
    # A chain: without item 15 user 5 is rare, without user 5 item 14 is, and so on back to 1;
    # users 6 and 7 share two items and stay.
    users = np.array([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])
    items = np.array([10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 20, 21, 20, 21])
    found = np.asarray(answer(users.copy(), items.copy(), 2))
    expect(found.shape == users.shape, "Say of each event whether it stays: one value an event.")
    expect(found.dtype == bool, "The answer should be true or false for each event.")
    expect(found[-4:].all(), "A user or an item with exactly k events is frequent enough.")
    left_users, left_items = (np.bincount(ids[found]) for ids in (users, items))
    expect(
        not (found[1:9].any() and (left_items[left_items > 0] < 2).any()),
        "Some items are rare again, because users were dropped after they were counted.",
    )
    expect(
        not (left_users[left_users > 0] < 2).any(),
        "Some users are rare again, because items were dropped after they were counted.",
    )
    expect_close(found, np.arange(14) >= 10, "It differs from dropping by hand until none is rare.")
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 30, 150), rng.integers(0, 30, 150)
    expect_close(
        answer(users, items, 3), _core(users, items, 3), "On a larger log it keeps other events."
    )
    expect(
        not np.asarray(answer(users, items, 40)).any(),
        "Where nothing is that frequent, no event stays.",
    )


def _pair(answer, history: list[int], length: int) -> tuple[np.ndarray, np.ndarray]:
    found = answer(list(history), length)
    expect(isinstance(found, tuple | list) and len(found) == 2, "Return inputs and targets.")
    return np.asarray(found[0]), np.asarray(found[1])


def _expect_pair(found: tuple[np.ndarray, np.ndarray], inputs: list, targets: list) -> None:
    expect_close(found[0], inputs, "The inputs are every event but one, the latest on the right.")
    expect_close(found[1], targets, "A target should be the item right after its input.")


def _core(users: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    keep, left = np.ones(len(users), bool), -1
    while left != keep.sum():
        left = keep.sum()
        for ids in (users, items):
            keep &= np.bincount(ids[keep], minlength=ids.max() + 1)[ids] >= k
    return keep
