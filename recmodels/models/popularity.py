"""Recommend the most popular items of all time or of recent times."""

import numpy as np

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline

_SECONDS_A_DAY = 86_400


class MostPopular(Baseline):
    """Score each item by its number of training events.

    Paper: "TopPop" in Cremonesi, Koren and Turrin, "Performance of recommender algorithms on
    top-N recommendation tasks", RecSys 2010.

    Example:
        >>> MostPopular().fit(data.train, data.num_items).score(queries)   # (B, V + 1)
        items 2, 2, 1 in training      [[0, 1, 2]]  for everyone
    """

    def _learn(self, train: Histories) -> None:
        """Do nothing: the item counts are enough."""

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        return np.tile(self.counts[columns], (len(queries["item_ids"]), 1))


class RecentPopular(Baseline):
    """Score each item by its training events, with smaller weights for older ones.

        score(i) = log2 of the sum over events of i of  2 ** (-age / half_life)

    where the age runs from the event to the newest training event. The logarithm leaves the order
    alone and keeps items apart whose last event is so old that the sum itself would underflow.
    Items without an event score one less than the least of the others.

    Args:
        half_life: days after which an event counts half.

    Paper: "DecayPop" in Ji, Sun, Zhang and Li, "A re-visit of the popularity baseline in
    recommender systems", SIGIR 2020.

    Example:
        >>> data = prepare(split, columns=("timestamp",))
        >>> RecentPopular(half_life=30).fit(data.train, data.num_items).score(queries)
        item 1 done 0 and 60 days before the end, item 2 done 30 days before (V = 2):
        [[-2, 0.32, -1]]      log2(1 + 1/4), log2(1/2)
    """

    learnt = {"scores": "V"}

    def __init__(self, half_life: float = 30.0) -> None:
        if half_life <= 0:
            raise ValueError(
                f"`half_life` must be a positive number of days. Received: half_life={half_life}"
            )
        self.half_life = half_life

    def _learn(self, train: Histories) -> None:
        if "timestamp" not in train.columns:
            raise ValueError(
                "`RecentPopular` needs the time of each training event. Use a timed source and "
                "`prepare(split, columns=('timestamp',))`, or `MostPopular`, which needs none. "
                f"Received: columns={sorted(train.columns)}"
            )
        known = train.items <= self.num_items
        times = train.columns["timestamp"][known].astype(np.float64)
        half_lives = (times - times.max()) / (_SECONDS_A_DAY * self.half_life)
        scores = np.full(self.num_items + 1, -np.inf)
        np.logaddexp2.at(scores, train.items[known], half_lives)
        scores[np.isneginf(scores)] = scores[self.counts > 0].min() - 1
        self.scores = scores.astype(np.float32)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        return np.tile(self.scores[columns], (len(queries["item_ids"]), 1))
