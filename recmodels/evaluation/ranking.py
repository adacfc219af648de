"""Rank the whole catalogue for every user, in chunks."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recmodels.features.histories import Histories
from recmodels.features.sequences import Queries


class Scorer(Protocol):
    """What evaluation knows of a model, neural or not.

    `max_length` is how many of the latest events it reads, None for all of them. `score` takes
    queries (`item_ids`: int32 (B, T), padded on the left with 0; `user_ids`: int32 (B,), the row
    in the training histories or -1) and returns float scores (B, V + 1), where column i belongs
    to item i and column 0 to nobody, or (B, len(items)) for a chunk of the catalogue.
    """

    max_length: int | None

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Higher is better."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Where each target landed, and the list each user was shown.

    Args:
        ranks: 1 is the top; ties count against the model; V + 1 for a target that no model could
            rank because training never saw it. int32, (U,).
        lists: the best `k` item ids, best first, padded with 0 when the catalogue runs out.
            int32, (U, k).
    """

    ranks: np.ndarray
    lists: np.ndarray


def rank(
    scorer: Scorer, queries: Queries, *, filter_seen: bool, k: int = 10, chunk_size: int = 512
) -> Ranking:
    """Rank all V items for each query.

    Args:
        scorer: the model.
        queries: whom to rank for; the model reads their histories.
        filter_seen: whether everything in a user's history leaves the list first (the target
            itself never does).
        k: length of the lists.
        chunk_size: users scored at once; changes memory and speed, never the result.

    Raises:
        ValueError: scores are not finite or have the wrong shape.
    """
    ranks = np.empty(len(queries), np.int32)
    lists = np.zeros((len(queries), k), np.int32)
    for start in range(0, len(queries), chunk_size):
        rows = np.arange(start, min(start + chunk_size, len(queries)))
        scores = _chunk_scores(scorer, queries, rows)
        targets = queries.targets[rows]
        if filter_seen:
            hide_seen(scores, queries.histories, rows, keep=targets)
        ranks[rows] = _pessimistic_ranks(scores, targets, queries.trained[rows])
        if filter_seen:
            hide_seen(scores, queries.histories, rows)
        lists[rows] = top_items(scores, k)
    return Ranking(ranks, lists)


def _chunk_scores(scorer: Scorer, queries: Queries, rows: np.ndarray) -> np.ndarray:
    """Scores (B, V + 1) with column 0 at minus infinity."""
    asked = {
        "item_ids": queries.histories.last(rows, scorer.max_length),
        "user_ids": queries.user_ids[rows],
    }
    scores = np.array(scorer.score(asked), np.float32)  # A copy: it is written to below.
    if scores.ndim != 2 or len(scores) != len(rows):
        raise ValueError(
            f"`score` of {type(scorer).__name__} must return (B, V + 1) = ({len(rows)}, ...). "
            f"Received: shape={scores.shape}"
        )
    scores[:, 0] = -np.inf
    if not np.isfinite(scores[:, 1:]).all():
        raise ValueError(
            f"`score` of {type(scorer).__name__} returned scores that are not finite: did "
            "training diverge? Try a smaller learning rate."
        )
    return scores


def hide_seen(
    scores: np.ndarray, histories: Histories, rows: np.ndarray, keep: np.ndarray | None = None
) -> None:
    """Set the scores of each user's whole history to minus infinity, in place.

    Args:
        scores: (B, V + 1).
        histories: of all users.
        rows: which of them the B rows of `scores` belong to.
        keep: one item id a row, (B,), to leave alone.
    """
    lengths = histories.lengths[rows]
    ends = np.cumsum(lengths)
    positions = np.arange(lengths.sum()) + np.repeat(histories.offsets[rows] - ends + lengths, lengths)
    row_index = np.repeat(np.arange(len(rows)), lengths)
    seen = histories.items[positions]
    hidden = seen < scores.shape[1]  # Unknown items have no column.
    if keep is not None:
        hidden &= seen != keep[row_index]
    scores[row_index[hidden], seen[hidden]] = -np.inf


def _pessimistic_ranks(scores: np.ndarray, targets: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """1 + the items that score at least as high as the target, which itself does not count."""
    num_items = scores.shape[1] - 1
    columns = np.where(trained, targets, 1)
    own = scores[np.arange(len(scores)), columns][:, None]
    return np.where(trained, (scores >= own).sum(axis=1), num_items + 1)


def top_items(scores: np.ndarray, k: int) -> np.ndarray:
    """The best `k` item ids a row, best first, the smaller id first among equals: int32, (B, k).

    Items at minus infinity are never listed; the list is padded with 0 where too few are left.
    """
    wanted = min(k, scores.shape[1] - 1)
    best = np.argpartition(-scores, wanted - 1, axis=1)[:, :wanted]
    best.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    best[np.isneginf(np.take_along_axis(scores, best, axis=1))] = 0
    return np.pad(best, ((0, 0), (0, k - wanted))).astype(np.int32)
