"""Checks of the exercises of notebook 10, recommend."""

from collections.abc import Callable

import numpy as np

from recmodels.course.checking import NotYet, exercise, expect, expect_close

CATALOGUE = 5_000  # Items of the shop in which 10.3 looks for candidates.


@exercise("10.1")
def check_families(answer) -> None:
    """`answer(scores, families, k)`: positions, best first, one of each family."""
    expect(callable(answer), "Give a function of scores, families and the length of the list.")
    rng = np.random.default_rng(101)
    scores = rng.permutation(12) / 12
    alone = [f"f{number}" for number in range(12)]
    found = _positions(answer, scores, alone, 4)
    expect(len(found) == 4, "Twelve families, a list of four: it has another length.")
    expect(
        found == np.argsort(-scores)[:4].tolist(),
        "Where no two items are related, the list is that of the highest scores, best first.",
    )
    # By rank: the best three belong to two families, and each is met again further down.
    by_rank = (0, 0, 1, 0, 2, 3, 1, 4, 4, 2, 3, 0)
    families = [f"f{by_rank[rank]}" for rank in np.argsort(np.argsort(-scores))]
    found = _positions(answer, scores, families, 4)
    names = [families[place] for place in found]
    expect(len(set(names)) == len(names), "Two items of one family stand in the list.")
    expect(
        len(found) == 4,
        "There are enough families to fill the list, but it is short: what came below the first "
        "candidates?",
    )
    expect(
        found == _one_per_family(scores, families, 4),
        "One of each family, but not the best one of each, or not best first.",
    )
    expect(
        len(_positions(answer, scores, families, 9)) == 5,
        "Five families cannot fill a list of nine; it should hold one of each.",
    )
    unknown = [None] * 12
    expect(
        len(_positions(answer, scores, unknown, 6)) == 6,
        "Items whose family is None are not known to be related, not even to each other.",
    )


@exercise("10.2")
def check_variety(answer) -> None:
    """`answer(vectors)`: mean over pairs of items of one minus their cosine."""
    expect(callable(answer), "Give a function of the vectors of a list.")
    twins = np.tile([[3.0, 4.0]], (5, 1))
    expect_close(answer(twins), 0.0, "Five copies of one item are no variety at all.")
    crossed = np.eye(4)
    expect_close(
        answer(crossed),
        1.0,
        "Four items at right angles to each other should have 1. Is an item compared with itself?",
    )
    vectors = np.random.default_rng(102).normal(size=(7, 3))
    found, longer = answer(vectors), answer(vectors * np.arange(1, 8)[:, None])
    expect_close(
        longer, found, "Longer vectors in the same directions are the same tastes, said louder."
    )
    expect_close(found, _variety(vectors), "It is right for simple lists and wrong for others.")
    expect(
        np.isfinite(answer(vectors[:1])),
        "A list of one item has no pair: what should stand there instead of no number?",
    )


@exercise("10.3")
def check_fetching(answer) -> None:
    """`answer(fetch, allowed, k)`: the best k allowed items, fetched a few at a time."""
    expect(callable(answer), "Give a function of `fetch`, `allowed` and k.")
    ranked = np.random.default_rng(103).permutation(CATALOGUE).tolist()
    found, most = _watched(answer, ranked, lambda item: item % 2 == 0, 10)
    expect(len(found) == 10, "Half of the items are allowed, and yet the list is not full.")
    expect(all(item % 2 == 0 for item in found), "An item that is not allowed stands in the list.")
    expect(
        found == [item for item in ranked if item % 2 == 0][:10],
        "The allowed items are there, but not the best of them, best first.",
    )
    expect(
        most <= 400,
        "Ten items were wanted and nearly all of a large catalogue was fetched for them.",
    )
    rare = {ranked[40], ranked[4_000]}
    found, _ = _watched(answer, ranked, rare.__contains__, 2)
    expect(found == [ranked[40], ranked[4_000]], "Where few items are allowed, some are missed.")
    found, _ = _watched(answer, ranked, rare.__contains__, 3)
    expect(len(found) == 2, "Where fewer than k are allowed, the list should hold those.")


def _positions(answer: Callable, scores: np.ndarray, families: list, k: int) -> list[int]:
    return [int(place) for place in answer(scores.copy(), list(families), k)]


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
    """What an answer lists, and the most it fetched at once."""
    asked = []

    def fetch(count: int) -> list[int]:
        asked.append(count)
        if len(asked) > 1_000:
            raise NotYet("It has fetched a thousand times and is still not content.")
        return ranked[: max(0, int(count))]

    found = [int(item) for item in answer(fetch, allowed, k)]
    return found, min(max(asked, default=0), CATALOGUE)
