"""Typed columns of events, items and users, with encoders fitted on training rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.features.columns import Category, Column, Flag, Vector
from recmodels.features.counts import Counts, sum_in_histories
from recmodels.features.described import check_described
from recmodels.features.gaps import gap_seconds
from recmodels.features.number_columns import Clock, Gap, Number
from recmodels.features.vocabulary import Vocabulary

KINDS = {kind.kind: kind for kind in (Category, Number, Gap, Clock, Flag, Vector, Counts)}
# By which column of the events each row of a table is found.
KEYS = {"items": "item", "users": "user"}


@dataclass(frozen=True)
class Schema:
    """An ordered set of named columns, each with its encoder.

    Fit it on training rows only; it then encodes any rows with the same columns. An encoder
    never changes after `fit`, so that test rows cannot change a number.

    `of` says what a column describes. Models read all columns per event: the value of an
    event, of its item, of its user, or, with `of="asked"`, of the event that follows it. After the
    last event it is given with the query, such as the type of behaviour: "what will be bought
    next?". A query may contain a category or a flag of its target, never the item, and a `Clock`
    or a `Gap` of its time only with `Protocol(query_time=True)`.

    Args:
        columns: encoders by the name that models know them by, such as `{"action": Category()}`.
            A column of the target event is made by default from the source that follows
            `asked_` in its name.

    Raises:
        ValueError: a column is of no known kind or describes what its kind cannot.

    Example:
        >>> schema = Schema({
        ...     "action": Category(),
        ...     "gap": Gap(),
        ...     "price": Number("log1p", of="items"),
        ...     "age": Number(buckets=8, of="users"),
        ...     "asked_action": Category(of="asked"),
        ... })
        >>> fitted = schema.fit(train.events, train.items, train.users)
        >>> fitted.encode(events)["action"]          # int32 codes, (N,)
        >>> fitted.decode("action", [1, 2])          # ['view', 'buy']
    """

    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if not isinstance(column, tuple(KINDS.values())):
                raise ValueError(
                    f"`columns` must map names to one of {sorted(KINDS)}. "
                    f"Received: {name!r}: {column!r}"
                )
            check_described(name, column, self.source(name))

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self):
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise ValueError(
                f"`name` must be a column of the schema, one of {list(self.columns)}. "
                f"Received: name={name!r}"
            )
        return self.columns[name]

    @property
    def fitted(self) -> bool:
        """Return whether every encoder is fitted."""
        return all(column.fitted for column in self.columns.values())

    def names_of(self, of: str) -> tuple[str, ...]:
        """Names of the columns that describe `"events"`, `"items"`, `"users"` or `"asked"`."""
        return tuple(name for name, column in self.columns.items() if column.of == of)

    def input_sizes(self, *names: str) -> dict[str, dict[str, int]]:
        """Return the sizes of columns, which a model needs to read them; of all columns by default.

        Args:
            *names: of columns of a fitted schema.

        Returns:
            By name, n under `"codes"` for codes 0..n - 1, or C under `"numbers"` for C per event.

        Raises:
            ValueError: a column is unknown or has not been fitted.

        Example:
            >>> SASRec(data.num_items, columns=data.schema.input_sizes("action", "gap"))
        """
        sizes = {}
        for name in names or self.columns:
            column = self[name]
            must = "`input_sizes` needs a fitted schema, such as `data.schema`"
            require(column.fitted, must, unfitted_column=name)
            coded = column.num_codes is not None
            sizes[name] = {"codes": column.num_codes} if coded else {"numbers": column.width}
        return sizes

    def source(self, name: str) -> str:
        """Name of the column of a table that a column of the schema is made from."""
        column = self.columns[name]
        default = name.removeprefix("asked_") if column.of == "asked" else name
        return column.source or column.default_source or default

    def fit(
        self,
        events: pd.DataFrame,
        items: pd.DataFrame | None = None,
        users: pd.DataFrame | None = None,
    ) -> "Schema":
        """Return a new schema whose encoders are fitted to training events, their items and users.

        Args:
            events: training events sorted by user and time.
            items, users: tables indexed by raw id, for columns of items and users. Only rows of
                items and users with a training event are read, each once.

        Raises:
            ValueError: a table or a column is missing, or holds values that its kind cannot read.
        """
        tables, fitted = {"items": items, "users": users}, {}
        for name, column in self.columns.items():
            rows = events
            if column.of in tables:
                table = self._table(name, tables[column.of])
                rows = table[table.index.isin(events[KEYS[column.of]].unique())]
            fitted[name] = column.fit(self._values(rows, name, items))
        return Schema(fitted)

    def encode(
        self, events: pd.DataFrame, items: pd.DataFrame | None = None
    ) -> dict[str, np.ndarray]:
        """Encode the columns of events and of the target events.

        Args:
            events: sorted by user and time, (N,).
            items: table of the items, for a `Gap` by one of its columns.

        Returns:
            By name: int32 codes (N,) where the column has codes (0 is padding only), or
            float64 (N, C) with the scaled value and, last, 1 where it is missing. A column of the
            event asked for has the code of the user's next event, missing after the last.

        Raises:
            ValueError: a column is missing from `events`, has not been fitted, or holds values
                that its kind cannot read.
        """
        encoded = {}
        for name in (*self.names_of("events"), *self.names_of("asked")):
            codes = self._encode(name, self._values(events, name, items))
            if isinstance(self.columns[name], Counts):
                codes = sum_in_histories(codes, events["user"].to_numpy())
            if self.columns[name].of == "asked":
                users = events["user"].to_numpy()
                last = np.append(users[1:] != users[:-1], True)[: len(users)]
                missing = self.columns[name].num_codes - 1
                codes = np.where(last, missing, np.roll(codes, -1)).astype(np.int32)
            encoded[name] = codes
        return encoded

    def encode_asked(self, events: pd.DataFrame, before=None) -> dict[str, np.ndarray]:
        """The codes of events that are asked for themselves, int32 (N,), by name.

        Args:
            events: asked for.
            before: time of the event before each of them, (N,), for gaps.
        """
        encoded = {}
        for name in self.names_of("asked"):
            values = self._values(events, name)
            if isinstance(self.columns[name], Gap):
                times = events[self.source(name)].to_numpy(np.float64)
                values = pd.Series(times - before, name=values.name)
            encoded[name] = self._encode(name, values)
        return encoded

    def names_of_time_asked(self) -> tuple[str, ...]:
        """Return the names of the columns that contain the time of the target."""
        names = self.names_of("asked")
        return tuple(n for n in names if isinstance(self.columns[n], Clock | Gap))

    def encode_items(
        self, items: pd.DataFrame | None, vocabulary: Vocabulary
    ) -> dict[str, np.ndarray]:
        """Encode columns of the whole catalogue, for item towers and content models.

        Args:
            items: table indexed by raw item id; items without a row are missing.
            vocabulary: of the catalogue.

        Returns:
            By name, (V + 3, ...): row i belongs to item id i. Row 0, padding, holds zeros; the
            unknown item and the mask are missing.

        Raises:
            ValueError: see `encode`.
        """
        encoded = {}
        for name in self.names_of("items"):
            rows = self._encode_rows(name, items, vocabulary.raw_ids)
            encoded[name] = np.concatenate([np.zeros_like(rows[:1]), rows, rows[-1:]])
        return encoded

    def encode_users(self, users: pd.DataFrame | None, raw_ids) -> dict[str, np.ndarray]:
        """Columns of some users, (U, ...) by name; users without a row in the table are missing.

        Raises:
            ValueError: see `encode`.
        """
        names = self.names_of("users")
        return {name: self._encode_rows(name, users, raw_ids)[:-1] for name in names}

    def decode(self, name: str, encoded) -> list:
        """Return the values of codes; None where missing.

        Categories and flags come back exactly, numbers within 1e-6 relative; buckets and gaps
        come back as their bounds `(low, high)`.
        """
        return self[name].decode(np.asarray(encoded))

    def to_config(self) -> dict:
        """Return a dict for JSON; `from_config` makes an equal schema from it."""
        return {name: column.to_config() for name, column in self.columns.items()}

    @classmethod
    def from_config(cls, config: Mapping) -> "Schema":
        """Create the schema from the dict of `to_config`.

        Raises:
            ValueError: a kind is unknown or a value has the wrong type.
        """
        columns = {}
        for name, stored in config.items():
            kind = stored.get("kind") if isinstance(stored, Mapping) else None
            if kind not in KINDS:
                raise ValueError(
                    f"`config` must describe each column by one of the kinds {sorted(KINDS)}. "
                    f"Received: {name!r}: {stored!r}"
                )
            columns[name] = KINDS[kind].from_config(stored)
        return cls(columns)

    def _encode(self, name: str, values: pd.Series) -> np.ndarray:
        column = self.columns[name]
        if not column.fitted:
            raise ValueError(
                "`encode` needs a fitted schema: call `fit` first. "
                f"Received: column {name!r}, which is not fitted"
            )
        return column.encode(values)

    def _encode_rows(self, name: str, table: pd.DataFrame | None, raw_ids) -> np.ndarray:
        """A column of items or users in the order of some ids, and one row that is missing."""
        table = self._table(name, table)
        places = table.index.get_indexer(pd.Index(raw_ids))
        known = places >= 0
        values = self._values(table.iloc[places[known]], name)
        missing = pd.Series([None], dtype=object, name=values.name)
        rows = np.concatenate([self._encode(name, values), self._encode(name, missing)])
        order = np.full(len(places) + 1, len(values))
        order[:-1][known] = np.arange(len(values))
        return rows[order]

    def _table(self, name: str, table: pd.DataFrame | None) -> pd.DataFrame:
        of = self.columns[name].of
        if table is None or not table.index.is_unique:
            raise ValueError(
                f"Column `{name}` of the schema describes {of}: it needs the table `{of}`, indexed "
                f"by raw ids that occur in it once each, such as `Interactions(..., {of}=...)`. "
                f"Received: {of}={'None' if table is None else 'a table with duplicated ids'}"
            )
        return table

    def _values(self, rows: pd.DataFrame, name: str, items: pd.DataFrame | None = None):
        source = self.source(name)
        if source not in rows.columns:
            raise ValueError(
                f"Column `{name}` of the schema needs the column `{source}` of "
                f"{self.columns[name].of.replace('asked', 'events')}, which the table lacks. Name "
                "it when reading, or leave it out of the schema. "
                f"Received: columns={list(rows.columns)}"
            )
        if isinstance(self.columns[name], Gap):
            return gap_seconds(rows, source, self.columns[name].by, items)
        return rows[source].reset_index(drop=True)
