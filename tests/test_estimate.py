import json
from dataclasses import replace

import numpy as np
import pytest
from harness import make_histories, make_log
from typer.testing import CliRunner

from recmodels.cli import app
from recmodels.data.shop import simulate
from recmodels.data.splits import leave_one_out
from recmodels.experiments import estimate as estimate_module
from recmodels.experiments import memory, quickstart
from recmodels.experiments.catalogue import find_experiment
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate, estimate
from recmodels.experiments.memory import (
    least_bytes,
    parameter_count,
    refuse_what_cannot_fit,
)
from recmodels.experiments.run import split_log
from recmodels.features.sequences import prepare
from recmodels.models.families import FAMILIES
from recmodels.training.curve import LearningCurve
from recmodels.training.settings import Training

OPTIONS = {"max_length": 5, "width": 4, "num_blocks": 1, "hidden_width": 8}


def tiny(**changes) -> Experiment:
    training = {"batch_size": 32, "loss": "full_softmax"}
    return replace(Experiment("tiny", "shop", "sasrec", options=OPTIONS, fit=training), **changes)


def test_parameters_by_hand_and_those_of_the_model():
    # Items 13 x 4, positions 5 x 4, attention 4 x (4 x 4 + 4), feed-forward 4 x 8 + 8 + 8 x 4 + 4,
    # three norms of 2 x 4.
    assert parameter_count(tiny(), 10) == 52 + 20 + 80 + 76 + 24 == 252
    for name, family in FAMILIES.items():
        model = family.build(500, max_length=20, width=32)
        model.build()
        entry = tiny(model=name, options={"max_length": 20, "width": 32})
        assert parameter_count(entry, 500) == model.count_params()


def test_least_bytes_by_hand():
    # 252 parameters of 4 bytes: weight, gradient, two moments, best. 32 x 5 positions in 8
    # parts of 20, 10 items, logits and exponentials of 4 bytes.
    assert least_bytes(tiny(), 10) == {"weights": 252 * 4 * 5, "logits": 20 * 10 * 2 * 4}
    averaged = tiny(fit={"average": 0.99, "loss": "bce"})
    assert least_bytes(averaged, 10) == {"weights": 252 * 4 * 6, "logits": 0}


@pytest.mark.parametrize(
    ("width", "batch_size", "advice"),
    [(64, 16, "smaller `width`"), (4, 4096, "smaller `batch_size`")],
)
def test_what_cannot_fit_is_refused_with_what_to_change(monkeypatch, width, batch_size, advice):
    available = type("Memory", (), {"available": 2**30})
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: available)
    entry = tiny(options={**OPTIONS, "width": width}, fit={"batch_size": batch_size})
    refuse_what_cannot_fit(entry, 1000)
    with pytest.raises(MemoryError, match=f"1000000 items cannot.*1.0 GiB are left.*{advice}"):
        refuse_what_cannot_fit(entry, 1_000_000)


def test_seconds_are_scaled_by_hand():
    # Second epoch 2 s; the third 4.5 s with its validation, of which 0.5 s come again and 2 s are
    # the start, like 3 s of the first. The whole has five times the events and twice the
    # validation users: 10 s per epoch, 1 s per validation, after epochs 3, 6 and 7.
    rows = [
        {"seconds": s, "score": None, "epoch": i, "loss": 1.0} for i, s in enumerate([5, 2, 4.5])
    ]
    training, times = Training(epochs=7, validate_every=3), {"epoch": 5.0, "validation": 2.0}
    curve = LearningCurve(rows)
    found = estimate_module._scale_up(tiny(), training, curve, 0.5, times, 2**31)
    assert (found.start_seconds, found.epoch_seconds, found.validation_seconds) == (5.0, 10.0, 1.0)
    assert found.total_seconds == 5.0 + 7 * 10.0 + 3 * 1.0
    assert found.available_gib == 2.0 and found.peak_gib > 0.05


def test_a_part_of_the_users_has_a_part_of_the_positions():
    split = split_log(simulate(num_users=200).interactions, "leave-one-out")
    data = prepare(split)
    part, times = estimate_module._part(data, 0.25, np.inf, seed=1)
    assert len(part.train) == 50 and part.test is None
    asked, of_part = (len(d.train.items) - len(d.train) for d in (data, part))
    assert times * of_part == pytest.approx(asked)
    assert 3 < times < 5
    capped, _ = estimate_module._part(data, 0.25, 300, seed=1)
    assert 250 < len(capped.train.items) - len(capped.train) <= 300


