"""Map raw item ids to the integers that models use, and back."""

import numpy as np
import pandas as pd

PADDING_ID = 0


class Vocabulary:
    """Items 1..V in the order of their first occurrence; 0 is padding.

    The ids V + 1 (unknown) and V + 2 (mask) can be inputs and are never scored.

    Args:
        raw_ids: the distinct raw ids of the catalogue, all strings or all integers, (V,).

    Example:
        >>> vocabulary = Vocabulary(["tea", "cup"])
        >>> vocabulary.encode(["cup", "cake", "tea"]).tolist()
        [2, 3, 1]
        >>> vocabulary.decode([2, 1]).tolist()
        ['cup', 'tea']
    """

    def __init__(self, raw_ids) -> None:
        self._index = pd.Index(raw_ids)
        if not self._index.is_unique:
            twice = self._index[self._index.duplicated()][0]
            raise ValueError(f"`raw_ids` must be distinct. Received: {twice!r} more than once")
        if not len(self._index):
            raise ValueError("`raw_ids` is empty: there is nothing to recommend")

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self):,} items>"

    @property
    def raw_ids(self) -> np.ndarray:
        """Raw ids, (V,); the item with id i is `raw_ids[i - 1]`."""
        return self._index.to_numpy()

    @property
    def unknown_id(self) -> int:
        return len(self) + 1

    @property
    def mask_id(self) -> int:
        return len(self) + 2

    def grow(self, raw_ids) -> "Vocabulary":
        """Return a vocabulary with further raw ids at the end; known ones are ignored."""
        extra = pd.Index(raw_ids).drop_duplicates().difference(self._index, sort=False)
        return Vocabulary(self._index.append(extra)) if len(extra) else self

    def encode(self, raw) -> np.ndarray:
        """Return the item ids of raw ids, int32; `unknown_id` for unknown ones."""
        positions = self._index.get_indexer(pd.Index(raw))
        return np.where(positions < 0, self.unknown_id, positions + 1).astype(np.int32)

    def decode(self, item_ids) -> np.ndarray:
        """Raw ids of item ids in 1..V.

        Raises:
            ValueError: an id is padding, unknown, mask or beyond, which has no raw id.
        """
        item_ids = np.asarray(item_ids)
        if item_ids.size and (item_ids.min() < 1 or item_ids.max() > len(self)):
            raise ValueError(
                f"`item_ids` must be in 1..{len(self)}. "
                f"Received: {item_ids.min()} to {item_ids.max()}"
            )
        return self.raw_ids[item_ids - 1]
