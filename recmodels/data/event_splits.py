"""Splits for predicting every next event: its type, its item and the time until it comes."""

from dataclasses import replace

import numpy as np

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.splits import Cases, Split, leave_one_out, split_at
from recmodels.data.times import SECONDS_PER_DAY, moment_seconds


def last_event(
    interactions: Interactions,
    since: int | str | None = None,
    until: int | str | None = None,
    min_events: int = 5,
) -> Split:
    """Hold out the last event of each user within a time window; see `leave_one_out`.

    Args:
        interactions: a timed log.
        since, until: the window, as UTC seconds or dates with their zone, such as
            `"2017-11-25T00:00+08:00"`; events at `until` or later are left out. None leaves that
            side open.
        min_events: users with fewer events inside the window are left out of training and tests.

    Raises:
        ValueError: the log has no times, or no user has `min_events` events in the window.

    Example:
        >>> split = last_event(log, since="2017-11-25T00:00+08:00", until="2017-12-04T00:00+08:00")
    """
    windowed = _between(interactions, "`last_event`", since, until, max(3, min_events))
    return replace(leave_one_out(windowed), protocol="last-event")


def last_day(
    interactions: Interactions,
    since: int | str | None = None,
    until: int | str | None = None,
    min_events: int = 5,
) -> Split:
    """Train before the last day, and predict each event of that day from all events before it.

    The 24 hours before the last day are for validation in the same way. Each event is one case,
    whose history has all earlier events of the user. A user therefore has several cases, so
    compute intervals over users, not over cases. The first event of a user is not a case.

    Args:
        interactions, since, until, min_events: see `last_event`. The last day ends at `until`,
            or with the last event.

    Raises:
        ValueError: the log has no times, or one of the three parts would be empty.

    Example:
        time          day 1     |  day 2      |  day 3
        one user      a    b    |  c     d    |  e     f
        train         a    b
        validation    a b -> c, a b c -> d
        test          a b c d -> e, a b c d e -> f
    """
    windowed = _between(interactions, "`last_day`", since, until, min_events)
    times = windowed.events["timestamp"].to_numpy()
    end = int(times.max()) + 1 if until is None else moment_seconds(until, "until")
    cut = (end - 2 * SECONDS_PER_DAY, end - SECONDS_PER_DAY)
    return split_at(windowed, cut, "last-day", cases_within, "`last_day`")


def cases_within(interactions: Interactions, begin: int, end: int | None) -> Cases:
    """Make a case of each event in [begin, end) except the first one of each user."""
    times = interactions.events["timestamp"].to_numpy()
    _, offsets = interactions.user_offsets()
    before = np.arange(len(times)) - np.repeat(offsets[:-1], np.diff(offsets))
    inside = (times >= begin) & (times < (np.inf if end is None else end))
    chosen = inside & (before > 0)
    return Cases(
        inputs=interactions.select(times < (np.inf if end is None else end)),
        targets=interactions.select(chosen),
        known=before[chosen],
    )


def _between(
    interactions: Interactions, caller: str, since, until, min_events: int
) -> Interactions:
    """Return the events in a time window, of users with enough events in it."""
    interactions.require(caller, ("timed",))
    times = interactions.events["timestamp"].to_numpy()
    inside = np.ones(len(times), bool)
    if since is not None:
        inside &= times >= moment_seconds(since, "since")
    if until is not None:
        inside &= times < moment_seconds(until, "until")
    windowed = interactions.select(inside)
    counts = windowed.events.groupby("user")["user"].transform("size")
    enough = (counts >= min_events).to_numpy()
    must = f"{caller} needs users with `min_events` events between `since` and `until`"
    require(enough.any(), must, min_events=min_events, since=since, until=until)
    return windowed.select(enough)
