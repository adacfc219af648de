"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks

from recmodels.course import check


def left(items, length):
    return [0] * (length - len(items[-length:])) + items[-length:]


def windows(history, length):
    return left(history[:-1], length), left(history[1:], length)


def unshifted(history, length):
    return left(history[1:], length), left(history[1:], length)


def targets_from_the_oldest(history, length):
    return left(history[:-1], length), left(history[1:][:length], length)


def oldest(history, length):
    return left(history[:-1][:length], length), left(history[1:][:length], length)


def padded_right(history, length):
    return tuple(
        part[-length:] + [0] * (length - len(part)) for part in (history[:-1], history[1:])
    )


def too_long(history, length):
    return windows(history, length + 1)


def own(scores, targets):
    return scores[np.arange(len(targets)), targets][:, None]


def ranks(scores, targets, seen):
    return (np.where(seen, -np.inf, scores) >= own(scores, targets)).sum(axis=1)


def optimistic(scores, targets, seen):
    return 1 + (np.where(seen, -np.inf, scores) > own(scores, targets)).sum(axis=1)


def by_sorting(scores, targets, seen):
    order = np.argsort(-np.where(seen, -np.inf, scores), axis=1, kind="stable")
    return 1 + np.argmax(order == targets[:, None], axis=1)


def unfiltered(scores, targets, seen):
    return (scores >= own(scores, targets)).sum(axis=1)


def from_zero(scores, targets, seen):
    return ranks(scores, targets, seen) - 1


def halfway(scores, targets, seen):
    return (ranks(scores, targets, seen) + optimistic(scores, targets, seen)) // 2


def upside_down(scores, targets, seen):
    return ranks(-scores, targets, seen)


def loss(positive, negatives, log_counts, sign=-1):
    logits = np.concatenate([positive[:, None], negatives + sign * log_counts], axis=1)
    peak = logits.max(axis=1)
    return peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1)) - positive


def wrong_sign(positive, negatives, log_counts):
    return loss(positive, negatives, log_counts, sign=1)


def uncorrected(positive, negatives, log_counts):
    return loss(positive, negatives, log_counts, sign=0)


def half_corrected(positive, negatives, log_counts):
    return loss(positive, negatives, np.where(log_counts > 1, log_counts, log_counts + 0.1) - 0.1)


def without_positive(positive, negatives, log_counts):
    return np.log(np.exp(negatives - log_counts).sum(axis=1)) - positive


def averaged(positive, negatives, log_counts):
    return loss(positive, negatives, log_counts).mean()


def overflowing(positive, negatives, log_counts):
    logits = np.concatenate([positive[:, None], negatives - log_counts], axis=1)
    return np.log(np.exp(logits).sum(axis=1)) - positive


def split(events, by=("user", "timestamp"), least=3):
    events = events.sort_values(list(by), kind="stable")
    back = events.groupby("user").cumcount(ascending=False)
    back = back.where(events.groupby("user")["item"].transform("size") >= least, 9)
    return events[back > 1], events[back == 1], events[back == 0]


def unsorted(events):
    return split(events, by=("user",))


def everyone(events):
    return split(events, least=2)


def without_returns(events):
    return split(events.drop_duplicates(["user", "item"]))


def backwards(events):
    train, validation, test = split(events)
    return train, test, validation


def shuffled(events):
    return split(events.sample(frac=1, random_state=0), by=("user",))


def assert_test(encode):
    history = [3, 9, 4, 7, 8]
    state = encode(history, 4)
    assert np.allclose(encode(history, 5), encode(history, 9)), "padding"
    assert not np.allclose(state, encode([3, 9, 4, 7, 1], 4)), "newest"
    assert not np.allclose(state, encode([3, 9, 4, 6, 8], 4)), "older"
    assert not np.allclose(state, encode([3, 9, 7, 4, 8], 4)), "order"


def only_newest(encode):
    assert not np.allclose(encode([3, 9, 4, 7, 8], 4), encode([3, 9, 4, 7, 1], 4))


def only_padding(encode):
    assert np.allclose(encode([3, 9], 4), encode([3, 9], 7))


def newest_and_padding(encode):
    only_newest(encode)
    only_padding(encode)


def all_but_order(encode):
    newest_and_padding(encode)
    assert not np.allclose(encode([3, 9, 4], 4), encode([5, 9, 4], 4))


def too_strict(encode):
    assert np.allclose(encode([3, 9, 4], 2), encode([3, 9, 4], 3))


def raising(encode):
    raise ValueError("faulty")


RIGHT = {"11.1": windows, "11.2": ranks, "11.3": loss, "11.4": split, "11.5": assert_test}
WRONG = {
    "11.1": (unshifted, targets_from_the_oldest, oldest, padded_right, too_long),
    "11.2": (optimistic, by_sorting, unfiltered, from_zero, halfway, upside_down),
    "11.3": (uncorrected, wrong_sign, half_corrected, without_positive, averaged, overflowing),
    "11.4": (unsorted, everyone, without_returns, backwards, lambda events: events),
    "11.5": (only_newest, only_padding, newest_and_padding, all_but_order, too_strict, raising),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("np.", ">=", "[-", "sort", "subtract", "minus", "concatenate", "cumcount", "tail")
    crash = "It stopped with Type"


def test_a_split_that_trusts_the_order_of_rows_is_right_only_by_luck():
    assert "in no order" in check("11.4", unsorted).reason
    assert "in order of time" in check("11.4", shuffled).reason
