"""Three engines prepare a log to the same shards, which are those of the log in memory."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from recmodels.cli import app
from recmodels.data.cleaning import drop_exact_duplicates, k_core
from recmodels.data.interactions import Interactions
from recmodels.data.leakage import leak_report
from recmodels.data.splits import leave_one_out
from recmodels.features.vocabulary import Vocabulary
from recmodels.scale import prepare as steps
from recmodels.scale.pandas_engine import shard_of
from recmodels.scale.preparation import Preparation
from recmodels.scale.prepare import prepare_shards
from recmodels.scale.shards import ShardDigest, read_users, shard_path
from recmodels.scale.staging import PLACES, source_files, stage

DUCKDB = pytest.mark.skipif(
    not importlib.util.find_spec("duckdb"),
    reason='DuckDB is not installed: `pip install "recmodels[duckdb]"`',
)
SPARK = pytest.mark.skipif(
    not (importlib.util.find_spec("pyspark") and shutil.which("java")),
    reason='Spark needs Java 17 and `pip install "recmodels[cluster]"`',
)
SMALL = Preparation(user_core=2, item_core=2, shards=3)
UNICODE = ["café", "e\u0301", "\u00e9", "日本", "😀", "z", "Z", "a b", "007", "ﬀ"]


def random_log(seed, rows=400):
    """Ties, duplicates, missing values, ids of many scripts, and a user with a tenth of all."""
    rng = np.random.default_rng(seed)
    users = np.array([*UNICODE, *(f"u{i}" for i in range(40))], object)
    shares = np.append(0.1, np.full(len(users) - 1, 0.9 / (len(users) - 1)))
    log = pd.DataFrame(
        {
            "user": rng.choice(users, rows, p=shares),
            "item": rng.zipf(1.4, rows) % 60,
            "timestamp": 1_600_000_000 + rng.integers(0, 40, rows),
        }
    ).astype({"item": "Int64", "timestamp": "Int64"})
    log = pd.concat([log, log.sample(30, random_state=seed)], ignore_index=True)
    for column in log:
        log.loc[rng.choice(len(log), 3, replace=False), column] = None
    return log


def write_files(log, folder):
    folder.mkdir()
    log.iloc[:150].to_csv(folder / "a.csv", index=False)
    log.iloc[150:].to_csv(folder / "b.csv.gz", index=False)
    return folder


def in_memory(log, user=2, item=2):
    events = log.dropna().astype({"item": "int64", "timestamp": "int64", "user": "str"})
    cleaned, _ = drop_exact_duplicates(Interactions(events, "timed"))
    return k_core(cleaned, user, item)[0]


def prepared(source, out, engine, preparation=SMALL):
    return prepare_shards(source, out, preparation, engine=engine, verbose=False)


def shards_of(folder, count=3):
    return [pq.read_table(shard_path(folder / "shards", shard)) for shard in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_shards_are_those_of_the_log_in_memory(tmp_path, seed):
    log = random_log(seed)
    manifest = prepared(write_files(log, tmp_path / "log"), tmp_path / "out", "pandas")
    expected = in_memory(log)
    vocabulary = Vocabulary(expected.events["item"].unique())
    found = pd.concat([table.to_pandas() for table in shards_of(tmp_path / "out")])
    events = expected.events.assign(item=vocabulary.encode(expected.events["item"]))
    for user, rows in events.groupby("user"):
        own = found[found["user_id"] == user]
        assert own["item"].tolist() == rows["item"].tolist()
        assert own["timestamp"].tolist() == rows["timestamp"].tolist()
    assert len(found) == len(events) == manifest["counts"]["events"]
    leaks = leak_report(leave_one_out(expected)).to_dict()
    mean = leaks.pop("future_share_mean")
    assert manifest["leaks"].pop("future_share_mean") == pytest.approx(mean, rel=1e-12)
    assert manifest["leaks"] == {**leaks, "name": "log"}


def test_each_user_is_in_the_shard_of_the_stated_hash(tmp_path):
    prepared(write_files(random_log(0), tmp_path / "log"), tmp_path / "out", "pandas")
    for shard, table in enumerate(shards_of(tmp_path / "out")):
        assert all(shard_of(user, 3) == shard for user in table["user_id"].to_pylist())
    assert shard_of("u7", 2**32) == 0x6BCE05DF  # `printf u7 | md5sum` begins with 6bce05df.


@DUCKDB
@pytest.mark.parametrize("seed", range(4))
def test_duckdb_equals_pandas(tmp_path, seed):
    source = write_files(random_log(seed), tmp_path / "log")
    results = [prepared(source, tmp_path / engine, engine) for engine in ("pandas", "duckdb")]
    told = [{k: v for k, v in each.items() if k != "made_by"} for each in results]
    assert told[0] == told[1]
    assert not (tmp_path / "duckdb" / "steps" / "engine").exists()


@SPARK
def test_spark_equals_pandas(tmp_path):
    source = write_files(random_log(7), tmp_path / "log")
    results = [prepared(source, tmp_path / engine, engine) for engine in ("pandas", "spark")]
    told = [{k: v for k, v in each.items() if k != "made_by"} for each in results]
    assert told[0] == told[1]


def test_all_forms_of_files_give_the_same_shards(tmp_path):
    log = random_log(1).dropna()
    (tmp_path / "csv").mkdir()
    log.to_csv(tmp_path / "csv" / "log.tsv", sep="\t", index=False)
    (tmp_path / "json").mkdir()
    log.to_json(tmp_path / "json" / "log.jsonl.gz", orient="records", lines=True)
    table = pa.table(
        {
            "user": log["user"].tolist(),
            "item": log["item"].astype("int64"),
            "timestamp": pa.array(log["timestamp"].astype("int64") * 1000, pa.timestamp("ms")),
        }
    )
    (tmp_path / "parquet").mkdir()
    pq.write_table(table, tmp_path / "parquet" / "log.parquet")
    digests = {
        prepared(tmp_path / form, tmp_path / f"{form}-out", "pandas")["digest"]
        for form in ("csv", "json", "parquet")
    }
    assert len(digests) == 1


def test_a_column_may_be_in_the_names_of_folders(tmp_path):
    rows = {"user": list("aabbaabb"), "item": [1, 2, 1, 2, 1, 2, 1, 2], "day": [1] * 4 + [2] * 4}
    ds.write_dataset(
        pa.table(rows), tmp_path / "log", format="parquet", partitioning=["day"],
        partitioning_flavor="hive",
    )  # fmt: skip
    settings = Preparation(timestamp="day", user_core=1, item_core=1, shards=2)
    assert prepared(tmp_path / "log", tmp_path / "out", "pandas", settings)["counts"]["events"] == 8


def test_places_follow_the_names_of_the_files(tmp_path):
    source = write_files(random_log(0), tmp_path / "log")
    parts, counts = stage(source, SMALL, tmp_path / "parts", lambda text: None)
    assert counts["rows"] == 430 and counts["integers"] == {"user_id": False, "item_id": True}
    assert pq.read_table(parts[1])["place"][0].as_py() == PLACES
    assert [path.name for path in source_files(str(source / "*.gz"))] == ["b.csv.gz"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user,item\na,1\n", "lacks the columns"),
        ("user,item,timestamp\na,1,99999999999\n", "between 1970 and 2100"),
        ("user,item,timestamp\na,1,yesterday\n", "numbers or ISO times"),
        ("user,item,timestamp\na,1,5\n", "lower `user_core`|Lower `user`"),
        ("user,item,timestamp\na,1,nan\n", "between 1970 and 2100"),
        ("user;item;timestamp\na;1;5\n", "commas separate the columns"),
        ("user,item,timestamp\na,1,5\nb,2\n", "correct it, save it as UTF-8"),
        ("user,item,timestamp\nJos\udce9,1,5\n", "correct it, save it as UTF-8"),
        ("user,item,timestamp\n", "hold events"),
        ("", "cannot be read"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, words):
    (tmp_path / "log.csv").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(ValueError, match=words):
        prepared(tmp_path / "log.csv", tmp_path / "out", "pandas")
    kept = words == "lower `user_core`|Lower `user`"  # What was read is right.
    assert (tmp_path / "out").exists() == kept


def test_times_may_be_fractions_of_seconds(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,timestamp\na,1,1600000000.75\nb,2,1600000001\n")
    settings = Preparation(user_core=1, item_core=1, shards=1)
    prepared(tmp_path / "log.csv", tmp_path / "out", "pandas", settings)
    (shard,) = shards_of(tmp_path / "out", 1)
    assert shard["timestamp"].to_pylist() == [1_600_000_000, 1_600_000_001]


@DUCKDB
@pytest.mark.parametrize(("memory", "words"), [("lots", "such as '4GB'"), ("1MB", "be larger")])
def test_a_memory_limit_that_cannot_be_used_is_refused(tmp_path, memory, words):
    source = write_files(random_log(0), tmp_path / "log")
    with pytest.raises(ValueError, match=f"`memory` must .*{words}.* Received: memory='{memory}'"):
        prepare_shards(
            source, tmp_path / "out", SMALL, engine="duckdb", memory=memory, verbose=False
        )


def test_the_command_takes_columns_of_the_shards_only_and_names_them():
    runner = CliRunner()
    result = runner.invoke(app, ["prepare", "log.csv", "out", "--columns", "action=kind"])
    assert isinstance(result.exception, ValueError) and "shards hold nothing" in str(
        result.exception
    )


@pytest.mark.slow  # It starts Python twice.
def test_a_command_that_was_stopped_continues(tmp_path):
    source = write_files(random_log(6), tmp_path / "log")
    code = (
        "import signal, sys\n"
        "from recmodels.cli import main\n"
        "from recmodels.scale.pandas_engine import PandasEngine\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # A background job ignores it.
        "PandasEngine.shards = lambda *args: signal.raise_signal(signal.SIGINT)\n"
        "main()"
    )
    command = ["prepare", str(source), str(tmp_path / "out"), "--engine", "pandas"]
    command += ["--user-core", "2", "--item-core", "2", "--shards", "3"]
    stopped = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert stopped.returncode == 130
    assert "Finished epochs and steps are kept" in stopped.stderr
    command = [sys.executable, "-m", "recmodels", *command, "--json"]
    repeated = subprocess.run(command, capture_output=True, text=True)
    assert "clean: was finished before" in repeated.stderr
    whole = prepared(source, tmp_path / "whole", "pandas")
    assert json.loads(repeated.stdout)["digest"] == whole["digest"]


def test_an_interrupted_step_is_repeated_and_finished_ones_are_not(tmp_path, monkeypatch):
    source, out = write_files(random_log(2), tmp_path / "log"), tmp_path / "out"
    whole = prepared(source, tmp_path / "whole", "pandas")
    write = steps.PandasEngine.shards

    def stop(self, core, shards, folder):
        write(self, core, shards, folder)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(steps.PandasEngine, "shards", stop)
    with pytest.raises(OSError, match="Free some space"):
        prepared(source, out, "pandas")
    assert not (out / "shards").exists() and not list(out.glob(".shards*"))
    monkeypatch.setattr(steps.PandasEngine, "shards", write)
    monkeypatch.setattr(steps.PandasEngine, "core", None)  # It was finished.
    assert prepared(source, out, "pandas")["digest"] == whole["digest"]


def test_a_result_is_made_again_only_for_another_source(tmp_path, monkeypatch):
    source, out = write_files(random_log(3), tmp_path / "log"), tmp_path / "out"
    first = prepared(source, out, "pandas")
    monkeypatch.setattr(steps, "measure_shards", None)
    assert prepared(source, out, "pandas") == first
    monkeypatch.undo()
    random_log(4).to_csv(source / "a.csv", index=False)
    assert prepared(source, out, "pandas")["digest"] != first["digest"]


def test_a_damaged_shard_is_named(tmp_path):
    prepared(write_files(random_log(0), tmp_path / "log"), tmp_path / "out", "pandas")
    path = shard_path(tmp_path / "out" / "shards", 1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="missing or damaged.*shard-00001"):
        list(read_users(path))


def test_pieces_of_a_shard_hold_whole_users(tmp_path, monkeypatch):
    prepared(write_files(random_log(0), tmp_path / "log"), tmp_path / "out", "pandas")
    path = shard_path(tmp_path / "out" / "shards", 0)
    whole, pieces = ShardDigest(), ShardDigest()
    once = list(read_users(path, whole))
    monkeypatch.setattr("recmodels.scale.shards.ROWS", 7)
    parts = list(read_users(path, pieces))
    assert len(parts) > len(once)
    for name in ("ids", "items", "timestamps"):
        found, expected = (
            np.concatenate([getattr(part, name) for part in each]) for each in (parts, once)
        )
        assert found.tolist() == expected.tolist()
    assert whole.hexdigest() == pieces.hexdigest()


def test_the_manifest_says_what_was_cleaned(tmp_path):
    log = random_log(5)
    prepared(write_files(log, tmp_path / "log"), tmp_path / "out", "pandas")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    rows = [(rule["rows_in"], rule["rows_out"]) for rule in manifest["cleaning"]]
    complete, distinct = log.dropna(), log.dropna().drop_duplicates()
    expected = [len(log), len(complete), len(distinct), len(in_memory(log))]
    assert rows == list(zip(expected, expected[1:], strict=False))
    assert manifest["schema"] == {"user_id": "string", "item": "int32", "timestamp": "int64"}


def test_stored_digests_of_the_engines_are_equal():
    path = Path(__file__).parent.parent / "results" / "distributed.json"
    rows = json.loads(path.read_text("utf-8"))["prepare"]
    by_size = {}
    for row in rows:
        digests = row["digest"], row["vocabulary_digest"]
        by_size.setdefault(row["events"], {})[row["engine"]] = digests
    assert by_size[1_000_000].keys() >= {"pandas", "duckdb"}
    assert all(len(set(engines.values())) == 1 for engines in by_size.values())
