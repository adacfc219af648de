"""The commands that measure work beyond one process, and what they have stored."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from benchmarks import distributed, distributed_scoring, distributed_spark, distributed_training
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
    few = ds.dataset(simulate_log(tmp_path, 2500, items=7)).to_table().to_pandas()
    assert sorted(few["item"].unique()) == list(range(7))


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


def test_a_process_is_killed_some_time_after_the_checkpoint_was_written(tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    code = (
        "import sys; from pathlib import Path\n"
        "from benchmarks.distributed_worker import kill_later\n"
        "print('started', flush=True); kill_later(Path(sys.argv[1]), int(sys.argv[2]), 0.01)"
    )
    for writes in (0, 1):
        command = [sys.executable, "-c", code, str(checkpoint), str(writes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            if writes:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.2)
                checkpoint.write_text("written")
            assert process.wait() == -signal.SIGKILL


def fake_trainings(monkeypatch, losses, survives=()):
    """Write results in place of trainings; those that are to be killed raise, but some."""
    killed = []

    def launch(command, processes, environment, backend):
        told = json.loads(command[-1])
        if "kill" in told:
            killed.append(told["kill"])
            if len(killed) not in survives:
                raise ChildProcessError("Process 1 of 2 was killed. Continue with: it")
        for rank in range(processes):
            gib = [5.0, 4.0] if processes == 1 else [4.0, 2.5]
            seconds = {"jax": 6.0 / processes, "tensorflow": 2.0}[backend]
            found = {"losses": losses(told, processes), "gib": gib, "seconds": [60, 60, seconds]}
            Path(f"{told['out']}-{rank}.json").write_text(json.dumps(found))

    monkeypatch.setattr(distributed_training, "launch", launch)
    return killed


def test_an_epoch_of_two_processes_is_compared_with_that_of_one(tmp_path, monkeypatch):
    fake_trainings(monkeypatch, lambda told, processes: [1.0])
    found = distributed_training.measure_speed(tmp_path / "work", tmp_path)
    assert found["speedup_2_processes"] == 2.0
    assert list(found["epoch_seconds"].values()) == [6.0, 3.0, 2.0]
    assert json.loads((tmp_path / "distributed.json").read_text()) == found


def test_restarts_are_compared_with_an_uninterrupted_training(tmp_path, monkeypatch):
    def losses(told, processes):
        return [1.0, 0.5 if told["checkpoint"] is None else 0.25]

    killed = fake_trainings(monkeypatch, losses)
    found = distributed_training.measure_restarts(0, tmp_path / "work", tmp_path)
    assert killed == list(kills(0))
    assert found["restart_max_difference"] == 0.25 and found["told_how_to_continue"]
    fake_trainings(monkeypatch, losses, survives=range(4, 99))
    with pytest.raises(RuntimeError, match="Only 3 of 10 trainings were killed"):
        distributed_training.measure_restarts(0, tmp_path / "work", tmp_path)


def test_losses_and_memory_of_two_processes_are_compared_with_those_of_one(tmp_path, monkeypatch):
    fake_trainings(monkeypatch, lambda told, processes: [2.0, 1.0 if processes == 1 else 1.5])
    found = distributed_training.measure_losses("table_by_rows", tmp_path / "work", tmp_path)
    assert found == {"table_by_rows": 0.5}
    found = distributed_training.measure_memory(tmp_path / "work", tmp_path)
    assert found["memory_share_table_by_rows"] == 0.625
    assert found["memory_share_while_compiling"] == 0.8
    assert found["max_loss_difference_large_table"] == 0.5


def test_two_scorings_are_compared_with_one_on_one_core(tmp_path, monkeypatch):
    said, seconds = [], iter([6.0, 4.0, 5.0] * 2)

    def run(command):
        out, processes = Path(command[command.index("-k") - 1]), command[-2]
        said.append((command[:2] == ["taskset", "--cpu-list"], processes))
        out.mkdir()
        rows = [1, 2] if len(said) < 4 or processes == "1" else [1, 3]
        pq.write_table(pa.table({"items": rows}), out / "shard-00000.parquet")
        return {"seconds": next(seconds), "output": "{}"}

    monkeypatch.setattr(distributed_scoring, "run_measured", run)
    source = simulate_log(tmp_path / "logs", 4000)
    found = distributed_scoring.measure_scoring(source, tmp_path / "work", tmp_path)
    assert said == [(True, "1"), (False, "2"), (False, "1")]
    assert found["bulk_speedup"] == 1.5 and found["bulk"]["users"] > 100
    assert json.loads((tmp_path / "distributed.json").read_text()) == found
    with pytest.raises(RuntimeError, match="shard-00000.parquet differs"):
        distributed_scoring.measure_scoring(source, tmp_path / "work", tmp_path)


def test_a_cluster_starts_before_it_is_used_and_ends_afterwards(tmp_path, monkeypatch):
    spark_class = tmp_path / "bin" / "spark-class"
    spark_class.parent.mkdir()
    spark_class.write_text(
        "#!/bin/sh\necho $1 $2; case $1 in *Master) echo I have been elected leader;; "
        "*) echo Successfully registered with master;; esac; exec sleep 60\n"
    )
    spark_class.chmod(0o755)
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(distributed_spark, "find_spec", lambda name: found)
    with distributed_spark.standalone_cluster(tmp_path / "log") as address:
        children = psutil.Process().children()
        assert len(children) == 3 and address.startswith("spark://127.0.0.1:")
        log = (tmp_path / "log").read_text()
    assert log.count(f"deploy.worker.Worker {address}") == 2
    assert not any(child.is_running() for child in children)
    spark_class.write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(distributed_spark, "PATIENCE_SECONDS", 0.1)
    with (
        pytest.raises(TimeoutError, match="The cluster did not start"),
        distributed_spark.standalone_cluster(tmp_path / "log"),
    ):
        pass


def test_stored_differences_are_as_small_as_asked():
    assert STORED["steps"] >= 64
    assert max(STORED["max_loss_difference"].values()) < 1e-5
    assert STORED["bulk"]["lists_are_equal"]
    assert STORED["max_loss_difference_large_table"] < 1e-5
    assert STORED["memory_share_table_by_rows"] < 0.6
    assert STORED["restart_max_difference"] == 0 and STORED["restarts"] == KILLS
    assert STORED["told_how_to_continue"]


def test_stored_memory_is_what_the_page_says():
    page = (Path(__file__).parent.parent / "docs" / "cluster.md").read_text("utf-8")
    page = " ".join(page.split())
    one, two = (STORED["memory_gib"][name] for name in ("one_process", "each_of_two"))
    assert f"needed {two[1]} GiB in an epoch and a single process needed {one[1]} GiB" in page
    assert f"they needed {two[0]} and {one[0]} GiB" in page
    assert f"a share of {STORED['memory_share_table_by_rows']}." in page
    one, two, ordinary = STORED["epoch_seconds"].values()
    assert f"an epoch took {one:.1f} s for one JAX process" in page
    assert f"and {two:.1f} s for two with a core" in page
    assert f"{STORED['speedup_2_processes']} times as fast" in page
    assert f"with TensorFlow took {ordinary:.1f} s" in page
    bulk, (alone, ordinary, both) = STORED["bulk"], STORED["bulk"]["rows"].values()
    assert (
        f"two processes listed ten of {bulk['items']:,} items for {bulk['users']:,} users in"
        in page
    )
    assert f"in {both['seconds']:.0f} seconds, and one process" in page
    assert f"one core needed {alone['seconds']:.0f} seconds, {STORED['bulk_speedup']} times" in page
    assert f"both cores needed {ordinary['seconds']:.0f} seconds" in page
    assert bulk["users"] >= 10**6 and bulk["items"] >= 10**5 and STORED["bulk_speedup"] >= 1.5
    (largest,) = (row for row in STORED["prepare"] if row["events"] == 10**8)
    assert f"in {largest['processor_seconds']:.0f} seconds of processor time" in page
    assert f"events in {largest['seconds']:.0f} seconds on two cores" in page
    assert f"needed {largest['peak_gib']} GiB at its peak" in page and largest["peak_gib"] < 8
