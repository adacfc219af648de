from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.data.sessions import sessions

MINUTE = 60
TIMES = [0, 30 * MINUTE, 60 * MINUTE + 1, 60 * MINUTE + 2, 5, 5]
EVENTS = pd.DataFrame({"user": list("aaaabb"), "item": range(6), "timestamp": TIMES}, range(10, 16))


def test_sessions_by_hand():
    # Exactly 30 minutes still belong to the session; the third event comes a second later.
    found = sessions(EVENTS)
    assert found["session"].tolist() == [1, 1, 2, 2, 1, 1]
    assert found["session_event"].tolist() == [1, 2, 1, 2, 1, 2]
    assert found.index.tolist() == EVENTS.index.tolist() and (found.dtypes == np.int64).all()
    assert sessions(EVENTS, gap_minutes=0.01)["session"].tolist() == [1, 2, 3, 4, 1, 1]
    assert len(sessions(EVENTS[:0])) == 0


def test_long_sessions_equal_a_loop():
    rng = np.random.default_rng(0)
    gaps = rng.exponential(20 * MINUTE, 100_000).astype(int)
    events = pd.DataFrame({"user": np.repeat([3, 1], 50_000), "timestamp": 0})
    events["timestamp"] = np.concatenate([gaps[:50_000].cumsum(), gaps[50_000:].cumsum()])
    found, session, place, before = sessions(events), 0, 0, -np.inf
    for row, time in enumerate(events["timestamp"].head(2_000)):
        place += 1
        if time - before > 30 * MINUTE:
            session, place = session + 1, 1
        assert (found["session"][row], found["session_event"][row]) == (session, place)
        before = time
    assert found["session"][50_000] == 1
    one = sessions(pd.DataFrame({"user": 1, "timestamp": np.zeros(100_000)}))
    assert one["session"].max() == 1 and one["session_event"].iloc[-1] == 100_000


def test_no_count_depends_on_later_events():
    whole = sessions(EVENTS)
    for count in range(1, 5):
        pd.testing.assert_frame_equal(sessions(EVENTS[:count]), whole[:count])


def test_sessions_are_columns_of_a_schema():
    log = Interactions(EVENTS.reset_index(drop=True), "timed")
    log = replace(log, events=log.events.join(sessions(log.events)))
    schema = rm.Schema({"place": rm.Number(buckets=2, source="session_event")})
    assert schema.fit(log.events).encode(log.events)["place"].tolist() == [1, 2, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("events", "options", "match"),
    [
        (EVENTS, {"gap_minutes": 0}, "`gap_minutes` must be a number greater than 0"),
        (EVENTS, {"gap_minutes": True}, "`gap_minutes`"),
        (EVENTS.drop(columns="timestamp"), {}, "`user` and `timestamp`"),
        (EVENTS[::-1], {}, "sorted by user and time.*row_out_of_order=3"),
        (EVENTS.iloc[[0, 4, 1]], {}, "users_together=False"),
    ],
)
def test_bad_events_are_refused(events, options, match):
    with pytest.raises(ValueError, match=match):
        sessions(events, **options)
