"""Start the processes of one training on this machine, and end all of them when one dies."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import BinaryIO

from recmodels.training.processes import BY_ROWS, COORDINATOR, COUNT, RANK, check_process_count

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 10.0  # Until a process that was asked to end is killed.
# Replaces itself by the command, after it has asked Linux to kill it when the process that started
# it ends, even by `kill -9`. JAX ignores the signal that `kill` sends by default, and processes
# that go on would write the checkpoint of a job that was started again. A `preexec_fn` would do
# the same in a forked copy of this process, which may stop for ever where JAX has started threads.
STARTER = """
import ctypes, os, signal, sys
PARENT_DEATH_SIGNAL = 1
ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
SHOWN_BYTES = 2_000  # Of what a process that died has written.


def launch(
    command: Sequence[str],
    count: int,
    environment: dict[str, str] | None = None,
    backend: str | None = "jax",
) -> None:
    """Run a command in several processes and wait for all of them.

    The first process has the standard output and error of this one. On Linux each has a share of
    the cores, since otherwise every one starts as many threads as there are cores.

    Args:
        command: such as `[sys.executable, "-m", "recmodels", "train", "shop-sasrec"]`.
        count: number of processes.
        environment: further variables.
        backend: of Keras; only JAX can join processes. None leaves it as it is.

    Raises:
        ValueError: a batch cannot be cut into as many parts.
        ChildProcessError: a process ended with an error or was killed. The others are stopped.
    """
    check_process_count(count)
    shared = {**os.environ, **({"KERAS_BACKEND": backend} if backend else {})}
    shared |= environment or {}
    if BY_ROWS in shared:
        shared.setdefault("MALLOC_ARENA_MAX", "1")  # Each further one keeps freed memory.
    shared |= {COUNT: str(count), COORDINATOR: f"127.0.0.1:{_free_port()}"}
    starter = [sys.executable, "-c", STARTER] if sys.platform == "linux" else []
    logs = [tempfile.TemporaryFile() for _ in range(count - 1)]
    processes = []
    try:
        for rank in range(count):
            output = logs[rank - 1] if rank else None
            process = subprocess.Popen(
                [*starter, *command],
                env={**shared, RANK: str(rank)},
                stdout=output,
                stderr=output,
            )
            processes.append(process)
            _give_cores(process.pid, rank, count)
        _wait(processes, [None, *logs], command)
    finally:
        _end(processes)
        for log in logs:
            log.close()


def _wait(
    processes: list[subprocess.Popen], logs: list[BinaryIO | None], command: Sequence[str]
) -> None:
    while any(process.poll() is None for process in processes):
        dead = [rank for rank, process in enumerate(processes) if process.poll()]
        if dead:
            break
        time.sleep(LOOK_SECONDS)
    codes = {rank: p.returncode for rank, p in enumerate(processes) if p.poll()}
    if not codes:
        return
    # A process that was killed from outside comes first: it is why the others failed.
    rank = min(codes, key=lambda rank: (codes[rank] != -signal.SIGKILL, codes[rank] > 0, rank))
    code = codes[rank]
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
    if logs[rank] is not None:
        logs[rank].seek(max(0, logs[rank].seek(0, os.SEEK_END) - SHOWN_BYTES))
        sys.stderr.write(logs[rank].read().decode(errors="replace"))
    raise ChildProcessError(
        f"Process {rank} of {len(processes)} {how}; the others were stopped. Finished epochs "
        f"and files are kept. Continue with: {shlex.join(map(str, command))}"
    )


def _end(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _give_cores(process: int, rank: int, count: int) -> None:
    """Limit a process to its share of the cores, where there are enough of them."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    share = cores[rank::count]
    if len(cores) >= count:
        with suppress(ProcessLookupError):  # It has ended already.
            os.sched_setaffinity(process, share)
