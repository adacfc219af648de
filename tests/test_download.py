import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from recmodels.data.download import Download, download_file, download_folder

BODY = b"user,item\n1,2\n" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server():
    """A web server on this machine that sends half of `/short` and all of anything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
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


def test_file_arrives_whole_with_progress(server, tmp_path, capsys):
    target = download_file(f"{server}/log.csv", tmp_path / "log.csv", SHA256)
    assert target.read_bytes() == BODY
    assert capsys.readouterr().err.endswith("of 0.0 MB\n")


def test_truncated_download_names_both_sizes_and_leaves_nothing(server, tmp_path):
    with pytest.raises(ValueError, match="short.csv.*14,000 bytes. Received: 7,000 bytes"):
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


def test_folder_is_whole_or_not_there(server, tmp_path):
    good = Download(f"{server}/a.csv", SHA256)
    with pytest.raises(ValueError, match="wrong checksum"):
        download_folder((good, Download(f"{server}/b.csv", "0" * 64)), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    download_folder((good,), tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.csv"]


def test_goes_on_without_a_file_that_is_not_required(server, tmp_path, capsys):
    missing = Download("file:///nowhere/titles.csv", SHA256, required=False)
    download_folder((missing, Download(f"{server}/a.csv", SHA256)), tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.csv"]
    assert "Going on without titles.csv" in capsys.readouterr().err


def test_archive_is_unpacked_without_its_top_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("set/", "")
        archive.writestr("set/a.csv", "1,2\n")
        archive.writestr("../../escape.csv", "3,4\n")
    sha256 = hashlib.sha256((tmp_path / "set.zip").read_bytes()).hexdigest()
    target = download_folder(
        (Download((tmp_path / "set.zip").as_uri(), sha256),), tmp_path / "data"
    )
    assert sorted(path.name for path in target.iterdir()) == ["a.csv", "escape.csv"]


def test_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"lacks the files.*Received: \['notes.txt'\]"):
        download_folder((Download("file:///nowhere/a.csv", SHA256),), tmp_path)
