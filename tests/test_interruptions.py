"""Ctrl-C, a kill and a full disk, in a process of their own."""

import resource
import signal
import subprocess
import sys
import time

import pytest

PATIENCE = 300  # Seconds: other work may keep the machine busy.
LIMIT = 40_000  # Bytes a file may have: less than a checkpoint, more than anything before it.


@pytest.fixture
def my_log(tmp_path):
    """A ring of eleven items with a step now and then, so that training lasts some epochs."""
    lines = ["user,item,timestamp"]
    for user in range(400):
        lines += [f"u{user},s{(user + t + (user * t) % 3) % 11},{10**9 + t}" for t in range(12)]
    path = tmp_path / "my_log.csv"
    path.write_text("\n".join(lines))
    return path


def start(log, prepare=lambda: None):
    def begin():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Jobs in the background inherit deafness.
        prepare()

    command = [sys.executable, "-m", "recmodels", "run", "--dataset", str(log)]
    command += ["--runs", str(log.parent / "runs")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, preexec_fn=begin)


def wait_for(path, process):
    for _ in range(20 * PATIENCE):
        if path.exists() or process.poll() is not None:
            return
        time.sleep(0.05)


def finish(process):
    """What it printed; it never outlives its test."""
    try:
        return process.communicate(timeout=PATIENCE)
    finally:
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_where_it_was(my_log, stop):
    checkpoint = my_log.parent / "runs" / "my_log" / "checkpoint.npz"
    process = start(my_log)
    wait_for(checkpoint, process)
    process.send_signal(stop)
    _, errors = finish(process)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[stop], errors
    assert "Traceback" not in errors
    if stop == signal.SIGINT:
        assert "recmodels: stopped. Training goes on at its last finished epoch" in errors
    assert "  epoch 1/" in errors and not (checkpoint.parent / "bundle").exists()

    process = start(my_log)
    output, errors = finish(process)
    assert process.returncode == 0, errors
    assert "  epoch 1/" not in errors and "SASRec" in output
    assert (checkpoint.parent / "bundle" / "checksums.json").is_file()


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(my_log):
    def small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    process = start(my_log, prepare=small_files_only)
    _, errors = finish(process)
    assert process.returncode == 2 and "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("recmodels: [Errno 27] File too large")
    left = [path for path in (my_log.parent / "runs").rglob("*") if path.is_file()]
    assert left == []
