import json
from dataclasses import replace

import numpy as np
import pytest
from harness import make_histories
from typer.testing import CliRunner

from recmodels.cli import app
from recmodels.data.shop import simulate
from recmodels.experiments import estimate as estimate_module
from recmodels.experiments import memory
from recmodels.experiments.catalogue import find_experiment
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate, estimate
from recmodels.experiments.memory import (
    least_bytes,
    parameter_count,
    refuse_what_cannot_fit,
)
from recmodels.experiments.run import split_log
from recmodels.models.sasrec import SASRec
from recmodels.training.curve import LearningCurve
from recmodels.training.settings import Training

OPTIONS = {"max_length": 5, "width": 4, "num_blocks": 1, "hidden_width": 8}


def tiny(**changes) -> Experiment:
    training = {"batch_size": 32, "loss": "full_softmax"}
    return replace(Experiment("tiny", "shop", "sasrec", options=OPTIONS, fit=training), **changes)


def test_parameters_by_hand_and_nearly_those_of_the_model():
    assert parameter_count(OPTIONS, 10) == 40 + 20 + 64 + 64
    for options in ({"max_length": 20, "width": 32, "hidden_width": 128}, {}):
        model = SASRec(500, **options)
        model.build(None)
        assert parameter_count(options, 500) == pytest.approx(model.count_params(), rel=0.03)


def test_least_bytes_by_hand():
    # 188 parameters of 4 bytes: weight, gradient, two moments, best. 32 x 5 positions in 8
    # parts of 20, 10 items, logits and exponentials of 4 bytes.
    assert least_bytes(tiny(), 10) == {"weights": 188 * 4 * 5, "logits": 20 * 10 * 2 * 4}
    averaged = tiny(fit={"average": 0.99, "loss": "bce"})
    assert least_bytes(averaged, 10) == {"weights": 188 * 4 * 6, "logits": 0}


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


def test_the_reckoning_by_hand():
    # Third epoch 2 s, so a validation takes 0.5 s, starts 3 s (tracing) and 1 s (the first
    # validation); the whole is five times the part: 10 s an epoch, 7 epochs, validated after
    # 3, 6 and 7.
    seconds = [5.0, 3.5, 2.0, 2.5]
    rows = [{"seconds": s, "score": None, "epoch": i, "loss": 1.0} for i, s in enumerate(seconds)]
    training = Training(epochs=7, validate_every=3)
    found = estimate_module._reckon(tiny(), training, LearningCurve(rows), 5.0, 2**31)
    assert (found.start_seconds, found.epoch_seconds, found.validation_seconds) == (4.0, 10.0, 0.5)
    assert found.total_seconds == 4.0 + 7 * 10.0 + 3 * 0.5
    assert found.available_gib == 2.0 and found.peak_gib > 0.05


def test_a_part_of_the_users_asks_a_part_of_the_questions():
    split = split_log(simulate(num_users=200).interactions, "leave-one-out")
    part, times = estimate_module._part(split, 0.25, seed=1)
    assert part.train.num_users == 50 and part.test is None
    assert len(part.validation) == len(split.validation)
    asked, of_part = (len(s.train) - s.train.num_users for s in (split, part))
    assert times * of_part == pytest.approx(asked)
    assert 3 < times < 5


@pytest.mark.usefixtures("eagerly")
def test_a_short_training_is_enough(monkeypatch):
    log = simulate(num_users=80).interactions
    monkeypatch.setattr(estimate_module, "open_log", lambda name, columns: (log, None))
    found = estimate(tiny(fit={"epochs": 30, "batch_size": 2048}))
    assert found.epochs == 30 and found.epoch_seconds > 0
    assert found.total_seconds >= 30 * found.epoch_seconds - 1


def test_the_command_says_what_a_seed_will_cost(monkeypatch):
    found = Estimate("shop-softmax", 20, 8.0, 3.0, 0.5, 73.0, 1.2, 20.0)
    monkeypatch.setattr(estimate_module, "estimate", lambda experiment: found)
    printed = CliRunner().invoke(app, ["estimate", "shop-softmax"]).output
    assert "at most 1.2 minutes" in printed and "20 epochs of 3.0 s" in printed
    as_json = CliRunner().invoke(app, ["estimate", "shop-softmax", "--json"]).output
    assert json.loads(as_json) == found.to_dict()
    assert CliRunner().invoke(app, ["estimate", "shop-soft"]).exit_code != 0


def test_only_sequence_models_are_estimated():
    with pytest.raises(ValueError, match="markov takes about.*ml-1m-sasrec-markov"):
        estimate(find_experiment("ml-1m-sasrec-markov"))


def test_selected_histories_are_whole():
    histories = make_histories([[1, 2, 3], [4], [5, 6]])
    some = histories.select(np.array([2, 0]))
    assert [list(row) for row in some.last([0, 1], 3)] == [[0, 5, 6], [1, 2, 3]]
    assert list(some.users) == [histories.users[2], histories.users[0]]
