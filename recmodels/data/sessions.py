"""Sessions: stretches of a user's events without a long gap between them."""

import numpy as np
import pandas as pd

from recmodels.data.errors import require


def sessions(events: pd.DataFrame, gap_minutes: float = 30) -> pd.DataFrame:
    """Number the sessions of each user, and the events in each session.

    A session ends if the next event is more than `gap_minutes` later. A number depends only on
    earlier events of the same user, so that it is known when the event happens.

    Args:
        events: such as `log.events`, with `user` and `timestamp` in seconds, sorted by user and
            time.
        gap_minutes: of inactivity, more than 0.

    Returns:
        Two columns of int64 (N,) along the events, both counted from 1: `session`, of the user's
        sessions, and `session_event`, of the events in the session.

    Raises:
        ValueError: a column is missing, the events of a user do not stand together or a time is
            before the previous one, or `gap_minutes` is not greater than 0.

    Example:
        >>> log = replace(log, events=log.events.join(sessions(log.events)))
        >>> schema = Schema({"place": Number(buckets=6, source="session_event")})
    """
    real = isinstance(gap_minutes, int | float) and not isinstance(gap_minutes, bool)
    fits = real and 0 < gap_minutes < np.inf
    require(fits, "`gap_minutes` must be a number greater than 0", gap_minutes=gap_minutes)
    present = {"user", "timestamp"} <= set(events.columns)
    must = "`events` must have the columns `user` and `timestamp`, such as a log that is timed"
    require(present, must, columns=list(events.columns))
    users = pd.factorize(events["user"])[0]
    new_user = np.diff(users, prepend=-1) != 0
    passed = np.diff(events["timestamp"].to_numpy(np.float64), prepend=0)
    sorted_users = len(users) == 0 or new_user.sum() == users.max() + 1
    wrong = ~new_user & ~(passed >= 0)
    row = int(np.argmax(wrong)) if wrong.any() else None
    must = "`events` must be sorted by user and time, such as `Interactions(...).events`"
    require(sorted_users and row is None, must, users_together=sorted_users, row_out_of_order=row)
    begins = new_user | (passed > 60 * gap_minutes)
    numbers, places = np.cumsum(begins), np.arange(len(events))
    first_of_user = np.maximum.accumulate(np.where(new_user, numbers, 0))
    first_of_session = np.maximum.accumulate(np.where(begins, places, 0))
    found = {
        "session": numbers - first_of_user + 1,
        "session_event": places - first_of_session + 1,
    }
    return pd.DataFrame(found, index=events.index, dtype=np.int64)
