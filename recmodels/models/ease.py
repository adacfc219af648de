"""A linear autoencoder over items, solved in closed form."""

import numpy as np
from scipy import linalg, sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, user_item_matrix

MAX_ITEMS = 20_000


class EASE(Baseline):
    """Linear regression of each item on all other items, with weights B.

        minimise  |X - X B|^2 + regularisation * |B|^2      with a diagonal of 0
        P = inverse of (X'X + regularisation * I),   B = I - P / diag(P) (column by column)
        scores = x B

    X is the 0/1 matrix (U, V) of users and items, x a history as a row of the same kind in which
    older events may have smaller weights. Users without a known item get the popular items.

    Args:
        regularisation: in users; larger for sparser data.
        decay: weight of an event against the one after it, above 0 and at most 1. With 1 1 it
            is the model of the paper, which ignores the order and is less suitable for
            next-item prediction.
        user_power: users with n items have the weight n ** -user_power in the fit; with 0 the
            most active users have the largest influence.
        dropout: expected share of each history that is dropped in the fit, at least 0 and
            below 1; it adds dropout / (1 - dropout) times the diagonal of X'X to the
            regularisation.
        score_seen: whether items of the history are scored; else they have 0, the score of items
            without evidence: B predicts items from others and does not model repeats.

    Paper: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, Section 3.1;
    dropout: Steck, "Autoencoders that don't overfit towards the identity", NeurIPS 2020,
    Section 3.2.

    Example:
        >>> EASE(regularisation=1.0).fit(data.train, data.num_items).score(queries)
        training histories [1, 2], [1]; item_ids [[1]] (V = 2): X'X + I = [[3, 1], [1, 2]],
        P = [[2, -1], [-1, 3]] / 5, B = [[0, 1/3], [1/2, 0]]
        [[0, 0, 0.333]]
    """

    learnt = {"weights": "VV"}
    empty_score = 0.0  # That of a profile of zeros.

    def __init__(
        self,
        regularisation: float = 500.0,
        decay: float = 0.8,
        user_power: float = 0.0,
        dropout: float = 0.0,
        score_seen: bool = True,
    ) -> None:
        if regularisation <= 0:
            raise ValueError(
                "`regularisation` must be positive, or items without users have no inverse. "
                f"Received: regularisation={regularisation}"
            )
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be in (0, 1]. Received: decay={decay}")
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")
        self.regularisation = regularisation
        self.decay = decay
        self.user_power = user_power
        self.dropout = dropout
        self.score_seen = score_seen

    def _learn(self, train: Histories) -> None:
        self._check_size()
        matrix = user_item_matrix(train, self.num_items)
        sizes = np.maximum(matrix.sum(axis=1), 1)
        heard = (sizes / sizes.mean()) ** -self.user_power
        matrix = sparse.diags_array(heard.astype(np.float32)) @ matrix
        gram = (matrix.T @ matrix).toarray().astype(np.float64)
        thought_away = self.dropout / (1 - self.dropout) * np.diag(gram)
        gram[np.diag_indices_from(gram)] += self.regularisation + thought_away
        precision = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
        precision /= -np.diag(precision).copy()
        np.fill_diagonal(precision, 0)
        # LAPACK answers in column order, which a sparse product would copy at every call.
        self.weights = np.ascontiguousarray(precision, np.float32)

    def _check_size(self) -> None:
        if self.num_items <= MAX_ITEMS:
            return
        gigabytes = 2 * 8 * self.num_items**2 / 1e9
        raise ValueError(
            f"`num_items` is too large for EASE, which inverts a dense matrix of {self.num_items:,}"
            f" x {self.num_items:,} numbers of 8 bytes and holds it twice: {gigabytes:,.0f} GB. "
            f"Up to {MAX_ITEMS:,} items are accepted. Use ItemKNN, which keeps only the nearest "
            f"neighbours, or drop rare items first. Received: num_items={self.num_items}"
        )

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        return self._settled(histories @ self.weights[:, columns], histories, columns)
