"""Reasons why items are on a list, and why others are not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.ranking import ask
from recmodels.explain.explainers import EXPLAINERS, MARGIN, SHAPLEY, margin_length, most_faithful
from recmodels.explain.removal import Removal
from recmodels.explain.words import Cited, Facts, check_sentence, write_sentence
from recmodels.features.columns import Category
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries
from recmodels.recommend.candidates import Scored
from recmodels.recommend.raw_ids import as_list, check_types
from recmodels.recommend.recommendation import Recommendation
from recmodels.recommend.requests import Requests
from recmodels.recommend.rerank import Choice
from recmodels.recommend.rules import Allows

RANDOM_SETS = 10  # Sets of other events, whose removal the cited ones must exceed.


@dataclass(frozen=True)
class WhyNot:
    """Why a list lacks an item.

    Args:
        kind: "unknown", "seen", "excluded", "rule", "lower", or "listed" where the list has it.
        text: one sentence.
        rank: place among the items that may be listed, from 1; None where it may not be.
        score: of the item; None where there is no rank.
        instead: raw id of the last item of the list, where the kind is "lower".
    """

    kind: str
    text: str
    rank: int | None = None
    score: float | None = None
    instead: object = None


class GivesReasons:
    """Methods of a recommender that explain lists."""

    def reasons(
        self, items: Sequence, history=None, *, user=None, asked=None, rules=None,
        exclude: Iterable = (), only: Iterable | None = None,
    ) -> list[Facts]:  # fmt: skip
        """Facts about each item, from the removal of events of the history.

        The explainer is the most faithful one of the family of the model, as measured in
        docs/explanations.md: Shapley values for SASRec and Markov, leave-one-out for EASE, and
        leave-one-out by the margin on the list for ItemKNN. Models of other families, which were
        not measured, are explained by leave-one-out.

        Args:
            items: raw ids of the catalogue, such as those of a list.
            history, user, asked, rules, exclude, only: as for `recommend`.

        Returns:
            One `Facts` per item; without cited events if the history has no known item, or if the
            removal of the strongest events does not lower the score more than the removal of
            others.

        Raises:
            ValueError: what `recommend` raises, or an item is not in the catalogue.
        """
        items, requests = as_list(items, "items", False), self._read_one(history, user, asked)
        return self._facts(items, requests, self._choose(exclude, only, rules))

    def removal(self, items: Sequence, history=None, *, user=None, asked=None) -> Removal:
        """The removal of events of one history, one row per item, for any explainer.

        Args:
            items: raw ids of the catalogue, such as those of a list.
            history, user, asked: as for `recommend`.

        Raises:
            ValueError: what `recommend` raises, or an item is not in the catalogue.

        Example:
            >>> recommender.removal(["pot"], ["tea", "cup"]).real
            array([[ True,  True]])
        """
        requests = self._read_one(history, user, asked)
        item_ids = [self._known_id(item) for item in as_list(items, "items", False)]
        return _removal(self, requests, np.array(item_ids, np.int64))

    def _facts(self, items: Sequence, requests: Requests, choice: Choice) -> list[Facts]:
        item_ids = np.array([self._known_id(item) for item in items], np.int64)
        if not len(item_ids) or requests.tell_nothing(len(self.vocabulary))[0]:
            return [Facts(item) for item in items]
        removal = _removal(self, requests, item_ids)
        explainer = most_faithful(self.scorer)
        cited, shares, found = _cited(removal, explainer)
        estimated = explainer == SHAPLEY
        instead = [(None, None)] * len(items)
        if self.index is None and not choice.book.needs_reranking:
            instead = _places(self, removal, cited, choice.allowed)
        events = _described(self, requests)[-removal.real.shape[1] :]
        width = removal.real.shape[1] - len(events)
        return [
            Facts(
                item, tuple(events[e - width] for e in np.flatnonzero(cited[row])[::-1]),
                float(shares[row]), *instead[row], estimated=estimated,
            )
            if found[row]
            else Facts(item)
            for row, item in enumerate(items)
        ]  # fmt: skip

    def with_reasons(self, answer: Recommendation, language: str = "en", **request):
        """A list with a sentence per item; `request` as for `reasons`."""
        return _add_sentences(answer, self.reasons(answer.items, **request), language)

    def _with_reasons(self, answer: Recommendation, requests: Requests, choice: Choice):
        return _add_sentences(answer, self._facts(answer.items, requests, choice), "en")

    def check_sentence(self, sentence: str, item, history=None, *, language="en", **request):
        """Raise a `ValueError` unless a sentence states the facts, which are derived again."""
        check_sentence(sentence, self.reasons([item], history, **request)[0], language)

    def why_not(
        self, history, item, k: int = 10, *, user=None, asked=None, rules=None,
        exclude: Iterable = (), only: Iterable | None = None,
    ) -> WhyNot:  # fmt: skip
        """Why the list of the k best lacks an item.

        Args:
            history, user, asked, rules, exclude, only: as for `recommend`; `history` is None
                where `user` is given.
            item: raw id; one outside the catalogue has the answer "unknown".
            k: length of the list.

        Raises:
            ValueError: what `recommend` raises.

        Example:
            >>> recommender.why_not(["tea", "cup"], "tea").kind
            'seen'
        """
        requests, choice = self._read_one(history, user, asked), self._choose(exclude, only, rules)
        (answer,), book = self._answers(requests, k, choice), choice.book
        check_types([item], self.vocabulary.raw_ids[:1].tolist()[0], "item")
        item_id = int(self.vocabulary.encode(pd.Index([item]))[0])
        if item_id == self.vocabulary.unknown_id:
            return WhyNot("unknown", f"{item!r} is not in the catalogue.")
        forbidden = self._forbidden(item, item_id, requests, choice)
        if forbidden is not None:
            return forbidden
        scores = self._scores(requests, choice.allowed)
        (ranked,), (values,) = scores.best(len(self.vocabulary))
        place = int(np.flatnonzero(ranked == item_id)[0])
        rank, score = place + 1, float(values[place])
        if item in answer.items:
            at = answer.items.index(item) + 1
            return WhyNot("listed", f"{item!r} is on the list, at place {at}.", rank, score)
        stands = f"{item!r} is at rank {rank} with score {score:.4g}"
        if rank <= k and book.needs_reranking:
            names = [rule for rule in book.rules if not isinstance(rule, Allows)]
            return WhyNot("rule", f"{stands}, but the rules {names!r} leave it out.", rank, score)
        last, value = answer.items[-1], float(answer.scores[-1])
        text = f"{stands}; the last place of the list has {last!r} with {value:.4g}."
        return WhyNot("lower", text, rank, score, last)

    def _forbidden(self, item, item_id: int, requests: Requests, choice: Choice) -> WhyNot | None:
        """What keeps an item from any list of this request, whatever its score; or None."""
        if self.filter_seen and (requests.histories.items == item_id).any():
            return WhyNot("seen", f"{item!r} is left out because the history holds it.")
        for rule in choice.book.rules:
            if isinstance(rule, Allows) and not rule.allows(self.items)[item_id - 1]:
                return WhyNot("rule", f"{item!r} is excluded by the rule {rule!r}.")
        if not choice.allowed[item_id]:
            return WhyNot("excluded", f"{item!r} is left out by `exclude` or `only`.")
        return None

    def _known_id(self, item) -> int:
        item_id = int(self.vocabulary.encode(pd.Index([item]))[0])
        must = "`items` must hold raw ids of the catalogue"
        require(item_id != self.vocabulary.unknown_id, must, item=item)
        return item_id

    def _read_one(self, history, user, asked):
        histories, users = ([one] if one is not None else None for one in (history, user))
        return self._reader.read(histories, users, asked)

    def _scores(self, requests, allowed: np.ndarray) -> Scored:
        empty = requests.tell_nothing(len(self.vocabulary))[0]
        scorer = self.fallback if empty else self.scorer
        hidden = requests.histories if self.filter_seen else None
        return Scored(scorer, ask(scorer, requests, np.array([0])), allowed, hidden)


def _add_sentences(answer: Recommendation, facts: list[Facts], language: str) -> Recommendation:
    return replace(answer, why=tuple(write_sentence(one, language) for one in facts))


def _removal(recommender, requests, item_ids: np.ndarray) -> Removal:
    """The one history, once per item."""
    nothing = np.zeros(1, np.int32)
    queries = Queries(
        requests.histories, requests.user_ids, nothing, nothing.astype(bool),
        len(recommender.vocabulary), requests.at,
        protocol=Protocol(filter_seen=recommender.filter_seen), schema=recommender.schema,
    )  # fmt: skip
    rows, events = np.zeros(len(item_ids), int), len(requests.histories.items)
    return Removal(recommender.scorer, queries, rows, item_ids, max_events=max(1, events))


def _cited(removal: Removal, explainer: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At most two events per row, bool (B, E); their share of all support; whether they matter."""
    influence = EXPLAINERS[explainer](removal)
    k = margin_length(removal) if explainer == MARGIN else None
    support = np.maximum(influence.values, 0)
    rank = np.argsort(influence.order(), axis=1)
    top = support.max(axis=1, keepdims=True)
    cited = (rank < 2) & (support >= top / 2) & (support > 0)
    everyone = np.arange(len(removal))
    full = removal.values(everyone, removal.real, k)
    fall = full - removal.values(everyone, removal.real & ~cited, k)
    rng, highest = np.random.default_rng(0), np.zeros(len(removal))
    for _ in range(RANDOM_SETS):
        draws = np.where(removal.real & ~cited, rng.random(cited.shape), np.inf)
        drawn = np.argsort(np.argsort(draws, axis=1), axis=1) < cited.sum(axis=1, keepdims=True)
        other = full - removal.values(everyone, removal.real & ~(drawn & ~cited), k)
        highest = np.maximum(highest, other)
    shares = (support * cited).sum(axis=1) / np.maximum(support.sum(axis=1), 1e-30)
    return cited, shares, fall > highest + 1e-5 * np.maximum(1, np.abs(full))


