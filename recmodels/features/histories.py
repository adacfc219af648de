"""Events of all users in flat arrays, and the padded matrices that models read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.data.text import counted
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.features.windows import build_windows

COUNTED = 2**22  # Events counted at once: items may be in a file that is larger than the memory.


@dataclass(frozen=True, eq=False)
class Lookup:
    """A read-only column equal to `table[rows]` that stores only the rows.

    Columns of items and users are stored in this way: a text vector once per item, not once per
    event.

    Args:
        table: one row per item id or user, (R, ...).
        rows: row of the table for each event, integers of any shape.
    """

    table: np.ndarray
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape + self.table.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        return self.table.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places) -> "Lookup":
        return Lookup(self.table, self.rows[places])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.table[self.rows].astype(dtype or self.dtype, copy=False)


@dataclass(frozen=True, eq=False, repr=False)
class Histories:
    """The events of many users, oldest first, in one flat array.

    Args:
        users: raw user ids, (U,).
        items: item ids of all users one after the other, int32, (N,).
        offsets: user u owns `items[offsets[u]:offsets[u + 1]]`, int64, (U + 1,).
        columns: further arrays (N, ...) that run along `items`: raw ones such as `timestamp`, and
            those that a schema has encoded, of items and users as `Lookup`.
    """

    users: np.ndarray
    items: np.ndarray
    offsets: np.ndarray
    columns: dict[str, np.ndarray | Lookup]

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        users, events = counted(len(self), "user"), counted(len(self.items), "event")
        return f"<Histories of {users}, {events}>"

    @property
    def lengths(self) -> np.ndarray:
        """Events of each user, int64, (U,)."""
        return np.diff(self.offsets)

    def item_counts(self, num_items: int) -> np.ndarray:
        """Events of each item, int64, (V + 1,), 0 for padding; unknown items are not counted."""
        counts = np.zeros(num_items + 2, np.int64)  # Unknown items come last.
        for begin in range(0, len(self.items), COUNTED):
            some = np.minimum(self.items[begin : begin + COUNTED], num_items + 1)
            counts += np.bincount(some, minlength=num_items + 2)
        return counts[: num_items + 1]

    def contain(self, items: np.ndarray) -> np.ndarray:
        """Whether each history holds the item of its row, bool (U,), of item ids (U,)."""
        users = np.repeat(np.arange(len(self)), self.lengths)
        return np.bincount(users[self.items == items[users]], minlength=len(self)) > 0

    def target_entropy(self) -> float:
        """Return the entropy in nats of the targets: all but the first event of each user.

        It is the lowest full softmax loss of a model that uses only the item frequencies.
        The histories 1 2 and 1 3 have the targets 2 and 3 once each: log(2) = 0.693.
        """
        first = self.items[self.offsets[:-1][self.lengths > 0]]
        most = int(self.items.max(initial=0))
        counts = self.item_counts(most) - np.bincount(first, minlength=most + 1)
        shares = counts[counts > 0] / max(1, counts.sum())
        return float(-(shares * np.log(shares)).sum())

    def select(
        self,
        rows: np.ndarray,
        users: np.ndarray | None = None,
        oldest: np.ndarray | None = None,
    ) -> "Histories":
        """Return the histories of some users.

        Args:
            rows: positions of the users, (B,); -1 for an empty history.
            users: their raw ids, where -1 is a user who has one.
            oldest: how many of the oldest events of each are kept, (B,); by default all.
        """
        lengths = np.append(self.lengths, 0)[rows]
        lengths = lengths if oldest is None else np.minimum(lengths, oldest)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        columns = {name: values[places] for name, values in self.columns.items()}
        users = self.users[rows] if users is None else np.asarray(users)
        return Histories(users, self.items[places], offsets, columns)

    def asking(self, codes: Mapping[str, np.ndarray]) -> "Histories":
        """Return the same histories with values of the target event after the last known one.

        Args:
            codes: by column of the target event, one code for all or one per history, int32.
                A history without events has no place for it and stays as it is.
        """
        some = self.lengths > 0
        columns = dict(self.columns)
        for name in codes.keys() & columns.keys():
            columns[name] = np.array(columns[name])
            columns[name][self.offsets[1:][some] - 1] = np.broadcast_to(codes[name], len(self))[
                some
            ]
        return replace(self, columns=columns)

    def with_item_columns(self, encoded: Mapping[str, np.ndarray]) -> "Histories":
        """The same histories with columns of their items, given by `Schema.encode_items`."""
        lookups = {name: Lookup(rows, self.items) for name, rows in encoded.items()}
        return replace(self, columns={**self.columns, **lookups})

    def with_user_columns(self, encoded: Mapping[str, np.ndarray]) -> "Histories":
        """The same histories with columns of their users, (U, ...), at every event."""
        users = np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)
        lookups = {name: Lookup(rows, users) for name, rows in encoded.items()}
        return replace(self, columns={**self.columns, **lookups})

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
    """Encode a log and group it by user.

    Args:
        interactions: a log with an order.
        vocabulary: gives the item ids; items outside it become its unknown id.
        users: the raw ids in the order of the result; by default all users in table order.
            A user without events gets an empty history.
        columns: event columns to carry along as they are, such as `("timestamp",)`.
        schema: fitted; its columns are encoded and carried along under their names, those of items
            and users by the tables of the log.
    """
    interactions.require("`build_histories`", ("timed", "ordered"))
    events = interactions.events
    known, offsets = interactions.user_offsets()
    items = vocabulary.encode(events["item"])
    carried = {name: events[name].to_numpy() for name in columns}
    carried |= {} if schema is None else schema.encode(events, interactions.items)
    histories = Histories(known, items, offsets, carried)
    if users is not None and not np.array_equal(users, known):
        histories = histories.select(pd.Index(known).get_indexer(pd.Index(users)), users)
    if schema is None:
        return histories
    histories = histories.with_item_columns(schema.encode_items(interactions.items, vocabulary))
    return histories.with_user_columns(schema.encode_users(interactions.users, histories.users))
