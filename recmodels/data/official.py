"""Read public logs of shops in the layouts of their publishers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.ids import to_ids
from recmodels.data.interactions import LATEST_TIMESTAMP, Interactions
from recmodels.data.sources import find_parts
from recmodels.data.tables import read_table
from recmodels.data.time_numbers import EARLIEST_GUESS
from recmodels.data.values import to_numbers

TIANCHI_YEAR = 2013  # The file has months and days; the contest on it began in March 2014.
ISO, MONTH_DAY = "ISO 8601", "month and day"


@dataclass(frozen=True)
class Layout:
    """A file of events as its publisher writes it.

    Args:
        files: its name, which may be a pattern.
        columns: our name for each column to read, by its name in the file.
        names: of all columns, where the file has no header.
        actions: our name for each code of the `action` column; or the action of all rows.
        time: how many units make a second, or `ISO` or `MONTH_DAY`.
        text_ids: whether ids are text even where all of them are digits, and those of users begin
            with A, as Amazon's do.
        encoding: of a file whose header does not settle it.
    """

    files: str
    columns: dict[str, str]
    names: tuple[str, ...] | None = None
    actions: dict[str, str] | str = field(default_factory=dict)
    time: int | str = 1
    text_ids: bool = False
    encoding: str | None = None


REES46 = Layout(
    "20[0-9][0-9]-[A-Z][a-z][a-z].csv",
    {
        "user_id": "user", "product_id": "item", "event_time": "timestamp",
        "event_type": "action", "category_code": "category", "brand": "brand", "price": "price",
        "user_session": "session",
    },
    actions={
        "view": "view", "cart": "cart", "purchase": "buy", "remove_from_cart": "remove from cart",
    },
    time=ISO,
)  # fmt: skip
RATINGS = {"user": "user", "item": "item", "rating": "value", "timestamp": "timestamp"}
LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "tianchi-brand": (
        Layout(
            "t_alibaba_data.csv",
            {
                "user_id": "user", "brand_id": "item", "visit_datetime": "timestamp",
                "type": "action",
            },
            actions={"0": "click", "1": "buy", "2": "favourite", "3": "cart"},
            time=MONTH_DAY,
            encoding="latin-1",  # Only the digits of its dates are read.
        ),
    ),
    "retailrocket": (
        Layout(
            "events.csv",
            {
                "visitorid": "user", "itemid": "item", "timestamp": "timestamp",
                "event": "action", "transactionid": "transaction",
            },
            actions={"view": "view", "addtocart": "cart", "transaction": "buy"},
            time=1000,
        ),
    ),
    "rees46": (REES46,),
    "cosmetics": (REES46,),
    "yoochoose": (
        Layout(
            "yoochoose-clicks.dat",
            {"session": "user", "item": "item", "time": "timestamp", "category": "category"},
            ("session", "time", "item", "category"),
            "click",
            ISO,
        ),
        Layout(
            "yoochoose-buys.dat",
            {
                "session": "user", "item": "item", "time": "timestamp", "price": "price",
                "quantity": "quantity",
            },
            ("session", "time", "item", "price", "quantity"),
            "buy",
            ISO,
        ),
    ),
    "video-games-2014": (
        Layout(
            "ratings_Video_Games.csv",
            RATINGS,
            ("user", "item", "rating", "timestamp"),
            text_ids=True,
        ),
    ),
    "video-games-2018": (
        Layout("Video_Games.csv", RATINGS, ("item", "user", "rating", "timestamp"), text_ids=True),
    ),
    "video-games-2023": (
        Layout(
            "Video_Games.csv",
            {
                "user_id": "user", "parent_asin": "item", "rating": "value",
                "timestamp": "timestamp",
            },
            time=1000,
            text_ids=True,
        ),
    ),
}  # fmt: skip
NUMBERS = ("value", "price", "quantity")


def reader_of(name: str) -> Callable[[Path], Interactions]:
    """The reader of a set of `LAYOUTS`: from the folder with its files to a timed log.

    The first file must be there; of the others those that are there are merged in time order.
    """

    def read(folder: Path) -> Interactions:
        tables = [t for layout in LAYOUTS[name] for t in _read_files(folder, layout, name)]
        return _in_time_order(pd.concat(tables), name)

    return read


def read_otto(folder: Path) -> Interactions:
    """OTTO: `otto-recsys-train.jsonl`, one session per line with its events."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json

    event = pa.struct([("aid", pa.int64()), ("ts", pa.int64()), ("type", pa.string())])
    schema = pa.schema([("session", pa.int64()), ("events", pa.list_(event))])
    path = find_file(folder, "otto-recsys-train.jsonl", "train.jsonl")
    with find_parts(path)[0].open() as file:
        try:
            table = json.read_json(file, parse_options=json.ParseOptions(explicit_schema=schema))
        except pa.ArrowInvalid as error:
            raise find_parts(path)[0].refuse(error) from error
    sessions = table["events"].combine_chunks()
    events = pc.list_flatten(sessions)
    frame = pd.DataFrame(
        {
            "user": table["session"].take(pc.list_parent_indices(sessions)).to_numpy(),
            "item": events.field("aid").to_pandas(),
            "timestamp": events.field("ts").to_pandas(),
            "action": events.field("type").to_pandas(),
        }
    )
    actions = {"clicks": "click", "carts": "cart", "orders": "buy"}
    frame["action"] = map_actions(frame["action"], actions, "otto")
    frame["timestamp"] = _exact_times(frame["timestamp"], 1000, "otto")
    return _in_time_order(frame, "otto")


