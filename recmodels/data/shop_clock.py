"""When the users of the simulated shop come: visits with a weekly and a daily rhythm."""

import numpy as np

START = 1_704_067_200  # Monday 2024-01-01, 00:00 UTC.
NUM_WEEKS = 12
DAY = 86_400
SPAN = NUM_WEEKS * 7 * DAY

WEEKDAY_SHARE = np.array([0.11, 0.11, 0.12, 0.12, 0.14, 0.21, 0.19])  # Monday first.
HOUR_SHARE = np.repeat([0.01, 0.03, 0.05, 0.04, 0.06, 0.06], 4)  # Evenings are busiest.
EVENTS_PER_VISIT = 5
SECONDS_BETWEEN_EVENTS = 90


def draw_times(lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Seconds since `START` of every event, int64, (N,), ascending within each user.

    Times know nothing of items or intents: they can tell a model which week it is, not what the
    user is after.

    Args:
        lengths: events of each user, (U,).
        rng: the generator to draw from.
    """
    total = int(lengths.sum())
    user = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    new_visit = rng.random(total) < 1 / EVENTS_PER_VISIT
    new_visit[first] = True
    gap = rng.exponential(SECONDS_BETWEEN_EVENTS, total).astype(np.int64) + 1
    visits = np.flatnonzero(new_visit)
    visit = np.cumsum(new_visit) - 1
    elapsed = np.cumsum(gap)
    # Users join during the first half, so that a cut in time leaves newcomers on both sides.
    joined = 0.5 * rng.random(len(lengths))
    begin = _visit_times(joined[user[visits]], rng)
    times = np.minimum(begin[visit] + elapsed - elapsed[visits][visit], SPAN - 1)
    return np.sort(user * SPAN + times) - user * SPAN


def _visit_times(joined: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One time a visit, by weekday and hour, after the share `joined` of the span has passed."""
    day_ends = np.cumsum(np.tile(WEEKDAY_SHARE, NUM_WEEKS)) / NUM_WEEKS
    hour_ends = np.cumsum(HOUR_SHARE) / HOUR_SHARE.sum()
    point = joined + (1 - joined) * rng.random(len(joined))
    day = np.minimum(np.searchsorted(day_ends, point, side="right"), len(day_ends) - 1)
    hour = np.searchsorted(hour_ends, rng.random(len(joined)), side="right")
    return day * DAY + np.minimum(hour, 23) * 3600 + rng.integers(3600, size=len(joined))
