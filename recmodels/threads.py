"""Distribute work over the cores.

TensorFlow by default spreads each operation over all cores, which wastes a quarter of two of them
on the small operations of a sequence model. Here an operation keeps to few cores, and the parts
of a batch, which are independent, run in parallel.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Parts of a batch; the same everywhere, because what dropout draws depends on it.
SHARDS = 2


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_operations_small() -> None:
    """Limit the threads per TensorFlow operation, unless the user has set them."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() // SHARDS)))


def thread_map(compute: Callable[[np.ndarray], np.ndarray], parts: Iterable) -> list:
    """Compute the results of independent parts on several cores, and return them in order.

    A part may not be shared out once more: its own parts would wait for it to end.
    """
    return list(_pool().map(compute, parts))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Return a pool of threads that stay alive, because each keeps compiled operations."""
    return ThreadPoolExecutor(min(SHARDS, usable_cores()))


class ForkedProcessError(RuntimeError):
    """Raised if TensorFlow is used in a forked process after it was used in the parent."""


class _LeftInParent:
    """Replacement of TensorFlow's runtime in a forked process: every use raises an error."""

    def __getattr__(self, name: str):
        raise ForkedProcessError(
            "TensorFlow cannot compute in a process that was forked after TensorFlow had computed: "
            "its threads stayed in the parent, and the call would never return. Start processes "
            "with `multiprocessing.get_context('spawn')`, or use threads. "
            f"Received: process={os.getpid()}, parent={os.getppid()}"
        )


def _after_fork() -> None:
    """Remove the threads and TensorFlow's runtime, which do not exist in a forked process."""
    _pool.cache_clear()
    # Every operation, ours or not, asks this module for the runtime, which has a handle once it
    # has computed something.
    module = sys.modules.get("tensorflow.python.eager.context")
    runtime = getattr(module, "_context", None)
    if isinstance(runtime, _LeftInParent) or getattr(runtime, "_context_handle", None) is not None:
        module._context = _LeftInParent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def prefetch_map(work: Callable[[object], None], items: Iterable) -> None:
    """Call `work` on each item in order, while the next item is being computed in parallel.

    At most two items exist at once: the one that is made waits for the one that is worked on.

    Example:
        >>> prefetch_map(print, (number**2 for number in range(3)))
    """
    with ThreadPoolExecutor(1) as pool:
        behind = pool.submit(lambda: None)
        for item in items:
            behind.result()
            behind = pool.submit(work, item)
        behind.result()
