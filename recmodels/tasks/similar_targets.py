"""Targets that share their probability with similar items."""

import numbers
from dataclasses import dataclass

import numpy as np

from recmodels.data.errors import require
from recmodels.features.checks import check_whole, digest
from recmodels.layers.target_shares import TargetShares
from recmodels.models.similar_items import SimilarItems


@dataclass(frozen=True, eq=False)
class SimilarTargets:
    """Label smoothing towards the items that are similar to the target, by their similarity.

    Plain label smoothing (Szegedy et al., "Rethinking the Inception Architecture for Computer
    Vision", 2016, section 7) gives all items equal parts of the share. Here only items that are
    similar to the target get a part, so that items with few training events learn from the events
    of similar items.

    Args:
        similar: from `similar_texts`, `similar_vectors` or `similar_users`.
        share: of the probability of each target that has similar items, above 0 and below 1.
        count: how many similar items get a part of it.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> texts = similar_texts(data.items["title"].reindex(data.vocabulary.raw_ids))
        >>> fit(SASRec(data.num_items), data, similar_targets=SimilarTargets(texts, share=0.2))
    """

    similar: SimilarItems
    share: float = 0.2
    count: int = 20

    def __post_init__(self) -> None:
        kind = isinstance(self.similar, SimilarItems)
        must = "`similar` must come from `similar_texts`, `similar_vectors` or `similar_users`"
        require(kind, must, similar=type(self.similar).__name__)
        fits = isinstance(self.share, numbers.Real) and 0 < self.share < 1
        require(fits, "`share` must be a number above 0 and below 1", share=self.share)
        check_whole("count", self.count)

    def layer(self, num_items: int) -> TargetShares:
        """Return the layer that computes the term of the loss.

        Raises:
            ValueError: the similarities are of another number of items.
        """
        rows, must = self.similar.values.shape[0], "`similar` must have a row per item and padding"
        require(rows == num_items + 1, must, rows=rows, num_items=num_items)
        similar, values = self.similar.nearest(self.count)
        total = values.sum(axis=1, keepdims=True)
        shares = self.share * values / np.where(total > 0, total, 1)
        layer = TargetShares(num_items, self.count, name="similar_targets")
        layer.adapt(similar, shares)
        return layer

    def identity(self) -> str:
        """Digest of the similarities and settings, for checkpoints."""
        values, settings = self.similar.values, np.array([self.share, self.count])
        return digest(values.indptr, values.indices, values.data, settings)
