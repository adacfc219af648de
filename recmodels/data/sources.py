"""Find the files of a path, open them unpacked, and limit the memory."""

import bz2
import filecmp
import gzip
import io
import os
import re
import urllib.parse
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

from recmodels.data.errors import invalid, require

MEMORY_VARIABLE = "RECMODELS_MEMORY_GB"
# What stands behind the name of a file in its packed form or a copy of it.
COPY_ENDS = re.compile(r"(\.(gz|bz2|zip|bak|old|orig|tmp)|~)+$")
COPIES = 2  # A log is held twice while its columns are converted and sorted.
MISSING_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # What Hive and Spark call a missing value.
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True)
class Part:
    """One file to read.

    Args:
        path: the file on disk.
        member: the file inside `path` where that is a zip archive.
        partitions: columns that the names of its folders hold (`day=2024-01-01/`).
    """

    path: Path
    member: str | None = None
    partitions: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    def open(self) -> BinaryIO:
        """The content, unpacked if its first bytes are those of gzip, bzip2 or a zip archive."""
        if self.member is not None:
            return zipfile.ZipFile(self.path).open(self.member)
        magic = first_bytes(self.path)
        if magic[:2] == b"\x1f\x8b":
            return gzip.open(self.path)
        return bz2.open(self.path) if magic[:3] == b"BZh" else open(self.path, "rb")

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The content as text whose line ends stay as they are."""
        return io.TextIOWrapper(self.open(), encoding, newline="")

    def refuse(self, why: object) -> ValueError:
        """An error for a file that is no table."""
        message = f"`{self.name}` cannot be read as a table: {why}. Save it as a CSV with one "
        message += "delimiter and the names of the columns in its first row, or as Parquet"
        return invalid(message, path=self.path)


class Budget:
    """Refuse a table that would not fit into memory, before it is loaded.

    The limit is the memory that is available, or the gigabytes in the environment variable
    `RECMODELS_MEMORY_GB`.
    """

    def __init__(self, name: str) -> None:
        self.name, self.spent = name, 0
        given = os.environ.get(MEMORY_VARIABLE)
        try:
            self.limit = float(given) * 1e9 if given else psutil.virtual_memory().available
        except ValueError as error:
            must = f"The environment variable `{MEMORY_VARIABLE}` must be a number of gigabytes"
            raise invalid(must, RECMODELS_MEMORY_GB=given) from error

    def spend(self, num_bytes: int) -> None:
        """Count bytes in use; raise a `ValueError` beyond the limit."""
        self.check(self.spent + num_bytes)
        self.spent += num_bytes

    def check(self, num_bytes: int) -> None:
        """Raise a `ValueError` if a table of so many bytes is beyond the limit."""
        needed = COPIES * num_bytes
        require(
            needed <= self.limit,
            f"`{self.name}` needs {needed / 1e9:.1f} GB of memory or more: read fewer columns or a "
            f"part of the file, or set `{MEMORY_VARIABLE}` to the gigabytes it may take",
            available=f"{self.limit / 1e9:.1f} GB",
        )


def first_bytes(path: Path) -> bytes:
    """The four bytes by which packed files are known."""
    with open(path, "rb") as file:
        return file.read(4)


def find_parts(path: str | Path) -> list[Part]:
    """Find the files of a path: a file, a folder or pattern of files, or a zip archive.

    Args:
        path: `~` is the home folder. A folder or a pattern (`logs/*.csv`) means all files in it,
            sorted by name with `part-2` before `part-10`, without hidden ones and those that
            begin with `_`. An archive must hold one file; of several one is named as
            `archive.zip/file.csv`.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        ValueError: an archive holds several files, or none that can be opened; or two files are
            copies of each other.
    """
    require(str(path).strip(), "`path` must name a file or folder", path=path)
    path = Path(path).expanduser()
    if path.is_file():
        return [_open_archive(path) if first_bytes(path) == b"PK\x03\x04" else Part(path)]
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is not None and first_bytes(archive) == b"PK\x03\x04":
        return [_open_archive(archive, path.relative_to(archive).as_posix())]
    # A pattern is looked for in the folder before the first `*`, `?` or `[`.
    marked = (n for n, part in enumerate(path.parts) if set(part) & set("*?["))
    root = path if path.is_dir() else Path(*path.parts[: next(marked, -1)])
    candidates = (
        path.rglob("*") if path.is_dir() else root.glob("/".join(path.parts[len(root.parts) :]))
    )
    files = [file for file in sorted(candidates, key=_in_counting_order) if _is_data(file, root)]
    if not files:
        what = "is a folder without data files" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"`path` {what}. Received: path={str(path)!r}, from {Path.cwd()}")
    _refuse_copies(files)
    return [Part(file, partitions=_partitions(file, root)) for file in files]


def _in_counting_order(path: Path) -> list[tuple[int, str]]:
    """A key by which `part-2` comes before `part-10`."""
    pieces = re.split(r"(\d+)", str(path))
    return [(int(piece) if n % 2 else 0, piece) for n, piece in enumerate(pieces)]


def _refuse_copies(files: list[Path]) -> None:
    """Raise a `ValueError` if two files of a folder would give the same events twice."""
    known: dict[object, list[Path]] = {}
    for file in files:
        name = file.parent / COPY_ENDS.sub("", file.name)
        alike = known.setdefault((file.parent, file.stat().st_size), [])
        copies = known.setdefault(name, []) + [o for o in alike if filecmp.cmp(o, file, False)]
        pair = f"{copies[0].name!r} and {file.name!r}" if copies else ""
        advice = "keep one of them, or name the files to read"
        message = f"`path` means {pair}, which look like copies: {advice}"
        require(not copies, message, path=file.parent)
        known[name].append(file)
        alike.append(file)


def _is_data(file: Path, root: Path) -> bool:
    inside = file.relative_to(root).parts
    hidden = any(part[0] in "._" and "=" not in part for part in inside)
    return file.is_file() and file.stat().st_size > 0 and not hidden


def _partitions(file: Path, root: Path) -> dict[str, str]:
    """The columns in the names of the folders between a folder of parts and a file."""
    pairs = [part.split("=", 1) for part in file.relative_to(root).parts[:-1] if "=" in part]
    texts = {name: urllib.parse.unquote(value) for name, value in pairs}
    return {name: "" if text == MISSING_PARTITION else text for name, text in texts.items()}


def _open_archive(path: Path, wanted: str | None = None) -> Part:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    except UNREADABLE as error:
        raise Part(path).refuse(error) from error
    if "[Content_Types].xml" in members:
        raise Part(path).refuse("it is a workbook of a spreadsheet program")
    data = [name for name in members if not any(p[0] in "._" for p in Path(name).parts)]
    chosen = [name for name in data if wanted in (None, name)]
    example = f"{path.name}/{next(iter(data), 'events.csv')}"
    require(
        len(chosen) == 1,
        f"`path` must name one file of the archive {path.name!r}, as in {example!r}. It holds "
        f"{data[:20]}",
        path=path if wanted is None else path / wanted,
    )
    if members[chosen[0]].flag_bits & 1:
        raise Part(path).refuse("the archive is encrypted")
    return Part(path, chosen[0])
