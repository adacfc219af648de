"""Columns that depend on other events, for histories without some of their events."""

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid
from recmodels.features.counts import Counts
from recmodels.features.gaps import gap_seconds
from recmodels.features.histories import Histories
from recmodels.features.number_columns import Gap
from recmodels.features.schema import Schema
from recmodels.features.windows import gather_places


def depends_on_others(schema: Schema, name: str) -> bool:
    """Whether the value of an event depends on an event before or after it."""
    return name in schema.columns and (schema[name].of == "asked" or schema[name].of_history)


def build_shortened(
    histories: Histories, schema: Schema, name: str, places: np.ndarray, ends: np.ndarray, at
) -> np.ndarray:
    """A column for which `depends_on_others`, as if only some events had happened.

    Args:
        histories: of all events.
        schema: fitted, with the column.
        name: of the column.
        places: of all events that are left, in the flat arrays, (N, T), padded left with -1.
        ends: where the whole histories end in the flat arrays, (N,).
        at: UTC second of each query, (N,), or None.

    Returns:
        As from `build_windows`: codes int32 (N, T) or numbers float32 (N, T, C).

    Raises:
        ValueError: the histories lack the times, or what a `Gap` is taken by.
    """
    column, stored = schema[name], histories.columns[name]
    following = np.append(places[:, 1:], ends[:, None], axis=1) - 1
    if column.of == "asked":  # It stands at the event before the one that it describes.
        windows = gather_places(stored, np.where(places >= 0, following, -1))
        if not isinstance(column, Gap):
            return windows
        times = _padded_times(histories, schema, name, places)
        after = np.append(times[:, 1:], np.full((len(times), 1), np.nan), axis=1)
        after[:, -1] = np.nan if at is None else at
        gaps = _encode(column, after - times)
        return np.where((places >= 0) & (following != places), gaps, windows)
    if isinstance(column, Counts):
        return _count(histories, name, places)
    return _measure_gaps(histories, schema, name, places)


def _count(histories: Histories, name: str, places: np.ndarray) -> np.ndarray:
    """Counts over the events that are left, from differences of the stored ones."""
    counts = np.expm1(np.asarray(histories.columns[name], np.float64))
    single = np.diff(counts, axis=0, prepend=0)
    first = histories.offsets[:-1][histories.lengths > 0]
    single[first] = counts[first]
    sums = np.cumsum(gather_places(np.rint(single), places), axis=1)
    return np.log1p(sums).astype(np.float32)


def _measure_gaps(histories, schema: Schema, name: str, places: np.ndarray) -> np.ndarray:
    column, stored = schema[name], histories.columns[name]
    windows = gather_places(stored, places)
    rows, steps = np.nonzero(places >= 0)
    flat = places[rows, steps]
    if (np.asarray(stored)[flat] == column.num_codes - 1).all():
        return windows  # All are missing, as where a request tells no times.
    times = _times(histories, schema, name)
    events = pd.DataFrame({"user": rows, "time": times[flat]})
    if column.by is not None:
        events["by"] = _groups(histories, schema, column.by)[flat]
    gaps = gap_seconds(events, "time", None if column.by is None else "by")
    windows[rows, steps] = column.encode(gaps)
    return windows


def _times(histories: Histories, schema: Schema, name: str) -> np.ndarray:
    source = schema.source(name)
    if source not in histories.columns:
        raise invalid(
            f"`{name}` must be computed anew when events are removed, from the times: name them "
            f"in `prepare(..., columns=({source!r},))`",
            columns=sorted(histories.columns),
        )
    return np.asarray(histories.columns[source], np.float64)


def _padded_times(histories, schema: Schema, name: str, places: np.ndarray) -> np.ndarray:
    times = gather_places(_times(histories, schema, name), places)
    return np.where(places >= 0, times, np.nan)


def _encode(column: Gap, gaps: np.ndarray) -> np.ndarray:
    return column.encode(pd.Series(gaps.ravel())).reshape(gaps.shape)


def _groups(histories: Histories, schema: Schema, by: str) -> np.ndarray:
    """What events of a gap share, (events,), missing where it is not known."""
    if by == "item":
        return histories.items
    for name in (*schema.names_of("events"), *schema.names_of("items")):
        column = schema[name]
        if schema.source(name) == by and column.kind == "category":
            codes = np.asarray(histories.columns[name], np.float64)
            return np.where(codes == column.num_codes - 1, np.nan, codes)
    if by in histories.columns:
        return np.asarray(histories.columns[by])
    raise invalid(
        f"A gap by `{by}` must be computed anew when events are removed: add `{by}` to the schema "
        "as a Category",
        columns=sorted(histories.columns),
    )
