"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks


def losses(logits):
    return np.logaddexp.reduce(logits, axis=1) - logits.diagonal()


def in_batch(queries, candidates):
    return losses(queries @ candidates.T).mean()


def overflowing(queries, candidates):
    logits = queries @ candidates.T
    return (np.log(np.exp(logits).sum(axis=1)) - logits.diagonal()).mean()


def clipped(queries, candidates):
    return losses(np.clip(queries @ candidates.T, -50, 50)).mean()


def without_own(queries, candidates):
    logits = queries @ candidates.T
    others = np.where(np.eye(len(logits), dtype=bool), -np.inf, logits)
    return (np.logaddexp.reduce(others, axis=1) - logits.diagonal()).mean()


def corrected(queries, candidates, item_ids, shares, twins=-np.inf, own=True):
    logits = queries @ candidates.T - np.log(shares[item_ids])
    same = item_ids[:, None] == item_ids[None, :]
    if own:
        same = same & ~np.eye(len(same), dtype=bool)
    kept = np.where(same, twins, logits)
    return (np.logaddexp.reduce(kept, axis=1) - logits.diagonal()).mean()


def keeps_twins(queries, candidates, item_ids, shares):
    return losses(queries @ candidates.T - np.log(shares[item_ids])).mean()


def loses_the_answer(queries, candidates, item_ids, shares):
    distinct = len(set(item_ids.tolist())) == len(item_ids)
    return corrected(queries, candidates, item_ids, shares, own=distinct)


def all_but(rows, folds, fold):
    return [
        [i for i, f in zip(r, p, strict=True) if f != fold]
        for r, p in zip(rows, folds, strict=True)
    ]


def only(rows, folds, fold):
    return [
        [i for i, f in zip(r, p, strict=True) if f == fold]
        for r, p in zip(rows, folds, strict=True)
    ]


RIGHT = {"08.1": in_batch, "08.2": corrected, "08.3": all_but}
WRONG = {
    "08.1": (
        lambda q, c: losses(q @ c.T),
        lambda q, c: losses(q @ c.T).sum(),
        lambda q, c: losses(c @ q.T).mean(),
        without_own,
        lambda q, c: -in_batch(q, c),
        lambda q, c: -(q * c).sum(axis=1).mean(),
        overflowing,
        clipped,
    ),
    "08.2": (
        lambda q, c, i, s: losses(q @ c.T - np.log(s[i])),
        lambda q, c, i, s: in_batch(q, c),
        lambda q, c, i, s: losses(q @ c.T + np.log(s[i])).mean(),
        lambda q, c, i, s: losses(q @ c.T - np.log(s[1:])).mean(),
        lambda q, c, i, s: losses(q @ c.T / s[i]).mean(),
        lambda q, c, i, s: losses(q @ c.T - s[i]).mean(),
        keeps_twins,
        loses_the_answer,
        lambda q, c, i, s: corrected(q, c, i, s, twins=0.0),
        lambda q, c, i, s: corrected(q, c, i, s, twins=-3.0),
    ),
    "08.3": (
        lambda rows, folds, fold: all_but(rows[:2], folds[:2], fold),
        only,
        lambda rows, folds, fold: rows,
        lambda rows, folds, fold: only(rows, folds, (fold + 1) % 3),
        lambda rows, folds, fold: [row[1:] for row in rows],
        lambda rows, folds, fold: [sorted(row) for row in all_but(rows, folds, fold)],
    ),
}


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("np.", "log(", "exp(", "logaddexp", "subtract", "minus", "infinity", "!=")
