"""Prepare a log with DuckDB, on one machine and out of core."""

import errno
import os
from pathlib import Path

from recmodels.data.errors import invalid
from recmodels.extras import import_extra
from recmodels.scale.queries import SqlEngine

MEMORY_SHARE = 0.5  # Of the machine's memory, the most that DuckDB may use before it goes to disk.
SORTED = "SELECT user_id, item, timestamp FROM encoded WHERE shard = {shard} ORDER BY {order}"


class DuckDBEngine(SqlEngine):
    """DuckDB with a database file of its own, so that no step needs to fit into memory.

    Args:
        folder: of temporary files.
        memory: limit such as `"4GB"`; None for half of the machine's memory.
    """

    name = "duckdb"
    struct = "struct_pack(a := user_id, b := timestamp, c := place)"
    shard = (
        "CAST(CAST('0x' || substring(md5(CAST(user_id AS VARCHAR)), 1, 8) AS BIGINT) % {shards} "
        "AS INT)"
    )

    def __init__(self, folder: Path, memory: str | None = None) -> None:
        self.duckdb, self.memory = import_extra("duckdb", "duckdb"), memory
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = self.duckdb.connect(str(folder / "work.duckdb"))
        for setting in (
            f"temp_directory = {_quoted(folder / 'spilled')}",
            "preserve_insertion_order = false",
            "enable_progress_bar = false",
            f"memory_limit = {_quoted(memory or f'{MEMORY_SHARE:.0%}')}",
        ):
            try:
                self._run(f"SET {setting}")
            except self.duckdb.ParserException as error:
                raise invalid("`memory` must be a size such as '4GB'", memory=memory) from error

    def version(self) -> str:
        return self.duckdb.__version__

    def close(self) -> None:
        """Release the database file."""
        self.connection.close()

    def view(self, name: str, paths: list[Path], casts: dict[str, str] | None = None) -> None:
        chosen = ", ".join(
            f"CAST({column} AS {kind}) AS {column}" for column, kind in (casts or {}).items()
        )
        files = ", ".join(map(_quoted, paths))
        self._run(
            f"CREATE OR REPLACE TEMP VIEW {name} AS "
            f"SELECT * {f'REPLACE ({chosen})' if chosen else ''} FROM read_parquet([{files}])"
        )

    def keep(self, name: str, sql: str) -> int:
        return self._run(f"CREATE OR REPLACE TABLE {name} AS {sql}").fetchall()[0][0]

    def write(self, sql: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._run(f"COPY ({sql}) TO {_quoted(folder / 'part-00000.parquet')} (FORMAT parquet)")

    def write_shards(self, sql: str, shards: int, folder: Path) -> None:
        self.keep("encoded", sql)
        for shard in range(shards):
            query = SORTED.format(shard=shard, order="user_id, timestamp, place")
            path = folder / f"shard-{shard:05d}.parquet"
            self._run(f"COPY ({query}) TO {_quoted(path)} (FORMAT parquet)")

    def _run(self, sql: str):
        try:
            return self.connection.execute(sql)
        except self.duckdb.OutOfMemoryException as error:
            must = "`memory` must be larger for this log, or None for half of the machine's memory"
            raise invalid(must, memory=self.memory, error=str(error).split("\n")[0]) from error
        except self.duckdb.IOException as error:
            full = os.strerror(errno.ENOSPC) in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
