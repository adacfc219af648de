"""Several processes train as one does; one that dies ends all."""

import json
import os
import shlex
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import psutil
import pytest

from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import Histories
from recmodels.features.negatives import NegativeSampler
from recmodels.layers.embedding import ItemEmbedding
from recmodels.scale.launch import launch
from recmodels.training import processes
from recmodels.training.processes import (
    BY_ROWS,
    COUNT,
    RANK,
    ProcessBatches,
    SameBatches,
    check_agreement,
    check_process_count,
)

# Buckets of two lengths, dropout and sampled negatives; the parent process reads the last line.
TRAINING = """
import json
from pathlib import Path
from recmodels.training.processes import (
    join_processes, process_count, process_rank, table_by_rows
)
join_processes()
from test_processes import histories
import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.tasks.next_item import NextItem
from recmodels.training.fit import fit
train = histories()
sampler = NegativeSampler(train.item_counts(30)[1:], 8)
batches = NextItemBatches(train, 4, 6, seed=1, windows="latest", negatives=sampler)
model = rm.SASRec(30, max_length=4, width=8, num_blocks=1, dropout=0.3)
task = NextItem(model, "sampled_softmax")
training = rm.Training(epochs=2, seed=5, learning_rate=0.01)
path = CHECKPOINT and Path(CHECKPOINT)
curve = fit(task, batches, training, verbose=False, model=model, checkpoint=path)
if table_by_rows():
    table = model.item_embedding.table.value
    (part,) = table.addressable_shards
    assert table.shape == (48, 8) and part.data.shape == (48 // process_count(), 8)
if process_rank() == 0:
    print(json.dumps([row["loss"] for row in curve.rows]))
"""


def histories():
    rng = np.random.default_rng(0)
    lengths = np.repeat([3, 5], [9, 8])
    items = rng.integers(1, 31, lengths.sum()).astype(np.int32)
    return Histories(np.arange(17), items, np.append(0, np.cumsum(lengths)), {})


def test_processes_with_parts_of_a_table_keep_one_area_of_freed_memory(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    code = "import os; assert os.environ.get('MALLOC_ARENA_MAX') == {!r}"
    launch([sys.executable, "-c", code.format("1")], 2, {BY_ROWS: "1"})
    launch([sys.executable, "-c", code.format(None)], 2)


def test_parts_together_are_the_whole_batch():
    sampler = NegativeSampler(np.ones(30), 4)
    whole = NextItemBatches(histories(), 4, 5, seed=1, negatives=sampler)
    parts = [
        ProcessBatches(NextItemBatches(histories(), 4, 5, seed=1, negatives=sampler), rank, 4)
        for rank in range(4)
    ]
    for epoch in (0, 2):
        for each in (whole, *parts):
            each.set_epoch(epoch)
        assert {len(part) for part in parts} == {len(whole)}
        for index in range(len(whole)):
            found = keras.tree.map_structure(
                lambda *arrays: np.concatenate(arrays), *(part[index] for part in parts)
            )
            expected = keras.tree.flatten(whole[index])
            for got, known in zip(keras.tree.flatten(found), expected, strict=True):
                assert np.array_equal(got[: len(known)], known)
                assert not got[len(known) :].any() and len(got) - len(known) < 16
    assert parts[1].identity() == whole.identity()


def test_only_divisors_of_a_batch_are_taken():
    with pytest.raises(ValueError, match=r"one of \[1, 2, 4, 8, 16\]. Received: processes=3"):
        check_process_count(3)


def test_a_process_that_is_killed_ends_all(capfd):
    code = "import os, signal, time; time.sleep(0.3); os.environ['RECMODELS_PROCESS'] == '1' and "
    code += "os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)"
    with pytest.raises(
        ChildProcessError, match=r"Process 1 of 2 was killed by signal 9; .* Continue with: "
    ):
        launch([sys.executable, "-c", code], 2)


def test_the_error_of_another_process_is_shown(capfd):
    code = "import os, time; os.environ['RECMODELS_PROCESS'] == '1' and 1 / 0; time.sleep(60)"
    with pytest.raises(ChildProcessError, match="Process 1 of 2 ended with exit status 1"):
        launch([sys.executable, "-c", code], 2)
    assert "ZeroDivisionError" in capfd.readouterr().err


def two_processes(monkeypatch, gathered):
    """Make this process the first of two, of which `gathered` returns the digests."""
    monkeypatch.setenv(COUNT, "2")
    gather = SimpleNamespace(process_allgather=gathered)
    monkeypatch.setattr(processes, "import_extra", lambda module, extra: gather)


def test_processes_with_other_settings_are_refused(monkeypatch):
    two_processes(monkeypatch, lambda own: np.stack([own, own + 1]))
    with pytest.raises(ValueError, match=r"but \[1\] have other data, options, seeds or versions"):
        check_agreement({"seed": 1})
    two_processes(monkeypatch, lambda own: np.stack([own, own]))
    check_agreement({"seed": 1})


def test_batches_that_differ_between_processes_are_refused(monkeypatch):
    batches = [NextItemBatches(histories(), 4, 6, seed=seed) for seed in (1, 1, 2)]
    told = []
    two_processes(monkeypatch, lambda own: told.append(own) or np.stack([own, told[0]]))
    SameBatches(batches[0]).on_epoch_begin(0)
    SameBatches(batches[1]).on_epoch_begin(0)
    with pytest.raises(ValueError, match="All processes must train the same run"):
        SameBatches(batches[2]).on_epoch_begin(0)


def test_a_table_by_rows_has_the_initial_values_of_a_whole_one_and_is_stored_as_one(monkeypatch):
    def embedding():
        keras.utils.set_random_seed(3)
        layer = ItemEmbedding(30, 4)
        layer.build()
        return layer

    whole = embedding()
    by_rows = object.__new__(keras.distribution.ModelParallel)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: by_rows)
    part = embedding()
    table = keras.ops.convert_to_numpy(part.table)
    assert table.shape == (48, 4)  # 33 rows, padded to a multiple of 16.
    assert np.array_equal(table[:33], keras.ops.convert_to_numpy(whole.table))
    assert not table[33:].any()
    store = {}
    part.table.assign(table + 1)
    part.save_own_variables(store)
    assert store["0"].shape == (33, 4)
    whole.load_own_variables(store)
    assert np.array_equal(keras.ops.convert_to_numpy(whole.table), table[:33] + 1)
    part.load_own_variables(store)
    assert np.array_equal(keras.ops.convert_to_numpy(part.table)[:33], table[:33] + 1)


