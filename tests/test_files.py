"""Whole files and locks: after kills, with several writers, and what is cleaned up."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from recmodels.data import files
from recmodels.data.files import locked, written_whole

# The module alone: the whole package takes a second to import.
KILLED_WRITER = f"""
import os, runpy, signal, sys
files = runpy.run_path({files.__file__!r})
with files["locked"](sys.argv[1]), files["written_whole"](sys.argv[1]) as unfinished:
    unfinished.write_text("half")
    print("holds", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_and_its_lock_is_free(tmp_path):
    path = tmp_path / "log.csv"
    command = [sys.executable, "-c", KILLED_WRITER, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL and ended.stdout == "holds\n"
    assert len(list(tmp_path.glob(".log.csv.*.unfinished"))) == 1
    with locked(path), written_whole(path) as unfinished:
        unfinished.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"] and path.read_text() == "whole"


@pytest.mark.parametrize(
    "left, days, removed",
    [
        (f"{files.HOST}.{2**22 + 1}.0123abcd", 0, True),  # No system has so high a process number.
        (f"{files.HOST}.{os.getpid()}.0123abcd", 0, False),
        (f"{files.HOST}.{os.getpid()}.0123abcd", 2, True),  # The number went to another process.
        (f"another-machine.{2**22 + 1}.0123abcd", 0, False),
        (f"another-machine.{2**22 + 1}.0123abcd", 2, True),
        (f"{2**22 + 1}", 2, True),  # As earlier versions named them.
    ],
    ids=["ended", "running", "number reused", "other machine", "other machine, old", "old name"],
)
def test_leftovers_of_ended_processes_are_removed(left, days, removed, tmp_path):
    leftover = tmp_path / f".log.csv.{left}.unfinished"
    leftover.write_text("half")
    os.utime(leftover, (time.time() - days * 86_400,) * 2)
    with written_whole(tmp_path / "log.csv") as unfinished:
        unfinished.write_text("whole")
    assert leftover.exists() != removed


def test_several_threads_may_write_one_file(tmp_path):
    path, barrier = tmp_path / "log.csv", threading.Barrier(4)

    def write(text):
        with written_whole(path) as unfinished:
            barrier.wait()  # All of them have a file open.
            unfinished.write_text(text)

    threads = [threading.Thread(target=write, args=(letter * 1000,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in [letter * 1000 for letter in "abcd"]
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"]


def test_a_lock_excludes_other_processes_and_leaves_no_file(tmp_path):
    path, inside, most = tmp_path / "log.csv", [], []

    def enter():
        for _ in range(5):
            with locked(path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20 and list(tmp_path.iterdir()) == []


def test_a_lock_ends_with_an_error_inside(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "log.csv"):
        raise KeyError
    with locked(tmp_path / "log.csv"):
        pass
    assert list(tmp_path.iterdir()) == []
