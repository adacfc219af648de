"""Counted models of the next event: every probability from counts made by hand."""

import numpy as np
import pytest

from recmodels.features.histories import Histories
from recmodels.models.capabilities import Fits, PredictsEvents, can
from recmodels.models.event_floors import MajorityType, MarkovTypes, MedianGap, RepeatLastType

TYPES = ("view", "cart", "buy")
FLOORS = (MajorityType, RepeatLastType, MarkovTypes, MedianGap)


def make_train(rows, times=None):
    """Histories of rows of type codes, one second apart unless told otherwise."""
    flat = np.concatenate([np.array(row, np.int32) for row in rows])
    offsets = np.cumsum([0, *map(len, rows)])
    times = np.arange(len(flat)) if times is None else np.array(times)
    columns = {"action": flat, "timestamp": times}
    return Histories(np.arange(len(rows)), np.ones(len(flat), np.int32), offsets, columns)


# Events: view 4, cart 1, buy 1, and an unknown type (code 4).
TRAIN = make_train([[1, 1, 2, 3], [1, 4, 1]])
QUERIES = {"action": np.array([[0, 1], [1, 2], [0, 0], [1, 4]], np.int32)}


def forecast(model, train=TRAIN):
    return model.fit(train, 5).next_event(QUERIES).type_probabilities


@pytest.mark.parametrize("kind", FLOORS)
def test_floors_predict_events(kind):
    model = kind(TYPES)
    assert can(model, Fits) and can(model, PredictsEvents)
    probabilities = forecast(model)
    assert probabilities.shape == (4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()


def test_majority_is_the_share_of_events_plus_one_each():
    np.testing.assert_allclose(
        forecast(MajorityType(TYPES)), np.tile([5 / 9, 2 / 9, 2 / 9], (4, 1))
    )


def test_markov_counts_transitions_between_known_types():
    # view -> view, view -> cart, cart -> buy; the unknown type breaks the second history.
    rows = [[2 / 5, 2 / 5, 1 / 5], [1 / 4, 1 / 4, 2 / 4]]
    majority = [5 / 9, 2 / 9, 2 / 9]
    np.testing.assert_allclose(forecast(MarkovTypes(TYPES)), [*rows, majority, majority])


def test_repeat_last_names_the_last_type():
    # One of three transitions repeats: (1 + 1) / (2 + 3) is below 0.51.
    probabilities = forecast(RepeatLastType(TYPES))
    np.testing.assert_allclose(probabilities[0], [0.51, 0.245, 0.245])
    np.testing.assert_allclose(probabilities[1], [0.49 * 5 / 7, 0.51, 0.49 * 2 / 7])
    often = make_train([[1, 1, 1, 1, 2]])  # Three of four: (1 + 3) / (2 + 4).
    assert forecast(RepeatLastType(TYPES), often)[0, 0] == pytest.approx(4 / 6)


def test_median_gap_is_that_of_gaps_within_users():
    # Gaps 3, 15 and 63 seconds, in logs 2, 4 and 6 times log 2; the 1,000 lie between users.
    train = make_train([[1, 1, 1], [1, 1]], [0, 3, 18, 1018, 1081])
    gap = MedianGap(TYPES).fit(train, 5).next_event(QUERIES).gap
    np.testing.assert_allclose(gap.quantile(0.5), 15)
    np.testing.assert_allclose(gap.scales, np.log(2) * np.sqrt(8 / 3))


def test_items_have_their_share_of_the_events_of_each_type():
    # Item 1 is viewed twice and item 2 once; item 2 is carted, item 9 is unknown. V is 3.
    train = make_train([[1, 1, 1, 2, 1, 4]])
    train.items[:] = [1, 1, 2, 2, 9, 1]
    forecast = MajorityType(TYPES).fit(train, 3).next_event(QUERIES)
    by_hand = [[0, 3 / 6, 2 / 6, 1 / 6], [0, 1 / 4, 2 / 4, 1 / 4], [0, 1 / 3, 1 / 3, 1 / 3]]
    np.testing.assert_allclose(forecast.item_probabilities, np.tile(by_hand, (4, 1, 1)))
    np.testing.assert_allclose(forecast.joint().sum(axis=(1, 2)), 1)
    without = MajorityType(TYPES).fit(train, 3).next_event(QUERIES, with_items=False)
    assert without.item_probabilities is None


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="needs the column `action`"):
        MajorityType(TYPES).fit(Histories(np.arange(1), np.ones(1, int), np.array([0, 1]), {}), 5)
    with pytest.raises(ValueError, match="call `fit` first"):
        MajorityType(TYPES).next_event(QUERIES)
    with pytest.raises(ValueError, match="`train` must hold events of the `types`"):
        MajorityType(TYPES).fit(make_train([[4, 5]]), 5)
    with pytest.raises(ValueError, match="`smoothing` must be positive"):
        MarkovTypes(TYPES, smoothing=0)
