"""Read anyone's log of events from CSV or Parquet."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.columns import USUAL_NAMES, guess_columns
from recmodels.data.interactions import Interactions, check_ids
from recmodels.data.tables import read_table
from recmodels.data.times import to_seconds


def read_events(
    path: str | Path,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    action: str | None = None,
    duration: str | None = None,
    value: str | None = None,
    context: Sequence[str] = (),
    order: str | None = None,
) -> Interactions:
    """A log from a table on disk, whatever its columns are called.

    With `user` and `item` named, nothing is guessed. Without one of them all columns that were
    not named are guessed from their usual names, English or Chinese, and the guess is printed to
    standard error. Ids become integers where all of them are written as such, and stay text
    otherwise (`007`, signed hashes); times become UTC seconds.

    Args:
        path: CSV (delimiter and UTF-8 or GB18030 found out, `.gz` allowed) or Parquet; the first
            row of a CSV holds the names.
        user, item: columns of ids.
        timestamp: column of numbers since 1970 in one unit, or of dates.
        action: column of kinds of behaviour.
        duration: column of seconds.
        value: column of numbers such as ratings.
        context: further columns to keep under their names.
        order: `"timed"` by default where there is a timestamp; otherwise say `"ordered"` (the
            rows of a user are in time order) or `"unordered"`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a table, a column is missing or ambiguous, or ids, times or
            numbers cannot be read.

    Example:
        log = read_events("orders.csv", user="uid", item="sku", timestamp="ts")
    """
    named = {
        "user": user, "item": item, "timestamp": timestamp,
        "action": action, "duration": duration, "value": value,
    }  # fmt: skip
    named = {role: column for role, column in named.items() if column is not None}
    roles: dict[str, str] = {}

    def choose(columns: list[str]) -> list[str]:
        roles.update(_choose_columns(Path(path).name, columns, named, list(context)))
        return [*roles.values(), *context]

    table = read_table(path, columns=choose)
    order = _choose_order(order, roles, table.name, table.columns)
    events = table.frame.set_axis([*roles, *context], axis=1)
    name = table.name.split(".")[0]
    return Interactions(_convert(events, name, order), order, name)


def _choose_columns(
    file: str, columns: list[str], named: dict[str, str], context: list[str]
) -> dict[str, str]:
    """The column of the file for each role: as named, or guessed and printed."""
    wanted = [*named.values(), *context]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise ValueError(
            f"`{file}` has no column {missing}. Received: {named}, context={context}; "
            f"the file has columns={columns}"
        )
    if len(set(wanted)) < len(wanted) or set(context) & set(USUAL_NAMES):
        raise ValueError(
            "A column can be one thing only, and a `context` column cannot be called "
            f"{', '.join(USUAL_NAMES)}. Received: {named}, context={context}"
        )
    if "user" in named and "item" in named:
        return named
    guessed = guess_columns([c for c in columns if c not in context], named)
    guess = ", ".join(f"{role}={column}" for role, column in guessed.items())
    print(f"Columns of {file}: {guess}", file=sys.stderr)
    return guessed


def _choose_order(order: str | None, roles: dict[str, str], file: str, columns: list[str]) -> str:
    if order is None and "timestamp" not in roles:
        raise ValueError(
            f"`order` is needed, since `{file}` is read without times: 'ordered' if the "
            "rows of a user stand in time order, else 'unordered'; or name the `timestamp` column. "
            f"Received: order=None, columns={columns}"
        )
    return order or "timed"


def _convert(events: pd.DataFrame, name: str, order: str) -> pd.DataFrame:
    """Ids, times and numbers in the types that `Interactions` asks for."""
    converted = {column: _ids(events[column]) for column in ("user", "item")}
    for ids in converted.values():
        check_ids(ids, name)
    for column in ("duration", "value"):
        if column in events:
            converted[column] = _numbers(events[column])
    if "timestamp" not in events:
        return events.assign(**converted)
    converted["timestamp"], exact = to_seconds(events["timestamp"])
    events = events.assign(**converted)
    if order != "timed":
        return events
    # By the exact time, since sorting by whole seconds later keeps this order inside a second.
    return events.iloc[exact.to_numpy().argsort(kind="stable")]


def _ids(ids: pd.Series) -> pd.Series:
    """Integers where every id is written as one, else text.

    Several negative numbers are signed hashes and stay text; a single one stands for "nobody",
    stays a number and is refused later.
    """
    if pd.api.types.is_float_dtype(ids) and (ids.dropna() % 1 == 0).all():
        ids = ids.astype("Int64")  # A table with missing ids turns whole numbers into real ones.
    text = ids.astype("str")
    if not text.str.fullmatch(r"0|-?[1-9]\d{0,17}", na=False).all():
        return text
    negative = text[text.str.startswith("-")]
    return text if negative.nunique() > 1 else text.astype("int64")


def _numbers(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    bad = (numbers.isna() & values.notna()).to_numpy()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"Column `{values.name}` holds {int(bad.sum())} values that are not numbers: mend or "
            f"drop those rows. Received: {values.iloc[row]!r} in row {row}"
        )
    return numbers
