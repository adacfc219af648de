"""Detect the delimiter, the quotes and the header of a text file; raise an error if ambiguous."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from recmodels.data.columns import USUAL_NAMES
from recmodels.data.encodings import Survey
from recmodels.data.errors import invalid, require
from recmodels.data.ids import shape
from recmodels.data.sources import Part

BLANKS = r"\s+"  # A delimiter: any number of blanks.
STRONG = ("\t", "::")  # Text hardly ever holds them: where they fit, nothing else is meant.
USUAL = (";", "|", ",")
WEAK = (" ", BLANKS)  # Most text holds blanks: a delimiter only where nothing else fits.
STAND_IN = "\x1f"  # What a delimiter of several characters is replaced with.
SAMPLE_LINES = 1000
VALUE = re.compile(r"[-+]?[.,]?\d")  # How a number or a date begins.
RECBOLE = re.compile(r"(.+):(token|float|token_seq|float_seq)")


@dataclass(frozen=True)
class Layout:
    """How the lines of a text file are divided into fields.

    Args:
        delimiter: between fields; `BLANKS` means any number of blanks.
        quoted: whether double quotes enclose fields; never with a delimiter of several characters.
        names: of the columns.
        skip: how many lines, blank ones included, end with the header; 0 without a header.
        types: of RecBole's header, by name; empty for other headers.
    """

    delimiter: str
    quoted: bool
    names: list[str]
    skip: int
    types: dict[str, str]


def splitter(delimiter: str) -> tuple[str, Callable[[str], str] | None]:
    """Return the character to split at, and a function that puts it into lines if needed."""
    if len(delimiter) == 1 and delimiter.isascii():
        return delimiter, None
    if delimiter != BLANKS:
        return STAND_IN, lambda text: text.replace(delimiter, STAND_IN)
    return STAND_IN, lambda text: "\n".join(
        STAND_IN.join(line.split()) for line in re.split(r"\r\n?|\n", text)
    )


def rows(lines: Iterable[str], delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its first line, counted from 1."""
    character, prepare = splitter(delimiter)
    lines = lines if prepare is None else map(prepare, lines)
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=character, quoting=quoting, strict=quoted)
    start = 1
    for row in reader:
        if len(row) > 1 or "".join(row).strip():
            yield start, row
        start = reader.line_num + 1


def find_layout(
    part: Part, seen: Survey, delimiter: str | None, header: bool | None, names: list[str] | None
) -> Layout:
    """Find the layout of a file; what is not given is guessed from its first thousand lines.

    Raises:
        ValueError: no delimiter or more than one fits, quotes do not match, it is unclear whether
            the first row is a header, or two columns have one name.
    """
    lines = seen.sample[:SAMPLE_LINES]
    delimiter = delimiter or _guess_delimiter(part, lines)
    can_quote = splitter(delimiter)[1] is None
    quoted = seen.has_quotes and can_quote and _has_matching_quotes(part, seen, delimiter)
    sample = [row for _, row in _until_error(rows(lines, delimiter, quoted))]
    row = lines[0].strip()[:80]
    must = f"`delimiter` must be what stands between the columns of `{part.name}`"
    require(len(sample[0]) > 1, must, delimiter=delimiter, row=row)
    first = [name.strip() for name in sample[0]]
    all_names = f"`names` must name all {len(first)} columns of `{part.name}`"
    require(names is None or len(names) == len(first), all_names, names=names)
    if header is None:
        header = _has_header(part, first, sample[1:], names)
    needed = "`names` must be given, since `header` is False"
    require(header or names is not None, needed, names=None, row=first)
    skip = next(n for n, line in enumerate(lines, 1) if line.strip()) if header else 0
    matches = [RECBOLE.fullmatch(name) for name in first]
    types = {m[1].strip(): m[2] for m in matches} if names is None and all(matches) else {}
    names = list(names or types or first)
    twice = f"Two columns of `{part.name}` have one name: give every column a name of its own with "
    twice += "`names` (and header=True to leave the first row out)"
    require(len(set(names)) == len(names), twice, columns=names)
    return Layout(delimiter, quoted, names, skip, types)


def _until_error(rows: Iterator) -> Iterator:
    """The rows of a sample up to one that its end has cut."""
    try:
        yield from rows
    except csv.Error:
        return


def _guess_delimiter(part: Part, lines: list[str]) -> str:
    """The only delimiter that cuts all lines into the same number of fields, two or more."""
    ways = (True, False) if any('"' in line for line in lines) else (False,)

    def fits(delimiter: str, quoted: bool) -> bool:
        counts = {len(row) for _, row in _until_error(rows(lines, delimiter, quoted))}
        return len(counts) == 1 and min(counts) > 1

    every = (*STRONG, *USUAL, *WEAK)
    fitting = [delimiter for delimiter in every if any(fits(delimiter, way) for way in ways)]
    for kind in (STRONG, USUAL, WEAK):
        chosen = [delimiter for delimiter in fitting if delimiter in kind]
        if kind is WEAK and BLANKS in chosen and any("  " in f" {line}" for line in lines):
            return BLANKS
        if len(chosen) == 1 or (kind is WEAK and chosen):
            return chosen[0]
        several = f"several cut all rows of `{part.name}` into columns: {chosen}"
        message = f"`delimiter` must be given, since {several}"
        require(not chosen, message, delimiter=None, row=lines[0].strip()[:80])
    raise _no_delimiter(part, lines)


