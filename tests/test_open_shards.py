"""Shards open as the data of the log in memory, and train to the same losses."""

import errno
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_scale_prepare import in_memory, random_log

from recmodels.api import fit
from recmodels.data.splits import leave_one_out
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import prepare
from recmodels.models.sasrec import SASRec
from recmodels.scale.open_shards import open_shards
from recmodels.scale.preparation import Preparation
from recmodels.scale.prepare import prepare_shards
from recmodels.scale.shards import read_manifest, shard_path

PROTOCOL = Protocol(filter_seen=False)
CORES = {"user_core": 1, "item_core": 2}  # Some users have fewer than three events.


@pytest.fixture(scope="module")
def log():
    return random_log(11)


@pytest.fixture(scope="module")
def folder(log, tmp_path_factory):
    root = tmp_path_factory.mktemp("shards")
    log.to_csv(root / "log.csv", index=False)
    settings = Preparation(**CORES, shards=5)
    prepare_shards(root / "log.csv", root / "out", settings, engine="pandas", verbose=False)
    return root / "out"


@pytest.fixture(scope="module")
def expected(log):
    return prepare(leave_one_out(in_memory(log, 1, 2)), protocol=PROTOCOL)


def test_the_data_are_those_of_the_log_in_memory(folder, expected):
    data = open_shards(folder, PROTOCOL)
    assert isinstance(data.train.items, np.memmap)
    assert data.vocabulary.raw_ids.tolist() == expected.vocabulary.raw_ids.tolist()
    assert data.protocol == expected.protocol
    assert len(data.validation) < len(data.train)  # Else the test says little.
    pairs = [(data.train, expected.train)]
    for name in ("validation", "test"):
        found, known = getattr(data, name), getattr(expected, name)
        pairs.append((found.histories, known.histories))
        for field in ("user_ids", "targets", "trained", "at"):
            assert getattr(found, field).tolist() == getattr(known, field).tolist(), field
            assert getattr(found, field).dtype == getattr(known, field).dtype
        gaps = [each.target_columns["gap_seconds"].tolist() for each in (found, known)]
        assert gaps[0] == gaps[1]
    for found, known in pairs:
        for field in ("users", "items", "offsets"):
            assert getattr(found, field).tolist() == getattr(known, field).tolist(), field


@pytest.mark.slow
def test_training_from_shards_has_the_same_losses(folder, expected):
    losses = []
    for data in (open_shards(folder, PROTOCOL), expected):
        model = SASRec(data.num_items, max_length=10, width=8, num_blocks=1)
        curve = fit(model, data, epochs=2, seed=3, batch_size=8, verbose=False)
        losses.append([(row["loss"], row["score"]) for row in curve.rows])
    assert losses[0] == losses[1]


def test_arrays_are_written_once(folder, monkeypatch):
    open_shards(folder)
    monkeypatch.setattr("recmodels.scale.open_shards._write_arrays", None)
    open_shards(folder)


def test_another_shard_is_refused(folder, tmp_path):
    copy = tmp_path / "copy"
    (copy / "shards").mkdir(parents=True)
    (copy / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    for path in (folder / "shards").iterdir():
        (copy / "shards" / path.name).write_bytes(path.read_bytes())
    first, second = shard_path(copy / "shards", 0), shard_path(copy / "shards", 1)
    first.write_bytes(second.read_bytes())
    with pytest.raises(ValueError, match="not the one that the manifest describes.*shard-00000"):
        open_shards(copy)
    first.unlink()
    with pytest.raises(ValueError, match="missing or damaged.*shard-00000"):
        open_shards(copy)
    (copy / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="repeat that command: its manifest.json is damaged"):
        open_shards(copy)


def copied(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("arrays"))
    return tmp_path / "copy"


def test_a_shard_of_another_schema_is_refused(folder, tmp_path):
    path = shard_path(copied(folder, tmp_path) / "shards", 2)
    table = pq.read_table(path)
    pq.write_table(table.rename_columns(["user", "item", "timestamp"]), path)
    with pytest.raises(ValueError, match="must have the columns user_id, item and timestamp"):
        open_shards(tmp_path / "copy")
    assert not list((tmp_path / "copy" / "arrays").iterdir())


def test_a_manifest_of_another_format_is_refused(folder, tmp_path):
    path = copied(folder, tmp_path) / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(ValueError, match="prepare it again with this version. .*format=9"):
        open_shards(tmp_path / "copy")
    path.unlink()
    with pytest.raises(ValueError, match="must be the result of `recmodels prepare`"):
        open_shards(tmp_path / "copy")


def test_shards_without_users_change_nothing(log, folder, tmp_path):
    log.to_csv(tmp_path / "log.csv", index=False)
    settings = Preparation(**CORES, shards=300)
    prepare_shards(tmp_path / "log.csv", tmp_path / "out", settings, engine="pandas", verbose=False)
    sizes = [shard["users"] for shard in read_manifest(tmp_path / "out")["shards"]]
    assert min(sizes) == 0
    many, few = open_shards(tmp_path / "out"), open_shards(folder)
    assert many.train.users.tolist() == few.train.users.tolist()
    assert many.train.items.tolist() == few.train.items.tolist()


def test_a_full_disk_leaves_no_arrays(folder, tmp_path, monkeypatch):
    def fill_up(path, array):
        raise OSError(errno.ENOSPC, "No space left on device")

    copied(folder, tmp_path)
    monkeypatch.setattr("recmodels.scale.open_shards.np.save", fill_up)
    with pytest.raises(OSError, match="Free some space"):
        open_shards(tmp_path / "copy")
    assert not list((tmp_path / "copy" / "arrays").iterdir())
    monkeypatch.undo()
    assert len(open_shards(tmp_path / "copy").train) == len(open_shards(folder).train)
