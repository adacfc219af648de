"""Splits at several points in time, each with the events before it and the period after it."""

from dataclasses import replace

import numpy as np

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.splits import Split, cases_after, cut_seconds, temporal_cutoff


def rolling_origin(
    interactions: Interactions,
    folds: int = 4,
    start: float = 0.6,
    validation_fraction: float = 0.1,
) -> list[Split]:
    """Make several global temporal splits: train until t, test on the time from t to t + 1.

    The events after `start` are cut into `folds` stretches of about equally many events. Fold k
    trains on everything before stretch k, less its validation part, and its targets are the first
    event of each user within the stretch. The spread of a metric over folds says how much it
    depends on the moment of the cut.

    Args:
        interactions: a timed log.
        folds: number of splits, at least 2.
        start: share of events before the first test stretch.
        validation_fraction: share of all events before each test cut that validate.

    Returns:
        One `Split` per fold, the earliest first; `leak_report` takes each.

    Raises:
        ValueError: the log has no times, `folds` is below 2, or a part of a fold is empty.

    Example:
        >>> splits = rolling_origin(log, folds=3)
        >>> scores = [rm.evaluate(fit(prepare(s)), prepare(s).test) for s in splits]
        >>> rm.evaluation.over_folds(scores)

        time       1  2  3  4 | 5  6 | 7  8
        fold 1     train        test
        fold 2     train               test
    """
    interactions.require("`rolling_origin`", ("timed",))
    fits = folds > 1 and 0 < validation_fraction < start < 1
    must = "`folds` must be at least 2, and 0 < validation_fraction < start < 1"
    require(fits, must, folds=folds, start=start, validation_fraction=validation_fraction)
    times = np.sort(interactions.events["timestamp"].to_numpy())
    shares = np.linspace(start, 1, folds + 1)
    cuts = [cut_seconds(times, share, validation_fraction, None)[1] for share in shares[:-1]]
    splits = []
    for fold, end in enumerate([*cuts[1:], None]):
        together = "`folds` is too large: two cuts fall into one second. Use fewer folds"
        require(end != cuts[fold], together, folds=folds, name=interactions.name)
        split = temporal_cutoff(interactions, shares[fold], validation_fraction)
        test = cases_after(interactions, split.cut[1], end)
        empty = f"`folds` leaves no test case in fold {fold + 1}: no user has events before and "
        require(len(test), empty + "within its stretch. Use fewer folds", folds=folds)
        splits.append(replace(split, protocol="rolling-origin", test=test))
    return splits
