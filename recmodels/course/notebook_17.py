"""Checks of the exercises of notebook 17, masked and causal models."""

import numpy as np

from recmodels.course.checking import call, exercise, expect, expect_close, numbers, parts


@exercise("17.1", "item ids, draws, a probability and the mask item")
def check_cloze(answer) -> None:
    """Inputs with masked items, and the targets."""
    item_ids = np.array([[0, 0, 4, 2, 9], [3, 3, 1, 7, 5]])
    draws = np.array([[0.1, 0.6, 0.2, 0.9, 0.3], [0.7, 0.05, 0.3, 0.29, 0.8]])
    reason = "Return two arrays: inputs and targets."
    returned = parts(call(answer, item_ids, draws, 0.3, 12), 2, reason)
    inputs, targets = (numbers(array, (2, 5), "Both arrays are (B, T).") for array in returned)
    chosen, real = draws < 0.3, item_ids > 0
    masked = chosen & real

    def pair(hidden, asked, empty=0):
        return np.stack([np.where(hidden, 12, item_ids), np.where(asked, item_ids, empty)])

    mistakes = {
        "Padding is masked; only events are.": pair(chosen, masked),
        "Events with a number of p or more are masked; those below p are.": (
            pair(~chosen & real, ~chosen & real)
        ),
        "A number of exactly p is not below p.": (
            pair((draws <= 0.3) & real, (draws <= 0.3) & real)
        ),
        "Targets are the masked items alone, and 0 where nothing was masked.": (
            pair(masked, real),
            pair(masked, real & ~masked),
        ),
        "The inputs still show the items that are asked for.": pair(masked & False, masked),
        "Inputs and targets have changed places.": pair(masked, masked)[::-1],
        "The masked events must be the mask item, not 0.": (
            pair(masked, masked) * np.array([~masked, masked])
        ),
        "The targets are the mask item; they are what was there before.": np.stack(
            [np.where(masked, 12, item_ids), np.where(masked, 12, 0)]
        ),
    }
    reason = "Inputs or targets are wrong."
    expect_close(np.stack([inputs, targets]), pair(masked, masked), reason, mistakes)


@exercise("17.2", "item ids, the mask item and a length")
def check_query(answer) -> None:
    """The latest events and the mask, at most `length` together."""
    cases = [
        (np.array([[0, 0, 4, 2, 9], [6, 3, 1, 7, 5]]), 12, 4),
        (np.array([[0, 6], [8, 2]]), 11, 5),
    ]
    for item_ids, mask_id, length in cases:
        returned = numbers(call(answer, item_ids, mask_id, length))
        expect(returned.ndim == 2, "Return one row per history.")
        mask = np.full((2, 1), mask_id)
        right = np.hstack([item_ids[:, -(length - 1) :], mask])
        expect(returned.shape[1] <= length, "With the mask there are more events than `length`.")
        mistakes = {
            "The last event was replaced by the mask; append the mask after it.": (
                np.hstack([item_ids[:, :-1], mask])[:, -length:]
            ),
            "The mask is at the beginning; what is asked for comes after the last event.": (
                np.hstack([mask, item_ids[:, -(length - 1) :]])
            ),
            "It keeps the oldest events; keep the latest.": (
                np.hstack([item_ids[:, : length - 1], mask])
            ),
            "The mask is missing.": (item_ids[:, -length:], item_ids[:, -(length - 1) :]),
            "One event too few is kept.": np.hstack([item_ids[:, -(length - 2) :], mask]),
            "The mask item is wrong: it is an argument.": np.hstack(
                [item_ids[:, -(length - 1) :], mask * 0]
            ),
        }
        if returned.shape == right.shape and np.array_equal(returned, right):
            continue
        padded = np.hstack([np.zeros((2, length - right.shape[1])), right])
        if not np.array_equal(returned, padded):
            expect_close(returned, right, "The rows are wrong.", mistakes)


@exercise("17.3", "a length and a probability")
def check_share(answer) -> None:
    """Probability of the last mask alone, given at least one mask."""
    cases = [(1, 0.2), (5, 0.2), (12, 0.4), (30, 0.05)]
    returned = [numbers(call(answer, *case), (), "Return one number.") for case in cases]
    length, p = np.array(cases).T
    alone, some = p * (1 - p) ** (length - 1), 1 - (1 - p) ** length
    mistakes = {
        "Divide by the probability that at least one event is masked.": alone,
        "The other events must be visible: multiply by their probabilities.": (p, p / some),
        "There are T - 1 other events.": ((1 - p) * alone / some, alone / (1 - p) / some),
        "This is one mask anywhere; it must be the last event.": length * alone / some,
        "This is the probability that none or one is masked.": (1 - some) + length * alone,
        "The condition is that at least one event is masked, not that none is.": (
            alone / np.maximum(1 - some, 1e-12)
        ),
        "Multiply by the other probability: at least one is masked in the denominator.": (
            alone * some
        ),
    }
    expect_close(returned, alone / some, "The probabilities are wrong.", mistakes, 1e-7)
