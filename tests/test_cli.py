"""The commands, as a user types them."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app as benchmarks_app
from recmodels import cli
from recmodels.cli import app, parse_columns, parse_rules
from recmodels.experiments.report import evaluate_bundle
from recmodels.experiments.report_texts import text
from recmodels.experiments.tournament import FAMILIES
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.popularity import MostPopular
from recmodels.models.sasrec import SASRec
from recmodels.recommend import AtMost, OnePerFamily, Recommender
from recmodels.recommend.raw_ids import typed_ids
from tests.harness import make_histories


@pytest.fixture(scope="module")
def my_log(tmp_path_factory):
    """A log of somebody's own: 60 users on a ring of nine items, with odd column names."""
    path = tmp_path_factory.mktemp("own") / "my_log.csv"
    draw = random.Random(0)
    lines = ["uid,sku,ts"]
    for user in range(60):
        item = draw.randrange(9)
        for step in range(draw.randrange(4, 9)):
            lines.append(f"u{user},s{item},{1_600_000_000 + step}")
            item = (item + 1) % 9
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def finished(my_log, tmp_path_factory):
    """What `run` printed and wrote."""
    runs = tmp_path_factory.mktemp("runs")
    columns = "user=uid,item=sku,timestamp=ts"
    result = invoke("run", "--dataset", my_log, "--columns", columns, "--runs", runs)
    assert result.exit_code == 0, result.output
    return runs / "my_log", result


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.slow
def test_run_prints_a_table_and_lists(finished):
    _, result = finished
    for family in FAMILIES:
        assert f"\n{text(family)} " in result.stdout
    assert "NDCG@10 (95 %)" in result.stdout and result.stdout.count("After  ") == 5
    assert "highest validation NDCG@10" in result.stdout and "Order audit" in result.stdout


@pytest.mark.slow
def test_run_writes_figures_a_bundle_and_a_report(finished):
    folder, result = finished
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert figures == {
        "models", "costs", "learning", "lengths", "popularity", "by_length", "by_popularity"
    }  # fmt: skip
    assert (folder / "bundle" / "checksums.json").is_file()
    report = (folder / "report.html").read_text("utf-8")
    assert report.startswith("<!DOCTYPE html>") and report.count("data:image/png") == 7
    assert f"Report: {folder / 'report.html'}" in result.stdout


@pytest.mark.slow
def test_run_reports_its_steps_on_standard_error(finished):
    _, result = finished
    steps = ("Starting", "Reading", "events of 60 users", "Splitting", "Tuning EASE", "epoch 1/")
    places = [result.stderr.index(step) for step in (*steps, "Measuring all models")]
    assert places == sorted(places)


@pytest.mark.slow
def test_run_as_json_takes_families(finished, my_log):
    folder, _ = finished
    columns = "user=uid,item=sku,timestamp=ts"
    options = ("--families", "markov, item-knn", "--json", "--runs", folder.parent.parent / "some")
    result = invoke("run", "--dataset", my_log, "--columns", columns, *options)
    found = json.loads(result.stdout)
    assert list(found["models"]) == ["popularity", "markov", "item-knn"]
    assert found["winner"] == "markov" and found["order_audit"]["verdict"] == "order helps"
    refused = invoke("run", "--dataset", my_log, "--columns", columns, "--families", "bert")
    assert "`families` must be some of" in str(refused.exception)


@pytest.mark.slow
def test_recommend_speaks_raw_ids(finished):
    folder, _ = finished
    result = invoke("recommend", folder / "bundle", "--history", "s1,s2,s3", "-k", 2, "--json")
    answer = json.loads(result.stdout)
    assert len(answer["items"]) == 2 and answer["items"][0]["item"] == "s4"


@pytest.mark.slow
def test_recommend_takes_the_folder_of_a_run(finished):
    folder, _ = finished
    assert invoke("recommend", folder, "--history", "s1").exit_code == 0


