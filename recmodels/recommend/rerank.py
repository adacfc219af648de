"""Re-rank a list greedily so that it keeps the rules."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid, require
from recmodels.recommend.rules import Allows, Diverse, Limits, Rule


@dataclass(frozen=True, eq=False)
class Limit:
    """At most `most` items of each group in a list.

    Args:
        groups: numbers of the groups of each item, (V + 1,) tuples; padding has none.
        most: 1 or more.
    """

    groups: list[tuple[int, ...]]
    most: int


@dataclass(frozen=True, eq=False)
class RuleBook:
    """Rules evaluated for one catalogue.

    Args:
        rules: as they were given.
        allowed: which columns of the scores may be listed at all, bool (V + 1,).
        limits: how many items of a group a list may have.
        diversity: the re-ranking, or None.
    """

    rules: tuple[Rule, ...]
    allowed: np.ndarray
    limits: tuple[Limit, ...]
    diversity: Diverse | None

    @property
    def needs_reranking(self) -> bool:
        """Whether the place of an item depends on the items above it."""
        return bool(self.limits) or self.diversity is not None

    def num_candidates(self, k: int) -> int:
        """Return the number of candidates that suffices for most lists of k."""
        pool = 0 if self.diversity is None else self.diversity.pool
        return max(4 * k, pool) if self.needs_reranking else k


@dataclass(frozen=True, eq=False)
class Choice:
    """What one call may list.

    Args:
        allowed: which columns of the scores, by the rules and by `exclude` and `only`, (V + 1,).
        notes: on ids that `exclude` and `only` name and the catalogue lacks.
        book: the rules.
    """

    allowed: np.ndarray
    notes: tuple[str, ...]
    book: RuleBook


def build_rule_book(rules: Sequence[Rule], items: pd.DataFrame | None, num_items: int) -> RuleBook:
    """Evaluate rules on the item table, in the order of the item ids.

    Raises:
        ValueError: a rule needs a column that is not there, is no rule, or there are two
            `Diverse`.
    """
    table = pd.DataFrame(index=range(num_items)) if items is None else items
    allowed = np.ones(num_items + 1, bool)
    limits, diverse = [], []
    for rule in rules:
        if isinstance(rule, Allows):
            allowed[1:] &= rule.allows(table)
        elif isinstance(rule, Limits):
            limits.append(Limit(_numbered(rule.groups(table)), rule.most))
        elif isinstance(rule, Diverse):
            diverse.append(rule)
        else:
            raise invalid("`rules` must hold rules such as AtMost(2)", rules=rule)
    require(len(diverse) < 2, "`rules` must hold one Diverse at most", rules=diverse)
    allowed[0] = False
    return RuleBook(tuple(rules), allowed, tuple(limits), diverse[0] if diverse else None)


def _numbered(groups: list[list[str]]) -> list[tuple[int, ...]]:
    """Names of groups as numbers, with the empty groups of padding in front."""
    numbers: dict[str, int] = {}
    named = [tuple(numbers.setdefault(name, len(numbers)) for name in names) for names in groups]
    return [(), *named]


def rerank(
    candidates: np.ndarray,
    scores: np.ndarray,
    k: int,
    book: RuleBook,
    vectors: np.ndarray | None = None,
) -> list[int]:
    """Return the positions of the candidates in the list, best first, at most k.

    Args:
        candidates: item ids, best first, (C,).
        scores: of the candidates, (C,).
        k: length of the list.
        book: the rules.
        vectors: of the items 1..V, (V, D), for `Diverse`.
    """
    tally = _Tally(book.limits)

    def takes(place: int) -> bool:
        return tally.takes(candidates[place])

    chosen, pool = [], 0
    if book.diversity is not None:
        pool = min(book.diversity.pool, len(candidates))
        competing = vectors[candidates[:pool] - 1]  # (P, D)
        chosen = _by_margin(scores[:pool], competing, k, book.diversity.weight, takes)
    rest = filter(takes, range(pool, len(candidates)))
    return chosen + list(itertools.islice(rest, k - len(chosen)))


class _Tally:
    """Counts of each group in the list so far."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = [(limit.groups, limit.most, {}) for limit in limits]

    def takes(self, item_id: int) -> bool:
        """Whether an item still fits; if so it is counted."""
        for groups, most, counts in self.limits:
            if any(counts.get(group, 0) >= most for group in groups[item_id]):
                return False
        for groups, _, counts in self.limits:
            for group in groups[item_id]:
                counts[group] = counts.get(group, 0) + 1
        return True


def _by_margin(
    scores: np.ndarray, vectors: np.ndarray, k: int, weight: float, takes: Callable[[int], bool]
) -> list[int]:
    """Return positions by maximal marginal relevance; items that `takes` refuses are excluded."""
    lowest, highest = scores.min(initial=np.inf), scores.max(initial=-np.inf)
    relevance = (scores - lowest) / (highest - lowest if highest > lowest else 1)
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    left = np.ones(len(scores), bool)
    likeness = np.zeros(len(scores), np.float32)
    chosen = []
    while len(chosen) < k and left.any():
        value = (1 - weight) * relevance - weight * likeness
        best = int(np.argmax(np.where(left, value, -np.inf)))
        left[best] = False
        if takes(best):
            alike = directions @ directions[best]
            likeness = np.maximum(likeness, alike) if chosen else alike
            chosen.append(best)
    return chosen
