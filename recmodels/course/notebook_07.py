"""Checks of the exercises of notebook 07, losses."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("07.1")
@np.errstate(all="ignore")
def check_bce(answer) -> None:
    """Binary cross-entropy of one positive and several negatives, from scores."""
    expect(callable(answer), "Give a function of the positive scores and the negative scores.")
    rng = np.random.default_rng(71)
    positive, negatives = rng.normal(size=4), rng.normal(size=(4, 3))
    found = np.asarray(answer(positive, negatives))
    expect(
        found.shape == (4,),
        f"Four questions were asked, so four losses are expected, not the shape {found.shape}.",
    )
    one = np.asarray(answer(positive, negatives[:, :1]))
    expect(
        not np.allclose(one, _bce(-positive, -negatives[:, :1])),
        "It falls when the negative's score rises: the two have changed places.",
    )
    expect(
        not np.allclose(one, _softplus(-positive)),
        "The negatives make no difference; scoring everything high would cost nothing.",
    )
    expect(
        not np.allclose(one, -_bce(positive, negatives[:, :1])),
        "A loss is small when a model is right; yours is largest then.",
    )
    expect_close(
        one, _bce(positive, negatives[:, :1]), "Even with a single negative the numbers differ."
    )
    expect_close(
        found,
        _bce(positive, negatives),
        "With one negative it is right. With three, the negatives together must weigh as much as "
        "one would.",
    )
    large = np.asarray(answer(np.array([-1000.0, 900.0]), np.array([[1000.0], [-950.0]])))
    expect(
        np.isfinite(large).all(), "A score of a thousand, on the wrong side, gives no finite loss."
    )
    expect_close(large, [2000.0, 0.0], "Large scores give finite losses, but not the right ones.")


@exercise("07.2")
@np.errstate(all="ignore")
def check_sampled(answer) -> None:
    """Sampled softmax with logQ correction."""
    expect(callable(answer), "Give a function of positive, negatives, log_counts and hit.")
    rng = np.random.default_rng(72)
    positive, negatives = rng.normal(size=4), rng.normal(size=(4, 6))
    even, hit = np.zeros((4, 6)), np.zeros((4, 6), bool)
    found = np.asarray(answer(positive, negatives, even, hit))
    expect(
        found.shape == (4,),
        f"Four questions were asked, so four losses are expected, not the shape {found.shape}.",
    )
    alone = np.log(np.exp(negatives).sum(axis=1)) - positive
    expect(
        not np.allclose(found, alone),
        "The target is an item of the catalogue too: it is missing from the sum.",
    )
    expect_close(
        found,
        _sampled(positive, negatives, even, hit),
        "Even with counts of one and nothing to leave out it is not the softmax over the target "
        "and the negatives.",
    )
    _check_correction(answer, positive, negatives, found)


def _check_correction(answer, positive, negatives, found) -> None:
    """Of counts, of targets among the negatives and of large scores; `found` has none of them."""
    log_counts, hit = np.random.default_rng(73).normal(size=(4, 6)), np.zeros((4, 6), bool)
    corrected = np.asarray(answer(positive, negatives, log_counts, hit))
    expect(
        not np.allclose(corrected, found),
        "How negatives were drawn makes no difference: what is drawn often is refused too often.",
    )
    expect(
        not np.allclose(corrected, _sampled(positive, negatives, -log_counts, hit)),
        "The correction is there with the wrong sign: an item that is drawn often must count for "
        "less each time.",
    )
    expect_close(
        corrected,
        _sampled(positive, negatives, log_counts, hit),
        "It is right for counts of one, but not for others.",
    )
    hit[1, 2] = hit[3, :2] = True
    expect_close(
        answer(positive, negatives, log_counts, hit),
        _sampled(positive, negatives, log_counts, hit),
        "It is right until a negative happens to be the target; that one must not be refused.",
    )
    large = np.asarray(answer(positive + 1000, negatives + 1000, log_counts, hit))
    expect_close(
        large,
        _sampled(positive, negatives, log_counts, hit),
        "Raising all scores by a thousand must not move the loss, let alone break it.",
        1e-4,
    )


@exercise("07.3")
@np.errstate(all="ignore")
def check_optimum(answer) -> None:
    """The scores that binary cross-entropy converges to, for any proposal."""
    expect(callable(answer), "Give a function of the probabilities and the proposal.")
    rng = np.random.default_rng(73)
    p, even = rng.dirichlet(np.ones(5)), np.full(5, 0.2)
    found = np.asarray(answer(p, even), float)
    expect(found.shape == (5,), f"Five items have five scores; yours have the shape {found.shape}.")
    expected = _optimum(p, even)
    sigmoid = 1 / (1 + np.exp(-expected))
    expect(
        not np.allclose(found, sigmoid),
        "These are the probabilities the model states; asked are the scores they come from.",
    )
    expect(
        not np.allclose(found, -expected),
        "The most likely item has the lowest score: which term pulls it up?",
    )
    expect(
        not np.allclose(found, np.log(p)),
        "Those would be the scores of a softmax. Binary cross-entropy knows nothing of a whole "
        "that must sum to one.",
    )
    expect(
        not np.allclose(found, np.log(p) - np.log(even)),
        "Very near, and the order is right. But a drawn item that is itself the target does not "
        "count: how often does an item count as a negative?",
    )
    expect(
        not np.allclose(found, np.log(p) - np.log(1 - p)),
        "These are the true probabilities, as if each question refused every other item. It "
        "refuses one that was drawn.",
    )
    expect_close(found, expected, "Even with negatives drawn evenly the scores are not right.")
    q = rng.dirichlet(np.ones(5))
    expect_close(
        answer(p, q),
        _optimum(p, q),
        "It is right where negatives are drawn evenly, and not where some are drawn more often.",
    )


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