@pytest.mark.slow
def test_recommend_accepts_user_ids_and_candidate_lists(finished):
    folder, _ = finished
    by_user = json.loads(invoke("recommend", folder, "--user", "u1", "--json").stdout)
    assert by_user["items"] and by_user["source"] != "MostPopular"
    rules = '{"rule": "AtLeast", "column": "events", "least": 2}'
    asked = ("recommend", folder, "--history", "s1,s2", "--json")
    shown = json.loads(invoke(*asked, "--only", "s3,s4,s5", "--exclude", "s4").stdout)
    assert {row["item"] for row in shown["items"]} == {"s3", "s5"}
    refused = invoke(*asked, "--rules", rules)
    assert refused.exit_code and "need a column 'events'" in str(refused.exception)


@pytest.mark.slow
def test_export_writes_what_tensorflow_loads(tmp_path):
    model = SASRec(3, max_length=4, width=4, num_blocks=1)
    model.build(None)
    Recommender(model, Vocabulary(["a", "b", "c"])).save(tmp_path / "bundle")
    result = invoke("export", tmp_path / "bundle", tmp_path / "served")
    assert result.exit_code == 0 and (tmp_path / "served" / "saved_model.pb").is_file()
    assert invoke("export", tmp_path / "bundle", tmp_path / "e.tflite", "--lite").exit_code == 0
    assert (tmp_path / "e.tflite").stat().st_size > 1000


def test_rules_are_json_or_a_file_of_it(tmp_path):
    text = '[{"rule": "AtMost", "most": 2}, {"rule": "OnePerFamily"}]'
    (tmp_path / "rules.json").write_text(text)
    parsed = parse_rules(text)
    assert parsed == parse_rules(str(tmp_path / "rules.json"))
    assert parsed == (AtMost(2), OnePerFamily()) and parse_rules(text[1:30]) == (AtMost(2),)
    (tmp_path / "three.json").write_text("3")
    for bad, match in (
        ("[", "`rules` must be JSON"),
        ("", "`rules` must be JSON"),
        ("AtMost", "`rules` must be JSON .* or a file of it"),
        (str(tmp_path), "`rules` must be JSON"),
        ("[" * 100_000, "`rules` must be JSON"),
        ("[1]", "`rules` must be objects"),
        ('[[{"rule": "AtMost", "most": 2}]]', "`rules` must be objects"),
        (str(tmp_path / "three.json"), "`rules` must be a list of objects"),
        ('{"rule": "AtMost", "most": NaN}', "`most` must be a whole number"),
        ('{"rule": "AtMost", "most": 1e999}', "`most` must be a whole number"),
        ('{"rule": "Diverse", "weight": "0.3"}', "`weight` must be a number"),
    ):
        with pytest.raises(ValueError, match=match):
            parse_rules(bad)


def test_typed_ids_are_of_the_type_of_the_known_ones():
    assert typed_ids(["²", "--3", "+4", "9" * 5000], np.array([3])) == ["²", "--3", 4, "9" * 5000]
    assert typed_ids(["3", " -12", "", "x"], np.array([3])) == [3, -12, "x"]
    assert typed_ids(["3", " a "], np.array(["3", "b"])) == ["3", "a"]


@pytest.mark.slow
def test_evaluate_measures_the_same_again(finished):
    folder, _ = finished
    measured = json.loads(invoke("evaluate", folder, "--json").stdout)
    stored = json.loads((folder / "bundle" / "metrics.json").read_text())
    assert measured["ndcg@10"] == pytest.approx(stored["ndcg@10"], abs=1e-6)


def test_data_list_and_card(my_log):
    assert "ml-1m-sasrec" in invoke("data", "list").output
    columns = "user=uid,item=sku,timestamp=ts"
    card = json.loads(invoke("data", "card", my_log, "--columns", columns, "--json").stdout)
    assert card["users"] == 60 and card["items"] == 9


