"""Start the item table of an encoder from other vectors of the items."""

import numpy as np
from keras import ops

from recmodels.data.errors import invalid, require
from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.models.sequence_encoder import SequenceEncoder


def initialise_items(model: SequenceEncoder, vectors: np.ndarray, whiten: bool = True) -> None:
    """Replace the initial vectors of items by given ones, such as those of words or of texts.

    With more features than the model is wide, the first principal components are kept; with
    fewer, the other features keep their initial values, as do the unknown item, the mask and
    items whose vector is 0. The row of padding becomes 0. The result has the spread of the
    table's initial values, `item_embedding.initial_std`, in all features together, and with
    `whiten` in each one.

    `fit` prints that it keeps these weights. With another seed of `fit`, only the numbers that
    `fit` draws are different: build the model after `set_seed` if its other weights must be
    different too.

    Args:
        model: built or not, such as `SASRec(data.num_items, width=64)`.
        vectors: (V + 1, F), row i for item i; row 0 is ignored.
        whiten: whether all kept features get the same variance and no correlation.

    Raises:
        ValueError: `model` is no sequence encoder with a vector of its own for each item, or
            `vectors` are no numbers, of another shape, not finite, or all 0.

    Example:
        >>> words = Item2Vec(width=64).fit(data.train, data.num_items)
        >>> initialise_items(model, words.vectors)
        >>> fit(model, data)
    """
    must = "`model` must be a sequence encoder with items, such as `SASRec(data.num_items)`"
    encodes = isinstance(model, SequenceEncoder) and model.num_items is not None
    require(encodes, must, model=type(model).__name__)
    require(isinstance(whiten, bool), "`whiten` must be True or False", whiten=whiten)
    vectors = _checked(vectors, model.num_items + 1)
    known = np.flatnonzero(vectors[1:].any(axis=1)) + 1
    require(len(known), "`vectors` must not be all 0", vectors="0 everywhere")
    if not model.built:
        model.build()
    embedding = model.item_embedding
    own = not isinstance(embedding, TokenEmbedding) and getattr(embedding, "id_vectors", True)
    must = "`model` must have id vectors of its items: not those of tokens, and `id_vectors=True`"
    require(own, must, model=type(model).__name__)
    varies = np.ptp(vectors[known], axis=0).any()
    require(varies, "`vectors` must differ between items", vectors="one vector for all")
    parts = _principal(vectors[known], embedding.width, whiten)
    table = np.array(ops.convert_to_numpy(embedding.table))
    table[0] = 0
    table[known, : parts.shape[1]] = parts * embedding.initial_std
    embedding.table.assign(table)


def _checked(vectors: np.ndarray, rows: int) -> np.ndarray:
    """The vectors as float64, after checking them."""
    must = f"`vectors` must have {rows} rows, one per item and one for padding, and be finite"
    try:
        table = np.array(vectors, np.float64)
    except (TypeError, ValueError) as error:
        must = must.replace("be finite", "hold numbers")
        raise invalid(must, vectors=type(vectors).__name__, error=error) from error
    fits = table.ndim == 2 and len(table) == rows and np.isfinite(table[1:]).all()
    require(fits, must, shape=table.shape)
    return table


def _principal(vectors: np.ndarray, width: int, whiten: bool) -> np.ndarray:
    """The first principal components, (N, at most width), of variance 1 each or on average."""
    centred = vectors - vectors.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(width, int((strengths > 1e-9 * strengths.max(initial=1e-300)).sum()))
    components = left[:, :kept] * len(vectors) ** 0.5
    if not whiten:
        components = components * strengths[:kept]
        components /= max(np.sqrt((components**2).mean()), 1e-12)
    return components
