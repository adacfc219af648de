"""Find the exact best items by blocks of the catalogue, whatever its size."""

import numpy as np

from recmodels.evaluation.ranking import top_items
from recmodels.features.histories import Histories
from recmodels.recommend.candidates import without_padding

BLOCK_ITEMS = 16_384  # Scores of some hundred queries for as many items take some ten MB.


def best_items(
    states: np.ndarray, vectors: np.ndarray, k: int, hidden: Histories | None = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the best k items per query, found block by block and merged.

    Args:
        states: of the queries, float32 (B, D).
        vectors: of the items 1..V, float32 (V, D).
        k: length of the lists.
        hidden: histories whose items are left out, one per query; None leaves out nothing.

    Returns:
        Item ids and scores of each query, best first, the smaller id first among equals; fewer
        than k where no more are left.

    Example:
        >>> best_items(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]]), k=1)
        ([array([2])], [array([2.])])
    """
    rows = len(states)
    owner, seen = np.zeros(0, int), np.zeros(0, int)
    if hidden is not None:
        owner, seen = np.repeat(np.arange(rows), hidden.lengths), hidden.items
    # Ids of earlier blocks are smaller, and stand further left: ties keep their order.
    best_ids = np.zeros((rows, 1), np.int64)
    best_scores = np.full((rows, 1), -np.inf, np.float32)
    for begin in range(0, len(vectors), BLOCK_ITEMS):
        block, kept = vectors[begin : begin + BLOCK_ITEMS], best_scores.shape[1]
        scores = np.empty((rows, kept + len(block)), np.float32)  # The best so far come first.
        scores[:, :kept] = best_scores
        np.matmul(states, block.T, out=scores[:, kept:], casting="same_kind")
        here = (seen > begin) & (seen <= begin + len(block))
        scores[owner[here], seen[here] - begin - 1 + kept] = -np.inf
        places = top_items(scores, k)
        earlier = np.take_along_axis(best_ids, np.minimum(places, kept - 1), axis=1)
        ids = np.where(places < kept, earlier, begin + 1 + places - kept)
        scores = np.where(places > 0, np.take_along_axis(scores, places, axis=1), -np.inf)
        # Column 0 stays the one that is never listed.
        best_ids = np.pad(ids, ((0, 0), (1, 0)))
        best_scores = np.pad(scores, ((0, 0), (1, 0)), constant_values=-np.inf)
    return without_padding(best_ids[:, 1:], best_scores[:, 1:])
