"""Read prepared shards: streamed, checked against their manifest, never all in memory."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recmodels.data.errors import invalid, require

MANIFEST = "manifest.json"
FORMAT = 1  # Of the folder; a later version of the package may write another.
ROWS = 1_000_000  # Read at once.


@dataclass(frozen=True)
class Users:
    """The events of some users of a shard.

    Args:
        ids: raw ids, (U,).
        offsets: of each user, (U + 1,).
        items: item ids, int32, (N,).
        timestamps: UTC seconds, int64, (N,).
    """

    ids: np.ndarray
    offsets: np.ndarray
    items: np.ndarray
    timestamps: np.ndarray


def read_manifest(folder: Path) -> dict:
    """Read what `prepare_shards` wrote last.

    Raises:
        ValueError: there is none, or that of another format.
    """
    path = Path(folder) / MANIFEST
    must = "`folder` must be the result of `recmodels prepare`; repeat that command"
    require(path.is_file(), must, folder=folder)
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise invalid(f"{must}: its {MANIFEST} is damaged", folder=folder, error=error) from error
    must = f"`folder` must have format {FORMAT}: prepare it again with this version"
    require(manifest.get("format") == FORMAT, must, folder=folder, format=manifest.get("format"))
    return manifest


def shard_path(folder: Path, shard: int) -> Path:
    """The file of a shard."""
    return folder / f"shard-{shard:05d}.parquet"


def read_users(path: Path, digest: "ShardDigest | None" = None) -> Iterator[Users]:
    """Read a shard in pieces that hold whole users.

    Args:
        path: of the shard.
        digest: is updated with every row.

    Raises:
        ValueError: the file is missing, cut short or of another schema.
    """
    rest = None
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            must = f"`{path.name}` must have the columns user_id, item and timestamp"
            require(names == ["user_id", "item", "timestamp"], must, columns=names)
            for batch in file.iter_batches(ROWS):
                table = pa.Table.from_batches([batch])
                if digest is not None:
                    digest.update(table)
                table = table if rest is None else pa.concat_tables([rest, table])
                whole, rest = _cut_at_last_user(table)
                if len(whole):
                    yield _users(whole)
    except (OSError, pa.ArrowException) as error:
        raise invalid(
            "A shard is missing or damaged: repeat `recmodels prepare`, which makes it again",
            shard=path,
            error=error,
        ) from error
    if rest is not None and len(rest):
        yield _users(rest)


def _cut_at_last_user(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    starts = _starts(table)
    cut = int(starts[-1]) if len(starts) else 0
    return table.slice(0, cut), table.slice(cut)


def _starts(table: pa.Table) -> np.ndarray:
    ids = table["user_id"]
    if not len(ids):
        return np.empty(0, np.int64)
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy()
    return np.flatnonzero(np.concatenate([[True], changes]))


def _users(table: pa.Table) -> Users:
    starts = _starts(table)
    return Users(
        ids=table["user_id"].take(pa.array(starts)).to_numpy(),
        offsets=np.append(starts, len(table)).astype(np.int64),
        items=table["item"].to_numpy(),
        timestamps=table["timestamp"].to_numpy(),
    )


class ShardDigest:
    """Digest of the rows of a shard in their order, whatever wrote the file and in what pieces."""

    def __init__(self) -> None:
        self.columns = [hashlib.sha256() for _ in range(4)]

    def update(self, table: pa.Table) -> None:
        """Add rows."""
        ids = table["user_id"].cast(pa.large_string()).combine_chunks()
        ids = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
        _, offsets, text = ids.buffers()
        offsets = np.frombuffer(offsets, np.int64)[ids.offset : ids.offset + len(ids) + 1]
        parts = (
            np.frombuffer(text or b"", np.uint8)[offsets[0] : offsets[-1]] if len(ids) else b"",
            np.diff(offsets).astype("<i4"),
            table["item"].to_numpy().astype("<i4"),
            table["timestamp"].to_numpy().astype("<i8"),
        )
        for column, part in zip(self.columns, parts, strict=True):
            column.update(np.ascontiguousarray(part) if len(part) else b"")

    def hexdigest(self) -> str:
        """The digest so far."""
        both = b"".join(column.digest() for column in self.columns)
        return hashlib.sha256(both).hexdigest()
