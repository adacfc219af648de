"""Checks of the exercises of notebook 11b, faults in an evaluation: ranks, a split, a choice."""

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


@exercise("11b.1", "scores, targets and seen")
def check_ranks(answer) -> None:
    """`answer(scores, targets, seen)` gives pessimistic ranks among unseen items, (U,)."""
    scores = np.random.default_rng(112).normal(size=(4, 7))
    targets, seen = np.array([2, 0, 6, 3]), np.zeros((4, 7), bool)
    returned = numbers(call(answer, scores, targets, seen), (4,), "Return one rank for each user.")
    expect_unchanged(answer, scores, targets, seen)
    right = _ranks(scores, targets, seen)
    mistakes = {
        "The best item must have rank 1, not 0.": right - 1,
        "The target competes with itself.": right + 1,
        "The order is reversed: the highest score must have rank 1.": 8 - right,
    }
    expect_close(returned, right, "The ranks are wrong even without equal scores.", mistakes)
    seen[:, [1, 4]] = True
    mistakes = {"Seen items still compete; they must leave the list.": right}
    wanted = _ranks(scores, targets, seen)
    reason = "The ranks are wrong where items are seen."
    expect_close(call(answer, scores, targets, seen), wanted, reason, mistakes)
    alike = numbers(call(answer, np.zeros((4, 7)), targets, seen))
    expect(
        not (alike == 1).all(),
        "A model that gives all items the same score gets the best rank, 1, for every user.",
    )
    expect(
        len(set(alike)) == 1,
        "With all scores equal, the rank depends on the position of the item.",
    )
    reason = "With all scores equal and five items left, the target must have rank 5, the worst."
    expect_close(alike, np.full(4, 5), reason)
    rounded = scores.round()
    wanted = _ranks(rounded, targets, seen)
    reason = "It is wrong where only some items have equal scores."
    expect_close(call(answer, rounded, targets, seen), wanted, reason)


def _ranks(scores, targets, seen) -> np.ndarray:
    target_scores = np.take_along_axis(scores, targets[:, None], axis=1)
    return (np.where(seen, -np.inf, scores) >= target_scores).sum(axis=1)


@exercise("11b.2", "a table of events")
def check_split(answer) -> None:
    """`answer(events)` leaves each user's last event for the test, the one before to validate."""
    wanted = "Return three tables of events: training, validation, test."
    events = _events()
    sizes = events.groupby("user")["item"].transform("size")
    for table, kind in ((events, "in order of time"), (_shuffled(events), "in no order")):
        train, validation, test = event_tables(call(answer, table), 3, wanted)
        together = sorted(map(tuple, pd.concat([train, validation, test])[list(events)].to_numpy()))
        expect(
            together == sorted(map(tuple, events.to_numpy())),
            f"With rows {kind}, the three parts together are not the log: events are lost or "
            "doubled. Users with few events, and items that return, belong to it too.",
        )
        for part, name in ((validation, "validation"), (test, "test")):
            expect(part["user"].is_unique, f"A user has more than one event in the {name}.")
        expect(
            set(test["user"]) == set(validation["user"]) == set(events["user"][sizes >= 3]),
            "Users with three events or more must be in test and validation, the others only in "
            "training.",
        )
        before = validation.set_index("user")["timestamp"]
        after = test.set_index("user")["timestamp"]
        target_times = train["user"].map(before)
        expect(
            not (train["timestamp"] > target_times).any(),
            f"With rows {kind}, training holds a later event of a user than the validation does.",
        )
        expect(
            (before <= after[before.index]).all(),
            f"With rows {kind}, the validation event of a user comes after the test event.",
        )


def _events() -> pd.DataFrame:
    rng = np.random.default_rng(114)
    lengths = np.array([1, 2, 3, 4, 9, 6, 2])
    users = np.repeat(np.arange(len(lengths)) + 20, lengths)
    times = np.concatenate([np.sort(rng.permutation(1000)[:n]) for n in lengths])
    items = rng.integers(1, 8, len(users))  # Users come back to items.
    return pd.DataFrame({"user": users, "item": items, "timestamp": times})


def _shuffled(events: pd.DataFrame) -> pd.DataFrame:
    return events.sample(frac=1, random_state=5).reset_index(drop=True)


@exercise("11b.3", "validation and test")
def check_choice(answer) -> None:
    """`answer(validation, test)`: the variant chosen, and its score on the test users."""
    reason = "Return two numbers: the column of the chosen variant, and its score."
    rng = np.random.default_rng(14)
    validation, test = rng.random((30, 6)), rng.random((40, 6))
    by_validation, by_test = validation.mean(axis=0), test.mean(axis=0)
    chosen, best, worst = by_validation.argmax(), by_test.argmax(), by_validation.argmin()
    mistakes = {
        "The variant is chosen by the test users, so that its score there is too high.": [
            best,
            by_test[best],
        ],
        "The score is that of the validation users, by which the variant was chosen.": [
            chosen,
            by_validation[chosen],
        ],
        "The score is the best of the test, and not that of the chosen variant.": [
            chosen,
            by_test[best],
        ],
        "The score is the mean over all variants; report that of the chosen one.": [
            chosen,
            test.mean(),
        ],
        "It chooses the worst variant: a higher score is better.": [worst, by_test[worst]],
        "Columns are counted from 0.": [chosen + 1, by_test[chosen]],
        "The variant must come first, then its score.": [by_test[chosen], chosen],
        "It adds up the scores of the test users; take their mean.": [
            chosen,
            test[:, chosen].sum(),
        ],
    }
    returned = numbers(call(answer, validation, test), (2,), reason)
    expect_close(returned, [chosen, by_test[chosen]], "The answer is wrong.", mistakes)
    expect_unchanged(answer, validation, test)
    equal, lucky = np.ones((3, 2)), np.tile([0.0, 9.0], (4, 1))
    expect_close(
        call(answer, equal, lucky),
        [0, 0],
        "If variants are equal on the validation users, take the first, whatever the test says.",
    )
