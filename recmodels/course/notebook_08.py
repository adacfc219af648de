"""Checks of the exercises of notebook 08, two towers."""

import numpy as np

from recmodels.course.checking import (
    call,
    exercise,
    expect,
    expect_close,
    numbers,
    whole_numbers,
)

MEAN = "Return one number, the mean over the batch."


@exercise("08.1", "the queries and the candidates")
def check_in_batch(answer) -> None:
    """Softmax of each query over the candidates of its batch, from vectors."""
    queries, candidates = np.random.default_rng(81).normal(size=(2, 5, 3))
    logits = queries @ candidates.T
    target_logits, right = logits.diagonal(), _losses(logits).mean()
    others = np.where(np.eye(5, dtype=bool), -np.inf, logits)
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(candidates, axis=1)
    mistakes = {
        "These are the losses of all queries; return their mean.": _losses(logits),
        "This is the sum over the batch; return the mean.": _losses(logits).sum(),
        "Each candidate chooses among the queries; each query must choose among the candidates.": (
            _losses(logits.T).mean()
        ),
        "The query's own candidate is missing from the sum, so that probabilities do not add up to "
        "one.": (_log_sum(others) - target_logits).mean(),
        "The sign is wrong: a loss must be small where a model is right.": -right,
        "This is the mean score of the right pairs; it must be compared with the others.": (
            target_logits.mean(),
            -target_logits.mean(),
        ),
        "The exponentials are averaged; add them up.": right - np.log(5),
        "The vectors were scaled to length one; the loss uses the dot products as they are.": (
            _losses(logits / lengths).mean()
        ),
        "The scores are divided by the root of the width; the loss uses the dot products as they "
        "are.": _losses(logits / 3**0.5).mean(),
    }
    returned = call(answer, queries, candidates)
    expect_close(returned, right, "It is wrong for five queries.", mistakes)
    large = numbers(call(answer, 100 * queries, 100 * candidates), (), MEAN)
    expect(np.isfinite(large), "Vectors a hundred times as long give no finite loss.")
    right = _losses(1e4 * logits).mean()
    reason = "Long vectors give a wrong loss: cutting off large scores also cuts off the loss."
    expect_close(large, right, reason, tolerance=1e-3)


@exercise("08.2", "the queries, the candidates, item_ids and shares")
def check_corrected(answer) -> None:
    """The same with logQ correction, and without accidental hits."""
    queries, candidates = np.random.default_rng(82).normal(size=(2, 5, 3))
    shares = np.array([0.0, 0.5, 0.25, 0.15, 0.06, 0.04])
    apart, twice = np.array([4, 1, 5, 3, 2]), np.array([4, 1, 5, 1, 2])
    logits = queries @ candidates.T
    returned = call(answer, queries, candidates, apart, shares)
    right = _losses(logits - np.log(shares[apart])).mean()
    mistakes = _not_corrected(logits, apart, shares)
    expect_close(returned, right, "Even without repeated items it is wrong.", mistakes)
    _check_repeats(call(answer, queries, candidates, twice, shares), logits, twice, shares)
    _check_repeats(
        call(answer, queries, candidates, apart * 0 + 1, shares), logits, apart * 0 + 1, shares
    )
    large = numbers(call(answer, 100 * queries, 100 * candidates, twice, shares), (), MEAN)
    expect(np.isfinite(large), "Vectors a hundred times as long give no finite loss.")


def _not_corrected(logits: np.ndarray, item_ids: np.ndarray, shares: np.ndarray) -> dict:
    """Mistakes without repeated items, by the sentence that explains them."""
    log_shares, diagonal = np.log(shares[item_ids]), np.eye(5, dtype=bool)
    lowered = logits - log_shares
    return {
        "These are the losses of all queries; return their mean.": _losses(lowered),
        "This is the sum over the batch; return the mean.": _losses(lowered).sum(),
        "How frequent the items are makes no difference: the correction is the same for every "
        "candidate of a query, or it is missing.": _losses(logits).mean(),
        "The correction has the wrong sign: frequent items are drawn often and must be lowered.": (
            _losses(logits + log_shares).mean()
        ),
        "Each candidate needs the share of its own item: use the item ids.": (
            _losses(logits - np.log(shares[1:])).mean()
        ),
        "Item ids begin at 1, and `shares[0]` belongs to padding: no id must be shifted.": (
            _losses(logits - np.log(shares[item_ids - 1])).mean(),
        ),
        "The scores are divided by the shares; a score is the logarithm of a probability.": (
            _losses(logits / shares[item_ids]).mean()
        ),
        "The shares are taken as they are; a score is the logarithm of a probability.": (
            _losses(logits - shares[item_ids]).mean(),
            _losses(logits * shares[item_ids]).mean(),
        ),
        "Only the query's own candidate is corrected; the others must be as well.": (
            _losses(np.where(diagonal, lowered, logits)).mean(),
            (_log_sum(logits) - lowered.diagonal()).mean(),
        ),
        "The query's own candidate is not corrected; it is drawn like the others in the batch.": (
            _losses(np.where(diagonal, logits, lowered)).mean(),
            (_log_sum(lowered) - logits.diagonal()).mean(),
        ),
        "Each candidate chooses among the queries; each query must choose among the candidates.": (
            _losses(lowered.T).mean()
        ),
        "The logarithm has another base than the softmax.": (
            _losses(logits - np.log2(shares[item_ids])).mean(),
            _losses(logits - np.log10(shares[item_ids])).mean(),
        ),
    }


