"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 14."""

import numpy as np
from exercises import ExerciseBank
from scipy.special import expit, logsumexp


def by_one_hot(item_ids, table):
    rows = np.eye(len(table))
    rows[0] = 0
    return rows[item_ids] @ table


def by_comparison(item_ids, table):
    one_hot = item_ids[..., None] == np.arange(len(table))
    return (one_hot * (np.arange(len(table)) > 0)) @ table


def by_index(item_ids, table):
    vectors = table[item_ids]
    vectors[item_ids == 0] = 0
    return vectors


def by_einsum(item_ids, table):
    return (
        np.einsum("btv,vd->btd", np.eye(len(table))[item_ids], table) * (item_ids != 0)[:, :, None]
    )


def by_loop(item_ids, table):
    zero = [0.0] * table.shape[1]
    return [[list(table[item]) if item else zero for item in row] for row in item_ids]


def changes_the_table(item_ids, table):
    table[0] = 0
    return table[item_ids]


def by_logaddexp(logits):
    signs = np.ones(logits.shape[1])
    signs[0] = -1
    return np.logaddexp(0, logits * signs).sum(axis=1).mean()


def by_parts(logits):
    return (np.logaddexp(0, -logits[:, 0]) + np.logaddexp(0, logits[:, 1:]).sum(axis=1)).mean()


def by_total(logits):
    true, drawn = np.logaddexp(0, -logits[:, 0]).sum(), np.logaddexp(0, logits[:, 1:]).sum()
    return (true + drawn) / len(logits)


def overflowing(logits):
    with np.errstate(all="ignore"):
        true = -np.log(expit(logits[:, 0]))
        return (true - np.log(1 - expit(logits[:, 1:])).sum(axis=1)).mean()


def by_matrix(history, num_items, window):
    events = np.arange(len(history))
    distance = np.abs(events[:, None] - events)
    weights = np.where((distance > 0) & (distance <= window), 1 / np.maximum(distance, 1), 0)
    one_hot = np.eye(num_items + 1)[history]
    return one_hot.T @ weights @ one_hot


def counting(rule, both=True, power=1):
    """An answer by a loop over all pairs of events whose distance a rule accepts."""

    def answer(history, num_items, window):
        counts = np.zeros((num_items + 1, num_items + 1))
        for i, first in enumerate(history):
            for j, second in enumerate(history):
                if rule(abs(i - j), window) and (both or i < j):
                    counts[first, second] += 1 / max(1, abs(i - j)) ** power
        return counts

    return answer


def near(distance, window):
    return 0 < distance <= window


def by_halves(history, num_items, window):
    half = counting(near, both=False)(history, num_items, window)
    return half + half.T


def by_steps(history, num_items, window):
    counts = np.zeros((num_items + 1, num_items + 1))
    for d in range(1, window + 1):
        np.add.at(counts, (history[:-d], history[d:]), 1 / d)
        np.add.at(counts, (history[d:], history[:-d]), 1 / d)
    return counts


def off_diagonal(*given):
    counts = by_matrix(*given)
    np.fill_diagonal(counts, 0)
    return counts


class TestBank(ExerciseBank):
    right = {
        "14.1": [by_one_hot, by_comparison, by_index, by_einsum, by_loop],
        "14.2": [by_logaddexp, by_parts, by_total],
        "14.3": [by_matrix, counting(near), by_halves, by_steps],
    }
    wrong = {
        "14.1": [
            ("Padding must have the vector 0", lambda ids, table: table[ids]),
            ("Padding must have the vector 0", lambda ids, table: np.eye(5)[ids] @ table),
            ("shifted by one", lambda ids, table: table[ids - 1]),
            ("one vector per event", lambda ids, table: by_index(ids, table).sum(axis=1)),
            ("changes the arrays", changes_the_table),
        ],
        "14.2": [
            ("wrong sign", lambda x: -by_parts(x)),
            ("takes their mean", lambda x: (
                np.logaddexp(0, -x[:, 0]) + np.logaddexp(0, x[:, 1:]).mean(axis=1)).mean()),
            ("not the sum", lambda x: by_parts(x) * len(x)),
            ("treated as true", lambda x: np.logaddexp(0, -x).sum(axis=1).mean()),
            ("drawn contexts are missing", lambda x: np.logaddexp(0, -x[:, 0]).mean()),
            ("true context is missing", lambda x: np.logaddexp(0, x[:, 1:]).sum(axis=1).mean()),
            ("softmax", lambda x: (logsumexp(x, axis=1) - x[:, 0]).mean()),
            ("base 2", lambda x: by_parts(x) / np.log(2)),
            ("-800", overflowing),
        ],
        "14.3": [
            ("both orders", counting(near, both=False)),
            ("not 1", counting(near, power=0)),
            ("window is wrong", counting(lambda d, w: 0 < d < w)),
            ("window is wrong", counting(lambda d, w: 0 < d)),
            ("diagonal", off_diagonal),
            ("no context of itself", counting(lambda d, w: d <= w)),
        ],
    }  # fmt: skip
