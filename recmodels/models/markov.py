"""A Markov chain: the next item given the last one."""

import numpy as np
from scipy import sparse

from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, known_events


class Markov(Baseline):
    """First-order Markov chain: transition counts, smoothed with popularity.

        P(j | i) = (count(i -> j) + smoothing * P(j)) / (count(i -> anything) + smoothing)

    where count(i -> j) is how often j came directly after i in a training history and P(j) is
    j's share of all training events. An item without a follower, like an empty history, falls back
    to P(j). Each row of scores is a probability distribution over 1..V.

    Args:
        smoothing: how many transitions are added in proportion to popularity; must be positive.
            Below 1 / (share of the top item) it only orders items with equally many transitions.

    Paper: the chain is the unpersonalised "MC" of Rendle, Freudenthaler and Schmidt-Thieme,
    "Factorizing personalized Markov chains for next-basket recommendation", WWW 2010; the prior
    that of MacKay and Peto, "A hierarchical Dirichlet language model", 1995.

    Example:
        >>> Markov(smoothing=1.0).fit(data.train, data.num_items).score(queries)
        training histories [1, 2], [1, 2], [1, 1]; item_ids [[2, 1]] (V = 2):
        [[0, 0.417, 0.583]]      (1 + 4/6) / 4, (2 + 2/6) / 4
    """

    learnt = {"transitions": "VV", "totals": "V", "share": "V"}

    def __init__(self, smoothing: float = 10.0) -> None:
        if smoothing <= 0:
            raise ValueError(
                "`smoothing` must be positive, or items without a follower would have no scores. "
                f"Received: smoothing={smoothing}"
            )
        self.smoothing = smoothing

    def _learn(self, train: Histories) -> None:
        same_user = np.ones(max(len(train.items) - 1, 0), bool)
        boundaries = train.offsets[1:-1]
        boundaries = boundaries[(boundaries > 0) & (boundaries < len(train.items))]
        same_user[boundaries - 1] = False
        known = train.items <= self.num_items
        pairs = same_user & known[:-1] & known[1:]
        places = (train.items[:-1][pairs], train.items[1:][pairs])
        width = self.num_items + 1
        ones = np.ones(len(places[0]), np.float32)
        self.transitions = sparse.csr_array((ones, places), shape=(width, width))
        self.totals = self.transitions.sum(axis=1)
        self.share = self.counts / self.counts.sum()

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        rows, items, ages = known_events(queries["item_ids"], self.num_items)
        last = np.zeros(len(queries["item_ids"]), np.int64)  # Row 0 has no transitions.
        last[rows[ages == 0]] = items[ages == 0]
        followed = self.transitions[last][:, columns].toarray()  # (B, K)
        prior = self.smoothing * self.share[columns]
        return (followed + prior) / (self.totals[last] + self.smoothing)[:, None]
