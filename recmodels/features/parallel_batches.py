"""Training batches of one event per history, for recurrent encoders that keep their state."""

import numpy as np

from recmodels.data.errors import require
from recmodels.features.batches import GROUPS, identify
from recmodels.features.checks import check_whole
from recmodels.features.epochs import EpochBatches
from recmodels.features.histories import Histories
from recmodels.features.negatives import NegativeSampler
from recmodels.features.windows import build_at_places


class ParallelBatches(EpochBatches):
    """Batches of one event from each of many histories, in the order of the events.

    Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks", 2016, section
    3.1.1. The histories follow each other in random order and are cut into as many lanes of equal
    length as a batch has rows. Each step reads the next event of every lane; `begins` says where
    it is the first of a history. A history at the end of a lane is continued at the beginning of
    the next one, without the state of its first part.

        histories 5 3 8 2, 7 1 and 4 9 6; two lanes      lane 1    5 3 8    targets 3 8 2
                                                         lane 2    7 4 9            1 9 6

    At most B - 1 targets at the end of the order are left out of an epoch, so that all lanes are
    equally long.

    Args:
        histories: training histories; users with a single event are skipped.
        batch_size: B, the number of lanes.
        seed: of the order.
        negatives: draws negatives for losses that need them.
        columns: names of the histories' columns that the model reads besides the items.
        epoch: the epoch to begin with.

    Each batch is `(inputs, targets, weights)`: inputs a dict of `item_ids` int32 (B, 1), the
    columns (B, 1, ...), `begins` bool (B,) and `positions` int32 (N,), with negatives also
    `negatives` and `log_counts`; targets int32 (N,) and weights float32 (N,), where N is B rounded
    up and the weights of the further places are 0.

    Raises:
        ValueError: the histories have fewer targets than lanes.
    """

    def __init__(
        self,
        histories: Histories,
        batch_size: int,
        seed: int,
        negatives: NegativeSampler | None = None,
        columns: tuple[str, ...] = (),
        epoch: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.histories, self.negatives, self.columns = histories, negatives, tuple(columns)
        self.batch_size = check_whole("batch_size", batch_size)
        self.steps = int(np.maximum(histories.lengths - 1, 0).sum()) // self.batch_size
        must = "`batch_size` must be at most the number of events that have one before them"
        require(self.steps > 0, must, batch_size=batch_size, histories=histories)
        self.set_epoch(epoch)

    def identity(self) -> dict[str, object]:
        return {
            **identify(self.histories, self.columns, self.negatives),
            "batch_size": self.batch_size,
            "windows": "parallel",
            "seed of batches": self.seed,
        }

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        offsets, lengths = self.histories.offsets[:-1], self.histories.lengths
        order = np.random.default_rng((self.seed, epoch)).permutation(np.flatnonzero(lengths > 1))
        counts = lengths[order] - 1
        first = np.cumsum(counts) - counts  # Where each history begins in the order.
        within = np.arange(counts.sum()) - np.repeat(first, counts)
        used = self.steps * self.batch_size
        places = (np.repeat(offsets[order], counts) + within)[:used]
        self.places = places.reshape(self.batch_size, self.steps)
        self.begins = (within[:used] == 0).reshape(self.batch_size, self.steps)
        self.begins[:, 0] = True

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int):
        places = self.places[:, index]
        inputs = build_at_places(self.histories, places[:, None], self.columns)
        inputs["begins"] = self.begins[:, index]
        spare = (0, -len(places) % GROUPS)  # Losses compute groups of positions.
        inputs["positions"] = np.pad(np.arange(len(places), dtype=np.int32), spare)
        targets = np.pad(self.histories.items[places + 1], spare, constant_values=1)
        weights = np.pad(np.ones(len(places), np.float32), spare)
        if self.negatives is not None:
            rng = np.random.default_rng((self.seed, self.epoch, index))
            inputs["negatives"], inputs["log_counts"] = self.negatives.sample(rng, GROUPS)
        return inputs, targets, weights
