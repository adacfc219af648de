"""Find the files behind a path, open them unpacked, and keep them within memory."""

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
        return ValueError(
            f"`{self.name}` cannot be read as a table: {why}. Save it as a CSV with one delimiter "
            "and the names of the columns in its first row, as JSON lines or as Parquet. "
            f"Received: path={self.path}"
        )


class Budget:
    """Refuse a table that would not fit into memory, before it is held there.

    The limit is the memory that is available, or the gigabytes in the environment variable
    `RECMODELS_MEMORY_GB`.
    """

    def __init__(self, name: str) -> None:
        self.name, self.spent = name, 0
        given = os.environ.get(MEMORY_VARIABLE)
        try:
            self.limit = float(given) * 1e9 if given else psutil.virtual_memory().available
        except ValueError as error:
            raise ValueError(
                f"The environment variable `{MEMORY_VARIABLE}` must be a number of gigabytes. "
                f"Received: {MEMORY_VARIABLE}={given!r}"
            ) from error

    def spend(self, num_bytes: int) -> None:
        """Count bytes that are held; a `ValueError` beyond the limit."""
        self.check(self.spent + num_bytes)
        self.spent += num_bytes

    def check(self, num_bytes: int) -> None:
        """Raise a `ValueError` if a table of so many bytes is beyond the limit."""
        if COPIES * num_bytes > self.limit:
            raise ValueError(
                f"`{self.name}` needs {COPIES * num_bytes / 1e9:.1f} GB of memory or more, and "
                f"{self.limit / 1e9:.1f} GB are available. Read fewer columns or a part of the "
                f"file, or set the environment variable `{MEMORY_VARIABLE}` to the gigabytes it "
                f"may take. Received: path={self.name!r}"
            )


def first_bytes(path: Path) -> bytes:
    """The four bytes by which packed files are known."""
    with open(path, "rb") as file:
        return file.read(4)


def find_parts(path: str | Path) -> list[Part]:
    """The files that a path means: a file, a folder or pattern of files, or a zip archive.

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
    if not str(path).strip():
        raise ValueError(f"`path` must name a file or folder. Received: path={path!r}")
    path = Path(path).expanduser()
    if path.is_file():
        return [_open_archive(path) if first_bytes(path) == b"PK\x03\x04" else Part(path)]
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is not None and first_bytes(archive) == b"PK\x03\x04":
        return [_open_archive(archive, path.relative_to(archive).as_posix())]
    root = path if path.is_dir() else Path(*_before_pattern(path.parts))
    found = path.rglob("*") if path.is_dir() else root.glob("/".join(path.parts[len(root.parts) :]))
    files = [file for file in sorted(found, key=_in_counting_order) if _is_data(file, root)]
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
        if copies:
            raise ValueError(
                f"`path` means {copies[0].name!r} and {file.name!r}, which look like copies: keep "
                f"one of them, or name the files to read. Received: path={str(file.parent)!r}"
            )
        known[name].append(file)
        alike.append(file)


def _before_pattern(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of a path up to the first that holds a `*`, `?` or `[`; all but the last else."""
    marked = (n for n, part in enumerate(parts) if set(part) & set("*?["))
    return parts[: next(marked, len(parts) - 1)]


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
    if len(chosen) != 1:
        raise ValueError(
            f"`path` must name one file of the archive {path.name!r}, as in "
            f"'{path.name}/{next(iter(data), 'events.csv')}'. It holds {data[:20]}. "
            f"Received: path={str(path if wanted is None else path / wanted)!r}"
        )
    if members[chosen[0]].flag_bits & 1:
        raise Part(path).refuse("the archive is encrypted")
    return Part(path, chosen[0])
