"""Recommend the user's most recent items."""

import numpy as np

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, known_events


class RepeatLast(Baseline):
    """Score the items of the history, the most recent first, then everything else by popularity.

        score(i) = 1 / (1 + age of the latest event of i)      if i is in the history
        score(i) = count(i) / (count of the top item) - 1      otherwise, in -1..0

    This is a strong baseline where users return to items, as in shops and music. Where seen items
    are filtered it is `MostPopular`.

    Paper: the "recently viewed" baseline (RepeatNet, Ren et al., AAAI 2019, studies why it works).

    Example:
        >>> RepeatLast().fit(data.train, data.num_items).score(queries)
        item_ids [[2, 3, 2]], items 1 and 4 equally popular (V = 4):
        [[-1, 0, 1, 0.5, 0]]
    """

    def _learn(self, train: Histories) -> None:
        """Do nothing: the item counts are enough."""

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        rows, items, ages = known_events(queries["item_ids"], self.num_items)
        scores = np.zeros((len(queries["item_ids"]), self.num_items + 1), np.float32)
        np.maximum.at(scores, (rows, items), (1 / (1 + ages)).astype(np.float32))
        return self._popular_below(scores[:, columns], columns)
