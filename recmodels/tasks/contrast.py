"""A contrastive loss next to the softmax of a sequence encoder."""

import numbers
from dataclasses import dataclass

from keras import ops

from recmodels.data.errors import require
from recmodels.tasks.losses import contrastive

POSITIVES = ("window", "target")


@dataclass(frozen=True)
class Contrast:
    """A loss that makes states of one history under two dropouts similar, and others different.

    Each batch is encoded twice; the last states of both passes are the views of `contrastive`.
    Qiu et al., "Contrastive Learning for Representation Degeneration Problem in Sequential
    Recommendation" (DuoRec), 2022. Where the paper draws one history with the same target for
    each, all windows of the batch with that target are positives here. A step costs twice as much.

    Args:
        weight: of this loss, greater than 0; that of the next item has 1.
        positives: `"window"` for the two views of the same window (unsupervised), `"target"` also
            for those of windows of the batch that ask for the same item (supervised).
        temperature: divides the dot products, greater than 0.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> fit(SASRec(data.num_items, dropout=0.3), data, contrast=Contrast(weight=0.1))
    """

    weight: float = 0.1
    positives: str = "target"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("weight", "temperature"):
            value = getattr(self, name)
            fits = isinstance(value, numbers.Real) and 0 < value < float("inf")
            require(fits, f"`{name}` must be a number greater than 0", **{name: value})
        known = self.positives in POSITIVES
        require(known, f"`positives` must be one of {POSITIVES}", positives=self.positives)

    def loss(self, first, second, targets):
        """The weighted loss of two views (B, D) of windows that ask for items, int32 (B,).

        For windows without a target, 0, the only positive is their own other view.
        """
        rows = -1 - ops.arange(ops.shape(first)[0], dtype="int32")
        labels = rows
        if self.positives == "target":
            labels = ops.where(targets > 0, ops.cast(targets, "int32"), rows)
        views, labels = ops.concatenate([first, second]), ops.concatenate([labels, labels])
        return self.weight * contrastive(views, labels, self.temperature)


def last_targets(positions, targets, weights, rows: int, length: int):
    """Return the item that the last position of each row asks for, int32 (B,), or 0.

    Args:
        positions: places in the flattened (B * T) matrix, (N,).
        targets: item ids, (N,).
        weights: (N,), 0 where a place was added to fill the batch.
        rows, length: B and T.
    """
    asked = ops.where(weights > 0, targets, 0)
    every = ops.segment_max(asked, positions, num_segments=rows * length)
    return ops.maximum(ops.reshape(every, (rows, length))[:, -1], 0)
