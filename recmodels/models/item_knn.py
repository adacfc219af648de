"""Item-based nearest neighbours."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, keep_largest, user_item_matrix

_BLOCK_CELLS = 20_000_000  # Similarities held densely at once: 80 MB in float32.


class ItemKNN(Baseline):
    """Item-based nearest neighbours with cosine similarity.

        s(i, j) = users who did both / (sqrt(users of i * users of j) + shrinkage)
        score(j) = sum over the items i of the history of  decay ** age(i) * s(i, j)

    Each i keeps only its `neighbours` most similar j, never itself; an item counts once, at its
    latest event, whose age is the number of known events after it. Items near none of the history
    follow in the order of popularity.

    Args:
        neighbours: similar items kept for each item.
        shrinkage: in users; pulls similarities that rest on few users towards 0.
        decay: weight of an event against the one after it, in 0..1; 1 treats the history as a
            set, which suits the next item badly.

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
        width = self.num_items + 1
        block = max(1, _BLOCK_CELLS // width)
        rows = [
            self._nearest(matrix, norms, np.arange(start, min(start + block, width)))
            for start in range(0, width, block)
        ]
        self.similarities = sparse.vstack(rows, format="csr")

    def _nearest(self, matrix: sparse.csc_array, norms: np.ndarray, items: np.ndarray):
        """Similarities of `items` to their nearest neighbours, sparse, (len(items), V + 1)."""
        together = (matrix[:, items].T @ matrix).toarray()
        together[np.arange(len(items)), items] = 0
        similar = together / np.maximum(norms[items][:, None] * norms + self.shrinkage, 1e-9)
        return keep_largest(similar, self.neighbours)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        scores = (histories @ self.similarities[:, columns]).toarray()
        return self._popular_below(scores, columns)