def test_table_prints_rows_as_json(tmp_path):
    stored = Path(__file__).resolve().parent.parent / "results"
    (tmp_path / "per_user").mkdir()
    for name in ("shop-softmax.json", "per_user/shop-softmax.parquet"):
        shutil.copy(stored / name, tmp_path / name)
    (row,) = json.loads(invoke("table", "--json", "--results", tmp_path).stdout)
    assert row["experiment"] == "shop-softmax" and row["against_best"] is None


def test_table_without_results_says_what_to_do(tmp_path):
    told = "recmodels: no stored results: `recmodels train NAME` makes some"
    for options, printed in ((("--json",), "[]\n"), ((), "\n")):
        result = invoke("table", *options, "--results", tmp_path)
        assert result.exit_code == 0 and result.stdout == printed
        assert told in result.stderr and str(tmp_path) in result.stderr


@pytest.mark.parametrize("text", ["user=a,user=b", "uid", "who=uid", "user=uid;item=sku,x"])
def test_columns_must_be_roles(text):
    with pytest.raises(ValueError, match="role=column|each role once"):
        parse_columns(text)


def test_columns_may_say_how_values_are_written():
    text = "user=true,timezone=Asia/Tokyo,date_format=%d.%m.%Y %H:%M,dayfirst=True,year=2013"
    expected = {
        "user": "true",
        "timezone": "Asia/Tokyo",
        "date_format": "%d.%m.%Y %H:%M",
        "dayfirst": True,
        "year": 2013,
    }
    assert parse_columns(text) == expected


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"dataset": 3, "protocol": "temporal"},
        {"dataset": "shop"},
        {"dataset": "shop", "protocol": ["temporal"]},
        {"dataset": "shop", "protocol": "temporal", "columns": ["user"]},
        {"dataset": "shop", "protocol": "temporal", "columns": {"user": 1}},
        {"dataset": "shop", "protocol": "random-80-20", "seed": "0"},
        {"dataset": "shop", "protocol": "random-80-20", "seed": -1},
    ],
)
def test_a_bundle_that_does_not_say_its_data_cannot_be_evaluated(tmp_path, config):
    model = MostPopular().fit(make_histories([[1, 2]]), 2)
    Recommender(model, Vocabulary(["a", "b"])).save(tmp_path / "bundle", config=config)
    with pytest.raises(ValueError, match="of `recmodels run` or .*Received: folder=.*config="):
        evaluate_bundle(tmp_path / "bundle")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--seed", -1),
        ("train", "shop-softmax", "--seed", 2**32),
        ("tune", "shop-softmax", "--seed", -1),
        ("tune", "shop-softmax", "--trials", 0),
    ],
)
def test_numbers_out_of_range_end_with_the_range(arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2 and f"Invalid value for '{arguments[-2]}'" in result.output


@pytest.mark.parametrize("option", ["--seeds", "--targets"])
@pytest.mark.parametrize("text", ["", "x", "1,,2", "1,nan", "inf"])
def test_lists_of_numbers_hold_finite_numbers(option, text):
    result = CliRunner().invoke(benchmarks_app, ["race", option, text])
    assert f"`{option[2:]}` must be numbers with commas" in str(result.exception)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("text", ["it's mine.csv", 'a "b" c', "a$b$(c)`d`;e", "user=User ID", ""])
def test_make_run_passes_quotes_blanks_and_dollars_on(tmp_path, text):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "ready").touch()
    variables = [f"DATASET={text}", f"COLUMNS={text}", f"BIN={tmp_path}", f"READY={tmp_path}/ready"]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        ["make", "--silent", "run", *variables], cwd=root, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "-m", "recmodels", "run", "--dataset", text, "--columns", text,
    ], done.stderr  # fmt: skip


def test_a_mistake_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["recmodels", "train", "no-such-thing"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("recmodels: `name` is no experiment.")
