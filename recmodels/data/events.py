"""Read anyone's log of events, from a file or from a table in memory."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.columns import USUAL_NAMES, guess_columns
from recmodels.data.ids import to_ids
from recmodels.data.interactions import Interactions, check_names, stable_order
from recmodels.data.tables import Table, read_table
from recmodels.data.text import one_line
from recmodels.data.times import TimeOptions, to_seconds
from recmodels.data.values import RowError, is_text, to_numbers, to_text, unwrap

Context = Sequence[str] | Mapping[str, str]
CONTEXT_KINDS = ("text", "number")


def read_events(
    path: str | Path,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    action: str | None = None,
    duration: str | None = None,
    value: str | None = None,
    context: Context = (),
    order: str | None = None,
    *,
    form: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    names: Sequence[str] | None = None,
    date_format: str | None = None,
    dayfirst: bool | None = None,
    year: int | None = None,
    unit: str | None = None,
    timezone: str | None = None,
    decimal: str = ".",
    verbose: bool = True,
) -> Interactions:
    """A log from a file or folder, whatever its columns are called.

    With `user` and `item` named, no column is guessed. Without one of them all columns that were
    not named are guessed from their usual names, English or Chinese. What was assumed is printed
    in one line to standard error and kept in `assumed` of the log. What can be read in several
    ways is refused with the argument to give. Blanks at the ends of fields are dropped, and only
    the empty field is missing: `NA` and `null` are values.

    Ids become integers where all of them are whole numbers, written as `12`, `12.0` or `１２`.
    Otherwise they stay text, where `01` and `1` are two ids. Numbers that have lost digits
    (`1.58E+18`), fractions, and one id in several spellings beside text are refused.

    Args:
        path, form, encoding, delimiter, header, names: the file and how it is written, instead
            of a guess; see `recmodels.data.tables.read_table`.
        user, item: columns of ids.
        timestamp: column of times, which become UTC seconds: dates in one form, digits such as
            `20230115103000`, or numbers since 1970. Where `order` is not `"timed"` it is read
            only if it is named.
        action: column of kinds of behaviour, kept as text.
        duration: column of seconds; may have missing values.
        value: column of numbers such as ratings; may have missing values.
        context: further columns to keep under their names, as text; or names with their kind,
            `{"city": "text", "price": "number"}`. Typed sources keep their types.
        order: `"timed"` by default where there is a timestamp; otherwise say `"ordered"` (the
            rows of a user are in time order) or `"unordered"`.
        date_format: of all times, as for `strptime`: `"%d.%m.%Y %H:%M"`.
        dayfirst: whether `03/04/2023` is the third of April. Needed where no day is above 12.
        year: of dates without one, such as `06-04`.
        unit: of numbers: `"s"`, `"ms"`, `"us"`, `"ns"` or `"days"` since 1970, or `"excel"`.
            Needed where not all times lie between 1995 and 2100 in one of the first four.
        timezone: of dates without a zone, such as `"Asia/Shanghai"`; UTC by default. Of an hour
            that a clock shows twice the first is taken; an hour that it skips moves to its end.
        decimal: the decimal point of numbers, `"."` or `","`.
        verbose: print what was assumed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a table, a column is missing or ambiguous, or ids, times or
            numbers cannot be read, or in several ways.

    Example:
        log = read_events("orders.csv", user="uid", item="sku", timestamp="ts", dayfirst=True)
    """
    roles = _named(user, item, timestamp, action, duration, value)
    options = TimeOptions(date_format, dayfirst, year, unit, timezone, decimal)
    if form == "sequences" and order is None:
        order = "ordered"
    plan = _Plan(Path(path).name, roles, context, order, options)
    table = read_table(
        path,
        form=form,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        names=names,
        columns=plan.choose,
    )
    return plan.convert(table, table.name.split(".")[0], verbose)


def from_frame(
    frame: pd.DataFrame,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    action: str | None = None,
    duration: str | None = None,
    value: str | None = None,
    context: Context = (),
    order: str | None = None,
    *,
    name: str = "events",
    date_format: str | None = None,
    dayfirst: bool | None = None,
    year: int | None = None,
    unit: str | None = None,
    timezone: str | None = None,
    decimal: str = ".",
    verbose: bool = True,
) -> Interactions:
    """A log from a table in memory, converted exactly as `read_events` converts a file.

    Args:
        frame: a table with one row per event, which is left alone. A named index is a column.
        user, item, timestamp, action, duration, value, context, order: as for `read_events`.
        name: what reports and errors call the log.
        date_format, dayfirst, year, unit, timezone, decimal, verbose: as for `read_events`.

    Raises:
        ValueError: as for `read_events`; rows are counted from 0.

    Example:
        >>> frame = pd.DataFrame({"uid": [7, 7], "sku": ["b", "a"], "day": [20200102, 20200101]})
        >>> from_frame(frame, "uid", "sku", "day", verbose=False).events["item"].tolist()
        ['a', 'b']
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(
            "`frame` must be a pandas DataFrame: convert it, or save it and use `read_events`. "
            f"Received: type={type(frame).__name__}"
        )
    levels = [level for level in frame.index.names if level is not None]
    check_names(pd.Index([*levels, *frame.columns]))
    frame = frame.reset_index() if levels else frame
    roles = _named(user, item, timestamp, action, duration, value)
    options = TimeOptions(date_format, dayfirst, year, unit, timezone, decimal)
    plan = _Plan(name, roles, context, order, options)
    plan.choose(list(frame.columns))
    return plan.convert(Table(frame, list(frame.columns), name, typed=True), name, verbose)


