"""Write folders atomically, and read them consistently while others replace them."""

import contextlib
import errno
import glob
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from recmodels.data.errors import invalid, require
from recmodels.data.files import is_left_behind, temporary_name, write_json
from recmodels.data.forms import parse_json

SUMS = "checksums.json"
STALE_SECONDS = 3600  # Reading a folder that was replaced takes less than an hour.
ATTEMPTS = 100  # Of taking the place of a folder that others are replacing too.
LOOKS = 10  # Before a folder is not there: a look may begin before a replacement and end after it.
T = TypeVar("T")
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES)  # Windows says the last.


@contextlib.contextmanager
def atomic_dir(folder: Path) -> Iterator[Path]:
    """Yield a folder to write to; it replaces `folder` if no error occurs.

    Several may be written at once, by threads or processes: each is whole, the last one stays.

    Raises:
        ValueError: the folder holds other things than what was written here before.
        OSError: writing failed, for want of space perhaps. What was there before is untouched.
    """
    _check_replaceable(folder)
    unfinished = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        unfinished = temporary_name(folder, "unfinished")
        unfinished.mkdir()
        yield unfinished
        write_json(unfinished / SUMS, checksums(unfinished))
        _put_in_place(unfinished, folder)
    except OSError as error:
        raise OSError(
            error.errno,
            f"The folder could not be written ({error.strerror or error}). Free some space or "
            "choose another folder; what was there before is untouched",
            str(folder),
        ) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)


def read_consistently(folder: Path, read: Callable[[Path], T]) -> T:
    """Return `read(folder)`, where all files are from the same version of the folder.

    A folder that is replaced meanwhile is read again.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a file is missing or has changed, or what `read` raises.
    """
    for _ in range(ATTEMPTS):
        present = _present(folder)
        before = _stamp(present)
        try:
            content = read(present)
        except (OSError, ValueError):
            # Without a stamp the folder was between two renames when the reading began.
            if before is not None and _stamp(present) == before and _present(folder) == present:
                raise
            continue
        if before is not None and _stamp(present) == before:
            return content
    raise OSError(errno.EBUSY, "The folder is replaced faster than it can be read", str(folder))


def _present(folder: Path) -> Path:
    """Return the folder, or what an interrupted replacement left of it."""
    missed = 0
    for _ in range(ATTEMPTS):
        left = sorted(_neighbours(folder, "previous"), key=lambda path: _stamp(path) or (0, 0))
        for path in (folder, *reversed(left)):
            if path.is_dir():
                return path
        if left or _neighbours(folder, "unfinished"):
            continue  # Another process is replacing it: it is between two renames.
        missed += 1
        if missed == LOOKS:
            break
    raise FileNotFoundError(
        f"`folder` must be the folder of a bundle. Received: folder={str(folder)!r}"
    )


def _stamp(folder: Path) -> tuple[int, int] | None:
    """Identify a version of a folder; later versions compare larger."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


def read_json(path: Path) -> dict:
    """Read the object in a JSON file of a bundle.

    Raises:
        ValueError: there is none.
    """
    try:
        if not _is_plain(path):
            raise FileNotFoundError("there is no such plain file")
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise no_bundle(path.parent, f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise no_bundle(path.parent, f"{path.name} holds no JSON object")
    return content


def no_bundle(folder: Path, why: str) -> ValueError:
    """Make the error for a folder that is not a bundle."""
    message = "`folder` is not a whole bundle, as `Recommender.save` or `make run` writes them"
    return invalid(message, folder=folder, problem=why)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the list of them, by path within the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SUMS)
    return {path.relative_to(folder).as_posix(): _checksum(path) for path in files}


def check_files(folder: Path) -> set[str]:
    """The names of all files of a bundle, which are plain, listed and as they were written.

    Raises:
        ValueError: a file is missing, not listed or has changed.
    """
    listed = read_json(folder / SUMS)
    present = _contents(folder)
    present.pop(SUMS, None)
    wrong = {name: "not listed" for name in present.keys() - listed.keys()}
    for name, written in listed.items():
        if Path(name).name != name:
            wrong[name] = "not in the folder"
        elif name not in present:
            wrong[name] = "missing"
        elif not _is_plain(present[name]):
            wrong[name] = "no plain file"
        elif _checksum(present[name]) != written:
            wrong[name] = "changed"
    require(
        not wrong,
        "The bundle is damaged: copy it again from where it was made, or train again. Files that "
        "do not belong to it must be moved elsewhere",
        folder=folder,
        files=dict(sorted(wrong.items())),
    )
    return set(listed)


def _is_plain(path: Path) -> bool:
    """Whether a file is here and not behind a link, a pipe or a device."""
    return path.is_file() and not path.is_symlink()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _neighbours(folder: Path, kind: str) -> list[Path]:
    return list(folder.parent.glob(f".{glob.escape(folder.name)}.*.{kind}"))


def _put_in_place(unfinished: Path, folder: Path) -> None:
    """Two renames: no system call that works everywhere replaces a folder that is not empty.

    Between them another writer may take the place: then its folder is the previous one.
    """
    aside = []
    for attempt in range(ATTEMPTS):
        try:
            unfinished.rename(folder)
            break
        except OSError as error:
            if error.errno not in _OCCUPIED or attempt == ATTEMPTS - 1:
                raise
        aside += _moved_aside(folder)
    for previous in aside:
        _remove(previous, folder)


def _moved_aside(folder: Path) -> list[Path]:
    """Where the folder now is, if it was still there."""
    previous = temporary_name(folder, "previous")
    try:
        os.utime(folder)  # It counts as left behind from now on, however old it is.
        folder.rename(previous)
    except FileNotFoundError:
        return []
    return [previous]


def _remove(path: Path, folder: Path) -> None:
    """Rename, then delete: nobody takes what is half deleted for the previous folder."""
    gone = temporary_name(folder, "unfinished")
    with contextlib.suppress(FileNotFoundError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    """Raise unless the folder is missing, empty or what was written here and nothing else."""
    foreign = ["no folder but a file"] if folder.is_file() else []
    if folder.is_dir():
        foreign = read_consistently(folder, _foreign_files)
    must = "`folder` must be new, empty, or written by this command: nothing else is deleted"
    require(not foreign, f"{must}. Name another folder", folder=folder, holds=foreign[:5])


def _foreign_files(folder: Path) -> list[str]:
    """Files that the list of checksums does not name."""
    present = {name for name, path in _contents(folder).items() if path.is_file()}
    try:
        ours = {SUMS, *read_json(folder / SUMS)}
    except ValueError:  # Without the list nothing is known to be ours.
        ours = {SUMS}
    return sorted(present - ours)


def _remove_stale(folder: Path) -> None:
    """Remove what interrupted processes left next to the folder."""
    for path in _neighbours(folder, "unfinished"):
        if is_left_behind(path):
            _remove(path, folder)
    for path in _neighbours(folder, "previous") if folder.exists() else []:
        stamp = _stamp(path)  # None where its owner has just removed it.
        if stamp is not None and time.time() - stamp[0] / 1e9 > STALE_SECONDS:
            _remove(path, folder)


def _contents(folder: Path) -> dict[str, Path]:
    """Everything in a folder by name, after removing what a killed process was writing there."""
    for path in folder.glob(".*.unfinished"):
        if is_left_behind(path):
            path.unlink(missing_ok=True)
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
