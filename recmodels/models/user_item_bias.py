"""Predict ratings from user and item biases."""

import numpy as np

from recmodels.features.checks import check_items, check_queries, ratings_of
from recmodels.features.histories import Histories
from recmodels.features.ratings import rating_rows
from recmodels.models.baseline import Baseline, training_events


class UserItemBias(Baseline):
    """Ratings as the mean plus the biases of item and user, shrunk towards 0.

        b_i = sum over ratings of i of (value - mean) / (n_i + item_shrinkage)
        b_u = sum over ratings of u of (value - mean - b_i) / (n_u + user_shrinkage)
        rating(u, i) = mean + b_u + b_i,      score(u, i) = b_i

    A user's bias is computed from the history in the query, so that new users have one too.

    Args:
        item_shrinkage, user_shrinkage: numbers of ratings at the mean added to the real ones.

    Paper: Koren, "Factor in the neighbors: Scalable and accurate collaborative filtering", TKDD
    2010, section 2.1, the decoupled estimate.

    Example:
        >>> model = UserItemBias().fit(data.train, data.num_items)
        >>> model.rate(queries, items)   # (B,)
        one rating, 5 by the only user, of item 1: mean 5, b_1 = 0, b_u = 0, rating 5
    """

    columns = ("value",)

    learnt = {"mean": "", "item_bias": "V", "range": "2"}

    def __init__(self, item_shrinkage: float = 5.0, user_shrinkage: float = 5.0) -> None:
        self.item_shrinkage = item_shrinkage
        self.user_shrinkage = user_shrinkage

    def _learn(self, train: Histories) -> None:
        _, items = training_events(train, self.num_items)
        values = ratings_of(train, "UserItemBias")[train.items <= self.num_items]
        self.mean = float(values.mean())
        sums = np.bincount(items, values - self.mean, minlength=self.num_items + 1)
        self.item_bias = sums / (self.counts + self.item_shrinkage)
        self.range = [float(values.min()), float(values.max())]

    def rate(self, queries: dict[str, np.ndarray], items: np.ndarray) -> np.ndarray:
        """Predict ratings, float32, in the shape of `items`, within the range of training ratings.

        Args:
            queries: `item_ids` int32 (B, T), padded with 0, and their ratings `value` (B, T).
            items: item ids, one per query (B,), or several (B, K).
        """
        queries = check_queries(queries, self.num_items, needed=("item_ids", "value"))
        rated_mask, values = rating_rows(queries["item_ids"], queries["value"], self.num_items)
        residuals = (values - self.mean - self.item_bias) * rated_mask
        user_bias = residuals.sum(axis=1) / (rated_mask.sum(axis=1) + self.user_shrinkage)
        items = check_items(items, self.num_items)
        user_bias = user_bias.reshape(-1, *[1] * (items.ndim - 1))
        ratings = self.mean + user_bias + self.item_bias[items]
        return np.clip(ratings, *self.range).astype(np.float32)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        return np.tile(self.item_bias[columns], (len(queries["item_ids"]), 1))