@pytest.mark.slow  # It imports Keras in another process.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a process")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    child = f"import os, time; open('{tmp_path}/' + str(os.getpid()), 'w'); time.sleep(60)"
    code = "import sys; from recmodels.scale.launch import launch; "
    code += "launch([sys.executable, '-c', sys.argv[1]], 2)"
    launcher = subprocess.Popen([sys.executable, "-c", code, child])
    while len(started := list(tmp_path.iterdir())) < 2:
        time.sleep(0.05)
    launcher.kill()
    launcher.wait()
    children = [int(path.name) for path in started]
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    running = [psutil.Process(pid).status() for pid in children if psutil.pid_exists(pid)]
    assert set(running) <= {psutil.STATUS_ZOMBIE}


@pytest.mark.slow  # It imports typer in another process.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment at once")
def test_a_training_command_of_which_a_process_is_killed_says_how_to_continue(tmp_path):
    command = [sys.executable, "-m", "recmodels", "train", "shop-softmax", "--processes", "2"]
    command += ["--runs", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as launcher:
        second = []
        while not second:
            children = psutil.Process(launcher.pid).children()
            second = [child for child in children if child.environ().get(RANK) == "1"]
            time.sleep(0.02)
        second[0].kill()
        told = launcher.stderr.read()
    assert launcher.returncode == 2
    assert "Process 1 of 2 was killed by signal 9; the others were stopped." in told
    assert told.rstrip().endswith(f"Continue with: {shlex.join(command)}")


@pytest.mark.slow  # It starts two processes, which compile.
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX joins processes")
def test_two_processes_have_the_losses_of_one(tmp_path, capfd):
    path = tmp_path / "train.py"
    path.write_text(TRAINING.replace("CHECKPOINT", repr(str(tmp_path / "two.npz"))))
    folders = os.pathsep.join([os.path.dirname(__file__), os.getcwd()])
    launch([sys.executable, path], 2, {"PYTHONPATH": folders, "TF_CPP_MIN_LOG_LEVEL": "3"})
    two = json.loads(capfd.readouterr().out.splitlines()[-1])
    exec(TRAINING.replace("CHECKPOINT", "None"), {})  # One process: this one.
    one = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert len(one) == 2 and max(np.abs(np.subtract(one, two))) < 1e-5
    # The first process alone has written a checkpoint, which one process can continue.
    exec(TRAINING.replace("CHECKPOINT", repr(str(tmp_path / "two.npz"))), {})
    assert json.loads(capfd.readouterr().out.splitlines()[-1]) == two
    # With the table by rows the losses are the same, and one process continues two of them too.
    path.write_text(TRAINING.replace("CHECKPOINT", repr(str(tmp_path / "rows.npz"))))
    environment = {"PYTHONPATH": folders, "TF_CPP_MIN_LOG_LEVEL": "3", BY_ROWS: "1"}
    for count in (2, 1):
        launch([sys.executable, path], count, environment)
        by_rows = json.loads(capfd.readouterr().out.splitlines()[-1])
        assert max(np.abs(np.subtract(one, by_rows))) < 1e-5
