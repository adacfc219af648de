"""Cleaning rules for logs, each with a line of a report."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.text import counted
from recmodels.data.times import moment_seconds
from recmodels.data.values import is_missing

SIGMA_PER_MAD = 1.4826  # Of a normal distribution.
OUTLIER_SIGMAS = 5.0


@dataclass(frozen=True)
class CleaningReport:
    """The effect of one rule on a log.

    Args:
        rule: the function.
        rows_in, rows_out: events before and after.
        why: what the rule looked for, with its settings.
    """

    rule: str
    rows_in: int
    rows_out: int
    why: str


Table = Interactions | pd.DataFrame
Cleaned = tuple[Interactions, CleaningReport]
Rule = Callable[[Table], tuple[Table, CleaningReport]]


def clean(table: Table, rules: Iterable[Rule]) -> tuple[Table, pd.DataFrame]:
    """Apply rules one after the other.

    Args:
        table: a log, or a raw table for the rules that take one.
        rules: functions of this module; settings go in with `functools.partial`.

    Returns:
        The cleaned log, and a table with one row per rule: `rule`, `rows_in`, `rows_out`, `why`.

    Example:
        log, report = clean(log, [drop_exact_duplicates, partial(k_core, user=3, item=3)])
    """
    reports = []
    for rule in rules:
        table, report = rule(table)
        reports.append(asdict(report))
    return table, pd.DataFrame(reports, columns=["rule", "rows_in", "rows_out", "why"])


def drop_missing(
    frame: pd.DataFrame, columns: Iterable[str] = ("user", "item")
) -> tuple[pd.DataFrame, CleaningReport]:
    """Drop the rows of a raw table that lack an id, before it becomes `Interactions`.

    Args:
        frame: any table.
        columns: those that may not be missing; the empty text is missing too.

    Raises:
        ValueError: the table has no such column.
    """
    columns = list(columns)
    absent = [column for column in columns if column not in frame.columns]
    present = list(frame.columns)
    require(not absent, "`columns` must be in the table", columns=absent, table=present)
    missing = pd.concat([is_missing(frame[column]) for column in columns], axis=1).any(axis=1)
    kept = frame[~missing].reset_index(drop=True)
    why = f"rows without {' or '.join(columns)}"
    return kept, CleaningReport("drop_missing", len(frame), len(kept), why)


def drop_impossible_times(
    table: Table, first: int | str = "1971-01-01", last: int | str = "2100-01-01"
) -> tuple[Table, CleaningReport]:
    """Drop events outside a span of time.

    Args:
        table: a log, or a raw table whose `timestamp` holds seconds.
        first: earliest time kept, in UTC seconds or as a date. The default leaves out the first
            year after zero, because devices and exports write times near zero if the time is
            unknown.
        last: latest time kept.

    Raises:
        ValueError: there is no `timestamp` column.
    """
    events = table.events if isinstance(table, Interactions) else table
    _require_column(events, "timestamp", "drop_impossible_times")
    low, high = moment_seconds(first, "first"), moment_seconds(last, "last")
    why = f"times outside {first} to {last}"
    return _keep(table, events["timestamp"].between(low, high), "drop_impossible_times", why)


def drop_exact_duplicates(interactions: Interactions) -> Cleaned:
    """Keep the first of events that are equal in every column."""
    keep = ~interactions.events.duplicated()
    return _keep(interactions, keep, "drop_exact_duplicates", "equal in every column to an earlier")


def collapse_repeats(interactions: Interactions) -> Cleaned:
    """Keep the first of consecutive events in which a user does the same to the same item."""
    interactions.require("`collapse_repeats`", ("timed", "ordered"))
    columns = [c for c in ("user", "item", "action") if c in interactions.events]
    events = interactions.events[columns]
    repeated = (events == events.shift()).all(axis=1)
    why = f"same {', '.join(columns)} as the event before"
    return _keep(interactions, ~repeated, "collapse_repeats", why)


def cap_durations(interactions: Interactions) -> Cleaned:
    """Limit durations that are far above the usual, and set negative ones to missing.

    The limit lies five robust standard deviations (from the median absolute deviation) above the
    median of the logarithms, because durations range over orders of magnitude. If more than half
    of them are equal, the deviation is 0 and nothing is capped.

    Raises:
        ValueError: there is no `duration` column.
    """
    events = interactions.events
    _require_column(events, "duration", "cap_durations")
    durations = events["duration"].where(events["duration"] >= 0)
    limit = _outlier_limit(durations[durations > 0].to_numpy())
    capped = events.assign(duration=durations.clip(upper=limit))
    above, negative, rows = (durations > limit).sum(), (events["duration"] < 0).sum(), len(events)
    changed = counted(int(above), "duration")
    why = f"{changed} above {limit:,.1f} s set to it, {negative:,} negative to missing"
    return replace(interactions, events=capped), CleaningReport("cap_durations", rows, rows, why)


def k_core(interactions: Interactions, user: int = 5, item: int = 5) -> Cleaned:
    """Drop rare users and items repeatedly, until none is rare.

    Args:
        interactions: any log.
        user: the fewest events of a user who is kept.
        item: the fewest events of an item that is kept.

    Raises:
        ValueError: nothing is left.
    """
    return _core(interactions, user, item, "k_core")


def single_pass_core(interactions: Interactions, user: int = 5, item: int = 5) -> Cleaned:
    """Drop users and items that are rare in the given log, in a single pass.

    Some published data sets were filtered in this way. Afterwards users and items may be rare
    again.

    Args:
        interactions: any log.
        user: the fewest events, in the given log, of a user who is kept.
        item: the fewest events, in the given log, of an item that is kept.

    Raises:
        ValueError: nothing is left.
    """
    return _core(interactions, user, item, "single_pass_core")


def _core(interactions: Interactions, user: int, item: int, rule: str) -> Cleaned:
    groups = [pd.factorize(interactions.events[column]) for column in ("user", "item")]
    keep, left = np.ones(len(interactions), bool), -1
    while left != keep.sum():
        left = keep.sum()
        frequent = [
            (np.bincount(codes[keep], minlength=len(distinct)) >= least)[codes]
            for (codes, distinct), least in zip(groups, (user, item), strict=True)
        ]
        keep &= frequent[0] & frequent[1]
        if rule == "single_pass_core":
            break
    message = f"`{rule}` left nothing: no users and items are that frequent. Lower `user` or `item`"
    require(keep.any(), message, user=user, item=item, log=interactions)
    why = f"users with fewer than {user} or items with fewer than {item} events"
    return _keep(interactions, keep, rule, why)


def _keep(table: Table, rows, rule: str, why: str) -> tuple[Table, CleaningReport]:
    rows = np.asarray(rows, bool)
    is_log = isinstance(table, Interactions)
    kept = table.select(rows) if is_log else table[rows].reset_index(drop=True)
    return kept, CleaningReport(rule, len(rows), int(rows.sum()), why)


def _require_column(events: pd.DataFrame, column: str, rule: str) -> None:
    message = f"`{rule}` needs a `{column}` column: name it when reading"
    require(column in events, message, columns=list(events.columns))


def _outlier_limit(positive: np.ndarray) -> float:
    """Return the longest duration that is no outlier, in seconds; infinity if it is unknown."""
    if not len(positive):
        return np.inf
    logs = np.log(positive)
    middle = np.median(logs)
    spread = SIGMA_PER_MAD * np.median(np.abs(logs - middle))
    return float(np.exp(middle + OUTLIER_SIGMAS * spread)) if spread else np.inf
