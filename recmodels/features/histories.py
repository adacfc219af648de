"""Flat arrays of what each user did, and the padded matrices models read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.features.vocabulary import PADDING_ID, Vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class Histories:
    """The events of many users, oldest first, in one flat array.

    Args:
        users: raw user ids, (U,).
        items: item ids of all users one after the other, int32, (N,).
        offsets: user u owns `items[offsets[u]:offsets[u + 1]]`, int64, (U + 1,).
        columns: further arrays (N,) that run along `items`, such as `timestamp`.
    """

    users: np.ndarray
    items: np.ndarray
    offsets: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"<Histories of {len(self):,} users, {len(self.items):,} events>"

    @property
    def lengths(self) -> np.ndarray:
        """Events of each user, int64, (U,)."""
        return np.diff(self.offsets)

    def item_counts(self, num_items: int) -> np.ndarray:
        """Events of each item, int64, (V + 1,), 0 for padding; unknown items are not counted."""
        return np.bincount(self.items, minlength=num_items + 1)[: num_items + 1]

    def select(self, rows: np.ndarray) -> "Histories":
        """The histories of some users alone, in the order of `rows`, (B,)."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        columns = {name: values[places] for name, values in self.columns.items()}
        return Histories(self.users[rows], self.items[places], offsets, columns)

    def last(self, rows, max_length: int | None = None) -> np.ndarray:
        """The latest `max_length` items of some users, padded on the left with 0.

        Args:
            rows: positions of the users, (B,).
            max_length: T; by default that of the longest history among `rows`.

        Returns:
            Item ids, int32, (B, T). With `max_length=4`:

                [[0, 0, 5, 2],     a user who did 5, 2
                 [3, 1, 4, 1]]     a user who did 9, 3, 1, 4, 1
        """
        return self._latest(self.items, np.asarray(rows), max_length)

    def last_of(self, column: str, rows, max_length: int | None = None) -> np.ndarray:
        """The same cells of a further column, such as `"value"`: (B, T), 0 where padded."""
        return self._latest(self.columns[column], np.asarray(rows), max_length)

    def _latest(self, flat: np.ndarray, rows: np.ndarray, max_length: int | None) -> np.ndarray:
        if max_length is None:
            max_length = max(1, int(self.lengths[rows].max(initial=0)))
        return gather_windows(flat, self.offsets[rows], self.offsets[rows + 1], max_length)


def gather_windows(flat: np.ndarray, starts, ends, length: int) -> np.ndarray:
    """Rows of `flat[start:end]`, the latest `length` of each, padded left with 0: (B, T)."""
    positions = np.asarray(ends)[:, None] - np.arange(length, 0, -1)[None, :]  # (B, T)
    if not len(flat):  # Histories without a single event: there is nothing to index.
        return np.full(positions.shape, PADDING_ID, flat.dtype)
    real = positions >= np.asarray(starts)[:, None]
    return np.where(real, flat[np.where(real, positions, 0)], PADDING_ID).astype(flat.dtype)


def build_histories(
    interactions: Interactions,
    vocabulary: Vocabulary,
    users: np.ndarray | None = None,
    columns: tuple[str, ...] = (),
) -> Histories:
    """Encode a log and group it by user without a Python object per user.

    Args:
        interactions: a log with an order.
        vocabulary: gives the item ids; items outside it become its unknown id.
        users: the raw ids wanted, in the order wanted; by default everyone in table order.
            A user without events gets an empty history.
        columns: event columns to carry along, such as `("timestamp",)`.
    """
    interactions.require("`build_histories`", ("timed", "ordered"))
    events = interactions.events
    known, offsets = interactions.user_offsets()
    items = vocabulary.encode(events["item"])
    carried = {name: events[name].to_numpy() for name in columns}
    if users is None or np.array_equal(users, known):
        return Histories(known, items, offsets, carried)
    rows, new_offsets = _rows_of_users(np.asarray(users), known, offsets)
    carried = {name: values[rows] for name, values in carried.items()}
    return Histories(np.asarray(users), items[rows], new_offsets, carried)


def _rows_of_users(users, known, offsets) -> tuple[np.ndarray, np.ndarray]:
    """Event rows of `users` one after the other, and the offsets of each in them."""
    index = pd.Index(known).get_indexer(pd.Index(users))
    lengths = np.append(np.diff(offsets), 0)[index]  # Who is not known has -1, so the last: 0.
    new_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    begin = np.repeat(offsets[index] - new_offsets[:-1], lengths)
    return begin + np.arange(new_offsets[-1]), new_offsets
