"""The commands that measure work beyond one process, and what they have stored."""

import json
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from benchmarks import distributed
from benchmarks.distributed import run_measured, simulate_log, store
from benchmarks.distributed_training import KILLS, kills

STORED = json.loads(
    (Path(__file__).parent.parent / "results" / "distributed.json").read_text("utf-8")
)


def test_a_simulated_log_has_its_events_and_is_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "PART", 1000)
    source = simulate_log(tmp_path, 2500)
    log = ds.dataset(source).to_table().to_pandas()
    assert len(log) == 2500 and len(list(source.iterdir())) == 3
    assert log.duplicated().sum() >= 25
    (source / "part-00001.parquet").unlink()
    times = {path: path.stat().st_mtime_ns for path in source.iterdir()}
    simulate_log(tmp_path, 2500)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert ds.dataset(source).to_table().to_pandas().equals(log)


def test_a_command_is_measured_with_the_processes_that_it_starts():
    code = "import subprocess, sys; x = bytearray(80_000_000); print(len(x))"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    measured = run_measured([sys.executable, "-c", outer])
    assert measured["output"] == "80000000\n"
    assert measured["peak_gib"] > 0.07 and measured["processor_seconds"] > 0
    with pytest.raises(ChildProcessError, match="exit status 3"):
        run_measured([sys.executable, "-c", "raise SystemExit(3)"])


def test_measurements_are_added_to_those_before(tmp_path):
    store(tmp_path, lambda content: content.update(first=1))
    assert store(tmp_path, lambda content: content.update(second=2)) == {"first": 1, "second": 2}
    assert json.loads((tmp_path / "distributed.json").read_text()) == {"first": 1, "second": 2}


def test_kills_follow_from_the_seed_and_hit_both_processes():
    first = list(kills(0))
    assert len(first) == KILLS and first == list(kills(0)) != list(kills(1))
    assert {kill["rank"] for kill in first} == {0, 1}
    assert {kill["writes"] for kill in first} == {0, 1, 2}
