"""Use a second model for histories without a known item."""

import numpy as np

from recmodels.models.baseline import Baseline
from recmodels.models.capabilities import HasItems, Scores, all_parts, can, joined_columns, require


class WithFallback:
    """A model with a fallback for histories that have no item of the catalogue.

    Args:
        scorer: answers every history with a known item among those it reads.
        fallback: answers the others; fitted, such as `MostPopular`.

    Example:
        >>> everyone = WithFallback(model, MostPopular().fit(data.train, data.num_items))
        >>> rank(everyone, data.newcomers, filter_seen=True)
    """

    empty_score = 0.0  # Scores of the fallback have another scale; see `Baseline.empty_score`.

    def __init__(self, scorer, fallback: Baseline) -> None:
        require(fallback, Scores, "`fallback`")
        self.scorer = scorer
        self.fallback = fallback
        self.max_length = scorer.max_length
        self.columns, self.optional_columns = joined_columns([scorer, fallback])

    def parts(self) -> dict[str, object]:
        """The two models."""
        return {"scorer": self.scorer, "fallback": self.fallback}

    def options(self) -> dict[str, object]:
        """Return an empty dict: there are no options."""
        return {}

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores after each history, float32, (B, V + 1) or (B, len(items))."""
        scores = self.fallback.score(queries, items)
        item_ids = np.asarray(queries["item_ids"])
        part = next(part for part in all_parts(self.fallback) if can(part, HasItems))
        known = ((item_ids >= 1) & (item_ids <= part.num_items)).any(axis=1)
        if known.any():
            known_queries = {name: np.asarray(values)[known] for name, values in queries.items()}
            scores[known] = self.scorer.score(known_queries, items)
        return scores
