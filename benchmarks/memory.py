"""How much the memory of this process grows while something runs."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

LOOK_SECONDS = 0.01


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return psutil.Process().memory_info().rss


def private_bytes() -> int:
    """Return the resident memory of this process without what it shares with others."""
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared


@contextmanager
def memory_growth(
    used: Callable[[], int] = resident_bytes,
    phase: Callable[[], int | None] = lambda: 0,
    since: int | None = None,
) -> Iterator[Counter]:
    """Give the largest growth of memory so far, in bytes, by phase.

    Args:
        used: returns the bytes that are counted.
        phase: returns the number of the present phase, or None where nothing is counted.
        since: the bytes from which growth is counted; by default those at the start.
    """
    done, grown = threading.Event(), Counter()
    before = used() if since is None else since

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            present = phase()
            if present is not None:
                grown[present] = max(grown[present], used() - before)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield grown
    finally:
        done.set()
        watcher.join()
