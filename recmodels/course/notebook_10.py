"""Checks of the exercises of notebook 10, recommend."""

from collections.abc import Callable

import numpy as np

from recmodels.course.checking import (
    NotYet,
    call,
    exercise,
    expect,
    expect_close,
    numbers,
    whole_numbers,
)

CATALOGUE = 5_000  # Items of the shop in which 10.3 looks for candidates.


@exercise("10.1", "scores, families and the length of the list")
def check_families(answer) -> None:
    """`answer(scores, families, k)`: positions, best first, one of each family."""
    scores = np.random.default_rng(101).permutation(12) / 12
    order = np.argsort(-scores).tolist()
    alone = [f"f{number}" for number in range(12)]
    returned = whole_numbers(call(answer, scores, alone, 4))
    expect(len(returned) == 4, f"The list must hold four items; it holds {len(returned)}.")
    mistakes = {
        "The lowest scores were chosen; the best must come first.": order[::-1][:4],
        "The best items are chosen, but in reverse order.": order[:4][::-1],
        "The best items are chosen, but in the order of their positions; the best comes first.": (
            sorted(order[:4])
        ),
        "Positions begin at 0.": [place + 1 for place in order[:4]],
    }
    for reason, wrong in mistakes.items():
        expect(returned != wrong, reason)
    expect(
        returned == order[:4],
        "Where every item has a family of its own, the list must be the best scores, best first.",
    )
    below = whole_numbers(call(answer, scores - 2, alone, 4))
    expect(below == order[:4], "It is right for positive scores only; scores may be negative.")
    # By rank: the best three belong to two families, and each is met again further down.
    by_rank = (0, 0, 1, 0, 2, 3, 1, 4, 4, 2, 3, 0)
    families = [f"f{by_rank[rank]}" for rank in np.argsort(order)]
    returned = whole_numbers(call(answer, scores, families, 4))
    names = [families[place] for place in returned]
    expect(len(set(names)) == len(names), "The list holds two items of one family.")
    expect(
        len(returned) == 4,
        "The list is short although there are enough families: go on below the first k items.",
    )
    expect(
        returned == _one_per_family(scores, families, 4),
        "The list has one item of each family, but not the best one of each, or not best first.",
    )
    most = whole_numbers(call(answer, scores, families, 9))
    reason = "Five families cannot fill a list of nine; it must hold one item of each."
    expect(len(most) == 5, reason)
    _check_unknown(answer, scores, order)


def _check_unknown(answer, scores: np.ndarray, order: list[int]) -> None:
    for families in ([None] * 12, [None if place in order[:3] else "one" for place in range(12)]):
        returned = whole_numbers(call(answer, scores, families, 4))
        expect(returned != [], "Items whose family is None are left out; they may be listed.")
        expect(
            returned == order[:4],
            "Items whose family is None are not known to be related: None is not a family.",
        )


@exercise("10.2", "the vectors of a list")
def check_variety(answer) -> None:
    """`answer(vectors)`: mean over pairs of items of one minus their cosine."""
    vectors = np.random.default_rng(102).normal(size=(7, 3))
    returned = numbers(call(answer, vectors), (), "Return one number.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    right, cosines = _variety(vectors), (vectors / lengths) @ (vectors / lengths).T
    upper = np.triu_indices(7, 1)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)[upper]
    mistakes = {
        "Each item is compared with itself as well; only pairs of different items count.": (
            1 - cosines.mean(),
            1 - cosines[np.triu_indices(7)].mean(),
        ),
        "This is the mean cosine, which is similarity; take one minus it.": 1 - right,
        "The diagonal is left out of the sum but not out of the number of pairs.": (
            1 - (cosines.sum() - 7) / 49
        ),
        "These are sums; divide by the number of pairs.": (
            (1 - cosines)[upper].sum(),
            (1 - cosines).sum(),
        ),
        "These are dot products; a cosine also divides by the lengths of both vectors.": (
            1 - (vectors @ vectors.T)[upper].mean()
        ),
        "Only neighbours in the list are compared; use all pairs.": (
            1 - np.diagonal(cosines, 1).mean()
        ),
        "Only the first item is compared with the others; use all pairs.": 1
        - cosines[0, 1:].mean(),
        "This is the mean distance, not one minus the cosine.": distances.mean(),
        "Cosines were computed between columns; a row is an item.": _variety(vectors.T),
    }
    expect_close(returned, right, "It is wrong for seven items.", mistakes)
    single = numbers(call(answer, vectors[:1]))
    expect(single == 0, "A list of one item has no pair; return 0.")


@exercise("10.3", "`fetch`, `allowed` and k")
def check_fetching(answer) -> None:
    """`answer(fetch, allowed, k)`: the best k allowed items, fetched a few at a time."""
    ranked = np.random.default_rng(103).permutation(CATALOGUE).tolist()
    even = [item for item in ranked if item % 2 == 0]
    returned, most = _watched(answer, ranked, lambda item: item % 2 == 0, 10)
    expect(len(returned) >= 10, "Half of the items are allowed, and yet the list is not full.")
    expect(len(returned) == 10, f"The list must hold k = 10 items; it holds {len(returned)}.")
    expect(all(item % 2 == 0 for item in returned), "An item that is not allowed is in the list.")
    expect(len(set(returned)) == 10, "An item is in the list more than once.")
    expect(returned == even[:10], "The items are allowed, but not the best ones, best first.")
    expect(
        most <= 400,
        f"It fetched {most:,} items at once for a list of ten; begin with few and fetch more only "
        "where too few are left.",
    )
    rare = {ranked[40], ranked[4_000]}
    returned, _ = _watched(answer, ranked, rare.__contains__, 2)
    reason = "Where few items are allowed, some are missed: go on until the catalogue ends."
    expect(returned == [ranked[40], ranked[4_000]], reason)
    returned, _ = _watched(answer, ranked, rare.__contains__, 3)
    reason = "Where fewer than k items are allowed, the list must hold those."
    expect(returned == [ranked[40], ranked[4_000]], reason)
    returned, _ = _watched(answer, ranked, lambda item: False, 3)
    expect(returned == [], "Where no item is allowed, the list must be empty.")


def _one_per_family(scores: np.ndarray, families: list[str], k: int) -> list[int]:
    best = {}
    for place in np.argsort(-scores):
        best.setdefault(families[place], int(place))
    return list(best.values())[:k]


def _variety(vectors: np.ndarray) -> float:
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.triu_indices(len(vectors), 1)
    return float(1 - (directions @ directions.T)[pairs].mean())


def _watched(answer: Callable, ranked: list[int], allowed: Callable, k: int) -> tuple[list, int]:
    """Return what an answer lists, and the most that it fetched at once."""
    requested = []

    def fetch(count: int) -> list[int]:
        requested.append(count)
        if len(requested) > 1_000:
            raise NotYet(
                "It has fetched a thousand times: fetch many more each time, and stop if a fetch "
                "gives no more than the one before, because the catalogue has ended."
            )
        return ranked[: max(0, int(count))]

    returned = whole_numbers(call(answer, fetch, allowed, k))
    return returned, min(max(requested, default=0), CATALOGUE)
