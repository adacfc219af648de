"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 22."""

import itertools
from math import factorial

import numpy as np
import pandas as pd
from exercises import ExerciseBank
from test_explain import Adding, make_queries

from recmodels.course.notebook_22 import VERDICTS, suspects
from recmodels.explain.influence import leave_one_out_influence
from recmodels.explain.removal import Removal

RIGHT = {"A": VERDICTS[3], "B": VERDICTS[0], "C": VERDICTS[1], "D": VERDICTS[2]}


def left_out(score, history):
    return [score(history[:n] + history[n + 1 :]) for n in range(len(history))]


def by_slices(score, history):
    return [score(history) - without for without in left_out(score, history)]


def by_pop(score, history):
    found = []
    for place in range(len(history)):
        shorter = list(history)
        shorter.pop(place)
        found.append(score(history) - score(shorter))
    return np.array(found)


def by_enumerate(score, history):
    return pd.Series(
        [score(history) - score([e for m, e in enumerate(history) if m != n])
         for n in range(len(history))]
    )  # fmt: skip


def by_removed_item(score, history):
    found = []
    for item in history:
        shorter = list(history)
        shorter.remove(item)
        found.append(score(history) - score(shorter))
    return found


def shapley(score, history, ordered=True, divide=True, orders=None):
    count = len(history)
    orders = list(itertools.permutations(range(count))) if orders is None else orders(count)
    values = np.zeros(count)
    for order in orders:
        for number, place in enumerate(order):
            before, after = order[:number], order[: number + 1]
            if ordered:
                before, after = sorted(before), sorted(after)
            values[place] += score([history[p] for p in after]) - score(
                [history[p] for p in before]
            )
    return values / (len(orders) if divide else 1)


def by_subsets(score, history):
    count, values = len(history), []
    for place in range(count):
        others, total = [p for p in range(count) if p != place], 0.0
        for size in range(count):
            share = factorial(size) * factorial(count - 1 - size) / factorial(count)
            for chosen in itertools.combinations(others, size):
                with_it = [history[p] for p in sorted((*chosen, place))]
                total += share * (score(with_it) - score([history[p] for p in chosen]))
        values.append(total)
    return values


def by_recursion(score, history):
    """Add events in all orders, one after another."""

    def walk(present, weight, values):
        rest = [p for p in range(len(history)) if p not in present]
        for place in rest:
            after = sorted([*present, place])
            change = score([history[p] for p in after]) - score([history[p] for p in present])
            values[place] += weight / len(rest) * change
            walk(after, weight / len(rest), values)
        return values

    return walk([], 1.0, [0.0] * len(history))


def pos_p(order=lambda values: np.argsort(-values), steps=lambda most: range(1, most + 1)):
    def answer(stays, values, most):
        found = []
        for step in steps(most):
            kept = np.ones(len(values), bool)
            kept[order(values)[:step]] = False
            found.append(stays(kept))
        return np.mean(found)

    return answer


def by_rank(stays, values, most):
    rank = np.argsort(np.argsort(-values))
    return sum(stays(rank >= m) for m in range(1, most + 1)) / most


def by_threshold(stays, values, most):
    ordered = sorted(values, reverse=True)
    return float(np.mean([stays(values < ordered[m]) for m in range(most)]))


def by_loop(stays, values, most):
    kept, count = np.ones(len(values), bool), 0
    for _ in range(most):
        kept[np.where(kept, values, -np.inf).argmax()] = False
        count += stays(kept)
    return count / most


def changed(**verdicts):
    return RIGHT | verdicts


