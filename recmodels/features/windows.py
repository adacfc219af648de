"""Build the padded arrays that models read from flat histories.

Training, validation, evaluation, serving and export all build their inputs here, so that a model
sees the same numbers everywhere.
"""

from typing import TYPE_CHECKING

import numpy as np

from recmodels.features.vocabulary import PADDING_ID

if TYPE_CHECKING:
    from recmodels.features.histories import Histories


def build_windows(
    histories: "Histories", starts, ends, length: int, columns: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Build model inputs from the events from `starts` to `ends` of histories, padded left with 0.

    Args:
        histories: flat arrays of items and columns.
        starts, ends: places in the flat arrays where each window begins and ends, (B,).
        length: T; of longer windows the latest events are kept.
        columns: which columns of the histories to add.

    Returns:
        `item_ids`, int32 (B, T), and each column under its name: codes int32 (B, T), numbers
        float32 (B, T) or (B, T, C), and whole numbers such as `timestamp` as they are.

    Raises:
        ValueError: the histories lack a column.

    Example:
        >>> build_windows(histories, [0], [2], 3, ("action",))     # a user who did 5, 2
        {'item_ids': [[0, 5, 2]], 'action': [[0, 1, 2]]}
    """
    return build_at_places(histories, window_places(starts, ends, length), columns)


def build_at_places(
    histories: "Histories", places: np.ndarray, columns: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Inputs of a model from places in the flat arrays, (B, T), -1 where padded.

    See `build_windows`.
    """
    inputs = {"item_ids": gather_places(histories.items, places)}
    for name in columns:
        if name not in histories.columns:
            raise ValueError(
                f"The model reads the column `{name}`, which the histories lack: name it in "
                f"`prepare(..., schema=...)` or `prepare(..., columns=...)`. "
                f"Received: columns={sorted(histories.columns)}"
            )
        window = gather_places(histories.columns[name], places)
        inputs[name] = window.astype(np.float32) if window.dtype.kind == "f" else window
    return inputs


def window_places(starts, ends, length: int) -> np.ndarray:
    """Places from `starts` to `ends`, the latest `length` of each, padded left with -1: (B, T)."""
    places = np.asarray(ends)[:, None] - np.arange(length, 0, -1)[None, :]  # (B, T)
    return np.where(places >= np.asarray(starts)[:, None], places, -1)


def gather_places(flat: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of a flat array at places (B, T), 0 where a place is -1: (B, T, ...)."""
    if not len(flat):  # Histories without a single event: there is nothing to index.
        return np.full((*places.shape, *flat.shape[1:]), PADDING_ID, flat.dtype)
    real = places >= 0
    windows = flat[np.where(real, places, 0)]
    kept = real.reshape(*real.shape, *[1] * (windows.ndim - 2))
    return np.where(kept, windows, PADDING_ID).astype(flat.dtype)


def cut_windows(
    offsets: np.ndarray, max_length: int, everything: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of training windows in the flat array, of 2 to `max_length` + 1 events.

    Args:
        offsets: of the users, (U + 1,).
        max_length: L, the most inputs in a window.
        everything: whether older windows are cut too; each event is then the target of exactly
            one window, except the first of each user. If a user's windows need not all be full,
            the newest one is shortened at random, so that targets have different contexts in every
            epoch.
        rng: of that shortening.

    Returns:
        Starts and ends, int64, newest window of each user first.
    """
    begin, end = offsets[:-1], offsets[1:]
    targets = np.maximum(0, end - begin - 1)
    counts = -(-targets // max_length)
    if not everything:
        counts = np.minimum(counts, 1)
    slack = np.where(counts > 1, counts * max_length - targets, 0)
    spared = rng.integers(0, slack + 1)  # By which the newest window is shorter than full.
    back = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    moved = back * max_length - np.where(back > 0, np.repeat(spared, counts), 0)
    ends = np.repeat(end, counts) - moved
    full = np.where(back > 0, max_length, max_length - np.repeat(spared, counts))
    return np.maximum(np.repeat(begin, counts), ends - full - 1), ends


def cut_prefixes(
    offsets: np.ndarray, max_length: int, most: int | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of a window per target: its event and at most `max_length` before.

    Args:
        offsets: of the users, (U + 1,).
        max_length: L, the most inputs in a window.
        most: windows per user; where there are more targets, some are drawn. None keeps all.
        rng: draws them.

    Returns:
        Starts and ends, int64, in order of the targets.
    """
    first = np.repeat(offsets[:-1], np.diff(offsets))
    last = np.arange(offsets[-1])
    last, first = last[last > first], first[last > first]  # Nothing comes before a first event.
    if most is not None:
        shuffled = np.lexsort((rng.random(len(last)), first))  # Users in order, targets not.
        rank = np.arange(len(last)) - np.searchsorted(first, first)
        kept = np.sort(shuffled[rank < most])
        last, first = last[kept], first[kept]
    return np.maximum(first, last - max_length), last + 1
