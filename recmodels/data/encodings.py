"""Detect the encoding of a text file; raise an error if it is ambiguous."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from recmodels.data.columns import USUAL_NAMES
from recmodels.data.errors import invalid, require
from recmodels.data.sources import UNREADABLE, Part

CHUNK_BYTES = 1 << 22
LONGEST_LINE = 1 << 21
SAMPLE_BYTES = 1 << 18
# The longer mark comes first: that of UTF-16 begins that of UTF-32.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ESCAPES = re.compile(rb"\x1b[$(]")
CANDIDATES = ("gb18030", "big5", "shift_jis", "euc_kr", "cp1252", "cp1251")


@dataclass(frozen=True)
class Survey:
    """The results of one pass over the bytes of a text file.

    Args:
        encoding: Python's name of it.
        has_quotes: whether the file holds a double quote.
        sample: its first lines, with their ends.
    """

    encoding: str
    has_quotes: bool
    sample: list[str]


def survey(part: Part, encoding: str | None) -> Survey:
    """Read a file once and find its encoding.

    The encoding is that of the byte order mark; otherwise UTF-8 if every line is valid UTF-8;
    otherwise GB18030 if the first line, decoded so, has a Chinese column name that `guess_columns`
    knows. Any other file is refused, because the same bytes are valid text in Latin-1, Big5,
    Shift-JIS and others.

    Args:
        part: the file.
        encoding: the one that the caller gave, or None.

    Raises:
        ValueError: the encoding is unclear, unknown or not that of the file, or the file is
            empty or binary.
    """
    sample, has_quotes, bad, named = b"", False, None, encoding
    if named is not None and named.lower().replace("_", "-") in ("utf-8", "utf8"):
        named = "utf-8-sig"  # It reads a file with and without a mark.
    try:
        for chunk in _chunks(part):
            if not sample:
                sample = chunk
                named = named or next((e for mark, e in MARKS if chunk.startswith(mark)), None)
            has_quotes = has_quotes or b'"' in chunk
            if named not in (None, "utf-8-sig"):
                continue
            if b"\0" in chunk:
                raise part.refuse("it is binary, or text whose `encoding` must be given (UTF-16)")
            if ESCAPES.search(chunk):
                raise part.refuse("it has escapes (ISO-2022-JP), whose `encoding` must be given")
            bad = bad or _bad_line(chunk)
    except UNREADABLE as error:
        raise part.refuse(error) from error
    if bad is not None:
        if encoding is not None:
            raise not_in(part, encoding, f"it holds {bad[:60]!r}")
        named = _certain(sample)
        if named is None:
            raise _unclear(part, bad)
    named = named or "utf-8-sig"
    lines = _decode_sample(part, sample, named)
    require("".join(lines).strip(), f"`{part.name}` is empty", path=part.path)
    return Survey(named, has_quotes, lines)


def not_in(part: Part, encoding: str, error: object) -> ValueError:
    """An error for a file that is not in the encoding it was said to be in."""
    return invalid(
        f"`encoding` must be the one that `{part.name}` is written in: {error}", encoding=encoding
    )


def _chunks(part: Part) -> Iterator[bytes]:
    """The bytes of a file in pieces that end with a line."""
    with part.open() as file:
        while chunk := file.read(CHUNK_BYTES):
            rest = file.readline(LONGEST_LINE)
            if len(rest) == LONGEST_LINE:
                raise part.refuse(f"a line is longer than {LONGEST_LINE / 1e6:.0f} MB")
            yield chunk + rest


def _bad_line(chunk: bytes) -> bytes | None:
    """The first line that is not UTF-8, or None."""
    try:
        if not chunk.isascii():
            chunk.decode("utf-8")
    except UnicodeDecodeError as error:
        start = chunk.rfind(b"\n", 0, error.start) + 1
        return chunk[start:].split(b"\n", 1)[0]
    return None


def _certain(sample: bytes) -> str | None:
    """Return GB18030 if the first line, decoded so, has a Chinese column name; otherwise None."""
    try:
        header = sample.split(b"\n", 1)[0].decode("gb18030")
    except UnicodeDecodeError:
        return None
    chinese = [name for names in USUAL_NAMES.values() for name in names if not name.isascii()]
    return "gb18030" if any(name in header.lower() for name in chinese) else None


def _decode_sample(part: Part, sample: bytes, encoding: str) -> list[str]:
    """The lines of the beginning of a file; the last one is left out where it may be cut."""
    cut = sample[:SAMPLE_BYTES]
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(cut)
    except UnicodeError as error:
        raise not_in(part, encoding, error) from error
    lines = io.StringIO(text, newline="").readlines()
    return lines if len(cut) == len(sample) or len(lines) == 1 else lines[:-1]


def _unclear(part: Part, line: bytes) -> ValueError:
    start = max(0, next(n for n, byte in enumerate(line) if byte > 127) - 20)
    readings = []
    for encoding in CANDIDATES:
        try:
            readings.append(f"{encoding!r} reads {line.decode(encoding).strip()[start:][:60]!r}")
        except UnicodeDecodeError:
            continue
    return invalid(
        f"`encoding` must be given, since `{part.name}` is not UTF-8 and its bytes mean something "
        f"in several encodings: {', '.join(readings) or 'none of the usual ones'}",
        encoding=None,
        line=line[start : start + 60],
    )
