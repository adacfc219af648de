"""How the work is shared out among the cores.

TensorFlow by default spreads each operation over all cores, which wastes a quarter of two of them
on the small operations of a sequence model. Here an operation keeps to few cores, and the parts
of a batch, which do not depend on each other, go side by side.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Parts of a batch; the same everywhere, because what dropout draws depends on it.
SHARDS = 4


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_operations_small() -> None:
    """Tell TensorFlow so, unless the user has; it must not have computed anything yet."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() // SHARDS)))


def side_by_side(compute: Callable[[np.ndarray], np.ndarray], parts: Iterable) -> list:
    """Results of independent parts, in order, computed on several cores."""
    with ThreadPoolExecutor(min(SHARDS, usable_cores())) as pool:
        return list(pool.map(compute, parts))
