import json
import sys

import pytest

from benchmarks import race as race_module
from benchmarks.race import describe_race, follow, race, summarise_race
from recmodels.experiments.catalogue import find_experiment

# Epochs of a tenth of a second; progress as `recmodels train` writes it.
TRAINING = """
import sys, time
for epoch, score in enumerate((None, 0.1512, None, 0.18, 0.1745), 1):
    time.sleep(0.1)
    scored = "" if score is None else f"  ndcg@10 {score:.4f} (best 0.9999)"
    print(f"  epoch {epoch}/5  loss 9.0000{scored}  0.1 s", file=sys.stderr, flush=True)
"""


def test_a_target_counts_from_the_start_of_the_process_to_the_first_epoch_that_reaches_it(capsys):
    row = follow([sys.executable, "-c", TRAINING], [0.15, 0.18, 0.5])
    assert row["best"] == 0.18 and list(row["reached"]) == ["0.15", "0.18"]
    # Epochs 2 and 4 of a tenth of a second, after a process has started.
    assert 0.2 <= row["reached"]["0.15"] < row["reached"]["0.18"]
    assert 0.4 <= row["reached"]["0.18"] <= row["seconds"]
    assert 0 < row["peak_gib"] < 64
    assert "epoch 5/5" in capsys.readouterr().err


def test_a_training_stops_where_it_has_reached_everything(capsys):
    slow = TRAINING.replace("0.1)", "0.1 if epoch < 3 else 10)")
    row = follow([sys.executable, "-c", slow], [0.15])
    assert list(row["reached"]) == ["0.15"] and row["seconds"] < 8
    assert "epoch 2/5" in capsys.readouterr().err


def test_a_training_that_fails_is_named():
    with pytest.raises(RuntimeError, match="failed.*sys.exit"):
        follow([sys.executable, "-c", "import sys; sys.exit(2)"], [0.1])


def seed_row(**reached):
    return {"reached": {k[1:]: v for k, v in reached.items()}, "seconds": 9.0, "best": 0.2}


def test_medians_are_of_targets_that_every_seed_reached():
    seeds = {"0": seed_row(_18=30.0, _19=70.0), "1": seed_row(_18=10.0), "2": seed_row(_18=20.0)}
    found = summarise_race(seeds)
    assert found["medians"] == {"18": 20.0}
    assert found["seeds"] == seeds


@pytest.fixture
def quick(monkeypatch):
    """Trainings that only say when they reached something: a second for each unit of the seed."""

    def fake(command, targets):
        seed = int(command[command.index("--seed") + 1])
        return {
            "reached": {f"{t:g}": seed + 1.0 for t in targets},
            "seconds": 5.0,
            "best": 0.19,
            "peak_gib": 1.0,
        }

    monkeypatch.setattr(race_module, "follow", fake)


def test_new_seeds_and_experiments_are_added_to_bench_json(quick, tmp_path):
    first, second = map(find_experiment, ("ml-1m-sasrec-softmax", "ml-1m-fast"))
    (tmp_path / "bench.json").write_text('{"ratio_rectools_epoch_sampled": 20.0}')
    folders = {"runs": tmp_path / "runs", "results": tmp_path}
    race(first, [0.18], [0], **folders)
    other = race(second, [0.18], [0], **folders)
    found = race(first, [0.18], [1, 2], **folders)
    assert found["medians"] == {"0.18": 2.0} and other["medians"] == {"0.18": 1.0}
    assert sorted(found["seeds"]) == ["0", "1", "2"]
    stored = json.loads((tmp_path / "bench.json").read_text())
    races = {first.name: found, second.name: other}
    assert stored == {"ratio_rectools_epoch_sampled": 20.0, "races": races}
    described = describe_race(first.name, found)
    assert "seed 2: 0.18 after 3 s; ndcg@10 0.1900 at best" in described
    assert described.endswith("median: 0.18 after 2 s")


def test_a_training_that_would_only_continue_is_refused(quick, tmp_path):
    experiment = find_experiment("ml-1m-sasrec-softmax")
    (tmp_path / "ml-1m-sasrec-softmax" / "seed-1").mkdir(parents=True)
    with pytest.raises(ValueError, match="`runs` holds .* Received: .*seed-1"):
        race(experiment, [0.18], [0, 1], runs=tmp_path, results=tmp_path)
    assert not (tmp_path / "bench.json").exists()
