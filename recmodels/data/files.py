"""Find data folders, and write files atomically."""

import errno
import glob
import json
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import psutil

from recmodels.data.errors import require

try:
    import fcntl
except ImportError:  # Windows.
    import msvcrt

    fcntl = None

DATA_VARIABLE = "RECMODELS_DATA"
HOST = socket.gethostname().replace(".", "-")
STALE_SECONDS = 86_400  # No process writes one file for a day: what is older was left behind.
LOOK_SECONDS = 0.02  # Between two looks at a lock that another holds.
_OWNER = re.compile(r"\.(?P<host>[^.]+)\.(?P<process>\d+)\.[0-9a-f]{8}\.unfinished$")


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of `names`, which may be patterns, that a folder holds, plain or gzipped."""
    for pattern in (f"{name}{packed}" for name in names for packed in ("", ".gz")):
        for candidate in sorted(folder.glob(pattern)):
            if candidate.is_file():
                return candidate
    return None


def data_roots() -> list[Path]:
    """Folders that may hold data sets, in the order to look: `RECMODELS_DATA`, then `data/`.

    Raises:
        ValueError: `RECMODELS_DATA` names a folder that does not exist.
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return [project_data()]
    must = f"The environment variable `{DATA_VARIABLE}` must name a folder"
    require(Path(named).is_dir(), must, RECMODELS_DATA=named)
    return [Path(named), project_data()]


def project_data() -> Path:
    """Return the `data/` folder of the project that contains the working directory."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "data" / "README.md").is_file():
            return folder / "data"
    return here / "data"


@contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary name to write to; it is renamed when the block ends without an error.

    After a kill, a power failure or a full disk the previous file is still there. Each writer has
    its own temporary name, so that threads and processes may write the same file at once; the last
    one to finish replaces it. Temporary files of killed processes are removed. A missing folder is
    created.

    Example:
        >>> with written_whole("results/table.md") as unfinished:
        ...     unfinished.write_text("| model | ndcg@10 |")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*unfinished"):
        if is_left_behind(left):
            left.unlink(missing_ok=True)
    unfinished = temporary_name(path, "unfinished")
    try:
        yield unfinished
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())  # Else a power failure may keep the new name without content.
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content, sort: bool = True) -> None:
    """Write a value as JSON, with NumPy's numbers and arrays as Python's, one value per line.

    Args:
        path: of the file.
        content: of dicts, lists, texts and finite numbers.
        sort: whether names are sorted, so that differences are readable; otherwise they keep their
            order.

    Raises:
        ValueError: JSON cannot hold it.
    """
    try:
        text = json.dumps(
            content, indent=1, sort_keys=sort, ensure_ascii=False, allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The content of `{Path(path).name}` must hold only what JSON can: texts, finite "
            f"numbers, lists, dicts. Received: {error}"
        ) from error
    with written_whole(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")


def _plain(value):
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} of type {type(value).__name__}")


def temporary_name(path: Path, kind: str) -> Path:
    """A unique hidden name in the folder of a path, which contains its owner."""
    owner = f"{HOST}.{os.getpid()}.{secrets.token_hex(4)}"
    return path.with_name(f".{path.name}.{owner}.{kind}")


def is_left_behind(unfinished: Path) -> bool:
    """Whether the process that writes a temporary file has ended; by age where that is unknown."""
    owner = _OWNER.search(unfinished.name)
    if owner and owner["host"] == HOST and not psutil.pid_exists(int(owner["process"])):
        return True
    try:
        return time.time() - unfinished.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False  # Its writer has just finished.


@contextmanager
def locked(path: str | os.PathLike) -> Iterator[None]:
    """Lock a path against other threads and processes inside the block.

    The lock is on the file `.NAME.lock` in the same folder. It ends with the process that holds it,
    even if that is killed. A wait of more than a second prints a line to standard error.

    Example:
        >>> with locked(path):
        ...     write_json(path, {**read_json(path), "seed": 1})
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, told, began = path.with_name(f".{path.name}.lock"), False, time.monotonic()
    while (file := _try_lock(lock)) is None:
        time.sleep(LOOK_SECONDS)
        if not told and time.monotonic() - began > 1:
            print(f"Waiting for another process that writes {path}", file=sys.stderr)
            told = True
    with file:
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows does not remove an open file.
                lock.unlink(missing_ok=True)


def _try_lock(lock: Path) -> BinaryIO | None:
    """Open and lock a file; None where another holds it or has just removed it."""
    file = open(lock, "ab")
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            return file
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK, errno.ENOENT):
            file.close()
            raise
    file.close()
    return None
