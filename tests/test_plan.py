"""Trainings are made smaller to fit into memory and time, and the reason is said."""

from dataclasses import replace

import pytest

from recmodels.experiments import memory
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate
from recmodels.experiments.plan import Plan, fit_into_memory, plan_training, shortened
from recmodels.experiments.report_texts import text

OPTIONS = {"max_length": 5, "width": 4, "num_blocks": 1, "hidden_width": 8}
COST = Estimate("tiny", 40, 10.0, 20.0, 4.0, 890.0, 1.0, 8.0)  # 22 s per epoch, every = 2.


def tiny(options=OPTIONS, **fit) -> Experiment:
    return Experiment("tiny", "shop", "sasrec", options=options, fit=fit)


def said(plan: Plan) -> str:
    return text(plan.note[0], **plan.note[1])


def plan(seconds, epochs=40, **options):
    return plan_training(tiny(epochs=epochs, validate_every=2, **options), COST, seconds)


def test_a_training_that_fits_into_the_time_is_not_changed():
    assert plan(None) == Plan(tiny(epochs=40, validate_every=2))
    assert plan(2000.0) == Plan(tiny(epochs=40, validate_every=2, max_seconds=2000.0))


def test_fewer_epochs_first_then_fewer_users_then_nothing():
    # 0.85 of 300 s less 10 s: 245 s, so 11 epochs. Of 80 s: 58 s, 2.6 of the fewest, 5 epochs.
    shorter = plan(300.0)
    fit = {"epochs": 11, "validate_every": 2, "max_seconds": 300.0}
    assert shorter.experiment.fit == fit and shorter.share == 1
    assert "Trained for 11 instead of 40 epochs" in said(shorter)
    part = plan(80.0)
    assert part.experiment.fit["epochs"] == 5 and part.share == pytest.approx(58 / 22 / 5)
    assert "Trained on 53% of the users for 5" in said(part)
    nothing = plan(30.0)
    assert nothing.experiment is None
    assert "30 seconds of the budget, too few for a start of 10 seconds" in said(nothing)
    assert plan(80.0, epochs=2).experiment.fit["epochs"] == 2 and plan(80.0, epochs=2).share == 1


def test_a_smaller_training_warms_up_and_averages_over_the_same_share():
    # 5 of 40 epochs on 53 % of the users have 0.0659 of the steps.
    steps = 58 / 22 / 40
    found = plan(80.0, warmup=200, average=0.999).experiment.fit
    assert found["warmup"] == 13 and found["average"] == pytest.approx(1 - 0.001 / steps)


def test_hours_are_announced():
    long = plan_training(tiny(), replace(COST, total_seconds=93_600.0), None)
    assert long.experiment == tiny() and "training sasrec takes up to 26.0 hours" in said(long)


def test_a_training_too_large_for_memory_gets_smaller(monkeypatch):
    entry = tiny({**OPTIONS, "width": 64}, batch_size=4096)
    memory_of = {"available": 2**30}
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: type("Memory", (), memory_of))
    assert fit_into_memory(entry, 1000) == Plan(entry)
    # A million items and 64 numbers, five times in float32: 1.2 GiB. Half of it fits.
    smaller = fit_into_memory(entry, 1_000_000)
    assert smaller.experiment.options["width"] == 32
    assert smaller.experiment.fit["loss"] == "sampled_softmax"
    assert said(smaller) == "Trained with loss sampled_softmax and width 32, to fit into memory"
    memory_of["available"] = 1000
    refused = fit_into_memory(entry, 1_000_000)
    assert refused.experiment is None and "cannot be trained here" in refused.note[1]["reason"]


def test_a_shorter_training_warms_up_and_averages_over_the_same_share_of_steps():
    full = {"epochs": 20, "warmup": 100, "average": 0.999, "batch_size": 3, "patience": 4}
    expected = {"epochs": 5, "warmup": 25, "average": 0.996, "batch_size": 3, "patience": 4}
    assert shortened(full, 5) == pytest.approx(expected)
    assert shortened(full, 10, share=0.5) == pytest.approx({**expected, "epochs": 10})
    assert shortened({"epochs": 20}, 1) == {"epochs": 1}
