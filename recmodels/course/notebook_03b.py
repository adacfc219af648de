"""Checks of the exercises of notebook 03b, measure: NDCG, a rank with ties, an interval."""

import numpy as np

from recmodels.course.checking import call, exercise, expect, expect_close, numbers
from recmodels.course.intervals import expect_interval
from recmodels.evaluation.metrics import ndcg


@exercise("03b.1", "ranks and k")
def check_ndcg(answer) -> None:
    """`answer(ranks, k)`: NDCG@k of each rank, in the shape of the ranks."""
    ranks = np.array([1, 2, 5, 6, 40])
    listed = ranks <= 5
    with np.errstate(divide="ignore"):
        one_early = np.where(listed, 1 / np.log2(ranks), 0)
    mistakes = {
        "Return one value for each rank; do not average or add them up.": (
            ndcg(ranks, 5).mean(),
            ndcg(ranks, 5).sum(),
        ),
        "The logarithm has the wrong base.": (
            listed / np.log(ranks + 1),
            listed / np.log10(ranks + 1),
        ),
        "At rank 1 the logarithm is 0: take that of rank + 1.": one_early,
        "A target below place k must give 0.": 1 / np.log2(ranks + 1),
        "Place k is still on the list.": ndcg(ranks, 4),
        "Place k + 1 is no longer on the list.": ndcg(ranks, 6),
        "This is the reciprocal rank; NDCG discounts by a logarithm.": listed / ranks,
        "This only says whether the target is listed; a later place must count less.": listed,
    }
    returned = call(answer, ranks, 5)
    expect_close(returned, ndcg(ranks, 5), "The discounts are wrong.", mistakes)
    many = np.arange(1, 25).reshape(4, 6)
    other = numbers(call(answer, many, 7), (4, 6), "Return an array of the shape of the ranks.")
    expect_close(other, ndcg(many, 7), "It is right for k = 5 only: use the k that is given.")


@exercise("03b.2", "scores and the position of the target")
def check_rank(answer) -> None:
    """`answer(scores, target)`: the pessimistic rank of one item in one row of scores."""
    plain = np.array([0.3, 2.0, -1.0, 0.9, 0.1])
    rank = np.array([3, 1, 5, 2, 4])
    mistakes = {
        "The best item must have rank 1, not 0.": rank - 1,
        "The highest score must have rank 1.": (6 - rank, 5 - rank),
        "The target competes with itself.": rank + 1,
        "It returns which item has a rank, not the rank of an item.": np.argsort(-plain),
    }
    returned = _ranks(answer, plain, range(5))
    expect_close(returned, rank, "The ranks are wrong even where no scores are equal.", mistakes)
    tied = np.array([0.5, 0.7, 0.5, 0.5, 0.2, 0.7])
    returned = _ranks(answer, tied, (0, 3))
    expect(
        returned.tolist() != [3, 3],
        "Items with the score of the target must count as better than it.",
    )
    expect(
        returned[0] == returned[1],
        "Items with equal scores get different ranks, by their positions.",
    )
    expect_close(
        returned,
        [5, 5],
        "Among items with equal scores the target must have the last place, not a mean.",
    )
    expect_close(
        _ranks(answer, np.zeros(9), (4,)), [9], "If all scores are equal, the target must be last."
    )


def _ranks(answer, scores: np.ndarray, targets) -> np.ndarray:
    return np.array(
        [float(numbers(call(answer, scores, t), (), "Return one whole number.")) for t in targets]
    )


@exercise("03b.3", "values and a generator")
def check_interval(answer) -> None:
    """`answer(values, generator)`: the two ends of a 95 % bootstrap interval of the mean."""
    values = np.random.default_rng(8).gamma(0.3, 1.0, 200)
    reason = "Return two numbers, the lower and the upper end."

    def ends(seed: int) -> np.ndarray:
        return numbers(call(answer, values, np.random.default_rng(seed)), (2,), reason)

    expect_interval(ends, values, draws=2000)
