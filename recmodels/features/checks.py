"""Checks of model inputs, and digests that identify data."""

import hashlib
import numbers
from collections.abc import Mapping

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.features.histories import Histories, Lookup


def digest(*arrays) -> str:
    """Return a short text that is equal for equal arrays only.

    Args:
        arrays: of numbers, or of strings.

    Example:
        >>> digest(np.array([1, 2])) == digest(np.array([2, 1]))
        False
    """
    digest_so_far = hashlib.sha256()
    for array in map(np.asarray, arrays):
        if array.dtype.kind in "OSU":
            array = pd.util.hash_array(array.ravel().astype(object))
        digest_so_far.update(f"{array.dtype.str} {array.shape}".encode())
        digest_so_far.update(np.ascontiguousarray(array).view(np.uint8))
    return digest_so_far.hexdigest()[:16]


def user_rows(histories: Histories) -> str:
    """Return a digest of the raw user ids in their order."""
    users = np.asarray(histories.users)
    return digest(users.astype(np.int64) if users.dtype.kind in "iu" else users)


def ratings_of(histories: Histories, needed_by: str | None = None) -> np.ndarray:
    """Return the rating of each event, float (N,); 1 for all if the histories have no ratings.

    Args:
        histories: training histories.
        needed_by: what cannot do without ratings; None where events without one count 1.

    Raises:
        ValueError: there are no ratings though they are needed, or one is not a finite number.
    """
    if "value" not in histories.columns:
        if needed_by is not None:
            raise ValueError(
                f"`{needed_by}` needs the ratings: `prepare(split, columns=('value',))`. "
                f"Received: columns={sorted(histories.columns)}"
            )
        return np.ones(len(histories.items))
    values = np.asarray(histories.columns["value"], float)
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values))
        user = histories.users[np.searchsorted(histories.offsets, bad[0], side="right") - 1]
        raise ValueError(
            f"`value` must be a finite number in every training event; {len(bad)} are not. Drop "
            f"those events before the split. Received: value={values[bad[0]]} in row {bad[0]} of "
            f"the training events, of user {user}"
        )
    return values


def check_whole(name: str, value, least: int = 1) -> int:
    """Return a whole number as `int`.

    Raises:
        ValueError: it is no whole number, or less than `least`.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be a whole number of at least {least}. Received: {name}={value!r}"
        )
    return int(value)


def is_positive(value: object) -> bool:
    """Return whether a value is a number above 0."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value > 0


def check_items(items, num_items: int) -> np.ndarray:
    """Return item ids to be scored as an array (K,).

    Raises:
        ValueError: they are not integers in 1..V: the other ids are never scored.
    """
    items = np.asarray(items)
    if not items.size:
        return items.astype(np.int64)
    whole = items.dtype.kind in "iu"
    if not whole or items.min() < 1 or items.max() > num_items:
        raise ValueError(
            f"`items` must be item ids in 1..{num_items}: padding, unknown and mask are never "
            f"scored. Received: {f'{items.min()} to {items.max()}' if whole else repr(items)}"
        )
    return items


def check_queries(
    queries: Mapping,
    num_items: int,
    num_users: int | None = None,
    needed: tuple[str, ...] = ("item_ids",),
) -> dict[str, np.ndarray]:
    """Return the queries of a scorer as arrays, after checking every id.

    Args:
        queries: such as `item_ids` (B, T), padded on the left with 0, and `user_ids` (B,).
        num_items: V of the model; V + 1 (unknown) and V + 2 (mask) may occur in a history.
        num_users: rows of the model that belong to users; None for a model without such rows.
        needed: the parts that the model cannot do without.

    Raises:
        ValueError: a part is missing, of another shape or type, or an id is out of range.
    """
    if not isinstance(queries, Mapping) or any(name not in queries for name in needed):
        given = sorted(queries) if isinstance(queries, Mapping) else type(queries).__name__
        raise ValueError(f"`queries` must be a dict with {list(needed)}. Received: {given}")
    arrays = {name: _array(name, values) for name, values in queries.items()}
    item_ids, user_ids, values = (arrays.get(name) for name in ("item_ids", "user_ids", "value"))
    if item_ids is not None:
        _check_item_ids(item_ids, num_items)
    if user_ids is not None:
        _check_user_ids(user_ids, user_ids.size if item_ids is None else len(item_ids), num_users)
    shape = None if item_ids is None else item_ids.shape
    if values is not None and (values.shape != shape or not np.isfinite(values).all()):
        raise ValueError(
            "`value` must hold a finite rating for each cell of `item_ids`, 0 where it is padded. "
            f"Received: shape={values.shape} for {shape}, "
            f"{int((~np.isfinite(values)).sum())} not finite"
        )
    return arrays


