"""Checks of the exercises of notebook 13, intents, segments and seasons."""

import numpy as np
from scipy.special import logsumexp, rel_entr

from recmodels.course.checking import call, exercise, expect, expect_close, numbers, parts

ONE_PROBABILITY = "Return one probability for each segment."


@exercise("13.1", "weights, starts, moves and a history")
def check_responsibilities(answer) -> None:
    """Probability of each segment given one history, by the rule of Bayes."""
    rng = np.random.default_rng(131)
    given = rng.dirichlet([1, 2, 3]), rng.dirichlet([1] * 4, 3), rng.dirichlet([1] * 4, (3, 4))
    history = np.array([2, 0, 3, 3, 1])
    returned = numbers(call(answer, *given, history), (3,), ONE_PROBABILITY)
    joint = _joint(*given, history)
    right = _softmax(joint)
    _, starts, moves = given
    even, flat = np.ones(3) / 3, np.full((3, 4), 0.25)
    mistakes = {
        "These are joint probabilities; divide by their sum, so that they add up to 1.": (
            np.exp(joint)
        ),
        "These are logarithms; return probabilities.": (joint, np.log(right)),
        "The weights of the segments are not used: a large segment is more probable beforehand.": (
            _softmax(_joint(even, starts, moves, history))
        ),
        "The first event is not used: each segment has its own probability of starting there.": (
            _softmax(_joint(given[0], flat, moves, history))
        ),
        "The transitions are read backwards: the row is the state before, the column the one "
        "after.": _softmax(_joint(given[0], starts, moves.transpose(0, 2, 1), history)),
        "Only the first event is used; multiply by the probability of every transition.": (
            _softmax(_joint(given[0], starts, moves, history[:1]))
        ),
        "Only the last transition is used; multiply by the probability of every one.": (
            _softmax(_last_transition(given, history))
        ),
        "The last transition is missing.": _softmax(_joint(*given, history[:-1])),
        "This names the most probable segment only; return all probabilities.": (
            np.eye(3)[right.argmax()]
        ),
    }
    expect_close(returned, right, "The probabilities are wrong.", mistakes)
    _check_lengths(answer, given, rng)


def _check_lengths(answer, given, rng) -> None:
    """Check a history of one event and one of thousands."""
    one = np.array([1])
    reason = "It is right for five events and wrong for a single one, which has no transition."
    expect_close(call(answer, *given, one), _softmax(_joint(*given, one)), reason)
    long = rng.integers(4, size=3_000)
    returned = numbers(call(answer, *given, long), (3,), ONE_PROBABILITY)
    reason = (
        "The product of 3,000 probabilities is too small for a number of the computer. Add up "
        "logarithms, and subtract the largest sum before going back to probabilities."
    )
    expect(np.isfinite(returned).all() and returned.sum() > 0.5, reason)
    expect_close(returned, _softmax(_joint(*given, long)), "It is wrong for a long history.")


@exercise("13.2", "times, bought, cut and days")
def check_example(answer) -> None:
    """How many events may be read before a cut, and whether the user buys in the days after."""
    times = np.array([1.0, 2.0, 4.0, 4.5, 6.0, 9.0, 12.0])
    bought = np.array([0, 1, 0, 0, 1, 0, 1], bool)
    counts = {3.0: 2, 4.0: 3, 0.5: 0, 20.0: 7}
    for cut, right in counts.items():
        known = _example(answer, times, bought, cut, 3.0)[0]
        at = int((times < cut).sum())
        reason = "An event in the second of the cut has been seen: it is an input."
        expect(known == right or known != at, reason)
        reason = "The first number counts the events that may be read: those up to the cut."
        expect(known == right, reason)
    cases = (
        (0.5, 0.25, False, "It counts a purchase after the end of the label window."),
        (3.0, 0.5, False, "It counts a purchase before the cut: this is known, not predicted."),
        (6.0, 1.0, False, "A purchase in the second of the cut is an input and cannot be a label."),
        (0.5, 1.0, False, "It takes an event that is no purchase for one."),
        (3.0, 4.0, True, "It misses a purchase inside the label window, which begins at the cut."),
        (3.0, 3.0, True, "A purchase exactly `days` after the cut still belongs to the window."),
    )
    for cut, days, right, reason in cases:
        expect(_example(answer, times, bought, cut, days)[1] == right, reason)


def _example(answer, times, bought, cut, days) -> tuple[float, bool]:
    returned = parts(
        call(answer, times, bought, cut, days), 2, "Return two values: how many, and whether."
    )
    known, label = (numbers(part, (), "Return single values, not arrays.") for part in returned)
    expect(label in (0, 1), "The second value must be true or false.")
    return float(known), bool(label)


@exercise("13.3", "two arrays of counts")
def check_divergence(answer) -> None:
    """Jensen-Shannon divergence of two arrays of counts, in bits."""
    latest, reference = np.array([30, 10, 40, 20]), np.array([210, 90, 60, 40])
    p, q = latest / latest.sum(), reference / reference.sum()
    right = _divergence(p, q)
    pooled = (latest + reference) / (latest + reference).sum()
    kl = rel_entr(p, q).sum()
    mistakes = {
        "This is in nats; divide by the logarithm of 2 for bits.": right * np.log(2),
        "The counts have not been divided by their sums: a longer window must not matter.": (
            _divergence(latest, reference)
        ),
        "Take the mean of the two parts, not their sum.": 2 * right,
        "This is the distance, the square root of the divergence.": np.sqrt(right),
        "This is a Kullback-Leibler divergence, which is infinite for a new value; compare each "
        "side with the mean of both.": (
            kl,
            kl / np.log(2),
            rel_entr(q, p).sum(),
            rel_entr(q, p).sum() / np.log(2),
        ),
        "The mean of both is that of the shares; here the larger window weighs more.": (
            (rel_entr(p, pooled).sum() + rel_entr(q, pooled).sum()) / 2 / np.log(2)
        ),
        "Only one side is compared with the mean.": (
            rel_entr(p, (p + q) / 2).sum() / np.log(2),
            rel_entr(q, (p + q) / 2).sum() / np.log(2),
            rel_entr(p, (p + q) / 2).sum() / np.log(2) / 2,
        ),
    }
    returned = numbers(call(answer, latest, reference), (), "Return a single number.")
    expect_close(returned, right, "The number is wrong.", mistakes)
    apart = numbers(call(answer, np.array([5, 0, 3]), np.array([0, 7, 3])), ())
    reason = "A count of 0 must add 0, not NaN or infinity: 0 log 0 is 0."
    expect(np.isfinite(apart), reason)
    right = _divergence(np.array([5, 0, 3]) / 8, np.array([0, 7, 3]) / 10)
    expect_close(apart, right, "It is wrong where a value occurs in one window only.")


def _joint(weights, starts, moves, history) -> np.ndarray:
    """Log probability of a history together with each segment, (K,)."""
    steps = np.log(moves[:, history[:-1], history[1:]]).sum(axis=1)
    return np.log(weights) + np.log(starts[:, history[0]]) + steps


def _last_transition(given, history) -> np.ndarray:
    weights, starts, moves = given
    step = np.log(moves[:, history[-2], history[-1]])
    return np.log(weights) + np.log(starts[:, history[0]]) + step


def _softmax(logs) -> np.ndarray:
    return np.exp(logs - logsumexp(logs))


def _divergence(p, q) -> float:
    m = (p + q) / 2
    return float((rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2 / np.log(2))
