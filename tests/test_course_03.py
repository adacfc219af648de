"""Exercises of notebook 03: right answers pass, typical wrong ones hear what is wrong."""

import numpy as np
import pytest

from recmodels.course import check


def right_ndcg(ranks, k):
    return np.where(ranks <= k, 1 / np.log2(ranks + 1), 0)


def right_rank(scores, target):
    return int((scores >= scores[target]).sum())


def right_interval(values, generator):
    draws = generator.integers(0, len(values), (2000, len(values)))
    return np.quantile(values[draws].mean(axis=1), [0.025, 0.975])


def right_split(events):
    cut = events["timestamp"].quantile(0.6)
    events = events.sort_values("timestamp", kind="stable")
    train, later = events[events["timestamp"] < cut], events[events["timestamp"] >= cut]
    targets = later[later["user"].isin(train["user"])].drop_duplicates("user")
    return train, targets


def leave_one_out(events):
    events = events.sort_values("timestamp", kind="stable")
    targets = events.drop_duplicates("user", keep="last")
    return events.drop(targets.index), targets


def shuffled(events):
    targets = events.drop_duplicates("user")  # The rows come in no order.
    return events.drop(targets.index), targets


def with_newcomers(events):
    cut = events["timestamp"].quantile(0.01)
    events = events.sort_values("timestamp", kind="stable")
    train, later = events[events["timestamp"] < cut], events[events["timestamp"] >= cut]
    return train, later.drop_duplicates("user")


def last_and_not_next(events):
    cut = events["timestamp"].quantile(0.6)
    events = events.sort_values("timestamp", kind="stable")
    train, later = events[events["timestamp"] < cut], events[events["timestamp"] >= cut]
    targets = later[later["user"].isin(train["user"])].drop_duplicates("user", keep="last")
    return train, targets


def too_late(events):
    cut = events["timestamp"].quantile(0.999)
    events = events.sort_values("timestamp", kind="stable")
    return events[events["timestamp"] < cut], events[events["timestamp"] >= cut].drop_duplicates(
        "user"
    )


def percentiles_of_users(values, generator):
    return np.quantile(values, [0.025, 0.975])


def without_replacement(values, generator):
    draws = np.array([generator.permutation(values) for _ in range(200)])
    return np.quantile(draws.mean(axis=1), [0.025, 0.975])


def of_90_percent(values, generator):
    draws = generator.integers(0, len(values), (2000, len(values)))
    return np.quantile(values[draws].mean(axis=1), [0.05, 0.95])


def of_99_percent(values, generator):
    draws = generator.integers(0, len(values), (2000, len(values)))
    return np.quantile(values[draws].mean(axis=1), [0.005, 0.995])


RIGHT = {"03.1": right_ndcg, "03.2": right_rank, "03.3": right_interval, "03.4": right_split}
WRONG = {
    "03.1": {
        "no answer": None,
        "averaged": lambda ranks, k: right_ndcg(ranks, k).mean(),
        "infinite": lambda ranks, k: np.divide(
            ranks <= k, np.log2(ranks), out=np.full(ranks.shape, np.inf), where=ranks > 1
        ),
        "natural logarithm": lambda ranks, k: np.where(ranks <= k, 1 / np.log(ranks + 1), 0),
        "no end of the list": lambda ranks, k: 1 / np.log2(ranks + 1),
        "last place lost": lambda ranks, k: right_ndcg(ranks, k - 1),
        "reciprocal rank": lambda ranks, k: np.where(ranks <= k, 1 / ranks, 0),
        "k built in": lambda ranks, k: right_ndcg(ranks, 5),
    },
    "03.2": {
        "no answer": None,
        "from zero": lambda scores, target: right_rank(scores, target) - 1,
        "upside down": lambda scores, target: int((scores <= scores[target]).sum()),
        "ties are free": lambda scores, target: 1 + int((scores > scores[target]).sum()),
        "by position": lambda scores, target: (
            1 + np.argsort(-scores, kind="stable").tolist().index(target)
        ),
        "competes with itself": lambda scores, target: right_rank(scores, target) + 1,
        "half of the ties": lambda scores, target: int(
            (1 + (scores > scores[target]).sum() + (scores >= scores[target]).sum()) // 2
        ),
    },
    "03.3": {
        "no answer": None,
        "one number": lambda values, generator: values.mean(),
        "ends swapped": lambda values, generator: right_interval(values, generator)[::-1],
        "of the users": percentiles_of_users,
        "without replacement": without_replacement,
        "90 percent": of_90_percent,
        "99 percent": of_99_percent,
        "own generator": lambda values, generator: right_interval(values, np.random.default_rng()),
    },
    "03.4": {
        "no answer": None,
        "one table": lambda events: events,
        "shuffled": shuffled,
        "leave-one-out": leave_one_out,
        "with newcomers": with_newcomers,
        "not the next": last_and_not_next,
        "too late": too_late,
    },
}
# What a reason may not say: it would be the answer.
SOLUTIONS = (
    "log2(",
    "1 + rank",
    ">=",
    "replacement",
    "0.025",
    "97.5",
    "quantile",
    "sort",
    "cutoff",
)


@pytest.mark.parametrize("number", RIGHT)
def test_a_right_answer_passes(number):
    verdict = check(number, RIGHT[number])
    assert verdict, verdict


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_get_reasons_of_their_own_that_do_not_solve(number):
    verdicts = {name: check(number, answer) for name, answer in WRONG[number].items()}
    assert not [name for name, verdict in verdicts.items() if verdict]
    reasons = {name: verdict.reason for name, verdict in verdicts.items()}
    assert len(set(reasons.values())) == len(reasons), reasons
    assert not [r for r in reasons.values() if "stopped with" in r], reasons
    assert not [word for word in SOLUTIONS for r in reasons.values() if word in r]


def test_a_gap_between_training_and_targets_is_right_too():
    def with_a_gap(events):
        train, targets = right_split(events)
        train = train[train["timestamp"] < train["timestamp"].quantile(0.8)]
        return train, targets[targets["user"].isin(train["user"])]

    assert check("03.4", with_a_gap)
