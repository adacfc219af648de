"""Column kinds are fitted on training rows, keep missing values apart, and can be inverted."""

import json

import numpy as np
import pandas as pd
import pytest

from recmodels.features.columns import Category, Flag, Vector
from recmodels.features.counts import Counts
from recmodels.features.number_columns import Clock, Gap, Number
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary


def column(kind, values, train=None):
    """Fit a kind on training values, and encode others."""
    rows = pd.DataFrame({"x": pd.Series(values, dtype=object if None in values else None)})
    train = rows if train is None else pd.DataFrame({"x": train})
    schema = Schema({"x": kind}).fit(train)
    return schema, schema.encode(rows)["x"]


def test_category_by_hand():
    schema, codes = column(
        Category(), ["view", "buy", None, "gift"], ["buy", "view", "view", "cart"]
    )
    # view twice, then buy and cart in order; gift is unknown: 3 + 1, missing 3 + 2.
    assert codes.tolist() == [1, 2, 5, 4]
    assert schema.decode("x", codes) == ["view", "buy", None, "<unknown>"]
    assert schema["x"].num_codes == 6


def test_rare_categories_are_unknown():
    _, codes = column(Category(min_count=2), ["a", "b"], ["a", "a", "b"])
    assert codes.tolist() == [1, 2]


def test_the_order_of_pandas_categories_is_no_matter():
    kinds = [pd.CategoricalDtype(order) for order in (["a", "b", "never"], ["b", "a"])]
    for kind in kinds:
        schema = Schema({"x": Category()}).fit(
            pd.DataFrame({"x": pd.Series(["b", "a"], dtype=kind)})
        )
        assert schema["x"].values == ("a", "b")


def test_texts_that_look_missing_are_categories():
    schema, codes = column(Category(), ["NA", "None", "01", "1", None])
    assert schema.decode("x", codes) == ["NA", "None", "01", "1", None]


def test_number_by_hand():
    _, scaled = column(Number("standard"), [5.0, np.nan], [1.0, 3.0])  # Mean 2, deviation 1.
    assert scaled.tolist() == [[3.0, 0.0], [0.0, 1.0]]
    _, scaled = column(Number("min_max"), [6.0, 8.0], [2.0, 6.0])
    assert scaled[:, 0].tolist() == [1.0, 1.5]
    _, scaled = column(Number("log1p"), [np.e**2 - 1], [0.0, np.e**2 - 1])  # Logs 0 and 2.
    assert scaled[0, 0] == pytest.approx(1.0)


def test_a_constant_number_stays_finite():
    _, scaled = column(Number("standard"), [4.0, 5.0], [4.0, 4.0])
    assert np.isfinite(scaled).all()


@pytest.mark.parametrize("scale", ("standard", "min_max", "log1p", "none"))
def test_numbers_come_back_within_a_millionth(scale):
    values = np.random.default_rng(0).lognormal(0, 4, 500)
    schema, scaled = column(Number(scale), [*values, None])
    *back, missing = schema.decode("x", scaled)
    np.testing.assert_allclose(back, values, rtol=1e-6)
    assert missing is None


def test_buckets_hold_equal_shares_and_return_their_bounds():
    schema, codes = column(Number(buckets=4), [1.0, 2.0, 3.0, 4.0, np.nan])
    assert codes.tolist() == [1, 2, 3, 4, 5]
    assert schema.decode("x", codes) == [
        (-np.inf, 1.75),
        (1.75, 2.5),
        (2.5, 3.25),
        (3.25, np.inf),
        None,
    ]


def test_gap_by_hand():
    rows = pd.DataFrame({"user": [7, 7, 7, 7, 8], "timestamp": [0, 0, 1, 7, 9]})
    schema = Schema({"gap": Gap(buckets=4)}).fit(rows)
    codes = schema.encode(rows)["gap"]
    # No earlier event: 5. Then 0, 1 and 6 seconds: below 1, 1 to 2, 4 and longer.
    assert codes.tolist() == [5, 1, 2, 4, 5]
    assert schema.decode("gap", codes) == [None, (-np.inf, 1), (1, 2), (4, np.inf), None]


