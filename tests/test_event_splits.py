"""Splits for predicting the next event: the last one of a window, and each of the last day."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.event_splits import SECONDS_PER_DAY, last_day, last_event
from recmodels.data.interactions import Interactions
from recmodels.features.sequences import prepare

DAY = SECONDS_PER_DAY


def make_log(rows):
    """A log of (user, item, day) rows."""
    frame = pd.DataFrame(rows, columns=["user", "item", "day"])
    frame["timestamp"] = (frame.pop("day") * DAY).round().astype(np.int64)
    return Interactions(frame, "timed", name="toy")


DAYS = (0.1, 0.5, 1.1, 1.5, 2.1, 2.5)
LOG = make_log(
    [(1, item, day) for item, day in zip("abcdef", DAYS, strict=True)]
    + [(2, "a", 0.2), (2, "b", 2.2), (3, "f", 2.3), (3, "e", 2.4)]
)


def items_of(log):
    return log.events["item"].tolist()


def test_last_event_keeps_users_with_enough_events_in_the_window():
    # Inside days 0.5 to 2.5 user 1 has b, c, d and e; user 2 has one event, user 3 two.
    split = last_event(LOG, since=DAY // 2, until=int(2.5 * DAY), min_events=4)
    assert split.protocol == "last-event"
    assert items_of(split.train) == ["b", "c"]
    assert items_of(split.validation.targets) == ["d"] and items_of(split.test.targets) == ["e"]
    assert items_of(split.test.inputs) == ["b", "c", "d"]


def test_a_window_without_enough_events_is_refused():
    with pytest.raises(ValueError, match="`last_event` needs users with `min_events` events"):
        last_event(LOG, min_events=7)


def test_each_event_of_the_last_day_is_predicted_from_all_events_before_it():
    split = last_day(LOG, until=3 * DAY, min_events=2)
    assert items_of(split.train) == ["a", "b", "a"]  # Users 1 and 2 on the first day.
    data = prepare(split)
    decode = dict(enumerate(data.vocabulary.raw_ids, start=1)).get

    def cases(queries):
        lists = [queries.histories.last([row])[0] for row in range(len(queries))]
        told = ["".join(decode(i, "?") for i in row if i) for row in lists]
        return list(zip(queries.histories.users, told, strict=True))

    # Items c to f are unknown to training. User 3 comes on the last day: only e has a history.
    assert cases(data.validation) == [(1, "ab"), (1, "ab?")]
    assert cases(data.test) == [(1, "ab??"), (1, "ab???"), (2, "a"), (3, "?")]
    np.testing.assert_allclose(data.test.at / DAY, [1.5, 2.1, 0.2, 2.3])
    gaps = data.test.target_columns["gap_seconds"] / DAY
    np.testing.assert_allclose(gaps, [0.6, 0.4, 2.0, 0.1])
    assert data.test.user_ids.tolist() == [0, 0, 1, -1]


def test_a_refit_never_trains_on_the_last_day():
    split = last_day(LOG, until=3 * DAY, min_events=2)
    assert items_of(split.refitted().train) == ["a", "b", "c", "d", "a"]
