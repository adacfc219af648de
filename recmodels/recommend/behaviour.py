"""Predict the next event and its time, with raw ids and labels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from numbers import Real

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid, require
from recmodels.data.times import moment_seconds
from recmodels.evaluation.ranking import ask
from recmodels.features.columns import Category
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.capabilities import PredictsEvents, can
from recmodels.models.event_forecast import CELLS, EventForecast
from recmodels.recommend.arguments import is_count
from recmodels.recommend.candidates import CHUNK_ROWS
from recmodels.recommend.next_behaviour import NextBehaviour
from recmodels.recommend.raw_ids import as_list
from recmodels.recommend.recommendation import Details
from recmodels.recommend.requests import RequestReader, Requests

SHARES = (0.1, 0.5, 0.9)  # Of the quantiles of the time until the next event.


class AnswersNextBehaviour:
    """What `Recommender` does with models that predict types, items and times of events."""

    scorer: object
    vocabulary: Vocabulary
    items: pd.DataFrame | None
    name: str
    _reader: RequestReader

    def next_behaviour(
        self,
        history: Sequence | Mapping | None = None,
        k: int = 10,
        *,
        user=None,
        at: float | str | datetime | None = None,
        given=None,
        within: float | None = None,
        asked: Mapping | None = None,
    ) -> NextBehaviour:
        """Predict the next event after a history, or of a known user: type, item and time.

        It is a forecast and not a list to show: the filter of seen items and the rules do not
        apply, because users often buy items that they have viewed, or that a shop would not
        recommend.

        Args:
            history: `(type, raw item id)` pairs, oldest first, such as `[("view", "A"), ("buy",
                "B")]`; or a dict of lists with more columns, such as `{"item": [...], "action":
                [...], "timestamp": [...]}`, see `recommend`. A type that training never saw is
                read as unknown and a value that is left out or None as missing, with a note.
            k: length of the table; at most the number of types times that of items.
            user: raw id of a user of `histories`, instead of a history.
            at: when the question is asked, in UTC seconds or as a date such as "2026-11-29 08:00"
                (UTC without a zone); by default at the time of the last event. Later, the time
                until the next event is that of users who have waited as long: P(gap <= waited + t |
                gap > waited). Types and items do not depend on it.
            given: a type, such as `"buy"`: the table then has the items of the next event if it is
                of this type, p(item | type), which sum to 1 over the catalogue.
            within: seconds from `at`, such as `7 * 86400`: how probable it is, for each type, that
                the next event is of this type and comes within so long. It counts the next event
                only, and not a purchase that follows after other events within this time.
            asked: what the model reads of the event asked for; see `recommend`.

        Raises:
            ValueError: the model predicts no events, the history is empty, the user is not known,
                `at` is before the last event or no time of that is known, the model was not
                trained on the type `given`, it has no times for `within` or `at`, or an argument
                is of another kind.

        Example:
            >>> answer = recommender.next_behaviour([("view", "tea"), ("cart", "cup")], k=3)
            >>> answer.to_frame()                      # rank, type, item, probability
            >>> answer.types["buy"], answer.seconds[0.5]
            >>> recommender.next_behaviour(user="ann", given="buy", within=7 * 86400)
        """
        histories, users = ([one] if one is not None else None for one in (history, user))
        question = {"at": at, "given": given, "within": within, "asked": asked}
        return self.next_behaviour_many(histories, k, users=users, **question)[0]

    def next_behaviour_many(
        self,
        histories: Iterable[Sequence | Mapping] | None = None,
        k: int = 10,
        *,
        users: Iterable | None = None,
        at: float | str | datetime | None = None,
        given=None,
        within: float | None = None,
        asked: Mapping | None = None,
    ) -> list[NextBehaviour]:
        """Return the results of `next_behaviour` for many histories or users.

        One question is asked of all of them: `at` is the same moment for each history.

        Example:
            >>> recommender.next_behaviour_many(users=["ann", "bob"], given="buy", k=3)
        """
        model = self.scorer
        must = "`next_behaviour` needs a model of types, items and times, such as `NextEvent`"
        require(can(model, PredictsEvents), must, model=type(model))
        require(is_count(k), "`k` must be a whole number of at least 1", k=k)
        if at is not None:  # Events have whole seconds, so that fractions tell nothing.
            at = moment_seconds(math.floor(at) if isinstance(at, float) else at, "at")
        question = {"at": at, "given": given, "within": within}
        requests = self._read_events(histories, users, asked)
        # As many rows at once as `NextEvent` works out.
        size = max(1, min(CHUNK_ROWS, CELLS // (len(model.types) * (len(self.vocabulary) + 1))))
        starts = range(0, len(requests), size)
        rows = (np.arange(start, min(start + size, len(requests))) for start in starts)
        return [
            answer
            for part in rows
            for answer in self._forecast_answers(requests, part, k, **question)
        ]

    def _forecast_answers(
        self, requests: Requests, rows: np.ndarray, k: int, at: float | None, given, within
    ) -> list[NextBehaviour]:
        """The answers to some rows of the requests."""
        forecast = self.scorer.next_event(ask(self.scorer, requests, rows))
        last = np.full(len(rows), np.nan) if requests.at is None else requests.at[rows]
        _check_question(forecast, last, at, given, within)
        waited = np.zeros(len(rows)) if at is None else at - last
        tables = self._tables(forecast, k, given)
        numbers = _types_and_times(forecast, waited, within)
        return [
            NextBehaviour(
                table=table,
                source=self.name,
                notes=tuple(requests.notes[row]),
                given=given,
                within=within,
                at=at if at is not None else None if math.isnan(time) else float(time),
                waited=float(passed),
                **values,
            )
            for row, table, time, passed, values in zip(
                rows, tables, last, waited, numbers, strict=True
            )
        ]

    def _read_events(self, histories, users, asked: Mapping | None) -> Requests:
        """The requests, once it is certain that each has an event to begin from."""
        if histories is not None:
            source = _type_source(self._reader.schema, self.scorer.types)
            histories = as_list(histories, "histories")
            histories = [_columns_of(history, source) for history in histories]
        users = None if users is None else as_list(users, "users")
        requests = self._reader.read(histories, users, asked)
        must = "`history` must hold at least one event, and a `user` must be known and have one"
        for row in np.flatnonzero(requests.histories.lengths == 0):
            name, values = ("history", histories) if users is None else ("user", users)
            raise invalid(must, row=int(row), **{name: values[row]})
        return requests

    def _tables(self, forecast: EventForecast, k: int, given) -> list[pd.DataFrame]:
        """The k most probable events of each row, or items of events of the type `given`."""
        cells = forecast.joint() if given is None else forecast.items_given(given)[:, None]
        labels, flat = [*forecast.types] if given is None else [given], cells[:, :, 1:]
        flat = flat.reshape(len(flat), -1)  # Without padding.
        return [self._table(labels, row, cells.shape[2] - 1, k) for row in flat]

    def _table(self, labels: list, shares: np.ndarray, num_items: int, k: int) -> pd.DataFrame:
        """The k most probable pairs of a type and an item, from their probabilities, (A * V,)."""
        best = np.argsort(-shares, kind="stable")[:k]
        places, item_ids = np.divmod(best, num_items)
        item_ids += 1  # Item 0 is padding.
        columns = {
            "rank": np.arange(1, len(best) + 1),
            "type": [labels[place] for place in places],
            "item": self.vocabulary.decode(item_ids).tolist(),
            "probability": shares[best],
        }
        table = pd.DataFrame(columns)
        if self.items is None:
            return table
        known = Details(self.items, item_ids).rows()
        return table.join(known.rename(columns={n: f"{n} of item" for n in columns}))


def _types_and_times(
    forecast: EventForecast, waited: np.ndarray, within: float | None
) -> list[dict]:
    """Type probabilities, quantiles of the time, and the types within some seconds, by row."""
    found, seconds, comes = [], {}, None
    if forecast.gap is not None:
        seconds = {share: forecast.gap.quantile(share, waited).tolist() for share in SHARES}
    if within is not None:
        comes = forecast.gap.cdf(within, waited).tolist()
    for row, shares in enumerate(forecast.type_probabilities.tolist()):
        types = dict(zip(forecast.types, shares, strict=True))
        soon = {} if comes is None else {name: each * comes[row] for name, each in types.items()}
        times = {share: values[row] for share, values in seconds.items()}
        found.append({"types": types, "seconds": times, "within_probabilities": soon})
    return found


def _type_source(schema: Schema, types: Sequence) -> str:
    """Name of the column of a history that holds the types of a model."""
    for name in schema.names_of("events"):
        column = schema[name]
        if isinstance(column, Category) and column.values == tuple(types):
            return schema.source(name)
    raise invalid(
        "`schema` must hold the types that the model was trained on, as a Category of events: give "
        "the schema of its training data, or train again on the newer log",
        types=tuple(types),
        schema={n: schema[n].values for n in schema if isinstance(schema[n], Category)},
    )


def _columns_of(history: Sequence | Mapping, source: str) -> Mapping:
    """A history as a dict of lists, from one or from `(type, item)` pairs."""
    if isinstance(history, Mapping):
        must = "`history` must have the list `item` of raw ids in addition to its other columns"
        require("item" in history, must, columns=list(history))
        return history
    pairs = as_list(history, "history")
    must = f"`history` must hold (type, item) pairs, or be a dict of lists `item`, `{source}`, ..."
    for pair in pairs:
        require(isinstance(pair, tuple | list) and len(pair) == 2, must, event=pair)
    types, items = (list(part) for part in zip(*pairs, strict=True)) if pairs else ([], [])
    return {"item": items, source: types}


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _check_question(forecast: EventForecast, last: np.ndarray, at, given, within) -> None:
    """Raise a `ValueError` for a question that the forecast or a history cannot answer.

    Args:
        forecast: of some histories.
        last: UTC second of the last event of each, NaN where it is not known, (B,).
        at, given, within: see `next_behaviour`.
    """
    must = f"`given` must be a type that the model was trained on, one of {list(forecast.types)}"
    require(given is None or given in forecast.types, must, given=given)
    must = "`within` must be a number of seconds greater than 0"
    require(within is None or (_is_number(within) and within > 0), must, within=within)
    if at is not None:
        must = "`at` needs the time of the last event: give `timestamp` with the history"
        require(not np.isnan(last).any(), must, at=at)
        must = "`at` must not be before the last event: leave out the events after the question"
        require(at >= last.max(), must, at=at, last_event=float(last.max()))
    must = "`within` and `at` need a model of times, such as `NextEvent(..., num_components=8)`"
    require(forecast.gap is not None or (within is None and at is None), must, within=within, at=at)
