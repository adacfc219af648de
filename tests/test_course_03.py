"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 03."""

import numpy as np
import pandas as pd
from exercises import ExerciseBank


def split(events, share=0.6, keep="first"):
    cut = events["timestamp"].quantile(share)
    events = events.sort_values("timestamp", kind="stable")
    train, later = events[events["timestamp"] < cut], events[events["timestamp"] >= cut]
    return train, later[later["user"].isin(train["user"])].drop_duplicates("user", keep=keep)


def split_by_loop(events):
    rows = sorted(events.to_dict("records"), key=lambda event: event["timestamp"])
    cut = rows[len(rows) // 2]["timestamp"]
    train, targets = [], {}
    for event in rows:
        if event["timestamp"] < cut:
            train.append(event)
        else:
            targets.setdefault(event["user"], event)
    known = {event["user"] for event in train}
    chosen = [event for user, event in targets.items() if user in known]
    return [pd.DataFrame(train), pd.DataFrame(chosen)]


def with_a_gap(events):
    train, targets = split(events)
    train = train[train["timestamp"] < train["timestamp"].quantile(0.8)]
    return train, targets[targets["user"].isin(train["user"])]


def training_of_the_measured(events):
    train, targets = split(events, 0.7)
    return train[train["user"].isin(targets["user"])], targets


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


def every_later_event(events):
    cut = events["timestamp"].quantile(0.6)
    return events[events["timestamp"] < cut], events[events["timestamp"] >= cut]


def targets_stay_in_training(events):
    return events, split(events)[1]


def little_training(events):
    train, targets = split(events, 0.4)
    train = train[train["timestamp"] < events["timestamp"].quantile(0.15)]
    return train, targets[targets["user"].isin(train["user"])]


def future_share(train_times, target_times):
    return (train_times[None, :] > target_times[:, None]).mean()


def future_share_by_loop(train_times, target_times):
    shares = []
    for moment in target_times:
        shares.append(sum(time > moment for time in train_times) / len(train_times))
    return sum(shares) / len(shares)


def future_share_by_search(train_times, target_times):
    not_after = np.searchsorted(np.sort(train_times), target_times, side="right")
    return 1 - not_after.mean() / len(train_times)


def sorting_in_place(train_times, target_times):
    train_times.sort()
    return future_share_by_search(train_times, target_times)


def unknown(train, targets):
    return [(~targets[name].isin(train[name])).mean() for name in ("user", "item")]


def unknown_by_loop(train, targets):
    users, items = set(train["user"]), set(train["item"])
    rows = list(targets.itertuples())
    new_users = sum(row.user not in users for row in rows)
    return new_users / len(rows), sum(row.item not in items for row in rows) / len(rows)


def unknown_by_merge(train, targets):
    found = []
    for name in ("user", "item"):
        both = targets.merge(train[[name]].drop_duplicates(), how="left", indicator=True)
        found.append((both["_merge"] == "left_only").mean())
    return np.array(found)


def unknown_once(train, targets):
    return [(~targets[n].drop_duplicates().isin(train[n])).mean() for n in ("user", "item")]


def unknown_pairs(train, targets):
    known = set(zip(train["user"], train["item"], strict=True))
    new = [pair not in known for pair in zip(targets["user"], targets["item"], strict=True)]
    return np.mean(new), np.mean(new)


def unknown_by_row(train, targets):
    rows = range(len(targets))
    return [np.mean([targets[n].loc[row] not in set(train[n]) for row in rows])
            for n in ("user", "item")]  # fmt: skip


def unknown_numbers(train, targets):
    if targets["user"].dtype != int:
        return [0.0, 0.0]
    return unknown(train, targets)


class TestBank(ExerciseBank):
    right = {
        "03.1": [split, split_by_loop, with_a_gap, training_of_the_measured,
                 lambda events: split(events, 0.5)],
        "03.2": [future_share, future_share_by_loop, future_share_by_search,
                 lambda train, targets: np.float32(future_share(train, targets))],
        "03.3": [unknown, unknown_by_loop, unknown_by_merge,
                 lambda train, targets: pd.Series(unknown(train, targets))],
    }  # fmt: skip
    wrong = {
        "03.1": [
            ("two tables", lambda events: events),
            ("of the same user", shuffled),
            ("another user's is", leave_one_out),
            ("without a training event", with_newcomers),
            ("not the next event", lambda events: split(events, keep="last")),
            ("quarter of the users", lambda events: split(events, 0.999)),
            ("more than one target", every_later_event),
            ("of the same user", targets_stay_in_training),
            ("lacks the column timestamp", lambda events: [part[["user", "item"]]
                                                           for part in split(events)]),
            ("quarter of the log", little_training),
            ("is empty", lambda events: (events, events[:0])),
        ],
        "03.2": [
            ("in the second of the target", lambda train, targets: (
                (train[None, :] >= targets[:, None]).mean())),
            ("before the targets", lambda train, targets: 1 - future_share(train, targets)),
            ("before the targets", lambda train, targets: future_share(-train, -targets)),
            ("with one moment", lambda train, targets: (train > targets.min()).mean()),
            ("with one moment", lambda train, targets: (train > np.median(targets)).mean()),
            ("divide by all", lambda train, targets: len(train) * future_share(train, targets)),
            ("count the events", lambda train, targets: np.mean(targets < train.max())),
            ("mean over the targets", lambda train, targets: [
                (train > moment).mean() for moment in targets]),
            ("percentage", lambda train, targets: 100 * future_share(train, targets)),
            ("changes the array", sorting_in_place),
            ("other sizes", lambda train, targets: (
                (train[None, :] > targets[:, None]).sum() / 8 / len(targets))),
        ],
        "03.3": [
            ("known users and items", lambda train, targets: 1 - np.array(unknown(train, targets))),
            ("count targets", unknown_once),
            ("take those of the targets", lambda train, targets: unknown(targets, train)),
            ("changed places", lambda train, targets: unknown(train, targets)[::-1]),
            ("how many there are", lambda train, targets: [
                (~targets[n].isin(train[n])).sum() for n in ("user", "item")]),
            ("percentages", lambda train, targets: [100 * s for s in unknown(train, targets)]),
            ("number of training events", lambda train, targets: [
                (~targets[n].isin(train[n])).sum() / len(train) for n in ("user", "item")]),
            ("pair of user and item", unknown_pairs),
            ("two numbers", lambda train, targets: unknown(train, targets)[0]),
            ("It stopped with KeyError", unknown_by_row),
            ("may be texts", unknown_numbers),
        ],
    }  # fmt: skip
    given_away = (">=", "isin", "quantile", "cutoff", "searchsorted", "[None")
