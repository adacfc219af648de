"""The best items that may be listed, from scores or from an index."""

from collections.abc import Iterator, Sequence

import numpy as np

from recmodels.data.errors import require
from recmodels.evaluation.ranking import hide_seen, top_items
from recmodels.features.histories import Histories
from recmodels.models.capabilities import HasVectors, Scores, can


def catalogue_vectors(scorer) -> np.ndarray | None:
    """Return the item vectors 1..V of a model, float32 (V, D), or None if it has none."""
    return scorer.item_vectors() if can(scorer, HasVectors) else None


def likeness_vectors(scorer, item_vectors: np.ndarray | None) -> np.ndarray:
    """Return the vectors that `Diverse` compares: the given ones, else those of the model.

    Raises:
        ValueError: there are neither.
    """
    vectors = catalogue_vectors(scorer) if item_vectors is None else item_vectors
    message = (
        "`Diverse` needs vectors to tell which items are alike, and this model has none: give "
    )
    need = message + "`Recommender(..., item_vectors=...)`, (V, D)"
    require(vectors is not None, need, model=type(scorer))
    return vectors


CHUNK_ROWS = 512  # Histories asked for at once; bounds memory and changes no answer.


def in_chunks(
    lengths: np.ndarray, empty: np.ndarray, size: int
) -> Iterator[tuple[bool, np.ndarray]]:
    """Rows of histories, `size` at a time, after whether they go to the fallback.

    Histories of similar length are in the same chunk, which then has less padding.

    Args:
        lengths: of the histories, (U,).
        empty: whether a history has no item of the catalogue, bool (U,).
        size: the most rows at a time.
    """
    by_length = np.argsort(lengths, kind="stable")
    for fallback in (False, True):
        everyone = by_length[empty[by_length] == fallback]
        for start in range(0, len(everyone), size):
            yield fallback, everyone[start : start + size]


class Scored:
    """Candidates of a model that scores the whole catalogue.

    Args:
        scorer: the model.
        queries: what it is asked; see `Scores`.
        allowed: which columns of the scores may be listed, bool (V + 1,).
        hidden: histories whose items are left out, one per query, or None.

    Raises:
        ValueError: the scores are not finite or do not fit the vocabulary.
    """

    def __init__(
        self, scorer: Scores, queries: dict, allowed: np.ndarray, hidden: Histories | None
    ) -> None:
        rows = len(queries["item_ids"])
        scores = np.array(scorer.score(queries), np.float32)  # A copy: it is written to below.
        finite = bool(np.isfinite(scores[:, 1:]).all())
        require(
            finite and scores.shape == (rows, len(allowed)),
            f"`score` of {type(scorer).__name__} must return finite scores, one row per history "
            f"and one column per item of the vocabulary and padding: {rows} x {len(allowed)}. "
            "Were both made from the same data? Did training diverge?",
            shape=scores.shape,
            finite=finite,
        )
        scores[:, ~allowed] = -np.inf
        if hidden is not None:
            hide_seen(scores, hidden, np.arange(rows))
        self.scores = scores

    def best(self, count: int, rows: Sequence[int] | None = None) -> tuple[list, list]:
        """Item ids and scores of the best, best first, at most `count`, of all rows or some."""
        scores = self.scores if rows is None else self.scores[rows]
        lists = top_items(scores, min(count, scores.shape[1] - 1))
        return without_padding(lists, np.take_along_axis(scores, lists, axis=1))


class Searched:
    """Candidates that an index of a model's item vectors finds.

    Args:
        scorer: a model whose scores are dot products with item vectors, such as `SASRec`.
        queries, allowed, hidden: as of `Scored`.
        index: such as an `ApproximateIndex`.

    Raises:
        ValueError: the model has no item vectors, or the index holds others.
    """

    def __init__(
        self, scorer: Scores, queries: dict, allowed: np.ndarray, hidden: Histories | None, index
    ) -> None:
        vectors = catalogue_vectors(scorer)
        need = "`index` needs a model that scores with item vectors, such as SASRec"
        require(vectors is not None, need, model=type(scorer))
        index.check(vectors)
        self.index = index
        self.allowed = allowed
        self.states = scorer.query_vectors(queries)
        empty = [np.zeros(0, np.int32)] * len(self.states)
        if hidden is not None:  # Unknown items become padding, which no index lists.
            items = np.where(hidden.items < len(allowed), hidden.items, 0)
        self.hidden = empty if hidden is None else np.split(items, hidden.offsets[1:-1])

    def best(self, count: int, rows: Sequence[int] | None = None) -> tuple[list, list]:
        """Item ids and scores of the best, best first, at most `count`, of all rows or some."""
        rows = range(len(self.states)) if rows is None else rows
        hidden = [self.hidden[row] for row in rows]
        count = min(count, len(self.allowed) - 1)
        lists, scores = self.index.search(self.states[list(rows)], count, self.allowed, hidden)
        return without_padding(lists, scores)


def without_padding(lists: np.ndarray, scores: np.ndarray) -> tuple[list, list]:
    """Rows of different lengths, without the 0 they were filled up with."""
    lengths = (lists > 0).sum(axis=1)
    pairs = list(zip(lists, scores, lengths, strict=True))
    return [ids[:n] for ids, _, n in pairs], [values[:n] for _, values, n in pairs]
