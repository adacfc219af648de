"""Recommend items in random order, the lowest reference for every measure."""

import numpy as np

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, known_events

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class RandomOrder(Baseline):
    """Scores uniform in [0, 1), fixed by the seed, the user, the history and the item.

    A hash is used instead of a generator, so that neither the batch of a user nor the chunk of the
    catalogue asked for changes a score. The chance of a hit at k is k / V, less the seen items.

    Args:
        seed: another seed gives other orders.

    Paper: the hash is the finaliser of SplitMix64, in Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014.

    Example:
        >>> model = RandomOrder(seed=1).fit(data.train, data.num_items)
        >>> model.score({"item_ids": np.array([[4, 2]]), "user_ids": np.array([0])}).shape
        (1, V + 1)
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def _learn(self, train: Histories) -> None:
        """Do nothing: random scores need no data."""

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        rows, items, ages = known_events(queries["item_ids"], self.num_items)
        seed = _mixed(np.array([self.seed]).astype(np.uint64))
        keys = _mixed(seed + np.asarray(queries["user_ids"]).astype(np.uint64))
        events = _mixed(items.astype(np.uint64) + (ages.astype(np.uint64) << np.uint64(32)))
        np.add.at(keys, rows, events)
        item_keys = np.arange(self.num_items + 1, dtype=np.uint64)[columns] * _GOLDEN
        bits = _mixed(keys[:, None] + item_keys[None, :])  # (B, K)
        return (bits >> np.uint64(40)).astype(np.float32) / 2**24  # All that float32 holds.


def _mixed(keys: np.ndarray) -> np.ndarray:
    """Hash 64-bit keys so that similar keys give unrelated values."""
    keys = keys + _GOLDEN
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
