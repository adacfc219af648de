"""Read a table from CSV, JSON lines or Parquet without changing the values of its fields."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types

from recmodels.data.errors import require
from recmodels.data.forms import open_json, open_sequences
from recmodels.data.sources import UNREADABLE, Budget, Part, find_parts
from recmodels.data.text_tables import Format, Opened, no_line, open_text, strip, tidy

FORMS = (None, "sequences")
SAMPLE_ROWS = 1000
BATCH_ROWS = 1 << 16
Columns = Sequence[str] | Callable[[list[str]], Sequence[str]] | None


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it is written in a file.

    Args:
        frame: the chosen columns. A column of text is int64 where every field is a whole number
            in its shortest form, else `str`; a typed source keeps its types.
        columns: the names of all columns of the file.
        name: of the file or folder.
        typed: whether the file says what type a column has, as Parquet does.
        assumed: what was given or guessed to read it, by argument.
        line_of: gives the line of the file in which a row of `frame` begins, None where there are
            no lines. It reads the file again, so it is meant for errors.
    """

    frame: pd.DataFrame
    columns: list[str]
    name: str
    typed: bool = False
    assumed: dict[str, str] = field(default_factory=dict)
    line_of: Callable[[int], int | None] = no_line


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    names: Sequence[str] | None = None,
    form: str | None = None,
    columns: Columns = None,
) -> Table:
    """Read a file, a folder or pattern of files with the same columns, or a zip archive.

    Text loses the blanks at the ends of names and fields. Only the empty field is missing.

    Args:
        path: CSV or other delimited text, JSON lines or Parquet; gzip, bzip2 and zip are
            unpacked. `archive.zip/file.csv` names a file of an archive. Folders such as
            `day=2024-01-01/` in a folder become columns.
        encoding: of text, such as `"gb18030"` or `"cp1252"`; UTF-8, and UTF-16 with a byte order
            mark, are found out.
        delimiter: between fields, such as `";"`; `r"\\s+"` for any number of blanks.
        header: whether the first row holds the names.
        names: of the columns, for a file without a header, or instead of it with `header=True`.
        form: `"sequences"` for one user per line followed by items, which gives `user`, `item`.
        columns: the names to read, or a function from all names to these; None for all.

    Returns:
        The table. Rows with lists are repeated, one row per element.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no table, its layout is unclear, a row has too few or too many fields, a
            column is missing, or it would not fit into memory.

    Example:
        >>> read_table("orders.csv", columns=["uid", "sku"]).frame["sku"].tolist()
        ['tea', 'cup']
    """
    require(form in FORMS, f"`form` must be one of {FORMS}", form=form)
    parts, name = find_parts(path), Path(path).name
    budget = Budget(name)
    given = Format(encoding, delimiter, header, names)
    opened = _open_all(parts, given, form, budget)
    all_names = [*opened[0].names, *parts[0].partitions]
    chosen = list(columns(all_names) if callable(columns) else columns or all_names)
    missing = [column for column in chosen if column not in all_names]
    require(not missing, f"`{name}` has no column {missing}", columns=all_names)
    chunks: dict[str, list[pa.Array]] = {column: [] for column in chosen}
    for part, file in zip(parts, opened, strict=True):
        for table in _blocks(part, file, chosen):
            budget.spend(table.nbytes)
            for column in chosen:
                chunks[column] += table.column(column).chunks
    frame = pd.DataFrame({c: _to_pandas(c, chunks.pop(c)) for c in chosen}, copy=False)
    pa.default_memory_pool().release_unused()  # A third of the peak of what follows otherwise.
    require(len(frame), f"`{name}` has a header and no rows", path=path)
    assumed = opened[0].assumed | ({"files": str(len(parts))} if len(parts) > 1 else {})
    line_of = opened[0].line_of if len(parts) == 1 else no_line
    return Table(frame, all_names, name, opened[0].typed, assumed, line_of)


def _open_all(parts: list[Part], given: Format, form: str | None, budget: Budget) -> list[Opened]:
    """Every file opened like the first, with the same columns."""
    opened: list[Opened] = []
    for part in parts:
        file = _open(part, given, form, budget)
        opened.append(file)
        given = file.layout or given
        columns, first = [*file.names, *part.partitions], [*opened[0].names, *parts[0].partitions]
        require(
            sorted(columns) == sorted(first) and file.typed == opened[0].typed,
            "`path` must mean files with the same columns",
            columns=[(parts[0].name, first), (part.name, columns)],
        )
        twice = sorted(set(part.partitions) & set(file.names))
        message = f"Columns {twice} are in `{part.name}` and in the names of its folders"
        require(not twice, f"{message}: name the file itself, or remove one", path=part.path)
    return opened


