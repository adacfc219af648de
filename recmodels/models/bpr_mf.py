"""Matrix factorisation trained to rank items of the user above other items."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, training_events

_REDRAWS = 20  # After so many draws a user has done nearly everything: keep what was drawn.
_START = 0.1  # Spread of the first vectors.


class BPRMF(Baseline):
    """One vector per user and item, trained on pairs of a positive and a negative item.

        score(u, i) = <p_u, q_i> + b_i
        maximise  log sigmoid(score(u, i) - score(u, j)) - regularisation / 2 * |p, q, b|^2

    over training events (u, i) and items j drawn uniformly from those u has not done. Known users
    are scored with p_u, whatever their events after training. New users (user id -1) have no p_u:
    the mean of q over their history replaces it, and an empty history leaves b.

    Args:
        width: D, the length of the vectors.
        epochs: passes over the training events.
        learning_rate: of Adagrad.
        regularisation: weight of the penalty on the vectors and biases of each pair.
        batch_size: pairs in one step.
        seed: of the first vectors, the order of events and the drawn items.

    Paper: Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009,
    Sections 4.1 (criterion), 4.2 (learning) and 4.3.1 (matrix factorisation). The item bias b and
    the steps of many pairs with Adagrad (Duchi, Hazan and Singer, 2011) are not in the paper.

    Example:
        >>> BPRMF(width=64, seed=0).fit(data.train, data.num_items).score(queries)   # (B, V + 1)
    """

    learnt = {"user_vectors": "UD", "item_vectors": "VD", "item_bias": "V"}
    has_user_rows = True

    def __init__(
        self,
        width: int = 64,
        epochs: int = 30,
        learning_rate: float = 0.05,
        regularisation: float = 0.01,
        batch_size: int = 4096,
        seed: int = 0,
    ) -> None:
        self.width = width
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.regularisation = regularisation
        self.batch_size = batch_size
        self.seed = seed

    def _learn(self, train: Histories) -> None:
        generator = np.random.default_rng(self.seed)
        users, items = training_events(train, self.num_items)
        done = np.sort(users * (self.num_items + 1) + items)
        user_start = generator.normal(0, _START, (len(train), self.width))
        item_start = generator.normal(0, _START, (self.num_items + 1, self.width + 1))
        item_start[:, -1] = 0
        user_table = _Table(user_start, self.learning_rate)
        item_table = _Table(item_start, self.learning_rate)  # The last column is the bias b.
        for _ in range(self.epochs):
            order = generator.permutation(len(items))
            for start in range(0, len(order), self.batch_size):
                batch = order[start : start + self.batch_size]
                undone = self._draw_undone(users[batch], done, generator)
                self._step(user_table, item_table, users[batch], items[batch], undone)
        self.user_vectors = user_table.values
        self.item_vectors, self.item_bias = item_table.values[:, :-1], item_table.values[:, -1]

    def _draw_undone(self, users: np.ndarray, done: np.ndarray, generator) -> np.ndarray:
        """Draw one item per user that is not among the cells `user * (V + 1) + item` of `done`."""
        drawn = generator.integers(1, self.num_items + 1, len(users))
        again = np.arange(len(users))
        for _ in range(_REDRAWS):
            cells = users[again] * (self.num_items + 1) + drawn[again]
            places = np.minimum(np.searchsorted(done, cells), len(done) - 1)
            again = again[done[places] == cells]
            drawn[again] = generator.integers(1, self.num_items + 1, len(again))
        return drawn

    def _step(self, user_table: "_Table", item_table: "_Table", users, items, undone) -> None:
        """Make one step of gradient ascent for pairs (u, i, j), each (B,)."""
        ones = np.ones((len(users), 1), np.float32)
        p = np.concatenate([user_table.values[users], ones], axis=1)  # (B, D + 1), 1 meets b.
        q_i, q_j = item_table.values[items], item_table.values[undone]  # each (B, D + 1)
        margin = np.einsum("bd,bd->b", p, q_i - q_j)
        pull = (0.5 - 0.5 * np.tanh(margin / 2))[:, None]  # sigmoid(-margin), (B, 1)
        user_gradients = pull * (q_i - q_j) - self.regularisation * p
        user_table.climb(users, user_gradients[:, :-1])
        pulled = pull * p
        item_gradients = np.concatenate([pulled, -pulled])
        item_gradients -= self.regularisation * np.concatenate([q_i, q_j])
        item_table.climb(np.concatenate([items, undone]), item_gradients)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        user_ids = np.asarray(queries["user_ids"])
        vectors = self.user_vectors[user_ids]  # (B, D); rows of newcomers are replaced below.
        new = np.flatnonzero(user_ids < 0)
        histories = history_matrix(queries["item_ids"][new], self.num_items)
        sizes = np.maximum(np.diff(histories.indptr), 1)[:, None]
        vectors[new] = (histories @ self.item_vectors) / sizes
        return vectors @ self.item_vectors[columns].T + self.item_bias[columns]


class _Table:
    """Rows that are updated with Adagrad's step: rate / root of the sum of squares so far."""

    def __init__(self, values: np.ndarray, learning_rate: float) -> None:
        self.values = values.astype(np.float32)
        self.squares = np.full_like(self.values, 1e-6)
        self.learning_rate = learning_rate

    def climb(self, rows: np.ndarray, gradients: np.ndarray) -> None:
        """Add up the gradients (B, D) of equal rows (B,), then update each row once."""
        order = np.argsort(rows, kind="stable")
        distinct, starts = np.unique(rows[order], return_index=True)
        # Summing by a sparse product is several times quicker than `np.add.at`.
        ones, ends = np.ones(len(rows), np.float32), np.append(starts, len(rows))
        summed = sparse.csr_array((ones, order, ends), (len(distinct), len(rows))) @ gradients
        self.squares[distinct] += summed**2
        self.values[distinct] += self.learning_rate * summed / np.sqrt(self.squares[distinct])
