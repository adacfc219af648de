"""Checks of the exercises of notebook 14, embeddings."""

import numpy as np

from recmodels.course.checking import call, exercise, expect_close, expect_unchanged, numbers


@exercise("14.1", "item ids and a table")
def check_lookup(answer) -> None:
    """Vectors of padded histories as a product of one-hot rows and a table."""
    rng = np.random.default_rng(141)
    item_ids, table = np.array([[0, 0, 3, 1], [2, 4, 4, 1]]), rng.normal(size=(5, 3))
    reason = "Return one vector per event: (B, T, D)."
    returned = numbers(call(answer, item_ids, table), (2, 4, 3), reason)
    right = table[item_ids] * (item_ids > 0)[..., None]
    mistakes = {
        "Padding must have the vector 0, whatever row 0 of the table holds.": table[item_ids],
        "The rows are shifted by one: item 1 has row 1 of the table.": (
            table[item_ids - 1],
            table[item_ids - 1] * (item_ids > 0)[..., None],
        ),
        "The vectors are normalised; return the rows as they are.": (
            right / np.maximum(np.linalg.norm(right, axis=-1, keepdims=True), 1e-12)
        ),
        "These are zeros and ones; multiply them by the table.": (
            np.broadcast_to((item_ids > 0)[..., None], right.shape)
        ),
    }
    expect_close(returned, right, "The vectors are wrong.", mistakes)
    expect_unchanged(lambda table, item_ids: answer(item_ids, table), table, item_ids)


@exercise("14.2", "logits, the true context first")
def check_loss(answer) -> None:
    """Loss of skip-gram with negative sampling, mean over the pairs."""
    logits = np.array([[2.0, -1.0, 0.5], [-0.3, 0.7, 1.1], [0.1, 0.0, -2.0], [4.0, 1.0, 1.0]])
    returned = numbers(call(answer, logits), (), "Return a single number.")
    true, drawn = np.logaddexp(0, -logits[:, 0]), np.logaddexp(0, logits[:, 1:])
    right = (true + drawn.sum(axis=1)).mean()
    softmax = (np.log(np.exp(logits).sum(axis=1)) - logits[:, 0]).mean()
    mistakes = {
        "The loss is negative log-likelihood; this one has the wrong sign.": -right,
        "Add the losses of the drawn contexts of a pair; this takes their mean.": (
            (true + drawn.mean(axis=1)).mean()
        ),
        "Take the mean over pairs, not the sum.": (true + drawn.sum(axis=1)).sum(),
        "The drawn contexts are treated as true ones.": np.logaddexp(0, -logits).sum(axis=1).mean(),
        "The drawn contexts are missing.": true.mean(),
        "The true context is missing.": drawn.sum(axis=1).mean(),
        "This is a softmax over the contexts; skip-gram decides about each one alone.": softmax,
        "These are logarithms to the base 2; use natural ones.": right / np.log(2),
    }
    expect_close(returned, right, "The loss is wrong.", mistakes)
    large = numbers(call(answer, np.array([[-800.0, 0.0]])), ())
    reason = "It is wrong for a logit of -800: use `logaddexp`, which does not overflow."
    expect_close(large, 800 + np.log(2), reason)


@exercise("14.3", "a history, the number of items and a window")
def check_counts(answer) -> None:
    """Co-occurrences of one history, each pair counting 1 / distance in both orders."""
    history = np.array([2, 1, 3, 2, 2])
    returned = numbers(call(answer, history, 3, 2), (4, 4), "Return V + 1 rows and columns.")
    right = _counts(history, 3, 2)
    mistakes = {
        "Each pair counts in both orders; this has one of them only.": (
            np.triu(right) + 0.0,
            _counts(history, 3, 2, both=False),
            _counts(history, 3, 2, both=False).T,
        ),
        "A pair at distance d counts 1 / d, not 1.": _counts(history, 3, 2, power=0),
        "The window is wrong: pairs at most `window` events apart count.": (
            _counts(history, 3, 1),
            _counts(history, 3, 3),
            _counts(history, 3, 5),
        ),
        "The window must not be a circle: nothing comes after the last event.": (
            _counts(np.append(history, history[:2]), 3, 2) - _counts(history[:2], 3, 2)
        ),
        "An item may occur near itself: keep the diagonal.": right - np.diag(np.diag(right)),
        "An event is no context of itself.": right + np.diag(np.bincount(history, minlength=4)),
    }
    expect_close(returned, right, "The counts are wrong.", mistakes)


def _counts(history, num_items: int, window: int, power: float = 1, both: bool = True):
    counts = np.zeros((num_items + 1, num_items + 1))
    for distance in range(1, min(window, len(history) - 1) + 1):
        for first, second in zip(history[:-distance], history[distance:], strict=True):
            counts[first, second] += 1 / distance**power
            counts[second, first] += both / distance**power
    return counts
