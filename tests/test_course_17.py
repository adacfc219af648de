"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 17."""

import numpy as np
from exercises import ExerciseBank


def cloze(item_ids, draws, p, mask_id):
    masked = (draws < p) & (item_ids > 0)
    return np.where(masked, mask_id, item_ids), np.where(masked, item_ids, 0)


def cloze_in_place(item_ids, draws, p, mask_id):
    inputs, targets = item_ids.copy(), item_ids.copy()
    chosen = np.logical_and(draws < p, item_ids != 0)
    inputs[chosen], targets[~chosen] = mask_id, 0
    return inputs, targets


def cloze_by_loop(item_ids, draws, p, mask_id):
    inputs, targets = [list(row) for row in item_ids], [[0] * len(row) for row in item_ids]
    for b, row in enumerate(item_ids):
        for t, item in enumerate(row):
            if item and draws[b][t] < p:
                inputs[b][t], targets[b][t] = mask_id, int(item)
    return inputs, targets


def cloze_by_product(item_ids, draws, p, mask_id):
    masked = (draws < p) * (item_ids > 0)
    return np.stack([item_ids * (1 - masked) + mask_id * masked, item_ids * masked])


def cloze_of(rule, asked=None):
    def answer(item_ids, draws, p, mask_id):
        masked = rule(item_ids, draws, p)
        wanted = masked if asked is None else asked(item_ids, draws, p)
        return np.where(masked, mask_id, item_ids), np.where(wanted, item_ids, 0)

    return answer


def below(item_ids, draws, p):
    return (draws < p) & (item_ids > 0)


def query(item_ids, mask_id, length):
    mask = np.full((len(item_ids), 1), mask_id)
    return np.concatenate([item_ids, mask], axis=1)[:, -length:]


def query_by_pad(item_ids, mask_id, length):
    return np.pad(item_ids, ((0, 0), (0, 1)), constant_values=mask_id)[:, -length:]


def query_of_full_length(item_ids, mask_id, length):
    rows = np.zeros((len(item_ids), length), int)
    kept = item_ids[:, -(length - 1) :]
    rows[:, -1] = mask_id
    rows[:, -1 - kept.shape[1] : -1] = kept
    return rows


def query_as_lists(item_ids, mask_id, length):
    return [[*row, mask_id][-length:] for row in item_ids.tolist()]


def share(length, p):
    return p * (1 - p) ** (length - 1) / (1 - (1 - p) ** length)


def share_by_product(length, p):
    return np.prod([1 - p] * int(length - 1) + [p]) / (1 - np.prod([1 - p] * int(length)))


def share_by_sum(length, p):
    """The first mask from the end is the last event, and no other follows it."""
    return p * (1 - p) ** (length - 1) / sum(p * (1 - p) ** k for k in range(int(length)))


class TestBank(ExerciseBank):
    right = {
        "17.1": [cloze, cloze_in_place, cloze_by_loop, cloze_by_product],
        "17.2": [query, query_by_pad, query_of_full_length, query_as_lists],
        "17.3": [share, share_by_product, share_by_sum],
    }
    wrong = {
        "17.1": [
            ("Padding is masked", cloze_of(lambda ids, d, p: d < p, below)),
            ("p or more", cloze_of(lambda ids, d, p: (d >= p) & (ids > 0))),
            ("exactly p", cloze_of(lambda ids, d, p: (d <= p) & (ids > 0))),
            ("masked items alone", cloze_of(below, lambda ids, d, p: ids > 0)),
            ("still show", lambda ids, d, p, m: (ids, cloze(ids, d, p, m)[1])),
            ("changed places", lambda *a: cloze(*a)[::-1]),
            ("not 0", lambda ids, d, p, m: cloze(ids, d, p, 0)),
            ("what was there", lambda ids, d, p, m: (cloze(ids, d, p, m)[0], below(ids, d, p) * m)),
            ("Return two arrays", lambda *a: cloze(*a)[0][0][:3]),
        ],
        "17.2": [
            ("more events than", lambda ids, m, n: query(ids, m, n + 1)),
            ("was replaced", lambda ids, m, n: query(ids[:, :-1], m, n)),
            ("at the beginning", lambda ids, m, n: np.roll(query(ids, m, n), 1, axis=1)),
            ("keeps the oldest", lambda ids, m, n: query(ids[:, : n - 1], m, n)),
            ("mask is missing", lambda ids, m, n: ids[:, -n:]),
            ("too few", lambda ids, m, n: query(ids, m, n - 1)),
            ("is an argument", lambda ids, m, n: query(ids, 0, n)),
            ("one row per history", lambda ids, m, n: query(ids, m, n)[0]),
        ],
        "17.3": [
            ("Divide by", lambda n, p: p * (1 - p) ** (n - 1)),
            ("must be visible", lambda n, p: p),
            ("T - 1 other", lambda n, p: share(n, p) * (1 - p)),
            ("one mask anywhere", lambda n, p: n * share(n, p)),
            ("not that none", lambda n, p: p * (1 - p) ** (n - 1) / (1 - p) ** n),
            ("denominator", lambda n, p: p * (1 - p) ** (n - 1) * (1 - (1 - p) ** n)),
            ("none or one", lambda n, p: (1 - p) ** n + n * p * (1 - p) ** (n - 1)),
            ("probabilities are wrong", lambda n, p: 0.5),
        ],
    }
