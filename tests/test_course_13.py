"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 13."""

import math

import numpy as np
from exercises import ExerciseBank
from scipy.spatial.distance import jensenshannon
from scipy.special import logsumexp, softmax
from scipy.stats import entropy


def logs(weights, starts, moves, history):
    steps = np.log(moves[:, history[:-1], history[1:]]).sum(axis=1)
    return np.log(weights) + np.log(starts[:, history[0]]) + steps


def by_softmax(*given):
    return softmax(logs(*given))


def by_loop(weights, starts, moves, history):
    total = []
    for k in range(len(weights)):
        value = math.log(weights[k]) + math.log(starts[k][history[0]])
        for before, after in zip(history[:-1], history[1:], strict=True):
            value += math.log(moves[k][before][after])
        total.append(value)
    return [math.exp(value - max(total)) / sum(math.exp(v - max(total)) for v in total)
            for value in total]  # fmt: skip


def by_steps(weights, starts, moves, history):
    belief = weights * starts[:, history[0]]
    for before, after in zip(history, history[1:]):  # noqa: B905
        belief = belief * moves[:, before, after]
        belief = belief / belief.sum()
    return belief / belief.sum()


def by_log_sum(*given):
    joint = logs(*given)
    return np.exp(joint - logsumexp(joint))


def product(weights, starts, moves, history):
    joint = weights * starts[:, history[0]] * moves[:, history[:-1], history[1:]].prod(axis=1)
    return joint / joint.sum()


def not_normalised(weights, starts, moves, history):
    return weights * starts[:, history[0]] * moves[:, history[:-1], history[1:]].prod(axis=1)


def without_shares(weights, *given):
    return by_softmax(np.ones(len(weights)), *given)


def without_start(weights, starts, moves, history):
    return by_softmax(weights, np.ones_like(starts), moves, history)


def backwards(weights, starts, moves, history):
    steps = np.log(moves[:, history[1:], history[:-1]]).sum(axis=1)
    return softmax(np.log(weights) + np.log(starts[:, history[0]]) + steps)


def first_only(weights, starts, moves, history):
    return softmax(np.log(weights * starts[:, history[0]]))


def last_only(weights, starts, moves, history):
    return softmax(np.log(weights * starts[:, history[0]] * moves[:, history[-2], history[-1]]))


def last_missing(weights, starts, moves, history):
    return by_softmax(weights, starts, moves, history[:-1])


def hardened(*given):
    return np.eye(len(given[0]))[np.argmax(logs(*given))]


def never_one(weights, starts, moves, history):
    right = by_softmax(weights, starts, moves, history)
    return right if len(history) > 1 else weights


def shown(times, bought, cut, days):
    window = (times > cut) & (times <= cut + days)
    return int((times <= cut).sum()), bool((bought & window).any())


def shown_by_loop(times, bought, cut, days):
    known, label = 0, 0
    for time, buys in zip(times, bought, strict=True):
        if time <= cut:
            known += 1
        elif buys and time <= cut + days:
            label = 1
    return [known, label]


def shown_by_search(times, bought, cut, days):
    begin, end = np.searchsorted(times, [cut, cut + days], side="right")
    return begin, bought[begin:end].any()


def window(known, label):
    """An answer by functions of what is known and of the window."""

    def answer(times, bought, cut, days):
        return known(times, cut).sum(), (label(times, cut, days, bought)).any()

    return answer


def up_to(times, cut):
    return times <= cut


def shares(counts):
    return counts / counts.sum()


def divergence(latest, reference):
    p, q = shares(latest), shares(reference)
    return (entropy(p, (p + q) / 2, base=2) + entropy(q, (p + q) / 2, base=2)) / 2


def by_entropies(latest, reference):
    p, q = shares(latest), shares(reference)
    return entropy((p + q) / 2, base=2) - (entropy(p, base=2) + entropy(q, base=2)) / 2


def divergence_by_loop(latest, reference):
    total = 0.0
    for p, q in zip(shares(latest), shares(reference), strict=True):
        m = (p + q) / 2
        total += sum(x * math.log2(x / m) for x in (p, q) if x > 0) / 2
    return total


def with_nan(latest, reference):
    p, q = shares(latest), shares(reference)
    m = (p + q) / 2
    return (p * np.log2(p / m) + q * np.log2(q / m)).sum() / 2


def of_counts(p, q):
    m = (p + q) / 2
    return (p * np.log2(p / m) + q * np.log2(q / m)).sum() / 2


def pooled(latest, reference):
    p, q, m = shares(latest), shares(reference), shares(latest + reference)
    return (entropy(p, m, base=2) + entropy(q, m, base=2)) / 2


def one_sided(latest, reference):
    p, q = shares(latest), shares(reference)
    return entropy(p, (p + q) / 2, base=2)


def smoothed(latest, reference):
    return divergence(latest + 1e-3 * (latest == 0), reference + 1.0 * (reference == 0))


class TestBank(ExerciseBank):
    right = {
        "13.1": [by_softmax, by_loop, by_steps, by_log_sum],
        "13.2": [shown, shown_by_loop, shown_by_search],
        "13.3": [
            divergence,
            by_entropies,
            divergence_by_loop,
            lambda a, b: jensenshannon(a, b, base=2) ** 2,
        ],
    }
    wrong = {
        "13.1": [
            ("one probability for each", lambda *given: by_softmax(*given).max()),
            ("divide by their sum", not_normalised),
            ("logarithms; return", logs),
            ("weights of the segments", without_shares),
            ("first event is not used", without_start),
            ("read backwards", backwards),
            ("Only the first event", first_only),
            ("Only the last transition", last_only),
            ("last transition is missing", last_missing),
            ("most probable segment only", hardened),
            ("a single one", never_one),
            ("too small for a number", product),
        ],
        "13.2": [
            ("two values", lambda t, b, c, d: shown(t, b, c, d)[1]),
            ("single values", lambda t, b, c, d: (t <= c, b)),
            ("true or false", lambda t, b, c, d: (shown(t, b, c, d)[0], 2)),
            ("it is an input", window(lambda t, c: t < c, lambda t, c, d, b: b)),
            ("may be read", window(lambda t, c: t > c, lambda t, c, d, b: b)),
            ("before the cut", window(up_to, lambda t, c, d, b: b & (t <= c + d))),
            ("cannot be a label", window(up_to, lambda t, c, d, b: b & (t >= c) & (t <= c + d))),
            ("begins at the cut", window(up_to, lambda t, c, d, b: b & (t > c) & (t <= d))),
            ("exactly `days` after", window(up_to, lambda t, c, d, b: b & (t > c) & (t < c + d))),
            ("after the end", window(up_to, lambda t, c, d, b: b & (t > c))),
            ("no purchase", window(up_to, lambda t, c, d, b: (t > c) & (t <= c + d))),
        ],
        "13.3": [
            ("single number", lambda a, b: shares(a) - shares(b)),
            ("nats", lambda a, b: divergence(a, b) * math.log(2)),
            ("divided by their sums", of_counts),
            ("not their sum", lambda a, b: 2 * divergence(a, b)),
            ("the distance", lambda a, b: jensenshannon(a, b, base=2)),
            ("Kullback-Leibler", lambda a, b: entropy(shares(a), shares(b))),
            ("weighs more", pooled),
            ("one side", one_sided),
            ("0 log 0", with_nan),
            ("one window only", smoothed),
            ("sign is wrong", lambda a, b: -divergence(a, b)),
        ],
    }  # fmt: skip
    given_away = ("np.", "log2", "exp(", "softmax", "searchsorted", "logsumexp", "entropy(")
