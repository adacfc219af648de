"""Read public logs in the layouts of their publishers."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from recmodels.data.errors import require
from recmodels.data.files import find_file
from recmodels.data.ids import to_ids
from recmodels.data.interactions import LATEST_TIMESTAMP, stable_order
from recmodels.data.sources import find_parts
from recmodels.data.tables import read_table
from recmodels.data.text import counted
from recmodels.data.times import TimeOptions, to_seconds
from recmodels.data.values import to_numbers

NUMBERS = ("value", "price", "quantity")


@dataclass(frozen=True)
class Layout:
    """A file of events as its publisher writes it.

    Args:
        files: its name, which may be a pattern.
        columns: our name for each column to read, by its name in the file; or our names of all
            columns in order, where the file has no header.
        delimiter, encoding: where they are not found out.
        form: `"sequences"` for lines of a user and items.
        actions: our name for each code of the `action` column; or the action of all rows.
        times: how times are written, where they are not numbers since 1970.
        text: columns that are text even where all their values are digits.
        user_start: how ids of users begin, where files with swapped columns are known.
        drop_impossible_times: leave such rows out with a warning instead of refusing them.
        order: as of `Interactions`.
    """

    files: str
    columns: dict[str, str] | tuple[str, ...]
    delimiter: str | None = None
    encoding: str | None = None
    form: str | None = None
    actions: dict[str, str] | str = field(default_factory=dict)
    times: TimeOptions = TimeOptions()
    text: tuple[str, ...] = ()
    user_start: str = ""
    drop_impossible_times: bool = False
    order: str = "timed"


def read_layouts(folder: Path, layouts: tuple[Layout, ...], name: str) -> pd.DataFrame:
    """Read all files of a folder that have one of the layouts; events are in time order.

    A file of the first layout must exist; existing files of the others are merged with it.
    """
    tables = [table for layout in layouts for table in _read_files(folder, layout, name)]
    return in_time_order(pd.concat(tables, ignore_index=True))


def read_otto(folder: Path, layouts: tuple[Layout, ...], name: str) -> pd.DataFrame:
    """Read OTTO, whose files have one session with its events per line."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json

    event = pa.struct([("aid", pa.int64()), ("ts", pa.int64()), ("type", pa.string())])
    schema = pa.schema([("session", pa.int64()), ("events", pa.list_(event))])
    part = find_parts(
        next(p for p in (find_file(folder, layout.files) for layout in layouts) if p)
    )[0]
    with part.open() as file:
        try:
            table = json.read_json(file, parse_options=json.ParseOptions(explicit_schema=schema))
        except pa.ArrowInvalid as error:
            raise part.refuse(error) from error
    sessions = table["events"].combine_chunks()
    events = pc.list_flatten(sessions)
    users = table["session"].take(pc.list_parent_indices(sessions)).to_numpy()
    fields = {kind.name: events.field(kind.name).to_pandas() for kind in event}
    frame = pd.DataFrame({"session": users} | fields)
    return in_time_order(_convert(frame, layouts[0], name))


def in_time_order(events: pd.DataFrame) -> pd.DataFrame:
    """Sort events by user and time; exact times decide the order within a second."""
    if "exact" not in events:
        return events
    rows = stable_order(events["user"], events.pop("exact").to_numpy())
    return events.iloc[rows]


def map_actions(codes: pd.Series, actions: dict[str, str], name: str) -> pd.Series:
    """Replace the codes of a log's actions by our names.

    Raises:
        ValueError: a code is none of those that the publisher describes.
    """
    actual = codes.astype("str").map(actions)
    unknown = [str(code) for code in codes[actual.isna()].unique()[:5]]
    wanted = f"must hold only {', '.join(actions)}, as its publisher describes it"
    require(not unknown, f"Column `action` of {name!r} {wanted}", action=unknown)
    return actual.astype("str")


def _read_files(folder: Path, layout: Layout, name: str) -> list[pd.DataFrame]:
    """One table per file; where a file is there packed and plain, it is read once."""
    paths = [*folder.glob(layout.files + ".gz"), *folder.glob(layout.files)]
    files = {path.name.removesuffix(".gz"): path for path in paths}
    options = {"encoding": layout.encoding, "delimiter": layout.delimiter, "form": layout.form}
    options["columns"] = list(layout.columns)
    if isinstance(layout.columns, tuple) and layout.form is None:
        options["names"] = layout.columns
    tables = (read_table(files[key], **options).frame for key in sorted(files))
    return [_convert(table, layout, name) for table in tables]


def _convert(table: pd.DataFrame, layout: Layout, name: str) -> pd.DataFrame:
    """The columns of a file under our names and in our types; times as seconds and exactly."""
    events = table.rename(columns=layout.columns) if isinstance(layout.columns, dict) else table
    if isinstance(layout.actions, str):
        events["action"] = layout.actions
    elif layout.actions:
        events["action"] = map_actions(events["action"], layout.actions, name)
    for column in events:
        if column in layout.text:
            events[column] = events[column].astype("str")
        elif column in ("user", "item"):
            events[column] = to_ids(events[column])[0]
        elif column in NUMBERS:
            events[column] = to_numbers(events[column])
    if layout.user_start:
        fits = events["user"].str.startswith(layout.user_start).mean() >= 0.5
        must = f"must hold ids that begin with {layout.user_start}, as its publisher's do"
        advice = "the editions differ in the order of columns, so load the one this file is of"
        users = events["user"].head(3).tolist()
        require(fits, f"Column `user` of {name!r} {must}: {advice}", user=users)
    if "timestamp" not in events:
        return events
    if layout.drop_impossible_times:
        possible = events["timestamp"].between(0, LATEST_TIMESTAMP)
        if not possible.all():
            left_out = f"left out {counted(int((~possible).sum()), 'row')} outside 1970 to 2100"
            warnings.warn(f"{layout.files}: {left_out}", stacklevel=2)
        events = events[possible]
    try:
        seconds, exact, _ = to_seconds(events["timestamp"], layout.times)
    except ValueError as error:
        must = "must hold times as its publisher writes them, in every row"
        raise ValueError(f"Column `timestamp` of {name!r} {must}. {error}") from error
    # Files of one set are merged by microseconds; a set of one file may have another unit.
    exact = seconds * 10**6 if exact is None else exact
    return events.assign(timestamp=seconds, exact=exact)
