"""Columns that depend on earlier events, gaps and counts, against slow versions."""

import json

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.features.columns import Category
from recmodels.features.counts import Counts
from recmodels.features.gaps import gap_seconds
from recmodels.features.histories import build_histories
from recmodels.features.number_columns import Gap
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare
from recmodels.recommend.export_columns import column_specs
from recmodels.recommend.requests import RequestReader

SCHEMA = Schema(
    {
        "item_gap": Gap(by="item"),
        "category_gap": Gap(by="category"),
        "action_gap": Gap(by="action"),
        "counts": Counts(source="action"),
        "category": Category(of="items"),
    }
)
ITEMS = pd.DataFrame({"category": ["a", "b", "a", None, "c", "b"]}, index=range(6))


def make_events(users=8, length=12, seed=0):
    """Items 0..7, of which the last two have no row in `ITEMS`; some types are missing."""
    rng, count = np.random.default_rng(seed), users * length
    times = np.cumsum(rng.integers(0, 500, (users, length)), axis=1).ravel()
    return pd.DataFrame(
        {
            "user": np.repeat(np.arange(users), length),
            "item": rng.integers(0, 8, count),
            "timestamp": times,
            "action": rng.choice(["view", "buy", None], count),
        }
    )


def slow_gaps(events, keys):
    found = np.full(len(events), np.nan)
    users, times = events["user"].tolist(), events["timestamp"].tolist()
    for row in range(len(events)):
        for earlier in range(row):
            same = users[earlier] == users[row] and keys[earlier] == keys[row]
            if same and keys[row] is not None:
                found[row] = times[row] - times[earlier]
    return found


def test_gaps_by_hand():
    columns = {"user": [7, 7, 7, 8, 8], "item": list("abaaa"), "timestamp": [0, 10, 25, 30, 30]}
    rows = pd.DataFrame(columns)
    assert gap_seconds(rows, "timestamp").fillna(-1).tolist() == [-1, 10, 15, -1, 0]
    assert gap_seconds(rows, "timestamp", "item").fillna(-1).tolist() == [-1, -1, 25, -1, 0]
    # Below a second is code 1 and 16 to 32 seconds code 6; 27 says that there was no such event.
    codes = Schema({"gap": Gap(by="item")}).encode(rows)["gap"]
    assert codes.tolist() == [27, 27, 6, 27, 1]


@pytest.mark.parametrize("by", ["item", "category", "action"])
def test_gaps_are_those_of_a_slow_version(by):
    events = make_events()
    values = ITEMS["category"].reindex(events["item"]) if by == "category" else events[by]
    keys = [None if pd.isna(value) else value for value in values]
    found = gap_seconds(events, "timestamp", by, ITEMS)
    expected = slow_gaps(events, keys)
    assert np.isfinite(expected).sum() > 20
    np.testing.assert_array_equal(found, expected)


def test_counts_are_those_of_a_slow_version():
    events = make_events()
    schema = Schema({"counts": Counts(source="action")}).fit(events[events["action"] != "buy"])
    assert schema.input_sizes() == {"counts": {"numbers": 1}}  # Purchases are unknown to it.
    schema = Schema({"counts": Counts(source="action")}).fit(events)
    encoded = schema.encode(events)["counts"]
    for row, found in enumerate(schema.decode("counts", encoded)):
        known = events[: row + 1]
        known = known.loc[known["user"] == events["user"][row], "action"]
        assert found == {label: (known == label).sum() for label in ("view", "buy")}
    assert encoded[0].max() == pytest.approx(np.log(2)) or events["action"][0] is None


def test_later_events_and_other_users_change_nothing():
    schema = SCHEMA.fit(make_events(), ITEMS)
    events = make_events()
    before = schema.encode(events, ITEMS)
    for row in (5, 30, 95):
        changed = events.copy()
        changed.loc[row, ["item", "action"]] = [(events["item"][row] + 1) % 8, "view"]
        after = schema.encode(changed, ITEMS)
        untouched = (np.arange(96) < row) | (events["user"] != events["user"][row])
        for name in after:
            np.testing.assert_array_equal(after[name][untouched], before[name][untouched])


def test_a_stored_schema_keeps_what_gaps_are_by():
    schema = SCHEMA.fit(make_events(), ITEMS)
    again = Schema.from_config(json.loads(json.dumps(schema.to_config())))
    assert again == schema and again["item_gap"].by == "item"
    assert Gap().to_config() == {"kind": "gap", "source": None, "of": "events", "buckets": 26}


def test_a_thousand_requests_give_what_training_gives():
    events = make_events(users=1_000, length=9, seed=1)
    data = prepare(leave_one_out(Interactions(make_events(), "timed", items=ITEMS)), schema=SCHEMA)
    log = Interactions(events, "timed", items=ITEMS)
    trained_on = build_histories(log, data.vocabulary, schema=data.schema)
    raw = [
        part[["item", "action", "timestamp"]].to_dict("list") for _, part in events.groupby("user")
    ]
    requests = RequestReader(data.vocabulary, data.schema, ITEMS).read_histories(raw)
    np.testing.assert_array_equal(requests.histories.items, trained_on.items)
    for name in SCHEMA:
        found, expected = requests.histories.columns[name], trained_on.columns[name]
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected), err_msg=name)


def test_requests_say_what_gaps_lack():
    data = prepare(leave_one_out(Interactions(make_events(), "timed", items=ITEMS)), schema=SCHEMA)
    reader = RequestReader(data.vocabulary, data.schema, ITEMS)
    ((note,),) = reader.read_histories([{"item": [1, 1], "timestamp": [5, 9]}]).notes
    assert note == "The history has no action: the model reads it as missing."


def test_impossible_gaps_are_refused():
    with pytest.raises(ValueError, match="must have no `by`.*would tell the value itself"):
        Schema({"asked_gap": Gap(by="item", of="asked", source="timestamp")})
    with pytest.raises(ValueError, match="depend on earlier events"):
        Schema({"counts": Counts(of="items")})
    with pytest.raises(ValueError, match="`by` of a Gap must be a column .*by='brand'"):
        Schema({"gap": Gap(by="brand")}).encode(make_events(), ITEMS)
    with pytest.raises(ValueError, match=r"must have `by='item'` or none.*by='category'"):
        column_specs(SCHEMA.fit(make_events(), ITEMS), ("category_gap",))