def _named(*columns: str | None) -> dict[str, str]:
    named = zip(USUAL_NAMES, columns, strict=True)
    return {role: column for role, column in named if column is not None}


@dataclass
class _Plan:
    """Which columns of a source become what, chosen before its rows are read.

    Args:
        source: what errors and the printed line call the source.
        columns: the column of each role, completed by `choose`.
        context: further columns.
        order: as for `read_events`, completed by `choose`.
        options: how times and numbers are written.
    """

    source: str
    columns: dict[str, str]
    context: Context
    order: str | None
    options: TimeOptions

    def choose(self, names: list[str]) -> list[str]:
        """The columns to read, as named or guessed from the names of all."""
        named, context = self.columns, list(self.context)
        kinds = list(self.context.values()) if isinstance(self.context, Mapping) else []
        if isinstance(self.context, str) or set(kinds) - set(CONTEXT_KINDS):
            raise ValueError(
                "`context` must be a list of columns, or a dict of columns and kinds from "
                f"{CONTEXT_KINDS}. Received: context={self.context!r}"
            )
        wanted = [*named.values(), *context]
        missing = [column for column in wanted if column not in names]
        if missing:
            raise ValueError(
                f"`{self.source}` has no column {missing}. Received: {named}, context={context}; "
                f"it has columns={names}"
            )
        if len(set(wanted)) < len(wanted) or set(context) & set(USUAL_NAMES):
            raise ValueError(
                "A column can be one thing only, and a `context` column cannot be called "
                f"{', '.join(USUAL_NAMES)}. Received: {named}, context={context}"
            )
        if "user" not in named or "item" not in named:
            skip = ("timestamp",) if self.order not in (None, "timed") else ()
            free = [column for column in names if column not in context]
            self.columns = guess_columns(free, named, skip)
        if self.order is None and "timestamp" not in self.columns:
            raise ValueError(
                f"`order` is needed, since `{self.source}` is read without times: 'ordered' if the "
                "rows of a user stand in time order, else 'unordered'; or name the `timestamp` "
                f"column. Received: order=None, columns={names}"
            )
        self.order = self.order or "timed"
        return [*self.columns.values(), *context]

    def convert(self, table: Table, name: str, verbose: bool) -> Interactions:
        """The log with all that was assumed, after printing that."""
        try:
            events, read, exact = self._convert_columns(table)
        except RowError as error:
            line = table.line_of(error.row)
            where = "" if line is None else f", line {line} of the file"
            raise ValueError(f"{error}{where}") from None
        if exact is not None and self.order == "timed":
            # By the exact time, since sorting by whole seconds keeps this order inside a second.
            events = events.iloc[stable_order(events["user"], exact)]
        users = events["user"]
        if len(users) > 1 and not users[:1000].duplicated().any() and users.is_unique:
            read["user"] += ", a different one in every row"
        read["order"] = self.order
        if verbose:
            line = "; ".join(f"{what}={how}" for what, how in read.items())
            print(one_line(f"{self.source}: {line}", width=2000), file=sys.stderr)
        return Interactions(events, self.order, name, assumed=read)

    def _convert_columns(
        self, table: Table
    ) -> tuple[pd.DataFrame, dict[str, str], np.ndarray | None]:
        """The columns of the log, how each was read, and times finer than seconds."""
        if not len(table.frame):
            raise ValueError(
                f"`{self.source}` has a header and no rows. Received: columns={table.columns}"
            )
        frame, exact = table.frame, None
        events, read = {}, dict(table.assumed)
        for role, column in self.columns.items():
            if role == "timestamp":
                events[role], exact, kind = to_seconds(frame[column], self.options)
                first, last = pd.to_datetime([events[role].min(), events[role].max()], unit="s")
                kind += f", {first:%Y-%m-%d} to {last:%Y-%m-%d}"
            else:
                events[role], kind = self._convert(role, frame[column])
            read[role] = f"{column} ({kind})"
        for column in self.context:
            events[column] = self._convert_context(frame[column], table.typed)
        return pd.DataFrame(events, copy=False), read, exact

    def _convert(self, role: str, column: pd.Series) -> tuple[pd.Series, str]:
        if role in ("user", "item"):
            return to_ids(column)
        if role == "action":
            return to_text(unwrap(column)), "text"
        kind = "seconds" if role == "duration" else "numbers"
        return to_numbers(column, self.options.decimal), kind

    def _convert_context(self, column: pd.Series, typed: bool) -> pd.Series:
        kind = self.context[column.name] if isinstance(self.context, Mapping) else None
        if kind == "number":
            return to_numbers(column, self.options.decimal)
        keeps_type = typed and kind is None and not is_text(unwrap(column))
        return column if keeps_type else to_text(column)
