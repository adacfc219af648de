"""From a log to the best of several models, whatever the log is like."""

import itertools
import json
import re
import time
from dataclasses import replace

import pandas as pd
import pytest
from harness import make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.experiments import contest, quickstart, report
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate
from recmodels.experiments.html_report import write_report
from recmodels.experiments.quickstart import default_experiment, find_tuned, prepare_measured
from recmodels.experiments.report import describe_quickstart, quickstart_to_dict
from recmodels.experiments.tournament import FAMILIES, NOTHING_LEARNED, tune_counted
from recmodels.features.sequences import prepare
from recmodels.models.recipe import recipe_for
from recmodels.recommend.bundle import load_bundle
from recmodels.training.checkpoints import load_checkpoint

SMALL = Experiment(
    "own", "own", "sasrec", options={"max_length": 4, "width": 4, "num_blocks": 1},
    fit={"epochs": 1, "batch_size": 64},
)  # fmt: skip
COUNTED = ["repeat-last", "markov", "item-knn", "ease"]
RING = [[(start + step) % 12 + 1 for step in range(6)] for start in range(30)]


@pytest.fixture
def start(tmp_path, monkeypatch, eagerly):
    """Runs `quickstart` with a small neural model on lists of items, as a CSV file."""
    monkeypatch.setattr(quickstart, "default_experiment", lambda name, data: SMALL)

    def run(lists, families=None, **arguments):
        rows = [(user, item) for user, items in enumerate(lists) for item in items]
        path = tmp_path / "log.csv"
        pd.DataFrame(rows, columns=["user", "item"]).to_csv(path, index=False)
        columns = {"order": "ordered"}
        folder = tmp_path / "run"
        found = quickstart.quickstart(str(path), columns, folder, families=families, **arguments)
        return found, folder

    return run


def shown(found):
    """What the terminal shows, with the columns of the table squeezed."""
    return " ".join(describe_quickstart(found).split())


def test_the_bundle_holds_the_winner_and_says_how_it_was_chosen(start):
    found, folder = start(RING)
    by_family = {c.family: c for c in found.candidates}
    assert tuple(by_family) == FAMILIES and all(c.test is not None for c in found.candidates)
    best = max(c.score(found.data) for c in found.candidates)
    assert found.winner.family == "markov" and found.winner.score(found.data) == best
    bundle = load_bundle(folder / "bundle")
    assert type(bundle.model).__name__ == "Markov" and bundle.config["model"] == "markov"
    assert set(bundle.config["scores"]) == set(FAMILIES)
    assert bundle.config["scores"]["markov"]["validation"] == best
    assert bundle.metrics == found.winner.test.metrics
    assert "Markov chain has the highest validation NDCG@10 (1.0000)" in shown(found)
    assert report.evaluate_bundle(folder / "bundle") == pytest.approx(bundle.metrics)


def test_a_second_run_trains_nothing_again(start, capsys):
    first, folder = start(RING)
    rows = load_checkpoint(folder / "checkpoint.npz")[0]["rows"]
    assert "epoch 1/1" in capsys.readouterr().err
    second, _ = start(RING)
    printed = capsys.readouterr().err
    assert "epoch 1/1" not in printed and "afresh" not in printed
    assert load_checkpoint(folder / "checkpoint.npz")[0]["rows"] == rows
    for before, after in zip(first.candidates, second.candidates, strict=True):
        assert before.options == after.options
        assert before.test.metrics == after.test.metrics


@pytest.mark.slow
def test_changed_data_start_afresh_and_say_so(start, capsys):
    _, folder = start(RING, ["sasrec"])
    identity = json.loads((folder / "choices.json").read_text())["identity"]
    capsys.readouterr()
    start(RING[:-1], ["sasrec"])
    assert "Training starts afresh, because `checkpoint` holds another run" in (
        capsys.readouterr().err
    )
    assert json.loads((folder / "choices.json").read_text())["identity"] != identity