def test_clock_by_hand():
    times = [0, 3_600 * 23, 86_400 * 4]  # Thursday 0:00 and 23:00, Monday 0:00, all UTC.
    rows = pd.DataFrame({"timestamp": times})
    schema = Schema({"h": Clock("hour"), "d": Clock("weekday"), "b": Clock("hour", offset=8)})
    encoded = schema.fit(rows).encode(rows)
    assert encoded["h"].tolist() == [1, 24, 1]
    assert encoded["d"].tolist() == [4, 4, 1]
    assert encoded["b"].tolist() == [9, 8, 9]
    assert schema.decode("d", encoded["d"]) == [3, 3, 0]


def test_clock_agrees_with_pandas():
    times = np.random.default_rng(0).integers(0, 4_000_000_000, 300)
    rows = pd.DataFrame({"timestamp": times})
    schema = Schema({"h": Clock("hour"), "d": Clock("weekday")}).fit(rows)
    encoded, dates = schema.encode(rows), pd.to_datetime(times, unit="s")
    assert schema.decode("h", encoded["h"]) == dates.hour.tolist()
    assert schema.decode("d", encoded["d"]) == dates.day_of_week.tolist()


def test_flag_by_hand():
    schema, codes = column(Flag(), [True, False, None])
    assert codes.tolist() == [2, 1, 3]
    assert schema.decode("x", codes) == [True, False, None]
    with pytest.raises(ValueError, match="Flag"):
        column(Flag(), ["yes", "no"])


def test_vector_by_hand():
    schema, encoded = column(Vector(), [[1.0, 2.0], None])
    assert encoded.tolist() == [[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]
    assert schema.decode("x", encoded) == [[1.0, 2.0], None]
    with pytest.raises(ValueError, match="one length"):
        column(Vector(), [[1.0], [1.0, 2.0]])
    _, encoded = column(Vector(), pd.Series([np.nan, [3.0]], dtype=object).tolist())
    assert encoded.tolist() == [[0.0, 1.0], [3.0, 0.0]]


EVERY_KIND = {
    "action": Category(),
    "price": Number("log1p"),
    "dwell": Number(buckets=3),
    "gap": Gap(),
    "hour": Clock(),
    "member": Flag(),
    "counts": Counts(source="action"),
    "text": Vector(),
}


def events(count, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "user": np.sort(rng.integers(0, 5, count)),
            "timestamp": np.sort(rng.integers(0, 10**9, count)),
            "action": rng.choice(["view", "buy", None], count),
            "price": rng.lognormal(size=count),
            "dwell": np.where(rng.random(count) < 0.3, np.nan, rng.random(count)),
            "member": rng.random(count) < 0.5,
            "text": list(rng.normal(size=(count, 3))),
        }
    )


def test_other_rows_change_no_fitted_number():
    schema = Schema(EVERY_KIND).fit(events(50))
    before = schema.to_config()
    first = schema.encode(events(20, seed=1))
    schema.encode(events(20, seed=2).assign(price=1e9, action="new"))
    assert schema.to_config() == before
    again = schema.encode(events(20, seed=1))
    assert all(np.array_equal(first[name], again[name]) for name in schema)


def test_a_stored_schema_encodes_alike():
    schema = Schema(EVERY_KIND).fit(events(50))
    restored = Schema.from_config(json.loads(json.dumps(schema.to_config())))
    rows = events(30, seed=1)
    for name, encoded in schema.encode(rows).items():
        assert np.array_equal(encoded, restored.encode(rows)[name])