def _places(recommender, removal: Removal, cited: np.ndarray, allowed: np.ndarray) -> list:
    """Rank of each row's item, and the raw id at that rank without the cited events."""
    everyone, places = np.arange(len(removal)), []
    tables = [removal.list_scores(everyone, removal.real & kept) for kept in (True, ~cited)]
    before, after = (np.argsort(-np.where(allowed, t, -np.inf), 1, "stable") for t in tables)
    for row, item_id in enumerate(removal.items):
        place = int(np.flatnonzero(before[row] == item_id)[0])
        may = allowed[item_id] and np.isfinite(tables[0][row, item_id])
        instead = recommender.vocabulary.decode(after[row, place : place + 1]).tolist()[0]
        places.append((place + 1, instead) if may else (None, None))
    return places


def _described(recommender, requests) -> list[Cited]:
    """The events of the one history, oldest first."""
    histories, schema = requests.histories, recommender.schema
    types = [None] * len(histories.items)
    for name in schema.names_of("events"):
        if schema.source(name) == "action" and isinstance(schema[name], Category):
            types = schema.decode(name, histories.columns[name])
    items, categories = recommender.items, None
    if items is not None and "category" in items.columns:
        categories = items["category"].to_numpy(object)
    found = []
    for item_id, kind in zip(histories.items.tolist(), types, strict=True):
        if item_id > len(recommender.vocabulary):
            found.append(Cited("<unknown>", kind))
            continue
        category = None if categories is None else categories[item_id - 1]
        raw = recommender.vocabulary.decode(np.array([item_id])).tolist()[0]
        found.append(Cited(raw, kind, None if pd.isna(category) else category))
    return found
