"""Types of columns: encode raw values as codes or scaled numbers, and decode them.

Codes begin at 1, because 0 pads. A missing value has a code or a flag of its own and is never a
zero or a NaN.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from types import UnionType
from typing import ClassVar, Self, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Column:
    """Base class of all column types.

    Args:
        source: name of the table's column; by default the name in the schema.
        of: what the column describes: `"events"`, `"items"` or `"users"`, or `"asked"` for the
            event that is asked for, whose item the model predicts.
    """

    source: str | None = field(default=None, kw_only=True)
    of: str = field(default="events", kw_only=True)
    kind: ClassVar[str]
    default_source: ClassVar[str | None] = None
    of_history: ClassVar[bool] = False  # Whether a value depends on the events before it.

    @property
    def fitted(self) -> bool:
        """Return whether the encoder is fitted."""
        return True

    @property
    def num_codes(self) -> int | None:
        """Codes, padding included, for an embedding table; None where values are numbers."""
        return None

    @property
    def width(self) -> int:
        """Numbers per value where there are no codes, the flag of missing values included."""
        return 1

    def fit(self, values: pd.Series) -> Self:
        """Return the encoder fitted to training values."""
        return self

    def to_config(self) -> dict:
        """Return a dict of plain values for JSON."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_config(cls, config) -> Self:
        """The column that `to_config` described.

        Raises:
            ValueError: an entry is unknown or of the wrong type.
        """
        names = {entry.name for entry in fields(cls)}
        extra = set(config) - names - {"kind"}
        if extra:
            raise ValueError(
                f"`config` of a {cls.kind} column has unknown entries. Received: {sorted(extra)}"
            )
        stored = {name: config[name] for name in names & set(config)}
        stored = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        hints = get_type_hints(cls)
        for name, value in stored.items():
            if not _fits(value, hints[name]):
                raise ValueError(
                    f"`{name}` of a {cls.kind} column must be of type {hints[name]}. "
                    f"Received: {name}={value!r:.200}"
                )
        return cls(**stored)


@dataclass(frozen=True)
class Category(Column):
    """A categorical value; all values that are not in the training data share the code "unknown".

    Codes: 1..K for the values of the training rows, most frequent first, K + 1 for unknown ones,
    K + 2 for missing ones.

    Args:
        min_count: values with fewer training rows count as unknown.
        values: set by `fit`.
    """

    min_count: int = 1
    values: tuple[str | int | float | bool, ...] | None = None
    kind = "category"

    @property
    def fitted(self) -> bool:
        return self.values is not None

    @property
    def num_codes(self) -> int:
        return len(self.values or ()) + 3

    def fit(self, values: pd.Series) -> Self:
        counts = values.astype(object).value_counts()  # By content: pandas categories are ordered.
        # Among equally frequent values the first in order, so that the order of rows is no matter.
        ordered = (
            counts[counts >= self.min_count]
            .sort_index()
            .sort_values(ascending=False, kind="stable")
        )
        return replace(self, values=tuple(_plain(value) for value in ordered.index))

    def encode(self, values: pd.Series) -> np.ndarray:
        try:
            places = pd.Index(list(self.values), dtype=object).get_indexer(values.astype(object))
        except TypeError as error:
            raise ValueError(
                f"Column `{values.name}` must hold single values, such as texts or numbers. "
                f"Received: {error}"
            ) from error
        codes = np.where(places < 0, len(self.values) + 1, places + 1)
        return np.where(values.isna(), len(self.values) + 2, codes).astype(np.int32)

    def decode(self, codes: np.ndarray) -> list:
        """Values; `"<unknown>"` for the unknown code."""
        known = [None, *self.values, "<unknown>", None]
        return [known[code] for code in codes]


@dataclass(frozen=True)
class Flag(Column):
    """True or false: codes 2 and 1, and 3 for missing."""

    kind = "flag"

    @property
    def num_codes(self) -> int:
        return 4

    def encode(self, values: pd.Series) -> np.ndarray:
        missing = values.isna()
        present = values[~missing]
        wrong = present[~present.isin([True, False])]
        if len(wrong):
            raise ValueError(
                f"Column `{values.name}` must hold True, False or missing values to be a Flag; use "
                f"Category for others. Received: {wrong.iloc[0]!r}"
            )
        codes = np.full(len(values), 3, np.int32)
        codes[~missing.to_numpy()] = 1 + present.astype(bool).to_numpy()
        return codes

    def decode(self, codes: np.ndarray) -> list:
        return [(None, False, True, None)[code] for code in codes]


@dataclass(frozen=True)
class Vector(Column):
    """A vector of fixed length, such as a text embedding, with an added 1 where it is missing.

    Args:
        length: D, set by `fit` where it is not given.
    """

    length: int | None = None
    kind = "vector"

    @property
    def fitted(self) -> bool:
        return self.length is not None

    @property
    def width(self) -> int:
        return (self.length or 0) + 1

    def fit(self, values: pd.Series) -> Self:
        vectors = [_vector(value, values.name) for value in values]
        lengths = {len(vector) for vector in vectors if vector is not None}
        if self.length is not None:
            lengths.add(self.length)
        if len(lengths) != 1:
            raise ValueError(
                f"Column `{values.name}` must hold vectors of one length. "
                f"Received: lengths={sorted(lengths)}"
            )
        return replace(self, length=lengths.pop())

    def encode(self, values: pd.Series) -> np.ndarray:
        encoded = np.zeros((len(values), self.width))
        for row, value in enumerate(values):
            vector = _vector(value, values.name)
            if vector is None:
                encoded[row, -1] = 1.0
                continue
            if len(vector) != self.length or not np.isfinite(vector).all():
                raise ValueError(
                    f"Column `{values.name}` must hold finite vectors of length {self.length}. "
                    f"Received: {value!r} in row {row}"
                )
            encoded[row, :-1] = vector
        return encoded

    def decode(self, encoded: np.ndarray) -> list:
        return [None if row[-1] else row[:-1].tolist() for row in encoded]


def _vector(value, column: str) -> np.ndarray | None:
    """A cell of a column of vectors; None where it is None, NaN or a vector of NaN alone."""
    try:
        vector = np.asarray(np.nan if value is None else value, float).ravel()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column `{column}` must hold vectors of numbers. Received: {value!r:.200}"
        ) from error
    return None if np.isnan(vector).all() else vector


def _fits(value, hint) -> bool:
    """Return whether a value read from JSON has an annotated type."""
    if isinstance(hint, UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(part, get_args(hint)[0]) for part in value)
    if isinstance(value, bool) and hint is not bool:
        return False
    return isinstance(value, int | float if hint is float else hint)


def _plain(value):
    """Convert a NumPy scalar to the Python value that JSON can store."""
    return value.item() if isinstance(value, np.generic) else value
