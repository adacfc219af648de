"""How the work is shared out among the cores.

TensorFlow by default spreads each operation over all cores, which wastes a quarter of two of them
on the small operations of a sequence model. Here an operation keeps to few cores, and the parts
of a batch, which do not depend on each other, go side by side.
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
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_operations_small() -> None:
    """Tell TensorFlow so, unless the user has; it must not have computed anything yet."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() // SHARDS)))


def thread_map(compute: Callable[[np.ndarray], np.ndarray], parts: Iterable) -> list:
    """Results of independent parts, in order, computed on several cores.

    A part may not be shared out once more: its own parts would wait for it to end.
    """
    return list(_pool().map(compute, parts))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Threads that stay: each keeps compiled operations, which a new thread would make again."""
    return ThreadPoolExecutor(min(SHARDS, usable_cores()))


class ForkedProcessError(RuntimeError):
    """A forked process cannot use what ran in its parent."""


class _LeftInParent:
    """Stands for TensorFlow's runtime in a forked process: every use of it raises."""

    def __getattr__(self, name: str):
        raise ForkedProcessError(
            "TensorFlow cannot compute in a process that was forked after TensorFlow had computed: "
            "its threads stayed in the parent, and the call would never return. Start processes "
            "with `multiprocessing.get_context('spawn')`, or use threads. "
            f"Received: process={os.getpid()}, parent={os.getppid()}"
        )


def _after_fork() -> None:
    """Forget the threads, which a forked process does not have, ours and TensorFlow's."""
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
    """Call `work` on each item, in order and one at a time, while the next item is being made.

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
