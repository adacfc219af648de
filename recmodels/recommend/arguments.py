"""Check the arguments of `Recommender`."""

import numbers

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.sequences import EMPTY_SCHEMA, SequenceData
from recmodels.features.vocabulary import Vocabulary


def is_count(value) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


def _is_scorer(value) -> bool:
    length = getattr(value, "max_length", 0)
    scores = callable(getattr(value, "score", None)) and not isinstance(value, type)
    return scores and (length is None or is_count(length))


def _is_index(value) -> bool:
    return callable(getattr(value, "search", None)) and callable(getattr(value, "check", None))


_SCORER = "a model with `score` and `max_length`, such as a trained SASRec or a fitted MostPopular"
# For each argument, a type or a function that tells whether a value fits, and what is wanted.
_WANTED = {
    "scorer": (_is_scorer, _SCORER),
    "data": (Vocabulary, "the data from `prepare`, or their Vocabulary"),
    "schema": (Schema, "a Schema, such as `data.schema`"),
    "items": (pd.DataFrame, "a DataFrame that is indexed by raw item id, such as `log.items`"),
    "filter_seen": ((bool, np.bool_), "True or False"),
    "explain": ((bool, np.bool_), "True or False"),
    "fallback": (_is_scorer, _SCORER),
    "name": (str, "a text"),
    "histories": (Histories, "Histories, such as `data.train`"),
    "rules": ((list, tuple), "a list of rules, such as [AtMost(2)]"),
    "index": (_is_index, "an index of item vectors, such as `ExactIndex(vectors)`"),
}
_OPTIONAL = ("items", "fallback", "name", "histories", "index")


def check_arguments(**given) -> None:
    """Raise a `ValueError` for the first argument that is not what a `Recommender` takes."""
    for name, value in given.items():
        test, wanted = _WANTED[name]
        fits = isinstance(value, test) if isinstance(test, type | tuple) else test(value)
        optional = value is None and name in _OPTIONAL
        require(fits or optional, f"`{name}` must be {wanted}", **{name: value})


def settle_data(data, items, filter_seen, schema) -> tuple:
    """Vocabulary, item table, filter and schema: those that are named, else those of the data."""
    if isinstance(data, SequenceData):
        items = data.items if items is None else items
        filter_seen = data.protocol.filter_seen if filter_seen is None else filter_seen
        schema = data.schema if schema is None else schema
        data = data.vocabulary
    filter_seen = True if filter_seen is None else filter_seen
    return data, items, filter_seen, EMPTY_SCHEMA if schema is None else schema
