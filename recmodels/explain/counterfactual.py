"""The smallest set of events without which an item would not be on the list."""

from dataclasses import dataclass

import numpy as np

from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole

EXACT_EVENTS = 12  # Up to this many events all subsets are tried, by size.
PART_ROWS = 64  # Rows that are searched at once; bounds memory and changes no result.


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Events whose removal takes each row's item from its list.

    Args:
        removed: the events, bool (B, E); none where there is no answer.
        found: whether the item leaves the list without them, bool (B,).
        on_list: whether the item was on the list with all events, bool (B,).
        exact: whether no smaller set exists, bool (B,).
        instead: item id that is then at the last place of the list, int64 (B,); 0 where not found.
    """

    removed: np.ndarray
    found: np.ndarray
    on_list: np.ndarray
    exact: np.ndarray
    instead: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Return the number of removed events, int (B,)."""
        return self.removed.sum(axis=1)


def counterfactual(removal: Removal, k: int = 10, most: int = 5, width: int = 25) -> Counterfactual:
    """Search the fewest events whose removal takes each row's item from its list of the k best.

    Sets of one event are tried first, then sets of two, and so on; each is a smaller set and one
    more event. Of a history with more than 12 events only some sets are extended (beam search):
    those that bring the item closest to leaving, and the latest events, because an item may
    stay until all of them are gone. Of shorter histories all sets are tried, so that the answer is
    exact. A tie keeps the item on the list.

    Args:
        removal: the rows to explain.
        k: length of the list.
        most: the most events to remove.
        width: number of sets per row that are extended; time and memory grow with it. With 1 the
            search is greedy.

    Raises:
        ValueError: `k` is not between 1 and the number of other items, or `most` or `width` is
            below 1.

    Example:
        >>> found = counterfactual(Removal(model, data.test, rows=[0]), k=1)
        >>> found.removed[0].nonzero()
        (array([48, 49]),)
    """
    k, most, width = check_whole("k", k), check_whole("most", most), check_whole("width", width)
    if k >= removal.num_items:
        raise ValueError(
            "`k` must be below the number of items, because another item must be able to take the "
            f"place. Received: k={k}, items={removal.num_items}"
        )
    everyone = np.arange(len(removal))
    on_list = removal.margins(everyone, removal.real, k)[0] >= 0
    short = removal.real.sum(axis=1) <= EXACT_EVENTS
    removed = np.zeros(removal.real.shape, bool)
    listed = everyone[on_list]
    for start in range(0, len(listed), PART_ROWS):
        _search(removal, k, most, listed[start : start + PART_ROWS], width, short, removed)
    _put_back(removal, k, everyone[removed.any(axis=1)], removed)
    found = removed.any(axis=1)
    instead = np.zeros(len(removal), np.int64)
    if found.any():
        rows = everyone[found]
        instead[rows] = removal.margins(rows, removal.real[rows] & ~removed[rows], k)[1]
    # All sets of one event are tried: two are needed where none of them is enough.
    exact = found & (short | (removed.sum(axis=1) <= 2))
    return Counterfactual(removed, found, on_list, exact, instead)


def _search(
    removal: Removal, k: int, most: int, rows: np.ndarray, width: int, short: np.ndarray,
    removed: np.ndarray,
) -> None:  # fmt: skip
    """Set the smallest set found for each row; of several the one with the lowest margin."""
    owners, sets = rows, np.zeros((len(rows), removal.real.shape[1]), bool)
    for size in range(1, most + 1):
        owners, sets = _extended(removal.real, owners, sets)
        if not len(owners):
            return
        margins, _ = removal.margins(owners, removal.real[owners] & ~sets, k)
        order = np.lexsort((margins, owners))
        owners, sets, margins = owners[order], sets[order], margins[order]
        first = np.append(True, owners[1:] != owners[:-1])
        done = first & (margins < 0)
        removed[owners[done]] = sets[done]
        starts = np.flatnonzero(first)
        rank = np.arange(len(owners)) - np.repeat(starts, np.diff(np.append(starts, len(owners))))
        latest = sets[:, -size:].all(axis=1)
        keep = (short[owners] | latest | (rank < width)) & ~np.isin(owners, owners[done])
        owners, sets = owners[keep], sets[keep]


def _extended(
    real: np.ndarray, owners: np.ndarray, sets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each different set of a row with one more of its events."""
    chosen, places = np.nonzero(real[owners] & ~sets)
    owners, sets = owners[chosen], sets[chosen]
    sets[np.arange(len(sets)), places] = True
    rows = np.hstack([owners.astype(">i8")[:, None].view(np.uint8), np.packbits(sets, axis=1)])
    keys = np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel()
    distinct = np.sort(np.unique(keys, return_index=True)[1])
    return owners[distinct], sets[distinct]


def _put_back(removal: Removal, k: int, rows: np.ndarray, removed: np.ndarray) -> None:
    """Put single events back, each that is not needed, the latest first."""
    sizes = removed[rows].sum(axis=1)
    for number in reversed(range(int(sizes.max(initial=0)))):
        several = rows[(sizes > number) & (removed[rows].sum(axis=1) > 1)]
        if len(several):
            # Events after this one may be back already, which does not change its rank.
            rank = np.cumsum(removed[several], axis=1) - 1
            trial = removed[several] & (rank != number)
            margins, _ = removal.margins(several, removal.real[several] & ~trial, k)
            without = margins < 0
            removed[several[without]] = trial[without]
