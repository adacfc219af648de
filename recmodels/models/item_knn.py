"""Item-based nearest neighbours."""

import numpy as np

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, nearest_items, user_item_matrix


class ItemKNN(Baseline):
    """Item-based nearest neighbours with cosine similarity.

        s(i, j) = users who did both / (sqrt(users of i * users of j) + shrinkage)
        score(j) = sum over the items i of the history of  decay ** age(i) * s(i, j)

    Each i keeps only its `neighbours` most similar j, but never itself; an item counts once, at its
    latest event, whose age is the number of known events after it. Items near none of the history
    follow in the order of popularity.

    Args:
        neighbours: similar items kept for each item.
        shrinkage: in users; moves similarities that are computed from few users towards 0.
        decay: weight of an event against the one after it, above 0 and at most 1. With 1 1 the
            history is a set, which is less accurate for the next item.

    Paper: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW
    2001, Section 3.1.1 (cosine) and 3.2 (weighted sum); the decay over positions is that of
    Garg et al., "Sequence and time aware neighborhood for session-based recommendations", SIGIR
    2019.

    Example:
        >>> ItemKNN(shrinkage=0.0, decay=0.5).fit(data.train, data.num_items).score(queries)
        training histories [1, 2], [1, 2, 3], [3]; item_ids [[3, 1]] (V = 3):
        [[-1, 0.25, 1.25, 0.5]]      s(1, 2) = 1, s(1, 3) = s(2, 3) = 1/2
    """

    learnt = {"similarities": "VV"}

    def __init__(self, neighbours: int = 200, shrinkage: float = 10.0, decay: float = 0.7) -> None:
        if neighbours < 1:
            raise ValueError(f"`neighbours` must be at least 1. Received: neighbours={neighbours}")
        if shrinkage < 0:
            raise ValueError(f"`shrinkage` must not be negative. Received: shrinkage={shrinkage}")
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be in (0, 1]. Received: decay={decay}")
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.decay = decay

    def _learn(self, train: Histories) -> None:
        matrix = user_item_matrix(train, self.num_items).tocsc()
        norms = np.sqrt(matrix.sum(axis=0))

        def similar(items: np.ndarray) -> np.ndarray:
            together = (matrix[:, items].T @ matrix).toarray()
            return together / np.maximum(norms[items][:, None] * norms + self.shrinkage, 1e-9)

        self.similarities = nearest_items(similar, self.num_items + 1, self.neighbours)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        scores = (histories @ self.similarities[:, columns]).toarray()
        return self._popular_below(scores, columns)
