"""Train one model with several processes, each of which computes a part of every batch.

The processes are joined by JAX. Each holds all weights; Keras adds up their gradients, so that a
step is that of one process with the whole batch.
"""

import hashlib
import json
import os

import keras
import numpy as np

from recmodels.data.errors import require
from recmodels.extras import import_extra
from recmodels.features.batches import GROUPS, NextItemBatches
from recmodels.features.epochs import EpochBatches

# Of the environment: the number of processes, which of them this is, from 0, and the address of the
# first one, such as `10.0.0.1:1234`.
COUNT, RANK, COORDINATOR = "RECMODELS_PROCESSES", "RECMODELS_PROCESS", "RECMODELS_COORDINATOR"


def process_count() -> int:
    """Return how many processes train together; 1 unless the environment says otherwise."""
    return int(os.environ.get(COUNT, "1"))


def process_rank() -> int:
    """Return which of them this process is, from 0. The first one writes files."""
    return int(os.environ.get(RANK, "0"))


def join_processes() -> None:
    """Join the other processes that the environment names; do nothing for a single one.

    Must be called before Keras computes anything.

    Raises:
        ValueError: the backend is not JAX, or the number of processes does not divide a batch.
    """
    if process_count() == 1:
        return
    backend = keras.backend.backend()
    must = "`KERAS_BACKEND` must be jax for several processes"
    require(backend == "jax", must, KERAS_BACKEND=backend)
    check_process_count(process_count())
    keras.distribution.initialize(os.environ[COORDINATOR], process_count(), process_rank())
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)  # Batches are cut here.
    )


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
    losses are theirs.
    """
    alone = process_count() == 1
    if alone and not (keras.backend.backend() == "jax" and isinstance(batches, NextItemBatches)):
        return batches
    return ProcessBatches(batches, process_rank(), process_count())
