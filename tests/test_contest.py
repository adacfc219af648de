"""Several encoders are compared within a budget, and every one has a row with the reason."""

import json
import re
from dataclasses import replace

import pytest
from harness import make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.experiments import contest
from recmodels.experiments.contest import Contest, Progress
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate
from recmodels.experiments.report_texts import text
from recmodels.experiments.tournament import Candidate, tune_counted
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import prepare
from recmodels.training.curve import LearningCurve

RING = [[(start + step) % 12 + 1 for step in range(6)] for start in range(30)]
OPTIONS = {"max_length": 4, "width": 4, "num_blocks": 1}
SMALL = Experiment("own", "own", "sasrec", options=OPTIONS, fit={"epochs": 8, "batch_size": 64})
ENCODERS = ("gru4rec", "lrurec", "hstu")


def prepare_lists(lists):
    return prepare(leave_one_out(make_log(lists)), protocol=Protocol(filter_seen=False))


@pytest.fixture(scope="module")
def data():
    return prepare_lists(RING)


@pytest.fixture
def trained(data, monkeypatch):
    """Trainings without training, of which HSTU learns most; returns what was asked for."""
    good, bad = (tune_counted(family, data) for family in ("markov", "repeat-last"))
    asked = []

    def train(experiment, data, train_on, *, share, checkpoint, seed):
        epochs = experiment.fit["epochs"]
        asked.append((experiment.model, epochs, round(share, 3)))
        curve = LearningCurve(
            [{"epoch": e + 1, "seconds": 2.0, "score": 0.1} for e in range(epochs)]
        )
        found = good if experiment.model == "hstu" else bad
        return replace(found, family=experiment.model, curve=curve, seconds=curve.seconds)

    monkeypatch.setattr(contest, "train_neural", train)
    return asked


def compete(data, folder, families, minutes=None, experiment=SMALL):
    folder.mkdir(exist_ok=True)
    found = Contest(experiment, data, folder, 0, minutes, Progress())
    return {candidate.family: candidate for candidate in found.run(families)}, found


def remarks(candidates):
    return {name: text(c.note[0], **c.note[1]) for name, c in candidates.items() if c.note}


def test_every_encoder_has_a_row_and_the_dropped_ones_say_why(data, tmp_path, trained):
    found, ended = compete(data, tmp_path, ("popularity", *ENCODERS))
    first = [("gru4rec", 2, 1), ("lrurec", 2, 1), ("hstu", 2, 1)]
    assert trained == [*first, ("hstu", 4, 1), ("gru4rec", 4, 1), ("hstu", 8, 1)]
    assert list(found) == ["popularity", "gru4rec", "lrurec", "hstu"]
    why = "epochs on 100% of the users: HSTU was ahead on validation by then"
    assert remarks(found) == {
        "gru4rec": f"Dropped after 4 {why}",
        "lrurec": f"Dropped after 2 {why}",
    }
    assert [len(found[family].curve.rows) for family in ENCODERS] == [4, 2, 8]
    lengths = {name: [len(trial.curve.rows) for trial in c.trials] for name, c in found.items()}
    assert lengths == {"popularity": [], "gru4rec": [2], "lrurec": [], "hstu": [2, 4]}
    assert all(trial.model is None for c in found.values() for trial in c.trials)
    assert ended.experiment.model == "hstu"


def test_what_is_printed_names_the_model(data, tmp_path, trained, capsys):
    compete(data, tmp_path, ENCODERS)
    printed = capsys.readouterr().err
    assert "Training GRU4Rec for 2 epochs on 100% of the users, to compare encoders." in printed
    assert re.search(r"GRU4Rec: validation NDCG@10 0\.\d{4} in 4\.0 seconds\.", printed)
    assert printed.count("Chosen among the encoders: HSTU.") == 1 and "Dropped" not in printed


def cost(**changes):
    return replace(Estimate("own", 8, 1.0, 2.0, 0.0, 17.0, 1.0, 8.0), **changes)


def test_equal_parts_of_the_budget_decide_how_long_encoders_are_trained(
    data, tmp_path, trained, monkeypatch
):
    monkeypatch.setattr(contest, "estimate", lambda *arguments: cost())
    monkeypatch.setattr(Progress, "seconds", 0.0)
    compete(data, tmp_path, ENCODERS, minutes=1.2)
    # 36 s to compare: 6 s each in the first rung, 9 s in the second. 0.85 of them less 1 s for the
    # start leave 2.05 and 3.325 epochs of 2 s: all 2 epochs, and 4 epochs on 83 % of the users.
    assert trained[:3] == [("gru4rec", 2, 1), ("lrurec", 2, 1), ("hstu", 2, 1)]
    assert trained[3:5] == [("hstu", 4, 0.831), ("gru4rec", 4, 0.831)]
    assert trained[5:] == [("hstu", 8, 1)]


