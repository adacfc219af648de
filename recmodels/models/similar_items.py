"""Similar items of each item: by their texts, by vectors, or by who had both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.features.histories import Histories
from recmodels.models.baseline import nearest_items, user_item_matrix
from recmodels.models.content import Content
from recmodels.models.item_knn import ItemKNN
from recmodels.text.cleaning import is_list

KEPT = 200  # Similar items kept of each item.


@dataclass(frozen=True, eq=False)
class SimilarItems:
    """Similarities of items to each other.

    Args:
        values: sparse float32, (V + 1, V + 1), not negative; row i has the similarities of other
            items to item i.
    """

    values: sparse.csr_array

    def nearest(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The most similar items of each item, at most `count`, and their similarities.

        Returns:
            Item ids int32 (V + 1, count), filled up with 0, and float32 likewise.
        """
        rows = self.values.shape[0]
        found, values = np.zeros((rows, count), np.int32), np.zeros((rows, count), np.float32)
        for row in range(1, rows):
            part = slice(self.values.indptr[row], self.values.indptr[row + 1])
            best = part.start + np.argsort(-self.values.data[part], kind="stable")[:count]
            found[row, : len(best)] = self.values.indices[best]
            values[row, : len(best)] = self.values.data[best]
        return found, values


def similar_texts(texts: Sequence[str | None], keep: int = KEPT) -> SimilarItems:
    """Similarity of the words of items: cosines of their TF-IDF vectors, see `Content`.

    Args:
        texts: one text per item in the order of the item ids 1..V; missing texts are None.
        keep: how many similar items of each item.

    Raises:
        ValueError: `texts` are no list of texts, or hold no word.
    """
    must = "`texts` must be a list with one text per item, such as a column of the item table"
    require(is_list(texts), must, texts=type(texts).__name__)
    return SimilarItems(_nearest(Content(texts).text_vectors(), keep))


def similar_vectors(vectors: np.ndarray, keep: int = KEPT) -> SimilarItems:
    """Cosines of vectors of the items, such as those of a `TextEncoder`; negative ones are 0.

    Args:
        vectors: (V + 1, F), row i for item i; rows of 0 have no similar items.
        keep: how many similar items of each item.

    Raises:
        ValueError: `vectors` are no finite matrix, or all 0.
    """
    vectors = np.array(vectors, np.float32)
    must = "`vectors` must be a finite matrix (V + 1, F) that is not all 0"
    fits = vectors.ndim == 2 and np.isfinite(vectors[1:]).all() and vectors[1:].any()
    require(fits, must, shape=vectors.shape)
    vectors[0] = 0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return SimilarItems(_nearest(vectors / np.maximum(lengths, 1e-12), keep))


def similar_users(
    train: Histories, num_items: int, shrinkage: float = 10.0, keep: int = KEPT
) -> SimilarItems:
    """How many users two items have in common, from training histories: as in `ItemKNN`.

        s(i, j) = users of both / (sqrt(users of i * users of j) + shrinkage)

    One common user is not counted: otherwise a training that predicts j after i would find this
    same pair in the similarity. So items with a single common user are not similar.

    Args:
        train, num_items: `data.train` and `data.num_items`.
        shrinkage: in users; moves similarities that are computed from few users towards 0.
        keep: how many similar items of each item.
    """
    model = ItemKNN(neighbours=keep, shrinkage=shrinkage).fit(train, num_items)
    values = model.similarities
    users = user_item_matrix(train, num_items).sum(axis=0)
    first = users[np.repeat(np.arange(num_items + 1), np.diff(values.indptr))]
    second = users[values.indices]
    both = np.rint(values.data * (np.sqrt(first * second) + shrinkage)) - 1
    lengths = np.sqrt((first - 1) * (second - 1)) + shrinkage
    values.data = (both / np.maximum(lengths, 1e-9)).astype(np.float32)
    values.eliminate_zeros()
    return SimilarItems(values)


def _nearest(vectors, keep: int) -> sparse.csr_array:
    """The largest positive products of each row with all others, (V + 1, V + 1)."""

    def similar(items: np.ndarray) -> np.ndarray:
        products = vectors[items] @ vectors.T
        products = products.toarray() if sparse.issparse(products) else products
        return np.maximum(products, 0)

    return nearest_items(similar, vectors.shape[0], check_whole("keep", keep))
