import json
import time

import numpy as np
import pytest

from benchmarks import memory_tasks as module
from benchmarks.memory import memory_growth, private_bytes
from recmodels.data.memory_tasks import SEPARATOR, copy_log, lag_ceiling, lag_log
from recmodels.plots import option_curves


def lists_of(log):
    return [part.to_numpy() for _, part in log.events.groupby("user")["item"]]


@pytest.mark.parametrize("lag", [1, 3])
def test_an_event_repeats_the_one_before_by_the_lag_as_often_as_the_ceiling_says(lag):
    items = np.stack(lists_of(lag_log(lag, num_users=800)))
    # 31,200 or 29,600 events: the standard error is 0.002.
    assert (items[:, lag:] == items[:, :-lag]).mean() == pytest.approx(lag_ceiling(), abs=0.008)
    for other in {1, 2, 3} - {lag, 2 * lag, 3 * lag}:
        assert (items[:, other:] == items[:, :-other]).mean() == pytest.approx(1 / 20, abs=0.05)


def test_lists_are_copied_behind_the_separator():
    lengths = set()
    for items in lists_of(copy_log(5, num_users=200)):
        (place,) = np.flatnonzero(items == SEPARATOR)
        assert items[:place].tolist() == items[place + 1 :].tolist()
        lengths.add(int(place))
    assert lengths == {2, 3, 4, 5}


def test_impossible_sizes_are_refused():
    for make in (lambda: lag_log(0), lambda: lag_log(40), lambda: copy_log(1)):
        with pytest.raises(ValueError, match="must be"):
            make()


def test_the_examples_of_the_docstrings():
    assert lists_of(lag_log(2, num_users=1, length=6, noise=0.0))[0].tolist() == [20, 2] * 3
    assert lists_of(copy_log(3, num_users=1))[0].tolist() == [18, 20, 18, 0, 18, 20, 18]


@pytest.mark.slow
def test_rows_are_stored_and_an_interrupted_run_continues(tmp_path, monkeypatch, eagerly):
    monkeypatch.setattr(module, "alone", lambda function, *args: function(*args))
    monkeypatch.setattr(module, "TASKS", {"lag": (1,), "copy": (3,)})
    monkeypatch.setattr(module, "MODEL", {"max_length": 8, "width": 4, "num_blocks": 1})
    short = {"training": {"epochs": 1}, "num_users": 5, "results": tmp_path}
    rows = module.memory_tasks(("simple-rnn",), **short)
    assert [(row["task"], row["size"]) for row in rows] == [("lag", 1), ("copy", 3)]
    path = tmp_path / "memory_tasks.json"
    stored = json.loads(path.read_text())
    assert stored["rows"] == rows and all(0 <= row["hr@1"] <= 1 for row in rows)
    assert rows[0]["memory_mib"] >= 0  # 0 where this process has free memory already.
    stored["rows"] = stored["rows"][:1]
    path.write_text(json.dumps(stored))
    again = module.memory_tasks(("simple-rnn",), **short)
    assert again[0] == rows[0] and len(again) == 2
    assert "simple-rnn" in module.describe_memory_tasks(again)
    curves = module.memory_curves(again, "lag")
    assert list(curves["SimpleRNN"].index) == [1]
    assert option_curves(curves, "lag", "HR@1").get_xlabel() == "lag"


def test_growth_counts_memory_that_was_given_back():
    with memory_growth() as grown:
        block = np.ones(2**24)  # 128 MiB.
        time.sleep(0.2)
        del block
    assert 120 < grown[0] / 2**20 < 200


def test_growth_is_counted_by_phase_and_from_where_it_is_asked():
    phases = [0]
    since = private_bytes() - 2**20
    with memory_growth(private_bytes, lambda: phases[-1], since) as grown:
        time.sleep(0.2)
        phases.append(1)
        block = np.ones(2**23)  # 64 MiB.
        time.sleep(0.2)
        phases.append(None)
        block = (block, np.ones(2**24))
        time.sleep(0.2)
    assert 0 < grown[0] < 30 * 2**20 and 60 < grown[1] / 2**20 < 100 and set(grown) == {0, 1}
