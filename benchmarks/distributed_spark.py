"""Prepare a log on a cluster of Spark: a standalone master and two workers on this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.distributed import measure_preparation

WORKERS = 2
PATIENCE_SECONDS = 120.0


@contextmanager
def standalone_cluster(log: Path) -> Iterator[str]:
    """Start a master and its workers, each with one core, and yield the address of the master.

    Args:
        log: file for what they write.

    Raises:
        TimeoutError: a worker did not register in time.
    """
    folder = Path(find_spec("pyspark").submodule_search_locations[0])
    start = [str(folder / "bin" / "spark-class"), "org.apache.spark.deploy."]
    host, port = "127.0.0.1", _free_port()
    address, processes = f"spark://{host}:{port}", []
    scratch = tempfile.mkdtemp(prefix="spark-")  # Of the workers.

    def begin(kind: str, *options: str) -> None:
        command = [start[0], start[1] + kind, *options, "--host", host]
        environment = os.environ | {"SPARK_LOCAL_IP": host}
        processes.append(
            subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        )

    with log.open("wb") as output:
        try:
            begin("master.Master", "--port", str(port), "--webui-port", str(_free_port()))
            _wait_for(log, "I have been elected leader", 1)
            for _ in range(WORKERS):
                options = ("--cores", "1", "--memory", "2g", "--webui-port", str(_free_port()))
                begin("worker.Worker", address, "--work-dir", scratch, *options)
            _wait_for(log, "Successfully registered with master", WORKERS)
            yield address
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()
            shutil.rmtree(scratch, ignore_errors=True)


def measure_cluster(events: int, work: Path, results: Path) -> dict:
    """Prepare a simulated log on the cluster, and store the row of `spark-standalone`.

    Memory and processor time are those of the driver alone, which the command starts.
    """
    work.mkdir(parents=True, exist_ok=True)
    with standalone_cluster(work / "cluster.log") as address:
        os.environ["SPARK_MASTER"] = address
        row = measure_preparation(events, "spark", work, results, name="spark-standalone")
    return row


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(log: Path, sentence: str, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while log.read_text(errors="replace").count(sentence) < times:
        if time.monotonic() > deadline:
            raise TimeoutError(f"The cluster did not start; {log} says why")
        time.sleep(0.2)
