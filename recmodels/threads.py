"""How the work is shared out among the cores.

TensorFlow by default spreads each operation over all cores, which wastes a quarter of two of them
on the small operations of a sequence model. Here an operation keeps to few cores, and the parts
of a batch, which do not depend on each other, go side by side.
"""

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Parts of a batch; the same everywhere, because what dropout draws depends on it.
SHARDS = 2


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_operations_small() -> None:
    """Tell TensorFlow so, unless the user has; it must not have computed anything yet."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() // SHARDS)))


def side_by_side(compute: Callable[[np.ndarray], np.ndarray], parts: Iterable) -> list:
    """Results of independent parts, in order, computed on several cores.

    A part may not be shared out once more: its own parts would wait for it to end.
    """
    return list(_pool().map(compute, parts))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Threads that stay: each keeps compiled operations, which a new thread would make again."""
    return ThreadPoolExecutor(min(SHARDS, usable_cores()))


if hasattr(os, "register_at_fork"):  # A copy of the process has none of its threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def one_behind(work: Callable[[object], None], items: Iterable) -> None:
    """Call `work` on each item, in order and one at a time, while the next item is being made.

    At most two items exist at once: the one that is made waits for the one that is worked on.

    Example:
        >>> one_behind(print, (number**2 for number in range(3)))
    """
    with ThreadPoolExecutor(1) as pool:
        behind = None
        for item in items:
            if behind is not None:
                behind.result()
            behind = pool.submit(work, item)
        if behind is not None:
            behind.result()
