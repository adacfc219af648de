"""Checks of the exercises of notebook 03, split: a split in time, its leaks, unknown targets."""

import numpy as np
import pandas as pd

from recmodels.course.checking import (
    call,
    event_tables,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
)
from recmodels.data.shop import simulate


@exercise("03.1", "a table of events")
def check_split(answer) -> None:
    """`answer(events)`: training events and one target for each user measured, as tables."""
    log = simulate(num_users=120, num_items=60, seed=31).interactions
    shuffled = log.events.sample(frac=1, random_state=3).reset_index(drop=True)
    reason = "Return two tables of events: for training, and the targets."
    train, targets = event_tables(call(answer, shuffled), 2, reason)
    expect(len(train) and len(targets), "One of the two tables is empty.")
    known, columns = set(log.events["user"]), ["user", "item", "timestamp"]
    expect(set(train["user"]) | set(targets["user"]) <= known, "It holds users of another log.")
    expect(targets["user"].is_unique, "A user has more than one target; return one for each user.")
    both = pd.concat([train[columns], targets[columns]])
    genuine = both.merge(log.events[columns].drop_duplicates(), how="left", indicator=True)
    expect((genuine["_merge"] == "both").all(), "It holds events that are not in the log.")
    target_times = train["user"].map(targets.set_index("user")["timestamp"])
    expect(
        not (train["timestamp"] >= target_times).any(),
        "The training events of a user include the target or a later event of the same user.",
    )
    expect(
        train["timestamp"].max() < targets["timestamp"].min(),
        "No user's own future is in training, but another user's is: all training events must "
        "come before all targets.",
    )
    expect(
        targets["user"].isin(train["user"]).all(),
        "Some targets belong to users without a training event, so that no history can be read.",
    )
    _expect_next(log.events, targets)
    share = len(targets) / log.num_users
    expect(share >= 0.25, "Nothing leaks, but fewer than a quarter of the users are measured.")
    expect(
        len(train) >= 0.25 * len(log), "Nothing leaks, but less than a quarter of the log is left."
    )


def _expect_next(events: pd.DataFrame, targets: pd.DataFrame) -> None:
    """Raise `NotYet` unless each target is the first event of its user after the cut."""
    moments = events.merge(targets[["user", "timestamp"]], on="user", suffixes=("", "_target"))
    since = moments["timestamp"] >= targets["timestamp"].min()
    passed_over = since & (moments["timestamp"] < moments["timestamp_target"])
    expect(
        not passed_over.any(),
        "A target is not the next event of its user: earlier events after the cut were skipped.",
    )


@exercise("03.2", "train_times and target_times")
def check_future_share(answer) -> None:
    """`answer(train_times, target_times)`: mean share of training events after each target."""
    train, targets = np.array([4, 1, 3, 3, 8, 6, 2, 9]), np.array([3, 7, 3, 20, 5])
    after = train[None, :] > targets[:, None]  # (targets, training events)
    right = after.mean()
    mistakes = {
        "An event in the second of the target is not after it.": (
            (train[None, :] >= targets[:, None]).mean()
        ),
        "It gives the share of training events before the targets.": (
            (train[None, :] < targets[:, None]).mean(),
            1 - right,
        ),
        "It compares all targets with one moment; compare each target with its own.": tuple(
            (train > moment).mean()
            for moment in (targets.min(), targets.max(), np.median(targets), targets.mean())
        ),
        "It gives numbers of events; divide by all training events.": (
            after.sum(),
            after.sum(axis=1).mean(),
        ),
        "It is a percentage; return a share between 0 and 1.": 100 * right,
        "It counts targets with an event after them; count the events.": after.any(axis=1).mean(),
    }
    returned = call(answer, train, targets)
    reason = "Return one number: the mean over the targets."
    expect_close(numbers(returned, (), reason), right, "The share is wrong.", mistakes)
    expect_unchanged(answer, train, targets)
    early = numbers(call(answer, train, np.array([99, 100])), (), reason)
    expect_close(early, 0, "With all training events before all targets, the share must be 0.")
    rng = np.random.default_rng(32)
    many, few = rng.integers(0, 900, 500), rng.integers(0, 900, 70)
    expected = (many[None, :] > few[:, None]).mean()
    expect_close(call(answer, many, few), expected, "It is wrong for a log of other sizes.")


@exercise("03.3", "two tables of events, train and targets")
def check_unknown_shares(answer) -> None:
    """`answer(train, targets)`: shares of targets of unknown users, and of unknown items."""
    train = pd.DataFrame({"user": [1, 1, 2, 2, 4, 9], "item": [5, 6, 5, 7, 6, 8]})
    targets = pd.DataFrame({"user": [1, 3, 3, 3, 2, 8, 4, 1], "item": [5, 3, 3, 5, 6, 2, 7, 8]})
    reason = "Return two numbers: the share of unknown users, then that of unknown items."
    returned = numbers(call(answer, train, targets), (2,), reason)
    unknown = [~targets[name].isin(train[name]) for name in ("user", "item")]
    right = np.array([part.mean() for part in unknown])
    distinct = [
        (~targets[name].drop_duplicates().isin(train[name])).mean() for name in ("user", "item")
    ]
    lost = [(~train[name].isin(targets[name])).mean() for name in ("user", "item")]
    mistakes = {
        "These are the shares of known users and items.": 1 - right,
        "It counts each user or item once; count targets.": distinct,
        "These are shares of the training events; take those of the targets.": lost,
        "The two shares have changed places.": right[::-1],
        "These are numbers of targets; divide by how many there are.": right * len(targets),
        "These are percentages; return shares between 0 and 1.": right * 100,
        "It divides by the number of training events.": right * len(targets) / len(train),
        "It looks for the pair of user and item; look for each of them alone.": np.full(2, 7 / 8),
    }
    expect_close(returned, right, "The shares are wrong.", mistakes)
    moved = targets.rename(index=lambda row: 3 * row + 2)
    reason = "It depends on the index of the rows, which need not be 0, 1, 2 and so on."
    expect_close(call(answer, train, moved), right, reason)
    words = [table.astype(str).replace("3", "new") for table in (train, targets)]
    expect_close(call(answer, *words), right, "Ids may be texts, not only numbers.")
