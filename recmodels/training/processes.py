"""Train one model with several processes, which JAX joins, in one of two ways.

Each process has all weights and computes a part of every batch; Keras adds up their gradients, so
that a step is that of one process with the whole batch. Or each has a part of the rows of the item
table, with their optimiser's state, and all compute every batch as a whole.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from recmodels.data.errors import require
from recmodels.extras import import_extra
from recmodels.features.batches import GROUPS, NextItemBatches
from recmodels.features.checks import digest
from recmodels.features.epochs import EpochBatches

# Of the environment: the number of processes, which of them this is, from 0, and the address of the
# first one, such as `10.0.0.1:1234`.
COUNT, RANK, COORDINATOR = "RECMODELS_PROCESSES", "RECMODELS_PROCESS", "RECMODELS_COORDINATOR"
BY_ROWS = "RECMODELS_TABLE_BY_ROWS"  # 1 where each process has a part of the item table.


def process_count() -> int:
    """Return how many processes train together; 1 unless the environment says otherwise."""
    return int(os.environ.get(COUNT, "1"))


def process_rank() -> int:
    """Return which of them this process is, from 0. The first one writes files."""
    return int(os.environ.get(RANK, "0"))


def table_by_rows() -> bool:
    """Return whether each process has a part of the rows of the item table."""
    return os.environ.get(BY_ROWS) == "1"


def join_processes() -> None:
    """Join the other processes that the environment names; do nothing for a single one.

    A single process with the table by rows has the same padded table as several, so that it can
    continue their checkpoint.

    Must be called before Keras computes anything.

    Raises:
        ValueError: the backend is not JAX, or the number of processes does not divide a batch.
    """
    if process_count() == 1 and not table_by_rows():
        return
    backend = keras.backend.backend()
    must = "`KERAS_BACKEND` must be jax for several processes and for a table by rows"
    require(backend == "jax", must, KERAS_BACKEND=backend)
    check_process_count(process_count())
    if process_count() > 1:
        keras.distribution.initialize(os.environ[COORDINATOR], process_count(), process_rank())
    # Batches are cut in `ProcessBatches`, if at all.
    distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
    if table_by_rows():
        mesh = keras.distribution.DeviceMesh((1, process_count()), ["batch", "rows"])
        layouts = keras.distribution.LayoutMap(mesh)
        layouts[r".*item_embedding/table"] = ("rows", None)
        distribution = keras.distribution.ModelParallel(
            layout_map=layouts, batch_dim_name="batch", auto_shard_dataset=False
        )
    keras.distribution.set_distribution(distribution)


def check_process_count(count: int) -> None:
    """Raise a `ValueError` unless a batch can be cut into as many parts."""
    allowed = [number for number in range(1, GROUPS + 1) if GROUPS % number == 0]
    require(count in allowed, f"`processes` must be one of {allowed}", processes=count)


def check_agreement(settings: dict) -> None:
    """Raise unless all processes have the same settings, which determine a run.

    Raises:
        ValueError: one differs, in its data, its options, its seed or its version.
    """
    if process_count() == 1:
        return
    text = json.dumps(settings, sort_keys=True, default=str)
    own = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], np.uint32)
    gather = import_extra("jax.experimental.multihost_utils", "jax").process_allgather
    every = np.asarray(gather(own)).reshape(process_count(), -1)
    differing = np.flatnonzero((every != every[0]).any(axis=1)).tolist()
    require(
        not differing,
        f"All processes must train the same run, but {differing} have other data, options, seeds "
        "or versions than process 0: start all with one command and one environment",
        process=process_rank(),
        settings=text,
    )


class ProcessBatches(EpochBatches):
    """The part of each batch that belongs to one process.

    The plan of windows is that of the whole batches, a function of seed and epoch. Each array is
    cut along its first axis. A batch is first padded to a multiple of `GROUPS` rows, so that every
    process has as many and the mean loss of an epoch, in which Keras counts rows, is the same for
    any number of processes. Positions count through the rows of the whole batch.

    Args:
        batches: of the whole training.
        rank, count: which process this is, and their number.
    """

    def __init__(self, batches: EpochBatches, rank: int, count: int) -> None:
        super().__init__(
            batches.seed, workers=batches.workers, max_queue_size=batches.max_queue_size
        )
        must = "Several processes can train sequence models only: use one process"
        require(isinstance(batches, NextItemBatches), must, batches=type(batches))
        check_process_count(count)
        self.batches, self.rank, self.count = batches, rank, count

    def set_epoch(self, epoch: int) -> None:
        self.batches.set_epoch(epoch)

    def on_epoch_end(self) -> None:
        self.batches.on_epoch_end()

    def identity(self) -> dict[str, object]:
        return self.batches.identity()

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int):
        return keras.tree.map_structure(self._part, self.batches[index])

    def _part(self, array: np.ndarray) -> np.ndarray:
        padding = [(0, -len(array) % GROUPS), *[(0, 0)] * (array.ndim - 1)]
        return np.split(np.pad(array, padding), self.count)[self.rank]


def shared_batches(batches: EpochBatches) -> EpochBatches:
    """Return the part of the batches that this process trains on.

    On JAX, the only backend with several processes, a single one has the same padding, so that its
    losses are theirs. With the table by rows every process trains on the whole batch.
    """
    alone = process_count() == 1 or table_by_rows()
    if alone and not (keras.backend.backend() == "jax" and isinstance(batches, NextItemBatches)):
        return batches
    if alone:
        return ProcessBatches(batches, 0, 1)
    return ProcessBatches(batches, process_rank(), process_count())


class SameBatches(keras.callbacks.Callback):
    """Raise at the beginning of an epoch unless all processes have the same first batch.

    With the table by rows JAX takes for granted that they feed equal batches. Others give NaN, or
    a loss that belongs to none of them, without an error.

    Args:
        batches: that are trained on, of which the epoch was set.
    """

    def __init__(self, batches: EpochBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None) -> None:
        arrays = keras.tree.flatten(self.batches[0])
        check_agreement({"epoch": epoch, "first batch": digest(*arrays)})


def host_array(variable) -> np.ndarray:
    """Return a copy of a variable; where processes have parts of it, all of them must call this."""
    value = variable.value if keras.backend.backend() == "jax" else variable
    if getattr(value, "is_fully_addressable", True) or value.is_fully_replicated:
        return np.array(keras.ops.convert_to_numpy(variable))
    gather = import_extra("jax.experimental.multihost_utils", "jax").process_allgather
    return np.array(gather(value, tiled=True))


def make_whole(variables: Iterable[keras.Variable]) -> dict[keras.Variable, object]:
    """Give each process all rows of the variables, to score with them, and return the parts.

    Scores are computed by every process at its own pace, and parts of a table would make them wait
    for each other.
    """
    parts = {}
    for variable in variables if table_by_rows() else ():
        value = variable.value
        if not value.is_fully_replicated:
            jax = import_extra("jax", "jax")
            mesh, not_cut = value.sharding.mesh, jax.sharding.PartitionSpec()
            everywhere = jax.sharding.NamedSharding(mesh, not_cut)
            parts[variable] = value
            variable._value = jax.device_put(host_array(variable), everywhere)
    return parts


@contextmanager
def whole_tables(variables: Iterable[keras.Variable]) -> Iterator[None]:
    """Call `make_whole` for the time of the block."""
    parts = make_whole(variables)
    try:
        yield
    finally:
        for variable, value in parts.items():
            variable._value = value
