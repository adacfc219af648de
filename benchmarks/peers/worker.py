"""What a competitor of `benchmarks bench` says: ready, then one line per epoch it is asked for."""

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def answer(run_epoch: Callable[[], dict], compiles: bool = False) -> None:
    """Train one epoch for each line on standard input and print what it took.

    Args:
        run_epoch: trains an epoch and returns how many `positions` had a target, and further
            measures where it has its own.
        compiles: whether an epoch is run before the first line, since it compiles.
    """
    if compiles:
        run_epoch()
    say({"ready": True})
    for _ in sys.stdin:
        began, spent = time.perf_counter(), time.process_time()
        measured = run_epoch()
        say(
            {
                "seconds": time.perf_counter() - began,
                "processor_seconds": time.process_time() - spent,
                "peak_gib": peak_gib(),
                **measured,
            }
        )


def peak_gib() -> float:
    """The most memory this program has held, GiB.

    Linux counts in `ru_maxrss` what the process held that started this one, too.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**20


def say(message: dict) -> None:
    """One line of JSON on standard output, at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
