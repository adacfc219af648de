"""Download files from their official address, with checks, atomically."""

import glob
import hashlib
import os
import shutil
import sys
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path

from recmodels.data.archives import check_size, room_in, unpack
from recmodels.data.errors import invalid, require
from recmodels.data.files import find_file, locked, written_whole
from recmodels.data.text import visible

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Download:
    """One file of a data set.

    Args:
        url: its official address; a `.zip` is unpacked.
        sha256: of the file at that address, in hex.
        required: whether the data set is of no use without it.
    """

    url: str
    sha256: str
    required: bool = True

    @property
    def filename(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def download_folder(
    downloads: tuple[Download, ...], target: Path, files: tuple[str, ...] = ()
) -> Path:
    """Download files to a new folder; remove everything if a step fails.

    Several threads and processes may fetch one folder at once: the first one downloads, the others
    wait for it. Temporary files of killed processes are removed.

    Args:
        downloads: what to fetch; archives are unpacked without their folders.
        target: the folder to make.
        files: if the folder has any of these, plain or packed with gzip, nothing is downloaded.

    Raises:
        ValueError: `target` holds something else already, or a file arrived broken.
        ConnectionError: an address cannot be reached.
    """
    was_filled = _is_filled(target)
    with locked(target):
        if _is_filled(target):
            if not was_filled or find_file(target, *files):
                return target  # Another process has just filled it.
            message = f"`{target}` is there already and lacks the files that were looked for. Move "
            message += "it away, or put the missing files into it"
            raise invalid(message, files=sorted(os.listdir(target))[:8])
        for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
            shutil.rmtree(left, ignore_errors=True)  # Who wrote it would hold the lock.
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
        unfinished.mkdir()
        try:
            for download in downloads:
                _fetch_into(download, unfinished)
            arrived = sorted(os.listdir(unfinished))[:8]
            without = f"`{target.name}` arrived without {' or '.join(files)}"
            complete = not files or find_file(unfinished, *files)
            require(complete, f"{without}: the archive has changed", files=arrived)
            os.replace(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _is_filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _fetch_into(download: Download, folder: Path) -> None:
    """Fetch one file and unpack it; remove it if it fails and is not required."""
    staging = folder / f".{download.filename}"
    try:
        staging.mkdir()
        file = download_file(download.url, staging / download.filename, download.sha256)
        if file.suffix == ".zip":
            unpack(file, staging)
            file.unlink()
        twice = sorted({path.name for path in staging.iterdir()} & set(os.listdir(folder)))
        must = f"`{download.filename}` must bring no file that is there already"
        require(not twice, must, files=twice)
        for path in staging.iterdir():
            path.rename(folder / path.name)
    except (OSError, ValueError) as error:
        if download.required:
            raise
        print(f"Going on without {download.filename}: {visible(error)}", file=sys.stderr)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def download_file(url: str, target: Path, sha256: str) -> Path:
    """Download one file under a temporary name, check it, and then rename it.

    Progress goes to standard error.

    Raises:
        ValueError: the file is shorter than announced, too large, or has another checksum.
        ConnectionError: the address cannot be reached.
    """
    with written_whole(target) as unfinished:
        received = _stream(url, unfinished)
        if received != sha256:  # Both as plain text, to compare them.
            message = f"`{target.name}` from {url} has the wrong checksum: it has changed or was "
            message += f"damaged on the way. Expected sha256={sha256}"
            raise ValueError(f"{message}. Received: sha256={received}")
    return target


def _stream(url: str, target: Path) -> str:
    """Copy an address to a file and return the sha256 of the content."""
    digest, done = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            announced, room = response.headers.get("Content-Length", ""), room_in(target.parent)
            total = int(announced) if announced.isdigit() else 0
            check_size(url, total, room)
            with open(target, "wb") as file:
                while chunk := _read(response):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    check_size(url, done, room)
                    _show_progress(url, done, total)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise ConnectionError(
            f"Could not fetch {url} ({error}). Check the connection, or fetch it by hand: "
            "data/README.md says what goes where."
        ) from error
    message = f"The download of `{url}` was cut off: try again. Expected {total:,} bytes"
    require(done >= total, message, bytes=done)
    return digest.hexdigest()


def _read(response) -> bytes:
    try:
        return response.read(CHUNK_BYTES)
    except IncompleteRead as error:  # The length check names the file and both sizes.
        return error.partial


def _show_progress(url: str, done: int, total: int) -> None:
    size = f" of {total / 1e6:.1f}" if total else ""
    end = "\n" if done == total else ""
    print(f"\rFetching {url}: {done / 1e6:.1f}{size} MB", end=end, file=sys.stderr, flush=True)
