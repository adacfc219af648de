"""Scores of a causal Transformer after each new event, without reading the history again."""

import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.masks import attention_mask
from recmodels.layers.position import places_from_oldest
from recmodels.models.sasrec import SASRec


class CachedDecoder:
    """Histories that grow, with the keys and values of their events in each block.

    Only the new event is then computed, and not the whole history. This needs positions that do not
    change when an event is added, which are those counted from the oldest. Scores are those of
    `model.score` for the whole histories.

    When the events read exceed `max_length`, the oldest are dropped, which moves the positions of
    all others: from then on each call reads the latest `max_length` events anew, at the cost of
    `model.score`.

    Args:
        model: `SASRec` with `positions="oldest"` and without columns of events, such as
            `FAMILIES["gpt"]`.

    Raises:
        ValueError: the model is of another kind.

    Example:
        >>> decoder = CachedDecoder(SASRec(num_items=100, positions="oldest"))
        >>> decoder.read(np.array([[0, 3, 1], [4, 2, 2]])).shape
        (2, 101)
        >>> decoder.read(np.array([[5], [0]])).shape  # An event of the first user only.
        (2, 101)
    """

    def __init__(self, model: SASRec) -> None:
        fits = type(model) is SASRec and model.positions == "oldest" and not model.columns
        must = "`model` must be a SASRec with positions='oldest' and without columns of events"
        shown = getattr(model, "positions", None), getattr(model, "columns", None)
        require(fits, must, model=type(model), positions=shown[0], columns=shown[1])
        self.model = model
        self.item_ids = None  # All events in the caches, (B, C); padding may be between them.

    def read(self, item_ids: np.ndarray) -> np.ndarray:
        """Scores of all items after further events of each history, float32 (B, V + 1).

        Args:
            item_ids: int32 (B, S), padded on the left with 0; a row of zeros has no further event.
                The first call says how many histories there are.

        Raises:
            ValueError: ids are out of range, padding is not on the left, or B has changed.
        """
        new = self.model.checked({"item_ids": item_ids})["item_ids"]
        if self.item_ids is None:
            self._begin(new)
        else:
            before = self.item_ids
            must = "`item_ids` must have a row for each history of the first call"
            require(len(new) == len(before), must, rows=len(new), histories=len(before))
            self.item_ids = np.concatenate([before, new], axis=1)
        if self.item_ids.shape[1] > self.model.max_length:
            order = np.argsort(self.item_ids != 0, axis=1, kind="stable")  # Padding first.
            latest = np.take_along_axis(self.item_ids, order, axis=1)
            new = latest[:, -self.model.max_length :]
            self._begin(new)
        self._extend(new)
        table = ops.pad(self.model.item_embedding.catalogue(), [[1, 0], [0, 0]])
        scores = self.model.match(ops.cast(self.states, table.dtype), table)
        scores = np.array(ops.convert_to_numpy(scores), np.float32)
        scores[:, 0] = 0.0  # Padding.
        return scores

    def _begin(self, item_ids: np.ndarray) -> None:
        self.item_ids, self.states = item_ids, None
        self.caches = [None] * len(self.model.blocks)

    def _extend(self, new: np.ndarray) -> None:
        """Compute the states of the latest columns of `item_ids`."""
        size = new.shape[1]
        real = ops.not_equal(self.item_ids, 0)
        mask = attention_mask(real)[:, -size:]  # (B, S, C + S)
        x = self.model.embed({"item_ids": new}, places_from_oldest(real)[:, -size:])
        for index, block in enumerate(self.model.blocks):
            x, self.caches[index] = block.extend(x, mask, self.caches[index])
        last = self.model.output_states(x)[:, -1]  # (B, D)
        if self.states is not None:  # A history without a new event keeps its state.
            last = ops.where(new[:, -1:] != 0, last, self.states)
        self.states = last
