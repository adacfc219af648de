"""Read source files in parts of one schema, so that every engine begins with the same rows.

Each source file becomes one Parquet file with the columns of `PART`. `place` gives the order of
the rows of all files: the number of the file times 2**40, plus the row in it.
"""

import glob
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq

from recmodels.data.errors import invalid, require
from recmodels.data.files import written_whole
from recmodels.data.interactions import LATEST_TIMESTAMP
from recmodels.scale.preparation import UNITS, Preparation

SUFFIXES = {".csv": ",", ".tsv": "\t", ".jsonl": None, ".ndjson": None, ".parquet": None}
COMPRESSED = (".gz", ".zst", ".bz2")
PLACES = 2**40  # Rows of one file at most.
BLOCK_BYTES = 2**24
LINES = 200_000  # Of JSON that are read at once.
INTEGER = r"^(0|[1-9][0-9]{0,17})$"


def source_files(source: str | Path) -> list[Path]:
    """Return the files of a source in the order of their names.

    Args:
        source: a file, a folder whose files are taken at every depth, or a pattern such as
            `"log/2024-*.csv.gz"`.

    Raises:
        ValueError: there is no file, or none of a known form.
    """
    source = str(source)
    found = [Path(source)]
    if Path(source).is_dir():
        found = [path for path in Path(source).rglob("*") if _suffix(path) in SUFFIXES]
    elif not found[0].is_file():
        found = [Path(name) for name in glob.glob(source, recursive=True) if Path(name).is_file()]
    must = f"`source` must be a file, a folder or a pattern of files that end in {list(SUFFIXES)}"
    fits = found and all(_suffix(path) in SUFFIXES for path in found)
    require(fits, must, source=source, files=[path.name for path in found][:5])
    return sorted(path for path in found if not path.name.startswith((".", "_")))


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def stage(
    source: str | Path, preparation: Preparation, folder: Path, say: Callable[[str], None]
) -> tuple[list[Path], dict]:
    """Write one part per source file, unless it is there already and its file has not changed.

    Args:
        source: see `source_files`.
        preparation: names the columns.
        folder: gets the parts.
        say: receives a line of progress.

    Returns:
        The parts, and `rows`, `missing` (rows without a user, an item or a time, which are left
        out), `origins` (path, size and time of change of each file) and `integers` (of `user_id`
        and `item_id`, whether all ids are whole numbers).

    Raises:
        ValueError: a column is missing or holds values that cannot be used.
    """
    root = Path(source) if Path(source).is_dir() else Path(source).parent
    parts, counts = [], {"rows": 0, "missing": 0, "origins": []}
    counts["integers"] = {"user_id": True, "item_id": True}
    files = source_files(source)
    for number, path in enumerate(files):
        part = folder / f"part-{number:05d}.parquet"
        status = path.stat()
        origin = [str(path), status.st_size, status.st_mtime_ns, preparation.to_dict()]
        found = _part_counts(part)
        if found is None or found["origin"] != origin:
            found = _write_part(path, root, number, preparation, part, origin)
        say(f"read {number + 1} of {len(files)} files: {path.name}, {found['rows']:,} rows")
        parts.append(part)
        counts["origins"].append(origin[:3])
        counts["rows"] += found["rows"]
        counts["missing"] += found["missing"]
        for name, whole in found["integers"].items():
            counts["integers"][name] &= whole
    for left in set(folder.glob("part-*.parquet")) - set(parts):
        left.unlink()  # Of a source that had more files.
    return parts, counts


