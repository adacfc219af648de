"""Rolling-origin splits learn from the past alone and test each stretch once."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.leakage import leak_report
from recmodels.data.rolling import rolling_origin


def log(events=400, users=8, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, users, events),
            "item": rng.integers(0, 30, events),
            "timestamp": np.arange(events) + 1_000,
        }
    )
    return Interactions(frame, "timed", "toy")


def test_folds_by_hand():
    # Ten events of one user, one per second. Cuts after 60 % and 80 % of them.
    frame = pd.DataFrame({"user": 1, "item": range(10), "timestamp": range(10)})
    first, second = rolling_origin(Interactions(frame, "timed"), folds=2, start=0.6)
    assert [len(first.train), len(second.train)] == [5, 7]  # One event of each validates.
    assert first.test.inputs.events["item"].tolist() == [0, 1, 2, 3, 4, 5]
    assert first.test.targets.events["item"].tolist() == [6]
    assert second.test.targets.events["item"].tolist() == [8]


def test_a_user_who_returns_after_the_stretch_is_no_case():
    users = [1, 2, 1, 1, 1, 1, 1, 1, 1, 2]
    frame = pd.DataFrame({"user": users, "item": range(10), "timestamp": range(10)})
    first, second = rolling_origin(Interactions(frame, "timed"), folds=2, start=0.6)
    assert first.test.targets.events["user"].tolist() == [1]
    assert second.test.targets.events["user"].tolist() == [1, 2]


def test_no_fold_sees_its_future_and_stretches_do_not_overlap():
    splits = rolling_origin(log(), folds=4)
    stretches = []
    for split in splits:
        targets = split.test.targets.events["timestamp"]
        assert split.train.events["timestamp"].max() < split.cut[0] <= split.cut[1] <= targets.min()
        assert leak_report(split).own_future_events == 0
        stretches.append((split.cut[1], targets.max()))
    for (_, last), (begin, _) in zip(stretches, stretches[1:], strict=False):
        assert last < begin
    assert [s.protocol for s in splits] == ["rolling-origin"] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [({"folds": 1}, "at least 2"), ({"start": 0.05}, "validation_fraction"), ({"folds": 500}, "")],
)
def test_impossible_folds_are_refused(options, message):
    with pytest.raises(ValueError, match=message or "folds"):
        rolling_origin(log(), **options)


def test_an_ordered_log_is_refused():
    frame = pd.DataFrame({"user": [1], "item": [1]})
    with pytest.raises(ValueError, match="timestamp"):
        rolling_origin(Interactions(frame, "ordered"))
