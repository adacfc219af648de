"""Checks of the exercises of notebook 08, two towers."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("08.1")
@np.errstate(all="ignore")
def check_in_batch(answer) -> None:
    """Softmax of each query over the candidates of its batch, from vectors."""
    expect(callable(answer), "Give a function of the queries and the candidates.")
    rng = np.random.default_rng(81)
    queries, candidates = rng.normal(size=(2, 5, 3))
    logits = queries @ candidates.T
    own = logits.diagonal()
    found = np.asarray(answer(queries, candidates))
    expect(found.shape == (), f"One number was asked for, not the shape {found.shape}.")
    expect(
        not np.isclose(found, _losses(logits).sum()),
        "Twice the batch must not mean twice the loss.",
    )
    expect(
        not np.isclose(found, _losses(logits.T).mean()),
        "Here every candidate chooses among the queries; it should be the other way round.",
    )
    others = np.where(np.eye(5, dtype=bool), -np.inf, logits)
    expect(
        not np.isclose(found, (_log_sum(others) - own).mean()),
        "The probabilities of a query's candidates do not add up to one.",
    )
    expect(
        not np.isclose(found, -_losses(logits).mean()),
        "A loss is small where a model is right; yours is largest there.",
    )
    expect_close(found, _losses(logits).mean(), "The number differs for five queries.")
    large = np.asarray(answer(100 * queries, 100 * candidates))
    expect(np.isfinite(large), "Vectors a hundred times as long give no finite loss.")
    expect_close(large, _losses(1e4 * logits).mean(), "Long vectors give a wrong loss.", 1e-3)


@exercise("08.2")
@np.errstate(all="ignore")
def check_corrected(answer) -> None:
    """The same with logQ correction, and without accidental hits."""
    expect(callable(answer), "Give a function of the queries, the candidates, item_ids and shares.")
    rng = np.random.default_rng(82)
    queries, candidates = rng.normal(size=(2, 5, 3))
    shares = np.array([0.0, 0.5, 0.25, 0.15, 0.06, 0.04])
    apart, twice = np.array([4, 1, 5, 3, 2]), np.array([4, 1, 5, 1, 2])
    logits = queries @ candidates.T
    log_shares = np.log(shares[apart])
    found = np.asarray(answer(queries, candidates, apart, shares))
    expect(found.shape == (), f"One number was asked for, not the shape {found.shape}.")
    expect(
        not np.isclose(found, _losses(logits).mean()),
        "How frequent the items are makes no difference.",
    )
    expect(
        not np.isclose(found, _losses(logits + log_shares).mean()),
        "Frequent items are punished twice: the correction has the wrong direction.",
    )
    expect(
        not np.isclose(found, _losses(logits - np.log(shares[1:])).mean()),
        "Each candidate needs the share of the item it stands for.",
    )
    expect(
        not np.isclose(found, _losses(logits / shares[apart]).mean()),
        "Shares belong to probabilities; scores live on another scale.",
    )
    expect_close(found, _losses(logits - log_shares).mean(), "Without repeats the number differs.")
    _check_repeats(answer(queries, candidates, twice, shares), logits, twice, shares)


def _check_repeats(found, logits: np.ndarray, item_ids: np.ndarray, shares: np.ndarray) -> None:
    lowered = logits - np.log(shares[item_ids])
    same = item_ids[:, None] == item_ids[None, :]
    own = np.eye(len(item_ids), dtype=bool)
    expect(
        not np.isclose(found, _losses(lowered).mean()),
        "An item that stands twice is a rival of itself.",
    )
    rivals = _log_sum(np.where(same, -np.inf, lowered)) - lowered.diagonal()
    expect(
        not np.isclose(found, rivals.mean()),
        "With its twin the right answer itself has left the sum.",
    )
    expect(
        not np.isclose(found, _losses(np.where(same & ~own, 0, lowered)).mean()),
        "A twin still has a chance: a score of zero is not no chance.",
    )
    expected = _losses(np.where(same & ~own, -np.inf, lowered)).mean()
    expect_close(found, expected, "Without repeats it is right. With an item twice it is not.")


@exercise("08.3")
def check_shown(answer) -> None:
    """What each user is shown while a part of their ratings is asked for."""
    expect(callable(answer), "Give a function of the rows, the folds and the fold asked for.")
    rows = [[5, 3, 8, 2], [7, 3], [4], [6, 9, 1]]
    folds = [[0, 1, 2, 0], [1, 1], [0], [2, 0, 1]]
    for asked in (0, 1, 2):
        found = [[int(item) for item in row] for row in answer(rows, folds, asked)]
        expect(len(found) == len(rows), "Every user has a list, if only an empty one.")
        expect(found != _pick(rows, folds, {asked}), "The model would be shown what it is asked.")
        expect(found != rows, "Nothing is hidden.")
        expect(
            found != _pick(rows, folds, {(asked + 1) % 3}),
            "One part only is hidden; more of a user may be read.",
        )
        expected = _pick(rows, folds, {0, 1, 2} - {asked})
        expect(
            [set(row) for row in found] == [set(row) for row in expected],
            f"What is shown while part {asked} is asked for differs.",
        )
        expect(found == expected, "The items are right, but not as they came in.")


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
