"""Values of a column per event, from the table of events or of items."""

import pandas as pd


def values_of_events(
    events: pd.DataFrame, items: pd.DataFrame | None, name: str
) -> pd.Series | None:
    """Return a column of the events, or the same column of each event's item.

    Args:
        events: with `item` and further columns, (N,).
        items: table of the items, indexed by raw id, or None.
        name: of the column; if both tables have it, that of the events is used.

    Returns:
        One value per event, (N,), missing where an item has no row in its table; None where neither
        table has the column.

    Example:
        >>> values_of_events(log.events, log.items, "category").tolist()
        ['tea', 'cups', 'tea']
    """
    if name in events:
        return events[name]
    if items is None or name not in items:
        return None
    return items[name].reindex(events["item"])


def column_names(events: pd.DataFrame, items: pd.DataFrame | None) -> list[str]:
    """Return the names of the columns that `values_of_events` finds, for errors."""
    return list(events) + ([] if items is None else list(items))
