import hashlib
import os
import stat
import threading
import warnings
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from recmodels.data import archives
from recmodels.data.download import Download, download_file, download_folder

BODY = b"user,item\n1,2\n" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server():
    """A web server on this machine that sends half of `/short.csv` and all of anything else.

    It does not say how long `/endless.csv` is.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            if self.path != "/endless.csv":
                self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/short.csv" else BODY)

        def log_message(self, *args):
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}"
    web.shutdown()
    web.server_close()


def test_a_download_is_complete_and_reports_progress(server, tmp_path, capsys):
    target = download_file(f"{server}/log.csv", tmp_path / "log.csv", SHA256)
    assert target.read_bytes() == BODY
    assert capsys.readouterr().err.endswith("of 0.0 MB\n")


def test_truncated_download_names_both_sizes_and_leaves_nothing(server, tmp_path):
    with pytest.raises(ValueError, match="short.csv.*14,000 bytes. Received: bytes=7000"):
        download_file(f"{server}/short.csv", tmp_path / "short.csv", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum_names_both_and_leaves_nothing(server, tmp_path):
    with pytest.raises(ValueError, match=f"log.csv.*sha256={'0' * 64}.*Received: sha256={SHA256}"):
        download_file(f"{server}/log.csv", tmp_path / "log.csv", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_survives_a_failed_download(server, tmp_path):
    (tmp_path / "log.csv").write_text("old")
    with pytest.raises(ValueError):
        download_file(f"{server}/log.csv", tmp_path / "log.csv", "0" * 64)
    assert (tmp_path / "log.csv").read_text() == "old"


def test_unreachable_address_is_named(tmp_path):
    with pytest.raises(ConnectionError, match="Could not fetch file:///nowhere.*by hand"):
        download_file("file:///nowhere/log.csv", tmp_path / "log.csv", SHA256)


def test_a_folder_is_complete_or_does_not_exist(server, tmp_path):
    good = Download(f"{server}/a.csv", SHA256)
    with pytest.raises(ValueError, match="wrong checksum"):
        download_folder((good, Download(f"{server}/b.csv", "0" * 64)), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    download_folder((good,), tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.csv"]


def test_a_file_that_is_not_required_may_be_missing(server, tmp_path, capsys):
    missing = Download("file:///nowhere/titles.csv", SHA256, required=False)
    download_folder((missing, Download(f"{server}/a.csv", SHA256)), tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.csv"]
    assert "Going on without titles.csv" in capsys.readouterr().err


def zipped(folder, *members, name="set.zip", required=True):
    """An archive of members, each a name or a `ZipInfo` and its content, as it is downloaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of two members with one name.
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members:
                archive.writestr(member, content)
    return as_download(folder / name, required)


def as_download(path, required=True):
    return Download(path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest(), required)


def member(name, mode=0, dos=0):
    """The description of a member with the bits of Unix (`mode`) and of Windows (`dos`)."""
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16 | dos
    return found


def test_archive_is_unpacked_without_its_folders(tmp_path):
    found = zipped(
        tmp_path,
        ("set/", ""),
        (member("set/deep/", stat.S_IFDIR | 0o755), ""),
        ("set/a.csv", "1,2\n"),
        (member("set\\b.csv"), "3,4\n"),
        (member("./set/deep/c..csv", stat.S_IFREG | 0o644), "5,6\n"),
    )
    target = download_folder((found,), tmp_path / "data", ("a.csv",))
    assert sorted(path.name for path in target.iterdir()) == ["a.csv", "b.csv", "c..csv"]
    assert (target / "b.csv").read_text() == "3,4\n"


REFUSED_MEMBERS = {
    "above the folder": [("../b.csv", "1")],
    "above the folder from inside": [("set/../../b.csv", "1")],
    "above the folder, as Windows writes it": [("..\\b.csv", "1")],
    "from the root": [("/tmp/b.csv", "1")],
    "from the root, as Windows writes it": [("C:\\tmp\\b.csv", "1")],
    "a drive of Windows": [("C:b.csv", "1")],
    "a folder above": [("../set/", "")],
    "a link": [(member("set/b.csv", stat.S_IFLNK | 0o777), "/etc/passwd")],
    "a pipe": [(member("set/b.csv", stat.S_IFIFO | 0o644), "")],
    "a folder where a file is expected": [(member("set/b.csv", stat.S_IFDIR | 0o755), "")],
    "the same, as Windows writes it": [(member("set/b.csv", dos=0x10), "")],
    "no name": [("set/.", "1")],
    "two files of one name": [("x/b.csv", "1"), ("y/b.csv", "2")],
    "names that Windows takes for one": [("x/b.csv", "1"), ("y/B.csv", "2")],
    "the same member twice": [("set/b.csv", "1"), ("set/b.csv", "2")],
    "the name of the archive": [("set/set.zip", "1")],
}


