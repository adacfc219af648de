"""The table of events from which everything else is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from recmodels.data.errors import require
from recmodels.data.ids import check_ids, encode
from recmodels.data.text import counted
from recmodels.data.values import is_real, refuse, unwrap

ORDERS = ("timed", "ordered", "unordered")
LATEST_TIMESTAMP = 4_102_444_800  # 2100-01-01: anything later is milliseconds or a mistake.


@dataclass(frozen=True, eq=False, repr=False)
class Interactions:
    """A log of events, checked on construction and sorted by user and time.

    Args:
        events: a table with the columns `user` and `item` (raw ids: strings, or integers from 0
            up) and any of `timestamp` (integer UTC seconds), `action` (str), `duration` (float
            seconds, may be missing), `value` (float, such as a rating) and context columns under
            names of their own. Sorted stably by user, then timestamp: ties keep their row order.
            Object, categorical and nullable columns are taken by their content.
        order: `"timed"` (has `timestamp`), `"ordered"` (the rows of a user are in time order but
            carry no time) or `"unordered"` (neither: splits and sequences refuse it).
        name: what reports and errors call this source.
        items: optional table of what is known of each item (`title`, `category`, ...), indexed
            by raw item id.
        users: optional table of what is known of each user (`age`, ...), indexed by raw user id.
        assumed: how `read_events` or `from_frame` read the source (encoding, dates, types of ids
            and so on), for reports.

    Raises:
        ValueError: a required column is missing, a column stands twice, an id is missing, empty,
            negative, or neither integer nor text, a timestamp is not an integer second between
            1970 and 2100, a `value` or `duration` is not a finite number, or `order` does not
            fit the columns.

    Example:
        >>> frame = pd.DataFrame({"user": [7, 7], "item": [1, 2], "timestamp": [20, 10]})
        >>> Interactions(frame, order="timed").events["item"].tolist()
        [2, 1]
    """

    events: pd.DataFrame
    order: str
    name: str = "events"
    items: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    assumed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        events = _check_events(self.events, self.order, self.name)
        for role in ("item", "user"):
            _check_attributes(getattr(self, f"{role}s"), events[role])
        object.__setattr__(self, "events", _sorted(events, self.order))

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        extra = [c for c in self.events.columns if c not in ("user", "item")]
        return (
            f"<Interactions {self.name!r}: {counted(len(self), 'event')}, "
            f"{counted(self.num_users, 'user')}, {counted(self.num_items, 'item')}, "
            f"{self.order}, also {extra}>"
        )

    @property
    def num_users(self) -> int:
        return self.events["user"].nunique()

    @property
    def num_items(self) -> int:
        return self.events["item"].nunique()

    @property
    def is_sequential(self) -> bool:
        """Whether the events of a user are in time order."""
        return self.order != "unordered"

    def select(self, rows: np.ndarray) -> "Interactions":
        """Return the events of a boolean mask or of row positions, in their present order."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return replace(self, events=self.events.iloc[np.sort(rows)].reset_index(drop=True))

    def user_offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the users in table order, (U,), and the bounds of their events, int64 (U + 1,)."""
        users = self.events["user"].to_numpy()
        starts = np.flatnonzero(np.concatenate([[True], users[1:] != users[:-1]])[: len(users)])
        return users[starts], np.append(starts, len(users)).astype(np.int64)

    def require(self, purpose: str, orders: Sequence[str]) -> None:
        """Raise a `ValueError` that says what to use instead, unless `order` is one of `orders`."""
        advice = "Use a source with a `timestamp` column"
        if "ordered" in orders:
            advice += ", or one whose file order is time order (read it with `order='ordered'`)"
        elif self.order == "ordered":
            advice += ", or `leave_one_out`, which needs only the order"
        message = f"{purpose} needs a source that is {' or '.join(orders)}. {advice}"
        require(self.order in orders, message, name=self.name, order=self.order)


def _check_events(events: pd.DataFrame, order: str, name: str) -> pd.DataFrame:
    """Return the table with ids and times in plain dtypes; raise if a value is invalid."""
    is_table = isinstance(events, pd.DataFrame)
    require(is_table, "`events` must be a pandas DataFrame", type=type(events))
    require(order in ORDERS, f"`order` must be one of {ORDERS}", order=order)
    needed = ("user", "item", "timestamp") if order == "timed" else ("user", "item")
    missing = [column for column in needed if column not in events.columns]
    advice = "name it when reading, for example `read_events(path, item='its name in your file')`"
    lacks = f"`events` of {name!r} has no column {missing}: {advice}"
    require(not missing, lacks, columns=list(events.columns))
    check_names(events.columns)
    typed = [c for c in ("user", "item", "timestamp") if c in events.columns]
    plain = {column: unwrap(events[column]) for column in typed}
    for column, values in plain.items():
        check_ids(values) if column != "timestamp" else _check_timestamps(values)
    for column in ("value", "duration"):
        if column in events.columns:
            _check_numbers(events[column])
    changed = {c: values for c, values in plain.items() if values.dtype != events[c].dtype}
    return events.assign(**changed) if changed else events


def _check_attributes(table: pd.DataFrame | None, ids: pd.Series) -> None:
    """Raise if the index of a table of items or users cannot match the ids of the log."""
    if table is None:
        return
    fits = isinstance(table, pd.DataFrame) and table.index.is_unique
    kinds = [ids.dtype, table.index.dtype] if fits else []
    require(
        fits and len({pd.api.types.is_integer_dtype(kind) for kind in kinds}) == 1,
        f"`{ids.name}s` must be a table indexed by the raw ids of column `{ids.name}`, each once "
        "and of the same type: use set_index and, where needed, astype",
        type=type(table),
        types_of_ids=kinds,
    )


def check_names(columns: pd.Index) -> None:
    """Raise a `ValueError` if a column name stands twice."""
    twice = columns[columns.duplicated()].unique().tolist()
    shown = ", ".join(f"`{name}`" for name in twice)
    message = f"Columns {shown} stand twice: rename or drop one of each"
    require(not twice, message, columns=list(columns))


def _check_timestamps(timestamps: pd.Series) -> None:
    advice = "Drop those rows, or let `from_frame` convert dates and other units"
    refuse(timestamps, timestamps.isna(), "are missing times", advice)
    must = "Column `timestamp` must be integer UTC seconds; `from_frame` converts other times"
    require(pd.api.types.is_integer_dtype(timestamps), must, dtype=timestamps.dtype)
    bad = (timestamps < 0) | (timestamps > LATEST_TIMESTAMP)
    what = "lie outside 1970 to 2100: milliseconds, or several units in one column"
    refuse(timestamps, bad, what, advice)
    if timestamps.min() >= 19_700_101 and timestamps.max() <= 21_001_231:
        months, days = timestamps // 100 % 100, timestamps % 100
        if months.between(1, 12).all() and days.between(1, 31).all():
            refuse(timestamps, timestamps > 0, "look like dates as %Y%m%d", advice)


def _check_numbers(numbers: pd.Series) -> None:
    advice = "Correct those rows, or let `from_frame` convert the column"
    must = f"Column `{numbers.name}` must hold numbers. {advice}"
    require(is_real(numbers), must, dtype=numbers.dtype)
    refuse(numbers, np.isinf(numbers.to_numpy("float64", na_value=np.nan)), "are infinite", advice)


def _sorted(events: pd.DataFrame, order: str) -> pd.DataFrame:
    """Sort stably by user, then by time where there is one; leave sorted tables alone."""
    users = _codes(events["user"])
    times = events["timestamp"].to_numpy() if order == "timed" else np.zeros(len(events), "int8")
    same_user = users[1:] == users[:-1]
    in_order = (users[1:] > users[:-1]) | (same_user & (times[1:] >= times[:-1]))
    if in_order.all():
        return events.reset_index(drop=True)
    return events.iloc[_order(users, times)].reset_index(drop=True)


def stable_order(users: pd.Series, times: np.ndarray) -> np.ndarray:
    """Rows by user, then time."""
    return _order(_codes(users), times)


def _codes(users: pd.Series) -> np.ndarray:
    """Return an integer per row that is equal for equal users and sorts like them."""
    if users.dtype.kind in "iu":
        return users.to_numpy()
    codes, distinct = encode(users)
    ranks = np.empty(len(distinct), np.int64)
    ranks[pc.array_sort_indices(distinct)] = np.arange(len(ranks))
    return ranks[codes]


def _order(codes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Sort rows by code, then time; as one number if possible, which is more than twice as fast."""
    first, span = int(times.min()), int(times.max()) - int(times.min()) + 1
    if (int(codes.max()) + 1) * span < 2**63 and times.dtype.kind in "iu":
        key = codes.astype(np.int64)
        key *= span
        key += times - first
        return _stable_argsort(key)
    return np.lexsort((times, codes))


def _stable_argsort(key: np.ndarray) -> np.ndarray:
    """As `np.argsort(key, kind="stable")`: the faster unstable sort, and then the rows of ties."""
    order = np.argsort(key)
    key = key[order]
    tied = np.flatnonzero(key[1:] == key[:-1])
    if len(tied):
        tied = np.union1d(tied, tied + 1)
        run = np.cumsum(np.append(False, key[tied][1:] != key[tied][:-1]))
        order[tied] = np.sort(run * len(key) + order[tied]) % len(key)
    return order