def _array(name: str, values) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # Rows of different lengths.
        raise ValueError(
            f"`{name}` must be one array: pad histories on the left with 0 to the same length. "
            f"Received: {name}={values!r}"
        ) from error


def _check_item_ids(item_ids: np.ndarray, num_items: int) -> None:
    if item_ids.ndim != 2 or not item_ids.shape[1] or item_ids.dtype.kind not in "iu":
        raise ValueError(
            "`item_ids` must be integers (B, T), one history per row; a history without events is "
            f"a row of zeros. Received: shape={item_ids.shape}, dtype={item_ids.dtype}"
        )
    if not item_ids.size:
        return
    low, high = item_ids.min(), item_ids.max()
    if low < 0 or high > num_items + 2:
        raise ValueError(
            f"`item_ids` must be 0 (padding), items in 1..{num_items}, {num_items + 1} (unknown) "
            f"or {num_items + 2} (mask). Encode raw ids with `data.vocabulary.encode`, and use the "
            f"data that the model was made for. Received: {low} to {high}"
        )
    real = item_ids != 0
    late = (real[:, :-1] & ~real[:, 1:]).any(axis=1)
    if late.any():
        row = int(np.argmax(late))
        raise ValueError(
            "`item_ids` must be padded on the left only: no 0 after an item. "
            f"Received: {item_ids[row].tolist()} in row {row}"
        )


def _check_user_ids(user_ids: np.ndarray, rows: int, num_users: int | None) -> None:
    whole = user_ids.shape == (rows,) and user_ids.dtype.kind in "iu"
    most = np.iinfo(np.int64).max if num_users is None else num_users - 1
    if not whole or (rows and not -1 <= user_ids.min() <= user_ids.max() <= most):
        shown = f"{user_ids.min()} to {user_ids.max()}" if whole else repr(user_ids)
        limit = "" if num_users is None else f"below {num_users}, "
        raise ValueError(
            f"`user_ids` must be rows of the training histories, {limit}or -1 for newcomers, one "
            f"integer per history ({rows}). Received: {shown}"
        )


def check_column_sizes(sizes) -> None:
    """Raise a `ValueError` unless `columns` of a model are sizes from `Schema.input_sizes`."""
    valid = isinstance(sizes, Mapping) and all(
        isinstance(name, str)
        and isinstance(size, Mapping)
        and set(size) in ({"codes"}, {"numbers"})
        and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in size.values())
        for name, size in sizes.items()
    )
    must = "`columns` must be the sizes of columns by name, from `data.schema.input_sizes(...)`"
    require(valid and "item_ids" not in sizes, must, columns=sizes)


def check_columns(columns: Mapping, sizes: Mapping[str, Mapping[str, int]]) -> None:
    """Raise if columns that a model reads do not have the sizes that it was made for.

    Args:
        columns: codes or numbers by name, (..., T) or (..., T, C); also `Lookup`.
        sizes: from `Schema.input_sizes`; columns that are absent are not checked.

    Raises:
        ValueError: a code is out of range, a number is not finite, or the type or the number of
            values per event is another one: the schema is not that of the model.
    """
    for name in sizes.keys() & columns.keys():
        given = columns[name]
        values = np.asarray(given.table if isinstance(given, Lookup) else given)
        if "codes" in sizes[name]:
            most = sizes[name]["codes"] - 1
            fits = values.dtype.kind in "iu"
            fits = fits and (not values.size or 0 <= values.min() <= values.max() <= most)
            needs = f"hold codes in 0..{most}"
        else:
            count = sizes[name]["numbers"]
            fits = values.dtype.kind == "f" and values.shape[-1:] == (count,)
            fits = fits and bool(np.isfinite(values).all())
            needs = f"hold {count} finite numbers per event"
        found = f"shape {values.shape}, {values.dtype}"
        if values.size and values.dtype.kind in "iuf":
            found += f", {values.min()} to {values.max()}"
        must = f"Column `{name}` must {needs}: the model was made for another schema"
        require(fits, f"{must}. Use the schema it was trained with", **{name: found})
