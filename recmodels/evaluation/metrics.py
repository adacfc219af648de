"""Accuracy metrics from the ranks of users, and metrics of lists beyond accuracy.

The first family maps ranks to values of the same shape, with one positive per user; their mean is
the value in a table. The second measures the lists that users were shown, (U, k), where 0 is
padding.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse

from recmodels.data.errors import require

# --- From ranks ---


def hit_rate(ranks: np.ndarray, k: int) -> np.ndarray:
    """1 if the target is among the first k, else 0.

    Args:
        ranks: rank of the target, 1 is the top; any shape, such as (U,) or (U, seeds).
        k: length of the list.

    Returns:
        Float64, the shape of `ranks`. The same holds for every function of ranks here.

    Example:
        >>> hit_rate([1, 4, 11], 10).tolist()
        [1.0, 1.0, 0.0]
    """
    ranks = np.asarray(ranks)
    require(k >= 1, "`k` must be at least 1", k=k)
    lowest = ranks.min(initial=1)
    require(lowest >= 1, "`ranks` start at 1, the top of the list", lowest=lowest)
    return (ranks <= k).astype(np.float64)


def recall(ranks: np.ndarray, k: int) -> np.ndarray:
    """Share of the relevant items that is in the list: with one target, the hit rate."""
    return hit_rate(ranks, k)


def precision(ranks: np.ndarray, k: int) -> np.ndarray:
    """Share of the list that is relevant: 1/k for a hit."""
    return hit_rate(ranks, k) / k


def f1(ranks: np.ndarray, k: int) -> np.ndarray:
    """Harmonic mean of precision 1/k and recall 1, which is 2 / (k + 1) for a hit."""
    return hit_rate(ranks, k) * 2 / (k + 1)


def ndcg(ranks: np.ndarray, k: int) -> np.ndarray:
    """Discounted cumulative gain, 1 / log2(1 + rank) for a hit; the ideal is 1.

    Example:
        >>> ndcg([1, 3, 11], 10).tolist()
        [1.0, 0.5, 0.0]
    """
    return hit_rate(ranks, k) / np.log2(1.0 + np.asarray(ranks))


def mrr(ranks: np.ndarray, k: int) -> np.ndarray:
    """Reciprocal rank, 1 / rank for a hit."""
    return hit_rate(ranks, k) / np.asarray(ranks)


def average_precision(ranks: np.ndarray, k: int) -> np.ndarray:
    """Mean of the precision at each positive: with one positive, the reciprocal rank."""
    return mrr(ranks, k)


RANK_METRICS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "hr": hit_rate,
    "recall": recall,
    "precision": precision,
    "f1": f1,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
}


def rank_metric(name: str, ranks: np.ndarray) -> np.ndarray:
    """Per-user values of a metric by its name in tables, such as `"ndcg@10"`."""
    family, _, k = name.partition("@")
    must = f"`name` must be one of {sorted(RANK_METRICS)} and a length, such as 'ndcg@10'"
    require(family in RANK_METRICS and k.isdigit(), must, name=name)
    return RANK_METRICS[family](ranks, int(k))


# --- From lists ---


def coverage(lists: np.ndarray, num_items: int) -> float:
    """Share of the catalogue that is on at least one list."""
    shown = np.unique(lists)
    return float((shown > 0).sum() / num_items)


def novelty(lists: np.ndarray, popularity: np.ndarray) -> float:
    """Mean self-information of the listed items in bits: -log2 of an item's share of events.

    One event is added to each item, so that an item training never saw is surprising but not
    infinitely so.

    Args:
        lists: item ids, (U, k).
        popularity: training events of each item, (V + 1,); entry 0 is padding.

    Returns:
        Bits: 0 if all events have the same item, log2(V) if all items are equally popular.
    """
    counts = np.asarray(popularity, np.float64)[1:] + 1
    bits = np.append(0, -np.log2(counts / counts.sum()))
    return float(bits[_listed(lists)].mean())


def popularity_share(lists: np.ndarray, popularity: np.ndarray, top: float) -> float:
    """Share of the listed items that belong to the most popular ones of the catalogue.

    Args:
        lists: item ids, (U, k).
        popularity: training events of each item, (V + 1,).
        top: share of the catalogue that counts as most popular, such as 0.01; rounded up to
            whole items. Of equally popular items the smaller ids count first.

    Returns:
        Between 0 and 1; lists of items drawn evenly from the catalogue have about `top`.
    """
    counts = np.asarray(popularity)[1:]
    head = np.argsort(-counts, kind="stable")[: int(np.ceil(top * len(counts) - 1e-9))]
    return float(np.isin(_listed(lists), head + 1).mean())


def gini(lists: np.ndarray, num_items: int) -> float:
    """Inequality of how often items are listed: 0 if equal, near 1 if one has all.

    With x the sorted places of the V items: sum of (2 i - V - 1) x_i over V times sum of x.
    """
    places = np.sort(np.bincount(_listed(lists), minlength=num_items + 1)[1:])
    weights = 2 * np.arange(1, num_items + 1) - num_items - 1
    return float((weights * places).sum() / (num_items * places.sum()))


def category_matrix(categories: Sequence[str | None]) -> scipy.sparse.csr_array:
    """Which categories each item has, from texts such as `"Drama|War"`.

    Args:
        categories: one text per item in the order of the item ids 1..V; several categories are
            joined by `|`; empty or missing where nothing is known.

    Returns:
        Ones and zeros, sparse (V + 1, C); row 0, the padding item, is empty.
    """
    names: dict[str, int] = {}
    rows, columns = [], []
    for item, text in enumerate(categories, start=1):
        for name in set(text.split("|")) - {""} if isinstance(text, str) else ():
            rows.append(item)
            columns.append(names.setdefault(name, len(names)))
    shape = (len(categories) + 1, len(names))
    return scipy.sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def category_diversity(lists: np.ndarray, membership: scipy.sparse.csr_array) -> np.ndarray:
    """Intra-list diversity: mean of 1 - Jaccard over the pairs of a list.

    Args:
        lists: item ids, (U, k).
        membership: (V + 1, C) from `category_matrix`.

    Returns:
        Float64, (U,). Pairs with an item without categories are left out; NaN where no pair is
        left. The Jaccard index of two items is their common categories over all of theirs.
    """
    sizes = membership.sum(axis=1)

    def distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        common = membership[left].multiply(membership[right]).sum(axis=1)
        known = (sizes[left] > 0) & (sizes[right] > 0)
        every = np.where(known, sizes[left] + sizes[right] - common, 1)
        return np.where(known, 1 - common / every, np.nan)

    return _mean_over_pairs(lists, distance)


def vector_diversity(lists: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Intra-list diversity: mean of 1 - cosine over the pairs of a list.

    Args:
        lists: item ids, (U, k).
        vectors: one per item, such as its embedding, (V + 1, D); a zero vector is not known.

    Returns:
        Float64, (U,). Pairs with an unknown item are left out; NaN where no pair is left.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.where(norms > 0, vectors / np.where(norms > 0, norms, 1), np.nan)

    def distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return 1 - np.einsum("nd,nd->n", unit[left], unit[right])

    return _mean_over_pairs(lists, distance)


def _mean_over_pairs(lists: np.ndarray, distance: Callable) -> np.ndarray:
    """Mean distance of each list's pairs of items, NaN distances left out, (U,)."""
    lists = np.asarray(lists)
    total, pairs = np.zeros(len(lists)), np.zeros(len(lists))
    for step in range(1, lists.shape[1]):
        left, right = lists[:, :-step], lists[:, step:]  # All pairs that are `step` apart.
        values = distance(left.ravel(), right.ravel()).reshape(left.shape)
        known = (left > 0) & (right > 0) & np.isfinite(values)
        total += np.where(known, values, 0).sum(axis=1)
        pairs += known.sum(axis=1)
    return np.divide(total, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)


def _listed(lists: np.ndarray) -> np.ndarray:
    """Every item id on a list, padding left out, flat."""
    lists = np.asarray(lists)
    items = lists[lists > 0]
    require(len(items), "`lists` must show an item", shape=lists.shape)
    return items
