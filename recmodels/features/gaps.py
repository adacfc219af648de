"""Seconds since an earlier event of the same user, the values of a `Gap`."""

from collections.abc import Iterable

import pandas as pd

from recmodels.data.errors import require
from recmodels.data.event_values import column_names, values_of_events


def gap_seconds(
    events: pd.DataFrame, source: str, by: str | None = None, items: pd.DataFrame | None = None
) -> pd.Series:
    """Seconds since the user's previous event, or since the previous one of the same value.

    Args:
        events: sorted by user and time, (N,).
        source: the column with the times in seconds.
        by: the column of the events, or else of their items, whose value both events share; by
            default any event counts as the previous one.
        items: table of the items, indexed by raw id, where `by` is one of its columns.

    Returns:
        Float64 (N,), named like `source`; NaN where there is no such event, and where the time or
        the value of `by` is missing.

    Raises:
        ValueError: neither table has the column `by`.

    Example: user 7 views items a, b and a at seconds 0, 10 and 25:

        >>> gap_seconds(events, "timestamp").tolist()
        [nan, 10.0, 15.0]
        >>> gap_seconds(events, "timestamp", by="item").tolist()
        [nan, nan, 25.0]
    """
    keys = [events["user"].to_numpy()]
    if by is not None:
        keys.append(_groups(events, by, items))
    times = events[source].astype("float64").reset_index(drop=True)
    return times.groupby(keys, sort=False).diff()


def group_sources(columns: Iterable, items: pd.DataFrame | None) -> set[str]:
    """The columns of events, not of items, by which a `Gap` among some columns is taken."""
    by = {column.by for column in columns if column.kind == "gap"} - {None}
    return by - set([] if items is None else items)


def _groups(events: pd.DataFrame, by: str, items: pd.DataFrame | None):
    """What the events of a gap share, (N,)."""
    values = values_of_events(events, items, by)
    must = (
        "`by` of a Gap must be a column of the events or of the table of items: name it when "
        "reading, or leave it out of the schema"
    )
    require(values is not None, must, by=by, columns=column_names(events, items))
    return values.to_numpy()