def test_no_code_is_padding_and_none_exceeds_the_table():
    encoded = (schema := Schema(EVERY_KIND).fit(events(50))).encode(events(200, seed=3))
    for name, values in encoded.items():
        assert np.isfinite(values).all()
        if schema[name].num_codes is not None:
            assert values.min() >= 1 and values.max() < schema[name].num_codes
        else:
            assert values.shape == (200, schema[name].width)


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        ({"x": Category()}, {"y": [1]}, "needs the column `x`"),
        ({"x": Number()}, {"x": ["tea"]}, "must hold numbers"),
        ({"x": Number()}, {"x": [np.inf]}, "finite"),
        ({"x": Vector()}, {"x": ["text"]}, "vectors of numbers"),
        ({"x": Number()}, {"x": [np.nan]}, "holds no number"),
        ({"x": Number("log1p")}, {"x": [-1.0]}, "negative"),
    ],
)
def test_unreadable_columns_are_refused(columns, rows, message):
    with pytest.raises(ValueError, match=message):
        Schema(columns).fit(pd.DataFrame(rows))


def test_damaged_descriptions_are_refused():
    with pytest.raises(ValueError, match="kinds"):
        Schema.from_config({"x": {"kind": "colour"}})
    with pytest.raises(ValueError, match="unknown entries"):
        Schema.from_config({"x": {"kind": "flag", "size": 3}})
    for wrong in ({"values": 5}, {"values": [["a"]]}, {"min_count": True}, {"of": ["items"]}):
        with pytest.raises(ValueError, match="must be of type"):
            Schema.from_config({"x": {"kind": "category", **wrong}})
    with pytest.raises(ValueError, match="`edges` of a number column"):
        Schema.from_config({"x": {"kind": "number", "edges": ["low"]}})
    with pytest.raises(ValueError, match="one of"):
        Schema({"x": "category"})
    with pytest.raises(ValueError, match="fit"):
        Schema({"x": Category()}).encode(pd.DataFrame({"x": [1]}))


EVENTS = pd.DataFrame({"user": [1, 1, 1, 2], "item": ["a", "b", "a", "b"], "act": list("vbvv")})


def test_tables_are_read_once_per_item_of_the_training_events():
    items = pd.DataFrame({"size": [0.0, 4.0, 1e9]}, index=["a", "b", "never"])
    fitted = Schema({"size": Number(of="items")}).fit(EVENTS, items)
    # Mean 2 and deviation 2, although item a has as many events as it likes.
    encoded = fitted.encode_items(items, Vocabulary(["b", "a", "other"]))["size"]
    expected = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, 1], [0, 1]]  # Padding, b, a, other, unknown.
    assert encoded.tolist() == expected
    assert fitted.encode(EVENTS) == {}


def test_the_event_asked_for_is_the_next_one():
    fitted = Schema({"asked_act": Category(of="asked")}).fit(EVENTS)
    # v is 1, b is 2, and the last event of each user has none after it: 2 + 2.
    assert fitted.encode(EVENTS)["asked_act"].tolist() == [2, 1, 4, 4]
    assert fitted.encode_asked(EVENTS)["asked_act"].tolist() == [1, 2, 1, 1]
    assert Schema.from_config(fitted.to_config()) == fitted


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Category(of="shops"), "`of` must be one of"),
        (Gap(of="items"), "only describe events"),
        (Number(of="asked"), "answer into the question"),
        (Category(source="timestamp", of="asked"), "answer into the question"),
        (Category(source="item", of="asked"), "answer into the question"),
    ],
)
def test_columns_that_cannot_describe_are_refused(column, message):
    with pytest.raises(ValueError, match=message):
        Schema({"x": column})


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (None, "needs the table `items`"),
        (pd.DataFrame({"size": [1, 2]}, index=["a", "a"]), "duplicated ids"),
        (pd.DataFrame({"price": [1]}, index=["a"]), "needs the column `size` of items"),
        (pd.DataFrame({"size": [1]}, index=["never"]), "holds no number"),
    ],
)
def test_unreadable_tables_are_refused(items, message):
    with pytest.raises(ValueError, match=message):
        Schema({"size": Number(of="items")}).fit(EVENTS, items)
