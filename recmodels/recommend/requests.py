"""Requests for lists: given histories, or users with known histories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import LATEST_TIMESTAMP
from recmodels.evaluation.model_checks import check_model, check_schema
from recmodels.features.columns import Category
from recmodels.features.described import OF
from recmodels.features.gaps import group_sources
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.raw_ids import as_list, check_types, encode_lists, unknown_note


@dataclass(frozen=True, eq=False)
class Requests:
    """The histories and times of all requests; models read them like `Queries`.

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


class RequestReader:
    """Convert histories of raw ids, or known users, to the inputs of models.

    Args:
        vocabulary: of the items.
        schema: of the columns that models read.
        items: table of the items, for the schema's columns of items.
        histories: what each known user did; its rows are those of the training histories.
        scorer: whose columns must be those of the schema and whose rows of users, if it has any,
            those of the histories.

    Raises:
        ValueError: the model was trained on other columns, on other users, or on these in another
            order, a user has two histories, or the table of items lacks a column of the schema.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        schema: Schema,
        items: pd.DataFrame | None = None,
        histories: Histories | None = None,
        scorer=None,
    ) -> None:
        check_schema(scorer, schema)
        self.vocabulary = vocabulary
        self.schema = schema
        self.items = items
        self.item_columns = schema.encode_items(items, vocabulary)
        self.sources = {of: {schema.source(n) for n in schema.names_of(of)} for of in OF}
        self.groups = group_sources(schema.columns.values(), items) - {"item"}
        self.sources["events"] |= self.groups
        self.histories = None
        if histories is None:
            return
        check_model(scorer, len(vocabulary), histories)
        self.histories = histories.with_item_columns(self.item_columns)
        self.index = pd.Index(histories.users)
        if not self.index.is_unique:
            twice = self.index[self.index.duplicated()].tolist()[0]
            raise ValueError(
                f"`histories` must hold each user once. Received: {twice!r} more than once"
            )

    def read(self, histories, users, asked: Mapping | None = None) -> Requests:
        """The requests of histories, or else of users, who must then be known.

        Args:
            histories: see `read_histories`; or None.
            users: raw ids; or None.
            asked: what is asked for, such as `{"action": "buy"}`, by source of the schema's
                columns of the target event. What training never saw is read as unknown and
                what is left out as missing, both with a note.

        Raises:
            ValueError: both or neither of `histories` and `users` are given, or something is not
                what it must be.
        """
        if (histories is None) == (users is None):
            raise ValueError(
                "`history` must be given, or else `user`, and not both. "
                f"Received: history given={histories is not None}, user given={users is not None}"
            )
        if users is None:
            requests = self.read_histories(as_list(histories, "histories"))
        elif self.histories is None:
            raise ValueError(
                "`user` can be asked for only where histories are kept: give "
                "`Recommender(..., histories=data.train)`. Received: histories=None"
            )
        else:
            requests = self.read_users(users)
        codes, notes = self._encode_asked(asked)
        return replace(
            requests,
            histories=requests.histories.asking(codes),
            notes=[[*user_notes, *notes] for user_notes in requests.notes],
        )

    def read_users(self, users: Iterable) -> Requests:
        """The requests of some users; who is not known has no history, and a note.

        Raises:
            ValueError: they are no list, or not of the type of the known ones.
        """
        users = as_list(users, "users")
        if len(self.index):
            check_types(users, self.index[:1].tolist()[0], "user")
        rows = self.index.get_indexer(pd.Index(users)) if users else np.zeros(0, int)
        pairs = zip(users, rows, strict=True)
        notes = [[f"User {user!r} is not known."] if row < 0 else [] for user, row in pairs]
        histories = self.histories.select(rows, users)
        return Requests(histories, rows.astype("i4"), notes, _last_times(histories))

    def read_histories(self, histories: Sequence) -> Requests:
        """The requests of newcomers with these events, oldest first.

        Args:
            histories: each a list of raw item ids, or a dict of equally long lists with `item` and
                the event columns that the schema reads, such as `action` and `timestamp`, and with
                a dict `user` of its columns of users, such as `{"age": 25}`. A column that is left
                out counts as missing, and a category that training never saw as unknown, each with
                a note. Columns that the schema does not know must hold numbers.

        Raises:
            ValueError: something is no list, lists differ in length, values are not of their kind,
                or times are no UTC seconds or jump back.
        """
        tables, people = (
            zip(*map(_parts_of_history, histories), strict=True) if histories else ((), ())
        )
        encoded, unknown = encode_lists(
            self.vocabulary, [table["item"] for table in tables], "history"
        )
        lengths = [len(items) for items in encoded]
        offsets = np.cumsum([0, *lengths]).astype(np.int64)
        given = sorted({name for table in tables for name in table} - {"item"})
        rows = {"user": np.repeat(np.arange(len(tables)), lengths)}
        for name in (self.sources["events"] | self.sources["asked"] | set(given)) - {"item"}:
            parts = zip(tables, lengths, strict=True)
            values = [value for table, n in parts for value in table.get(name, [None] * n)]
            rows[name] = pd.Series(values, dtype=object)
        rows["item"] = [item for table in tables for item in table["item"]]
        if "timestamp" in rows:
            _check_times(_numbers("timestamp", rows["timestamp"]), rows["user"])
        columns = self.schema.encode(pd.DataFrame(rows), self.items)
        # Raw numbers, such as ratings, for models that read them as they are.
        whole = {name for name in given if all(name in table for table in tables)}
        whole -= {*columns, *self.groups}
        columns |= {name: _numbers(name, rows[name]) for name in sorted(whole)}
        flat = np.concatenate([*encoded, np.zeros(0, np.int32)])
        requests = Histories(np.arange(len(tables)), flat, offsets, columns)
        requests = requests.with_item_columns(self.item_columns).with_user_columns(
            self._encode_people(people)
        )
        unseen = self._unseen_notes(rows, columns, len(tables))
        notes = [
            [*unknown_note(raw_ids, "history"), *self._missing_notes(table, person), *more]
            for raw_ids, table, person, more in zip(unknown, tables, people, unseen, strict=True)
        ]
        return Requests(requests, np.full(len(tables), -1, np.int32), notes, _last_times(requests))

    def _encode_people(self, people: Sequence[Mapping]) -> dict[str, np.ndarray]:
        """The columns of users from what requests tell of them, (B, ...)."""
        sources = self.sources["users"]
        extra = sorted({name for person in people for name in person} - sources)
        if extra:
            raise ValueError(
                f"`history['user']` must hold columns that the model's schema reads of users, "
                f"{sorted(sources)}. Received: {extra}"
            )
        if not sources:  # Empty tables cost half of the time of a request.
            return {}
        table = {s: pd.Series([p.get(s) for p in people], dtype=object) for s in sources}
        return self.schema.encode_users(pd.DataFrame(table), np.arange(len(people)))

    def _encode_asked(self, asked: Mapping | None) -> tuple[dict[str, np.ndarray], list[str]]:
        """Codes of what is asked for, by column, and notes on what the model does not know."""
        asked, sources = {} if asked is None else asked, self.sources["asked"]
        if not isinstance(asked, Mapping) or not set(asked) <= sources:
            raise ValueError(
                "`asked` must be a dict of what the model's schema knows of the target event, "
                f"{sorted(sources)}. Received: asked={asked!r}"
            )
        if not sources:
            return {}, []
        given = {s: pd.Series([asked.get(s)], dtype=object) for s in sources}
        codes, notes = self.schema.encode_asked(pd.DataFrame(given)), []
        for name, (code,) in codes.items():
            source = self.schema.source(name)
            if asked.get(source) is None:
                notes.append(f"`asked` has no {source}: the model reads it as missing.")
            elif self.schema.decode(name, [code]) == ["<unknown>"]:
                notes.append(f"`asked` {source} {asked[source]!r} is unknown to the model.")
        return codes, notes

    def _missing_notes(self, table: Mapping, person: Mapping) -> list[str]:
        missing = sorted((self.sources["events"] | self.sources["asked"]) - {*table, "item"})
        missing += sorted(f"user {name}" for name in self.sources["users"] - set(person))
        if not missing or not table["item"]:
            return []
        return [f"The history has no {', '.join(missing)}: the model reads it as missing."]

    def _unseen_notes(self, rows: Mapping, columns: Mapping, count: int) -> list[list[str]]:
        """Notes of each of `count` histories on categories that training never saw."""
        notes = [[] for _ in range(count)]
        for name in self.schema.names_of("events"):
            column, source = self.schema[name], self.schema.source(name)
            if not isinstance(column, Category) or source == "item":
                continue
            places = np.flatnonzero(columns[name] == len(column.values) + 1)
            if not len(places):  # Grouping nothing would take a tenth of a request.
                continue
            for row, values in rows[source].iloc[places].groupby(rows["user"][places]):
                shown = ", ".join(map(repr, list(dict.fromkeys(values))[:5]))
                notes[row].append(
                    f"Training had no such `{source}`: {shown}. The model reads it as unknown."
                )
        return notes


def _parts_of_history(history) -> tuple[dict[str, list], Mapping]:
    """A history as a dict of lists, whichever way it was given, and what it tells of its user."""
    if not (isinstance(history, Mapping) and "item" in history):
        return {"item": as_list(history, "history")}, {}
    person = history.get("user", {})
    if not isinstance(person, Mapping):
        raise ValueError(
            "`history['user']` must be a dict of what is known of the user, such as {'age': 25}. "
            f"Received: {person!r:.200}"
        )
    events = {name: values for name, values in history.items() if name != "user"}
    table = {name: as_list(values, f"history[{name!r}]") for name, values in events.items()}
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"`history` must hold one value per event in each column. Received: lengths={lengths}"
        )
    return table, person


def _numbers(name: str, values: pd.Series) -> np.ndarray:
    """Raw numbers of a column, (N,): float64, or int64 as in training if they are whole."""
    try:
        return pd.to_numeric(values).to_numpy()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column `{name}` of `history` must hold numbers, because it is no category of the "
            f"model's schema. Received: {error}"
        ) from error


def _check_times(times: np.ndarray, users: np.ndarray) -> None:
    """Raise unless the times of each history are UTC seconds that never decrease; NaN is missing.

    Args:
        times, users: of all events, (N,); events of a user follow each other.
    """
    known = np.flatnonzero(~np.isnan(times))
    outside = known[(times[known] < 0) | (times[known] > LATEST_TIMESTAMP)]
    must = "`timestamp` of `history` must hold UTC seconds, from 1970 to 2100: convert milliseconds"
    require(not len(outside), must, timestamp=times[outside[:1]])
    back = np.flatnonzero((np.diff(times[known]) < 0) & (np.diff(users[known]) == 0))
    must = "`timestamp` of `history` must not decrease: give the events oldest first, in one unit"
    require(not len(back), must, timestamps=[times[known[i : i + 2]].tolist() for i in back[:1]])


def _last_times(histories: Histories) -> np.ndarray | None:
    """The time of each history's last event, float64 (B,); None where there are no times."""
    if "timestamp" not in histories.columns:
        return None
    times = np.append(np.asarray(histories.columns["timestamp"], np.float64), np.nan)
    return np.where(histories.lengths > 0, times[histories.offsets[1:] - 1], np.nan)
