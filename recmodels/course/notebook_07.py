"""Checks of the exercises of notebook 07, losses."""

import numpy as np

from recmodels.course.checking import call, exercise, expect, expect_close, numbers

ONE_LOSS = "Return one loss for each question."


@exercise("07.1", "the positive scores and the negative scores")
def check_bce(answer) -> None:
    """Binary cross-entropy of one positive and several negatives, from scores."""
    rng = np.random.default_rng(71)
    positive, negatives = rng.normal(size=4), rng.normal(size=(4, 3))
    one = numbers(call(answer, positive, negatives[:, :1]), (4,), ONE_LOSS)
    pulled, pushed = _softplus(-positive), _softplus(negatives[:, 0])
    mistakes = {
        "Positive and negatives have changed places: it falls when the negative's score rises.": (
            _softplus(positive) + _softplus(-negatives[:, 0])
        ),
        "The negatives make no difference: scoring everything high would cost nothing.": pulled,
        "The positive makes no difference: scoring everything low would cost nothing.": pushed,
        "This compares both scores in one sigmoid (BPR); BCE asks about each alone.": (
            _softplus(negatives[:, 0] - positive)
        ),
    }
    reason = "Even with one negative the numbers differ."
    expect_close(one, _bce(positive, negatives[:, :1]), reason, mistakes)
    _check_several(answer, positive, negatives)
    large = np.array([-1000.0, 900.0]), np.array([[1000.0], [-950.0]])
    returned = numbers(call(answer, *large))
    finite = np.isfinite(returned).all()
    expect(finite, "A score of a thousand on the wrong side gives no finite loss.")
    reason = "Large scores give wrong losses: cutting them off also cuts off the loss."
    expect_close(returned, [2000.0, 0.0], reason)


def _check_several(answer, positive, negatives) -> None:
    pulled, every = _softplus(-positive), _softplus(negatives)
    mistakes = {
        "With one negative it is right. With three, take their mean, so that they weigh as much as "
        "one.": (pulled + every.sum(axis=1)),
        "With one negative it is right. With three, only the first is used.": pulled + every[:, 0],
        "With one negative it is right. With three, average their losses, not their scores.": (
            pulled + _softplus(negatives.mean(axis=1))
        ),
        "With one negative it is right. With three, the mean runs over the questions as well.": (
            pulled + every.mean()
        ),
    }
    reason = "With one negative it is right, with three it is not."
    expect_close(call(answer, positive, negatives), _bce(positive, negatives), reason, mistakes)


@exercise("07.2", "positive, negatives, log_counts and hit")
def check_sampled(answer) -> None:
    """Sampled softmax with logQ correction."""
    rng = np.random.default_rng(72)
    positive, negatives = rng.normal(size=4), rng.normal(size=(4, 6))
    even, hit = np.zeros((4, 6)), np.zeros((4, 6), bool)
    returned = numbers(call(answer, positive, negatives, even, hit), (4,), ONE_LOSS)
    right = _sampled(positive, negatives, even, hit)
    mistakes = {
        "The target is missing from the sum: it is an item of the catalogue too.": (
            np.log(np.exp(negatives).sum(axis=1)) - positive
        ),
        "This is binary cross-entropy, which asks about each item alone.": (
            _bce(positive, negatives),
            _softplus(-positive) + _softplus(negatives).sum(axis=1),
        ),
        "The exponentials of the negatives are averaged; add them up.": (
            np.log(np.exp(positive) + np.exp(negatives).mean(axis=1)) - positive
        ),
    }
    reason = "Even with counts of one and no hits it is not the softmax over target and negatives."
    expect_close(returned, right, reason, mistakes)
    _check_correction(answer, positive, negatives, returned)


def _check_correction(answer, positive, negatives, returned) -> None:
    """Check the correction for counts; `returned` is the loss with counts of one."""
    log_counts, hit = np.random.default_rng(73).normal(size=(4, 6)), np.zeros((4, 6), bool)
    corrected = numbers(call(answer, positive, negatives, log_counts, hit))
    right = _sampled(positive, negatives, log_counts, hit)
    mistakes = {
        "How often a negative was to be expected makes no difference.": returned,
        "The correction has the wrong sign: an item that is drawn often must count for less.": (
            _sampled(positive, negatives, -log_counts, hit)
        ),
        "The target was not drawn, so it must not be corrected.": tuple(
            _sampled(positive - by, negatives, log_counts, hit)
            for by in (log_counts[:, 0], log_counts.mean(axis=1))
        ),
    }
    expect_close(corrected, right, "It is right for counts of one, but not for others.", mistakes)
    _check_hits(answer, positive, negatives, log_counts)


