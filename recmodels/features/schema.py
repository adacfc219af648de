"""Typed columns of events, items and users, encoded by numbers that the training rows decide."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.features.columns import Category, Column, Flag, Vector
from recmodels.features.number_columns import Clock, Gap, Number

KINDS: dict[str, type[Column]] = {
    kind.kind: kind for kind in (Category, Number, Gap, Clock, Flag, Vector)
}


@dataclass(frozen=True)
class Schema:
    """An ordered set of named columns, each with its encoder.

    Fit it on training rows only; it then encodes any rows with the same columns. An encoder
    never changes after `fit`, so that test rows cannot change a number.

    Args:
        columns: encoders by the name that models know them by, such as `{"action": Category()}`.

    Example:
        >>> schema = Schema({"action": Category(), "gap": Gap(), "price": Number("log1p")})
        >>> fitted = schema.fit(data.train_events)
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

    def source(self, name: str) -> str:
        """Name of the column of a table that a column of the schema is made from."""
        return self.columns[name].source or self.columns[name].default_source or name

    def fit(self, rows: pd.DataFrame) -> "Schema":
        """A new schema whose encoders have learnt from training rows.

        Args:
            rows: training events sorted by user and time, or one row per item or user.

        Raises:
            ValueError: a column is missing from `rows` or holds values that its kind cannot read.
        """
        fitted = {}
        for name, column in self.columns.items():
            fitted[name] = column.fit(self._values(rows, name))
        return Schema(fitted)

    def encode(self, rows: pd.DataFrame) -> dict[str, np.ndarray]:
        """Every column of some rows, encoded.

        Returns:
            By name: int32 codes (N,) where the column has codes (0 stands for padding alone), or
            float64 (N, C) with the scaled value and, last, 1 where it is missing.

        Raises:
            ValueError: a column is missing from `rows`, has not been fitted, or holds values that
                its kind cannot read.
        """
        encoded = {}
        for name, column in self.columns.items():
            if not column.fitted:
                raise ValueError(f"`encode` needs a fitted schema: call `fit` first. Column {name}")
            encoded[name] = column.encode(self._values(rows, name))
        return encoded

    def decode(self, name: str, encoded) -> list:
        """The values that encoded ones stand for; None where missing.

        Categories and flags come back exactly, numbers within 1e-6 relative; buckets and gaps
        come back as their bounds `(low, high)`.
        """
        return self[name].decode(np.asarray(encoded))

    def to_config(self) -> dict:
        """What JSON can hold; `from_config` makes an equal schema from it."""
        return {name: column.to_config() for name, column in self.columns.items()}

    @classmethod
    def from_config(cls, config: Mapping) -> "Schema":
        """The schema that `to_config` described.

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

    def _values(self, rows: pd.DataFrame, name: str):
        source = self.source(name)
        if source not in rows.columns:
            raise ValueError(
                f"Column `{name}` of the schema needs the column `{source}`, which the rows lack. "
                f"Name it when reading, or leave it out of the schema. "
                f"Received: columns={list(rows.columns)}"
            )
        values = rows[source]
        if isinstance(self.columns[name], Gap):
            users = rows["user"].to_numpy()
            first = np.concatenate([[True], users[1:] != users[:-1]])[: len(users)]
            gaps = values.astype("float64").diff().to_numpy(copy=True)
            gaps[first] = np.nan
            return pd.Series(gaps, name=source)
        return values.reset_index(drop=True)
