import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import large as large_module
from benchmarks import scaling as scaling_module
from benchmarks.__main__ import app
from benchmarks.large import describe_large, train_large
from benchmarks.scaling import (
    AXES,
    BASE,
    Load,
    describe_scaling,
    draw_scaling,
    growth,
    measure,
    passes_of,
    predicted_seconds,
    random_histories,
    scaling,
    time_steps,
    work,
)
from recmodels.experiments.results import load_results
from recmodels.training.curve import LearningCurve

TINY = Load(events=400, length=4, num_items=20, width=4)


def timed(microseconds):
    pace = {"microseconds": microseconds, "fastest": microseconds, "slowest": microseconds}
    return {**pace, "positions": 6_400.0}


@pytest.fixture
def no_training(monkeypatch):
    """A position takes 100 microseconds and 10 more for each input of a window."""
    monkeypatch.setattr(scaling_module, "matmul_rate", lambda: 1e11)
    monkeypatch.setattr(scaling_module, "copy_bandwidth", lambda: 1e10)
    paced = lambda load, histories, steps: timed(100 + 10.0 * load.length)  # noqa: E731
    monkeypatch.setattr(scaling_module, "time_steps", paced)


def test_one_setting_varies_on_each_axis_and_all_ranges_are_covered():
    for field, loads in AXES.values():
        values = [getattr(load, field) for load in loads]
        assert values == sorted(set(values))
        others = [{**load.__dict__, field: None} for load in loads]
        assert all(other == others[0] for other in others)
    spans = {f: (getattr(a[0], f), getattr(a[-1], f)) for f, a in AXES.values() if f != "num_items"}
    assert spans["events"] == (10**5, 10**7) and spans["length"] == (50, 800)
    assert [load.num_items for load in AXES["items"][1]] == [10**3, 10**4, 10**5, 10**6]


def test_work_by_hand():
    # Two blocks of width 2: 6 x 4 weights, so 48, and 2 x 2 a pair: 4, in all 2 x 28 products;
    # 9 scores of 2. Two operations each, three times for the gradient.
    need = work(Load(length=1, num_items=9, width=2, loss="full_softmax"))
    assert need["flops"] == 6 * (2 * 28 + 9 * 2)
    assert (need["states"], need["attention"]) == (2 * 2, 2 * 1)
    assert need["fixed"] == pytest.approx(6 * 9 + 33 * 18 / 6_400)
    # Sampled: 256 negatives and the target, whatever the catalogue.
    assert work(Load(num_items=10**6))["flops"] == work(Load(num_items=10))["flops"]
    assert work(Load(num_items=10))["fixed"] == 6 * 257 + 33 * 640 / 6_400
    assert work(Load(num_items=10), positions=64)["fixed"] == 6 * 257 + 33 * 640 / 64


def test_prediction_by_hand_and_the_passes_it_starts_from():
    short = Load(length=1, num_items=9, width=2, loss="full_softmax")
    # 444 operations at 100 a second; 4 numbers of states 5 times, 2 of attention 3 times, 9 logits
    # 6 times and the table, 4 bytes each, at 8.
    seconds = 444 / 100 + 4 * (4 * 5 + 2 * 3 + 6 * 9 + 33 * 18 / 6_400) / 8
    passes = {"states": 5.0, "attention": 3.0}
    assert predicted_seconds(work(short), 100.0, 8.0, passes) == pytest.approx(seconds)
    loads = [short, Load(length=7, num_items=9, width=2, loss="full_softmax")]
    taken = {load: predicted_seconds(work(load), 100.0, 8.0, passes) for load in loads}
    assert passes_of(taken, 100.0, 8.0) == pytest.approx(passes)
    # Faster than arithmetic alone.
    assert passes_of(dict.fromkeys(loads, 1.0), 100.0, 8.0) == {"states": 0.0, "attention": 0.0}


def test_growth_by_hand():
    rows = [(10.0, 10.0, 1.0), (30.0, 20.0, 3.0), (40.0, 80.0, 400.0)]
    names = ("microseconds", "predicted_microseconds", "epoch_seconds")
    found = growth([dict(zip(names, row, strict=True)) for row in rows])
    assert found == {
        "growth": 4.0,
        "predicted_growth": 8.0,
        "epoch_growth": 400.0,
        "largest_factor_off": 2.0,  # 80 for 40; 30 for 20 is 1.5.
    }


