"""Combine several models."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from recmodels.features.checks import check_items
from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline
from recmodels.models.capabilities import Covers, can, joined_columns

_RANK_OFFSET = 60  # That of the paper: how slowly a place further down loses value.


class Hybrid:
    """Weighted sum of the scores of several models, scaled for each history first.

        score(j) = sum over the models m of  weight(m) * scaled(m, j)

        "range"    scaled = (score - lowest) / (highest - lowest)     over the whole catalogue
        "rank"     scaled = 1 / (60 + rank)                           1 is the top, ties share
                                                                      their worst rank
        "spread"   scaled = score / standard deviation over the whole catalogue

    Args:
        scorers: the models. Baselines are fitted by `fit`; others, such as a SASRec, must be
            trained already.
        weights: one per model, not negative, not all 0.
        scaling: `"range"` and `"spread"` keep the gaps between scores, `"rank"` only their order;
            a single item far from all others shrinks the gaps less under `"spread"`.

    Paper: Burke, "Hybrid recommender systems: survey and experiments", UMUAI 12, 2002, Section 3
    (weighted); "rank" is Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms
    Condorcet and individual rank learning methods", SIGIR 2009.

    Example:
        >>> Hybrid([Markov(), Content(texts)], [0.7, 0.3]).fit(data.train, data.num_items)
    """

    max_length: int | None = None

    def __init__(self, scorers: Sequence, weights: Sequence[float], scaling: str = "range") -> None:
        weights = [float(weight) for weight in weights]
        if len(weights) != len(scorers) or min(weights, default=-1) < 0 or not any(weights):
            raise ValueError(
                "`weights` must be one per model, not negative and not all 0. "
                f"Received: {len(scorers)} models, weights={weights}"
            )
        if scaling not in SCALINGS:
            raise ValueError(
                f"`scaling` must be one of {sorted(SCALINGS)}. Received: scaling={scaling!r}"
            )
        self.scorers = list(scorers)
        self.weights = weights
        self.scaling = scaling
        self.columns, self.optional_columns = joined_columns(scorers)

    def parts(self) -> dict[str, object]:
        """The models in a list."""
        return {"scorers": self.scorers}

    def options(self) -> dict[str, object]:
        """Return the other arguments of the constructor."""
        return {"weights": self.weights, "scaling": self.scaling}

    def fit(self, train: Histories, num_items: int) -> Self:
        """Fit the baselines among the models and return the hybrid."""
        for scorer in self.scorers:
            if isinstance(scorer, Baseline | Hybrid):  # `fit` of a Keras model is another thing.
                scorer.fit(train, num_items)
        return self

    def covered_items(self) -> np.ndarray:
        """Return whether each item can be scored by one of the models, bool (V + 1,)."""
        covers = [s.covered_items() for s in self.scorers if can(s, Covers)]
        return np.logical_or.reduce(covers) if covers else np.zeros(1, bool)  # Padding.

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores after each history, float32, (B, V + 1) or (B, len(items))."""
        total = sum(
            weight * SCALINGS[self.scaling](self._scores_of(scorer, queries))
            for weight, scorer in zip(self.weights, self.scorers, strict=True)
        )
        scores = np.pad(total, ((0, 0), (1, 0))).astype(np.float32)  # Padding scores 0.
        return scores if items is None else scores[:, check_items(items, scores.shape[1] - 1)]

    @staticmethod
    def _scores_of(scorer, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Return scores of one model for the events that it reads, without padding, (B, V)."""
        latest = queries["item_ids"]
        if scorer.max_length is not None and np.ndim(latest) == 2:
            latest = np.asarray(latest)[:, -scorer.max_length :]
        return np.asarray(scorer.score({**queries, "item_ids": latest}))[:, 1:]


def scale_to_range(scores: np.ndarray) -> np.ndarray:
    """Scale each row to 0..1; all 0 if all scores are equal. (B, V)."""
    lowest = scores.min(axis=1, keepdims=True)
    width = scores.max(axis=1, keepdims=True) - lowest
    return (scores - lowest) / np.where(width > 0, width, 1)


def scale_by_rank(scores: np.ndarray) -> np.ndarray:
    """Replace scores by 1 / (60 + rank); equal scores get their worst rank. (B, V)."""
    ordered = np.sort(scores, axis=1)
    worse = [np.searchsorted(*pair) for pair in zip(ordered, scores, strict=True)]
    return 1 / (_RANK_OFFSET + scores.shape[1] - np.array(worse))


def scale_by_spread(scores: np.ndarray) -> np.ndarray:
    """Divide each row by its standard deviation, unless all scores are equal. (B, V)."""
    spread = scores.std(axis=1, keepdims=True)
    return scores / np.where(spread > 0, spread, 1)


SCALINGS = {"range": scale_to_range, "rank": scale_by_rank, "spread": scale_by_spread}
