"""Unpack archives of data sets safely, within their folder and the disk space."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from recmodels.data.errors import invalid, require

MOST_BYTES = 20 << 30  # The largest data set of the registry takes less than a fifth of this.
_DOS_FOLDER = 0x10  # The bit that marks a folder in archives made on Windows.


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of a zip archive into a folder, without the folders inside the archive.

    Raises:
        ValueError: it is no zip archive or is damaged; a member is not a plain file inside the
            archive's folder; two members have one name; or it unpacks to more than there is
            room for.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = _files_of(archive, packed.infolist())
            size = sum(member.file_size for member in members.values())
            check_size(archive.name, size, room_in(folder))
            for name, member in members.items():
                with packed.open(member) as source, open(folder / name, "xb") as out:
                    shutil.copyfileobj(source, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        must = f"`{archive.name}` must be a whole zip archive without a password"
        raise invalid(f"{must}: fetch it again, or unpack it by hand", error=error) from error


def room_in(folder: Path) -> int:
    """Return the bytes that one file or archive may take in a folder."""
    return min(MOST_BYTES, shutil.disk_usage(folder).free)


def check_size(name: str, size: int, room: int) -> None:
    """Raise `ValueError` where a file or archive of `size` bytes takes more than `room` bytes."""
    must = f"`{name}` must not take more than {room:,} bytes here"
    require(size <= room, f"{must}: free some space, or fetch it by hand", bytes=size)


def _files_of(archive: Path, members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The members to unpack, by the names that their files get."""
    files, taken = {}, {archive.name.casefold()}
    for member in members:
        *folders, name = member.filename.replace("\\", "/").split("/")
        kind = stat.S_IFMT(member.external_attr >> 16)
        leaves = ".." in (*folders, name) or ":" in member.filename or folders[:1] == [""]
        if not name and not leaves and kind in (0, stat.S_IFDIR):
            continue  # A folder.
        marked_folder = member.external_attr & _DOS_FOLDER
        plain = name not in ("", ".") and not marked_folder and kind in (0, stat.S_IFREG)
        must = f"`{archive.name}` must hold plain files inside its own folder, one of each name"
        fits = plain and not leaves and name.casefold() not in taken
        require(fits, f"{must}: nothing of it was unpacked", member=member.filename)
        files[name] = member
        taken.add(name.casefold())
    return files