def test_random_histories_are_full_windows_of_known_items():
    histories = random_histories(TINY, steps=3, seed=1)
    assert len(histories) == 6 * (6_400 // 4)
    assert (histories.lengths == 5).all()
    assert histories.items.min() == 1 and histories.items.max() == 20
    again = random_histories(TINY, steps=3, seed=1)
    assert np.array_equal(histories.items, again.items)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("loss", ["sampled_softmax", "full_softmax"])
def test_steps_are_timed(monkeypatch, loss):
    monkeypatch.setattr(scaling_module, "POSITIONS", 64)
    load = Load(length=4, num_items=20, width=4, loss=loss)
    found = time_steps(load, random_histories(load, 2), 2)
    assert 0 < found["fastest"] <= found["microseconds"] <= found["slowest"]
    assert found["positions"] == 64


def test_the_shop_s_events_are_in_order_and_an_epoch_is_all_but_the_first(monkeypatch):
    seen = []

    def fake(load, histories, steps):
        seen.append(histories)
        return timed(5000.0)

    monkeypatch.setattr(scaling_module, "time_steps", fake)
    point = measure(TINY, "events", 1)
    (histories,) = seen
    assert len(histories) == 10 and 1 <= histories.items.min() <= histories.items.max() <= 20
    assert point["at"] == 400 and point["generating_seconds"] >= 0
    assert point["epoch_seconds"] == 1.95  # 390 positions of 5 ms.


def test_curves_start_from_the_base_and_keep_the_rest_of_the_file(no_training, tmp_path):
    axes = {"length": ("length", [BASE, Load(length=100)])}
    (tmp_path / "scaling.json").write_text('{"large": {"events": 7}}')
    found = scaling(axes, steps=1, results=tmp_path)
    first, second = found["curves"]["axes"]["length"]["points"]
    assert first["microseconds"] == first["predicted_microseconds"] == 600.0  # Measured first.
    assert [start["length"] for start in found["curves"]["measured_first"]] == [50, 200]
    assert second["at"] == 100 and second["microseconds"] == 1100.0
    assert second["predicted_microseconds"] == pytest.approx(1100, rel=0.02)
    assert found["curves"]["axes"]["length"]["growth"] == 1.833
    stored = json.loads((tmp_path / "scaling.json").read_text())
    assert stored == {"large": {"events": 7}, **found}
    assert load_results(tmp_path) == []  # No experiment.
    assert "100" in describe_scaling(found) and "times off" in describe_scaling(found)
    draw_scaling(found, tmp_path / "runs" / "scaling.png")
    assert (tmp_path / "runs" / "scaling.png").stat().st_size > 1000


def test_a_large_epoch_goes_through_the_public_fit(monkeypatch, tmp_path):
    asked = {}

    def fake(model, data, **options):
        asked.update(options, users=len(data.validation), test=data.test, items=model.num_items)
        row = {"epoch": 1, "loss": 2.0, "score": 0.1, "seconds": 3.0}
        return LearningCurve([row])

    monkeypatch.setattr(large_module, "fit", fake)
    found = train_large(60, 30, validated=7, results=tmp_path)
    assert asked["loss"] == "sampled_softmax" and asked["epochs"] == 1
    assert asked["users"] == 7 and asked["test"] is None
    assert asked["items"] == found["large"]["num_items"] <= 30
    assert found["large"]["epoch_seconds"] == 3.0 and found["large"]["peak_gib"] > 0.05
    assert json.loads((tmp_path / "scaling.json").read_text()) == found
    assert "an epoch in 3 s" in describe_large(found)


def test_the_command_does_either(no_training, monkeypatch, tmp_path):
    monkeypatch.setattr(scaling_module, "scaling", lambda results: {"curves": {"axes": {}}})
    monkeypatch.setattr(scaling_module, "draw_scaling", lambda found, path: None)
    monkeypatch.setattr(
        large_module, "train_large", lambda results: {"large": {"at": str(results)}}
    )
    where = ["--results", str(tmp_path), "--json"]
    run = CliRunner().invoke
    assert json.loads(run(app, ["scale", *where]).output) == {"curves": {"axes": {}}}
    assert json.loads(run(app, ["scale", "--large", *where]).output)["large"]["at"] == str(tmp_path)
