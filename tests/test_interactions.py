import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions


def _frame(**columns):
    return pd.DataFrame(columns)


def test_sorted_by_user_then_time_and_ties_keep_their_row_order():
    frame = _frame(user=[2, 1, 2, 2], item=[10, 11, 12, 13], timestamp=[5, 9, 4, 5])
    log = Interactions(frame, "timed")
    assert log.events["item"].tolist() == [11, 12, 10, 13]


def test_ordered_rows_of_a_user_stay_in_file_order():
    log = Interactions(_frame(user=[2, 1, 2, 1], item=[10, 11, 12, 13]), "ordered")
    assert log.events["item"].tolist() == [11, 13, 10, 12]


def test_ordered_log_keeps_its_order_against_its_times():
    log = Interactions(_frame(user=[1, 1], item=[10, 11], timestamp=[9, 3]), "ordered")
    assert log.events["item"].tolist() == [10, 11]


def test_text_ids_sort_like_numbers_do():
    frame = _frame(user=["b", "a", "b"], item=["x", "y", "z"], timestamp=[2, 1, 1])
    assert Interactions(frame, "timed").events["item"].tolist() == ["y", "z", "x"]


@pytest.mark.parametrize("seed", range(5))
def test_sorting_equals_pandas_stable_sort(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 6, (40, 3)), columns=["user", "item", "timestamp"])
    frame["value"] = np.arange(40.0)  # Tells equal rows apart.
    if seed == 1:
        frame["user"] = frame["user"].astype(str)
    if seed == 2:
        frame["user"] *= 2**60  # Too large to be sorted together with the time as one number.
    expected = frame.sort_values(["user", "timestamp"], kind="stable")["value"].tolist()
    assert Interactions(frame, "timed").events["value"].tolist() == expected


def test_the_callers_table_is_not_changed():
    frame = _frame(user=[2, 1], item=[1, 2])
    log = Interactions(frame, "ordered")
    frame.loc[0, "item"] = 99
    assert frame["user"].tolist() == [2, 1]
    assert log.events["item"].tolist() == [2, 1]


def test_user_offsets_bound_the_rows_of_each_user():
    users, offsets = Interactions(_frame(user=[7, 3, 7], item=[1, 2, 3]), "ordered").user_offsets()
    assert users.tolist() == [3, 7]
    assert offsets.tolist() == [0, 1, 3]


def test_empty_log_has_no_users():
    log = Interactions(_frame(user=[1], item=[1]), "ordered").select(np.array([False]))
    users, offsets = log.user_offsets()
    assert (len(log), len(users), offsets.tolist()) == (0, 0, [0])


def test_select_takes_masks_and_positions_in_table_order():
    log = Interactions(_frame(user=[1, 1, 1], item=[10, 11, 12]), "ordered", name="toy")
    assert log.select(np.array([True, False, True])).events["item"].tolist() == [10, 12]
    assert log.select([2, 0]).events["item"].tolist() == [10, 12]
    assert log.select([0]).name == "toy"


def test_repr_shows_the_size():
    log = Interactions(_frame(user=[1, 1], item=[10, 11], action=["buy", "buy"]), "ordered")
    assert repr(log) == (
        "<Interactions 'events': 2 events, 1 user, 2 items, ordered, also ['action']>"
    )


