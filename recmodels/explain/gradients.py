"""Influence of events by the gradients of a score with respect to their item vectors."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.explain.influence import Influence
from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder

PART_ROWS = 4  # Rows whose gradients are computed at once, at all points of the path.


def integrated_gradients(removal: Removal, steps: int = 256) -> Influence:
    """Integrate the gradient of the score from item vectors of zero to those of the events.

    The values of a row sum to the score with all events less the score with their item vectors at
    zero, except for the error of the integration: see `completeness_error`. An event with a vector
    of zero keeps its place in the history, unlike a removed one.

    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017.

    Args:
        removal: the rows to explain, with a sequence encoder such as SASRec as its scorer.
        steps: number of points of the Gauss-Legendre rule; memory grows with it.

    Raises:
        ValueError: the model is no sequence encoder with one vector per item, the backend of
            Keras is not TensorFlow, or `steps` is below 1.

    Example:
        >>> integrated_gradients(Removal(model, data.test, rows=[0])).values
        array([[0.2, -0.05, 1.1]], dtype=float32)
    """
    points, weights = np.polynomial.legendre.leggauss(check_whole("steps", steps))
    points, weights = (points + 1) / 2, weights / 2  # From -1..1 to 0..1.
    # Layer norms make the score change most where the vectors are shortest: most points are there.
    return _influence(removal, points**3, 3 * points**2 * weights)


def gradient_times_input(removal: Removal) -> Influence:
    """Multiply the gradient of the score by the item vector of each event, summed over features.

    It is `integrated_gradients` with a single point, at the end of the path.

    Raises:
        ValueError: see `integrated_gradients`.

    Example:
        >>> gradient_times_input(Removal(model, data.test, rows=[0])).values
        array([[0.1, -0.01, 0.7]], dtype=float32)
    """
    return _influence(removal, np.ones(1), np.ones(1))


def completeness_error(removal: Removal, influence: Influence) -> np.ndarray:
    """Error of the sum of integrated gradients, relative to the difference it should equal.

    The error is 0.01 where the sum is off by one percent of the score with all events less the
    score with their item vectors at zero. More `steps` make it smaller.

    Args:
        removal: the rows that were explained.
        influence: from `integrated_gradients`.

    Returns:
        Float64, (B,); 0 for an empty history.

    Raises:
        ValueError: see `integrated_gradients`; or `influence` has other rows.

    Example:
        >>> completeness_error(removal, integrated_gradients(removal)).max()
        0.002
    """
    must = "`influence` must be of the rows of `removal`"
    require(influence.values.shape == removal.real.shape, must, influence=influence.values.shape)

    def difference(rows: np.ndarray) -> np.ndarray:
        score, base, added = _score_of_vectors(removal, rows)
        return ops.convert_to_numpy(score(base + added) - score(base)).astype(np.float64)

    wanted = np.concatenate(_in_parts(removal, difference))
    return np.abs(influence.values.sum(axis=1) - wanted) / np.maximum(np.abs(wanted), 1e-9)


def _influence(removal: Removal, shares: np.ndarray, weights: np.ndarray) -> Influence:
    """Weighted sum of gradients at shares of the item vectors, times these vectors."""
    width = removal.real.shape[1]

    def integrate(rows: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        score, base, added = _score_of_vectors(removal, rows)
        changed = ops.concatenate([base + added * float(share) for share in shares])
        with tf.GradientTape() as tape:
            tape.watch(changed)
            total = ops.sum(score(changed))
        gradients = ops.convert_to_numpy(tape.gradient(total, changed)).astype(np.float64)
        mean = np.tensordot(weights, gradients.reshape(len(shares), *added.shape), axes=1)
        values = (mean * ops.convert_to_numpy(added)).sum(axis=-1)  # (B, T)
        return np.pad(values, [[0, 0], [max(0, width - values.shape[1]), 0]])[:, -width:]

    values = np.concatenate(_in_parts(removal, integrate)).astype(np.float32)
    return Influence(np.where(removal.real, values, 0), removal.real)


def _in_parts(removal: Removal, explain: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    """Results of `explain` for some rows at a time, after checking that there are gradients."""
    model = removal.scorer
    embedding = getattr(model, "item_embedding", None)
    must = "Gradients need a sequence encoder with one vector per item, such as SASRec"
    others = "`leave_one_out_influence` and `shapley` explain any model"
    items = isinstance(embedding, ItemEmbedding) and not isinstance(embedding, TokenEmbedding)
    has = isinstance(model, SequenceEncoder) and items
    require(has, f"{must}; {others}", model=type(model))
    backend = keras.backend.backend()
    must = "Gradients of explanations need the TensorFlow backend of Keras"
    require(backend == "tensorflow", f"{must}; {others}", backend=backend)
    starts = range(0, len(removal), PART_ROWS)
    return [explain(np.arange(start, min(start + PART_ROWS, len(removal)))) for start in starts]


def _score_of_vectors(removal: Removal, rows: np.ndarray) -> tuple[Callable, object, object]:
    """The score of each row's item as a function of the item vectors of its history.

    Returns:
        A function of vectors (N * B, T, D), one history of each row after the other, N times,
        that returns a tensor (N * B,). The vectors with those of the removable events at zero,
        (B, T, D). And the vectors of the removable events, 0 elsewhere.
    """
    model = removal.scorer
    checked = model.checked(removal.inputs(rows, removal.real[rows]))
    inputs = {name: np.asarray(checked[name]) for name in ("item_ids", *model.columns)}
    asked = ops.convert_to_tensor(model.item_vectors()[removal.items[rows] - 1])
    vectors = model.item_embedding(inputs["item_ids"])
    length = vectors.shape[1]
    older = np.arange(length) < length - removal.max_events
    base = vectors * ops.cast(older, vectors.dtype)[:, None]

    def score(vectors):
        times = vectors.shape[0] // len(rows)
        repeated = {name: np.concatenate([x] * times) for name, x in inputs.items()}
        with model.item_embedding.giving(vectors):
            states = model.last_state(repeated)
        scores = model.match(states, ops.cast(asked, states.dtype))
        own = np.tile(np.arange(len(rows)), times)[:, None]
        return ops.take_along_axis(scores, own, axis=1)[:, 0]

    return score, base, vectors - base
