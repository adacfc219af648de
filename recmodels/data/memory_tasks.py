"""Simulated logs whose next event is determined by one earlier event, to test memory."""

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions

SEPARATOR = 0  # Raw id of the item between a list and its copy.


def lag_log(
    lag: int,
    num_users: int = 1000,
    length: int = 40,
    num_items: int = 20,
    noise: float = 0.2,
    seed: int = 0,
) -> Interactions:
    """Simulate a log in which each event repeats the item `lag` events before, or is random.

    The best possible prediction is right with probability 1 - noise + noise / V: see
    `lag_ceiling`.

    Args:
        lag: distance, from 1 to `length` - 1.
        num_users, length: how many histories, and events in each.
        num_items: V.
        noise: probability that an event is drawn uniformly instead.
        seed: of everything random.

    Example:
        >>> lag_log(2, num_users=1, length=6, noise=0.0).events["item"].tolist()
        [20, 2, 20, 2, 20, 2]
    """
    require(0 < lag < length, "`lag` must be from 1 to `length` - 1", lag=lag, length=length)
    rng = np.random.default_rng((seed, lag))
    items = rng.integers(1, num_items + 1, (num_users, length))
    kept = rng.random((num_users, length)) >= noise
    for t in range(lag, length):
        items[:, t] = np.where(kept[:, t], items[:, t - lag], items[:, t])
    return _log(list(items), f"lag {lag}")


def lag_ceiling(num_items: int = 20, noise: float = 0.2) -> float:
    """HR@1 of the best possible model of `lag_log`."""
    return 1 - noise + noise / num_items


def copy_log(
    longest: int, num_users: int = 1000, num_items: int = 20, seed: int = 0
) -> Interactions:
    """A log of lists of 2 to `longest` random items, each followed by a separator and its copy.

    Every event after the separator is determined, but its distance to the copied event differs
    between users, so that a model has to find the separator.

    Args:
        longest: most items in a list, at least 2.
        num_users: how many lists.
        num_items: V, without the separator.
        seed: of everything random.

    Example:
        >>> copy_log(3, num_users=1).events["item"].tolist()
        [18, 20, 18, 0, 18, 20, 18]
    """
    require(longest >= 2, "`longest` must be at least 2", longest=longest)
    rng = np.random.default_rng((seed, longest))
    lists = [rng.integers(1, num_items + 1, rng.integers(2, longest + 1)) for _ in range(num_users)]
    return _log([np.r_[items, SEPARATOR, items] for items in lists], f"copy {longest}")


def _log(lists: list[np.ndarray], name: str) -> Interactions:
    users = np.repeat(np.arange(len(lists)), [len(items) for items in lists])
    frame = pd.DataFrame({"user": users, "item": np.concatenate(lists)})
    return Interactions(frame, "ordered", name)
