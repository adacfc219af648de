"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 01."""

from collections import Counter

import numpy as np
import pandas as pd
from exercises import ExerciseBank


def pairs(users, items):
    return pd.DataFrame({"user": users, "item": items})


def repeats_by_set(users, items):
    met, repeats = set(), 0
    for pair in zip(users, items, strict=True):
        repeats += pair in met
        met.add(pair)
    return repeats / len(users)


def neighbours(users, items):
    table = pairs(users, items)
    return (table == table.shift()).all(axis=1).mean()


def repeats_of_two(users, items):
    table = pairs(users, items)
    return table.duplicated().sum() / len(table.drop_duplicates())


def gini(counts):
    ordered, n = np.sort(counts), len(counts)
    return ((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum())


def gini_of_all_pairs(counts):
    total = sum(abs(int(a) - int(b)) for a in counts for b in counts)
    return total / len(counts) ** 2 / (2 * np.mean(counts))


def gini_of_distinct_pairs(counts):
    n = len(counts)
    gaps = [abs(counts[i] - counts[j]) for i in range(n) for j in range(i)]
    return np.mean(gaps) / (2 * np.mean(counts))


def gini_by_area(counts):
    lorenz = np.concatenate([[0], np.cumsum(np.sort(counts)) / np.sum(counts)])
    return 1 - 2 * np.trapezoid(lorenz, dx=1 / len(counts))


def area_between(counts):
    return gini_by_area(counts) / 2


def unsorted_gini(counts):
    n = len(counts)
    return ((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * counts.sum())


def gini_descending(counts):
    n, ordered = len(counts), np.sort(counts)[::-1]
    return ((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum())


def visits(users, times, gap):
    new = (np.diff(users) != 0) | (np.diff(times) > gap)
    return np.concatenate([[0], new.cumsum()])


def visits_by_loop(users, times, gap):
    numbers = [0]
    for i in range(1, len(users)):
        numbers.append(numbers[-1] + int(users[i] != users[i - 1] or times[i] - times[i - 1] > gap))
    return numbers


def visits_by_pandas(users, times, gap):
    log = pd.DataFrame({"user": users, "time": times})
    pause = log.groupby("user", sort=False)["time"].diff()
    return (pause.isna() | (pause > gap)).cumsum() - 1


def visits_in_floats(users, times, gap):
    found = np.zeros(len(users))
    found[1:] = ((users[1:] != users[:-1]) | (times[1:] - times[:-1] > gap)).cumsum()
    return found


def visits_per_user(users, times, gap):
    log = pd.DataFrame({"user": users, "new": np.r_[0, np.diff(times) > gap]})
    log.loc[log["user"] != log["user"].shift(), "new"] = 0
    return log.groupby("user")["new"].cumsum().to_numpy()


class TestBank(ExerciseBank):
    right = {
        "01.1": [
            repeats_by_set,
            lambda users, items: pairs(users, items).duplicated().mean(),
            lambda users, items: 1 - len({*zip(users, items, strict=True)}) / len(users),
            lambda *given: float(pairs(*given).groupby(["user", "item"]).cumcount().gt(0).mean()),
            lambda users, items: np.float32(repeats_by_set(users.tolist(), items.tolist())),
        ],
        "01.2": [gini, gini_of_all_pairs, gini_of_distinct_pairs, gini_by_area,
                 lambda counts: gini(list(map(float, counts)))],
        "01.3": [visits, visits_by_loop, visits_by_pandas, visits_in_floats,
                 lambda *given: visits(*given).astype(np.uint8)],
    }  # fmt: skip
    wrong = {
        "01.1": [
            ("other users", lambda users, items: pd.Series(items).duplicated().mean()),
            ("is not a repeat", lambda *given: pairs(*given).duplicated(keep=False).mean()),
            ("may lie between", neighbours),
            ("one of all events", repeats_of_two),
            ("number of repeats", lambda users, items: pairs(users, items).duplicated().sum()),
            ("one number", lambda users, items: pairs(users, items).duplicated()),
            ("None", lambda users, items: None),
            ("not repeats", lambda users, items: 1 - repeats_by_set(users, items)),
            ("percentage", lambda users, items: 100 * repeats_by_set(users, items)),
            ("pairs of user and item", lambda users, items: np.mean(
                [n > 1 for n in Counter(zip(users, items, strict=True)).values()])),
            ("averages the shares", lambda users, items: np.mean(
                [pd.Series(items[users == one]).duplicated().mean() for one in set(users)])),
            ("must be 0", lambda users, items: repeats_by_set(users, items) or 0.5),
        ],
        "01.2": [
            ("largest where all items are alike", lambda counts: 1 - gini(counts)),
            ("without an event", lambda counts: gini(counts[counts > 0])),
            ("half of it", area_between),
            ("six items", unsorted_gini),
            ("deviation", lambda counts: np.std(counts) / np.mean(counts)),
            ("share of the largest", lambda counts: np.sort(counts)[-1] / counts.sum()),
            ("mean difference itself", lambda c: np.abs(c[:, None] - c[None, :]).mean()),
            ("twice as large", lambda c: np.abs(c[:, None] - c[None, :]).mean() / c.mean()),
            ("order of the items", lambda c: gini(c) if c[-1] < c[0] else gini(c) / 2),
            ("six items", gini_descending),
            ("NaN", lambda counts: np.nan),
        ],
        "01.3": [
            ("never share", lambda u, t, gap: np.concatenate([[0], (np.diff(t) > gap).cumsum()])),
            ("exactly the gap", lambda u, t, gap: visits(u, t, gap - 1)),
            ("number 0", lambda u, t, gap: visits(u, t, gap) + 1),
            ("gap that is given", lambda u, t, gap: visits(u, t, 60)),
            ("for each event", lambda u, t, gap: visits(u, t, gap)[1:]),
            ("user changes", lambda u, t, gap: t // gap),
            ("Only users", lambda u, t, gap: np.concatenate([[0], (np.diff(u) != 0).cumsum()])),
            ("start again", visits_per_user),
            ("for each event", lambda u, t, gap: visits(u, t, gap).max() + 1),
        ],
    }  # fmt: skip
    given_away = ("duplicated", "np.", "cumsum", "==")
