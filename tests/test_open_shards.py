"""Shards open as the data of the log in memory, and train to the same losses."""

import numpy as np
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
from recmodels.scale.shards import shard_path

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
