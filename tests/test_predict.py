"""The command `recmodels predict`."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from recmodels.cli import app
from tests.behaviour_log import HISTORY, LAST, make_data, make_trained


@pytest.fixture(scope="module")
def trained():
    return make_trained(make_data())


@pytest.fixture(scope="module")
def bundle(trained, tmp_path_factory):
    return trained.save(tmp_path_factory.mktemp("model") / "bundle")


def predict(bundle, *options):
    return CliRunner().invoke(app, ["predict", str(bundle), *map(str, options)])


def test_the_command_takes_typed_histories_json_and_files(trained, bundle, tmp_path):
    expected = trained.next_behaviour([("浏览", "茶"), ("加购", "cup")], k=2, given="购买")
    typed = ("--given", "购买", "-k", 2)
    pairs = [["浏览", "茶"], ["加购", "cup"]]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    for history in (
        ("--history", "浏览:茶, 加购:cup"),
        ("--history", json.dumps(pairs)),
        ("--history-file", tmp_path / "pairs.json"),
    ):
        found = predict(bundle, *history, *typed, "--json")
        assert found.exit_code == 0, found.output
        assert json.loads(found.stdout)["events"] == expected.to_dict()["events"]
    text = predict(bundle, "--history", "浏览:茶,加购:cup", *typed).stdout
    assert "购买" in text and "Type of the next event:" in text and "Time until it:" in text


def test_the_command_reads_dates_and_tables(trained, bundle, tmp_path):
    expected = trained.next_behaviour(HISTORY, at=LAST + 60, within=7 * 86_400).to_dict()
    table = pd.DataFrame(HISTORY)
    table["timestamp"] = pd.to_datetime(table["timestamp"], unit="s").dt.strftime(
        "%Y-%m-%d %H:%M:%S"
    )
    table.iloc[::-1].to_csv(tmp_path / "events.csv", index=False)
    when = ("--at", pd.Timestamp(LAST + 60, unit="s").isoformat(), "--within", "7d", "--json")
    found = predict(bundle, "--history-file", tmp_path / "events.csv", *when)
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == expected
    known = predict(bundle, "--user", "u1", "--json")
    assert json.loads(known.stdout)["at"] == LAST


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (("--history", "茶,cup"), "type:item,type:item"),
        (("--history", "[1"), "`history` must be JSON"),
        (("--history", "浏览:茶", "--within", "soon"), "`within` must be a number with a unit"),
        (("--history", "浏览:茶", "--at", "soon"), "`at` must be UTC seconds or a date"),
        (("--history", "浏览:茶", "--given", "退货"), "`given` must be a type"),
        (("--history", "浏览:茶", "--history-file", "x.json"), "not both"),
        ((), "`history` must be given, or else `user`"),
    ],
)
def test_mistakes_on_the_command_line_are_named(bundle, options, match):
    refused = predict(bundle, *options)
    assert refused.exit_code and match in str(refused.exception)


def test_a_file_of_several_users_is_refused(bundle, tmp_path):
    events = pd.DataFrame({"user": ["a", "b"], "item": ["茶", "茶"], "action": ["浏览", "浏览"]})
    events.to_csv(tmp_path / "two.csv", index=False)
    refused = predict(bundle, "--history-file", tmp_path / "two.csv")
    assert "`history_file` must hold the events of one user" in str(refused.exception)
