"""Augmented training windows: cropped, reordered, substituted, extended and masked histories."""

from dataclasses import asdict, dataclass, fields

import numpy as np

from recmodels.data.errors import require
from recmodels.features.histories import Histories, Lookup
from recmodels.features.windows import build_at_places

NEIGHBOURS = 10  # Items by which one may be replaced, those that most often stand near it,
REACH = 3  # at most so many events away.


@dataclass(frozen=True)
class Augment:
    """Shares of the events of each training window that are changed, each from 0 to below 1.

    In a window of n events, floor(share * n) or one more are changed, so that the mean is share *
    n. Only the inputs of training batches are changed; the targets stay the same. Changes are made
    in this order; Liu et al., "Contrastive Self-supervised Sequential Recommendation with Robust
    Augmentation", 2021, section 3.

    Args:
        crop: events left out at the two ends together; a random run stays, at least one event.
        reorder: events of a random run that are shuffled. Positions within the run have no target,
            because the input may contain the next event; its last position has one.
        substitute: items replaced by one of the ten that most often stand at most three events
            away from them in training. An item without such a neighbour stays.
        insert: events after which an event is added whose item is chosen likewise. It has the
            other columns of the event before it and has no target; if the window is full, the
            oldest event is left out.
        mask: items replaced by the mask item.

    Columns of items are those of the new items; columns of events, such as the gap, stay with
    their event.

    Raises:
        ValueError: a share is out of range.

    Example:
        >>> fit(SASRec(data.num_items), data, augment=Augment(crop=0.2, mask=0.1))
    """

    crop: float = 0.0
    reorder: float = 0.0
    substitute: float = 0.0
    insert: float = 0.0
    mask: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            number = isinstance(share, int | float) and not isinstance(share, bool)
            must = f"`{field.name}` must be a share of the events, from 0 to below 1"
            require(number and 0 <= share < 1, must, **{field.name: share})


