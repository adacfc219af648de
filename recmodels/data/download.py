"""Fetch files from their official address, checked and never half-written."""

import hashlib
import os
import shutil
import sys
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path

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


def download_folder(downloads: tuple[Download, ...], target: Path) -> Path:
    """Fill a new folder with files, or leave nothing behind.

    Args:
        downloads: what to fetch; archives are unpacked without their top folder.
        target: the folder to make.

    Raises:
        ValueError: `target` holds something else already, or a file arrived broken.
        ConnectionError: an address cannot be reached.
    """
    if target.exists() and any(target.iterdir()):
        raise ValueError(
            f"`{target}` is there already and lacks the files that were looked for. Move it away, "
            f"or put the missing files into it. Received: {sorted(os.listdir(target))[:8]}"
        )
    # A name of its own for each process: two of them may fetch the same set at once.
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        for download in downloads:
            _fetch_into(download, unfinished)
        os.replace(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _fetch_into(download: Download, folder: Path) -> None:
    try:
        file = download_file(download.url, folder / download.filename, download.sha256)
    except OSError as error:
        if download.required:
            raise
        print(f"Going on without {download.filename}: {error}", file=sys.stderr)
        return
    if file.suffix == ".zip":
        _unpack(file, folder)
        file.unlink()


def download_file(url: str, target: Path, sha256: str) -> Path:
    """Fetch one file under a temporary name, check it, and only then give it its own.

    Progress goes to standard error.

    Raises:
        ValueError: the file is shorter than announced or has another checksum.
        ConnectionError: the address cannot be reached.
    """
    unfinished = target.with_name(target.name + ".part")
    try:
        received = _stream(url, unfinished)
        if received != sha256:
            raise ValueError(
                f"`{target.name}` from {url} has the wrong checksum: the file has changed or was "
                f"damaged on the way. Expected sha256={sha256}. Received: sha256={received}"
            )
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _stream(url: str, target: Path) -> str:
    """Copy an address to a file and return the sha256 of what came."""
    digest, done = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            total = int(response.headers.get("Content-Length") or 0)
            with open(target, "wb") as file:
                while chunk := _read(response):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    _show_progress(url, done, total)
    except (urllib.error.URLError, HTTPException, TimeoutError) as error:
        raise ConnectionError(
            f"Could not fetch {url} ({error}). Check the connection, or fetch it by hand: "
            "data/README.md says what goes where."
        ) from error
    if done < total:
        raise ValueError(
            f"The download of `{url}` was cut off: try again. Expected {total:,} bytes. "
            f"Received: {done:,} bytes"
        )
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


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of a zip archive into a folder, dropping the folders inside it."""
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if member.is_dir():
                continue
            with (
                packed.open(member) as source,
                open(folder / Path(member.filename).name, "wb") as out,
            ):
                shutil.copyfileobj(source, out)