def map_actions(codes: pd.Series, actions: dict[str, str], name: str) -> pd.Series:
    """Our names for the codes of a log's actions.

    Raises:
        ValueError: a code is none of those that the publisher describes.
    """
    actual = codes.astype("str").map(actions)
    unknown = codes[actual.isna()].unique()
    if len(unknown):
        raise ValueError(
            f"Column `action` of {name!r} must hold only {', '.join(actions)}, as its publisher "
            f"describes it. Received: {[str(code) for code in unknown[:5]]}"
        )
    return actual.astype("str")


def _read_files(folder: Path, layout: Layout, name: str) -> list[pd.DataFrame]:
    """One table per file; where a file is there packed and plain, it is read once."""
    found = [*folder.glob(layout.files + ".gz"), *folder.glob(layout.files)]
    files = {path.name.removesuffix(".gz"): path for path in found}
    return [_read_file(files[key], layout, name) for key in sorted(files)]


def _read_file(path: Path, layout: Layout, name: str) -> pd.DataFrame:
    table = read_table(
        path, names=layout.names, encoding=layout.encoding, columns=list(layout.columns)
    )
    events = table.frame.rename(columns=layout.columns)
    if isinstance(layout.actions, str):
        events["action"] = layout.actions
    elif layout.actions:
        events["action"] = map_actions(events["action"], layout.actions, name)
    for column in set(NUMBERS) & set(events):
        events[column] = to_numbers(events[column])
    if layout.text_ids:
        events = events.astype({"user": "str", "item": "str"})
        if events["user"].str.startswith("A").mean() < 0.5:
            raise ValueError(
                f"Column `user` of {name!r} must hold ids that begin with A, as its publisher's "
                "do: the columns of the editions stand in another order, so load the edition that "
                f"this file is of. Received: {events['user'].head(3).tolist()} in {path.name!r}"
            )
    else:
        events["user"], events["item"] = to_ids(events["user"])[0], to_ids(events["item"])[0]
    return events.assign(timestamp=_exact_times(events["timestamp"], layout.time, name))


def _exact_times(times: pd.Series, time: int | str, name: str) -> pd.Series:
    """Microseconds since 1970, UTC."""
    try:
        if isinstance(time, int):
            outside = ~times.astype("int64").between(EARLIEST_GUESS * time, LATEST_TIMESTAMP * time)
            if outside.any():
                raise ValueError(f"{outside.sum()} lie outside 1995 to 2100")
            return times.astype("int64") * (10**6 // time)
        if time == MONTH_DAY:
            parts = times.str.extract(r"^(\d{1,2})\D+(\d{1,2})\D*$")
            times = f"{TIANCHI_YEAR}-" + parts[0].str.zfill(2) + "-" + parts[1].str.zfill(2)
        dates = pd.to_datetime(times.str.removesuffix(" UTC"), format="ISO8601", utc=True)
        if dates.isna().any():
            raise ValueError(f"{int(dates.isna().sum())} are missing")
        return dates.dt.tz_localize(None).astype("datetime64[us]").astype("int64")
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"Column `timestamp` of {name!r} must hold times as its publisher writes them, in "
            f"every row: {error}. Received: {times.head(3).tolist()}"
        ) from error


def _in_time_order(events: pd.DataFrame, name: str) -> Interactions:
    """The log, with the order inside a second that the exact times give."""
    events = events.sort_values("timestamp", kind="stable", ignore_index=True)
    return Interactions(events.assign(timestamp=events["timestamp"] // 10**6), "timed", name)
