import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from harness import make_log, random_lists

from benchmarks import bench as bench_module
from benchmarks import competitors as competitors_module
from benchmarks.bench import bench, ranking_seconds
from benchmarks.competitors import PEERS, SAMPLED_NEGATIVES, Competitor
from benchmarks.roofline import (
    copy_bandwidth,
    layer_times,
    matmul_rate,
    useful_flops,
)
from recmodels.data.splits import leave_one_out
from recmodels.features.sequences import prepare

WORKER = """
import json, sys
import numpy as np
arrays = np.load(sys.argv[1])
task = json.loads(str(arrays["task"]))
pace = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
print("a line some library prints")
print(json.dumps({"ready": True}), flush=True)
rounds = 0
for _ in sys.stdin:
    rounds += 1
    windows = arrays["ends"] - arrays["starts"]
    print(json.dumps({
        "seconds": pace * rounds, "processor_seconds": 1.0, "peak_gib": 0.5,
        "positions": int((windows - 1).sum()) + 10**9 * task["num_negatives"],
    }), flush=True)
"""


@pytest.fixture
def competitors(tmp_path, monkeypatch):
    (tmp_path / "ours.py").write_text(WORKER)
    (tmp_path / "broken.py").write_text("raise RuntimeError('no such module')")
    monkeypatch.setattr(competitors_module, "PEERS", tmp_path)
    known = {
        "recmodels_epoch_full_softmax": Competitor("ours.py", "full_softmax"),
        "recmodels_epoch_sampled": Competitor("ours.py", "sampled", ("0.5",)),
        "slow_epoch_full_softmax": Competitor("ours.py", "full_softmax", ("3",)),
        "slow_epoch_sampled": Competitor("ours.py", "sampled", ("3",)),
        "broken_epoch_sampled": Competitor("broken.py", "sampled"),
    }
    monkeypatch.setattr(competitors_module, "COMPETITORS", known)
    monkeypatch.setattr(bench_module, "ranking_seconds", lambda data: 0.25)
    monkeypatch.setattr(bench_module, "layer_times", lambda: {"embedding": {}})
    monkeypatch.setattr(bench_module, "matmul_rate", lambda: 2.5e10)
    monkeypatch.setattr(bench_module, "copy_bandwidth", lambda: 1e10)
    return list(known)[:-1]


def run(names, tmp_path, **options):
    folders = {"runs": tmp_path / "runs", "results": tmp_path / "results"}
    return bench("shop", names, **folders, **options)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells it.")
def test_a_worker_holds_nothing_of_what_its_parent_holds():
    held = np.ones(10**8)  # 0.75 GiB.
    code = "import worker; print(worker.peak_gib())"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PEERS, capture_output=True, text=True, check=True
    )
    assert held[0] and 0 < float(answer.stdout) < 0.2


def test_medians_ratios_and_all_runs_are_stored(competitors, tmp_path):
    result = run(competitors, tmp_path, rounds=3)
    # All read the same windows, each with its own loss.
    full = result["epochs"]["recmodels_epoch_full_softmax"]["positions"]
    sampled = result["epochs"]["recmodels_epoch_sampled"]["positions"]
    assert 0 < full < 10**9
    assert sampled - full == 10**9 * SAMPLED_NEGATIVES
    # Rounds take 1, 2, 3 times the pace: the median is twice the pace.
    assert result["epochs"]["recmodels_epoch_sampled"]["seconds"] == 1.0
    assert result["ratio_slow_epoch_full_softmax"] == 3.0  # 6 s against 2.
    assert result["ratio_slow_epoch_sampled"] == 6.0  # 6 s against 1.
    assert not any(name.startswith("ratio_recmodels") for name in result)
    assert [r["seconds"] for r in result["all_runs"]["slow_epoch_sampled"]] == [3.0, 6.0, 9.0]
    stored = json.loads((tmp_path / "results" / "bench.json").read_text())
    assert stored == {"races": {}, "dataset": "shop", **json.loads(json.dumps(result))}
    assert stored["seconds_whole_test_ranking"] == 0.25
    share = result["useful_tflop"] * 1e12 / 2.0 / (result["matmul_gflops"] * 1e9)
    assert result["share_of_matmul_rate"] == pytest.approx(share, rel=0.02)


def test_ranking_is_timed_without_the_first_which_compiles(monkeypatch):
    data, calls = prepare(leave_one_out(make_log(random_lists(5, 8, 6)))), []

    def slow_at_first(model, queries, *, filter_seen, train):
        assert queries is data.test and train is data.train and filter_seen
        time.sleep(0.02 if calls else 0.2)
        calls.append(model)

    monkeypatch.setattr(bench_module, "evaluate", slow_at_first)
    assert 0.02 <= ranking_seconds(data, repeats=3) < 0.1 and len(calls) == 4


def test_a_new_bench_keeps_the_results_of_races(competitors, tmp_path):
    stored = tmp_path / "results" / "bench.json"
    stored.parent.mkdir()
    races = {"ml-1m-fast": {"medians": {"0.18": 400.0}}}
    stored.write_text(json.dumps({"races": races, "ratio_of_old": 1.0}))
    run(competitors[:1], tmp_path, rounds=1)
    found = json.loads(stored.read_text())
    assert found["races"] == races and "ratio_of_old" not in found


def test_a_contender_that_ends_early_is_named_with_its_words(competitors, tmp_path):
    with pytest.raises(RuntimeError, match=r"broken.py(.|\n)*no such module"):
        run(["broken_epoch_sampled"], tmp_path)
    assert not (tmp_path / "results").exists()


def test_rounds_that_ended_are_stored_when_a_contender_dies(competitors, tmp_path):
    mortal = WORKER.replace("    rounds += 1\n", "    rounds += 1\n    assert rounds < 3\n")
    (tmp_path / "ours.py").write_text(mortal)
    with pytest.raises(RuntimeError, match="AssertionError"):
        run(competitors, tmp_path, rounds=3)
    stored = json.loads((tmp_path / "results" / "bench.json").read_text())
    assert [row["seconds"] for row in stored["all_runs"]["slow_epoch_sampled"]] == [3.0, 6.0]
    assert stored["ratio_slow_epoch_sampled"] == 6.0 and stored["layers"]


@pytest.mark.parametrize("names", [[], ["recmodels_epoch"]])
def test_unknown_contenders_are_refused(names, competitors, tmp_path):
    with pytest.raises(ValueError, match="`competitors` must be of.*Received"):
        run(names, tmp_path)


def test_useful_arithmetic_by_hand():
    # Windows of 2 and 1 positions. Projections 4 x 4 + feed-forward 2 x 2 x 3 a position and 2 x 2
    # a pair; pairs 3 + 1. Two blocks: 2 x (3 x 28 + 4 x 4) = 200; output 3 x 5 x 2 = 30. Two
    # operations each, gradient twice: 6 x 230.
    settings = {"width": 2, "hidden_width": 3, "num_blocks": 2}
    assert useful_flops(np.array([2, 1]), 5, settings) == 6 * 230


def test_rates_are_of_a_machine_of_today():
    assert 1e7 < matmul_rate(size=256) < 1e15
    assert 1e7 < copy_bandwidth(mebibytes=8) < 1e13


def test_no_layer_is_faster_than_its_floor():
    times = layer_times(rows=4, length=32, width=16, num_items=500, repeats=3)
    assert list(times) == ["embedding", "attention", "feed_forward", "full_softmax"]
    for row in times.values():
        assert 0 < row["floor_milliseconds"] < row["milliseconds"]
