"""Scores of an item after a history from which some events were removed."""

import functools
from collections.abc import Iterator

import numpy as np

from recmodels.data.errors import require
from recmodels.evaluation.ranking import hide_seen
from recmodels.features.checks import check_items, check_whole
from recmodels.features.sequences import Queries
from recmodels.features.shortened import build_shortened, depends_on_others
from recmodels.features.windows import build_at_places, window_places
from recmodels.models.capabilities import HasVectors, Scores, can, columns_of

CHUNK_ROWS = 4096  # Histories scored at once; bounds memory and changes no result.
LIST_ROWS = 1024  # The same where the whole catalogue is scored.


class Removal:
    """Histories of which some of the latest events can be removed, with an item to explain each.

    The events that are left keep their order, the gap is closed, and the input of the model is
    built again from the whole history: a model that reads the latest L events reads an older one
    in place of a removed one. Columns that depend on other events, such as the time since the event
    before, are computed anew. Items of the whole history stay hidden from lists, removed or not.

    Where no known event is left, `scores` is what the model says of an empty history, unless the
    model answers it by popularity on another scale and states its `empty_score`: 0 in EASE,
    ImplicitALS, Item2Vec, GloVe and `WithFallback`. Lists show what the model answers in any case.

    Args:
        scorer: any model that scores.
        queries: such as `data.test`; the targets are not read.
        rows: which of them, (B,); by default all.
        items: the item to explain in each row, int (B,); by default the best one of its list.
        max_events: E, the number of latest events that can be removed; at most those that the
            model reads.
        filter_seen: whether lists leave out the history; by default as the protocol of the data.

    Attributes:
        items: as above, int64 (B,).
        events: item ids of the events, int32 (B, E), 0 where the history is shorter.
        real: where `events` has an event, bool (B, E).

    Raises:
        ValueError: there are no rows, `items` are no ids of the catalogue or not one per row, or
            `max_events` is below 1.

    Example:
        >>> removal = Removal(model, data.test, rows=[0])
        >>> removal.scores([0], removal.real[[0]])          # the score with all events
        array([4.2], dtype=float32)
    """

    def __init__(
        self,
        scorer: Scores,
        queries: Queries,
        rows=None,
        items=None,
        *,
        max_events: int = 50,
        filter_seen: bool | None = None,
    ) -> None:
        self.scorer, self.queries = scorer, queries
        self.rows = np.arange(len(queries)) if rows is None else np.asarray(rows)
        must = "`rows` must name at least one query"
        require(self.rows.ndim == 1 and self.rows.size, must, rows=self.rows.shape)
        max_events = check_whole("max_events", max_events)
        self.max_events = min(max_events, scorer.max_length or max_events)
        seen = queries.protocol.filter_seen if filter_seen is None else filter_seen
        self.filter_seen = bool(seen)
        offsets = queries.histories.offsets
        self._starts, ends = offsets[self.rows], offsets[self.rows + 1]
        self._places = window_places(self._starts, ends, self.max_events)  # (B, E)
        self.real = self._places >= 0
        self.events = build_at_places(queries.histories, self._places)["item_ids"]
        if items is None:
            items = self.list_scores(np.arange(len(self)), self.real).argmax(axis=1)
        self.items = np.asarray(check_items(items, self.num_items), np.int64)
        must = "`items` must hold one item id per row"
        require(self.items.shape == self.rows.shape, must, items=self.items.shape)

    def __len__(self) -> int:
        return len(self.rows)

    @functools.cached_property
    def num_items(self) -> int:
        """V."""
        if self.queries.num_items is not None:
            return self.queries.num_items
        return self.scorer.score(self.inputs(np.array([0]), self.real[:1])).shape[1] - 1

    @functools.cached_property
    def _vectors(self) -> np.ndarray | None:
        return self.scorer.item_vectors() if can(self.scorer, HasVectors) else None

    def inputs(self, chosen: np.ndarray, kept: np.ndarray) -> dict[str, np.ndarray]:
        """Inputs of the model for histories without the events that are not kept.

        Args:
            chosen: rows of this object, (N,).
            kept: bool (N, E), which of the events stay.
        """
        queries, reads = self.queries, self.scorer.max_length
        histories, schema = queries.histories, queries.schema
        columns = columns_of(self.scorer, histories.columns)
        anew = [name for name in columns if depends_on_others(schema, name)]
        longest = int(histories.lengths[self.rows[chosen]].max(initial=0))
        older = max(0, longest - self.max_events)
        older = older if reads is None or anew else min(older, reads)
        places = np.where(kept & self.real[chosen], self._places[chosen], -1)
        ends = histories.offsets[self.rows[chosen] + 1]
        if older:
            before = window_places(self._starts[chosen], ends - self.max_events, older)
            places = np.concatenate([before, places], axis=1)
        order = np.argsort(places >= 0, axis=1, kind="stable")  # What is left moves to the right.
        places = np.take_along_axis(places, order, axis=1)
        width = reads or max(1, int((places >= 0).sum(axis=1).max(initial=0)))
        places = np.pad(places, [[0, 0], [max(0, width - places.shape[1]), 0]], constant_values=-1)
        at = None if queries.at is None else queries.at[self.rows[chosen]]
        plain = tuple(name for name in columns if name not in anew)
        built = build_at_places(histories, places[:, -width:], plain)
        for name in anew:
            built[name] = build_shortened(histories, schema, name, places, ends, at)[:, -width:]
        built["user_ids"] = queries.user_ids[self.rows[chosen]]
        if at is not None:
            built["at"] = at
        return built

    def scores(self, chosen, kept: np.ndarray) -> np.ndarray:
        """The score of each row's item with some events only, float32 (N,).

        Without any known event it is the model's `empty_score` if that is stated.

        Args:
            chosen: rows of this object, (N,); a row may occur many times.
            kept: bool (N, E), which of the events stay.
        """
        chosen = np.asarray(chosen)
        found, items = np.empty(len(chosen), np.float32), self.items[chosen]
        empty_score = getattr(self.scorer, "empty_score", None)
        for distinct, pairs, history in self._distinct_parts(chosen, kept, CHUNK_ROWS):
            inputs = self.inputs(chosen[distinct], kept[distinct])
            if self._vectors is not None:
                states = self.scorer.query_vectors(inputs)[history]
                found[pairs] = np.einsum("nd,nd->n", states, self._vectors[items[pairs] - 1])
            else:
                needed, column = np.unique(items[pairs], return_inverse=True)
                found[pairs] = self.scorer.score(inputs, needed)[history, column]
            if empty_score is not None:
                known = (inputs["item_ids"] >= 1) & (inputs["item_ids"] <= self.num_items)
                found[pairs[~known.any(axis=1)[history]]] = empty_score
        return found

    def _distinct_parts(
        self, chosen: np.ndarray, kept: np.ndarray, rows: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Some different histories at a time, because the items of one list have the same history.

        Yields:
            Where each of at most `rows` different histories comes first; which of `chosen` have
            one of them; and which one each of these has.
        """
        query = self.rows[chosen].astype(">i8")[:, None].view(np.uint8)  # Bytes sort like numbers.
        keys = np.hstack([query, np.packbits(kept & self.real[chosen], axis=1)])
        whole = np.ascontiguousarray(keys).view(f"V{keys.shape[1]}").ravel()
        _, first, same = np.unique(whole, return_index=True, return_inverse=True)
        order = np.argsort(same, kind="stable")
        starts = np.arange(0, len(first), rows)
        splits = np.split(order, np.searchsorted(same[order], starts[1:]))
        for start, pairs in zip(starts, splits, strict=True):
            yield first[start : start + rows], pairs, same[pairs] - start

    def list_scores(self, chosen, kept: np.ndarray) -> np.ndarray:
        """Scores of the catalogue, float32 (N, V + 1), minus infinity for what no list shows.

        Args:
            chosen, kept: see `scores`; some thousand rows at most.
        """
        chosen = np.asarray(chosen)
        scores = np.array(self.scorer.score(self.inputs(chosen, kept)), np.float32)
        scores[:, 0] = -np.inf
        if self.filter_seen:
            hide_seen(scores, self.queries.histories, self.rows[chosen])
        return scores

    def values(self, chosen, kept: np.ndarray, k: int | None = None) -> np.ndarray:
        """The scores, or the margins in lists of the k best, float32 (N,).

        An item that the filter of seen items hides has no margin: its value is 0.
        """
        if k is None:
            return self.scores(chosen, kept)
        margins = self.margins(chosen, kept, k)[0]
        return np.where(np.isfinite(margins), margins, np.float32(0))

    def margins(self, chosen, kept: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """How far each row's item is above the k-th best of the other items.

        Args:
            chosen, kept: see `scores`.
            k: length of the list.

        Returns:
            Score less that of the k-th best other item, float32 (N,): the item is on the list
            exactly if this is at least 0. And the id of that other item, int64 (N,).
        """
        chosen, lowest = np.asarray(chosen), np.finfo(np.float32).min
        margin, other = np.empty(len(chosen), np.float32), np.empty(len(chosen), np.int64)
        for distinct, pairs, history in self._distinct_parts(chosen, kept, LIST_ROWS):
            scores = self.list_scores(chosen[distinct], kept[distinct])
            items = self.items[chosen[pairs]]
            # The k-th best other item is the next one where the row's item is among the k best.
            places = np.argpartition(scores, [-k - 1, -k], axis=1)
            among = (places[history, -k:] == items[:, None]).any(axis=1)
            other[pairs] = np.where(among, places[history, -k - 1], places[history, -k])
            value, best = scores[history, items], scores[history, other[pairs]]
            hidden = np.isneginf(value)  # By the filter: never on the list.
            margin[pairs] = np.where(hidden, -np.inf, value) - np.maximum(best, lowest)
        return margin, other