@pytest.mark.parametrize("kind", REFUSED_MEMBERS)
def test_an_archive_with_an_unsafe_member_is_refused(kind, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    found = zipped(tmp_path, ("set/a.csv", "1"), *REFUSED_MEMBERS[kind])
    with pytest.raises(ValueError, match="`set.zip` must hold .*Received: member='"):
        download_folder((found,), home / "set")
    assert list(home.iterdir()) == [] and not (tmp_path / "b.csv").exists()


def damaged(tmp_path, kind):
    """A file that is no whole archive."""
    path = tmp_path / "set.zip"
    zipped(tmp_path, ("set/a.csv", "1,2\n" * 1000))
    content = bytearray(path.read_bytes())
    if kind == "text":
        content = b"<html>Not found</html>"
    elif kind == "cut":
        content = content[:-40]
    elif kind == "a bit":
        content[45] ^= 0xFF
    elif kind == "a password":
        start = content.index(b"PK\x01\x02")
        content[6] |= 1
        content[start + 8] |= 1
    elif kind == "an unknown method":
        start = content.index(b"PK\x01\x02")
        content[8] = content[start + 10] = 97
    path.write_bytes(content)
    return as_download(path)


@pytest.mark.parametrize(
    "kind", ["text", "cut", "a bit", "a password", "an unknown method", "empty"]
)
def test_damaged_archive_is_one_sentence(kind, tmp_path):
    found = damaged(tmp_path, kind)
    if kind == "empty":
        (tmp_path / "set.zip").write_bytes(b"")
        found = as_download(tmp_path / "set.zip")
    with pytest.raises(ValueError, match="`set.zip` must be a whole zip archive.*Received: "):
        download_folder((found,), tmp_path / "home" / "set")
    assert list((tmp_path / "home").iterdir()) == []


def test_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    found = zipped(tmp_path, ("a.csv", "0" * 100_000), ("b.csv", "0" * 100_000))
    monkeypatch.setattr(archives, "MOST_BYTES", 150_000)
    with pytest.raises(ValueError, match="set.zip.*150,000 bytes.*Received: bytes=200000"):
        download_folder((found,), tmp_path / "home" / "set")
    assert list((tmp_path / "home").iterdir()) == []


def test_archive_larger_than_the_free_disk_is_refused(tmp_path, monkeypatch):
    found = zipped(tmp_path, ("a.csv", "0" * 100_000))
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: SimpleNamespace(free=50_000))
    with pytest.raises(ValueError, match="50,000 bytes here: free some space.*bytes=100000"):
        download_folder((found,), tmp_path / "home" / "set")


@pytest.mark.parametrize("path", ["log.csv", "endless.csv"])
def test_file_larger_than_there_is_room_is_refused(path, server, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 10_000)
    with pytest.raises(ValueError, match=f"{path}.*10,000 bytes.*Received: bytes=14000"):
        download_file(f"{server}/{path}", tmp_path / path, SHA256)
    assert list(tmp_path.iterdir()) == []


OPTIONAL_FAULTS = {
    "wrong checksum": lambda folder, server: Download(f"{server}/titles.csv", "0" * 64, False),
    "cut off": lambda folder, server: Download(f"{server}/short.csv", SHA256, False),
    "no archive": lambda folder, server: Download(f"{server}/titles.zip", SHA256, False),
    "a member that leaves": lambda folder, server: zipped(
        folder, ("titles.csv", "1"), ("../b.csv", "2"), required=False
    ),
    "a file that is there": lambda folder, server: zipped(
        folder, ("titles.csv", "1"), ("a.csv", "2"), required=False
    ),
}


@pytest.mark.parametrize("fault", OPTIONAL_FAULTS)
def test_file_that_is_not_required_is_not_kept_when_it_arrives_wrong(
    fault, server, tmp_path, capsys
):
    wanted = Download(f"{server}/a.csv", SHA256)
    optional = OPTIONAL_FAULTS[fault](tmp_path, server)
    target = download_folder((wanted, optional), tmp_path / "home" / "set", ("a.csv",))
    assert [path.name for path in target.iterdir()] == ["a.csv"]
    assert (target / "a.csv").read_bytes() == BODY
    assert f"Going on without {optional.filename}: " in capsys.readouterr().err


def test_archive_without_the_expected_file_is_refused(tmp_path):
    found = zipped(tmp_path, ("set/u.data/", ""), ("set/readme.txt", "1"))
    with pytest.raises(ValueError, match=r"without u.data.*Received: files=\['readme.txt'\]"):
        download_folder((found,), tmp_path / "home" / "set", ("u.data",))
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("files", [(), ("a.csv",)])
def test_concurrent_downloads_of_one_set_fetch_it_once(files, server, tmp_path, capsys):
    wanted, barrier, found = Download(f"{server}/a.csv", SHA256), threading.Barrier(3), []

    def fetch():
        barrier.wait()
        found.append(download_folder((wanted,), tmp_path / "set", files))

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "set"] * 3
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "a.csv"]
    assert capsys.readouterr().err.count("Fetching") == 1


def test_a_set_that_was_filled_before_the_call_is_taken(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.csv.gz").write_text("1")
    missing = Download("file:///nowhere/a.csv", SHA256)
    assert download_folder((missing,), tmp_path / "set", ("a.csv",)) == tmp_path / "set"


def test_what_a_killed_download_left_is_removed(server, tmp_path):
    for name in (".set.12345.part", f".set.{os.getpid()}.part", ".another.1.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.csv").write_text("1")
    download_folder((Download(f"{server}/a.csv", SHA256),), tmp_path / "set")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".another.1.part", "set"]


def test_a_folder_with_other_files_is_not_changed(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"lacks the files.*Received: files=\['notes.txt'\]"):
        download_folder((Download("file:///nowhere/a.csv", SHA256),), tmp_path)
