"""Open a CSV or Parquet file without being told how it was written."""

import codecs
import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

DELIMITERS = (",", "\t", ";", "|", " ")
ENCODINGS = ("utf-8-sig", "gb18030")
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Table:
    """A file whose columns are known and whose rows are not read yet.

    Args:
        path: the file.
        columns: the names of its columns.
        delimiter, encoding: of a CSV; None for Parquet.
    """

    path: Path
    columns: list[str]
    delimiter: str | None = None
    encoding: str | None = None

    def read(self, columns: Sequence[str], text: Sequence[str]) -> pd.DataFrame:
        """Read some columns, of which those in `text` stay as they are written.

        Raises:
            ValueError: there is no row, or the rows do not fit the header.
        """
        try:
            if self.delimiter is None:
                frame = pd.read_parquet(self.path, columns=list(columns))
            else:
                frame = pd.read_csv(
                    self.path,
                    sep=self.delimiter,
                    encoding=self.encoding,
                    usecols=list(columns),
                    dtype=dict.fromkeys(text, "str"),
                    low_memory=False,
                )
        except (pd.errors.ParserError, UnicodeDecodeError, EOFError) as error:
            raise _not_a_table(self.path, str(error).strip()) from error
        if frame.empty:
            raise ValueError(
                f"`{self.path.name}` has a header and no rows. Received: path={self.path}"
            )
        return frame


def open_table(path: str | Path) -> Table:
    """Find out the columns of a `.parquet` file or of a CSV, gzipped or not.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, or neither CSV nor Parquet.
    """
    path = Path(path)
    if not path.is_file():
        kind = "is a folder: name the file in it" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"`path` {kind}. Received: path={str(path)!r}, from {Path.cwd()}")
    if path.suffix in (".parquet", ".pq"):
        return _open_parquet(path)
    sample = _sample(path)
    if not sample.strip():
        raise ValueError(f"`{path.name}` is empty. Received: path={path}")
    encoding = _encoding(sample, path)
    text = codecs.getincrementaldecoder(encoding)().decode(sample)
    delimiter, columns = _header(text, path, whole=len(sample) < SAMPLE_BYTES)
    return Table(path, columns, delimiter, encoding)


def _open_parquet(path: Path) -> Table:
    import pyarrow.parquet  # Here, since it takes a while and most logs are CSV.

    try:
        return Table(path, pyarrow.parquet.read_schema(path).names)
    except pyarrow.ArrowInvalid as error:
        raise _not_a_table(path, str(error)) from error


def _sample(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            return file.read(SAMPLE_BYTES)
    except (gzip.BadGzipFile, EOFError) as error:
        raise _not_a_table(path, str(error)) from error


def _encoding(sample: bytes, path: Path) -> str:
    """The first of `ENCODINGS` that fits; the sample may end inside a character."""
    for encoding in ENCODINGS if b"\0" not in sample else ():
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        return encoding
    raise _not_a_table(path, "it is neither UTF-8 nor GB18030 text")


def _header(text: str, path: Path, whole: bool) -> tuple[str, list[str]]:
    """The delimiter that cuts all rows of a sample into the most equal parts, and the header."""
    lines = text.splitlines(keepends=True)
    lines = lines if whole or len(lines) == 1 else lines[:-1]  # The last one may be cut short.
    best: tuple[int, str, list[str]] = (1, "", [])
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        if len(rows[0]) > best[0] and max(map(len, rows)) == len(rows[0]):
            best = (len(rows[0]), delimiter, rows[0])
    if not best[1]:
        raise _not_a_table(
            path,
            "no delimiter (comma, tab, semicolon, bar or space) cuts its rows into the columns of "
            f"its first row, {lines[0].strip()[:80]!r}",
        )
    return best[1], best[2]


def _not_a_table(path: Path, why: str) -> ValueError:
    return ValueError(
        f"`{path.name}` cannot be read as a table: {why}. Save it as a CSV with one delimiter and "
        f"the names of the columns in its first row, or as Parquet. Received: path={path}"
    )