class TestBank(ExerciseBank):
    right = {
        "22.1": [by_slices, by_pop, by_enumerate,
                 lambda score, history: score(history) - np.array(left_out(score, history))],
        "22.2": [shapley, by_subsets, by_recursion,
                 lambda score, history: shapley(score, history).tolist()],
        "22.3": [pos_p(), by_rank, by_threshold, by_loop],
        "22.4": [RIGHT, pd.Series(RIGHT), {n.lower(): v.upper() for n, v in RIGHT.items()},
                 dict(reversed(RIGHT.items()))],
    }  # fmt: skip
    wrong = {
        "22.1": [
            ("subtract them", left_out),
            ("takes the first event", by_removed_item),
            ("keep the others", lambda score, history: [score([item]) for item in history]),
            ("sign is wrong", lambda score, history: -np.array(by_slices(score, history))),
            ("not all events after", lambda score, history: [
                score(history) - score(history[:n]) for n in range(len(history))]),
            ("Do not divide", lambda score, history: (
                np.array(by_slices(score, history)) / score(history))),
            ("order is reversed", lambda score, history: by_slices(score, history)[::-1]),
            ("a value per event", lambda score, history: score(history) - score(history[1:])),
            ("influence is wrong", shapley),
        ],
        "22.2": [
            ("order of the history", lambda s, h: shapley(s, h, ordered=False)),
            ("leave-one-out", by_slices),
            ("One order", lambda s, h: shapley(s, h, orders=lambda count: [range(count)])),
            ("single events", lambda s, h: [s([item]) - s([]) for item in h]),
            ("divided by their number", lambda s, h: shapley(s, h, divide=False)),
            ("first and the last", lambda s, h: (
                np.array([s([item]) - s([]) for item in h]) + by_slices(s, h)) / 2),
            ("order is reversed", lambda s, h: shapley(s, h)[::-1]),
            ("a value per event", lambda s, h: shapley(s, h).sum()),
        ],
        "22.3": [
            ("NEG-P", pos_p(order=np.argsort)),
            ("leaves", lambda s, v, m: 1 - by_rank(s, v, m)),
            ("stay removed", lambda s, v, m: np.mean(
                [s(np.arange(len(v)) != p) for p in np.argsort(-v)[:m]])),
            ("Begin with one", pos_p(steps=range)),
            ("last one alone", pos_p(steps=lambda most: [most])),
            ("not a count", lambda s, v, m: m * by_rank(s, v, m)),
            ("are kept here", lambda s, v, m: np.mean(
                [s(np.argsort(np.argsort(-v)) < n) for n in range(1, m + 1)])),
            ("not by their places", pos_p(order=lambda v: np.arange(len(v)))),
            ("negative values", pos_p(order=lambda v: np.argsort(-np.abs(v)))),
            ("Boolean array", lambda s, v, m: s(np.argsort(-v)[m:])),
        ],
        "22.4": [
            ("Exactly one", dict.fromkeys("ABCD", "faithful")),
            ("Exactly one", dict.fromkeys("ABCD", "ignores the model")),
            ("verdict for each", {"A": VERDICTS[3]}),
            ("must be one of", changed(A="broken")),
            ("Give a dict", "B"),
            ("moves by one", changed(A=VERDICTS[2])),
            ("drawn again", changed(C=VERDICTS[3])),
            ("no shift", changed(D=VERDICTS[3])),
            ("Delete its five", changed(B=VERDICTS[3], D=VERDICTS[0])),
        ],
    }  # fmt: skip


def test_the_verdicts_on_the_suspects_are_true():
    lists = np.random.default_rng(5).integers(1, 5, (20, 8)).tolist()
    removals = [Removal(Adding(), make_queries(lists), items=[item] * 20) for item in (5, 6)]
    right, other = map(leave_one_out_influence, removals)
    found = suspects(removals[0])
    np.testing.assert_array_equal(found["B"].values, right.values)
    np.testing.assert_array_equal(found["A"].values[:, 42:-1], right.values[:, 43:])
    np.testing.assert_array_equal(found["D"].values, other.values)
    same = suspects(Removal(Adding(), make_queries(lists[::-1]), items=[5] * 20))["C"]
    np.testing.assert_array_equal(found["C"].values, same.values)
