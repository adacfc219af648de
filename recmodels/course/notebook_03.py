"""Checks of the exercises in 03, split and measure."""

import numpy as np
import pandas as pd

from recmodels.course.checking import exercise, expect, expect_close
from recmodels.data.shop import simulate
from recmodels.evaluation.metrics import ndcg
from recmodels.evaluation.statistics import bootstrap_interval


@exercise("03.1")
def check_ndcg(answer) -> None:
    """`answer(ranks, k)` gives NDCG@k of each user."""
    _expect_function(answer, "ranks and k")
    ranks = np.array([1, 2, 5, 6, 40])
    found = np.asarray(answer(ranks, 5), float)
    expect(found.shape == ranks.shape, "Return one value a user: do not average yet.")
    expect(np.isfinite(found).all(), "A value is not finite: which logarithm is zero at rank 1?")
    expect(np.isclose(found[0], 1), "A target at the top of the list is as good as it gets.")
    expect(not found[3:].any(), "A target that is not on the list earns nothing.")
    expect(found[2] > 0, "The last place of the list is still on the list.")
    expect_close(found, ndcg(ranks, 5), "The ends are right, the discount in between is not.")
    many = np.arange(1, 25).reshape(4, 6)
    expect_close(answer(many, 7), ndcg(many, 7), "Another k gives something else: is 5 built in?")


@exercise("03.2")
def check_rank(answer) -> None:
    """`answer(scores, target)` gives the pessimistic rank of one item in one row of scores."""
    _expect_function(answer, "scores and target")
    plain = np.array([0.3, 2.0, -1.0, 0.9, 0.1])
    expect(answer(plain, 1) != 0, "The top of the list is number one.")
    expect(answer(plain, 1) != 5, "Higher scores are better: this order is upside down.")
    found = [int(answer(plain, item)) for item in range(5)]
    expect(found != [4, 2, 6, 3, 5], "Does the target compete with itself?")
    expect_close(found, [3, 1, 5, 2, 4], "Even without ties the ranks are wrong.")
    tied = np.array([0.5, 0.7, 0.5, 0.5, 0.2, 0.7])
    first, last = int(answer(tied, 0)), int(answer(tied, 3))
    expect((first, last) != (3, 3), "A tie should cost the target something; here it is free.")
    expect(first == last, "Items with equal scores get different ranks: position must not matter.")
    expect_close([first, last], [5, 5], "Somewhere between the best and the worst case is a guess.")
    expect_close(answer(np.zeros(9), 4), 9, "A model that scores everything zero must come last.")


@exercise("03.3")
def check_interval(answer) -> None:
    """`answer(values, generator)` gives the two ends of a 95 % bootstrap interval."""
    _expect_function(answer, "values and generator")
    values = np.random.default_rng(8).gamma(0.5, 1.0, 400)
    found = np.asarray(answer(values, np.random.default_rng(1)), float)
    expect(found.shape == (2,), "Return two numbers, the lower and the upper end.")
    low, high = found
    expect(low <= high, "The lower end comes first.")
    wanted = bootstrap_interval(values)
    width, right = high - low, wanted.high - wanted.low
    expect(width > 0.05 * right, "It has no width: does every draw hold exactly the same users?")
    expect(low < values.mean() < high, "The mean of the users lies outside.")
    expect(width < 4 * right, "This is how users differ, not how their mean would move.")
    expect(width > 0.9 * right, "Too narrow: how much probability is left out on each side?")
    expect(width < 1.12 * right, "Too wide: how much probability is left out on each side?")
    expect_close(found, wanted[1:], "The width is right, the place is not.", 0.1 * right)
    again = np.asarray(answer(values, np.random.default_rng(1)), float)
    expect_close(again, found, "The same generator must give the same interval.", 1e-12)


@exercise("03.4")
def check_split(answer) -> None:
    """`answer(events)` gives training events and one target a user, both tables of events."""
    _expect_function(answer, "events")
    log = simulate(num_users=120, num_items=60, seed=31).interactions
    shuffled = log.events.sample(frac=1, random_state=3).reset_index(drop=True)
    train, targets = _two_tables(answer(shuffled))
    expect(len(train) and len(targets), "One of the two tables is empty.")
    known, columns = set(log.events["user"]), ["user", "item", "timestamp"]
    expect(set(train["user"]) | set(targets["user"]) <= known, "It holds users of another log.")
    expect(not targets["user"].duplicated().any(), "One target a user, please.")
    both = pd.concat([train[columns], targets[columns]])
    genuine = both.merge(log.events[columns].drop_duplicates(), how="left", indicator=True)
    expect((genuine["_merge"] == "both").all(), "It holds events that are not in the log.")
    own = train["user"].map(targets.set_index("user")["timestamp"])
    expect(not (train["timestamp"] >= own).any(), "A user's own later event is in training.")
    latest = train["timestamp"].max()
    expect(
        latest < targets["timestamp"].min(),
        "Sound for each user alone, but somebody's target comes before somebody else's training.",
    )
    expect(
        targets["user"].isin(train["user"]).all(),
        "Some targets belong to users without any history: nothing can be read for them.",
    )
    _expect_next(log.events, targets)
    share = len(targets) / log.num_users
    expect(share >= 0.25, "Nothing leaks, but too few users are left to measure anything.")
    expect(len(train) >= 0.25 * len(log), "Nothing leaks, but little is left to learn from.")


def _expect_next(events: pd.DataFrame, targets: pd.DataFrame) -> None:
    """Each target must be what its user did first once the time of the targets had begun."""
    moments = events.merge(targets[["user", "timestamp"]], on="user", suffixes=("", "_target"))
    since = moments["timestamp"] >= targets["timestamp"].min()
    passed_over = since & (moments["timestamp"] < moments["timestamp_target"])
    expect(not passed_over.any(), "A target is not what its user did next: something was skipped.")


def _two_tables(found) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = isinstance(found, tuple) and [isinstance(part, pd.DataFrame) for part in found]
    expect(tables == [True, True], "Return two tables of events: for training, and the targets.")
    for table in found:
        missing = {"user", "item", "timestamp"} - set(table.columns)
        expect(not missing, f"A column is gone: {', '.join(sorted(missing))}.")
    return found


def _expect_function(answer, arguments: str) -> None:
    expect(answer is not None, "There is no answer here so far.")
    expect(callable(answer), f"The answer must be a function of {arguments}.")
