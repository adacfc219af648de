"""Hold out several ratings per user: at random, as in tutorials, or after a point in time."""

import warnings
from dataclasses import replace

import numpy as np

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.splits import Cases, Split, cases_among, cut_seconds, pairs_in, split_at


def random_ratings(
    interactions: Interactions,
    seed: int = 0,
    test_share: float = 0.2,
    validation_share: float = 0.1,
) -> Split:
    """Hold out events at random, as tutorials of rating models do.

    Training then has later events of the same user and the trends of each day, so results are
    better than any that are possible in practice. Use this split to compare with published
    results. Held-out events of users without a training event become newcomers. A pair of user and
    item that stands several times in the log may be in training and test at once: `leak_report`
    counts such targets, and a log with a `value` is warned of, since the rating is then known.

    Args:
        interactions: any log.
        seed: of the draw.
        test_share: of all events.
        validation_share: of the events that are not tested.

    Raises:
        ValueError: a share leaves a part without events.

    Example:
        >>> random_ratings(load("ml-100k"), seed=0)
        <Split random-80-20 of 'ml-100k': 72,000 training events, validation 7,997 users, ...>
    """
    total = len(interactions)
    tested = round(total * test_share)
    validated = round((total - tested) * validation_share)
    fits = 0 < tested < total and 0 < validated < total - tested
    must = "`test_share` and `validation_share` must leave events for all three parts"
    shares = {"test_share": test_share, "validation_share": validation_share}
    require(fits, must, **shares, events=total)
    order = np.random.default_rng(seed).permutation(total)
    role = np.zeros(total, np.int8)
    role[order[:tested]] = 2
    role[order[tested : tested + validated]] = 1
    train, known = interactions.select(role == 0), interactions.select(role <= 1)
    test = interactions.select(role == 2)
    repeated = int(pairs_in(test, known).sum()) if "value" in test.events else 0
    if repeated:
        warnings.warn(
            f"{repeated:,} of {len(test):,} test events of {interactions.name!r} are of a user and "
            "an item that training or validation holds too, so their ratings are known. Keep one "
            "event of each pair before, for example with "
            "`log.select(~log.events.duplicated(['user', 'item']))`.",
            stacklevel=2,
        )
    validation = cases_among(train, interactions.select(role == 1))
    catalogue = interactions.events["item"].unique()
    return Split("random-80-20", train, validation, cases_among(known, test), catalogue)


def temporal_ratings(
    interactions: Interactions, fraction: float = 0.8, validation_fraction: float = 0.1
) -> Split:
    """Hold out all events after a point in time; the temporal counterpart of `random_ratings`.

    A case is an event after the cut whose user and item both have an event before the cut; its
    input is the user's history up to the cut. Events of other items are left out; those of users
    without an event before the cut become newcomers.

    Args:
        interactions: a timed log.
        fraction, validation_fraction: as for `temporal_cutoff`.

    Raises:
        ValueError: the log has no times, or one of the three parts would be empty.

    Example:
        >>> temporal_ratings(load("ml-100k"))
        <Split temporal-80-20 of 'ml-100k': 69,997 training events, validation 1,697 users, ...>
    """
    interactions.require("`temporal_ratings`", ("timed",))
    times = interactions.events["timestamp"].to_numpy()
    cut = cut_seconds(times, fraction, validation_fraction, None)
    split = split_at(interactions, cut, "temporal-80-20", _cases_met, "`temporal_ratings`")
    return replace(split, catalogue=split.test.inputs.events["item"].unique())


def _cases_met(interactions: Interactions, begin: int, end: int | None) -> Cases:
    """Make cases of all events in [begin, end) whose item occurs before `begin`."""
    times = interactions.events["timestamp"].to_numpy()
    inputs = interactions.select(times < begin)
    inside = (times >= begin) & (times < (np.inf if end is None else end))
    met = interactions.events["item"].isin(inputs.events["item"].unique()).to_numpy()
    return cases_among(inputs, interactions.select(inside & met))
