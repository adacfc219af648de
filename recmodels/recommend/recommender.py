"""Recommend raw ids after a history of raw ids or for a known user, with rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from recmodels.data.text import counted
from recmodels.evaluation.ranking import ask
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.sequences import SequenceData
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.capabilities import AnswersEmpty, Scores, can
from recmodels.models.popularity import MostPopular
from recmodels.recommend.arguments import check_arguments, is_count, settle_data
from recmodels.recommend.behaviour import AnswersNextBehaviour
from recmodels.recommend.bundle import load_bundle, save_bundle
from recmodels.recommend.candidates import CHUNK_ROWS, Scored, Searched, in_chunks, likeness_vectors
from recmodels.recommend.item_table import checked_vectors, in_item_order
from recmodels.recommend.raw_ids import allowed_columns, write_lists
from recmodels.recommend.reasons import GivesReasons
from recmodels.recommend.recommendation import Details, Recommendation
from recmodels.recommend.requests import RequestReader, Requests
from recmodels.recommend.rerank import Choice, RuleBook, build_rule_book, rerank
from recmodels.recommend.rules import Rule
from recmodels.recommend.text_encoders import check_encoders
from recmodels.text.encoder import TextEncoder
from recmodels.threads import prefetch_map


class Recommender(AnswersNextBehaviour, GivesReasons):
    """A model with everything it needs to recommend items by raw id.

    A history is treated as that of a new user: a model with a vector for each user uses this vector
    only if the request names the user. For a history without a known item, and for an unknown user,
    `fallback` makes the list, and a note says so.

    Args:
        scorer: the model.
        data: what it was trained on, from `prepare`, or the vocabulary of its items alone. Data
            also give `items`, `filter_seen` and the schema, unless those are named.
        items: what lists show and rules read of each item (`title`, `category`, ...), indexed by
            raw id.
        filter_seen: whether lists leave out the whole history, as the protocol of the model's
            evaluation did; by default what the protocol of the data says, else True.
        fallback: the model for histories without a known item, such as a fitted `MostPopular`,
            which is the default if there are `histories`. Baselines score such histories
            themselves.
        name: what lists call the model; by default its class.
        histories: what is known of each user, so that they can be asked for by raw id. Where the
            model keeps a vector for each user, its rows are those of the training histories:
            `data.train`, or `build_histories(log, data.vocabulary, data.train.users)`.
        rules: for every list that is not given rules of its own.
        item_vectors: vectors by which `Diverse` measures similarity, float (V, D); by default the
            model's own.
        index: finds the best items without scoring all of them, such as an `ApproximateIndex`.
        schema: of the event columns that the model reads; by default that of the data.
        texts: by the name of a column of vectors of items, the encoder that made them: new items
            need only their titles then.

    Raises:
        ValueError: an argument is of another kind, the item table or the vectors do not fit the
            vocabulary, or a rule the table.

    Example:
        >>> recommender = Recommender(model, data, histories=data.train)
        >>> recommender.recommend(["tea", "cup"], k=3).items
        ['pot', 'milk', 'sugar']
        >>> recommender.recommend(user="ann", rules=[OnePerFamily(), AtMost(2)])
    """

    def __init__(
        self,
        scorer: Scores,
        data: SequenceData | Vocabulary,
        *,
        items: pd.DataFrame | None = None,
        filter_seen: bool | None = None,
        fallback: Scores | None = None,
        name: str | None = None,
        histories: Histories | None = None,
        rules: Sequence[Rule] = (),
        item_vectors: np.ndarray | None = None,
        index=None,
        schema: Schema | None = None,
        texts: Mapping[str, TextEncoder] = {},
    ) -> None:
        vocabulary, items, filter_seen, schema = settle_data(data, items, filter_seen, schema)
        check_arguments(
            scorer=scorer, data=vocabulary, items=items, filter_seen=filter_seen,
            fallback=fallback, name=name, histories=histories, rules=rules, index=index,
            schema=schema,
        )  # fmt: skip
        self.schema = schema
        self.scorer = scorer
        self.vocabulary = vocabulary
        self.items = None if items is None else in_item_order(items, vocabulary)
        self.texts = check_encoders(texts, schema, self.items)
        self.filter_seen = filter_seen
        self.fallback = fallback
        if fallback is None and can(scorer, AnswersEmpty):
            self.fallback = scorer
        if self.fallback is None and histories is not None:
            self.fallback = MostPopular().fit(histories, len(vocabulary))
        self.name = type(scorer).__name__ if name is None else name
        self.histories = histories
        self._reader = RequestReader(vocabulary, schema, self.items, histories, scorer)
        self.item_vectors = checked_vectors(item_vectors, vocabulary)
        self.index = index
        self._book = self._latest_book = build_rule_book(tuple(rules), self.items, len(vocabulary))

    def __repr__(self) -> str:
        fallback = "none" if self.fallback is None else type(self.fallback).__name__
        users = "" if self.histories is None else f"{len(self.histories):,} users, "
        return (
            f"<Recommender {self.name!r} of {len(self.vocabulary):,} items, {users}seen "
            f"{'filtered' if self.filter_seen else 'kept'}, fallback {fallback}, "
            f"rules {list(self.rules)}>"
        )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of all lists without rules of their own."""
        return self._book.rules

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The recommender that `save` wrote to a folder; raises what `load_bundle` raises."""
        bundle = load_bundle(folder)
        return cls(
            bundle.model, bundle.vocabulary, items=bundle.items, filter_seen=bundle.filter_seen,
            fallback=bundle.fallback, name=bundle.name, histories=bundle.histories,
            rules=bundle.rules, item_vectors=bundle.item_vectors, schema=bundle.schema,
            texts=bundle.texts,
        )  # fmt: skip

    def save(
        self, folder: str | Path, *, config: dict | None = None, metrics: dict | None = None
    ) -> Path:
        """Write everything but the index to a folder, whole or not at all; see `save_bundle`."""
        fallback = None if self.fallback is self.scorer else self.fallback
        return save_bundle(
            folder, self.scorer, self.vocabulary, filter_seen=self.filter_seen, name=self.name,
            items=self.items, fallback=fallback, histories=self.histories, rules=self.rules,
            item_vectors=self.item_vectors, schema=self.schema, texts=self.texts,
            config=config, metrics=metrics,
        )  # fmt: skip

    def add_items(self, items) -> "Recommender":
        """A recommender with further items, given as a table or raw ids; see `growth.add_items`."""
        from recmodels.recommend.growth import add_items  # Here: it makes recommenders.

        return add_items(self, items)

    def recommend(
        self,
        history: Sequence | None = None,
        k: int = 10,
        exclude: Iterable = (),
        only: Iterable | None = None,
        *,
        user=None,
        asked: Mapping | None = None,
        rules: Sequence[Rule] | None = None,
        explain: bool = False,
    ) -> Recommendation:
        """Return the best k items after one history, or for one known user.

        Args:
            history: raw item ids, oldest first; or, for a model that reads more, a dict of lists
                such as `{"item": [...], "action": [...], "timestamp": [...], "user": {"age": 25}}`.
                Ids outside the catalogue count as unknown items, with a note.
            k: length of the list; it is shorter, with a note, where fewer items are left.
            exclude, only: raw ids that must not be listed, and those to choose from (None for
                the whole catalogue). Ids outside the catalogue are ignored, with a note.
            user: raw id of a user of `histories`, instead of a history.
            asked: what the model reads of the target event, such as `{"action": "buy"}`.
            rules: instead of the recommender's own; `()` for none.
            explain: whether to add a sentence per item that says why it is listed; see `reasons`.

        Raises:
            ValueError: `k` is below 1, ids are not of the catalogue's type, nothing is known of
                the history and there is no fallback, both or neither of `history` and `user` are
                given, `asked` or a rule does not fit, the model does not fit the vocabulary, or the
                index was built from other weights.
        """
        check_arguments(explain=explain)
        requests, choice = self._read_one(history, user, asked), self._choose(exclude, only, rules)
        (answer,) = self._answers(requests, k, choice)
        return self._with_reasons(answer, requests, choice) if explain else answer

    def recommend_many(
        self,
        histories: Iterable[Sequence] | None = None,
        k: int = 10,
        exclude: Iterable = (),
        only: Iterable | None = None,
        *,
        users: Iterable | None = None,
        asked: Mapping | None = None,
        rules: Sequence[Rule] | None = None,
    ) -> list[Recommendation]:
        """Return the results of `recommend` for many histories or users."""
        requests = self._reader.read(histories, users, asked)
        return self._answers(requests, k, self._choose(exclude, only, rules))

    def _choose(self, exclude: Iterable, only: Iterable | None, rules) -> Choice:
        book = self._book if rules is None else self._build_rule_book(rules)
        allowed, notes = allowed_columns(self.vocabulary, exclude, only)
        return Choice(allowed & book.allowed, tuple(notes), book)

    def _answers(self, requests: Requests, k: int, choice: Choice) -> list[Recommendation]:
        if not is_count(k):
            raise ValueError(f"`k` must be a whole number of at least 1. Received: k={k!r}")
        answers: list[Recommendation] = [None] * len(requests)
        empty = requests.tell_nothing(len(self.vocabulary))

        def fill(chunk: tuple[np.ndarray, Scored | Searched]) -> None:
            rows, candidates = chunk
            lists, values = self._lists(candidates, k, choice.book)
            raw_lists = write_lists(self.vocabulary, lists)
            for place, row in enumerate(rows):
                notes = [*requests.notes[row], *choice.notes]
                content = lists[place], raw_lists[place], values[place]
                answers[row] = self._answer(*content, k, notes, empty[row], choice)

        chunks = self._chunks(requests, empty, choice.allowed)
        if len(requests) > CHUNK_ROWS:
            prefetch_map(fill, chunks)
        else:  # A thread would cost more than it brings.
            for chunk in chunks:
                fill(chunk)
        return answers

    def _chunks(
        self, requests: Requests, empty: np.ndarray, allowed: np.ndarray
    ) -> Iterator[tuple[np.ndarray, Scored | Searched]]:
        """Rows of the requests with their candidates, some hundred at a time."""
        for fallback, rows in in_chunks(requests.histories.lengths, empty, CHUNK_ROWS):
            scorer = self.fallback if fallback else self.scorer
            yield rows, self._candidates(scorer, requests, rows, allowed)

    def _build_rule_book(self, rules: Sequence[Rule]) -> RuleBook:
        """Return the rule book of some rules; the latest one is cached."""
        check_arguments(rules=rules)
        latest, rules = self._latest_book, tuple(rules)
        if latest.rules != rules:
            latest = self._latest_book = build_rule_book(rules, self.items, len(self.vocabulary))
        return latest

    def _candidates(
        self, scorer: Scores | None, requests: Requests, rows: np.ndarray, allowed: np.ndarray
    ) -> Scored | Searched:
        if scorer is None:
            raise ValueError(
                "`history` holds no item of the catalogue, and there is no fallback to answer: "
                "give `Recommender(..., fallback=MostPopular().fit(train, num_items))`. "
                f"Received: {len(rows)} such histories"
            )
        hidden = requests.histories.select(rows) if self.filter_seen else None
        inputs = ask(scorer, requests, rows)
        if self.index is None or scorer is not self.scorer:
            return Scored(scorer, inputs, allowed, hidden)
        return Searched(scorer, inputs, allowed, hidden, self.index)

    def _lists(self, candidates: Scored | Searched, k: int, book: RuleBook) -> tuple[list, list]:
        """Item ids and scores of each list, best first."""
        count = book.num_candidates(k)
        lists, values = candidates.best(count)
        if not book.needs_reranking:
            return lists, values
        vectors = None
        if book.diversity is not None:
            vectors = likeness_vectors(self.scorer, self.item_vectors)
        for row, (item_ids, scores) in enumerate(zip(lists, values, strict=True)):
            places = rerank(item_ids, scores, k, book, vectors)
            if len(places) < k and len(item_ids) == count:  # There are more candidates.
                (item_ids,), (scores,) = candidates.best(len(self.vocabulary), [row])
                places = rerank(item_ids, scores, k, book, vectors)
            lists[row], values[row] = item_ids[places], scores[places]
        return lists, values

    def _answer(
        self, item_ids, items, scores, k, notes: list[str], empty: bool, choice: Choice
    ) -> Recommendation:
        source = type(self.fallback).__name__ if empty else self.name
        if empty:
            notes.append(f"The history holds no item of the catalogue: {source} made the list.")
        if len(item_ids) < k:
            catalogue = counted(len(self.vocabulary), "item")
            possible = f"{choice.allowed.sum():,} of {catalogue} may be listed"
            seen = ", and seen ones are left out" if self.filter_seen else ""
            under = f", under {list(choice.book.rules)}" if choice.book.rules else ""
            notes.append(f"{counted(len(item_ids), 'item')}, not {k}: {possible}{seen}{under}.")
        details = None if self.items is None else Details(self.items, item_ids)
        return Recommendation(items, scores, source, tuple(notes), details)
