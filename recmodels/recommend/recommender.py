"""From a history of raw ids to a list of raw ids, with the rules applied."""

import numbers
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from recmodels.evaluation.ranking import Scorer, hide_seen, top_items
from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.baseline import Baseline
from recmodels.recommend.bundle import load_bundle, save_bundle
from recmodels.recommend.recommendation import OWN_COLUMNS, Recommendation

CHUNK_ROWS = 512  # Histories scored at once; bounds memory and changes no list.


class Recommender:
    """A model with everything it takes to answer in raw ids.

    Histories are answered as those of newcomers, whoever they belong to: a model that keeps a
    vector for each user does not use it here. A history without a known item goes to `fallback`.

    Args:
        scorer: the model.
        vocabulary: of the items it was trained on.
        items: what lists show of each item (`title`, `category`, ...), indexed by raw id.
        filter_seen: whether lists leave out the whole history, as the protocol of the model's
            evaluation did. False where people return to things.
        fallback: answers where the history tells nothing, such as a fitted `MostPopular`. Not
            needed for baselines, which have an answer of their own.
        name: what lists call the model; by default its class.

    Raises:
        ValueError: the item table does not fit the vocabulary.

    Example:
        >>> recommender = Recommender(model, data.vocabulary, items=interactions.items)
        >>> recommender.recommend(["tea", "cup"], k=3).items
        ['pot', 'milk', 'sugar']
    """

    def __init__(
        self,
        scorer: Scorer,
        vocabulary: Vocabulary,
        *,
        items: pd.DataFrame | None = None,
        filter_seen: bool = True,
        fallback: Scorer | None = None,
        name: str | None = None,
    ) -> None:
        self.scorer = scorer
        self.vocabulary = vocabulary
        self.items = None if items is None else _in_item_order(items, vocabulary)
        self.filter_seen = filter_seen
        self.fallback = scorer if fallback is None and isinstance(scorer, Baseline) else fallback
        self.name = type(scorer).__name__ if name is None else name

    def __repr__(self) -> str:
        fallback = "none" if self.fallback is None else type(self.fallback).__name__
        return (
            f"<Recommender {self.name!r} of {len(self.vocabulary):,} items, seen "
            f"{'filtered' if self.filter_seen else 'kept'}, fallback {fallback}>"
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The recommender that `save` wrote to a folder; raises what `load_bundle` raises."""
        bundle = load_bundle(folder)
        return cls(
            bundle.model,
            bundle.vocabulary,
            items=bundle.items,
            filter_seen=bundle.filter_seen,
            fallback=bundle.fallback,
            name=bundle.name,
        )

    def save(
        self, folder: str | Path, *, config: dict | None = None, metrics: dict | None = None
    ) -> Path:
        """Write everything to a folder, whole or not at all; see `save_bundle`."""
        return save_bundle(
            folder,
            self.scorer,
            self.vocabulary,
            filter_seen=self.filter_seen,
            name=self.name,
            items=self.items,
            fallback=None if self.fallback is self.scorer else self.fallback,
            config=config,
            metrics=metrics,
        )

    def recommend(
        self, history: Sequence, k: int = 10, exclude: Iterable = (), only: Iterable | None = None
    ) -> Recommendation:
        """The best k items after one history.

        Args:
            history: raw ids, oldest first. Ids outside the catalogue are ignored, with a note.
            k: length of the list; it is shorter, with a note, where fewer items are left.
            exclude: raw ids that must not be listed.
            only: raw ids the list is made from; None for the whole catalogue. Ids of `exclude`
                and `only` that are outside the catalogue are ignored, with a note.

        Raises:
            ValueError: `k` is below 1, ids are not of the catalogue's type, nothing is known of
                the history and there is no fallback, or the model does not fit the vocabulary.
        """
        return self.recommend_many([history], k, exclude, only)[0]

    def recommend_many(
        self,
        histories: Iterable[Sequence],
        k: int = 10,
        exclude: Iterable = (),
        only: Iterable | None = None,
    ) -> list[Recommendation]:
        """What `recommend` answers to each history, in one pass; the rules hold for all."""
        if not isinstance(k, numbers.Integral) or k < 1:
            raise ValueError(f"`k` must be a whole number of at least 1. Received: k={k!r}")
        read = [self._encode(history, "history") for history in histories]
        known = _stacked([item_ids for item_ids, _ in read])
        allowed, rule_notes = self._allowed(exclude, only)
        answers: list[Recommendation] = [None] * len(read)
        empty = known.lengths == 0
        for scorer, chosen in ((self.scorer, ~empty), (self.fallback, empty)):
            everyone = np.flatnonzero(chosen)
            for rows in np.split(everyone, np.arange(CHUNK_ROWS, len(everyone), CHUNK_ROWS)):
                if not len(rows):
                    continue
                lists, scores = self._best(scorer, known, rows, allowed, k)
                for row, found, values in zip(rows, lists, scores, strict=True):
                    notes = [*self._history_notes(read[row][1], empty[row]), *rule_notes]
                    answers[row] = self._answer(found, values, k, notes, empty[row])
        return answers

    def _encode(self, raw: Sequence, argument: str) -> tuple[np.ndarray, list]:
        """Item ids of what is in the catalogue, and the raw ids of what is not."""
        example = self.vocabulary.raw_ids[:1].tolist()[0]
        text = isinstance(example, str)
        if isinstance(raw, str | bytes) or not isinstance(raw, Iterable):
            raise ValueError(
                f"`{argument}` must be a list of raw ids. Received: {argument}={raw!r}"
            )
        raw = list(raw)
        strange = [value for value in raw if not isinstance(value, str if text else numbers.Real)]
        if strange:
            raise ValueError(
                f"`{argument}` must hold raw ids of the type of this catalogue, "
                f"{'strings' if text else 'integers'} such as {example!r}. "
                f"Received: {strange[0]!r} in {argument}"
            )
        item_ids = self.vocabulary.encode(raw)
        known = item_ids != self.vocabulary.unknown_id
        return item_ids[known], [raw[i] for i in np.flatnonzero(~known)]

    def _allowed(self, exclude: Iterable, only: Iterable | None) -> tuple[np.ndarray, list[str]]:
        """Which columns of the scores may be listed, bool (V + 1,), and notes on the rules."""
        allowed = np.full(len(self.vocabulary) + 1, only is None)
        notes = []
        for argument, raw, value in (("only", only, True), ("exclude", exclude, False)):
            if raw is not None:
                item_ids, unknown = self._encode(raw, argument)
                allowed[item_ids] = value
                notes += _unknown_note(unknown, argument)
        allowed[0] = False
        return allowed, notes

    def _best(
        self, scorer: Scorer | None, known: Histories, rows: np.ndarray, allowed: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best item ids of some histories, padded with 0, and their scores, (B, k) each."""
        if scorer is None:
            raise ValueError(
                "`history` holds no item of the catalogue, and there is no fallback to answer: "
                "give `Recommender(..., fallback=MostPopular().fit(train, num_items))`. "
                f"Received: {len(rows)} such histories"
            )
        asked = {
            "item_ids": known.last(rows, scorer.max_length),
            "user_ids": np.full(len(rows), -1, np.int32),
        }
        scores = np.array(scorer.score(asked), np.float32)  # A copy: it is written to below.
        if scores.shape != (len(rows), len(allowed)) or not np.isfinite(scores[:, 1:]).all():
            raise ValueError(
                f"`score` of {type(scorer).__name__} must return finite scores, one row a history "
                f"and one column an item of the vocabulary, padding included: {len(rows)} x "
                f"{len(allowed)}. Were both made from the same data? Did training diverge? "
                f"Received: shape={scores.shape}, finite={bool(np.isfinite(scores).all())}"
            )
        scores[:, ~allowed] = -np.inf
        if self.filter_seen:
            hide_seen(scores, known, rows)
        lists = top_items(scores, min(k, len(self.vocabulary)))
        return lists, np.take_along_axis(scores, lists, axis=1)

    def _history_notes(self, unknown: list, empty: bool) -> list[str]:
        notes = _unknown_note(unknown, "history")
        if empty:
            fallback = type(self.fallback).__name__
            notes += [f"The history holds no item of the catalogue: {fallback} made the list."]
        return notes

    def _answer(self, found, scores, k: int, notes: list[str], empty: bool) -> Recommendation:
        scores, found = scores[found > 0], found[found > 0]
        columns = {"rank": np.arange(1, len(found) + 1), "item": self.vocabulary.decode(found)}
        table = pd.DataFrame(columns | {"score": scores})
        if self.items is not None:
            table = table.join(self.items.iloc[found - 1].reset_index(drop=True))
        if len(found) < k:
            seen = "after leaving out the history" if self.filter_seen else "under the given rules"
            notes = [*notes, f"{len(found)} items, not {k}: the catalogue has no more {seen}."]
        source = type(self.fallback).__name__ if empty else self.name
        return Recommendation(table, source, tuple(notes))


def _in_item_order(items: pd.DataFrame, vocabulary: Vocabulary) -> pd.DataFrame:
    """One row an item of the vocabulary, (V, columns); missing where the table has none."""
    clash = [column for column in items.columns if column in OWN_COLUMNS]
    if clash or not items.index.is_unique:
        raise ValueError(
            f"`items` must be indexed by distinct raw ids and have no column named {OWN_COLUMNS}: "
            "use set_index on the id, drop_duplicates, rename. "
            f"Received: columns={list(items.columns)}, distinct={items.index.is_unique}"
        )
    if (vocabulary.encode(items.index) == vocabulary.unknown_id).all():
        raise ValueError(
            "`items` knows no item of the vocabulary: is it indexed by raw id, strings where the "
            f"log has strings? Received: index={list(items.index[:3])}, vocabulary "
            f"{list(vocabulary.raw_ids[:3])}"
        )
    return items.reindex(vocabulary.raw_ids)


def _stacked(histories: list[np.ndarray]) -> Histories:
    """Encoded histories as one flat array."""
    offsets = np.cumsum([0, *map(len, histories)]).astype(np.int64)
    flat = np.concatenate([*histories, np.zeros(0, np.int32)])
    return Histories(np.arange(len(histories)), flat, offsets, {})


def _unknown_note(unknown: list, argument: str) -> list[str]:
    """At most one sentence, so that it can be added to a list of notes."""
    if not unknown:
        return []
    distinct = list(dict.fromkeys(unknown))
    shown = ", ".join(map(repr, distinct[:5])) + (", ..." if len(distinct) > 5 else "")
    return [f"Ignored {len(distinct)} ids of `{argument}` outside the catalogue: {shown}."]
