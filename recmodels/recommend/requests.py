"""Whom lists are asked for: histories as they come, or users whose histories are known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.evaluation.model_checks import check_model
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.raw_ids import as_list, check_types, encode_lists, unknown_note


@dataclass(frozen=True, eq=False)
class Requests:
    """What is known of everyone who asks; models read them as they read `Queries`.

    Args:
        histories: one per request, with the columns of the schema.
        user_ids: row of each in the training histories, or -1, int32 (B,).
        notes: of each request.
        at: UTC second at which each is asked, float64 (B,); None where no times are known.
    """

    histories: Histories
    user_ids: np.ndarray
    notes: list[list[str]]
    at: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.notes)

    def tell_nothing(self, num_items: int) -> np.ndarray:
        """Whether each history has no item of the catalogue, bool (B,)."""
        known = np.concatenate([[0], np.cumsum(self.histories.items <= num_items)])
        offsets = self.histories.offsets
        return known[offsets[1:]] == known[offsets[:-1]]


class KnownUsers:
    """Histories that can be asked for by raw user id.

    Args:
        histories: what each user did; its rows are those of the training histories.
        vocabulary: of the items.
        scorer: whose rows of users, if it has any, must be those of the histories.

    Raises:
        ValueError: the model was trained on other users, or on these in another order, or a user
            has two histories.
    """

    def __init__(self, histories: Histories, vocabulary: Vocabulary, scorer) -> None:
        check_model(scorer, len(vocabulary), histories)
        self.histories = histories
        self.index = pd.Index(histories.users)
        if not self.index.is_unique:
            twice = self.index[self.index.duplicated()].tolist()[0]
            raise ValueError(
                f"`histories` must hold each user once. Received: {twice!r} more than once"
            )

    def read(self, users: Iterable) -> Requests:
        """The requests of some users; who is not known has no history, and a note.

        Raises:
            ValueError: they are no list, or not of the type of the known ones.
        """
        users = as_list(users, "users")
        if len(self.index):
            check_types(users, self.index[:1].tolist()[0], "user")
        rows = self.index.get_indexer(pd.Index(users)) if users else np.zeros(0, int)
        histories = replace(self.histories.select(rows), users=np.asarray(users))
        pairs = zip(users, rows, strict=True)
        notes = [[f"User {user!r} is not known."] if row < 0 else [] for user, row in pairs]
        return Requests(histories, rows.astype("i4"), notes, _last_times(histories))


def read_requests(
    vocabulary: Vocabulary, schema: Schema, histories, users, known: KnownUsers | None
) -> Requests:
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
        return read_histories(vocabulary, as_list(histories, "histories"), schema)
    if known is None:
        raise ValueError(
            "`user` can be asked for only where histories are kept: give "
            "`Recommender(..., histories=data.train)`. Received: histories=None"
        )
    return known.read(users)


def read_histories(vocabulary: Vocabulary, histories: Sequence, schema: Schema) -> Requests:
    """The requests of newcomers with these events, oldest first.

    Args:
        vocabulary: of the items.
        histories: each a list of raw item ids, or a dict of equally long lists with `item` and
            the columns that the schema reads, such as `action` and `timestamp`. A column that is
            left out counts as missing, and a note says so.
        schema: of the columns that models read.
    """
    tables = [_columns_of_events(history) for history in histories]
    encoded, unknown = encode_lists(vocabulary, [table["item"] for table in tables], "history")
    lengths = [len(items) for items in encoded]
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    needed = {schema.source(name) for name in schema} - {"item"}
    given = sorted({name for table in tables for name in table} - {"item"})
    rows = {"user": np.repeat(np.arange(len(tables)), lengths)}
    for name in {*needed, *given}:
        parts = zip(tables, lengths, strict=True)
        values = [value for table, n in parts for value in table.get(name, [None] * n)]
        rows[name] = pd.Series(values, dtype=object)
    rows["item"] = [item for table in tables for item in table["item"]]
    columns = schema.encode(pd.DataFrame(rows))
    # Raw numbers, such as ratings, for models that read them as they are.
    whole = [name for name in given if all(name in table for table in tables)]
    columns |= {name: _numbers(name, rows[name]) for name in whole if name not in columns}
    flat = np.concatenate([*encoded, np.zeros(0, np.int32)])
    found = Histories(np.arange(len(tables)), flat, offsets, columns)
    notes = [
        [*unknown_note(own, "history"), *_missing_notes(table, needed)]
        for own, table in zip(unknown, tables, strict=True)
    ]
    return Requests(found, np.full(len(tables), -1, np.int32), notes, _last_times(found))


def _columns_of_events(history) -> dict[str, list]:
    """A history as a dict of lists, whichever way it was given."""
    if not (isinstance(history, Mapping) and "item" in history):
        return {"item": as_list(history, "history")}
    table = {name: as_list(values, f"history[{name!r}]") for name, values in history.items()}
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"`history` must hold one value per event in each column. Received: lengths={lengths}"
        )
    return table


def _missing_notes(table: Mapping, needed: set[str]) -> list[str]:
    missing = sorted(needed - set(table))
    if not missing or not table["item"]:
        return []
    return [f"The history has no {', '.join(missing)}: the model reads it as missing."]


def _numbers(name: str, values: pd.Series) -> np.ndarray:
    """Raw numbers of a column; float64 (N,)."""
    try:
        return pd.to_numeric(values).to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column `{name}` of `history` is none that the model's schema encodes, so it must "
            f"hold numbers. Received: {error}"
        ) from error


def _last_times(histories: Histories) -> np.ndarray | None:
    """The time of each history's last event, float64 (B,); None where there are no times."""
    if "timestamp" not in histories.columns:
        return None
    times = np.append(np.asarray(histories.columns["timestamp"], np.float64), np.nan)
    return np.where(histories.lengths > 0, times[histories.offsets[1:] - 1], np.nan)
