"""Retrieve candidates with one model and rank them with another."""

import numpy as np

from recmodels.models.capabilities import Rates, joined_columns, require


class RetrieveThenRank:
    """Two stages as one model: the best `depth` items of one model in the order of another.

    The retrieved items have the highest scores, ordered by the rating that the ranker predicts;
    the others follow in the order of the retriever.

    Args:
        retriever: any model that scores.
        ranker: has `rate(queries, items)` for items (B, depth), such as a `TwoTower` with a head.
            It may be the same model.
        depth: how many items are rated for each query.
        weight: of the retriever's score in the ranking, in standard deviations over the retrieved
            items, since items with high ratings are not always those that users choose.

    Example:
        >>> model = RetrieveThenRank(towers, ranker, depth=100)
        >>> rank(model, data.test, filter_seen=True)
    """

    def __init__(self, retriever, ranker, depth: int = 100, weight: float = 0.0) -> None:
        if depth < 1:
            raise ValueError(f"`depth` must be at least 1. Received: depth={depth}")
        require(ranker, Rates, "`ranker`")
        self.retriever = retriever
        self.ranker = ranker
        self.depth = depth
        self.weight = weight
        self.max_length = retriever.max_length
        self.columns, self.optional_columns = joined_columns([retriever, ranker])

    def parts(self) -> dict[str, object]:
        """The two models."""
        return {"retriever": self.retriever, "ranker": self.ranker}

    def options(self) -> dict[str, object]:
        """Return the other arguments of the constructor."""
        return {"depth": self.depth, "weight": self.weight}

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores, float32, (B, V + 1), or (B, len(items)), which are then the items to pick from.

        Padding scores 0 and is never picked. Seen items are picked too: exclude them by `items`, or
        make `depth` large enough to lose some.
        """
        first = np.asarray(self.retriever.score(queries, items), np.float32)
        scores = first[:, 1:] if items is None else first
        ids = np.arange(1, first.shape[1]) if items is None else np.asarray(items)
        depth = min(self.depth, scores.shape[1])
        picked = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]  # (B, depth)
        retrieved = np.take_along_axis(scores, picked, axis=1)
        spread = np.maximum(retrieved.std(axis=1, keepdims=True), 1e-9)
        rated = self.ranker.rate(queries, ids[picked])
        rated = rated + self.weight * (retrieved - retrieved.mean(axis=1, keepdims=True)) / spread
        lowest, highest = rated.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
        below = scores - highest + lowest - 1
        np.put_along_axis(below, picked, rated, axis=1)
        return np.pad(below, ((0, 0), (1, 0))) if items is None else below