def _check_hits(answer, positive, negatives, log_counts) -> None:
    """Check negatives that are the target, and large scores."""
    hit = np.zeros((4, 6), bool)
    hit[1, 2] = hit[3, :2] = True
    right = _sampled(positive, negatives, log_counts, hit)
    zeroed = np.where(hit, 0, negatives - log_counts)
    mistakes = {
        "A negative that is the target still counts as a negative; leave it out.": (
            _sampled(positive, negatives, log_counts, False)
        ),
        "A negative that is the target has the score 0, which still counts; leave it out.": (
            _sampled(positive, zeroed, 0, False),
            _sampled(positive, np.where(hit, 0, negatives), log_counts, False),
        ),
        "Only the negatives that are the target are kept; leave those out.": (
            _sampled(positive, negatives, log_counts, ~hit)
        ),
        "A column is left out for all questions; leave out the negative of one question only.": (
            _sampled(positive, negatives, log_counts, hit | hit.any(axis=0))
        ),
    }
    reason = "It is right until a negative is the target; that negative must be left out."
    expect_close(call(answer, positive, negatives, log_counts, hit), right, reason, mistakes)
    for shift in (1000, -1000):
        moved = call(answer, positive + shift, negatives + shift, log_counts, hit)
        reason = f"Adding {shift:,} to all scores must not change the loss."
        expect_close(moved, right, reason, tolerance=1e-4)


@exercise("07.3", "the probabilities and the proposal")
def check_optimum(answer) -> None:
    """The scores that binary cross-entropy converges to, for any proposal."""
    rng = np.random.default_rng(73)
    p, q = rng.dirichlet(np.ones(5)), np.full(5, 0.2)
    returned = numbers(call(answer, p, q), (5,), "Return one score for each item.")
    reason = "Even with negatives drawn evenly the scores differ."
    expect_close(returned, _optimum(p, q), reason, _not_optimal(p, q))
    q = rng.dirichlet(np.ones(5))
    mistakes = {
        "The proposal is not used: it is right where negatives are drawn evenly only.": (
            _optimum(p, 0.2)
        ),
        **_not_optimal(p, q),
    }
    reason = (
        "It is right where negatives are drawn evenly, and not where some are drawn more often."
    )
    expect_close(call(answer, p, q), _optimum(p, q), reason, mistakes)


def _not_optimal(p, q) -> dict:
    right = _optimum(p, q)
    return {
        "These are the probabilities that the model states; return the scores they come from.": (
            1 / (1 + np.exp(-right))
        ),
        "This is the ratio of both probabilities; the score is its logarithm.": np.exp(right),
        "The sign is wrong: the most likely item must have the highest score.": -right,
        "These are the probabilities given, and no scores.": p,
        "These would be the scores of a softmax; with BCE, being drawn as a negative counts too.": (
            np.log(p)
        ),
        "It counts a drawn item as a negative even where it is the target: how often does an item "
        "count as a negative?": np.log(p / q),
        "It takes every other item for a negative each time; only the drawn one is.": (
            np.log(p / (1 - p))
        ),
        "The target is drawn by the user, not by the proposal: the chance of not being the target "
        "comes from p.": (
            np.log(p / (q * (1 - q))),
            np.log(p / (1 - q)),
            np.log(p * (1 - q) / (q * (1 - p))),
        ),
        "The proposal raises the score of what is drawn often; it must lower it.": (
            np.log(p * q / (1 - p))
        ),
        "Nothing makes these scores sum to one or to zero: BCE asks about each item alone.": (
            right - np.log(np.exp(right).sum()),
            right - right.mean(),
            np.exp(right) / np.exp(right).sum(),
        ),
    }


def _softplus(x) -> np.ndarray:
    return np.logaddexp(0.0, x)


def _bce(positive, negatives) -> np.ndarray:
    return _softplus(-positive) + _softplus(negatives).mean(axis=1)


def _sampled(positive, negatives, log_counts, hit) -> np.ndarray:
    corrected = np.where(hit, -np.inf, negatives - log_counts)
    scores = np.concatenate([positive[:, None], corrected], axis=1)
    return np.logaddexp.reduce(scores, axis=1) - positive


def _optimum(probabilities, proposal) -> np.ndarray:
    return np.log(probabilities) - np.log(proposal * (1 - probabilities))
