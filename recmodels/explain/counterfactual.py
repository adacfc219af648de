"""The smallest set of events without which an item would not be on the list."""

import itertools
from dataclasses import dataclass

import numpy as np

from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole

EXACT_EVENTS = 12  # Up to this many events all subsets are tried, by size.


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


def counterfactual(removal: Removal, k: int = 10, most: int = 5) -> Counterfactual:
    """Search events whose removal takes each row's item from its list of the k best.

    Histories with at most 12 events are searched exactly, smaller sets first. In longer ones the
    event whose removal brings the item closest to leaving is removed, again and again; then each
    removed event is put back if the item stays away. A tie keeps the item on the list.

    Args:
        removal: the rows to explain.
        k: length of the list.
        most: the most events to remove.

    Raises:
        ValueError: `k` is not between 1 and the number of other items, or `most` is below 1.

    Example:
        >>> found = counterfactual(Removal(model, data.test, rows=[0]), k=1)
        >>> found.removed[0].nonzero()
        (array([48, 49]),)
    """
    k, most = check_whole("k", k), check_whole("most", most)
    if k >= removal.num_items:
        raise ValueError(
            "`k` must be below the number of items, because another item must be able to take the "
            f"place. Received: k={k}, items={removal.num_items}"
        )
    everyone = np.arange(len(removal))
    on_list = removal.margins(everyone, removal.real, k)[0] >= 0
    short = removal.real.sum(axis=1) <= EXACT_EVENTS
    removed = np.zeros(removal.real.shape, bool)
    exactly, greedily = everyone[on_list & short], everyone[on_list & ~short]
    _search_exactly(removal, k, most, exactly, removed)
    _search_greedily(removal, k, most, greedily, removed)
    found = removed.any(axis=1)
    instead = np.zeros(len(removal), np.int64)
    if found.any():
        rows = everyone[found]
        instead[rows] = removal.margins(rows, removal.real[rows] & ~removed[rows], k)[1]
    exact = found & (short | (removed.sum(axis=1) == 1))
    return Counterfactual(removed, found, on_list, exact, instead)


def _search_exactly(
    removal: Removal, k: int, most: int, rows: np.ndarray, removed: np.ndarray
) -> None:
    """Set the smallest set of each row, that with the lowest margin of the smallest ones."""
    for size in range(1, most + 1):
        rows = rows[removal.real[rows].sum(axis=1) >= size]
        chosen, sets = [], []
        for row in rows:
            places = np.flatnonzero(removal.real[row])
            subsets = list(itertools.combinations(places, size))
            taken = np.zeros((len(subsets), removal.real.shape[1]), bool)
            np.put_along_axis(taken, np.array(subsets), True, axis=1)
            chosen.append(np.full(len(subsets), row))
            sets.append(taken)
        if not chosen:
            return
        chosen, sets = np.concatenate(chosen), np.concatenate(sets)
        margins, _ = removal.margins(chosen, removal.real[chosen] & ~sets, k)
        best = _lowest(chosen, margins)
        best = best[margins[best] < 0]
        removed[chosen[best]] = sets[best]
        rows = np.setdiff1d(rows, chosen[best])


def _search_greedily(
    removal: Removal, k: int, most: int, rows: np.ndarray, removed: np.ndarray
) -> None:
    open_rows, gone = rows, np.zeros_like(removed)
    for _ in range(most):
        chosen, place = np.nonzero(removal.real[open_rows] & ~gone[open_rows])
        chosen = open_rows[chosen]
        if not len(chosen):
            break
        kept = removal.real[chosen] & ~gone[chosen]
        kept[np.arange(len(chosen)), place] = False
        margins, _ = removal.margins(chosen, kept, k)
        best = _lowest(chosen, margins)
        gone[chosen[best], place[best]] = True
        done = chosen[best[margins[best] < 0]]
        removed[done] = gone[done]
        open_rows = np.setdiff1d(open_rows, done)
    _put_back(removal, k, rows[removed[rows].any(axis=1)], removed)


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


def _lowest(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The place of the lowest value of each group."""
    order = np.lexsort((values, groups))
    first = np.append(True, groups[order][1:] != groups[order][:-1])
    return order[first]