def _part_counts(part: Path) -> dict | None:
    """What a part that was written earlier says of itself; None where it cannot be used."""
    try:
        return json.loads(pq.read_metadata(part).metadata[b"recmodels"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _write_part(
    path: Path, root: Path, number: int, preparation: Preparation, part: Path, origin: list
) -> dict:
    counts = {"origin": origin, "rows": 0, "missing": 0}
    counts["integers"] = {"user_id": True, "item_id": True}
    with written_whole(part) as unfinished:
        with pq.ParquetWriter(unfinished, _part_schema(path, root, preparation)) as writer:
            try:
                for batch in _batches(path, root, preparation):
                    writer.write_table(_converted(batch, number, counts, preparation.unit))
            except pa.ArrowException as error:
                raise invalid(
                    "`source` has a file that cannot be read: correct it, save it as UTF-8, or "
                    "leave it out",
                    file=path,
                    error=error,
                ) from error
            writer.add_key_value_metadata({"recmodels": json.dumps(counts)})
    return counts


def _columns(preparation: Preparation) -> list[str]:
    return [preparation.user, preparation.item, preparation.timestamp]


def _part_schema(path: Path, root: Path, preparation: Preparation) -> pa.Schema:
    """Ids of Parquet files stay integers; those of text are text until all files were read."""
    types = [pa.string(), pa.string()]
    if _suffix(path) == ".parquet":
        schema = _dataset(path, root).schema
        _check_columns(path, schema.names, preparation)
        types = [
            pa.int64() if pa.types.is_integer(schema.field(name).type) else pa.string()
            for name in _columns(preparation)[:2]
        ]
    names = ("user_id", "item_id", "timestamp", "place")
    return pa.schema(list(zip(names, [*types, pa.int64(), pa.int64()], strict=True)))


def _dataset(path: Path, root: Path) -> pa.dataset.Dataset:
    return pa.dataset.dataset(
        path, format="parquet", partitioning="hive", partition_base_dir=str(root)
    )


def _check_columns(path: Path, names: list[str], preparation: Preparation) -> None:
    missing = sorted(set(_columns(preparation)) - set(names))
    must = (
        f"`{path.name}` lacks the columns {missing}: name `user`, `item` and `timestamp`. In "
        ".csv files commas separate the columns, in .tsv files tabs"
    )
    require(not missing, must, columns=names)


def _batches(path: Path, root: Path, preparation: Preparation) -> Iterator[pa.Table]:
    """The three columns of a file in pieces, in the order of its rows."""
    columns, suffix = _columns(preparation), _suffix(path)
    if suffix == ".parquet":
        for batch in _dataset(path, root).to_batches(columns=columns):
            yield pa.table(batch.columns, names=["user_id", "item_id", "timestamp"])
    elif SUFFIXES[suffix] is None:
        yield from _json_batches(path, preparation)
    else:
        reader = pa.csv.open_csv(
            path,
            pa.csv.ReadOptions(block_size=BLOCK_BYTES),
            pa.csv.ParseOptions(delimiter=SUFFIXES[suffix], newlines_in_values=True),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        _check_columns(path, reader.schema.names, preparation)
        for batch in reader:
            chosen = [batch.column(name) for name in columns]
            yield pa.table(chosen, names=["user_id", "item_id", "timestamp"])


def _json_batches(path: Path, preparation: Preparation) -> Iterator[pa.Table]:
    with pa.input_stream(path) as stream:
        lines = (line for line in map(bytes, _lines(stream)) if line.strip())
        while block := list(islice(lines, LINES)):
            try:
                rows = [json.loads(line) for line in block]
                values = [[_text(row.get(name)) for row in rows] for name in _columns(preparation)]
            except (ValueError, AttributeError, TypeError) as error:
                message = f"`{path.name}` must hold one JSON object of plain values per line"
                raise invalid(message, error=error) from error
            yield pa.table(
                [pa.array(column, pa.string()) for column in values],
                names=["user_id", "item_id", "timestamp"],
            )


def _lines(stream: pa.NativeFile) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def _text(value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is neither a text nor a whole number")
    return str(value)


def _converted(batch: pa.Table, number: int, counts: dict, unit: str) -> pa.Table:
    """A piece in the schema of a part, without the rows that lack something."""
    columns = {name: _ids(batch[name]) for name in ("user_id", "item_id")}
    columns["timestamp"] = _seconds(batch["timestamp"], unit)
    begin = number * PLACES + counts["rows"]
    columns["place"] = pa.chunked_array([pa.array(range(begin, begin + len(batch)), pa.int64())])
    table = pa.table(columns)
    kept = table.drop_null()
    counts["rows"] += len(table)
    counts["missing"] += len(table) - len(kept)
    for name, whole in counts["integers"].items():
        counts["integers"][name] = whole and _are_whole(kept[name])
    return kept


def _ids(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids as int64 or as text without blanks at its ends; the empty text is missing."""
    if pa.types.is_dictionary(ids.type):
        ids = ids.cast(ids.type.value_type)
    if pa.types.is_integer(ids.type):
        ids = ids.cast(pa.int64())
        negative = pc.sum(pc.less(ids, 0)).as_py()
        must = "`source` must have ids from 0 up, or text: turn signed numbers into text"
        require(not negative, must, negative_ids=negative)
        return ids
    fits = pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)
    require(fits, "`source` must have ids that are whole numbers or text", type=str(ids.type))
    trimmed = pc.utf8_trim_whitespace(ids.cast(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _are_whole(ids: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(ids.type):
        return True
    return all(
        pc.all(pc.match_substring_regex(chunk.dictionary_encode().dictionary, INTEGER)).as_py()
        is not False
        for chunk in ids.chunks
    )


def _seconds(times: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    """UTC seconds, int64, from numbers in a unit, dates, or ISO texts."""
    if pa.types.is_string(times.type) or pa.types.is_large_string(times.type):
        times = _times_of_text(times)
    if pa.types.is_date(times.type):
        times = times.cast(pa.timestamp("s"))
    if pa.types.is_timestamp(times.type):
        times, unit = times.cast(pa.int64()), times.type.unit
    fits = pa.types.is_integer(times.type) or pa.types.is_floating(times.type)
    require(fits, "`timestamp` must hold numbers, dates or ISO texts", type=str(times.type))
    seconds = pc.floor(pc.divide(times.cast(pa.float64()), UNITS[unit]))
    if pa.types.is_integer(times.type):
        seconds = pc.divide(times.cast(pa.int64()), UNITS[unit])
    inside = pc.and_(pc.greater_equal(seconds, 0), pc.less_equal(seconds, LATEST_TIMESTAMP))
    bad = pc.sum(pc.invert(inside)).as_py()  # Comparisons with NaN are false.
    must = "`timestamp` must lie between 1970 and 2100: give `unit`, or drop those rows"
    require(not bad, must, rows_outside=bad, unit=unit)
    return seconds.cast(pa.int64())


def _times_of_text(times: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(times.cast(pa.string()))
    trimmed = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    for kind in (pa.int64(), pa.timestamp("us"), pa.timestamp("us", tz="UTC"), pa.float64()):
        try:
            return trimmed.cast(kind)
        except pa.ArrowInvalid:
            continue
    raise invalid(
        "`timestamp` must hold numbers or ISO times such as 2024-05-01T12:00:00",
        first=trimmed.drop_null()[0].as_py(),
    )
