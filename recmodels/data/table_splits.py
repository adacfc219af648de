"""Use a split that was made elsewhere, with the same checks as for our own."""

import sys
from dataclasses import replace

import pandas as pd

from recmodels.data.errors import invalid, require
from recmodels.data.interactions import Interactions
from recmodels.data.splits import Cases, Split, cases_among
from recmodels.data.text import counted


def split_from_tables(
    train: Interactions,
    validation: Interactions,
    test: Interactions,
    *,
    in_time: bool = True,
    verbose: bool = True,
) -> Split:
    """Make a split from separate tables for training, validation and test.

    The input of a validation case is what training holds of the user; that of a test case, what
    training and validation hold. Events of users without an input become newcomers. All items of
    the three tables are in the catalogue. One line on standard error gives the number of users and
    items that are not in training; `leak_report` has further counts.

    Args:
        train, validation, test: logs from `read_events` or `from_frame`, alike in order and in
            the types of their ids. A user may have several events to predict.
        in_time: whether no event of a user may lie after one that is to be predicted. False for
            tables that were cut at random.
        verbose: print what was cut.

    Raises:
        ValueError: a table is empty or differs from the others in its order, columns or types of
            ids, an event is in two tables, no user to predict for is known, or, with
            `in_time`, the input of a case has later events than its target.

    Example:
        names = ("train", "valid", "test")
        train, validation, test = (rm.read_events(f"games.{name}.csv") for name in names)
        data = rm.prepare(rm.split_from_tables(train, validation, test))
    """
    tables = {"train": train, "validation": validation, "test": test}
    _check_alike(tables)
    known = replace(train, events=pd.concat([train.events, validation.events], ignore_index=True))
    catalogue = pd.concat([known.events["item"], test.events["item"]]).unique()
    cases = cases_among(train, validation), cases_among(known, test)
    split = Split("tables", train, *cases, catalogue)
    for part in ("validation", "test"):
        cases = getattr(split, part)
        users = {name: tables[name].events["user"].head(3).tolist() for name in ("train", part)}
        none = f"`{part}` has no user with an event before: are the ids of the same kind?"
        require(len(cases), none, users=users)
        if in_time and train.order == "timed":
            _check_in_time(cases, part)
    if verbose:
        cold = {part: split.count_cold(part) for part in ("validation", "test")}
        print(f"{split!r}; unknown to training: {cold}", file=sys.stderr)
    return split


def _check_alike(tables: dict[str, Interactions]) -> None:
    """Raise if the tables are not parts of one log."""
    train = tables["train"]
    for name, table in tables.items():
        kind = table if isinstance(table, Interactions) else type(table)
        must = f"`{name}` must be a log with events: use `read_events` or `from_frame`"
        require(isinstance(table, Interactions) and len(table), must, **{name: kind})
        kinds = [
            (log.order, {c: str(dtype) for c, dtype in log.events.dtypes.items()})
            for log in (train, table)
        ]
        must = f"`{name}` and `train` must have one order, the same columns and ids of one type: "
        advice = "read all tables with the same arguments, ids as text where one has text"
        require(kinds[0] == kinds[1], must + advice, **{"train": kinds[0], name: kinds[1]})
    columns = ["user", "item"] + ["timestamp"] * (train.order == "timed")
    events = pd.concat([table.events[columns].drop_duplicates() for table in tables.values()])
    twice = events[events.duplicated()]
    if len(twice) and train.order == "timed":
        message = f"`train`, `validation` and `test` share {counted(len(twice), 'event')}: keep "
        raise invalid(f"{message}each in one table", event=twice.iloc[0].to_dict())


def _check_in_time(cases: Cases, part: str) -> None:
    targets = cases.targets.events
    last = cases.inputs.events.groupby("user")["timestamp"].max()
    late = targets[targets["user"].map(last) > targets["timestamp"]]
    if len(late):
        first = late.iloc[0]
        events = counted(len(late), "event")
        raise invalid(
            f"`{part}` has {events} before others of the same user in the tables it may "
            "know: cut later, or say in_time=False for tables that were cut at random",
            event=first.to_dict(),
            known_until=last[first["user"]],
        )
