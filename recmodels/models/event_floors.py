"""Baselines that count: models of the type, the item and the time of the next event."""

from typing import Self

import numpy as np

from recmodels.data.errors import require
from recmodels.features.histories import Histories
from recmodels.models.event_forecast import EventForecast, LogNormalMixture


class EventFloor:
    """Base class of the baselines that predict types by counting.

    They read the codes of the types, which a schema makes from a `Category` named `action`. Codes
    of unknown and missing types count as no type. The probability of an item given a type is its
    share of the training events of this type, with one event added to each count; it does not
    depend on the history.

    Args:
        types: labels in the order of their codes: `data.schema["action"].values`.
    """

    max_length = 1
    columns = ("action",)

    def __init__(self, types: tuple[str, ...]) -> None:
        require(len(types), "`types` must hold the labels of the types", types=types)
        self.types = tuple(types)

    def fit(self, train: Histories, num_items: int) -> Self:
        """Learn from training histories with the column `action`, and return the model.

        Args:
            train: what each user did, from `prepare(split, schema=...).train`.
            num_items: V.

        Raises:
            ValueError: the histories lack a column, or hold no event of these types.
        """
        for name in self.columns:
            must = f"`{type(self).__name__}` needs the column `{name}` of the training histories"
            require(name in train.columns, must, columns=sorted(train.columns))
        codes = np.asarray(train.columns["action"])
        # One event of each type more than there were, so that no type is impossible.
        counts = np.bincount(codes, minlength=len(self.types) + 1)[1 : len(self.types) + 1] + 1
        must = "`train` must hold events of the `types`"
        require(counts.sum() > len(self.types), must, types=self.types)
        self.shares = counts / counts.sum()
        self.item_shares = _item_shares(train.items, codes, len(self.types), num_items)
        self._learn(train, codes)
        return self

    def next_event(self, queries: dict[str, np.ndarray], with_items: bool = True) -> EventForecast:
        """The distribution of the next event of each query; see `PredictsEvents`.

        Args:
            queries: `action`, codes of types, int32 (B, T), padded on the left with 0.
            with_items: whether the probabilities of items are wanted.
        """
        fitted = hasattr(self, "shares")
        require(fitted, "`next_event` needs a fitted model: call `fit` first", model=type(self))
        last = np.asarray(queries["action"])[:, -1]
        last = np.where(last <= len(self.types), last, 0)
        items = np.broadcast_to(self.item_shares, (len(last), *self.item_shares.shape))
        items = items if with_items else None
        return EventForecast(self.types, self._after(last), items, self._gap(len(last)))

    def _learn(self, train: Histories, codes: np.ndarray) -> None:
        """Learn more than the shares of the types."""

    def _after(self, last: np.ndarray) -> np.ndarray:
        """Probabilities (B, A) after events of some types, codes (B,); 0 where there is none."""
        return np.tile(self.shares, (len(last), 1))

    def _gap(self, rows: int) -> LogNormalMixture | None:
        return None


class MajorityType(EventFloor):
    """Predict every type with its share of the training events, whatever the history.

    Example:
        >>> floor = MajorityType(("view", "buy")).fit(data.train, data.num_items)
        >>> floor.next_event(queries).type_probabilities   # 7 views, 1 buy: (7 + 1) / (8 + 2), ...
        array([[0.8, 0.2]])
    """


class RepeatLastType(EventFloor):
    """Predict the type of the last event.

    It has the probability with which training events repeated the type before, but at least 0.51,
    so that it stays the most probable; the other types share the rest in proportion to their
    shares of all events.

    Example:
        >>> RepeatLastType(("view", "buy")).fit(data.train, data.num_items).next_event(queries)
    """

    def _learn(self, train: Histories, codes: np.ndarray) -> None:
        before, after = _pairs(train, codes, len(self.types))
        self.repeats = max(0.51, (1 + (before == after).sum()) / (2 + len(before)))

    def _after(self, last: np.ndarray) -> np.ndarray:
        same = np.arange(1, len(self.types) + 1) == last[:, None]  # (B, A)
        others = np.where(same, 0, self.shares)
        scale = others.sum(axis=1, keepdims=True)
        moved = np.divide(others, scale, out=np.zeros_like(others), where=scale > 0)
        repeats = self.repeats if len(self.types) > 1 else 1.0
        repeated = np.where(same, repeats, (1 - repeats) * moved)
        return np.where(last[:, None] > 0, repeated, self.shares)


