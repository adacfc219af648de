"""Rank the whole catalogue for every user, in chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from recmodels.data.errors import require
from recmodels.evaluation.metrics import rank_metric
from recmodels.features.checks import check_whole
from recmodels.features.histories import Histories
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries, SequenceData
from recmodels.models.capabilities import Covers, Scores, can, columns_of
from recmodels.threads import prefetch_map

# The rank of a target that training never saw: a miss however long the list.
UNRANKED = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Ranking:
    """The rank of each target and the list of each user.

    Args:
        ranks: 1 is the top; ties count against the model; `UNRANKED` for a target that no model
            could rank because training never saw it, or that the filter removed. int32, (U,).
        lists: the best `k` item ids, best first, padded with 0 when the catalogue runs out.
            int32, (U, k).
        num_items: V, the number of items that were ranked.
        filtered: whether the filter of seen items removed the target from the list, bool, (U,).
    """

    ranks: np.ndarray
    lists: np.ndarray
    num_items: int
    filtered: np.ndarray


def rank(
    scorer: Scores,
    queries: Queries,
    *,
    filter_seen: bool | None = None,
    protocol: Protocol | None = None,
    k: int = 10,
    chunk_size: int = 512,
) -> Ranking:
    """Rank all V items for each query. Scores are compared in float32.

    Args:
        scorer: the model.
        queries: whom to rank for; the model reads their histories.
        filter_seen: whether everything in a user's history leaves the list first, instead of what
            the protocol says. A target that is itself in the history is then a miss.
        protocol: instead of the one of the data.
        k: length of the lists.
        chunk_size: users scored at once; changes memory and speed, never the result.

    Raises:
        ValueError: `queries` is not a `Queries` or has no rows, `filter_seen` is not a bool, `k`
            or `chunk_size` is not a whole number of at least 1, or the scores are not finite or
            have the wrong shape, such as those of a model made for another catalogue.

    Example:
        >>> ranking = rank(model, data.test)
        >>> (ranking.ranks <= 10).mean()  # HR@10
    """
    protocol = settle_protocol(queries, protocol, filter_seen)
    k, chunk_size = check_whole("k", k), check_whole("chunk_size", chunk_size)
    rankable = _rankable(scorer, queries, protocol)
    ranks = np.empty(len(queries), np.int32)
    lists = np.empty((len(queries), k), np.int32)
    filtered = np.zeros(len(queries), bool)

    def settle(chunk: tuple[np.ndarray, np.ndarray]) -> None:
        rows, scores = chunk
        placed = _place_targets(scores, queries, rows, rankable[rows], protocol.filter_seen)
        ranks[rows], filtered[rows] = placed
        lists[rows] = top_items(scores, k)

    # V + 1, which the first chunk tells where the queries do not.
    width = None if queries.num_items is None else queries.num_items + 1

    def score_chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal width
        for start in range(0, len(queries), chunk_size):
            rows = np.arange(start, min(start + chunk_size, len(queries)))
            scores = _chunk_scores(scorer, queries, rows, width)
            width = scores.shape[1]
            yield rows, scores

    prefetch_map(settle, score_chunks())
    return Ranking(ranks, lists, width - 1, filtered)


def validation_score(model, data: SequenceData, filter_seen: bool | None = None) -> float:
    """Return the mean of the protocol's metric over the validation queries."""
    ranks = rank(model, data.validation, filter_seen=filter_seen).ranks
    return float(rank_metric(data.protocol.choose_by, ranks).mean())


