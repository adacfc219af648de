"""Columns of histories without some events, against those of logs that never had them."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.explain.removal import Removal
from recmodels.features.counts import Counts
from recmodels.features.protocol import Protocol

COLUMNS = {
    "action": rm.Category(),
    "category": rm.Category(of="items"),
    "gap": rm.Gap(),
    "item_gap": rm.Gap(by="item"),
    "category_gap": rm.Gap(by="category"),
    "action_gap": rm.Gap(by="action"),
    "counts": Counts(source="action"),
    "asked_action": rm.Category(of="asked"),
    "asked_gap": rm.Gap(of="asked", source="timestamp"),
}


class Reads:
    """Keeps what it is asked; the score of an item is its id."""

    columns = tuple(COLUMNS)

    def __init__(self, max_length):
        self.max_length = max_length

    def score(self, queries, items=None):
        self.queries = queries
        scores = np.tile(np.arange(5, dtype=np.float32), (len(queries["item_ids"]), 1))
        return scores if items is None else scores[:, items]


def make_data(left_out=(), schema=None, columns=("timestamp",), vocabulary=None):
    rng = np.random.default_rng(0)
    users = np.repeat([1, 2, 3], [9, 8, 6])
    log = pd.DataFrame({
        "user": users,
        "item": [1, 2, 3, 4, *rng.integers(1, 5, len(users) - 4)],
        "timestamp": 1_000_000 + np.cumsum(rng.integers(0, 2000, len(users))),
        "action": rng.choice(["view", "buy", None], len(users), p=[0.5, 0.3, 0.2]),
    })  # fmt: skip
    items = pd.DataFrame({"category": ["a", "b", "a", None]}, index=[1, 2, 3, 4])
    log = log.drop(index=list(left_out)).reset_index(drop=True)
    split = leave_one_out(Interactions(log, "timed", "made up", items))
    schema = rm.Schema(COLUMNS) if schema is None else schema
    return rm.prepare(split, columns, schema, Protocol(query_time=True), vocabulary)


@pytest.mark.parametrize("max_length", [None, 3])
def test_values_are_those_of_a_log_without_the_removed_events(max_length):
    whole = make_data()
    model = Reads(max_length)
    removal = Removal(model, whole.test, max_events=5, items=[1, 1, 1])
    width = removal.real.shape[1]
    cases = [(0, (place,)) for place in range(width)]
    cases += [(0, (1, 2)), (1, (0,)), (1, (width - 1,))]
    for user, places in cases:
        kept = removal.real[[user]]
        kept[0, list(places)] = False
        # The users have nine and eight events; the last of each is the target.
        first = (8, 9 + 7)[user] - width
        left_out = [first + place for place in places]
        expected = make_data(left_out, whole.schema, vocabulary=whole.vocabulary)
        found = removal.inputs(np.array([user]), kept)
        window = expected.test.histories.window([user], max_length, tuple(COLUMNS))
        assert found["at"] == expected.test.at[user]
        for name in ("item_ids", *COLUMNS):
            np.testing.assert_allclose(found[name], window[name], atol=1e-6, err_msg=name)


def test_times_that_are_needed_and_not_there_are_named():
    data = make_data(columns=())
    removal = Removal(Reads(4), data.test, items=[1, 1, 1])
    with pytest.raises(ValueError, match=r"anew.*columns=\('timestamp',\).*Received"):
        removal.scores([0], removal.real[[0]])


def test_requests_without_times_keep_their_missing_gaps():
    data = make_data(schema=rm.Schema({"gap": rm.Gap()}))
    model = Reads(4)
    model.columns = ("gap",)
    recommender = rm.Recommender(model, data)
    missing = data.schema["gap"].num_codes - 1
    recommender.reasons([2], [1, 3, 2])
    assert set(model.queries["gap"].ravel().tolist()) <= {0, missing}
    recommender.reasons([2], {"item": [1, 3, 2], "timestamp": [5, 9, 20]})
    assert len(set(model.queries["gap"].ravel().tolist()) - {0, missing})