def _no_delimiter(part: Part, lines: list[str]) -> ValueError:
    for delimiter in (*STRONG, *USUAL):
        lengths = [(line, len(row)) for line, row in _until_error(rows(lines, delimiter, True))]
        if not lengths or lengths[0][1] < 2:
            continue
        line, count = next(((n, c) for n, c in lengths if c != lengths[0][1]), lengths[-1])
        return ragged(part, line, count, lengths[0][1], delimiter)
    return part.refuse(
        "no delimiter (tab, '::', semicolon, bar, comma or blanks) cuts its rows into the columns "
        f"of its first row, {lines[0].strip()[:80]!r}; `delimiter` names another, and "
        "form='sequences' reads one user per line followed by items"
    )


def ragged(part: Part, line: int, count: int, width: int, delimiter: str) -> ValueError:
    """An error for a row with too few or too many fields."""
    return invalid(
        f"Line {line} of `{part.name}` has {count} fields and the first row {width}: mend the "
        "line, name another `delimiter`, or say form='sequences' if lines hold a user and items",
        delimiter=delimiter,
        path=part.path,
    )


def _has_matching_quotes(part: Part, seen: Survey, delimiter: str) -> bool:
    """Whether quotes enclose fields; False where they are part of the text.

    Quotes are part of the text if the file cannot be read otherwise: a quote opens a field and
    none closes it, or the field would contain lines that are complete rows. Then all lines must be
    rows without quoting, and no field may be enclosed in quotes.
    """
    first = next(line for line in seen.sample if line.strip())
    width = len(next(csv.reader([first], delimiter=delimiter)))
    cut = [line.rstrip("\r\n").split(delimiter) for line in seen.sample[:SAMPLE_LINES]]
    whole = [row for row in cut[1:] if len(row) == width]
    columns = [c for c in range(width) if whole and all(VALUE.match(row[c]) for row in whole)]
    enclosed = re.compile(r'".*"\s*$')

    def is_row(line: str) -> bool:
        row = line.rstrip("\r\n").split(delimiter)
        return len(row) == width and all(VALUE.match(row[c]) for c in columns)

    with part.text(seen.encoding) as file:
        fault = _quote_fault(file, delimiter, width, is_row)
    if fault is None:
        return True
    with part.text(seen.encoding) as file:
        for line in file:
            fields = line.strip("\r\n").split(delimiter)
            if line.strip() and (len(fields) != width or any(map(enclosed.match, fields))):
                break
        else:
            return False
    raise invalid(
        f"Quotes do not match in line {fault} of `{part.name}`: a quote opens a field and none "
        "closes it before a delimiter. Write a quote inside a quoted field twice, or remove it",
        path=part.path,
    )


def _quote_fault(
    lines: Iterable[str], delimiter: str, width: int, is_row: Callable[[str], bool]
) -> int | None:
    """The first line of a row whose quotes do not match, or None."""
    record: list[str] = []

    def recorded() -> Iterator[str]:
        for line in lines:
            record.append(line)
            yield line

    reader, start = csv.reader(recorded(), delimiter=delimiter, strict=True), 1
    try:
        for row in reader:
            other = row and len(row) != width and '"' in "".join(record)
            if other or (len(record) > 1 and all(map(is_row, record))):
                return start
            start = reader.line_num + 1
            record.clear()
    except csv.Error:
        return start
    return None


def _has_header(
    part: Part, first: list[str], body: list[list[str]], names: list[str] | None
) -> bool:
    """Whether the first row holds names and not an event, by what stands below it."""
    columns = [
        [row[c].strip() for row in body if len(row) == len(first) and row[c].strip()]
        for c in range(len(first))
    ]
    known = {name for usual in USUAL_NAMES.values() for name in usual}
    usual = sum(re.sub(r"[\s._\-]", "", name.split(":")[0]).lower() in known for name in first)
    pairs = list(zip(first, columns, strict=True))
    as_data = any(
        VALUE.match(name) or name in below or (shape(name) and shape(name) in map(shape, below))
        for name, below in pairs
    )
    as_names = any(
        below and all(map(VALUE.match if shape(name) else shape, below))
        for name, below in pairs
        if not VALUE.match(name)
    )
    is_header = usual > 1 or (as_names and not as_data)
    if is_header == (names is None):
        return is_header
    looks = "like names" if is_header else "like an event" if as_data else "like either"
    raise invalid(
        f"It is unclear whether the first row of `{part.name}` holds names of columns or an event "
        f"(it looks {looks}): say header=True or header=False, and give `names` with the latter",
        header=None,
        names=names,
        row=first,
    )
