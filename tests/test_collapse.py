"""A training that learns little more than popularity is noticed, restarted once and reported."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels import api
from recmodels.data.interactions import Interactions
from recmodels.features.histories import build_histories
from recmodels.training.collapse import find_collapse
from recmodels.training.curve import LearningCurve


def make_data(next_item, users=1200, length=8, items=12, seed=0):
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


def by_chance(rng, item):
    return int(rng.choice(12, p=np.arange(1, 13) / 78))


def in_turn(rng, item):
    return (item + 1) % 12


@pytest.mark.slow
def test_a_log_without_order_is_restarted_once_and_reported(capsys, tmp_path):
    data = make_data(by_chance)
    model, path = rm.SASRec(), tmp_path / "checkpoint.npz"
    curve = rm.fit(model, data, epochs=4, checkpoint=path, verbose=False)
    said = capsys.readouterr().err
    assert said.count("learnt little more than popularity") == 2
    assert said.count("Training starts again with dropout 0.1") == 1
    assert "has weights already" not in said  # The second attempt begins with initial weights.
    assert "popularity" in curve.collapse and model.get_config()["dropout"] == 0.1
    # A process that was killed comes to the same weights from the two checkpoints.
    again = rm.SASRec()
    rm.fit(again, data, epochs=4, checkpoint=path, verbose=False)
    for own, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.slow
def test_a_log_with_order_is_not_restarted(capsys):
    curve = rm.fit(rm.SASRec(), make_data(in_turn), epochs=4, verbose=False)
    assert curve.collapse is None and "popularity" not in capsys.readouterr().err
    assert curve.best["score"] > 0.9


@pytest.mark.slow
def test_settings_of_the_user_are_kept_and_the_collapse_is_reported(capsys):
    data = make_data(by_chance)
    model = rm.SASRec(data.num_items, max_length=10, dropout=0.5)
    curve = rm.fit(model, data, epochs=4, batch_size=2, patience=None, verbose=False)
    said = capsys.readouterr().err
    assert said.count("learnt little more than popularity") == 1 and "again" not in said
    assert len(curve.rows) == 4 and model.get_config()["dropout"] == 0.5


@pytest.mark.parametrize(("used", "limits"), [(20.0, [60, 40.0]), (60.0, [60]), (61.0, [60])])
def test_a_restart_gets_the_seconds_that_are_left(used, limits, monkeypatch, capsys):
    given = []

    def train(model, data, options, path, **_):
        given.append(options["max_seconds"])
        row = {"epoch": 1, "loss": 1.0, "score": None, "seconds": used}
        return LearningCurve([row], collapse="It learnt little more than popularity.")

    monkeypatch.setattr(api, "_train", train)
    rm.fit(rm.SASRec(), make_data(by_chance, users=50), max_seconds=60)
    assert given == limits
    assert ("Training starts again" in capsys.readouterr().err) == (len(limits) == 2)
