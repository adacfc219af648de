"""List the best items of all users of prepared shards, by several processes if wanted."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recmodels.data.errors import require
from recmodels.data.files import write_json, written_whole
from recmodels.evaluation.ranking import ask
from recmodels.features.checks import check_whole
from recmodels.features.histories import Histories
from recmodels.models.capabilities import columns_of
from recmodels.recommend.candidates import CHUNK_ROWS, Scored, catalogue_vectors, in_chunks
from recmodels.recommend.recommender import Recommender
from recmodels.scale.shards import ShardDigest, Users, read_manifest, read_users, shard_path
from recmodels.scale.top_items import best_items

FINISHED = "scores.json"
IDENTITY = b"recmodels"  # Name of the metadata of a file.


def score_shards(
    recommender: Recommender,
    folder: str | Path,
    out: str | Path,
    k: int = 10,
    *,
    part: tuple[int, int] = (0, 1),
    identity: str = "",
    verbose: bool = True,
) -> None:
    """Write the exact best k items of every user, one Parquet file per shard.

    Users whose history has no item of the catalogue get the list of the recommender's fallback.
    A file is written as a whole or not at all. After an interruption the same call continues with
    the files that are missing or belong to another request.

    Args:
        recommender: a model that reads only items, with its vocabulary.
        folder: result of `prepare_shards`; its items are looked up by their raw ids.
        out: folder of the result: `shard-00000.parquet` and so on, with the columns `user_id`,
            `items` (raw ids, best first) and `scores`.
        k: length of the lists; they are shorter where fewer items are left.
        part: `(r, n)` for every n-th shard from r on, so that n processes share the work.
        identity: what the files depend on besides the shards and k, such as a digest of the model.
        verbose: print one line per shard to standard error.

    Raises:
        ValueError: the recommender has rules or reads columns, which bulk scoring does not, or a
            shard is missing, damaged or not the one that the manifest describes.
        OSError: writing failed; finished files are kept.

    Example:
        >>> score_shards(Recommender.load("bundle"), "prepared", "lists", k=20)
    """
    check_whole("k", k)
    _check_recommender(recommender)
    folder, out = Path(folder), Path(out)
    manifest = read_manifest(folder)
    seen = "left out" if recommender.filter_seen else "kept"
    request = {"shards_digest": manifest["digest"], "k": k, "seen": seen, "identity": identity}
    scorer = _ShardScorer.of(recommender, folder, k)
    for shard in range(part[0], len(manifest["shards"]), part[1]):
        path = shard_path(out, shard)
        if _request_of(path) == request:
            continue
        digest = ShardDigest()
        with written_whole(path) as unfinished:
            schema = scorer.schema.with_metadata({IDENTITY: json.dumps(request)})
            with pq.ParquetWriter(unfinished, schema) as writer:
                for users in read_users(shard_path(folder / "shards", shard), digest):
                    writer.write_table(scorer.lists(users))
            message = "A shard is not the one that the manifest describes: repeat that preparation"
            same = digest.hexdigest() == manifest["shards"][shard]["digest"]
            require(same, message, shard=shard_path(folder / "shards", shard))
        if verbose:
            users = manifest["shards"][shard]["users"]
            print(f"  shard {shard}: {users:,} users", file=sys.stderr)


def finish_scores(folder: str | Path, out: str | Path) -> dict:
    """Check that every shard has its file, write `scores.json` and return its content.

    Raises:
        ValueError: a file is missing or belongs to another request than the others.
    """
    manifest, out = read_manifest(Path(folder)), Path(out)
    paths = [shard_path(out, shard) for shard in range(len(manifest["shards"]))]
    requests = [_request_of(path) for path in paths]
    fits = [r == requests[0] and r["shards_digest"] == manifest["digest"] for r in requests if r]
    must = "`out` must have a file of one scoring for every shard: repeat `recmodels score`"
    require(sum(fits) == len(paths), must, out=out, shards=len(paths), files=sum(fits))
    users = sum(pq.read_metadata(path).num_rows for path in paths)
    content = {**requests[0], "users": users, "shards": len(paths)}
    write_json(out / FINISHED, content)
    return content


def _request_of(path: Path) -> dict | None:
    """What a file of lists says of its request; None where it cannot be used."""
    try:
        return json.loads(pq.read_metadata(path).metadata[IDENTITY])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _check_recommender(recommender: Recommender) -> None:
    columns = columns_of(recommender.scorer)
    must = "`recommender` must read only items, because shards hold no other columns"
    require(not columns, must, columns=columns)
    must = "`recommender` must have no rules, which bulk scoring does not apply"
    require(not recommender.rules, must, rules=recommender.rules)


@dataclass(frozen=True)
class _Requests:
    """What `ask` reads: users are those of the shards, not of the training."""

    histories: Histories
    user_ids: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class _ShardScorer:
    """Lists for the users of shards.

    Args:
        recommender: see `score_shards`.
        codes: item id of the model for each item id of the shards, int32 (items + 1,).
        k: length of the lists.
        vectors: of the model's items, (V, D), or None.
        schema: of the result.
    """

    recommender: Recommender
    codes: np.ndarray
    k: int
    vectors: np.ndarray | None
    schema: pa.Schema

    @classmethod
    def of(cls, recommender: Recommender, folder: Path, k: int) -> "_ShardScorer":
        known = pq.read_table(folder / "shards" / "vocabulary.parquet")["item_id"].to_pandas()
        codes = np.append(0, recommender.vocabulary.encode(known)).astype(np.int32)
        raw = pa.array(recommender.vocabulary.raw_ids).type
        user = pq.read_schema(shard_path(folder / "shards", 0)).field("user_id").type
        lists = [("items", pa.list_(raw)), ("scores", pa.list_(pa.float32()))]
        schema = pa.schema([("user_id", user), *lists])
        return cls(recommender, codes, k, catalogue_vectors(recommender.scorer), schema)

    def lists(self, users: Users) -> pa.Table:
        """The rows of the result for some users, in their order."""
        items = [None] * len(users.ids)
        scores = [None] * len(users.ids)
        for rows, chosen, values in self._chunks(users):
            for row, item_ids, value in zip(rows, chosen, values, strict=True):
                items[row] = self.recommender.vocabulary.decode(item_ids)
                scores[row] = value
        columns = {"user_id": users.ids, "items": items, "scores": scores}
        arrays = [pa.array(columns[field.name], field.type) for field in self.schema]
        return pa.table(arrays, schema=self.schema)

    def _chunks(self, users: Users) -> Iterator[tuple[np.ndarray, list, list]]:
        """Users, item ids and scores; histories of similar length together, some hundred each."""
        histories = Histories(users.ids, self.codes[users.items], users.offsets, {})
        last = users.timestamps[users.offsets[1:] - 1].astype(np.float64)
        requests = _Requests(histories, np.full(len(histories), -1, np.int32), last)
        num_items = len(self.recommender.vocabulary)
        known = np.append(0, np.cumsum(histories.items <= num_items))
        empty = known[users.offsets[1:]] == known[users.offsets[:-1]]
        must = "`recommender` must have a fallback for users without an item of the catalogue"
        fallback = self.recommender.fallback
        require(fallback is not None or not empty.any(), must, users=int(empty.sum()))
        for is_empty, rows in in_chunks(histories.lengths, empty, CHUNK_ROWS):
            scorer = fallback if is_empty else self.recommender.scorer
            inputs = ask(scorer, requests, rows)
            hidden = histories.select(rows) if self.recommender.filter_seen else None
            yield rows, *self._best(scorer, inputs, hidden)

    def _best(self, scorer, inputs: dict, hidden: Histories | None) -> tuple[list, list]:
        if scorer is self.recommender.scorer and self.vectors is not None:
            return best_items(scorer.query_vectors(inputs), self.vectors, self.k, hidden)
        allowed = np.append(False, np.ones(len(self.recommender.vocabulary), bool))
        return Scored(scorer, inputs, allowed, hidden).best(self.k)