@dataclass(eq=False)
class _Window:
    """Windows of a batch, (B, T) each, padded on the left.

    Args:
        places: of the events in the flat arrays, -1 where padded.
        items: their item ids.
        targets: places of the targets, -1 where a position has none.
    """

    places: np.ndarray
    items: np.ndarray
    targets: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Events of each window, (B, 1)."""
        return (self.places >= 0).sum(axis=1, keepdims=True)

    def keep(self, kept: np.ndarray) -> None:
        """Leave cells out and move the others to the right."""
        order = np.argsort(kept, axis=1, kind="stable")
        for name, empty in (("places", -1), ("items", 0), ("targets", -1)):
            values = np.where(kept, getattr(self, name), empty)
            setattr(self, name, np.take_along_axis(values, order, axis=1))


class Augmenter:
    """Applies an `Augment` to the windows of batches.

    Args:
        augment: how much.
        histories: training histories; neighbours of items are counted in them.
        num_items: V.
        asked: columns that describe the event asked for.
    """

    def __init__(
        self, augment: Augment, histories: Histories, num_items: int, asked: tuple[str, ...] = ()
    ) -> None:
        must = "`augment` must be an `Augment`, such as `Augment(mask=0.2)`"
        require(isinstance(augment, Augment), must, augment=augment)
        self.augment = augment
        self.histories = histories
        self.mask_id = num_items + 2
        self.asked = asked
        self.neighbours = None
        if augment.substitute or augment.insert:
            self.neighbours = near_items(histories, num_items)
        self.item_tables = {
            name: column.table
            for name, column in histories.columns.items()
            if isinstance(column, Lookup) and np.array_equal(column.rows, histories.items)
        }

    def identity(self) -> dict[str, float]:
        """The shares, for a checkpoint."""
        return asdict(self.augment)

    def __call__(
        self, places: np.ndarray, columns: tuple[str, ...], rng: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Augmented inputs of a batch, and the places of what they ask for.

        Args:
            places: in the flat arrays, (B, T), -1 where padded.
            columns: that the model reads.
            rng: draws all changes.

        Returns:
            Inputs as `build_windows` makes them, and places of targets (B, T), -1 where there is
            none.
        """
        real = places >= 0
        items = np.where(real, self.histories.items[places], 0)
        window = _Window(places, items, np.where(real, places + 1, -1))
        for name, share in asdict(self.augment).items():
            if share:
                getattr(self, f"_{name}")(window, share, rng)
        inputs = build_at_places(self.histories, window.places, columns)
        inputs["item_ids"] = window.items.astype(np.int32)
        for name in self.item_tables.keys() & set(columns):
            inputs[name] = self.item_tables[name][window.items].astype(inputs[name].dtype)
        asking = [name for name in self.asked if name in columns]
        before = np.where(window.targets >= 0, window.targets - 1, window.places)
        inputs |= {name: build_at_places(self.histories, before, (name,))[name] for name in asking}
        return inputs, window.targets

    def _crop(self, window: _Window, share: float, rng: np.random.Generator) -> None:
        left = np.maximum(1, window.counts - _number(share, window.counts, rng))
        begin, index = _run(window, left, rng)
        window.keep((index >= begin) & (index < begin + left))

    def _reorder(self, window: _Window, share: float, rng: np.random.Generator) -> None:
        length = _number(share, window.counts, rng)
        begin, index = _run(window, length, rng)
        inside = (index >= begin) & (index < begin + length)
        shuffled = begin + length * rng.random(index.shape)
        order = np.argsort(np.where(inside, shuffled, index), axis=1, kind="stable")
        window.places = np.take_along_axis(window.places, order, axis=1)
        window.items = np.take_along_axis(window.items, order, axis=1)
        last = index == begin + length - 1
        window.targets = np.where(inside & ~last, -1, window.targets)

    def _substitute(self, window: _Window, share: float, rng: np.random.Generator) -> None:
        chosen = _choose(window, share, rng)
        window.items = np.where(chosen, self._near(window.items, rng), window.items)

    def _insert(self, window: _Window, share: float, rng: np.random.Generator) -> None:
        chosen, length = _choose(window, share, rng), window.items.shape[1]
        real = window.places >= 0
        added = (window.places, self._near(window.items, rng), np.full(real.shape, -1))
        before = (window.places, window.items, window.targets)
        both = [
            np.stack(pair, 2).reshape(len(real), -1) for pair in zip(before, added, strict=True)
        ]
        longer = _Window(*both)
        longer.keep(np.stack([real, chosen], axis=2).reshape(len(real), -1))
        window.places, window.items, window.targets = (
            values[:, -length:] for values in (longer.places, longer.items, longer.targets)
        )

    def _mask(self, window: _Window, share: float, rng: np.random.Generator) -> None:
        window.items = np.where(_choose(window, share, rng), self.mask_id, window.items)

    def _near(self, items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return for each item one of its neighbours, or itself if it has none."""
        known = self.neighbours[items]  # (B, T, NEIGHBOURS)
        counts = (known > 0).sum(axis=2)
        drawn = (rng.random(items.shape) * counts).astype(np.int64)
        found = np.take_along_axis(known, drawn[..., None], axis=2)[..., 0]
        return np.where(counts > 0, found, items)


def near_items(histories: Histories, num_items: int) -> np.ndarray:
    """The items that most often stand at most three events away from each item.

    Returns:
        Item ids, most frequent first, 0 where there are fewer, int32 (V + 3, `NEIGHBOURS`).
    """
    items = histories.items.astype(np.int64)
    user = np.repeat(np.arange(len(histories)), histories.lengths)
    pairs = []
    for distance in range(1, REACH + 1):
        one, other = items[:-distance], items[distance:]
        fits = (user[:-distance] == user[distance:]) & (one != other)
        fits &= np.maximum(one, other) <= num_items
        pairs += [(one[fits], other[fits]), (other[fits], one[fits])]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    found, counts = np.unique(one * (num_items + 1) + other, return_counts=True)
    one, other = np.divmod(found, num_items + 1)
    order = np.lexsort((other, -counts, one))
    one, other = one[order], other[order]
    place = np.arange(len(one)) - np.searchsorted(one, one)
    table = np.zeros((num_items + 3, NEIGHBOURS), np.int32)
    kept = place < NEIGHBOURS
    table[one[kept], place[kept]] = other[kept]
    return table


def _number(share: float, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many events of each window are changed, (B, 1): `share * counts` in the mean."""
    return np.floor(share * counts + rng.random(counts.shape)).astype(np.int64)


def _run(window: _Window, length: np.ndarray, rng: np.random.Generator):
    """Where a run of some length begins among the events of each window, and their numbers."""
    counts = window.counts
    index = np.arange(window.places.shape[1]) - (window.places.shape[1] - counts)
    begin = np.floor(rng.random(counts.shape) * (counts - length + 1)).astype(np.int64)
    return begin, index


def _choose(window: _Window, share: float, rng: np.random.Generator) -> np.ndarray:
    """Random events of each window, bool (B, T)."""
    drawn = np.where(window.places >= 0, rng.random(window.places.shape), 2.0)
    ranks = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return ranks < _number(share, window.counts, rng)
