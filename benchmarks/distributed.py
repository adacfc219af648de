"""Measure work that outgrows one process: preparation by three engines, and several processes.

Each measurement stores its numbers in results/distributed.json as soon as it has them. One that was
stopped is repeated by the same command.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from recmodels.data.files import locked, write_json, written_whole

FILE = "distributed.json"
PART = 1_000_000  # Events per file of a simulated log.
YEAR = 31_536_000
LOOK_SECONDS = 0.2


def one_core() -> list[str]:
    """Words before a command that has to run on a single core."""
    return ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]


def store(results: Path, change: Callable[[dict], None]) -> dict:
    """Change results/distributed.json and return its content."""
    path = results / FILE
    with locked(path):
        content = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        change(content)
        write_json(path, content)
    return content


def simulate_log(folder: Path, events: int, items: int | None = None) -> Path:
    """Write a log as Parquet files of a million events, with rare users, items and duplicates.

    Args:
        folder: of all simulated logs.
        events: their number; a hundredth of each file are duplicates.
        items: the most that occur; None for a fiftieth of the events.
    """
    source = folder / (f"log-{events}" if items is None else f"log-{events}-{items}")
    items = items or events // 50
    for part in range(-(-events // PART)):
        path = source / f"part-{part:05d}.parquet"
        if path.is_file():
            continue
        rng, rows = np.random.default_rng((events, part)), min(PART, events - part * PART)
        columns = {
            "user": (events // 20 * rng.random(rows) ** 2).astype(np.int64),
            "item": (items * rng.random(rows) ** 4).astype(np.int64),
            "timestamp": 1_600_000_000 + rng.integers(0, YEAR, rows),
        }
        for values in columns.values():
            values[-(rows // 100) :] = values[: rows // 100]
        with written_whole(path) as unfinished:
            pq.write_table(pa.table(columns), unfinished)
    return source


def run_measured(command: list[str], **environment: str) -> dict:
    """Run a command; return its `seconds`, `processor_seconds`, `peak_gib`, `load` and `output`.

    Memory and processor time are those of the command and of all processes that it starts; memory
    is the sum of what each holds (resident set size).

    Raises:
        ChildProcessError: it failed.
    """
    began, peak, used, load = time.perf_counter(), 0, {}, os.getloadavg()[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, env=os.environ | environment)
        while process.poll() is None:
            with suppress(psutil.Error):  # One of them has just ended.
                parent = psutil.Process(process.pid)
                everyone = [parent, *parent.children(recursive=True)]
                peak = max(peak, sum(each.memory_info().rss for each in everyone))
                used |= {each.pid: sum(each.cpu_times()[:2]) for each in everyone}
            time.sleep(LOOK_SECONDS)
        if process.returncode:
            raise ChildProcessError(f"{command} ended with exit status {process.returncode}")
        output.seek(0)
        text = output.read()
    # Looking misses short peaks and the last moments; the system misses processes such as Java's
    # that nobody has waited for.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    waited_for = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak, spent = max(peak, after.ru_maxrss * 1024), max(sum(used.values()), waited_for)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(spent, 1),
        "peak_gib": round(peak / 2**30, 2),
        "load": round((load + os.getloadavg()[0]) / 2, 1),
        "output": text,
    }


def measure_preparation(
    events: int,
    engine: str,
    work: Path,
    results: Path,
    memory: str | None = None,
    name: str | None = None,
) -> dict:
    """Prepare a simulated log with one engine, and store the row.

    Args:
        events: rows of the source.
        engine: `"pandas"`, `"duckdb"` or `"spark"`.
        work: folder of sources and results; a preparation that was stopped continues there, and
            its times are then those of the rest.
        results: folder with distributed.json.
        memory: limit of DuckDB, such as `"4GB"`.
        name: of the engine in the row, if it is not that of the engine alone.
    """
    name = name or engine
    source, out = simulate_log(work, events), work / f"out-{events}-{name}"
    command = [sys.executable, "-m", "recmodels", "prepare", str(source), str(out)]
    command += ["--memory", memory] if memory else []
    measured = run_measured([*command, "--engine", engine, "--json"])
    manifest = json.loads(measured.pop("output"))
    row = {
        "engine": name,
        "events": events,
        **measured,
        "kept": manifest["counts"]["events"],
        "digest": manifest["digest"][:16],
        "vocabulary_digest": manifest["vocabulary_digest"][:16],
    }

    def replace(content: dict) -> None:
        rows = [
            each
            for each in content.get("prepare", [])
            if (each["engine"], each["events"]) != (name, events)
        ]
        rows.append(row)
        content["prepare"] = sorted(rows, key=lambda each: (each["events"], each["engine"]))

    store(results, replace)
    return row
