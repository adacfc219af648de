"""Read delimited text, JSON lines and sequences as columns of text or whole numbers."""

import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from recmodels.data.encodings import not_in, survey
from recmodels.data.layout import BLANKS, Layout, find_layout, ragged, rows, splitter
from recmodels.data.sources import Part

BLOCK_BYTES = 1 << 22
BATCH_LINES = 10_000


@dataclass(frozen=True)
class Format:
    """How a caller says that a text file is written; None means to find out."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    names: list[str] | None = None


@dataclass(frozen=True)
class Opened:
    """A file whose columns are known and whose rows are not read yet.

    Args:
        names: of all its columns.
        assumed: what was given or guessed, by argument.
        blocks: reads some columns, in the order given, piece by piece.
        line_of: the line of the file in which a row begins, if it has lines.
        typed: whether the file says what type a column has.
        layout: how to open further files of the same table; None to find it out again.
    """

    names: list[str]
    assumed: dict[str, str]
    blocks: Callable[[list[str]], Iterator[pa.Table]]
    line_of: Callable[[int], int] | None = None
    typed: bool = False
    layout: Format | None = None


def open_text(part: Part, given: Format) -> Opened:
    """A file of rows with a delimiter between their fields."""
    seen = survey(part, given.encoding)
    layout = find_layout(part, seen, given.delimiter, given.header, given.names)

    def numbered() -> Iterator[tuple[int, list[str]]]:
        with part.text(seen.encoding) as file:
            yield from rows(file, layout.delimiter, layout.quoted)

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        lists = [c for c in columns if layout.types.get(c, "").endswith("_seq")]
        if lists:
            raise ValueError(
                f"`{part.name}` holds a list in each row of {lists}: leave these columns out, or "
                f"write one row per element. Received: columns={columns}"
            )
        try:
            for batch in _stream(part, seen.encoding, layout, columns):
                _refuse_names(part, layout, batch)
                yield pa.table({c: tidy(batch.column(c)) for c in columns})
        except pa.ArrowInvalid as error:
            width = len(layout.names)
            for line, row in numbered():
                if len(row) != width:
                    raise ragged(part, line, len(row), width, layout.delimiter) from error
            raise part.refuse(error) from error

    def line_of(row: int) -> int:
        first = row + (layout.skip > 0)
        return next(line for n, (line, _) in enumerate(numbered()) if n == first)

    header = "first row" if layout.skip else "none"
    assumed = {
        "encoding": seen.encoding.removesuffix("-sig"),
        "delimiter": "blanks" if layout.delimiter == BLANKS else repr(layout.delimiter),
        "header": header + (", RecBole types" if layout.types else ""),
    }
    if seen.has_quotes and not layout.quoted:
        assumed["quotes"] = "part of the text"
    settled = replace(given, delimiter=layout.delimiter, header=layout.skip > 0)
    return Opened(layout.names, assumed, blocks, line_of, layout=settled)


def _stream(
    part: Part, encoding: str, layout: Layout, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv  # Here: a Parquet file needs none of it.

    character, prepare = splitter(layout.delimiter)
    is_ready = encoding == "utf-8-sig" and prepare is None
    with part.open() if is_ready else part.text(encoding) as file:
        source = file if is_ready else io.BufferedReader(_Encoded(file, prepare), BLOCK_BYTES)
        options = (
            csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=layout.names,
                skip_rows_after_names=layout.skip,
            ),
            csv.ParseOptions(
                delimiter=character,
                quote_char='"' if layout.quoted else False,
                newlines_in_values=layout.quoted,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=columns
            ),
        )
        try:
            with csv.open_csv(source, *options) as reader:
                yield from reader
        except UnicodeError as error:
            raise not_in(part, encoding, error) from error


def _refuse_names(part: Part, layout: Layout, batch: pa.RecordBatch) -> None:
    """Refuse rows that repeat the header, as in files that were joined as they are."""
    repeats = pa.scalar(layout.skip > 0 and batch.num_columns > 1)
    for name, texts in zip(batch.schema.names, batch.columns, strict=True):
        if not pc.any(repeats).as_py():
            return
        repeats = pc.and_(repeats, pc.equal(pc.utf8_trim_whitespace(texts), name))
    if pc.any(repeats).as_py():
        raise ValueError(
            f"`{part.name}` holds the names of its columns in more than one row: remove these rows "
            f"from between the events. Received: columns={batch.schema.names}"
        )


class _Encoded(io.RawIOBase):
    """Whole lines of a text file, changed by a function, as bytes of UTF-8."""

    def __init__(self, text: io.TextIOWrapper, change: Callable[[str], str] | None) -> None:
        self.text, self.change, self.rest = text, change or (lambda lines: lines), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self.rest:
            lines = self.text.read(BLOCK_BYTES) + self.text.readline()
            self.rest = memoryview(self.change(lines).encode("utf-8"))
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def open_sequences(part: Part, given: Format) -> Opened:
    """A file with one user per line, followed by the items in order."""
    seen = survey(part, given.encoding)
    split = re.compile(re.escape(given.delimiter) if given.delimiter else r"[\s,]+").split

    def lines() -> Iterator[tuple[str, list[str]]]:
        with part.text(seen.encoding) as file:
            for number, line in enumerate(file, 1):
                user, *items = split(line.strip())
                if user and not items:
                    raise ValueError(
                        f"Line {number} of `{part.name}` must hold a user followed by items. "
                        f"Received: form='sequences', line={line.strip()[:80]!r}"
                    )
                yield user, items

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        for batch in _batched(lines()):
            table = {
                "user": [user for user, items in batch for _ in items],
                "item": [item for _, items in batch for item in items],
            }
            yield pa.table({c: tidy(pa.array(table[c], pa.string())) for c in columns})

    assumed = {
        "encoding": seen.encoding.removesuffix("-sig"),
        "form": "sequences",
        "delimiter": repr(given.delimiter or "blanks and commas"),
    }
    return Opened(["user", "item"], assumed, blocks)


def open_json(part: Part, given: Format) -> Opened:
    """A file with one JSON object per line; numbers stay as they are written."""
    seen = survey(part, given.encoding)

    def parsed() -> Iterator[dict]:
        with part.text(seen.encoding) as file:
            yield from (_parse(part, n, line) for n, line in enumerate(file, 1) if line.strip())

    names: dict[str, None] = {}
    for row in parsed():
        names.update(dict.fromkeys(row))

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        for batch in _batched(parsed()):
            yield pa.table(
                {c: _json_column(part, c, [row.get(c) for row in batch]) for c in columns}
            )

    assumed = {"encoding": seen.encoding.removesuffix("-sig"), "form": "JSON lines"}
    return Opened(list(names), assumed, blocks)


def _batched(rows: Iterator) -> Iterator[list]:
    while batch := list(itertools.islice(rows, BATCH_LINES)):
        yield batch


def _parse(part: Part, number: int, line: str) -> dict:
    def unique(pairs: list[tuple]) -> dict:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(f"a name stands twice among {[name for name, _ in pairs]}")
        return dict(pairs)

    try:
        row = json.loads(
            line, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=unique
        )
        if isinstance(row, dict):
            return row
        raise ValueError("it is no object")
    except ValueError as error:
        raise ValueError(
            f"Line {number} of `{part.name}` must be one JSON object: {error}. "
            f"Received: {line.strip()[:80]!r}"
        ) from error


def _json_column(part: Part, name: str, values: list) -> pa.Array:
    """A column of text, or of lists of text."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str, bool}:
        return tidy(pa.array([_text(value) for value in values], pa.string()))
    plain = (str, bool, type(None))
    if kinds == {list} and all(isinstance(v, plain) for row in values for v in row or ()):
        lists = [None if row is None else [_text(value) for value in row] for row in values]
        return pa.array(lists, pa.list_(pa.string()))
    raise ValueError(
        f"Column {name!r} of `{part.name}` must hold numbers and text, or lists of them, in all "
        f"rows. Received: {sorted(kind.__name__ for kind in kinds)}"
    )


def _text(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value


def tidy(texts: pa.Array) -> pa.Array:
    """Whole numbers where every field is written as one, else text.

    Text loses the blanks at its ends, and the empty field is missing. A column becomes numbers
    only if that loses nothing: `007`, `+5` and `-0` stay text.
    """
    numbers = _whole_numbers(texts)
    if numbers is not None:
        return numbers
    texts = strip(texts)
    numbers = _whole_numbers(texts)
    return texts if numbers is None else numbers


def strip(texts: pa.Array) -> pa.Array:
    """Text without the blanks at its ends; what is empty then is missing."""
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def _whole_numbers(texts: pa.Array) -> pa.Array | None:
    if texts.null_count:
        return None
    try:
        texts.slice(0, 100).cast(pa.int64())  # A cast that fails is slow on many rows.
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return numbers if numbers.cast(texts.type).equals(texts) else None
