"""The Keras models that learn word vectors from pairs: skip-gram with negatives, and GloVe."""

import keras
import numpy as np
from keras import ops

from recmodels.features.epochs import EpochBatches
from recmodels.layers.fast import fast_look_up


def skip_gram_loss(logits):
    """Negative log-likelihood of distinguishing the true context from drawn ones, mean over pairs.

        loss = -log sigmoid(c . o_0) - sum over k of log sigmoid(-c . o_k)

    Args:
        logits: c . o_k, (B, 1 + K), the true context first.

    Mikolov et al., "Distributed representations of words and phrases and their compositionality",
    2013, equation 4.
    """
    true, drawn = logits[:, 0], logits[:, 1:]
    return ops.mean(ops.softplus(-true) + ops.sum(ops.softplus(drawn), axis=1))


def glove_loss(predicted, counts, largest: float):
    """Weighted squared error of log-counts, mean over cells.

        loss = f(X) (w . v + b + d - log X)^2        f(X) = min(1, (X / largest)^0.75)

    Args:
        predicted: w . v + b + d, (B,).
        counts: X > 0, (B,).
        largest: the count from which on all cells weigh 1.

    Pennington, Socher and Manning, "GloVe: Global vectors for word representation", 2014,
    equations 8 and 9.
    """
    weights = ops.minimum(1.0, (counts / largest) ** 0.75)
    return ops.mean(weights * (predicted - ops.log(counts)) ** 2)


class PairVectors(keras.Model):
    """Two vectors per item, one as centre and one as context; row 0 is padding.

    Args:
        num_items: V.
        width: D.
        seed: of the initial vectors.
    """

    def __init__(self, num_items: int, width: int, seed: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_items, self.width, self.seed = num_items, width, seed

    def build(self, input_shape=None) -> None:
        for place, name in enumerate(("centres", "contexts")):
            spread = 0.5 / self.width**0.5
            start = keras.initializers.RandomUniform(-spread, spread, self.seed * 2 + place)
            table = self.add_weight((self.num_items + 1, self.width), start, name=name)
            setattr(self, name, table)


class SkipGram(PairVectors):
    """Dot products of centres (B,) and contexts (B, 1 + K), trained by `skip_gram_loss`."""

    def call(self, inputs):
        centres = fast_look_up(self.centres, inputs["centres"])  # (B, D)
        contexts = fast_look_up(self.contexts, inputs["contexts"])  # (B, 1 + K, D)
        return ops.einsum("bd,bkd->bk", centres, contexts)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return skip_gram_loss(y_pred)


class GloVeCells(PairVectors):
    """w . v + b + d of centres (B,) and contexts (B,), trained by `glove_loss` on their counts.

    Args:
        largest: see `glove_loss`.
        **kwargs: see `PairVectors`.
    """

    def __init__(self, largest: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.largest = largest

    def build(self, input_shape=None) -> None:
        super().build()
        shape = (self.num_items + 1, 1)
        self.centre_bias = self.add_weight(shape, "zeros", name="centre_bias")
        self.context_bias = self.add_weight(shape, "zeros", name="context_bias")

    def call(self, inputs):
        rows, columns = inputs["centres"], inputs["contexts"]
        products = fast_look_up(self.centres, rows) * fast_look_up(self.contexts, columns)
        biases = fast_look_up(self.centre_bias, rows) + fast_look_up(self.context_bias, columns)
        return ops.sum(products, axis=1) + biases[:, 0]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return glove_loss(y_pred, y, self.largest)


class CellBatches(EpochBatches):
    """The cells of a matrix of counts in an order that is drawn anew in every epoch.

    Args:
        rows, columns: of the cells, int32 (N,).
        counts: float32 (N,).
        batch_size: cells per step.
        seed: of the order.
    """

    def __init__(self, rows, columns, counts, batch_size: int, seed: int) -> None:
        super().__init__(seed)
        self.rows, self.columns, self.counts = rows, columns, counts
        self.batch_size = batch_size
        self.set_epoch(0)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.rows))

    def __getitem__(self, index: int) -> tuple:
        cells = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        inputs = {"centres": self.rows[cells], "contexts": self.columns[cells]}
        return inputs, self.counts[cells]


class PairBatches(EpochBatches):
    """Centres with one true and K drawn contexts; an epoch reads each kept pair of events once.

    Args:
        items: of all events that belong to the catalogue, int32 (N,).
        users: row of the user of each, not decreasing, (N,).
        num_items: V.
        window: how many events before and after a centre are its contexts.
        num_negatives: K, drawn with probability proportional to count^0.75.
        subsample: t; an event of an item with share f of all is kept with probability
            min(1, sqrt(t / f)), before windows are cut.
        batch_size: pairs per step.
        seed: of the kept events, the order and the drawn contexts.
    """

    def __init__(
        self,
        items: np.ndarray,
        users: np.ndarray,
        num_items: int,
        window: int,
        num_negatives: int,
        subsample: float,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__(seed)
        self.items, self.users, self.window = items, users, window
        self.num_negatives, self.batch_size = num_negatives, batch_size
        counts = np.bincount(items, minlength=num_items + 1)
        shares = np.maximum(counts, 1) / len(items)
        self.kept_share = np.minimum(1, np.sqrt(subsample / shares))[items]
        self.ends = np.cumsum(counts**0.75) / np.sum(counts**0.75)
        # All epochs have as many steps as the expected number of pairs fills.
        self.steps = max(1, round(self._pairs(0)[0].size / batch_size))
        self.set_epoch(0)

    def __len__(self) -> int:
        return self.steps

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        centres, contexts = self._pairs(epoch)
        order = np.random.default_rng((self.seed, epoch, 1)).permutation(len(centres))
        # `resize` repeats the first pairs where fewer were kept than the steps need.
        self.order = np.resize(order, max(1, self.steps * self.batch_size))
        if self.steps == 1:
            self.order = order
        self.centres, self.contexts = centres, contexts

    def __getitem__(self, index: int) -> tuple:
        pairs = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        generator = np.random.default_rng((self.seed, self.epoch, 2, index))
        uniform = generator.random((len(pairs), self.num_negatives))
        drawn = np.searchsorted(self.ends, uniform, side="right")
        contexts = np.concatenate([self.contexts[pairs][:, None], drawn], axis=1)
        inputs = {"centres": self.centres[pairs], "contexts": contexts.astype(np.int32)}
        return inputs, np.zeros(len(pairs), np.float32)

    def _pairs(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng((self.seed, epoch, 0))
        kept = generator.random(len(self.items)) < self.kept_share
        centres, contexts, _ = pairs_within(self.items[kept], self.users[kept], self.window)
        return centres, contexts


def pairs_within(
    items: np.ndarray, users: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, context and distance of all pairs of events of a user at most `window` apart.

    Each pair is there in both directions.

    Args:
        items: (N,).
        users: not decreasing, (N,).
        window: at least 1.

    Example:
        >>> pairs_within(np.array([5, 2, 7]), np.array([0, 0, 1]), window=2)
        (array([5, 2]), array([2, 5]), array([1, 1]))
    """
    centres, contexts, distances = [], [], []
    for distance in range(1, min(window, len(items) - 1) + 1):
        same = users[:-distance] == users[distance:]
        first, second = items[:-distance][same], items[distance:][same]
        centres += [first, second]
        contexts += [second, first]
        distances.append(np.full(2 * len(first), distance))
    if not centres:
        return items[:0], items[:0], np.zeros(0, int)
    return np.concatenate(centres), np.concatenate(contexts), np.concatenate(distances)
