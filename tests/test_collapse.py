"""A training that learns little more than popularity is noticed, restarted once and reported."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.features.histories import build_histories
from recmodels.training.collapse import find_collapse
from recmodels.training.curve import LearningCurve


def make_data(next_item, users=60, length=8, items=12, seed=0):
    """Histories whose next item follows from `next_item(rng, item)`."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        item = int(rng.integers(items))
        for step in range(length):
            rows.append((user, item, user * length + step))
            item = next_item(rng, item)
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    protocol = rm.Protocol(filter_seen=False)
    return rm.prepare(rm.leave_one_out(Interactions(frame, "timed")), protocol=protocol)


def curve_of(*losses):
    return LearningCurve([{"epoch": i + 1, "loss": x, "score": None} for i, x in enumerate(losses)])


def test_the_entropy_counts_every_event_but_the_first_of_each_user():
    frame = pd.DataFrame({"user": [1, 1, 1, 1, 2, 2, 2, 2], "item": [9, 5, 6, 7, 9, 5, 5, 8]})
    log = Interactions(frame.assign(timestamp=range(8)), "timed")
    data = rm.prepare(rm.leave_one_out(log))
    assert data.train.target_entropy() == 0.0  # Training has 9 5 twice and asks for 5 alone.
    shares = np.array([3, 1, 1, 1]) / 6  # The whole log asks for 5 three times, then 6, 7 and 8.
    whole = build_histories(log, data.vocabulary)
    assert whole.target_entropy() == pytest.approx(-(shares * np.log(shares)).sum())


def test_the_third_epoch_decides():
    entropy = 5.0
    assert find_collapse(curve_of(5.1, 4.99), entropy, steps=300) is None  # Too early.
    assert "4.99" in find_collapse(curve_of(5.1, 5.0, 4.99), entropy, steps=300)
    assert find_collapse(curve_of(5.1, 4.9, 4.6), entropy, steps=300) is None
    # Later epochs change nothing about the third.
    assert find_collapse(curve_of(5.1, 5.0, 4.99, 2.0), entropy, steps=300) is not None


def test_small_logs_are_judged_after_300_steps():
    losses = [5.0] * 10
    assert find_collapse(curve_of(*losses), 5.0, steps=20) is None
    assert find_collapse(curve_of(*losses, *losses), 5.0, steps=20) is not None
