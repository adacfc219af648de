"""Matrix factorisation of implicit feedback by alternating least squares."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, user_item_matrix


class ImplicitALS(Baseline):
    """Vectors of users p and items q by alternating least squares.

        minimise   sum of (1 - p_u q_i)^2                over what users did
                 + unseen_weight * sum of (p_u q_i)^2    over all users and items
                 + regularisation * (sum of n_u |p_u|^2 + sum of n_i |q_i|^2)

        n_u = items of u + unseen_weight * V,   n_i = users of i + unseen_weight * U

    If the vectors of one side are given, the vectors of the other side are solutions of small
    linear systems; so is the vector of a user who was not in training. The order and repeats of
    events are ignored. Users without a known item get the popular items.

    Args:
        width: D of the vectors.
        regularisation: against large vectors.
        unseen_weight: weight of every pair of a user and an item, also of pairs without an event.
        epochs: how often both sides are solved.
        score_seen: whether items of the history are scored; else they have 0.
        seed: of the first item vectors.

    Paper: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM
    2008, Section 4; n_u and n_i: Rendle, Krichene, Zhang and Koren, "Revisiting the performance
    of iALS on item recommendation benchmarks", RecSys 2022.

    Example:
        >>> ImplicitALS(width=32).fit(data.train, data.num_items).score(queries)
    """

    learnt = {"vectors": "VD", "num_solved": ""}
    empty_score = 0.0  # That of a profile of zeros.

    def __init__(
        self,
        width: int = 32,
        regularisation: float = 0.01,
        unseen_weight: float = 0.3,
        epochs: int = 8,
        score_seen: bool = True,
        seed: int = 0,
    ) -> None:
        for name, value in (
            ("width", width),
            ("regularisation", regularisation),
            ("unseen_weight", unseen_weight),
            ("epochs", epochs),
        ):
            if value <= 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        self.width = width
        self.regularisation = regularisation
        self.unseen_weight = unseen_weight
        self.epochs = epochs
        self.score_seen = score_seen
        self.seed = seed

    def _learn(self, train: Histories) -> None:
        done = user_item_matrix(train, self.num_items)  # (U, V + 1); nobody does item 0.
        used_by = done.T.tocsr()
        rng = np.random.default_rng(self.seed)
        self.vectors = rng.normal(0, 0.1 / np.sqrt(self.width), (self.num_items + 1, self.width))
        self.vectors[0] = 0
        self.num_solved = self.num_items  # Stays what it is where items are added later.
        for _ in range(self.epochs):
            users = self._solved(done, self.vectors, self.num_items)
            self.vectors = self._solved(used_by, users, len(train))

    def _solved(self, done: sparse.csr_array, others: np.ndarray, count: int) -> np.ndarray:
        """Solve for the vector of each row of 0 and 1, (N, D), given those of its columns.

        Args:
            done: (N, M).
            others: (M, D).
            count: number of real columns; column 0 of items is padding.
        """
        everything = self.unseen_weight * others.T @ others
        vectors = np.zeros((done.shape[0], self.width))
        for row, (begin, end) in enumerate(zip(done.indptr[:-1], done.indptr[1:], strict=True)):
            chosen = others[done.indices[begin:end]]  # (n, D)
            left = everything + chosen.T @ chosen
            damping = self.regularisation * (len(chosen) + self.unseen_weight * count)
            left[np.diag_indices(self.width)] += damping
            vectors[row] = np.linalg.solve(left, chosen.sum(axis=0))
        return vectors

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        histories = history_matrix(queries["item_ids"], self.num_items)
        users = self._solved(histories, self.vectors, self.num_solved)
        return self._settled(users @ self.vectors[columns].T, histories, columns)