def test_a_dropped_encoder_says_how_long_the_better_one_was_trained(
    data, tmp_path, trained, monkeypatch
):
    costs = {"hstu": cost(epoch_seconds=4.0)}
    monkeypatch.setattr(contest, "estimate", lambda entry, data: costs.get(entry.model, cost()))
    monkeypatch.setattr(Progress, "seconds", 0.0)
    found, _ = compete(data, tmp_path, ("gru4rec", "hstu"), minutes=0.8)
    # 24 s to compare, 12 s each: 0.85 of them less 1 s leave 4 epochs of 2 s, or 2.3 of 4 s.
    assert [ask[:2] for ask in trained[:2]] == [("gru4rec", 4), ("hstu", 4)]
    assert remarks(found)["gru4rec"] == (
        "Dropped after 4 epochs on 100% of the users: in an equal time HSTU was ahead on "
        "validation, after 4 epochs on 57% of the users"
    )


def test_an_encoder_with_too_slow_epochs_is_dropped_with_the_reason(
    data, tmp_path, trained, monkeypatch
):
    slow = {"hstu": cost(epoch_seconds=50.0)}
    monkeypatch.setattr(contest, "estimate", lambda entry, data: slow.get(entry.model, cost()))
    monkeypatch.setattr(Progress, "seconds", 0.0)
    found, _ = compete(data, tmp_path, ENCODERS, minutes=1.2)
    assert remarks(found)["hstu"] == (
        "Left out: it may take 6 seconds of the budget, too few for a start of 1 second and one "
        "epoch of 50 seconds"
    )
    assert found["hstu"].model is None and found["gru4rec"].model is not None


def test_a_budget_for_no_encoder_leaves_all_out(data, tmp_path, trained):
    found, ended = compete(data, tmp_path, ("popularity", *ENCODERS), minutes=0.05)
    assert trained == [] and found["popularity"].model is not None
    assert set(remarks(found)) == set(ENCODERS) and ended.cost is None
    assert all("too few to measure its cost" in remark for remark in remarks(found).values())


def test_measuring_costs_takes_half_of_a_budget_at_most(data, tmp_path, trained, monkeypatch):
    clock = iter(range(0, 10_000, 25)).__next__
    monkeypatch.setattr(Progress, "seconds", property(lambda progress: clock()))
    monkeypatch.setattr(Progress, "__call__", lambda *arguments, **values: None)
    monkeypatch.setattr(contest, "estimate", lambda *arguments: cost())
    found, ended = compete(data, tmp_path, ENCODERS, minutes=1.5)
    assert list(ended.costs) == ["gru4rec", "lrurec"]
    assert "the budget has 40 seconds left" in remarks(found)["hstu"]


def test_histories_of_one_event_are_the_reason_of_every_encoder(tmp_path, trained):
    found, _ = compete(prepare_lists(random_lists(20, 3, 6)), tmp_path, ENCODERS)
    assert set(remarks(found)) == set(ENCODERS) and trained == []
    assert all("holds one event" in remark for remark in remarks(found).values())


def test_a_continued_run_keeps_its_parts_of_the_budget_and_what_was_measured(
    data, tmp_path, trained, monkeypatch
):
    measured = []
    monkeypatch.setattr(
        contest, "estimate", lambda entry, data: measured.append(entry.model) or cost()
    )
    monkeypatch.setattr(Progress, "seconds", 0.0)
    compete(data, tmp_path, ENCODERS, minutes=1.2)
    first, trained[:] = list(trained), []
    monkeypatch.setattr(Progress, "seconds", 30.0)
    compete(data, tmp_path, ENCODERS, minutes=1.2)
    assert trained == first and measured == list(ENCODERS)
    # Another encoder has a cost of its own, and another comparison parts of its own.
    compete(data, tmp_path, ("gru4rec", "bsarec"), minutes=1.2)
    assert measured[3:] == ["bsarec"]
    stored = json.loads((tmp_path / "choices.json").read_text())
    assert stored["seconds to compare gru4rec, lrurec, hstu"] == 36
    assert stored["seconds to compare gru4rec, bsarec"] == 21


def test_where_all_trials_fail_the_first_encoder_is_trained(data, tmp_path, monkeypatch):
    failed = ("failed", {"reason": "The loss is nan."})
    monkeypatch.setattr(
        contest, "train_neural", lambda entry, *_, **options: Candidate(entry.model, note=failed)
    )
    found, _ = compete(data, tmp_path, ("popularity", *ENCODERS))
    assert list(found) == ["popularity", "lrurec", "hstu", "gru4rec"]
    assert set(remarks(found).values()) == {"Failed: The loss is nan."}


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_stopped_comparison_continues_where_it_was(data, tmp_path, monkeypatch, capsys):
    train = contest.train_neural
    whole, _ = compete(data, tmp_path / "whole", ("gru4rec", "nextitnet"))

    def stop(experiment, *arguments, **options):
        if experiment.model == "nextitnet":
            raise KeyboardInterrupt
        return train(experiment, *arguments, **options)

    monkeypatch.setattr(contest, "train_neural", stop)
    with pytest.raises(KeyboardInterrupt):
        compete(data, tmp_path / "stopped", ("gru4rec", "nextitnet"))
    monkeypatch.undo()
    capsys.readouterr()
    again, _ = compete(data, tmp_path / "stopped", ("gru4rec", "nextitnet"))
    epochs = re.findall(r"epoch \d/4 ", capsys.readouterr().err)
    assert len(epochs) == 4  # Those of NextItNet alone.
    assert list(again) == list(whole)
    for family, candidate in whole.items():
        assert again[family].validation.metrics == candidate.validation.metrics
