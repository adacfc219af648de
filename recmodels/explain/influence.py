"""How much the score of an item depends on each event, for any model that scores."""

from dataclasses import dataclass

import numpy as np

from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole
from recmodels.models.capabilities import HasAttention, require


@dataclass(frozen=True, eq=False)
class Influence:
    """One number per event of each explained row.

    Args:
        values: higher supports the item more, float32 (B, E), 0 where there is no event.
        errors: standard errors of the values, float32 (B, E), or None where they are exact.
        real: where there is an event, bool (B, E).
    """

    values: np.ndarray
    real: np.ndarray
    errors: np.ndarray | None = None

    def order(self) -> np.ndarray:
        """Places of the events, the most supporting first, int (B, E).

        Of equal values the later event comes first. Places without an event come last.
        """
        width = self.values.shape[1]
        ranked = np.where(self.real, self.values, -np.inf)[:, ::-1]
        return width - 1 - np.argsort(-ranked, axis=1, kind="stable")


def leave_one_out_influence(removal: Removal, k: int | None = None) -> Influence:
    """The score with all events less the score without each.

    Args:
        removal: the rows to explain.
        k: if given, the margin of the item above the k-th best other item takes the place of the
            score: an event that supports all items alike then has no influence. An item that
            the filter of seen items hides has none either.

    Example:
        >>> leave_one_out_influence(Removal(model, data.test, rows=[0])).values
        array([[0.1, -0.02, 1.3]], dtype=float32)
    """
    chosen, place = np.nonzero(removal.real)
    kept = removal.real[chosen]
    kept[np.arange(len(chosen)), place] = False
    rows = np.concatenate([np.arange(len(removal)), chosen])
    kept = np.concatenate([removal.real, kept])
    scores = removal.values(rows, kept, k)
    values = np.zeros(removal.real.shape, np.float32)
    values[chosen, place] = scores[chosen] - scores[len(removal) :]
    return Influence(values, removal.real)


def shapley(removal: Removal, permutations: int = 20, seed: int = 0) -> Influence:
    """Shapley values of the events, estimated from random orders in which events are added.

    The value of an event is the mean change of the score when it is added to those before it. The
    values of a row sum to the score with all events less the score with none of them, in every
    sample. Each random order is used together with its reverse, which lowers the variance. Rows of
    the same history have the same orders, so that each shorter history is read once.

    Castro, Gómez and Tejada, "Polynomial calculation of the Shapley value based on sampling",
    2009.

    Args:
        removal: the rows to explain.
        permutations: number of random orders, an even number of at least 4.
        seed: of the orders.

    Returns:
        Values with their standard errors, which come from the pairs of orders.

    Raises:
        ValueError: `permutations` is below 4.
    """
    pairs = check_whole("permutations", permutations, 4) // 2
    rng = np.random.default_rng(seed)
    total, squares = np.zeros((2, *removal.real.shape))
    queries, history = np.unique(removal.rows, return_inverse=True)
    for _ in range(pairs):
        drawn = rng.random((len(queries), removal.real.shape[1]))[history]
        draws = np.where(removal.real, drawn, np.inf)
        order = np.argsort(draws, axis=1)  # Real events first, in random order.
        lengths = removal.real.sum(axis=1, keepdims=True)
        steps = np.arange(order.shape[1])
        back = np.where(steps < lengths, lengths - 1 - steps, steps)
        reverse = np.take_along_axis(order, back, axis=1)
        mean = (_contributions(removal, order) + _contributions(removal, reverse)) / 2
        total += mean
        squares += mean**2
    values = total / pairs
    variance = np.maximum(squares / pairs - values**2, 0) * pairs / (pairs - 1)
    errors = np.sqrt(variance / pairs)
    return Influence(values.astype(np.float32), removal.real, errors.astype(np.float32))


def _contributions(removal: Removal, order: np.ndarray) -> np.ndarray:
    """Change of the score by each event when events are added in an order, (B, E)."""
    rows, width = order.shape
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(width), order.shape), axis=1)
    steps = np.arange(width + 1)
    kept = (place[:, None, :] < steps[None, :, None]) & removal.real[:, None, :]  # (B, E + 1, E)
    needed = steps[None, :] <= removal.real.sum(axis=1)[:, None]
    scores = np.zeros((rows, width + 1), np.float32)
    scores[needed] = removal.scores(np.nonzero(needed)[0], kept[needed])
    change = np.where(needed[:, 1:], np.diff(scores, axis=1), 0)
    return np.take_along_axis(change, place, axis=1)


def recency_influence(removal: Removal) -> Influence:
    """A floor: the later an event, the higher its value."""
    values = np.arange(1, removal.real.shape[1] + 1, dtype=np.float32)
    return Influence(np.where(removal.real, values, 0), removal.real)


def random_influence(removal: Removal, seed: int = 0) -> Influence:
    """A floor: random values."""
    values = np.random.default_rng(seed).random(removal.real.shape, np.float32)
    return Influence(np.where(removal.real, values, 0), removal.real)


def attention_influence(removal: Removal) -> Influence:
    """Attention weights of the last position on each event, the mean of all blocks and heads.

    Whether such weights explain anything is to be measured: see `faithfulness`.

    Raises:
        ValueError: the model has no attention.
    """
    require(removal.scorer, HasAttention, "`attention_influence`")
    inputs = removal.inputs(np.arange(len(removal)), removal.real)
    weights = removal.scorer.attention(inputs).mean(axis=(1, 2))  # (B, T)
    width = removal.real.shape[1]
    weights = np.pad(weights, [[0, 0], [max(0, width - weights.shape[1]), 0]])[:, -width:]
    return Influence(np.where(removal.real, weights, 0), removal.real)