class MarkovTypes(EventFloor):
    """Predict the type from the type of the last event alone.

        P(b | a) = (count(a -> b) + smoothing) / (count(a -> any type) + smoothing * A)

    Where there is no last event the shares of the types are used.

    Args:
        types: see `EventFloor`.
        smoothing: how many transitions to each type are added; must be positive.

    Example:
        >>> MarkovTypes(("view", "buy")).fit(data.train, data.num_items).next_event(queries)
    """

    def __init__(self, types: tuple[str, ...], smoothing: float = 1.0) -> None:
        super().__init__(types)
        require(smoothing > 0, "`smoothing` must be positive", smoothing=smoothing)
        self.smoothing = smoothing

    def _learn(self, train: Histories, codes: np.ndarray) -> None:
        before, after = _pairs(train, codes, len(self.types))
        size = len(self.types)
        counts = np.bincount((before - 1) * size + after - 1, minlength=size**2)
        counts = counts.reshape(size, size) + self.smoothing
        rows = counts / counts.sum(axis=1, keepdims=True)
        self.transitions = np.concatenate([self.shares[None], rows])  # Row 0: no event before.

    def _after(self, last: np.ndarray) -> np.ndarray:
        return self.transitions[last]


class MedianGap(MajorityType):
    """Predict the same log-normal distribution of gaps for everyone, with the median of training.

    The scale is the root mean square of log(1 + seconds) around that of the median. Types are
    predicted by their shares.

    Example:
        >>> data = prepare(split, columns=("timestamp",), schema=Schema({"action": Category()}))
        >>> floor = MedianGap(data.schema["action"].values).fit(data.train, data.num_items)
        >>> floor.next_event(queries).gap.quantile(0.5)
    """

    columns = ("action", "timestamp")

    def _learn(self, train: Histories, codes: np.ndarray) -> None:
        gaps = np.diff(np.asarray(train.columns["timestamp"], np.float64))[_same_user(train)]
        logs = np.log1p(gaps[gaps >= 0])
        require(len(logs), "`train` must hold users with two events", gaps=0)
        self.center = float(np.median(logs))
        self.scale = float(np.sqrt(((logs - self.center) ** 2).mean())) or 1.0

    def _gap(self, rows: int) -> LogNormalMixture:
        ones = np.ones((rows, 1))
        return LogNormalMixture(ones, ones * self.center, ones * self.scale)


def _item_shares(items: np.ndarray, codes: np.ndarray, size: int, num_items: int) -> np.ndarray:
    """Share of each item among the events of each type, float64 (A, V + 1); padding has 0."""
    known = (codes >= 1) & (codes <= size) & (items <= num_items)
    cells = (codes[known] - 1) * (num_items + 1) + items[known]
    counts = np.bincount(cells, minlength=size * (num_items + 1)).reshape(size, -1) + 1.0
    counts[:, 0] = 0
    return counts / counts.sum(axis=1, keepdims=True)


def _same_user(train: Histories) -> np.ndarray:
    """Whether each event but the last is followed by another of the same user, bool (N - 1,)."""
    users = np.repeat(np.arange(len(train)), train.lengths)
    return users[1:] == users[:-1]


def _pairs(train: Histories, codes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes 1..size of events and of the events that followed them, (P,) each."""
    known = (codes >= 1) & (codes <= size)
    chosen = _same_user(train) & known[:-1] & known[1:]
    return codes[:-1][chosen], codes[1:][chosen]
