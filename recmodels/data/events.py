"""Read a log of events from a file or from a table in memory."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.data.columns import USUAL_NAMES, guess_columns
from recmodels.data.errors import require
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
    """Read a log from a file or folder with any column names.

    With `user` and `item` named, no column is guessed. Without one of them all columns that were
    not named are guessed from their usual names, English or Chinese. What was assumed is printed
    in one line to standard error and kept in `assumed` of the log. Ambiguous input raises an error
    that names the argument to give. Blanks at the ends of fields are dropped, and only the empty
    field is missing: `NA` and `null` are values.

    Ids become integers where all of them are whole numbers, written as `12`, `12.0` or `１２`.
    Otherwise they stay text, where `01` and `1` are two ids. Numbers that have lost digits
    (`1.58E+18`), fractions, and one id in several spellings in text are refused.

    Args:
        path: CSV or other delimited text, JSON lines, Parquet, also packed by gzip, bzip2 or zip;
            a folder or pattern (`"logs/*.csv"`) of files with the same columns is one log.
        user, item: columns of ids, by their names in the file.
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
        form: `"sequences"` for lines that hold one user, followed by items in time order.
        encoding: of text, such as `"cp1252"` or `"gb18030"`; UTF-8 is found out.
        delimiter: between fields, such as `";"`; found out where only one fits all rows.
        header: whether the first row holds the names of the columns; found out where it is clear.
        names: of the columns, for a file without a header; replaces it with `header=True`.
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
        log = read_events("log.csv")  # Usual names, such as user_id, item_id and timestamp.
        log = read_events("orders.csv", user="uid", item="sku", timestamp="ts", dayfirst=True)
    """
    roles = _named(user, item, timestamp, action, duration, value)
    options = TimeOptions(date_format, dayfirst, year, unit, timezone, decimal)
    if form == "sequences" and order is None:
        order = "ordered"
    plan = _Plan(Path(path).name, roles, context, order, options)
    given = {"encoding": encoding, "delimiter": delimiter, "header": header, "names": names}
    table = read_table(path, form=form, columns=plan.choose, **given)
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
    """Make a log from a table in memory, converted exactly as by `read_events`.

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
    advice = "convert it, or save it and use `read_events`"
    must = f"`frame` must be a pandas DataFrame: {advice}"
    require(isinstance(frame, pd.DataFrame), must, type=type(frame))
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
    """The mapping from columns of a source to those of the log, made before rows are read.

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
        """Return the columns to read, as named or guessed."""
        named, context = self.columns, list(self.context)
        kinds = set(self.context.values()) if isinstance(self.context, Mapping) else set()
        require(
            not isinstance(self.context, str) and kinds <= set(CONTEXT_KINDS),
            f"`context` must be a list of columns, or a dict of columns and kinds {CONTEXT_KINDS}",
            context=self.context,
        )
        wanted = [*named.values(), *context]
        missing = [column for column in wanted if column not in names]
        problem = f"`{self.source}` has no column {missing}: name those that it has"
        require(not missing, problem, named=named, context=context, columns=names)
        clash = len(set(wanted)) < len(wanted) or set(context) & set(USUAL_NAMES)
        rule = f"and a `context` column cannot be called {', '.join(USUAL_NAMES)}"
        require(not clash, f"A column can be one thing only, {rule}", named=named, context=context)
        if "user" not in named or "item" not in named:
            skip = ("timestamp",) if self.order not in (None, "timed") else ()
            free = [column for column in names if column not in context]
            self.columns = guess_columns(free, named, skip)
        require(
            self.order or "timestamp" in self.columns,
            f"`order` is needed, since `{self.source}` is read without times: 'ordered' if the "
            "rows of a user are in time order, else 'unordered'; or name the `timestamp` column",
            order=self.order,
            columns=names,
        )
        self.order = self.order or "timed"
        return [*self.columns.values(), *context]

    def convert(self, table: Table, name: str, verbose: bool) -> Interactions:
        """Return the log with all assumptions, and print them."""
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
        empty = f"`{self.source}` has a header and no rows"
        require(len(table.frame), empty, columns=table.columns)
        frame, exact = table.frame, None
        events, read = {}, dict(table.assumed)
        for role, name in self.columns.items():
            column = frame[name]
            if role == "timestamp":
                events[role], exact, kind = to_seconds(column, self.options)
                first, last = pd.to_datetime([events[role].min(), events[role].max()], unit="s")
                kind += f", {first:%Y-%m-%d} to {last:%Y-%m-%d}"
            elif role in ("user", "item"):
                events[role], kind = to_ids(column)
            elif role == "action":
                events[role], kind = to_text(unwrap(column)), "text"
            else:
                kind = "seconds" if role == "duration" else "numbers"
                events[role] = to_numbers(column, self.options.decimal)
            read[role] = f"{name} ({kind})"
        kinds = self.context if isinstance(self.context, Mapping) else {}
        for name in self.context:
            column, kind = frame[name], kinds.get(name)
            if kind == "number":
                events[name] = to_numbers(column, self.options.decimal)
            else:
                keeps_type = table.typed and kind is None and not is_text(unwrap(column))
                events[name] = column if keeps_type else to_text(column)
        return pd.DataFrame(events, copy=False), read, exact
