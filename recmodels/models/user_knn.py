"""User-based nearest neighbours."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, keep_largest, user_item_matrix


class UserKNN(Baseline):
    """User-based nearest neighbours with cosine similarity.

        s(x, v) = x . r(v) / (|x| * |r(v)| + shrinkage)
        score(j) = sum over the neighbours v who did j of  s(x, v)

    where x is the history as a row over the catalogue in which an item weighs `decay ** age`, and
    r(v) the 0/1 row of training user v. Only the `neighbours` most similar users count, but never
    the user of the query. Items that no neighbour did follow in the order of popularity.

    Args:
        neighbours: similar users kept for each history.
        shrinkage: added to the product of the lengths; moves the similarity of users with few items
            towards 0.
        decay: weight of an event against the one after it, above 0 and at most 1. With 1 1 the
            history is a set.

    Paper: Herlocker, Konstan, Borchers and Riedl, "An algorithmic framework for performing
    collaborative filtering", SIGIR 1999, Sections 5 and 6, with the cosine of 0/1 rows for
    behaviour in place of the correlation of ratings. The decay is not in the paper.

    Example:
        >>> UserKNN(shrinkage=0.0, decay=1.0).fit(data.train, data.num_items).score(queries)
        training histories [1, 2], [1, 2, 3], [3]; item_ids [[1, 2]] (V = 3):
        [[0, 1.816, 1.816, 0.816]]      s = 1, 2 / sqrt(6) and 0
    """

    learnt = {"matrix": "UV", "norms": "U"}
    has_user_rows = True

    def __init__(self, neighbours: int = 100, shrinkage: float = 0.0, decay: float = 0.8) -> None:
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
        self.matrix = user_item_matrix(train, self.num_items)
        self.norms = np.sqrt(np.diff(self.matrix.indptr))  # Rows are 0/1.

    def nearest(self, queries: dict[str, np.ndarray]) -> sparse.csr_array:
        """Similarities of the nearest training users to each history, sparse, (B, U)."""
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        similar = (histories @ self.matrix.T).toarray()  # (B, U)
        user_ids = np.asarray(queries["user_ids"])
        known = np.flatnonzero(user_ids >= 0)
        similar[known, user_ids[known]] = 0
        lengths = np.sqrt((histories**2).sum(axis=1))[:, None]
        similar /= np.maximum(lengths * self.norms + self.shrinkage, 1e-9)
        return keep_largest(similar, self.neighbours)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        scores = (self.nearest(queries) @ self.matrix[:, columns]).toarray()
        return self._popular_below(scores, columns)