def _check_repeats(returned, logits: np.ndarray, item_ids: np.ndarray, shares: np.ndarray) -> None:
    lowered = logits - np.log(shares[item_ids])
    same = item_ids[:, None] == item_ids[None, :]
    diagonal = np.eye(len(item_ids), dtype=bool)
    later = same & np.tri(len(item_ids), k=-1, dtype=bool)
    unique = np.sort(np.unique(item_ids, return_index=True)[1])
    right = _losses(np.where(same & ~diagonal, -np.inf, lowered))
    mistakes = {
        "An item that occurs twice in the batch is still a negative of itself.": _losses(
            lowered
        ).mean(),
        "With its twin the query's own candidate has left the sum as well.": (
            (_log_sum(np.where(same, -np.inf, lowered)) - lowered.diagonal()).mean()
        ),
        "A repeated item gets the score 0, which still has a chance; it must have none.": (
            _losses(np.where(same & ~diagonal, 0, lowered)).mean(),
            _losses(np.where(same & ~diagonal, 0, logits) - np.log(shares[item_ids])).mean(),
        ),
        "Only one of the two twins is taken out: each is a false negative of the other.": (
            _losses(np.where(later, -np.inf, lowered)).mean(),
            _losses(np.where(later.T, -np.inf, lowered)).mean(),
        ),
        "A repeated row is dropped; drop the item only where it is a false negative.": (
            _losses(lowered[np.ix_(unique, unique)]).mean()
        ),
    }
    reason = "Without repeated items it is right, with one it is not."
    expect_close(returned, right.mean(), reason, mistakes)


@exercise("08.3", "the rows, the folds and the fold asked for")
def check_shown(answer) -> None:
    """What each user is shown while a part of their ratings is asked for."""
    rows = [[5, 3, 8, 2], [7, 3], [4], [6, 9, 1]]
    folds = [[0, 1, 2, 0], [1, 1], [0], [2, 0, 1]]
    for hidden in (0, 1, 2):
        returned = call(answer, rows, folds, hidden)
        expect(returned is not None, "It returned None: does the function end with `return`?")
        lists = [whole_numbers(row) for row in returned]
        expect(len(lists) == len(rows), "Return a list for every user, if only an empty one.")
        expect(
            lists != _pick(rows, folds, {hidden}),
            "It shows exactly what is asked for; hide that and show the rest.",
        )
        expect(lists != rows, "Nothing is hidden.")
        expect(
            lists not in [_pick(rows, folds, {other}) for other in {0, 1, 2} - {hidden}],
            "It shows one part only; all parts but the one that is asked for may be read.",
        )
        expected = _pick(rows, folds, {0, 1, 2} - {hidden})
        expect(
            [sorted(row) for row in lists] == [sorted(row) for row in expected],
            f"What is shown for part {hidden} is wrong: part {hidden} must be hidden "
            "and everything else shown.",
        )
        expect(lists == expected, "The items are right, but their order has changed.")


def _pick(rows: list[list[int]], folds: list[list[int]], wanted: set[int]) -> list[list[int]]:
    """The items of some parts."""
    return [
        [item for item, part in zip(row, parts, strict=True) if part in wanted]
        for row, parts in zip(rows, folds, strict=True)
    ]


def _log_sum(logits: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(logits, axis=1)


def _losses(logits: np.ndarray) -> np.ndarray:
    """Cross-entropy of each row, the right answer on the diagonal."""
    return _log_sum(logits) - logits.diagonal()