def test_a_stopped_run_keeps_what_was_chosen(start, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(contest, "train_neural", stop)
    with pytest.raises(KeyboardInterrupt):
        start(RING, ["markov", "sasrec"])
    monkeypatch.undo()
    calls = []
    monkeypatch.setattr(quickstart, "default_experiment", lambda name, data: SMALL)
    tune = contest.tune_counted
    monkeypatch.setattr(contest, "tune_counted", lambda *a: calls.append(a[2]) or tune(*a))
    start(RING, ["markov", "sasrec"])
    assert calls == [{}, {"smoothing": 10.0}]


@pytest.mark.parametrize(
    ("lists", "filters", "winner"),
    [
        ([[item] * 6 for item in range(1, 13)], False, "repeat-last"),
        (RING, True, "markov"),
        # Half of all events are repeats, but no validation target is: the filter stays.
        ([[a, a, b, b, c, d] for a, b, c, d in itertools.permutations(range(1, 5))], True, None),
    ],
    ids=["everything repeated", "no repeats", "repeats before the targets"],
)
def test_the_filter_follows_the_targets(start, lists, filters, winner):
    found, folder = start(lists, COUNTED)
    assert found.data.protocol.filter_seen == filters
    assert load_bundle(folder / "bundle").filter_seen == filters
    assert winner in (None, found.winner.family)
    part = "leave out items" if filters else "keep items"
    assert f"Lists {part} that the user already has" in shown(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lists",
    [
        random_lists(10, 5, 8),
        [random_lists(1, 60, 9)[0], *random_lists(12, 5, 9)],
        random_lists(20, 3, 2),
    ],
    ids=["50 events", "one user with half of all events", "three events per user"],
)
def test_odd_logs_have_a_result(start, lists):
    found, folder = start(lists)
    popularity = found.candidates[0]
    assert found.winner.score(found.data) >= popularity.score(found.data)
    assert f"Caution: only {len(lists)} validation users decide" in shown(found)
    assert write_report(found, folder).stat().st_size > 10_000


def test_histories_of_one_event_leave_nothing_to_train_on(start):
    found, _ = start(random_lists(20, 3, 6), ["sasrec"])
    assert "SASRec Left out: every training history holds one event" in shown(found)


@pytest.mark.parametrize(
    ("lists", "match"),
    [
        (random_lists(20, 2, 6), "needs users with at least three events"),
        ([[1] * 5] * 8, "must hold at least two items.*Received: 1 item,"),
        ([[1, 2, 3], [1, 2]], "two users to measure on.*Received: 3 items, 1 validation user,"),
    ],
    ids=["all users of length 2", "one item", "one user to measure"],
)
def test_impossible_logs_end_in_a_sentence(start, lists, match):
    with pytest.raises(ValueError, match=match):
        start(lists)


def test_a_budget_too_small_ends_in_the_best_counted_model(start, capsys):
    found, _ = start(RING, ["markov", "sasrec"], minutes=0.01)
    assert [c.model is None for c in found.candidates] == [False, False, True]
    assert found.winner.family == "markov"
    assert re.search("the budget has (0 seconds|1 second) left, too few", shown(found))
    assert "Left out: " in capsys.readouterr().err


def test_a_budget_that_is_used_up_leaves_the_floors(start, monkeypatch):
    monkeypatch.setattr(contest.Progress, "seconds", 61.0)
    found, _ = start(RING, [*COUNTED, "sasrec"], minutes=1.0)
    measured = [c.family for c in found.candidates if c.test is not None]
    assert measured == ["popularity", "repeat-last", "markov"]
    assert "EASE Left out: the budget is used up" in shown(found)


@pytest.mark.slow
def test_a_budget_makes_the_training_smaller(start, monkeypatch):
    # 25 seconds per epoch and a minute: about two epochs, so five on two fifths of the users.
    cost = Estimate("own", 40, 1.0, 25.0, 0.0, 1001.0, 1.0, 8.0)
    monkeypatch.setattr(contest, "estimate", lambda *arguments: cost)
    longer = replace(SMALL, fit={"epochs": 40, "batch_size": 64})
    monkeypatch.setattr(quickstart, "default_experiment", lambda name, data: longer)
    trained_on, fit = [], contest.fit

    def note_and_fit(model, data, **arguments):
        trained_on.append((len(data.train), arguments["epochs"]))
        return fit(model, data, **{**arguments, "epochs": 1})

    monkeypatch.setattr(contest, "fit", note_and_fit)
    found, _ = start(RING, ["sasrec"], minutes=1.0)
    users, epochs = trained_on[0]
    assert found.candidates[1].curve is not None and 3 <= users < 20 and epochs == 5
    assert "% of the users for 5 instead of 40 epochs" in shown(found)


def test_a_long_training_is_announced_before_it_starts(start, monkeypatch, capsys):
    cost = Estimate("own", 40, 1.0, 2340.0, 0.0, 93_600.0, 1.0, 8.0)
    monkeypatch.setattr(contest, "estimate", lambda *arguments: cost)
    monkeypatch.setattr(contest, "SMALL", 10)
    start(RING, ["markov", "sasrec"])
    printed = capsys.readouterr().err
    warning = printed.index("Warning: training sasrec takes up to 26.0 hours here")
    assert warning < printed.index("Tuning") < printed.index("Training SASRec")


def test_progress_comes_before_reading(start, monkeypatch, capsys):
    opened = quickstart.open_log
    printed = []

    def open_slowly(*arguments):
        printed.append(capsys.readouterr().err)
        return opened(*arguments)

    monkeypatch.setattr(quickstart, "open_log", open_slowly)
    start(RING, ["markov"])
    assert printed[0].startswith("[   0 s] Reading ")


def test_a_failed_training_is_a_row_of_the_table(start, monkeypatch):
    def diverge(*arguments, **options):
        raise FloatingPointError("Training diverged: the loss of epoch 1 is nan.")

    monkeypatch.setattr(contest, "fit", diverge)
    found, folder = start(RING)
    assert "SASRec Failed: Training diverged: the loss of epoch 1 is nan." in shown(found)
    assert [c.family for c in found.candidates][-1] == "sasrec"  # There is nothing to blend.
    as_json = json.loads(json.dumps(quickstart_to_dict(found)))
    assert as_json["models"]["sasrec"]["test"] is None and as_json["winner"] == "markov"
    assert write_report(found, folder).exists()


def test_a_training_that_learned_nothing_is_not_blended(start, monkeypatch):
    def collapse(experiment, data, *arguments, **options):
        popular = tune_counted("popularity", data)
        return replace(popular, family="sasrec", note=NOTHING_LEARNED)

    monkeypatch.setattr(contest, "train_neural", collapse)
    found, _ = start(RING)
    assert [c.family for c in found.candidates][-1] == "sasrec" and found.winner.family == "markov"
    assert "Failed: training learned no more than popularity" in shown(found)


@pytest.mark.parametrize("minutes", [0, -1.0, float("nan"), float("inf")])
def test_minutes_must_be_positive(start, minutes):
    with pytest.raises(ValueError, match=f"`minutes` must be greater than 0.*minutes={minutes}"):
        start(RING, minutes=minutes)


def test_very_many_users_are_measured_on_a_part(monkeypatch):
    monkeypatch.setattr(quickstart, "MEASURED", 10)
    data, notes = prepare_measured(leave_one_out(make_log(RING)))
    assert (len(data.validation), len(data.test)) == (10, 20)
    assert notes[-1] == ("sampled", {"validation": 10, "test": 20})
    monkeypatch.setattr(quickstart, "LEAST_MEASURED", 3)
    monkeypatch.setattr(quickstart, "CELLS", 5 * 12)  # Scores of 12 items for five users.
    assert len(prepare_measured(leave_one_out(make_log(RING)))[0].validation) == 5
    monkeypatch.setattr(quickstart, "CELLS", 1)
    assert len(prepare_measured(leave_one_out(make_log(RING)))[0].validation) == 3


def test_known_data_sets_have_their_tuned_experiment():
    assert find_tuned("shop").name == "shop-softmax" and find_tuned("mine.csv") is None
    data = prepare(leave_one_out(make_log(RING)))
    found = default_experiment("mine.csv", data)
    assert (found.options, found.fit) == (recipe_for(data).model, recipe_for(data).training)


def test_the_terminal_says_when_things_were_done(capsys):
    progress = contest.Progress()
    progress.began = time.perf_counter() - 12
    progress("tuning", model="EASE")
    assert capsys.readouterr().err == "[  12 s] Tuning EASE.\n"


@pytest.mark.slow
def test_families_of_encoders_are_compared_by_short_trainings(start, monkeypatch):
    longer = replace(SMALL, fit={"epochs": 4, "batch_size": 64})
    monkeypatch.setattr(quickstart, "default_experiment", lambda name, data: longer)
    found, folder = start(RING, ["nextitnet", "gru4rec"])
    by_family = {c.family: c for c in found.candidates}
    tried = next(c for c in found.candidates if c.note and c.note[0] == "dropped")
    (chosen,) = {"nextitnet", "gru4rec"} - {tried.family}
    assert tried.test is not None and tried.note[1]["epochs"] == 2
    assert len(by_family[chosen].curve.rows) == 4 and len(tried.curve.rows) == 2
    page = write_report(found, folder).read_text("utf-8")
    assert "NextItNet" in page and (folder / "figures" / "costs.png").exists()
