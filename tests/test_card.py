import json

import pandas as pd
import pytest

from recmodels.data.card import data_card
from recmodels.data.interactions import Interactions


def _log(order="timed", name="toy", **columns):
    return Interactions(pd.DataFrame(columns), order, name)


def test_figures_by_hand():
    # User 1: a b a a, the last three in one second; user 2: c.
    log = _log(
        user=[1, 1, 1, 1, 2],
        item=["a", "b", "a", "a", "c"],
        timestamp=[0, 86_400, 86_400, 86_400, 172_800],
        action=["view", "buy", "view", "view", "view"],
    )
    card = data_card(log)
    assert (card.events, card.users, card.items) == (5, 2, 3)
    assert card.density == 3 / 6
    assert (card.first, card.last) == ("1970-01-01", "1970-01-03")
    assert card.lengths["p50"] == 2.5
    assert (card.lengths["p0"], card.lengths["p100"]) == (1, 4)
    assert card.repeats == 2 / 5
    assert card.repeated_last == 1  # Of user 1 only: user 2 has nothing before.
    assert card.ties == 2 / 5
    assert card.actions == {"view": 4, "buy": 1}
    assert card.equals_published is None


def test_unordered_log_has_no_times_and_no_last_event():
    card = data_card(_log("unordered", user=[1, 1], item=[1, 1]))
    assert card.first is card.ties is card.repeated_last is None
    assert card.repeats == 0.5
    assert "without times" in repr(card)


def test_other_counts_than_the_published_are_shouted():
    card = data_card(_log("ordered", "ml-1m-sasrec", user=[1], item=[1]))
    assert card.equals_published is False
    assert "NOT the published counts: users 1 instead of 6,040, items 1 instead" in repr(card)


def test_card_goes_to_json():
    card = data_card(_log("ordered", user=[1], item=[1]))
    values = json.loads(json.dumps(card.to_dict()))
    assert values["events"] == 1 and values["equals_published"] is None


def test_empty_log_is_refused():
    with pytest.raises(ValueError, match="`source` has no events"):
        data_card(_log("ordered", user=[1], item=[1]).select([]))


def test_real_benchmark_card_equals_the_published(real_log):
    card = data_card(real_log("ml-1m-sasrec"))
    assert card.equals_published is True
    assert card.density == pytest.approx(999_611 / (6_040 * 3_416))
    assert card.lengths["p0"] == 18
    assert "equal to the published counts" in repr(card)


def test_real_deskdrop_last_items_are_often_repeats(real_log):
    assert data_card(real_log("deskdrop")).repeated_last == pytest.approx(0.34, abs=0.01)
