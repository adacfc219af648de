"""Queries, ids, ratings and digests: what is refused, and what is told apart."""

import numpy as np
import pytest
from harness import make_histories

from recmodels.features.checks import (
    check_items,
    check_queries,
    check_whole,
    digest,
    ratings_of,
    user_rows,
)
from recmodels.features.histories import Histories

V = 5


@pytest.mark.parametrize(
    "item_ids",
    [[[0, 1, 5]], [[6, 7]], [[0, 0]], np.zeros((0, 3), np.int64), np.array([[1]], np.uint8)],
    ids=["padded", "unknown and mask", "no event", "nobody", "bytes"],
)
def test_histories_of_integers_padded_on_the_left_pass(item_ids):
    found = check_queries({"item_ids": item_ids}, V)
    np.testing.assert_array_equal(found["item_ids"], item_ids)


REFUSED = {
    "a zero after an item": ([[3, 0]], "padded on the left only.*Received: .3, 0. in row 0"),
    "a gap in the second row": ([[0, 1, 2], [1, 0, 2]], "Received: .1, 0, 2. in row 1"),
    "a negative id": ([[1, -1]], "Received: -1 to 1"),
    "an id beyond the mask": ([[8, 1]], "1..5, 6 .unknown. or 7 .mask.* Received: 1 to 8"),
    "fractions": ([[1.0, 2.0]], "integers .B, T..* dtype=float64"),
    "truth values": ([[True]], "dtype=bool"),
    "text": ([["1"]], "dtype=<U1"),
    "a single history": ([1, 2], r"shape=\(2,\)"),
    "rows without a cell": ([[], []], r"shape=\(2, 0\)"),
    "a set": ({1, 2}, "dtype=object"),
    "rows of different lengths": ([[1, 2], [3]], "pad histories on the left"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_histories_are_refused(name):
    item_ids, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        check_queries({"item_ids": item_ids}, V)


@pytest.mark.parametrize("user_ids", [[3], [-2], [0, 1], [0.0], 0])
def test_user_ids_are_rows_of_the_model_or_newcomers(user_ids):
    assert check_queries({"item_ids": [[1]], "user_ids": [-1]}, V, 3)["user_ids"] == [-1]
    with pytest.raises(ValueError, match="`user_ids` must be rows .* below 3, or -1"):
        check_queries({"item_ids": [[1]], "user_ids": user_ids}, V, 3)


@pytest.mark.parametrize("values", [[[1.0]], [[1.0, np.nan]], [[np.inf, 0.0]]])
def test_ratings_in_a_query_are_finite_and_one_per_cell(values):
    assert "value" in check_queries({"item_ids": [[1, 2]], "value": [[1.0, 2.0]]}, V)
    with pytest.raises(ValueError, match="`value` must hold a finite rating for each cell"):
        check_queries({"item_ids": [[1, 2]], "value": values}, V)


@pytest.mark.parametrize("queries", [{"user_ids": [0]}, [[1, 2]], None])
def test_a_missing_part_is_named(queries):
    with pytest.raises(ValueError, match="`queries` must be a dict with .'item_ids'"):
        check_queries(queries, V)


@pytest.mark.parametrize("items", [[0], [-1], [6], [1.5], ["1"], [True], {1}])
def test_only_ids_of_the_catalogue_are_scored(items):
    assert check_items([5, 1], V).tolist() == [5, 1] and check_items([], V).dtype.kind == "i"
    with pytest.raises(ValueError, match="`items` must be item ids in 1..5"):
        check_items(items, V)


@pytest.mark.parametrize("value", [0, -3, 2.0, "2", True, None, np.float64(2)])
def test_whole_numbers(value):
    assert check_whole("k", np.int64(2)) == 2 and check_whole("k", 0, least=0) == 0
    with pytest.raises(ValueError, match="`k` must be a whole number of at least 1. Received: k="):
        check_whole("k", value)


def test_digests_differ_for_other_order_type_and_grouping():
    arrays = [
        (np.array([1, 2]),),
        (np.array([2, 1]),),
        (np.array([1.0, 2.0]),),
        (np.array([1]), np.array([2])),
        (np.array([[1], [2]]),),
        (np.array(["ab", "c"], object),),
        (np.array(["a", "bc"], object),),
    ]
    assert len({digest(*each) for each in arrays}) == len(arrays)
    assert digest(np.arange(6)[::2]) == digest(np.array([0, 2, 4]))  # Whatever the memory layout.
    assert digest(np.array(["ab", "c"])) == digest(np.array(["ab", "c"], object))


def test_user_rows_depend_only_on_the_users_and_their_order():
    first = make_histories([[1, 2], [3]])
    longer = make_histories([[1, 2, 4], [3, 5]])
    turned = Histories(first.users[::-1], first.items, first.offsets, {})
    assert user_rows(first) == user_rows(longer) != user_rows(turned)


def test_missing_ratings_name_their_row_and_user():
    plain = make_histories([[1, 2], [3, 4]])
    assert ratings_of(plain).tolist() == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="`rating_weight` needs the ratings: .*columns=.'value',"):
        ratings_of(plain, "rating_weight")
    for bad in (np.nan, np.inf):
        values = np.array([3.0, 4.0, bad, bad])
        rated = Histories(np.array(["ann", "bob"]), plain.items, plain.offsets, {"value": values})
        with pytest.raises(ValueError, match="2 are not.*in row 2 of the training .* user bob"):
            ratings_of(rated)
