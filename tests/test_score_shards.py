"""Bulk scoring: the lists of the recommender for all users of shards, whole files or nothing."""

import errno
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from test_scale_prepare import random_log
from typer.testing import CliRunner

from recmodels.cli import app
from recmodels.evaluation.ranking import top_items
from recmodels.features.histories import Histories
from recmodels.features.protocol import Protocol
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular
from recmodels.models.sasrec import SASRec
from recmodels.recommend.recommender import Recommender
from recmodels.recommend.rules import AtMost
from recmodels.scale import score
from recmodels.scale import top_items as blocks
from recmodels.scale.open_shards import open_shards
from recmodels.scale.preparation import Preparation
from recmodels.scale.prepare import prepare_shards
from recmodels.scale.score import finish_scores, score_shards
from recmodels.scale.shards import read_users, shard_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("score")
    random_log(3).to_csv(root / "log.csv", index=False)
    settings = Preparation(user_core=2, item_core=2, shards=3)
    prepare_shards(root / "log.csv", root / "shards", settings, engine="pandas", verbose=False)
    return root / "shards"


@pytest.fixture(scope="module")
def data(folder):
    return open_shards(folder, Protocol(filter_seen=True))


def lists_of(out):
    tables = [pq.read_table(path) for path in sorted(out.glob("shard-*.parquet"))]
    rows = [row for table in tables for row in table.to_pylist()]
    return {row["user_id"]: (row["items"], row["scores"]) for row in rows}


def expected(recommender, folder, k):
    vocabulary = pq.read_table(folder / "shards" / "vocabulary.parquet")["item_id"].to_pylist()
    found = {}
    for shard in range(3):
        for users in read_users(shard_path(folder / "shards", shard)):
            histories = np.split(users.items, users.offsets[1:-1])
            raw = [[vocabulary[item - 1] for item in history] for history in histories]
            found |= dict(zip(users.ids, recommender.recommend_many(raw, k), strict=True))
    return found


@pytest.mark.parametrize("kind", ["vectors", "scores"])
def test_lists_are_those_of_the_recommender(folder, data, tmp_path, kind):
    if kind == "vectors":
        model = SASRec(data.num_items, max_length=5, width=8, num_blocks=1)
        model.build()
    else:
        model = Markov().fit(data.train, data.num_items)
    recommender = Recommender(model, data, histories=data.train)
    for rank in range(2):  # As two processes do.
        score_shards(recommender, folder, tmp_path, 4, part=(rank, 2), verbose=False)
    told = finish_scores(folder, tmp_path)
    found, known = lists_of(tmp_path), expected(recommender, folder, 4)
    assert found.keys() == known.keys() and told["users"] == len(known)
    for user, (items, scores) in found.items():
        assert items == known[user].items
        np.testing.assert_allclose(scores, known[user].scores, rtol=1e-5, atol=1e-7)


def test_another_vocabulary_is_read_by_raw_ids_and_unknown_users_get_the_fallback(
    folder, data, tmp_path
):
    some = data.vocabulary.raw_ids[::-1][:5]
    histories = Histories(np.array(["x"]), np.array([1, 2, 2], np.int32), np.array([0, 3]), {})
    popular = MostPopular().fit(histories, 5)
    markov = Markov().fit(histories, 5)
    recommender = Recommender(markov, Vocabulary(some), fallback=popular, filter_seen=False)
    score_shards(recommender, folder, tmp_path, 2, verbose=False)
    known = expected(recommender, folder, 2)
    assert {user: items for user, (items, _) in lists_of(tmp_path).items()} == {
        user: answer.items for user, answer in known.items()
    }


