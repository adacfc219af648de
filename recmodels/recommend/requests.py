"""Whom lists are asked for: histories as they come, or users whose histories are known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.raw_ids import as_list, check_types, read_lists, unknown_note


@dataclass(frozen=True, eq=False)
class Requests:
    """What is known of everyone who asks.

    Args:
        known: one history a request, of items of the catalogue alone.
        user_ids: row of each in the training histories, or -1, int32 (B,).
        notes: of each request.
    """

    known: Histories
    user_ids: np.ndarray
    notes: list[list[str]]

    def __len__(self) -> int:
        return len(self.notes)

    def histories(self, rows: np.ndarray) -> Histories:
        """The histories of some of them."""
        lengths = self.known.lengths[rows]
        items, offsets = _one_after_the_other(self.known.items, self.known.offsets[rows], lengths)
        return Histories(self.known.users[rows], items, offsets, {})

    def queries(self, rows: np.ndarray, max_length: int | None) -> dict[str, np.ndarray]:
        """What a scorer is asked for some of them."""
        return {"item_ids": self.known.last(rows, max_length), "user_ids": self.user_ids[rows]}


class KnownUsers:
    """Histories that can be asked for by raw user id.

    Args:
        histories: what each user did; its rows are those of the training histories.
        vocabulary: events outside it are left out.

    Raises:
        ValueError: a user has two histories.
    """

    def __init__(self, histories: Histories, vocabulary: Vocabulary) -> None:
        self.index = pd.Index(histories.users)
        if not self.index.is_unique:
            twice = self.index[self.index.duplicated()].tolist()[0]
            raise ValueError(
                f"`histories` must hold each user once. Received: {twice!r} more than once"
            )
        kept = (histories.items >= 1) & (histories.items <= len(vocabulary))
        self.items = histories.items[kept]
        self.offsets = np.concatenate([[0], np.cumsum(kept)])[histories.offsets]

    def read(self, users: Iterable) -> Requests:
        """The requests of some users; who is not known has no history, and a note.

        Raises:
            ValueError: they are no list, or not of the type of the known ones.
        """
        users = as_list(users, "users")
        if len(self.index):
            check_types(users, self.index[:1].tolist()[0], "user")
        rows = self.index.get_indexer(pd.Index(users)) if users else np.zeros(0, int)
        lengths = np.where(rows < 0, 0, np.diff(self.offsets)[rows])
        items, offsets = _one_after_the_other(self.items, self.offsets[rows], lengths)
        pairs = zip(users, rows, strict=True)
        notes = [[f"User {user!r} is not known."] if row < 0 else [] for user, row in pairs]
        return Requests(Histories(np.asarray(users), items, offsets, {}), rows.astype("i4"), notes)


def read_requests(vocabulary: Vocabulary, histories, users, known: KnownUsers | None) -> Requests:
    """The requests of histories, or else of users, who must then be known.

    Raises:
        ValueError: both or neither are given, or one of them is not what it must be.
    """
    if (histories is None) == (users is None):
        raise ValueError(
            "`history` must be given, or else `user`, and not both. "
            f"Received: history given={histories is not None}, user given={users is not None}"
        )
    if users is None:
        return read_histories(vocabulary, histories)
    if known is None:
        raise ValueError(
            "`user` can be asked for only where histories are kept: give "
            "`Recommender(..., histories=data.train)`. Received: histories=None"
        )
    return known.read(users)


def read_histories(vocabulary: Vocabulary, histories: Iterable[Sequence]) -> Requests:
    """The requests of newcomers with these raw ids, oldest first; unknown ids become notes."""
    known, unknown = read_lists(vocabulary, as_list(histories, "histories"), "history")
    offsets = np.cumsum([0, *map(len, known)]).astype(np.int64)
    flat = np.concatenate([*known, np.zeros(0, np.int32)])
    nobody = np.full(len(known), -1, np.int32)
    notes = [unknown_note(own, "history") for own in unknown]
    return Requests(Histories(np.arange(len(known)), flat, offsets, {}), nobody, notes)


def _one_after_the_other(items: np.ndarray, starts: np.ndarray, lengths: np.ndarray):
    """Stretches of a flat array as a flat array and its offsets."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    begin = np.repeat(starts - offsets[:-1], lengths)
    return items[begin + np.arange(offsets[-1])], offsets
