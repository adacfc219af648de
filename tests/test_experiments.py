"""Experiments: every entry builds, results are stored whole, the table is what is stored."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.report import load_ranks
from recmodels.evaluation.statistics import holm, paired_permutation_test
from recmodels.experiments import results as results_module
from recmodels.experiments import train as train_module
from recmodels.experiments import tune as tune_module
from recmodels.experiments.catalogue import EXPERIMENTS, find_experiment
from recmodels.experiments.entry import (
    EVENT_PROTOCOLS,
    MODELS,
    RATING_PROTOCOLS,
    Experiment,
    with_options,
)
from recmodels.experiments.results import load_results, stored_intervals
from recmodels.experiments.rows import table_rows
from recmodels.experiments.run import run_seed, split_log
from recmodels.experiments.tables import markdown_table, write_into
from recmodels.experiments.train import UnexpectedResult, save_bundle_of, train_and_store
from recmodels.experiments.tune import tune
from recmodels.models.families import FAMILIES
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular

pytestmark = pytest.mark.usefixtures("eagerly")
SMALL_FIT = {"epochs": 1, "batch_size": 8, "loss": "full_softmax"}


@pytest.fixture
def log():
    """Thirty users who walk around a ring of seven items from different places."""
    rows = [(u, (u + t) % 7, t) for u in range(30) for t in range(5)]
    events = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    words = ["tea", "cup", "pot", "red cup", "red tea", "green tea", "green pot"]
    return Interactions(
        events.assign(value=events["item"] % 5 + 1.0, action="view"), "timed", "ring",
        items=pd.DataFrame({"title": words}),
    )  # fmt: skip


@pytest.fixture
def ring(log, monkeypatch):
    """Makes every experiment's data the ring."""
    monkeypatch.setattr(train_module, "open_log", lambda name, columns: (log, None))
    monkeypatch.setattr(tune_module, "load", lambda name: log)
    return log


def small_sasrec(**changes) -> Experiment:
    options = {"max_length": 4, "width": 4, "num_blocks": 1}
    entry = Experiment("ring-sasrec", "ring", "sasrec", options=options, fit=SMALL_FIT)
    return replace(entry, **changes)


def shortened(entry: Experiment) -> Experiment:
    """An entry with a small model and one epoch, and with TF-IDF instead of a language model.

    The packaged language model is in no test environment but that of `make test-text`.
    """
    if entry.model == "bpr-mf":
        return replace(entry, options=entry.options | {"epochs": 1})
    if entry.task == "towers":
        short = {"epochs": 1, "batch_size": 30, "validate_every": 1}
        return replace(entry, options=entry.options | {"width": 4}, fit=entry.fit | short)
    if entry.task is None:
        return entry
    short = {"epochs": 1, "batch_size": 8, "warmup": 1, "validate_every": 1}
    small, tfidf = {"max_length": 4, "width": 4}, {"source": "tfidf", "size": 2}
    if "hidden_width" in entry.options:  # Not every family of encoders has one.
        small["hidden_width"] = 4
    added = [
        {**other, "experiment": shortened(other["experiment"])} if "experiment" in other else other
        for other in entry.ensemble_with
    ]
    return replace(
        entry,
        options=entry.options | small,
        fit=entry.fit | short,
        item_text=dict.fromkeys(entry.item_text, tfidf),
        initial_items=tfidf if "source" in entry.initial_items else entry.initial_items,
        tune_text={},  # Of a language model; see test_bert_folder.py.
        ensemble_with=tuple(added),
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.slow if entry.reads_sequences else ())
        for n, entry in EXPERIMENTS.items()
        if entry.protocol not in (*RATING_PROTOCOLS, *EVENT_PROTOCOLS)
    ],
)
def test_every_entry_builds_and_runs_one_epoch(name, log, tmp_path):
    entry = shortened(EXPERIMENTS[name])
    run = run_seed(entry, 0, split_log(log, entry.protocol), verbose=False)
    assert 0 <= run.test.metrics["ndcg@10"] <= 1
    if entry.item_text:  # The log lacks the vectors that the experiment makes.
        bundled = save_bundle_of(run, log, tmp_path / "bundle")
        assert set(entry.item_text) <= set(bundled.items)