def test_a_part_has_something_to_predict_even_where_it_is_rare():
    data = prepare(leave_one_out(make_log([[1, 2, 3]] * 30 + [[1, 2, 3, 4]])))
    part, times = estimate_module._part(data, 0.01, 1, seed=0)
    assert times == 1.0 and part.train.lengths.max() == 2


def test_very_large_logs_are_measured_on_few_validation_users(monkeypatch):
    monkeypatch.setattr(estimate_module, "VALIDATED", 7)
    data = prepare(leave_one_out(make_log([[1, 2, 3, 4]] * 30)))
    assert len(estimate_module._part(data, 0.5, 100, seed=0)[0].validation) == 7


@pytest.mark.usefixtures("eagerly")
def test_a_short_training_is_enough():
    data = prepare(split_log(simulate(num_users=80).interactions, "leave-one-out"))
    found = estimate(tiny(fit={"epochs": 30, "batch_size": 2048}), data)
    assert found.epochs == 30 and found.epoch_seconds > 0 and found.validation_seconds > 0
    assert found.total_seconds >= 30 * found.epoch_seconds - 1


def test_what_is_timed_is_the_training_with_all_its_options(monkeypatch):
    # A contrastive loss encodes each batch twice, which no formula but the timing knows.
    asked, rows = {}, [{"seconds": 1.0, "score": None, "epoch": e, "loss": 1.0} for e in range(3)]
    curve = LearningCurve(rows)
    monkeypatch.setattr(
        estimate_module, "fit", lambda *_, **options: asked.update(options) or curve
    )
    monkeypatch.setattr(estimate_module, "validation_score", lambda *_: 0.5)
    data = prepare(leave_one_out(make_log([[1, 2, 3, 4]] * 30)))
    options = {"epochs": 30, "batch_size": 8, "contrast": {"weight": 0.1}}
    estimate(tiny(fit=options), data)
    assert {**options, "epochs": estimate_module.EPOCHS}.items() <= asked.items()


def test_the_command_prints_the_estimated_cost_of_a_seed(monkeypatch, tmp_path):
    found = Estimate("shop-softmax", 20, 8.0, 3.0, 0.5, 73.0, 1.2, 20.0)
    asked = []
    monkeypatch.setattr(
        estimate_module, "estimate_of_log", lambda *arguments: asked.append(arguments) or found
    )
    printed = CliRunner().invoke(app, ["estimate", "shop-softmax"]).output
    assert "at most 1.2 minutes" in printed and "20 epochs of 3.0 s" in printed
    as_json = CliRunner().invoke(app, ["estimate", "shop-softmax", "--json"]).output
    assert json.loads(as_json) == found.to_dict()
    assert CliRunner().invoke(app, ["estimate", "shop-soft"]).exit_code != 0
    monkeypatch.setattr(quickstart, "estimate", lambda *arguments: asked.append(arguments) or found)
    path = tmp_path / "mine.csv"
    path.write_text(
        "who,item,timestamp\n"
        + "\n".join(f"{i // 4},{i % 3},{1_600_000_000 + i}" for i in range(40))
    )
    assert CliRunner().invoke(app, ["estimate", str(path), "--columns", "user=who"]).exit_code == 0
    assert (asked[-1][0].name, asked[-1][0].model) == ("mine.csv", "sasrec")
    assert len(asked[-1][1].train.items) == 20  # Two of four events of ten users.


def test_only_sequence_models_are_estimated():
    data = prepare(leave_one_out(make_log([[1, 2, 3, 4]] * 3)))
    with pytest.raises(ValueError, match="markov takes about.*ml-1m-sasrec-markov"):
        estimate(find_experiment("ml-1m-sasrec-markov"), data)


def test_selected_histories_keep_all_their_events():
    histories = make_histories([[1, 2, 3], [4], [5, 6]])
    some = histories.select(np.array([2, 0]))
    assert [list(row) for row in some.last([0, 1], 3)] == [[0, 5, 6], [1, 2, 3]]
    assert list(some.users) == [histories.users[2], histories.users[0]]
