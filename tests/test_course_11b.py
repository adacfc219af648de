"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 11b."""

import math

import numpy as np
import pandas as pd
import scipy.stats
from exercises import ExerciseBank

from recmodels.course import check


def own(scores, targets):
    return scores[np.arange(len(targets)), targets][:, None]


def ranks(scores, targets, seen):
    return (np.where(seen, -np.inf, scores) >= own(scores, targets)).sum(axis=1)


def ranks_by_loop(scores, targets, seen):
    found = []
    for row, target, hidden in zip(scores, targets, seen, strict=True):
        rivals = [row[i] for i in range(len(row)) if i != target and not hidden[i]]
        found.append(1 + sum(rival >= row[target] for rival in rivals))
    return found


def ranks_by_scipy(scores, targets, seen):
    lowered = np.where(seen, -1e9, scores)
    return own(scipy.stats.rankdata(-lowered, "max", axis=1), targets)[:, 0]


def by_sorting(scores, targets, seen):
    order = np.argsort(-np.where(seen, -np.inf, scores), axis=1, kind="stable")
    return 1 + np.argmax(order == targets[:, None], axis=1)


def optimistic(scores, targets, seen):
    return 1 + (np.where(seen, -np.inf, scores) > own(scores, targets)).sum(axis=1)


def hiding_in_place(scores, targets, seen):
    scores[seen | (scores < -1)] -= 1e-9
    return ranks(scores, targets, seen)


def split(events, by=("user", "timestamp"), least=3):
    events = events.sort_values(list(by), kind="stable")
    back = events.groupby("user").cumcount(ascending=False)
    back = back.where(events.groupby("user")["item"].transform("size") >= least, 9)
    return events[back > 1], events[back == 1], events[back == 0]


def split_by_tail(events):
    long = events.groupby("user").filter(lambda rows: len(rows) >= 3)
    long = long.sort_values("timestamp", kind="stable")
    test = long.groupby("user").tail(1)
    validation = long.drop(test.index).groupby("user").tail(1)
    return events.drop(test.index).drop(validation.index), validation, test


def split_by_loop(events):
    rows = {}
    for event in sorted(events.to_dict("records"), key=lambda event: event["timestamp"]):
        rows.setdefault(event["user"], []).append(event)
    train, validation, test = [], [], []
    for own in rows.values():
        if len(own) >= 3:
            test.append(own.pop())
            validation.append(own.pop())
        train += own
    return [pd.DataFrame(part, columns=events.columns) for part in (train, validation, test)]


def shuffled(events):
    return split(events.sample(frac=1, random_state=0), by=("user",))


def of_all_users(events):
    train, validation, test = split(events)
    return train[train["user"].isin(test["user"])], validation, test


def choice(validation, test):
    best = validation.mean(axis=0).argmax()
    return best, test[:, best].mean()


def choice_by_loop(validation, test):
    best, highest = 0, -math.inf
    for column in range(validation.shape[1]):
        score = sum(validation[:, column]) / len(validation)
        if score > highest:
            best, highest = column, score
    return [best, sum(test[:, best]) / len(test)]


def choice_by_pandas(validation, test):
    best = pd.DataFrame(validation).mean().idxmax()
    return np.array([best, pd.DataFrame(test)[best].mean()])


def chosen_by_test(validation, test):
    return choice(test, test)


def last_of_equal(validation, test):
    means = validation.mean(axis=0)
    best = np.flatnonzero(means == means.max())[-1]
    return best, test[:, best].mean()


def centred_in_place(validation, test):
    validation -= validation.mean()
    return choice(validation, test)


class TestBank(ExerciseBank):
    right = {
        "11b.1": [ranks, ranks_by_loop, ranks_by_scipy,
                 lambda *given: ranks(*given).astype(np.float32)],
        "11b.2": [split, split_by_tail, split_by_loop],
        "11b.3": [choice, choice_by_loop, choice_by_pandas,
                  lambda validation, test: tuple(map(float, choice(validation, test)))],
    }  # fmt: skip
    wrong = {
        "11b.1": [
            ("all items the same score", optimistic),
            ("position of the item", by_sorting),
            ("Seen items still compete", lambda s, t, seen: ranks(s, t, seen & False)),
            ("not 0", lambda *given: ranks(*given) - 1),
            ("the worst", lambda *given: (ranks(*given) + optimistic(*given)) // 2),
            ("order is reversed", lambda s, t, seen: ranks(-s, t, seen)),
            ("one rank for each", lambda s, t, seen: ranks(s, t, seen).mean()),
            ("competes with itself", lambda *given: ranks(*given) + 1),
            ("changes the array", hiding_in_place),
            ("some items", lambda s, t, seen: ranks(s, t, seen) if len(np.unique(s)) in (1, s.size)
             else optimistic(s, t, seen)),
        ],
        "11b.2": [
            ("in no order", lambda events: split(events, by=("user",))),
            ("three events or more", lambda events: split(events, least=2)),
            ("lost or doubled", lambda events: split(events.drop_duplicates(["user", "item"]))),
            ("comes after the test", lambda events: [split(events)[n] for n in (0, 2, 1)]),
            ("three tables", lambda events: events),
            ("in order of time", shuffled),
            ("lost or doubled", of_all_users),
            ("lost or doubled", lambda events: (events, *split(events)[1:])),
            ("lacks the column", lambda events: [part[["user", "item"]] for part in split(events)]),
            ("more than one event", lambda events: [split(events)[n] for n in (2, 1, 0)]),
        ],
        "11b.3": [
            ("chosen by the test users", chosen_by_test),
            ("that of the validation users", lambda v, t: choice(v, v)),
            ("not that of the chosen", lambda v, t: (choice(v, t)[0], t.mean(axis=0).max())),
            ("mean over all variants", lambda v, t: (choice(v, t)[0], t.mean())),
            ("worst variant", lambda v, t: choice(-v, t)),
            ("counted from 0", lambda v, t: (choice(v, t)[0] + 1, choice(v, t)[1])),
            ("must come first", lambda v, t: choice(v, t)[::-1]),
            ("two numbers", lambda v, t: choice(v, t)[1]),
            ("adds up", lambda v, t: (choice(v, t)[0], t[:, choice(v, t)[0]].sum())),
            ("answer is wrong", lambda v, t: choice(v.max(axis=0)[None], t)),
            ("take the first", last_of_equal),
            ("changes the array", centred_in_place),
        ],
    }  # fmt: skip
    given_away = ("np.", ">=", "[-", "cumcount", "tail", "argmax")


def test_a_split_that_ignores_timestamps_is_wrong_for_shuffled_rows():
    assert "in no order" in check("11b.2", lambda events: split(events, by=("user",))).reason
    assert "in order of time" in check("11b.2", shuffled).reason
