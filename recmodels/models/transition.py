"""Transition counts: the next item given the last few items."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, known_events, training_events


class Transitions(Baseline):
    """Transition counts of the last few items, weighted by age, with back-off to popularity.

        T(i, j)  = sum over the times j came d <= depth events after i of  decay ** (d - 1)
        score(j) = sum over the items i among the last `depth` events of
                   decay ** age(i) * (T(i, j) + backoff * P(j)) / (T(i, anything) + backoff)

    where P(j) is the share of j among all training events and age(i) counts the known events after
    i. The fewer followers an item has in training, the more its scores follow popularity. A history
    that is shorter than `depth` uses all its items; an empty one is scored by P(j). With `depth=1`
    this is `Markov`. The model is not trained, so a neural sequence model should be better than it.

    Args:
        depth: how many of the last items are looked up, and how far ahead followers are counted.
        decay: weight of a step against the one before it, in (0, 1].
        backoff: how many transitions are added in proportion to popularity; must be positive.

    Example:
        >>> Transitions(depth=2, decay=0.5, backoff=1.0).fit(train, 3).score(queries)
        training histories [1, 2, 3], [2, 3]; item_ids [[1, 2]] (V = 3):
        P = 1/5, 2/5, 2/5; T(1, 2) = 1, T(1, 3) = 1/2, T(2, 3) = 2
        [[0, 0.107, 0.413, 0.98]]      such as (0 + 1/5) / 3 + 1/2 * (0 + 1/5) / 2.5
    """

    learnt = {"transitions": "VV", "totals": "V", "share": "V"}

    def __init__(self, depth: int = 2, decay: float = 0.5, backoff: float = 10.0) -> None:
        if depth < 1:
            raise ValueError(f"`depth` must be at least 1. Received: depth={depth}")
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be in (0, 1]. Received: decay={decay}")
        if backoff <= 0:
            raise ValueError(
                "`backoff` must be positive, or items without a follower would have no scores. "
                f"Received: backoff={backoff}"
            )
        self.depth = depth
        self.decay = decay
        self.backoff = backoff

    def _learn(self, train: Histories) -> None:
        users, items = training_events(train, self.num_items)
        width = self.num_items + 1
        total = sparse.csr_array((width, width), dtype=np.float32)
        for step in range(1, self.depth + 1):
            same_user = users[step:] == users[:-step]
            places = (items[:-step][same_user], items[step:][same_user])
            weights = np.full(len(places[0]), self.decay ** (step - 1), np.float32)
            total = total + sparse.csr_array((weights, places), shape=(width, width))
        self.transitions = sparse.csr_array(total)
        self.totals = self.transitions.sum(axis=1)
        self.share = self.counts / self.counts.sum()

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        rows, items, ages = known_events(queries["item_ids"], self.num_items)
        latest = ages < self.depth
        rows, items, ages = rows[latest], items[latest], ages[latest]
        weights = self.decay**ages / (self.totals[items] + self.backoff)
        shape = (len(queries["item_ids"]), self.num_items + 1)
        looked_up = sparse.csr_array((weights.astype(np.float32), (rows, items)), shape=shape)
        followed = (looked_up @ self.transitions[:, columns]).toarray()  # (B, K)
        prior = self.backoff * looked_up.sum(axis=1)
        prior[np.diff(looked_up.indptr) == 0] = 1.0
        return followed + prior[:, None] * self.share[columns]
