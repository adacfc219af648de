"""Read delimited text as columns of text or whole numbers."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from recmodels.data.encodings import not_in, survey
from recmodels.data.errors import invalid, require
from recmodels.data.layout import BLANKS, Layout, find_layout, ragged, rows, splitter
from recmodels.data.sources import Part

BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Format:
    """Options of the caller about the format of a text file; None means to find out.

    Raises:
        ValueError: one of them is of another type or can be none.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        names, mark = self.names, self.delimiter
        is_answer = self.header is None or isinstance(self.header, bool)
        require(is_answer, "`header` must be True or False", header=self.header)
        are_names = not isinstance(names, str) and all(isinstance(n, str) for n in names or ())
        require(are_names, "`names` must be a list of names", names=names)
        is_mark = mark is None or (isinstance(mark, str) and mark and not set(mark) & set('"\r\n'))
        must = "`delimiter` must be text between fields, such as ';', without quotes and line ends"
        require(is_mark, must, delimiter=mark)
        try:
            "a".encode(self.encoding or "utf-8")
        except (LookupError, TypeError, UnicodeError) as error:
            must = "`encoding` must be one that Python knows, such as 'utf-8' or 'gb18030'"
            raise invalid(must, encoding=self.encoding) from error


def no_line(row: int) -> None:
    """The line in which a row begins, where a file has no lines or there are several files."""
    return None


@dataclass(frozen=True)
class Opened:
    """A file whose columns are known and whose rows are not read yet.

    Args:
        names: of all its columns.
        assumed: what was given or guessed, by argument.
        blocks: reads some columns, in the order given, piece by piece.
        line_of: gives the line of the file in which a row begins, None where there are no lines.
        typed: whether the file says what type a column has.
        layout: how to open further files of the same table; None to find it out again.
    """

    names: list[str]
    assumed: dict[str, str]
    blocks: Callable[[list[str]], Iterator[pa.Table]]
    line_of: Callable[[int], int | None] = no_line
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
        advice = "leave these columns out, or write one row per element"
        message = f"`{part.name}` holds a list in each row of {lists}: {advice}"
        require(not lists, message, columns=columns)
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
    delimiter = "blanks" if layout.delimiter == BLANKS else repr(layout.delimiter)
    assumed = {"encoding": seen.encoding.removesuffix("-sig"), "delimiter": delimiter}
    assumed["header"] = header + (", RecBole types" if layout.types else "")
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
        reading = csv.ReadOptions(block_size=BLOCK_BYTES, column_names=layout.names)
        reading.skip_rows_after_names = layout.skip
        parsing = csv.ParseOptions(delimiter=character, newlines_in_values=layout.quoted)
        parsing.quote_char = '"' if layout.quoted else False
        parsing.invalid_row_handler = lambda row: "error" if row.text.strip() else "skip"
        kinds = dict.fromkeys(columns, pa.string())
        converting = csv.ConvertOptions(column_types=kinds, include_columns=columns)
        try:
            with csv.open_csv(source, reading, parsing, converting) as reader:
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
    message = f"`{part.name}` holds the names of its columns in more than one row: remove them"
    require(not pc.any(repeats).as_py(), message, columns=batch.schema.names)


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


def tidy(texts: pa.Array) -> pa.Array:
    """Convert a column to whole numbers if every field is one; otherwise keep text.

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
