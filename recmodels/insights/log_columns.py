"""Columns of a log by name, with the error that all insights share."""

import numpy as np

from recmodels.data.errors import require
from recmodels.data.event_values import column_names, values_of_events
from recmodels.data.interactions import Interactions


def column_of(log: Interactions, name: str) -> np.ndarray:
    """A column of the events, or of the item of each event, object (N,).

    Raises:
        ValueError: the log has no such column.
    """
    values = values_of_events(log.events, log.items, name)
    there = column_names(log.events, log.items)
    must = f"`columns` must be columns of the events or the items: {there}"
    require(values is not None, must, columns=name)
    return values.astype(object).to_numpy()