# Those of events are run by test_event_experiments.py.
ITEM_MODELS = sorted(MODELS.keys() - {e.model for e in EXPERIMENTS.values() if e.predicts_events})


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(m, marks=pytest.mark.slow if m in FAMILIES.keys() - {"sasrec"} else ())
        for m in ITEM_MODELS
    ],
)
def test_every_model_name_selects_code(model, log):
    small = {"max_length": 4, "width": 4, "num_blocks": 1}
    options = {
        **dict.fromkeys(FAMILIES, small),
        "hybrid": {"scorers": [Markov(), MostPopular()], "weights": [0.7, 0.3]},
    }.get(model, {})
    entry = Experiment("one", "ring", model, options=options)
    fit = SMALL_FIT if entry.reads_sequences else {"epochs": 1} if entry.task else {}
    split = split_log(log, entry.protocol)
    run = run_seed(replace(entry, fit=fit), 0, split, verbose=False)
    assert run.validation.metrics["hr@20"] == 1


def test_names_of_files_and_entries_agree():
    assert all(name == entry.name for name, entry in EXPERIMENTS.items())


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(ValueError, match="Did you mean ml-1m-sasrec-softmax"):
        find_experiment("ml-1m-sasrec-sofmax")


@pytest.mark.parametrize("field", [{"model": "sasrek"}, {"protocol": "random"}])
def test_an_entry_checks_itself(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        replace(small_sasrec(), **field)


def test_seeds_gather_in_one_result(ring, tmp_path):
    entry = small_sasrec()
    train_and_store(entry, (0,), tmp_path / "runs", tmp_path)
    result = train_and_store(entry, (1,), tmp_path / "runs", tmp_path)
    assert result["seeds"] == [0, 1] and set(result["runs"]) == {"0", "1"}
    (row,) = table_rows(tmp_path)
    audit = result["runs"]["0"]["order_audit"]
    assert row["order_audit"] == audit and audit["ordered"] == pytest.approx(
        result["runs"]["0"]["test"]["metrics"]["ndcg@10"], abs=1e-6
    )
    cell = f"| {audit['difference']:.4f} ({audit['low']:.4f} to {audit['high']:.4f}) |"
    assert "| lost when shuffled (95 % CI) |" in markdown_table([row])
    assert cell in markdown_table([row])
    assert result == json.loads((tmp_path / "ring-sasrec.json").read_text())
    ranks = load_ranks(tmp_path / "per_user" / "ring-sasrec.parquet")
    assert list(ranks.columns) == [0, 1] and len(ranks) == 30
    # HR@5 by hand from the stored ranks: users whose target is in the first five, both seeds.
    expected = float((ranks <= 5).to_numpy().mean())
    assert result["metrics"]["hr@5"]["mean"] == pytest.approx(expected, abs=1e-6)
    low, high = (result["metrics"]["hr@5"][key] for key in ("low", "high"))
    assert low <= expected <= high
    assert (tmp_path / "runs" / "ring-sasrec" / "seed-1" / "bundle" / "config.json").is_file()


def test_other_settings_begin_a_new_result(ring, tmp_path):
    train_and_store(small_sasrec(), (0,), tmp_path / "a", tmp_path)
    wider = small_sasrec(options=small_sasrec().options | {"width": 8})
    result = train_and_store(wider, (1,), tmp_path / "b", tmp_path)
    assert result["seeds"] == [1] and set(result["runs"]) == {"1"}


def test_a_failed_write_leaves_the_old_result(ring, tmp_path, monkeypatch):
    train_and_store(small_sasrec(), (0,), tmp_path / "runs", tmp_path)
    before = (tmp_path / "ring-sasrec.json").read_text()

    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(results_module.json, "dumps", full)
    with pytest.raises(OSError, match="No space"):
        results_module.write_json(tmp_path / "ring-sasrec.json", {})
    assert (tmp_path / "ring-sasrec.json").read_text() == before
    assert not list(tmp_path.glob(".*"))


def test_the_table_has_the_agreed_keys(ring, tmp_path):
    train_and_store(
        replace(small_sasrec(), model="markov", options={}, fit={}), (0,), tmp_path, tmp_path
    )
    (row,) = table_rows(tmp_path)
    keys = {"experiment", "dataset", "protocol", "model", "seeds", "metrics", "published"}
    assert keys | {"seconds", "command"} <= set(row)
    assert set(row["metrics"]["ndcg@10"]) >= {"mean", "low", "high"}
    assert row["command"] == "recmodels train ring-sasrec"
    assert row["cold"] == {"users": 0, "targets": 0, "newcomers": 0} and row["everyone"] is None
    assert row["order_audit"] is None and "shuffled" not in markdown_table([row])
    assert "### ring, leave-one-out\n\n| experiment |" in markdown_table([row])


def test_intervals_of_some_results(ring, tmp_path):
    for model in ("random", "markov"):
        entry = small_sasrec(name=f"ring-{model}", model=model, options={}, fit={})
        train_and_store(entry, (0,), tmp_path, tmp_path)
    found = stored_intervals(tmp_path, {"ring-markov": "chain"}, "hr@5")
    assert found.loc["chain"].tolist() == [1, 1, 1] and found.columns.tolist() == [
        "mean",
        "low",
        "high",
    ]


def test_rows_are_compared_with_the_best_of_their_group(ring, tmp_path):
    for model in ("random", "popularity", "markov"):
        entry = small_sasrec(name=f"ring-{model}", model=model, options={}, fit={})
        train_and_store(entry, (0,), tmp_path, tmp_path)
    rows = {row["experiment"]: row["against_best"] for row in table_rows(tmp_path)}
    assert rows["ring-markov"] is None  # It knows the ring.
    values = {
        name: ndcg(load_ranks(tmp_path / "per_user" / f"{name}.parquet"), 10).mean(axis=1)
        for name in rows
    }
    others = ["ring-random", "ring-popularity"]
    expected = holm([paired_permutation_test(values[n], values["ring-markov"]) for n in others])
    for name, p in zip(others, expected, strict=True):
        found = rows[name]
        assert found["best"] == "ring-markov" and found["p_holm"] == pytest.approx(p, abs=1e-6)
        gap = (values[name] - values["ring-markov"]).mean()
        assert found["difference"] == pytest.approx(gap, abs=1e-6)
        assert found["low"] <= gap <= found["high"] < 0


def test_a_temporal_row_says_who_was_cold(log, ring, tmp_path):
    entry = small_sasrec(model="popularity", options={}, fit={}, protocol="temporal")
    late = log.events["user"] >= 25
    log.events["timestamp"] = log.events["timestamp"] * 10 + log.events["user"] % 7 + 50 * late
    result = train_and_store(entry, (0,), tmp_path, tmp_path)
    test = result["runs"]["0"]["test"]
    ranks = load_ranks(tmp_path / "per_user" / "ring-sasrec.parquet")
    assert result["cold"]["users"] == test["cold_users"] and result["cold"]["newcomers"] > 0
    assert len(ranks) == test["users"] - test["cold_users"]
    assert result["metrics"]["hr@5"]["mean"] == pytest.approx(
        test["warm_metrics"]["hr@5"], abs=1e-6
    )
    assert result["everyone"]["users"] == test["users"] + result["cold"]["newcomers"]
    shown = markdown_table(table_rows(tmp_path))
    assert "everyone: NDCG@10" in shown and f"| {test['cold_users']} / " in shown


def test_a_result_without_known_users_is_refused(log, ring, tmp_path):
    entry = small_sasrec(model="popularity", options={}, fit={}, protocol="temporal")
    log.events["timestamp"] += log.events["user"] * 2  # Hardly anybody is there for long.
    with pytest.raises(ValueError, match="two test users with a training event"):
        train_and_store(entry, (0,), tmp_path, tmp_path)
    assert not list(tmp_path.glob("**/*.json"))


def test_a_run_that_does_not_reproduce_is_reported_and_stored(ring, tmp_path):
    entry = small_sasrec(model="markov", options={}, fit={}, expected={"hr@10": (1.0, 0.001)})
    train_and_store(entry, (0,), tmp_path, tmp_path)
    with pytest.raises(UnexpectedResult, match="seed 0: hr@10 is 1.0000, expected 0.5000 within"):
        train_and_store(replace(entry, expected={"hr@10": (0.5, 0.1)}), (0,), tmp_path, tmp_path)
    assert (tmp_path / "ring-sasrec.json").is_file()


def test_tables_go_between_their_marks(ring, tmp_path):
    entry = small_sasrec(name="ring-markov", model="markov", options={}, fit={})
    train_and_store(entry, (0,), tmp_path, tmp_path)
    page, end = tmp_path / "page.md", "<!-- end of table -->"
    page.write_text(
        f"a\n<!-- table: leave-one-out -->\nformer\n{end}\nb\n<!-- table: temporal -->\n{end}\n"
    )
    write_into(page, table_rows(tmp_path))
    start, table, middle, rest = re.split(
        r"<!-- (?:table: \S+|end of table) -->", page.read_text()
    )[:4]
    assert (start, middle) == ("a\n", "\nb\n") and rest.strip() == ""
    assert "former" not in table and "| ring-markov |" in table
    page.write_text("no marks")
    with pytest.raises(ValueError, match="`page` must hold"):
        write_into(page, [])
    page.write_text(marked := f"<!-- table: headlines -->\nformer\n{end}\n")
    with pytest.raises(ValueError, match="`rows` must hold stored results"):
        write_into(page, [])
    assert page.read_text() == marked


def test_tuning_resumes_to_the_same_trials(ring, tmp_path):
    entry = small_sasrec(
        model="markov", options={}, fit={}, space={"smoothing": (1.0, 100.0, "log")}
    )
    whole = tune(entry, trials=4, runs=tmp_path / "a", results=tmp_path)
    tune(entry, trials=2, runs=tmp_path / "b", results=tmp_path)
    resumed = tune(entry, trials=4, runs=tmp_path / "b", results=tmp_path)

    def without_time(found):
        return [{k: v for k, v in t.items() if k != "seconds"} for t in found["trials"]]

    assert without_time(whole) == without_time(resumed) and len(whole["trials"]) == 4
    assert whole["best"]["ndcg@10"] == max(t["ndcg@10"] for t in whole["trials"])
    stored = json.loads((tmp_path / "tuning" / "ring-sasrec.json").read_text())
    assert stored == resumed


def test_tuning_never_holds_a_test_label(ring, tmp_path, monkeypatch):
    seen = []
    original = tune_module.run_seed

    def spy(experiment, seed, split, **kwargs):
        seen.append(split)
        return original(experiment, seed, split, **kwargs)

    monkeypatch.setattr(tune_module, "run_seed", spy)
    entry = small_sasrec(model="markov", options={}, fit={}, space={"smoothing": [1.0, 5.0]})
    tune(entry, trials=1, runs=tmp_path, results=tmp_path)
    assert [split.test for split in seen] == [None]


def test_options_go_to_fit_or_model():
    entry = with_options(small_sasrec(), {"epochs": 3, "width": 16})
    assert entry.fit["epochs"] == 3 and entry.options["width"] == 16
    assert "epochs" not in entry.options and "width" not in entry.fit


def test_nothing_to_tune_is_said(ring, tmp_path):
    with pytest.raises(ValueError, match="space"):
        tune(small_sasrec(), runs=tmp_path, results=tmp_path)


def test_stored_results_are_in_their_folders():
    for result in load_results():
        values = [metric["mean"] for metric in result["metrics"].values()]
        assert np.isfinite(values).all() and result["experiment"] in EXPERIMENTS


def test_entries_expect_what_is_stored():
    for result in load_results():
        entry = EXPERIMENTS[result["experiment"]]
        assert entry.expected, entry.name
        for run in result["runs"].values():
            assert not entry.out_of_tolerance(run["test"]["warm_metrics"]), entry.name