@pytest.mark.parametrize("block", [1, 3, 7, 100])
def test_blocks_of_the_catalogue_give_the_lists_of_the_whole(monkeypatch, block):
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", block)
    rng = np.random.default_rng(block)
    states, vectors = rng.integers(-2, 3, (6, 2)) * 1.0, rng.integers(-2, 3, (20, 2)) * 1.0
    items = rng.integers(1, 22, 30).astype(np.int32)  # 21 is the unknown item.
    hidden = Histories(np.arange(6), items, np.arange(0, 31, 5), {})
    scores = np.concatenate([np.full((6, 1), -np.inf), states @ vectors.T], axis=1)
    for row in range(6):
        own = items[row * 5 : row * 5 + 5]
        scores[row, own[own < 21]] = -np.inf
    for k in (1, 5, 20):
        found, values = blocks.best_items(states, vectors, k, hidden)
        whole = [row[row > 0] for row in top_items(scores, k)]
        assert [row.tolist() for row in found] == [row.tolist() for row in whole]
        for row, best in enumerate(found):
            assert values[row].tolist() == scores[row, best].tolist()


def test_finished_files_are_kept_and_those_of_another_request_are_made_again(
    folder, data, tmp_path, monkeypatch
):
    recommender = Recommender(Markov().fit(data.train, data.num_items), data)
    score_shards(recommender, folder, tmp_path, 3, verbose=False)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    first = lists_of(tmp_path)
    shard_path(tmp_path, 1).unlink()
    with pytest.raises(ValueError, match="`out` must have a file of one scoring for every shard"):
        finish_scores(folder, tmp_path)
    score_shards(recommender, folder, tmp_path, 3, verbose=False)
    assert lists_of(tmp_path) == first
    changed = {p.name for p in tmp_path.glob("*.parquet") if p.stat().st_mtime_ns != times[p.name]}
    assert changed == {"shard-00001.parquet"}
    score_shards(recommender, folder, tmp_path, 2, part=(0, 3), verbose=False)
    with pytest.raises(ValueError, match="shards=3, files=1"):
        finish_scores(folder, tmp_path)


def test_a_full_disk_leaves_whole_files(folder, data, tmp_path, monkeypatch):
    recommender = Recommender(Markov().fit(data.train, data.num_items), data)
    write, written = score.pq.ParquetWriter.write_table, []

    def fill_up(self, table, *args):
        written.append(table)
        if len(written) == 3:  # The first of the second shard.
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, table, *args)

    monkeypatch.setattr(score.pq.ParquetWriter, "write_table", fill_up)
    with pytest.raises(OSError, match="No space left"):
        score_shards(recommender, folder, tmp_path, verbose=False)
    assert [path.name for path in tmp_path.iterdir()] == ["shard-00000.parquet"]
    score_shards(recommender, folder, tmp_path, verbose=False)
    assert finish_scores(folder, tmp_path)["shards"] == 3 and len(written) == 7


def test_a_shard_that_is_not_that_of_the_manifest_is_refused(folder, data, tmp_path):
    recommender = Recommender(Markov().fit(data.train, data.num_items), data)
    shutil.copytree(folder, tmp_path / "copy")
    shards = tmp_path / "copy" / "shards"
    shutil.copy(shard_path(shards, 0), shard_path(shards, 1))
    with pytest.raises(ValueError, match="not the one that the manifest describes.*shard-00001"):
        score_shards(recommender, tmp_path / "copy", tmp_path / "out", verbose=False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shard-00000.parquet"]


def test_rules_are_refused(folder, data, tmp_path):
    items = data.vocabulary.raw_ids
    table = pd.DataFrame({"title": items.astype(str)}, index=items)
    table["category"] = "all"
    markov = Markov().fit(data.train, data.num_items)
    recommender = Recommender(markov, data, items=table, rules=[AtMost(2)])
    with pytest.raises(ValueError, match="must have no rules"):
        score_shards(recommender, folder, tmp_path, verbose=False)
    with pytest.raises(ValueError, match="`k` must be"):
        score_shards(Recommender(markov, data), folder, tmp_path, 0, verbose=False)


@pytest.mark.parametrize("given", ["missing", "shards"])
def test_a_folder_that_is_no_bundle_is_named(folder, tmp_path, given):
    bundle = tmp_path / "missing" if given == "missing" else folder
    arguments = ["score", str(bundle), str(folder), str(tmp_path / "out")]
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, ValueError | FileNotFoundError)
    assert str(error).startswith("`folder` ")
    assert f"Received: folder={bundle}" in str(error).replace("'", "")
