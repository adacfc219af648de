"""Rating batches: everything is asked once, and nothing that is asked is shown."""

import numpy as np
import pytest

from recmodels.features.histories import Histories
from recmodels.features.ratings import RatingBatches, rating_rows

V = 6


def rated(lists):
    """Histories whose value at item i of user u is 10 u + i; ids above V are unknown."""
    offsets = np.cumsum([0] + [len(items) for items in lists])
    items = np.array([item for row in lists for item in row], np.int32)
    users = np.repeat(np.arange(len(lists)), np.diff(offsets))
    return Histories(np.arange(len(lists)), items, offsets, {"value": 10.0 * users + items})


LISTS = [[1, 2, 3, 4], [5, 6], [2], [7, 3, 1, 6, 5]]


def test_rows_by_hand():
    rated_mask, values = rating_rows(
        np.array([[0, 2, 3], [9, 3, 3]]), np.array([[0, 5, 1], [8, 2, 4]]), 3
    )
    assert rated_mask.tolist() == [[0, 0, 1, 1], [0, 0, 0, 1]]
    assert values.tolist() == [[0, 0, 5, 1], [0, 0, 0, 4]]  # The last of a repeated item; no 9.


@pytest.mark.parametrize("folds", [None, 2, 3])
def test_each_rating_is_predicted_once_per_epoch(folds):
    batches = RatingBatches(rated(LISTS), V, batch_size=4, seed=0, folds=folds)
    asked = []
    for index in range(len(batches)):
        inputs, ratings, weights = batches[index]
        counted = weights == 1
        pairs = zip(inputs["user_ids"][counted], inputs["item_ids"][counted], strict=True)
        asked += [(int(u), int(i)) for u, i in pairs]
        np.testing.assert_array_equal(ratings, 10 * inputs["user_ids"] + inputs["item_ids"])
    expected = [(u, i) for u, row in enumerate(LISTS) for i in row if i <= V]
    assert sorted(asked) == sorted(expected)


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_predicted_ratings_are_hidden_and_the_others_are_inputs(folds):
    for epoch in range(3):
        batches = RatingBatches(rated(LISTS), V, batch_size=4, seed=1, folds=folds, epoch=epoch)
        for index in range(len(batches)):
            inputs, _, _ = batches[index]
            readers = inputs["readers"]
            assert (readers[inputs["rows"]] == inputs["user_ids"]).all()
            for part in ("rated_mask", "values"):
                assert (inputs[part][inputs["rows"], inputs["item_ids"]] == 0).all()
            for row in np.unique(inputs["rows"]):
                shown = np.flatnonzero(inputs["rated_mask"][row])
                own = {i for i in LISTS[readers[row]] if i <= V}
                assert set(shown.tolist()) < own
                # A fold holds a share of the user's ratings, rounded up or down.
                hidden = len(own) - len(shown)
                assert 1 <= hidden <= -(-len(own) // folds)
                values = inputs["values"][row, shown]
                np.testing.assert_array_equal(values, 10 * readers[row] + shown)


def test_batches_depend_only_on_seed_and_epoch():
    first, again = (RatingBatches(rated(LISTS), V, 4, seed=3, folds=2) for _ in range(2))
    first.on_epoch_end()
    again.set_epoch(1)
    for index in range(len(first)):
        for name, value in first[index][0].items():
            np.testing.assert_array_equal(value, again[index][0][name])
    orders = {tuple(RatingBatches(rated(LISTS), V, 4, seed=s)[0][0]["item_ids"]) for s in range(9)}
    assert len(orders) > 1


def test_the_second_batch_is_larger_so_that_sizes_stay_open():
    batches = RatingBatches(rated(LISTS), V, 4, seed=0, folds=2)
    assert len(batches[1][0]["readers"]) > len(batches[0][0]["readers"])


def test_events_without_ratings_count_one():
    plain = rated(LISTS)
    plain.columns.clear()
    assert set(RatingBatches(plain, V, 4, seed=0)[0][1]) == {1.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"folds": 1}, "`folds`"), ({"batch_size": 0}, "`batch_size`"), ({"num_items": 0}, "no item")],
)
def test_bad_options_are_refused(changes, message):
    options = {"num_items": V, "batch_size": 4, "seed": 0} | changes
    with pytest.raises(ValueError, match=message):
        RatingBatches(rated(LISTS), **options)
