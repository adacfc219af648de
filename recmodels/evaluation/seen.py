"""Measure how many places of lists have items that a user has already."""

import numpy as np

from recmodels.evaluation.ranking import ask, rank
from recmodels.features.histories import Histories
from recmodels.features.sequences import Queries
from recmodels.models.baseline import user_item_matrix
from recmodels.models.capabilities import Scores


def seen_item_share(model: Scores, histories: Histories, k: int) -> np.ndarray:
    """Return the share of each user's first `k` places with items of the history, without a filter.

    Args:
        model: a model that scores.
        histories: of the users, (U,) of them.
        k: length of the lists.

    Returns:
        Float64, (U,). If users never take an item twice, these places are wasted.

    Example:
        >>> seen_item_share(MostPopular().fit(data.train, data.num_items), data.train, 100).mean()
        0.31
    """
    ranking = rank(model, _history_queries(histories), filter_seen=False, k=k)
    seen = user_item_matrix(histories, ranking.num_items).toarray() > 0
    return np.take_along_axis(seen, ranking.lists, axis=1).mean(axis=1)


def seen_item_percentiles(model: Scores, histories: Histories) -> np.ndarray:
    """Return the rank of each user's own items among all: 0 for the last place, 1 for the first.

    Args:
        model: a model that scores.
        histories: of the users.

    Returns:
        Float64, one value for each different item of each user, by user and then by item id.
    """
    queries = _history_queries(histories)
    scores = model.score(ask(model, queries, queries.user_ids))[:, 1:]  # (U, V)
    places = scores.argsort(axis=1, kind="stable").argsort(axis=1) / (scores.shape[1] - 1)
    seen = user_item_matrix(histories, scores.shape[1]).toarray()[:, 1:] > 0
    return places[seen]


def _history_queries(histories: Histories) -> Queries:
    """Make queries without targets."""
    users = len(histories)
    nobody = np.zeros(users, np.int32)
    return Queries(histories, np.arange(users, dtype=np.int32), nobody, np.zeros(users, bool))
