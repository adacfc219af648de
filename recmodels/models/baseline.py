"""Base class of baselines: item counts, and histories as sparse matrices."""

import copy
from collections.abc import Callable
from typing import Self

import numpy as np
from scipy import sparse

from recmodels.features.checks import check_items, check_queries, check_whole, user_rows
from recmodels.features.histories import Histories
from recmodels.models.capabilities import Learns, can
from recmodels.models.growth import pad_items

_BLOCK_CELLS = 20_000_000  # Similarities held densely at once: 80 MB in float32.


class Baseline:
    """Base class of models that read whole histories and are fitted by counting or in closed form.

    Subclasses write `_learn`, called with the training histories once `counts` and `num_items` are
    set, and `_score`, called with queries and the columns wanted. Ids that are not in 1..num_items
    (padding, unknown, mask) take part in neither.
    """

    max_length: int | None = None
    answers_empty = True  # Popular items, where nothing is known of a user.
    # The score without a known event on the scale of other scores, where the popularity that lists
    # then show has another scale; None where `score` gives it. Explanations subtract scores.
    empty_score: float | None = None
    # What `_learn` stores besides, with a letter per axis: V for 1 + items, U for users, others
    # for any size. Bundles check it, and `grow` adds items along V.
    learnt: dict[str, str] = {}
    grows = True
    # Whether training users have rows in the model, so that it needs user ids.
    has_user_rows = False
    num_users: int | None = None  # Older bundles do not know it.
    user_rows: str | None = None

    def fit(self, train: Histories, num_items: int) -> Self:
        """Fit the model to training histories and return it.

        Args:
            train: what each user did, from `prepare(split).train`.
            num_items: V, the size of the catalogue.

        Raises:
            ValueError: `train` is no `Histories`, was encoded for a larger catalogue, or holds no
                item of it.
        """
        if not isinstance(train, Histories):
            raise ValueError(
                "`train` must be training histories: `prepare(split).train`. "
                f"Received: train={type(train).__name__}"
            )
        if train.items.max(initial=0) > check_whole("num_items", num_items) + 2:
            raise ValueError(
                "`num_items` must be that of the data, `data.num_items`. "
                f"Received: num_items={num_items}, train holds item {train.items.max()}"
            )
        counts = train.item_counts(num_items)
        if not counts.any():
            raise ValueError(
                "`train` holds no item of the catalogue, so there is nothing to learn from. "
                f"Received: train={train!r}, num_items={num_items}"
            )
        self.num_items = num_items
        self.counts = counts
        if self.has_user_rows:
            self.num_users, self.user_rows = len(train), user_rows(train)
        self._learn(train)
        return self

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Score items for histories; higher is better.

        Args:
            queries: `item_ids`, int32 (B, T), padded on the left with 0, and `user_ids`, int32
                (B,), the row in the training histories or -1.
            items: the item ids to score, (K,); by default the whole catalogue.

        Returns:
            Scores, float32, (B, V + 1), where column i belongs to item i and column 0 to padding,
            or (B, K), where column k belongs to `items[k]`.

        Raises:
            ValueError: the model has not been fitted, or `queries` or `items` hold ids that are
                out of range, or padding that is not on the left.
        """
        if not can(self, Learns):
            raise ValueError(
                f"`score` needs a fitted model: call `fit(train, num_items)` first. "
                f"Received: model={type(self).__name__}"
            )
        needed = ("item_ids", "user_ids") if self.has_user_rows else ("item_ids",)
        queries = check_queries(queries, self.num_items, self.num_users, needed)
        columns = slice(None) if items is None else check_items(items, self.num_items)
        return np.asarray(self._score(queries, columns), np.float32)

    def grown(self, num_new: int) -> Self:
        """Return a copy with `num_new` further items without any training event; see `grow`."""
        if not (can(self, Learns) and self.grows):
            raise ValueError(
                "`model` must be fitted and must not need the texts of items: fit it again on the "
                f"larger catalogue. Received: model={type(self).__name__}"
            )
        larger = copy.copy(self)
        for name, letters in {"counts": "V", **self.learnt}.items():
            axes = [axis for axis, letter in enumerate(letters) if letter == "V"]
            if axes:
                setattr(larger, name, pad_items(getattr(self, name), axes, num_new))
        larger.num_items = self.num_items + num_new
        return larger

    def _learn(self, train: Histories) -> None:
        raise NotImplementedError

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _popular_below(self, scores: np.ndarray, columns: slice | np.ndarray) -> np.ndarray:
        """Replace scores of 0 by -1..0 in the order of popularity."""
        share = self.counts[columns] / self.counts.max()
        return np.where(scores > 0, scores, share - 1)

    def _settled(
        self, scores: np.ndarray, histories: sparse.csr_array, columns: slice | np.ndarray
    ) -> np.ndarray:
        """Set scores of seen items to 0 unless `score_seen`; popularity for empty histories.

        Args:
            scores: (B, K), those of the columns.
            histories: from `history_matrix`, (B, V + 1).
        """
        if not self.score_seen:
            scores[histories[:, columns].toarray() > 0] = 0
        scores[np.diff(histories.indptr) == 0] = self.counts[columns]
        return scores


def known_events(item_ids: np.ndarray, num_items: int) -> tuple[np.ndarray, ...]:
    """The events of a padded matrix that are items of the catalogue, one after the other.

    Args:
        item_ids: (B, T), padded on the left with 0.
        num_items: V; larger ids are unknown.

    Returns:
        Row (N,), item id (N,) and age (N,) of each event, oldest first within a row. The age
        counts the known events that followed: 0 is the newest.
    """
    known = (item_ids >= 1) & (item_ids <= num_items)
    ages = known[:, ::-1].cumsum(axis=1)[:, ::-1] - 1
    return np.nonzero(known)[0], item_ids[known], ages[known]


def history_matrix(item_ids: np.ndarray, num_items: int, decay: float = 1.0) -> sparse.csr_array:
    """Convert histories to rows over the catalogue, float32, (B, V + 1).

    Each item weighs `decay ** age` of its latest event, so that `decay=1` gives plain sets and a
    repeated item counts once:

        item_ids       [[0, 2, 3, 2]]
        decay=0.5      [[0, 0, 1, 0.5]]      (item 2 at age 0, item 3 at age 1; V = 3)
    """
    rows, items, ages = known_events(item_ids, num_items)
    width = num_items + 1
    # The newest event comes first after reversing, and `unique` keeps the first of each.
    cells, newest = np.unique((rows * width + items)[::-1], return_index=True)
    weights = (decay ** ages[::-1][newest]).astype(np.float32)
    places = (cells // width, cells % width)
    return sparse.csr_array((weights, places), shape=(len(item_ids), width))


def keep_largest(similar: np.ndarray, count: int) -> sparse.csr_array:
    """Keep the `count` largest nonzero similarities of each row, sparse, same shape."""
    count = min(count, similar.shape[1])
    best = np.argpartition(-similar, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(similar, best, axis=1)
    places = (np.repeat(np.arange(len(similar)), count), best.ravel())
    largest = sparse.csr_array((values.ravel(), places), shape=similar.shape)
    largest.eliminate_zeros()
    return largest


def nearest_items(similar: Callable, width: int, count: int) -> sparse.csr_array:
    """Keep the `count` most similar other items of each item, in blocks that fit into memory.

    Args:
        similar: returns the similarities of some items to all, dense (n, width), for their ids.
        width: V + 1.
        count: how many are kept.

    Returns:
        Sparse, (V + 1, V + 1); no item is similar to itself.
    """
    block, parts = max(1, _BLOCK_CELLS // width), []
    for start in range(0, width, block):
        items = np.arange(start, min(start + block, width))
        values = similar(items)
        values[np.arange(len(items)), items] = 0
        parts.append(keep_largest(values, count))
    return sparse.vstack(parts, format="csr")


def user_item_matrix(train: Histories, num_items: int) -> sparse.csr_array:
    """Return the matrix of users and items, 0 or 1, float32, (U, V + 1)."""
    users, items = training_events(train, num_items)
    ones = np.ones(len(items), np.float32)
    matrix = sparse.csr_array((ones, (users, items)), shape=(len(train), num_items + 1))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def training_events(train: Histories, num_items: int) -> tuple[np.ndarray, np.ndarray]:
    """User row (N,) and item id (N,) of every training event with a known item."""
    users = np.repeat(np.arange(len(train)), train.lengths)
    known = train.items <= num_items
    return users[known], train.items[known]
