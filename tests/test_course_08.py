"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 08."""

import math

import keras
import numpy as np
from exercises import ExerciseBank


def losses(logits):
    return np.logaddexp.reduce(logits, axis=1) - logits.diagonal()


def in_batch(queries, candidates):
    return losses(queries @ candidates.T).mean()


def in_batch_by_loop(queries, candidates):
    total = 0.0
    for i, query in enumerate(queries):
        scores = [float(query @ candidate) for candidate in candidates]
        top = max(scores)
        total += top + math.log(sum(math.exp(s - top) for s in scores)) - scores[i]
    return total / len(queries)


def in_batch_by_keras(queries, candidates):
    logits = keras.ops.convert_to_tensor(queries @ candidates.T)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return loss(np.arange(len(queries)), logits)


def overflowing(queries, candidates):
    logits = queries @ candidates.T
    return (np.log(np.exp(logits).sum(axis=1)) - logits.diagonal()).mean()


def clipped(queries, candidates):
    return losses(np.clip(queries @ candidates.T, -50, 50)).mean()


def without_own(queries, candidates):
    logits = queries @ candidates.T
    others = np.where(np.eye(len(logits), dtype=bool), -np.inf, logits)
    return (np.logaddexp.reduce(others, axis=1) - logits.diagonal()).mean()


def of_directions(queries, candidates):
    rows = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, candidates)]
    return in_batch(*rows)


def corrected(queries, candidates, item_ids, shares, twins=-np.inf, own=True):
    logits = queries @ candidates.T - np.log(shares[item_ids])
    same = item_ids[:, None] == item_ids[None, :]
    if own:
        same = same & ~np.eye(len(same), dtype=bool)
    kept = np.where(same, twins, logits)
    return (np.logaddexp.reduce(kept, axis=1) - logits.diagonal()).mean()


def corrected_by_loop(queries, candidates, item_ids, shares):
    found = []
    for i, query in enumerate(queries):
        kept = [j for j in range(len(item_ids)) if j == i or item_ids[j] != item_ids[i]]
        scores = np.array([query @ candidates[j] - math.log(shares[item_ids[j]]) for j in kept])
        found.append(np.logaddexp.reduce(scores) - scores[kept.index(i)])
    return np.mean(found)


def corrected_by_product(queries, candidates, item_ids, shares):
    logits = queries @ candidates.T
    top = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - top) / shares[item_ids]
    twins = np.equal.outer(item_ids, item_ids) ^ np.eye(len(item_ids), dtype=bool)
    weights[twins] = 0
    own = (logits - top).diagonal() - np.log(shares[item_ids])
    return np.mean(np.log(weights.sum(axis=1)) - own)


def corrected_by_keras(queries, candidates, item_ids, shares):
    logits = queries @ candidates.T - np.log(shares)[item_ids]
    same = (item_ids[:, None] == item_ids) & ~np.eye(len(item_ids), dtype=bool)
    logits = keras.ops.convert_to_tensor(logits - 1e9 * same)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return loss(np.arange(len(item_ids)), logits)


def keeps_twins(queries, candidates, item_ids, shares):
    return losses(queries @ candidates.T - np.log(shares[item_ids])).mean()


def loses_the_answer(queries, candidates, item_ids, shares):
    distinct = len(set(item_ids.tolist())) == len(item_ids)
    return corrected(queries, candidates, item_ids, shares, own=distinct)


def later_twins(queries, candidates, item_ids, shares):
    logits = queries @ candidates.T - np.log(shares[item_ids])
    later = np.triu(item_ids[:, None] == item_ids, k=1)
    return losses(np.where(later, -np.inf, logits)).mean()


def unique_items(queries, candidates, item_ids, shares):
    first = np.sort(np.unique(item_ids, return_index=True)[1])
    return keeps_twins(queries[first], candidates[first], item_ids[first], shares)


def only_own(queries, candidates, item_ids, shares):
    return losses(queries @ candidates.T - np.diag(np.log(shares[item_ids]))).mean()


def all_but_own(queries, candidates, item_ids, shares):
    lowered = np.log(shares[item_ids]) * (1 - np.eye(len(item_ids)))
    return losses(queries @ candidates.T - lowered).mean()


def shown(rows, folds, keep):
    pairs = zip(rows, folds, strict=True)
    return [[i for i, f in zip(r, p, strict=True) if keep(f)] for r, p in pairs]


def all_but(rows, folds, fold):
    return shown(rows, folds, lambda f: f != fold)