BAD = {
    "missing column": (_frame(user=[1]), "ordered", r"no column \['item'\].*columns=\['user'\]"),
    "timed without times": (_frame(user=[1], item=[1]), "timed", r"no column \['timestamp'\]"),
    "unknown order": (_frame(user=[1], item=[1]), "sorted", "`order`.*Received: order='sorted'"),
    "negative id": (_frame(user=[1, -2], item=[1, 1]), "ordered", "`user`.*-2 in row 1"),
    "missing id": (_frame(user=["a", None], item=["x", "y"]), "ordered", "`user`.*in row 1"),
    "missing number": (_frame(user=[1, None], item=[1, 1]), "ordered", "`user`.*nan in row 1"),
    "real number": (_frame(user=[1], item=[1.5]), "ordered", "`item`.*dtype=float64"),
    "mixed ids": (_frame(user=[1, "a"], item=[1, 1]), "ordered", r"`user`.*\['int', 'str'\]"),
    "nullable id": (
        _frame(user=pd.array([1, None], "Int64"), item=[1, 1]),
        "ordered",
        "`user`.*1 of 2 values that are missing.*<NA> in row 1",
    ),
    "negative category": (
        _frame(user=pd.Categorical([-1, 4]), item=[1, 1]),
        "ordered",
        "`user`.*negative.*-1 in row 0",
    ),
    "empty id": (_frame(user=["a", ""], item=[1, 1]), "ordered", "`user`.*missing.*'' in row 1"),
    "blank id": (_frame(user=["a", "b"], item=["x", " "]), "ordered", "`item`.*' ' in row 1"),
    "times as ids": (
        _frame(user=pd.to_datetime(["2020-01-01"]), item=[1]),
        "ordered",
        "`user`.*integers or strings.*datetime64",
    ),
    "truth values as ids": (_frame(user=[True], item=[1]), "ordered", "`user`.*dtype=bool"),
    "bytes as ids": (_frame(user=[b"a"], item=[1]), "ordered", r"`user`.*decode.*\['bytes'\]"),
    "lists as ids": (_frame(user=[1], item=[[1, 2]]), "ordered", r"`item`.*explode.*\['list'\]"),
    "column twice": (
        pd.concat([_frame(user=[1], item=[2]), _frame(item=[3])], axis=1),
        "ordered",
        r"`item` stand twice.*\['user', 'item', 'item'\]",
    ),
    "infinite rating": (
        _frame(user=[1, 1], item=[1, 2], value=[1.0, np.inf]),
        "ordered",
        "`value`.*infinite.*inf in row 1",
    ),
    "rating in words": (_frame(user=[1], item=[1], value=["5"]), "ordered", "`value`.*numbers"),
    "missing time": (
        _frame(user=[1, 1], item=[1, 2], timestamp=pd.array([5, None], "Int64")),
        "timed",
        "`timestamp`.*1 of 2 values that are missing times.*<NA> in row 1",
    ),
    "milliseconds": (
        _frame(user=[1, 1], item=[1, 2], timestamp=[5, 964982703000]),
        "timed",
        "`timestamp`.*milliseconds.*964982703000 in row 1",
    ),
    "dates": (
        _frame(user=[1], item=[1], timestamp=pd.to_datetime(["2020-01-01"])),
        "timed",
        "`timestamp`.*must be integer UTC seconds.*datetime64",
    ),
    "digits of dates": (
        _frame(user=[1, 1], item=[1, 2], timestamp=[20200131, 20191201]),
        "timed",
        "`timestamp`.*look like dates.*20200131 in row 0",
    ),
    "complex rating": (_frame(user=[1], item=[1], value=[1j]), "ordered", "`value`.*complex128"),
    "no table": ([1, 2], "ordered", "`events` must be a pandas DataFrame.*type=list"),
    "before 1970": (_frame(user=[1], item=[1], timestamp=[-5]), "timed", "-5 in row 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_table_is_refused_with_what_to_do(case):
    frame, order, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        Interactions(frame, order)


@pytest.mark.parametrize(
    "items",
    [
        ["a", "b"],
        pd.DataFrame({"title": ["a", "b"]}, index=[1, 1]),
        pd.DataFrame({"title": ["a"]}, index=["1"]),  # Would not be found under the number 1.
    ],
)
def test_tables_that_do_not_fit_the_ids_are_refused(items):
    with pytest.raises(ValueError, match="`items` must be a table indexed by the raw ids"):
        Interactions(_frame(user=[1], item=[1]), "ordered", items=items)


def test_sparse_columns_are_taken_by_their_content():
    frame = _frame(user=[1, 0], item=[1, 2]).astype(pd.SparseDtype("int64", 0))
    assert Interactions(frame, "ordered").events["user"].tolist() == [0, 1]


def test_seconds_of_the_summer_of_1970_are_no_dates():
    frame = _frame(user=[1, 1], item=[1, 2], timestamp=[20200131, 20209999])
    assert len(Interactions(frame, "timed")) == 2


def test_objects_categories_and_nullable_columns_are_taken_by_their_content():
    frame = _frame(
        user=pd.Series([2, 1], dtype=object),
        item=pd.Categorical(["x", "y"]),
        timestamp=pd.array([5, 6], "Int64"),
        duration=[1.5, None],
    )
    events = Interactions(frame, "timed").events
    assert events["user"].tolist() == [1, 2] and events["user"].dtype == np.int64
    assert events["item"].tolist() == ["y", "x"] and events["item"].dtype == "str"
    assert events["timestamp"].dtype == np.int64
    assert frame["user"].dtype == object


def test_require_says_what_to_use_instead():
    unordered = Interactions(_frame(user=[1], item=[1]), "unordered", name="ratings")
    with pytest.raises(ValueError, match="order='ordered'.*name='ratings'"):
        unordered.require("`leave_one_out`", ("timed", "ordered"))
    with pytest.raises(ValueError, match="`timestamp` column. Received"):
        unordered.require("`temporal_cutoff`", ("timed",))
    ordered = Interactions(_frame(user=[1], item=[1]), "ordered")
    with pytest.raises(ValueError, match="`leave_one_out`, which needs only the order"):
        ordered.require("`temporal_cutoff`", ("timed",))
    ordered.require("`leave_one_out`", ("timed", "ordered"))
