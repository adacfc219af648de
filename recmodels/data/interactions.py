"""The one table of behaviour events that everything else is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

ORDERS = ("timed", "ordered", "unordered")
LATEST_TIMESTAMP = 4_102_444_800  # 2100-01-01: anything later is milliseconds or a mistake.


@dataclass(frozen=True, eq=False, repr=False)
class Interactions:
    """Behaviour events, checked on construction and sorted by user and time.

    Args:
        events: a table with the columns `user` and `item` (raw ids: strings, or integers from 0
            up) and any of `timestamp` (integer UTC seconds), `action` (str), `duration` (float
            seconds, may be missing), `value` (float, such as a rating) and context columns under
            names of their own. Sorted stably by user, then timestamp: ties keep their row order.
        order: `"timed"` (has `timestamp`), `"ordered"` (the rows of a user are in time order but
            carry no time) or `"unordered"` (neither: splits and sequences refuse it).
        name: what reports and errors call this source.
        items: optional table of what is known of each item (`title`, `category`, ...), indexed
            by raw item id.
        users: optional table of what is known of each user (`age`, ...), indexed by raw user id.

    Raises:
        ValueError: a required column is missing, an id is missing or negative, a timestamp is
            not an integer second between 1970 and 2100, or `order` does not fit the columns.

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

    def __post_init__(self) -> None:
        _check_events(self.events, self.order, self.name)
        object.__setattr__(self, "events", _sorted(self.events, self.order))

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        extra = [c for c in self.events.columns if c not in ("user", "item")]
        return (
            f"<Interactions {self.name!r}: {len(self):,} events, {self.num_users:,} users, "
            f"{self.num_items:,} items, {self.order}, also {extra}>"
        )

    @property
    def num_users(self) -> int:
        return self.events["user"].nunique()

    @property
    def num_items(self) -> int:
        return self.events["item"].nunique()

    @property
    def is_sequential(self) -> bool:
        """Whether the events of a user stand in time order."""
        return self.order != "unordered"

    def select(self, rows: np.ndarray) -> "Interactions":
        """The events of a boolean mask or an array of row positions, in their present order."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return replace(self, events=self.events.iloc[np.sort(rows)].reset_index(drop=True))

    def user_offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Users in table order (U,) and where the events of each begin and end (U + 1,), int64."""
        users = self.events["user"].to_numpy()
        starts = np.flatnonzero(np.concatenate([[True], users[1:] != users[:-1]])[: len(users)])
        return users[starts], np.append(starts, len(users)).astype(np.int64)

    def require(self, purpose: str, orders: Sequence[str]) -> None:
        """Raise a `ValueError` that says what to use instead, unless `order` is one of `orders`."""
        if self.order in orders:
            return
        advice = "Use a source with a `timestamp` column"
        if "ordered" in orders:
            advice += ", or one whose file order is time order (read it with `order='ordered'`)"
        elif self.order == "ordered":
            advice += ", or `leave_one_out`, which needs only the order"
        raise ValueError(
            f"{purpose} needs a source that is {' or '.join(orders)}. {advice}. "
            f"Received: name={self.name!r}, order={self.order!r}"
        )


def _check_events(events: pd.DataFrame, order: str, name: str) -> None:
    if order not in ORDERS:
        raise ValueError(f"`order` must be one of {ORDERS}. Received: order={order!r}")
    missing = [c for c in ("user", "item") if c not in events.columns]
    if order == "timed" and "timestamp" not in events.columns:
        missing.append("timestamp")
    if missing:
        raise ValueError(
            f"`events` of {name!r} has no column {missing}. Name it when reading, for example "
            f"read_events(path, {missing[0]}='its name in your file'). "
            f"Received: columns={list(events.columns)}"
        )
    for column in ("user", "item"):
        check_ids(events[column], name)
    if "timestamp" in events.columns:
        _check_timestamps(events["timestamp"], name)


def check_ids(ids: pd.Series, name: str) -> None:
    """Raise a `ValueError` for ids that are missing, negative or of no usable type."""
    bad = ids.isna().to_numpy()
    if not bad.any() and ids.dtype == object and pd.api.types.infer_dtype(ids) != "string":
        raise ValueError(
            f"Column `{ids.name}` of {name!r} must hold integers or strings, all of one type: "
            "turn them into text with astype(str). "
            f"Received: {sorted({type(value).__name__ for value in ids})}"
        )
    if not bad.any() and pd.api.types.is_numeric_dtype(ids):
        if not pd.api.types.is_integer_dtype(ids):
            raise ValueError(
                f"Column `{ids.name}` of {name!r} must hold integers or strings. "
                f"Received: dtype={ids.dtype}"
            )
        bad = (ids < 0).to_numpy()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"Column `{ids.name}` of {name!r} has {int(bad.sum())} missing or negative ids. Drop "
            "those rows (recmodels.data.drop_missing), or read the column as text if negative "
            f"numbers are real ids. Received: {ids.iloc[row]} in row {row}"
        )


def _check_timestamps(timestamps: pd.Series, name: str) -> None:
    if not pd.api.types.is_integer_dtype(timestamps):
        raise ValueError(
            f"Column `timestamp` of {name!r} must be integer UTC seconds; `read_events` converts "
            f"dates and other units. Received: dtype={timestamps.dtype}"
        )
    bad = ((timestamps < 0) | (timestamps > LATEST_TIMESTAMP)).to_numpy()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"Column `timestamp` of {name!r} has {int(bad.sum())} values outside 1970 to 2100: "
            "milliseconds, or a mixture of units? `read_events` converts one unit per file. "
            f"Received: {timestamps.iloc[row]} in row {row}"
        )


def _sorted(events: pd.DataFrame, order: str) -> pd.DataFrame:
    """Sort stably by user, then by time where there is one; leave sorted tables alone."""
    users = events["user"].to_numpy()
    times = events["timestamp"].to_numpy() if order == "timed" else np.zeros(len(events), "int8")
    same_user = users[1:] == users[:-1]
    in_order = (users[1:] > users[:-1]) | (same_user & (times[1:] >= times[:-1]))
    if in_order.all():
        return events.reset_index(drop=True)
    codes = users if users.dtype.kind in "iu" else pd.factorize(users, sort=True)[0]
    return events.iloc[_stable_order(codes, times)].reset_index(drop=True)


def _stable_order(codes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rows by code, then time; as one number where it fits, which sorts more than twice as fast."""
    first, span = int(times.min()), int(times.max()) - int(times.min()) + 1
    if (int(codes.max()) + 1) * span < 2**63:
        return np.argsort(codes.astype(np.int64) * span + (times - first), kind="stable")
    return np.lexsort((times, codes))
