"""Ctrl-C, a kill and a full disk, in a process of their own."""

import json
import re
import resource
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

PATIENCE = 300  # Seconds: other work may keep the machine busy.
LIMIT = 40_000  # Bytes a file may have: less than a checkpoint, more than anything before it.


@pytest.fixture
def my_log(tmp_path):
    """A ring of eleven items, learnt after some epochs, but not after two."""
    lines = ["user,item,timestamp"]
    for user in range(400):
        lines += [f"u{user},s{(user + t) % 11},{10**9 + t}" for t in range(12)]
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


def wait_for_epochs(checkpoint, process, count=2):
    """Until the checkpoint was replaced so often; of the last epoch nothing may be printed yet."""
    seen = {checkpoint.stat().st_ino} if checkpoint.exists() else {None}
    for _ in range(20 * PATIENCE):
        if checkpoint.exists():
            seen.add(checkpoint.stat().st_ino)
        if process.poll() is not None or len(seen) > count:
            return
        time.sleep(0.05)


def finish(process):
    """What it printed; it never outlives its test."""
    try:
        return process.communicate(timeout=PATIENCE)
    finally:
        process.kill()


def stop(process, sign):
    process.send_signal(sign)
    output, errors = finish(process)
    assert "Traceback" not in errors
    return errors


def epochs_in(errors):
    return [int(number) for number in re.findall(r"  epoch (\d+)/", errors)]


def test_a_stopped_run_continues_where_it_stopped(my_log):
    folder = my_log.parent / "runs" / "my_log"
    process = start(my_log)
    wait_for_epochs(folder / "checkpoint.npz", process)
    errors = stop(process, signal.SIGINT)
    assert process.returncode == 130, errors
    assert "recmodels: stopped. Finished epochs and steps are kept" in errors
    first = epochs_in(errors)

    process = start(my_log)
    wait_for_epochs(folder / "checkpoint.npz", process)
    errors = stop(process, signal.SIGKILL)
    assert process.returncode == -9, errors
    second = epochs_in(errors)
    assert first[0] == 1 and second[0] > first[-1]
    assert not (folder / "bundle").exists()

    process = start(my_log)
    output, errors = finish(process)
    assert process.returncode == 0, errors
    assert epochs_in(errors)[0] > second[-1] and "SASRec" in output
    assert (folder / "bundle" / "checksums.json").is_file()


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(my_log):
    def small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    process = start(my_log, prepare=small_files_only)
    _, errors = finish(process)
    assert process.returncode == 2 and "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("recmodels: [Errno 27] File too large")
    left = [path for path in (my_log.parent / "runs").rglob("*") if path.is_file()]
    # Whose folder it is and the options of counted models, both whole.
    assert {path.name for path in left} <= {"choices.json", "dataset.txt"}
    for path in left:
        assert path.suffix == ".txt" or json.loads(path.read_text("utf-8"))
