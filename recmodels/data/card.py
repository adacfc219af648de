"""The data card: the main properties of a log."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.registry import SOURCES, load
from recmodels.data.text import one_line

PERCENTILES = (0, 10, 25, 50, 75, 90, 99, 100)


@dataclass(frozen=True, repr=False)
class DataCard:
    """Counts, time span and unusual properties of a log.

    Args:
        name, order: as the log says.
        events, users, items: counts.
        density: distinct pairs of user and item among all possible ones.
        first, last: dates of the earliest and the latest event, UTC, or None without times.
        lengths: percentiles of the number of events per user, by percentile.
        repeats: share of events whose user had met the item before.
        repeated_last: share of the users with two or more events whose last item is among their
            earlier ones, or None without an order; if it is large, do not filter seen items.
        ties: share of events in the same second as the user's previous event, or None.
        actions: events of each kind, most frequent first.
        published: `users`, `items` and `events` as the authors count them; empty if unknown.
    """

    name: str
    order: str
    events: int
    users: int
    items: int
    density: float
    first: str | None
    last: str | None
    lengths: dict[str, float]
    repeats: float
    repeated_last: float | None
    ties: float | None
    actions: dict[str, int]
    published: dict[str, int]

    @property
    def equals_published(self) -> bool | None:
        """Return whether all counts equal the published ones; None if none are published."""
        if not self.published:
            return None
        return all(getattr(self, what) == count for what, count in self.published.items())

    def to_dict(self) -> dict:
        """Return the fields and `equals_published` as plain values for JSON."""
        return asdict(self) | {"equals_published": self.equals_published}

    def __repr__(self) -> str:
        lengths = ", ".join(f"{key} {value:g}" for key, value in self.lengths.items())
        lines = [
            f"{one_line(self.name)} ({self.order})",
            f"  events {self.events:,}, users {self.users:,}, items {self.items:,}, "
            f"density {self.density:.3%}",
            f"  from {self.first} to {self.last}" if self.first else "  without times",
            f"  events per user: {lengths}",
            f"  repeats {self.repeats:.1%} of events",
        ]
        if self.repeated_last is not None:
            lines[-1] += f", {self.repeated_last:.1%} of last events"
        if self.ties is not None:
            lines.append(f"  same second as the event before {self.ties:.1%}")
        if self.actions:
            counts = (f"{one_line(action)} {count:,}" for action, count in self.actions.items())
            lines.append(f"  actions: {', '.join(counts)}")
        return "\n".join([*lines, f"  {self._verdict()}"])

    def _verdict(self) -> str:
        if self.equals_published is None:
            return "no published counts to compare with"
        if self.equals_published:
            return "equal to the published counts"
        ours = {what: getattr(self, what) for what in self.published}
        wrong = {what: count for what, count in self.published.items() if ours[what] != count}
        shown = (f"{what} {ours[what]:,} instead of {count:,}" for what, count in wrong.items())
        return f"NOT the published counts: {', '.join(shown)}"


def data_card(source: str | Interactions) -> DataCard:
    """Describe a log, and compare it with the published counts of a known data set.

    Args:
        source: the name of a registered data set, or a log.

    Example:
        print(data_card("ml-100k"))
    """
    log = load(source) if isinstance(source, str) else source
    require(len(log), "`source` has no events to describe", source=log)
    users, items = (pd.factorize(log.events[column])[0] for column in ("user", "item"))
    known = SOURCES.get(log.name)
    lengths = np.percentile(np.bincount(users), PERCENTILES)
    return DataCard(
        name=log.name,
        order=log.order,
        events=len(log),
        users=int(users.max()) + 1,
        items=int(items.max()) + 1,
        **_pair_figures(users, items, log.is_sequential),
        **_time_figures(log, users),
        lengths={f"p{p}": float(value) for p, value in zip(PERCENTILES, lengths, strict=True)},
        actions=_action_counts(log.events),
        published=dict(known.published) if known else {},
    )


def _pair_figures(
    users: np.ndarray, items: np.ndarray, is_sequential: bool
) -> dict[str, float | None]:
    """Return density and repeats, from one number per event that identifies user and item."""
    num_items = int(items.max()) + 1
    pairs = pd.Series(users.astype(np.int64) * num_items + items)
    seen_before = pairs.duplicated().to_numpy()
    last = np.append(users[1:] != users[:-1], True)
    several = np.bincount(users)[users[last]] > 1
    repeated_last = float(seen_before[last][several].mean()) if several.any() else 0.0
    return {
        "density": float((~seen_before).sum() / ((int(users.max()) + 1) * num_items)),
        "repeats": float(seen_before.mean()),
        "repeated_last": repeated_last if is_sequential else None,
    }


def _time_figures(log: Interactions, users: np.ndarray) -> dict[str, str | float | None]:
    if log.order != "timed":
        return {"first": None, "last": None, "ties": None}
    times = log.events["timestamp"].to_numpy()
    tied = (times[1:] == times[:-1]) & (users[1:] == users[:-1])
    first, last = (str(pd.Timestamp(int(t), unit="s").date()) for t in (times.min(), times.max()))
    return {"first": first, "last": last, "ties": float(tied.sum() / len(times))}


def _action_counts(events: pd.DataFrame) -> dict[str, int]:
    counts = events["action"].value_counts() if "action" in events else {}
    return {str(action): int(count) for action, count in counts.items()}
