"""Prepare a log of any size in restartable steps, with one of three engines."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recmodels.data.atomic_dir import atomic_dir, check_files
from recmodels.data.errors import invalid, require
from recmodels.data.files import locked, write_json
from recmodels.scale.duckdb_engine import DuckDBEngine
from recmodels.scale.measure import measure_shards
from recmodels.scale.pandas_engine import PandasEngine
from recmodels.scale.preparation import DUCKDB_FROM, ENGINES, SHARD_HASH, Preparation
from recmodels.scale.shards import FORMAT, MANIFEST, read_manifest, shard_path
from recmodels.scale.spark_engine import SparkEngine
from recmodels.scale.staging import stage

STEP = "step.json"


def prepare_shards(
    source: str | Path,
    out: str | Path,
    preparation: Preparation | None = None,
    *,
    engine: str | None = None,
    memory: str | None = None,
    verbose: bool = True,
) -> dict:
    """Clean a log, keep its k-core, sort it and write the sequences of all users in shards.

    The steps are: read the source in parts; drop what lacks a user, an item or a time; drop
    duplicates; keep the iterative k-core; sort stably by user, time and row of the source; number
    the items in the order of their first occurrence; write the shards; measure counts, digests and
    leaks of the leave-one-out split. A step writes a whole folder or nothing. After an
    interruption the same call continues with the step that was not finished.

    Args:
        source: a file, a folder or a pattern of CSV, TSV, JSON lines or Parquet files.
        out: folder of the result: `shards/` with `shard-00000.parquet` and so on (`user_id`,
            `item` int32, `timestamp` int64), `vocabulary.parquet` and `manifest.json`; the steps
            before are kept in `steps/` until the result is whole.
        preparation: settings; by default those of `Preparation()`.
        engine: `"pandas"`, `"duckdb"` or `"spark"`, with equal results; by default DuckDB from
            a million rows on.
        memory: limit of DuckDB, such as `"4GB"`; by default half of the machine's.
        verbose: print one line per step to standard error.

    Returns:
        The manifest.

    Raises:
        ValueError: a file, a column or a value of the source cannot be used, or nothing is left.
        OSError: writing failed, for want of space perhaps; what was finished is kept.

    Example:
        >>> manifest = prepare_shards("log/*.csv.gz", "prepared", Preparation(user="visitor"))
        >>> manifest["counts"]
        {'events': 91212, 'users': 7012, 'items': 3310, 'cases': 7012}
    """
    preparation, out = preparation or Preparation(), Path(out)
    must = f"`engine` must be one of {ENGINES}, or None to choose by size"
    require(engine in (None, *ENGINES), must, engine=engine)
    require(not out.is_file(), "`out` must be a folder, new or of this preparation", out=out)
    with locked(out):
        try:
            return _Steps(source, out, preparation, verbose).run(engine, memory)
        finally:
            for folder in (out / "steps", out):
                with suppress(OSError):  # It is missing or not empty.
                    folder.rmdir()


class _Steps:
    """The steps of one preparation; see `prepare_shards`."""

    def __init__(self, source, out: Path, preparation: Preparation, verbose: bool) -> None:
        self.source, self.out, self.preparation = source, out, preparation
        self.work, self.verbose, self.seconds = out / "steps", verbose, {}
        self.identity = {"source": str(source), **preparation.to_dict()}

    def say(self, text: str) -> None:
        if self.verbose:
            print(f"  {text}", file=sys.stderr)

    def run(self, engine_name: str | None, memory: str | None) -> dict:
        self.work.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        parts, staged = stage(self.source, self.preparation, self.work, self.say)
        if not staged["rows"]:
            for part in parts:  # Nothing is left behind that a later call could continue.
                part.unlink()
            raise invalid("`source` must hold events", source=self.source)
        self.seconds["read"] = round(time.perf_counter() - began, 2)
        self.identity["files"] = staged["origins"]
        finished = self._finished()
        if finished is not None:
            return finished
        chosen = engine_name or ("duckdb" if staged["rows"] >= DUCKDB_FROM else "pandas")
        engine = self._engine(chosen, memory)
        try:
            return self._run(engine, parts, staged)
        finally:
            engine.close()
            shutil.rmtree(self.work / "engine", ignore_errors=True)

    def _engine(self, name: str, memory: str | None):
        if name == "duckdb":
            shutil.rmtree(self.work / "engine", ignore_errors=True)  # Of a process that was killed.
            return DuckDBEngine(self.work / "engine", memory)
        return SparkEngine() if name == "spark" else PandasEngine()

    def _finished(self) -> dict | None:
        """The manifest, if the result is there and belongs to this source and these settings."""
        path = self.out / MANIFEST
        if not path.is_file() or not (self.out / "shards").is_dir():
            return None
        manifest = read_manifest(self.out)
        return manifest if manifest["identity"] == json.loads(json.dumps(self.identity)) else None

    def _run(self, engine, parts: list[Path], staged: dict) -> dict:
        settings, work = self.preparation, self.work
        cores = settings.user_core, settings.item_core
        clean = self._step(
            "clean", lambda folder: engine.clean(parts, staged["integers"], folder), work
        )
        core = self._step("core", lambda folder: engine.core(clean, *cores, folder, self.say), work)
        shards = self._step("shards", lambda folder: self._write_shards(engine, core, folder))
        began = time.perf_counter()
        measured = measure_shards(shards, settings.shards, Path(str(self.source)).stem, self.say)
        self.seconds["measure"] = round(time.perf_counter() - began, 2)
        manifest = {
            "format": FORMAT,
            "identity": self.identity,
            "hash": SHARD_HASH,
            "schema": _schema(shards),
            "cleaning": self._cleaning(staged, _rows(clean), _rows(core)),
            **measured,
            "made_by": {
                "engine": engine.name, "version": engine.version(), "pyarrow": pa.__version__,
                "seconds": self.seconds,
            },
        }  # fmt: skip
        write_json(self.out / MANIFEST, manifest, sort=False)
        for name in ("clean", "core"):
            shutil.rmtree(work / name, ignore_errors=True)
        return manifest

    def _step(self, name: str, write: Callable[[Path], None], parent: Path | None = None) -> Path:
        """Write the folder of a step as a whole, unless it is there and of the same preparation."""
        folder = (parent or self.out) / name
        if self._is_there(folder):
            self.say(f"{name}: was finished before")
            return folder
        if folder.is_dir():
            shutil.rmtree(folder)
        began = time.perf_counter()
        with atomic_dir(folder) as unfinished:
            write(unfinished)
            write_json(unfinished / STEP, self.identity)
        self.seconds[name] = round(time.perf_counter() - began, 2)
        self.say(f"{name}: {self.seconds[name]:.1f} s")
        return folder

    def _is_there(self, folder: Path) -> bool:
        try:
            content = json.loads((folder / STEP).read_text("utf-8"))
            check_files(folder)
        except (OSError, ValueError):
            return False
        return content == json.loads(json.dumps(self.identity))

    def _write_shards(self, engine, core: Path, folder: Path) -> None:
        engine.shards(core, self.preparation.shards, folder)
        parts = sorted((folder / "vocabulary").glob("*.parquet"))
        table = pa.concat_tables([pq.read_table(part) for part in parts])
        item = table["item"].cast(pa.int32())
        pq.write_table(
            pa.table({"item_id": table["item_id"], "item": item}), folder / "vocabulary.parquet"
        )
        shutil.rmtree(folder / "vocabulary")
        kind = pq.read_schema(next(core.glob("*.parquet")))
        kind = kind.field("user_id" if "user_id" in kind.names else "user").type
        schema = pa.schema([("user_id", kind), ("item", pa.int32()), ("timestamp", pa.int64())])
        for shard in range(self.preparation.shards):
            if not shard_path(folder, shard).exists():  # No user has this hash.
                pq.write_table(schema.empty_table(), shard_path(folder, shard))

    def _cleaning(self, staged: dict, clean: int, core: int) -> list[dict]:
        settings, complete = self.preparation, staged["rows"] - staged["missing"]
        rules = (
            ("drop_missing", staged["rows"], complete, "rows without user, item or timestamp"),
            ("drop_exact_duplicates", complete, clean, "equal in every column to an earlier"),
            (
                "k_core", clean, core,
                f"users with fewer than {settings.user_core} or items with fewer than "
                f"{settings.item_core} events",
            ),
        )  # fmt: skip
        names = ("rule", "rows_in", "rows_out", "why")
        return [dict(zip(names, rule, strict=True)) for rule in rules]


def _rows(folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def _schema(shards: Path) -> dict[str, str]:
    schema = pq.read_schema(shard_path(shards, 0))
    return {name: str(schema.field(name).type).replace("large_", "") for name in schema.names}
