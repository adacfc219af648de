"""Training batches with masked items, for encoders that see both sides of an event."""

import numpy as np

from recmodels.data.errors import require
from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import Histories
from recmodels.features.windows import build_at_places, window_places


class MaskedItemBatches(NextItemBatches):
    """Batches in which the model predicts the items of masked events.

    Windows are those of `NextItemBatches` with their last event, of at most L + 1 events. In a
    share of the windows the last event alone is masked, as when a model is asked for the next
    item. In the others each event is masked with one probability, at least one of them. Without
    the first kind, training would hardly contain the task of a prediction: a mask at the end after
    events that are all visible.

        history 5 3 8 2, mask M      item_ids   0 5 3 8 M   or   0 M 3 M 2
                                     targets            2          5   8

    Everything random depends on `seed`, `epoch` and the batch alone. Columns of a masked event are
    padding, because they may tell what the item is.

    Args:
        histories, max_length, batch_size, seed, windows, columns, negatives, epoch: see
            `NextItemBatches`.
        mask_id: id of the mask item, V + 2.
        mask_share: probability that an event is masked, above 0 and at most 1.
        last_share: share of the windows in which the last event alone is masked, 0 to 1.

    Raises:
        ValueError: a share is out of range, or `windows` is neither `"all"` nor `"latest"`.
    """

    def __init__(
        self,
        histories: Histories,
        max_length: int,
        batch_size: int,
        seed: int,
        mask_id: int,
        mask_share: float = 0.2,
        last_share: float = 0.5,
        windows: str = "all",
        **kwargs,
    ) -> None:
        must = "`mask_share` must be above 0 and at most 1"
        require(0 < mask_share <= 1, must, mask_share=mask_share)
        require(0 <= last_share <= 1, "`last_share` must be from 0 to 1", last_share=last_share)
        must = "`windows` of masked items must be 'all' or 'latest'"
        require(windows in ("all", "latest"), must, windows=windows)
        self.mask_id, self.mask_share, self.last_share = mask_id, mask_share, last_share
        super().__init__(histories, max_length, batch_size, seed, windows=windows, **kwargs)

    def identity(self) -> dict[str, object]:
        own = {"mask_share": self.mask_share, "last_share": self.last_share}
        return {**super().identity(), **own}

    def read_windows(self, starts, ends, length, index):
        places = window_places(starts, ends, length + 1)
        inputs = build_at_places(self.histories, places, self.columns)
        rng = np.random.default_rng((self.seed, self.epoch, index, 3))
        masked = self._choose(places >= 0, rng)
        for name, values in inputs.items():
            empty = self.mask_id if name == "item_ids" else 0
            hidden = masked.reshape(*masked.shape, *[1] * (values.ndim - 2))
            inputs[name] = np.where(hidden, empty, values).astype(values.dtype)
        return inputs, np.where(masked, places, -1)

    def _choose(self, real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Which events are masked, bool (B, T)."""
        drawn = np.where(real, rng.random(real.shape), 2.0)
        # Where chance masks nothing, the event that came closest to it.
        at_random = drawn <= np.maximum(self.mask_share, drawn.min(axis=1, keepdims=True))
        last = np.arange(real.shape[1]) == real.shape[1] - 1
        only_last = rng.random((len(real), 1)) < self.last_share
        return np.where(only_last, last, at_random & real)
