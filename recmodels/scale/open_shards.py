"""Train on prepared shards through memory-mapped arrays, which are never all in memory."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recmodels.data.atomic_dir import atomic_dir
from recmodels.data.errors import require
from recmodels.data.files import locked
from recmodels.features.histories import Histories
from recmodels.features.protocol import DEFAULT_PROTOCOL, Protocol
from recmodels.features.sequences import Queries, SequenceData
from recmodels.features.vocabulary import Vocabulary
from recmodels.scale.shards import ShardDigest, Users, read_manifest, read_users, shard_path

ARRAYS = "arrays"
# By purpose: the latest events held out of a user with targets, and whether others have none.
ROLES = {"train": (2, False), "validation": (2, True), "test": (1, True)}


def open_shards(folder: str | Path, protocol: Protocol = DEFAULT_PROTOCOL) -> SequenceData:
    """Open prepared shards as the data of `fit` and `evaluate`, split by leave-one-out.

    The first call copies the shards into flat files, `arrays/`, in the order of the user ids, and
    compares their digests with the manifest. The operating system then reads the pages of those
    files that a batch needs. Several processes on one machine share them. The ids of users and
    items, and the offsets of the users, are in memory.

    Args:
        folder: result of `prepare_shards`.
        protocol: how lists are made and measured.

    Returns:
        The same as `prepare(leave_one_out(log), protocol=protocol)` of the log in memory, so that
        a training has the same losses. Histories carry no columns besides the items.

    Raises:
        ValueError: there is no manifest, or a shard is missing, damaged or not the one that the
            manifest describes.

    Example:
        >>> data = open_shards("prepared")
        >>> fit(SASRec(data.num_items), data, epochs=5)
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    require(
        manifest["counts"]["cases"],
        "`folder` must hold users with three events, which leave-one-out needs",
        folder=folder,
    )
    arrays = folder / ARRAYS / manifest["digest"][:16]
    with locked(arrays):
        if not arrays.is_dir():
            with atomic_dir(arrays) as unfinished:
                _write_arrays(folder, manifest, unfinished)
    return _sequence_data(folder, arrays, manifest, protocol)


def _write_arrays(folder: Path, manifest: dict, out: Path) -> None:
    """Write the items of each role in the order of the user ids, and the targets of the queries."""
    ids, lengths = _scan(folder, manifest)
    order = pc.array_sort_indices(ids).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    pq.write_table(pa.table({"user_id": ids.take(pa.array(order))}), out / "users.parquet")
    roles = {name: _Role.of(name, lengths[order], out) for name in ROLES}
    evaluated = np.flatnonzero(lengths[order] >= 3)
    targets = np.zeros((5, len(evaluated)), np.int64)
    first = 0
    for part in _parts(folder, manifest):
        rows = rank[first : first + len(part.ids)]
        for role in roles.values():
            role.copy(part, rows)
        ends = part.offsets[1:][np.diff(part.offsets) >= 3]
        where = np.searchsorted(evaluated, rows[np.diff(part.offsets) >= 3])
        targets[:2, where] = part.items[ends - 2], part.items[ends - 1]
        for row, back in enumerate((3, 2, 1)):
            targets[2 + row, where] = part.timestamps[ends - back]
        first += len(part.ids)
    for role in roles.values():
        role.items.flush()
    np.save(out / "evaluated.npy", evaluated)
    np.save(out / "targets.npy", targets)


@dataclass(frozen=True)
class _Role:
    """The items of the users that a split gives to a purpose, in a flat file.

    Args:
        kept: oldest events of each user that belong to it, (U,).
        offsets: of all users, those without events included, (U + 1,).
        items: memory-mapped, (N,).
    """

    kept: np.ndarray
    offsets: np.ndarray
    items: np.ndarray

    @classmethod
    def of(cls, name: str, lengths: np.ndarray, out: Path) -> "_Role":
        held_out, only_evaluated = ROLES[name]
        has_targets = lengths >= 3
        kept = np.where(has_targets, lengths - held_out, 0 if only_evaluated else lengths)
        offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        chosen = has_targets | (not only_evaluated)
        np.save(out / f"{name}-offsets.npy", np.append(offsets[:-1][chosen], offsets[-1]))
        size = (int(offsets[-1]),)
        items = np.lib.format.open_memmap(out / f"{name}-items.npy", "w+", np.int32, size)
        return cls(kept, offsets, items)

    def copy(self, part: Users, rows: np.ndarray) -> None:
        """Copy the events of users whose positions by id are `rows`."""
        lengths = np.diff(part.offsets)
        position = np.arange(len(part.items)) - np.repeat(part.offsets[:-1], lengths)
        mine = position < np.repeat(self.kept[rows], lengths)
        self.items[(position + np.repeat(self.offsets[rows], lengths))[mine]] = part.items[mine]


def _parts(folder: Path, manifest: dict):
    for shard in range(len(manifest["shards"])):
        yield from read_users(shard_path(folder / "shards", shard))


def _scan(folder: Path, manifest: dict) -> tuple[pa.Array, np.ndarray]:
    """The ids of the users and their numbers of events in the order of the shards, checked."""
    ids, lengths = [], []
    for shard, told in enumerate(manifest["shards"]):
        path, digest = shard_path(folder / "shards", shard), ShardDigest()
        for part in read_users(path, digest):
            ids.append(pa.array(part.ids))
            lengths.append(np.diff(part.offsets))
        message = "A shard is not the one that the manifest describes: repeat `recmodels prepare`"
        found = digest.hexdigest()
        require(found == told["digest"], message, shard=path, digest=found)
    return pa.concat_arrays(ids), np.concatenate(lengths)


def _sequence_data(folder: Path, arrays: Path, manifest: dict, protocol: Protocol) -> SequenceData:
    users = pq.read_table(arrays / "users.parquet")["user_id"].to_pandas().to_numpy()
    evaluated, targets = (np.load(arrays / f"{name}.npy") for name in ("evaluated", "targets"))
    items = pq.read_table(folder / "shards" / "vocabulary.parquet")["item_id"]
    vocabulary = Vocabulary(items.to_pandas())
    protocol = replace(protocol, split="leave-one-out")
    train = _histories(arrays, "train", users)
    trained = train.item_counts(len(vocabulary)) > 0

    def queries(role: str, number: int) -> Queries:
        last, moment = targets[2 + number].astype(np.float64), targets[3 + number]
        return Queries(
            histories=_histories(arrays, role, users[evaluated]),
            user_ids=evaluated.astype(np.int32),
            targets=targets[number].astype(np.int32),
            trained=trained[targets[number]],
            num_items=len(vocabulary),
            at=moment.astype(np.float64) if protocol.query_time else last,
            protocol=protocol,
            train=train,
            target_columns={"gap_seconds": moment - last},
        )

    return SequenceData(
        vocabulary=vocabulary,
        train=train,
        validation=queries("validation", 0),
        test=queries("test", 1),
        name=manifest["leaks"]["name"],
        protocol=protocol,
    )


def _histories(arrays: Path, role: str, users: np.ndarray) -> Histories:
    items = np.load(arrays / f"{role}-items.npy", mmap_mode="r")
    return Histories(users, items, np.load(arrays / f"{role}-offsets.npy"), {})
