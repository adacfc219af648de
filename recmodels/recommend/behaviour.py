"""The question what comes next, and when, in raw ids and labels."""

import math
from collections.abc import Mapping, Sequence
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
from recmodels.models.event_forecast import EventForecast
from recmodels.recommend.arguments import is_count
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
        """What one history, or one known user, will do next, of which type and when.

        It is a forecast, not a list to show: neither the filter of seen items nor rules apply, for
        people do buy what they have viewed and what a shop would not recommend.

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
                the next event is of this type and comes within so long. It speaks of the next
                event alone: a purchase that follows after other events within this time does not
                count.
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
        model = self.scorer
        must = "`next_behaviour` needs a model of types, items and times, such as `NextEvent`"
        require(can(model, PredictsEvents), must, model=type(model))
        require(is_count(k), "`k` must be a whole number of at least 1", k=k)
        requests = self._read_one(history, user, asked)
        forecast = model.next_event(ask(model, requests, np.arange(1)))
        last = _last_time(requests)
        if at is not None:  # Events have whole seconds, so that fractions tell nothing.
            at = moment_seconds(math.floor(at) if isinstance(at, float) else at, "at")
        _check_question(forecast, last, at, given, within)
        at = last if at is None else at
        waited = 0.0 if at is None else at - last
        return NextBehaviour(
            table=self._table(forecast, k, given),
            source=self.name,
            notes=tuple(requests.notes[0]),
            given=given,
            within=within,
            at=at,
            waited=waited,
            **_types_and_times(forecast, waited, within),
        )

    def _read_one(self, history, user, asked: Mapping | None) -> Requests:
        """The request, once it is certain that there is an event to begin from."""
        if history is not None:
            source = _type_source(self._reader.schema, self.scorer.types)
            history = _columns_of(history, source)
        histories, users = ([one] if one is not None else None for one in (history, user))
        requests = self._reader.read(histories, users, asked)
        must = "`history` must hold at least one event, and a `user` must be known and have one"
        require(requests.histories.lengths[0], must, history=history, user=user)
        return requests

    def _table(self, forecast: EventForecast, k: int, given) -> pd.DataFrame:
        """The k most probable events, or items of events of the type `given`."""
        chosen = given is None
        cells = forecast.joint()[0] if chosen else forecast.items_given(given)
        labels, flat = (forecast.types if chosen else [given]), cells[:, 1:].ravel()
        best = np.argsort(-flat, kind="stable")[:k]
        rows, item_ids = np.divmod(best, cells.shape[1] - 1)
        item_ids += 1  # Padding was left out.
        columns = {
            "rank": np.arange(1, len(best) + 1),
            "type": [labels[row] for row in rows],
            "item": self.vocabulary.decode(item_ids).tolist(),
            "probability": flat[best],
        }
        table = pd.DataFrame(columns)
        if self.items is None:
            return table
        known = Details(self.items, item_ids).rows()
        return table.join(known.rename(columns={n: f"{n} of item" for n in columns}))


def _types_and_times(forecast: EventForecast, waited: float, within: float | None) -> dict:
    """Type probabilities, quantiles of the time, and the types within some seconds."""
    types = dict(zip(forecast.types, forecast.type_probabilities[0].tolist(), strict=True))
    seconds, soon = {}, {}
    if forecast.gap is not None:
        seconds = {share: float(forecast.gap.quantile(share, waited)[0]) for share in SHARES}
    if within is not None:
        (comes,) = forecast.gap.cdf(within, waited).tolist()
        soon = {label: share * comes for label, share in types.items()}
    return {"types": types, "seconds": seconds, "within_probabilities": soon}


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


def _last_time(requests: Requests) -> float | None:
    """UTC second of the last event, None where it is not known."""
    last = None if requests.at is None else float(requests.at[0])
    return None if last is None or math.isnan(last) else last


def _check_question(forecast: EventForecast, last: float | None, at, given, within) -> None:
    """Raise a `ValueError` for a question that the forecast or the history cannot answer."""
    must = f"`given` must be a type that the model was trained on, one of {list(forecast.types)}"
    require(given is None or given in forecast.types, must, given=given)
    must = "`within` must be a number of seconds greater than 0"
    require(within is None or (_is_number(within) and within > 0), must, within=within)
    if at is not None:
        must = "`at` needs the time of the last event: give `timestamp` with the history"
        require(last is not None, must, at=at)
        must = "`at` must not be before the last event: leave out the events after the question"
        require(at >= last, must, at=at, last_event=last)
    must = "`within` and `at` need a model of times, such as `NextEvent(..., num_components=8)`"
    require(forecast.gap is not None or (within is None and at is None), must, within=within, at=at)