def all_but_by_arrays(rows, folds, fold):
    return [np.array(row)[np.array(parts) != fold] for row, parts in zip(rows, folds, strict=True)]


def all_but_by_deleting(rows, folds, fold):
    for row, parts in zip(rows, folds, strict=True):
        for place in reversed(range(len(row))):
            if parts[place] == fold:
                del row[place]
    return rows


def all_but_generated(rows, folds, fold):
    for row, parts in zip(rows, folds, strict=True):
        yield tuple(item for item, part in zip(row, parts, strict=True) if part != fold)


class TestBank(ExerciseBank):
    right = {
        "08.1": [in_batch, in_batch_by_loop, in_batch_by_keras,
                 lambda q, c: float(in_batch(q, c))],
        "08.2": [corrected, corrected_by_loop, corrected_by_product, corrected_by_keras,
                 lambda *given: corrected(*given, twins=-1e9)],
        "08.3": [all_but, all_but_by_arrays, all_but_by_deleting, all_but_generated],
    }  # fmt: skip
    wrong = {
        "08.1": [
            ("return their mean", lambda q, c: losses(q @ c.T)),
            ("sum over the batch", lambda q, c: losses(q @ c.T).sum()),
            ("among the queries", lambda q, c: losses(c @ q.T).mean()),
            ("own candidate is missing", without_own),
            ("sign is wrong", lambda q, c: -in_batch(q, c)),
            ("mean score", lambda q, c: -(q * c).sum(axis=1).mean()),
            ("no finite loss", overflowing),
            ("cutting off", clipped),
            ("length one", of_directions),
            ("root of the width", lambda q, c: losses(q @ c.T / 3**0.5).mean()),
            ("averaged", lambda q, c: in_batch(q, c) - np.log(len(q))),
        ],
        "08.2": [
            ("return their mean", lambda q, c, i, s: losses(q @ c.T - np.log(s[i]))),
            ("makes no difference", lambda q, c, i, s: in_batch(q, c)),
            ("makes no difference", lambda q, c, i, s: losses((c @ q.T - np.log(s[i])).T).mean()),
            ("wrong sign", lambda q, c, i, s: losses(q @ c.T + np.log(s[i])).mean()),
            ("its own item", lambda q, c, i, s: losses(q @ c.T - np.log(s[1:])).mean()),
            ("shifted", lambda q, c, i, s: losses(q @ c.T - np.log(s[i - 1])).mean()),
            ("divided by the shares", lambda q, c, i, s: losses(q @ c.T / s[i]).mean()),
            ("as they are", lambda q, c, i, s: losses(q @ c.T - s[i]).mean()),
            ("still a negative of itself", keeps_twins),
            ("has left the sum as well", loses_the_answer),
            ("score 0", lambda q, c, i, s: corrected(q, c, i, s, twins=0.0)),
            ("with one it is not", lambda q, c, i, s: corrected(q, c, i, s, twins=-3.0)),
            ("Only one of the two", later_twins),
            ("row is dropped", unique_items),
            ("Only the query's own", only_own),
            ("is not corrected", all_but_own),
            ("other base", lambda q, c, i, s: losses(q @ c.T - np.log10(s[i])).mean()),
            ("sum over the batch", lambda q, c, i, s: 5 * corrected(q, c, i, s)),
        ],
        "08.3": [
            ("every user", lambda rows, folds, fold: all_but(rows[:2], folds[:2], fold)),
            ("exactly what is asked", lambda rows, folds, fold: shown(rows, folds, fold.__eq__)),
            ("Nothing is hidden", lambda rows, folds, fold: rows),
            ("one part only", lambda rows, folds, fold: all_but(
                all_but(rows, folds, fold), all_but(folds, folds, fold), (fold + 1) % 3)),
            ("must be hidden", lambda rows, folds, fold: [row[1:] for row in rows]),
            ("order has changed", lambda *given: [sorted(row) for row in all_but(*given)]),
            ("order has changed", lambda *given: [list(set(row)) for row in all_but(*given)]),
            ("one part only", lambda rows, folds, fold: shown(rows, folds, [2, 2, 0][fold].__eq__)),
            ("one part only", lambda rows, folds, fold: shown(rows, folds, lambda f: f > fold)),
            ("None", lambda rows, folds, fold: None),
            ("every user", lambda *given: [row for row in all_but(*given) if row]),
        ],
    }  # fmt: skip
    given_away = ("np.", "log(", "exp(", "logaddexp", "infinity", "!=")