def _open(part: Part, given: Format, form: str | None, budget: Budget) -> Opened:
    try:
        with part.open() as file:
            start = file.read(64).strip(b"\xef\xbb\xbf\xfe\xff").replace(b"\0", b"").lstrip()
    except UNREADABLE as error:
        raise part.refuse(error) from error
    if form == "sequences":
        return open_sequences(part, given)
    if start.startswith(b"PAR1"):
        return _open_parquet(part, budget)
    if start.startswith((b"[{", b"[\n", b"[ ")):
        raise part.refuse("it is one JSON array; JSON lines have one object per line")
    return open_json(part, given) if start.startswith(b"{") else open_text(part, given)


def _open_parquet(part: Part, budget: Budget) -> Opened:
    import pyarrow.parquet as parquet  # Here, since most logs are text.

    try:
        with part.open() as file:
            opened = parquet.ParquetFile(file)
            names, num_rows = opened.schema_arrow.names, opened.metadata.num_rows
    except pa.ArrowException as error:
        raise part.refuse(error) from error
    require(
        len(set(names)) == len(names), f"Two columns of `{part.name}` have one name", columns=names
    )

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        with part.open() as file:
            opened = parquet.ParquetFile(file)
            for batch in opened.iter_batches(SAMPLE_ROWS, columns=columns):
                # A small file can hold a huge table, so a few rows tell the size of all.
                budget.check(budget.spent + batch.nbytes // len(batch) * num_rows)
                break
            for batch in opened.iter_batches(BATCH_ROWS, columns=columns):
                yield pa.Table.from_batches([batch])

    return Opened(names, {"form": "Parquet"}, blocks, typed=True)


def _blocks(part: Part, file: Opened, chosen: list[str]) -> Iterator[pa.Table]:
    """The chosen columns of a file, lists and folder names among them, as plain columns."""
    inside = [column for column in chosen if column in file.names]
    for table in file.blocks(inside):
        table = _explode(part, table)
        texts = {c: pa.repeat(text, len(table)) for c, text in part.partitions.items()}
        yield pa.table({c: _plain(table[c]) if c in inside else tidy(texts[c]) for c in chosen})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a dictionary instead of codes; text without blanks at its ends."""
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    is_text = types.is_string(column.type) or types.is_large_string(column.type)
    return strip(column) if is_text else column


def _explode(part: Part, table: pa.Table) -> pa.Table:
    """One row per element of the columns that hold lists, which must be equally long."""
    nested = [f for f in table.schema if types.is_nested(f.type)]
    if not nested:
        return table
    for column in nested:
        inner = getattr(column.type, "value_type", None)  # Structs have none.
        flat = not types.is_map(column.type) and inner is not None and not types.is_nested(inner)
        must = f"Column {column.name!r} of `{part.name}` must hold single values or lists of them"
        require(flat, f"{must}: flatten it first", type=column.type)
    table = table.combine_chunks()
    lists = [table[column.name].combine_chunks() for column in nested]
    lengths = [pc.list_value_length(values).fill_null(0) for values in lists]
    must = f"The lists in a row of `{part.name}` must be equally long: read fewer of these columns"
    names = [column.name for column in nested]
    require(all(length.equals(lengths[0]) for length in lengths), must, columns=names)
    parents = pc.list_parent_indices(lists[0])
    flat = {c.name: pc.list_flatten(v) for c, v in zip(nested, lists, strict=True)}
    others = {c: table[c].take(parents) for c in table.column_names if c not in flat}
    return pa.table({c: (flat | others)[c] for c in table.column_names})


def _to_pandas(name: str, chunks: list[pa.Array]) -> pd.Series | np.ndarray:
    """The pieces of a column joined: numbers become text again where some piece is text."""
    kinds = {chunk.type for chunk in chunks if not types.is_null(chunk.type)}
    if len(kinds) > 1:
        fits = all(types.is_integer(kind) or types.is_string(kind) for kind in kinds)
        must = f"Column {name!r} must have one type in all files"
        require(fits, must, types=sorted(map(str, kinds)))
        kinds = {pa.int64()} if all(map(types.is_integer, kinds)) else {pa.string()}
    kind = next(iter(kinds), pa.string())
    column = pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
    chunks.clear()
    if types.is_integer(kind) and column.null_count:
        large = types.is_uint64(kind)
        kind, dtype = (pa.uint64(), pd.UInt64Dtype()) if large else (pa.int64(), pd.Int64Dtype())
        return column.cast(kind).to_pandas(types_mapper={kind: dtype}.get)
    return column.to_pandas(date_as_object=False)