def _place_targets(
    scores: np.ndarray, queries: Queries, rows: np.ndarray, rankable: np.ndarray, filter_seen: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the targets, and which of them the filter removed; hides seen items in place."""
    targets = queries.targets[rows]
    cells = (np.arange(len(rows)), np.where(rankable, targets, 0))
    target_scores = scores[cells]
    if filter_seen:
        hide_seen(scores, queries.histories, rows)
    filtered = rankable & np.isneginf(scores[cells])
    ranks = _pessimistic_ranks(scores, targets, target_scores)
    return np.where(rankable & ~filtered, ranks, UNRANKED), filtered


def settle_protocol(
    queries: Queries, protocol: Protocol | None, filter_seen: bool | None
) -> Protocol:
    """Return the protocol of the data, or the one or the filter that the caller gives instead.

    Raises:
        ValueError: `queries` are no queries or none, or `filter_seen` is no truth value.
    """
    must = "`queries` must be `data.test` or `data.validation` of `prepare(split)`"
    require(isinstance(queries, Queries), must, queries=type(queries))
    require(len(queries), "`queries` is empty: the split left nobody to rank for", queries=0)
    of_data = queries.protocol
    fixed = {name: getattr(of_data, name) for name in ("split", "asked", "query_time")}
    protocol = replace(protocol or of_data, **fixed)
    if filter_seen is None:
        return protocol
    kept = bool(filter_seen) if isinstance(filter_seen, np.bool_) else filter_seen
    return replace(protocol, filter_seen=kept)


def _rankable(scorer: Scores, queries: Queries, protocol: Protocol) -> np.ndarray:
    """Whether each target may be ranked: training saw it, or the model covers it, bool (U,)."""
    if protocol.cold_targets == "miss" or not can(scorer, Covers):
        return queries.trained
    covered = scorer.covered_items()
    inside = queries.targets < len(covered)  # The unknown id is V + 1.
    return queries.trained | (inside & covered[np.where(inside, queries.targets, 0)])


def ask(scorer: Scores, queries: Queries, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the model inputs of some queries; see `Scores`."""
    columns = columns_of(scorer, queries.histories.columns)
    inputs = queries.histories.window(rows, scorer.max_length, columns)
    inputs["user_ids"] = queries.user_ids[rows]
    if queries.at is not None:
        inputs["at"] = queries.at[rows]
    return inputs


def _chunk_scores(
    scorer: Scores, queries: Queries, rows: np.ndarray, width: int | None
) -> np.ndarray:
    """Scores (B, V + 1) with column 0 at minus infinity; as wide as earlier chunks, if any."""
    inputs = ask(scorer, queries, rows)
    scores = np.array(scorer.score(inputs), np.float32)  # A copy: it is written to below.
    largest = queries.targets[queries.trained].max(initial=0)
    expected = f"V + 1 > {largest}" if width is None else width
    fits = scores.ndim == 2 and len(scores) == len(rows) and scores.shape[1] > largest
    name = type(scorer).__name__
    must = f"`score` of {name} must return one row per query and one column per item"
    expected = f"padding included: ({len(rows)}, {expected})"
    same_width = fits and scores.shape[1] == (width or scores.shape[1])
    require(same_width, f"{must}, {expected}", shape=scores.shape)
    scores[:, 0] = -np.inf
    bad = int((~np.isfinite(scores[:, 1:])).sum())
    message = (
        f"`score` of {type(scorer).__name__} returned scores that are not finite: did training "
    )
    require(not bad, message + "diverge? Try a smaller learning rate", number=bad)
    return scores


def hide_seen(scores: np.ndarray, histories: Histories, rows: np.ndarray) -> None:
    """Set the scores of each user's whole history to minus infinity, in place.

    Args:
        scores: (B, V + 1).
        histories: of all users.
        rows: which of them the B rows of `scores` belong to.
    """
    lengths = histories.lengths[rows]
    begin = histories.offsets[rows] - np.cumsum(lengths) + lengths
    seen = histories.items[np.arange(lengths.sum()) + np.repeat(begin, lengths)]
    row_index = np.repeat(np.arange(len(rows)), lengths)
    known = seen < scores.shape[1]  # Unknown items have no column.
    scores[row_index[known], seen[known]] = -np.inf


def _pessimistic_ranks(
    scores: np.ndarray, targets: np.ndarray, target_scores: np.ndarray
) -> np.ndarray:
    """Return 1 + the number of other items that score at least as much as the target.

    `target_scores` are the scores of the targets before any item was filtered out.
    """
    others = (scores >= target_scores[:, None]).sum(axis=1)
    counted = (
        scores[np.arange(len(scores)), np.minimum(targets, scores.shape[1] - 1)] >= target_scores
    )
    return 1 + others - counted


def top_items(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the best `k` item ids per row, best first; equal scores are ordered by id.

    Items at minus infinity are never listed; the list is padded with 0 where too few are left.

    Args:
        scores: (B, V + 1), column 0 at minus infinity.
        k: length of the lists.

    Returns:
        Item ids, int32, (B, k).

    Example:
        >>> top_items(np.array([[-np.inf, 0.5, 0.9, 0.5]]), 2).tolist()
        [[2, 1]]
    """
    wanted = min(k, scores.shape[1] - 1)
    last = np.partition(scores, -wanted, axis=1)[:, -wanted, None]  # The lowest score listed.
    chosen = scores >= last
    tied = chosen.sum(axis=1) > wanted
    if tied.any():
        chosen[tied] = _drop_late_ties(scores[tied], last[tied], wanted)
    # Ascending ids; `np.nonzero` takes ten times as long for two axes as for one.
    best = np.flatnonzero(chosen).reshape(-1, wanted) % scores.shape[1]
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.where(np.isneginf(values), 0, best)
    best = np.take_along_axis(best, order, axis=1)
    return np.pad(best, ((0, 0), (0, k - wanted))).astype(np.int32)


def _drop_late_ties(scores: np.ndarray, last: np.ndarray, wanted: int) -> np.ndarray:
    """Keep exactly `wanted` True per row: all above `last`, then the smallest ids that equal it."""
    above = scores > last
    equal = scores == last
    room = wanted - above.sum(axis=1, keepdims=True)
    return above | (equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= room))
