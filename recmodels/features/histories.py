"""Flat arrays of what each user did, and the padded matrices models read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.features.windows import build_windows


@dataclass(frozen=True, eq=False, repr=False)
class Histories:
    """The events of many users, oldest first, in one flat array.

    Args:
        users: raw user ids, (U,).
        items: item ids of all users one after the other, int32, (N,).
        offsets: user u owns `items[offsets[u]:offsets[u + 1]]`, int64, (U + 1,).
        columns: further arrays (N, ...) that run along `items`: raw ones such as `timestamp`, and
            those that a schema has encoded.
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
        """The histories of some users alone, in the order of `rows`, (B,); -1 for an empty one."""
        lengths = np.append(self.lengths, 0)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
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
        return self.window(rows, max_length)["item_ids"]

    def last_of(self, column: str, rows, max_length: int | None = None) -> np.ndarray:
        """The same cells of a further column, such as `"value"`: (B, T), 0 where padded."""
        return self.window(rows, max_length, (column,))[column]

    def window(
        self, rows, max_length: int | None = None, columns: tuple[str, ...] = ()
    ) -> dict[str, np.ndarray]:
        """The latest items of some users and further columns of the same events.

        See `build_windows` for what it returns; `max_length` is as in `last`.
        """
        rows = np.asarray(rows)
        length = self._length(rows, max_length)
        return build_windows(self, self.offsets[rows], self.offsets[rows + 1], length, columns)

    def _length(self, rows: np.ndarray, max_length: int | None) -> int:
        return max(1, int(self.lengths[rows].max(initial=0))) if max_length is None else max_length


def build_histories(
    interactions: Interactions,
    vocabulary: Vocabulary,
    users: np.ndarray | None = None,
    columns: tuple[str, ...] = (),
    schema: Schema | None = None,
) -> Histories:
    """Encode a log and group it by user without a Python object per user.

    Args:
        interactions: a log with an order.
        vocabulary: gives the item ids; items outside it become its unknown id.
        users: the raw ids wanted, in the order wanted; by default everyone in table order.
            A user without events gets an empty history.
        columns: event columns to carry along as they are, such as `("timestamp",)`.
        schema: fitted; its columns are encoded and carried along under their names.
    """
    interactions.require("`build_histories`", ("timed", "ordered"))
    events = interactions.events
    known, offsets = interactions.user_offsets()
    items = vocabulary.encode(events["item"])
    carried = {name: events[name].to_numpy() for name in columns}
    carried |= {} if schema is None else schema.encode(events)
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
