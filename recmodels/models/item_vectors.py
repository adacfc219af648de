"""Word vectors of items, learnt from histories as from sentences: item2vec and GloVe."""

import keras
import numpy as np
from keras import ops
from scipy import sparse

from recmodels.data.errors import require
from recmodels.features.checks import check_items, check_whole
from recmodels.features.histories import Histories
from recmodels.models.baseline import Baseline, history_matrix, training_events
from recmodels.models.word_vectors import (
    CellBatches,
    GloVeCells,
    PairBatches,
    SkipGram,
    pairs_within,
)


class ItemVectors(Baseline):
    """What models of item vectors share: neighbours, and scores by the mean of recent vectors.

        score(j) = cosine of v_j and  sum over the items i of the history of
                   decay ** age(i) * v_i / |v_i|

    Items without a training event have the vector 0 and the score 0. After `fit` the vectors are
    in `vectors`, float32 (V + 1, D), row i for item i. `initialise_items` copies them to an
    encoder.
    """

    learnt = {"vectors": "VD"}
    empty_score = 0.0  # That of a profile of zeros.

    def most_similar(self, item: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The items with the most similar vectors, without the item itself.

        Args:
            item: item id in 1..V with a training event.
            k: how many.

        Returns:
            Item ids (k,), most similar first, and cosines (k,); fewer where fewer are trained.

        Raises:
            ValueError: there is no such item, or training never saw it.

        Example:
            >>> items, cosines = Item2Vec().fit(data.train, data.num_items).most_similar(5, k=3)
        """
        (item,) = check_items([item], self.num_items)
        must = "`item` must have training events, from which its vector is learnt"
        require(self.counts[item], must, item=int(item))
        cosines = self._unit() @ self._unit()[item]
        cosines[(self.counts == 0) | (np.arange(len(cosines)) == item)] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: check_whole("k", k)]
        best = best[np.isfinite(cosines[best])]
        return best, cosines[best]

    def _unit(self) -> np.ndarray:
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return self.vectors / np.maximum(lengths, 1e-12)

    def _score(self, queries: dict[str, np.ndarray], columns: slice | np.ndarray) -> np.ndarray:
        unit = self._unit()
        histories = history_matrix(queries["item_ids"], self.num_items, self.decay)
        profiles = histories @ unit
        profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-12)
        return self._settled(profiles @ unit[columns].T, histories, columns)

    def _check(self) -> None:
        for name in ("width", "epochs", "window", "batch_size"):
            check_whole(name, getattr(self, name))
        require(0 < self.decay <= 1, "`decay` must be in (0, 1]", decay=self.decay)
        require(self.learning_rate > 0, "`learning_rate` must be positive", rate=self.learning_rate)

    def _train(self, model: keras.Model, batches, optimizer: keras.optimizers.Optimizer) -> None:
        model.build()
        model.compile(optimizer, jit_compile=False)
        model.fit(batches, epochs=self.epochs, shuffle=False, verbose=0)

    def _keep(self, vectors) -> None:
        """Store vectors (V + 1, D), those of padding and of items without an event as 0."""
        vectors = np.array(ops.convert_to_numpy(vectors), np.float32)
        trained = (self.counts > 0) & (np.arange(len(vectors)) > 0)
        self.vectors = vectors * trained[:, None]


class Item2Vec(ItemVectors):
    """Skip-gram with negative sampling over histories: items near each other get similar vectors.

    For every pair of events of a user at most `window` apart, the vector of one item must
    distinguish the other item from K items drawn with probability proportional to count^0.75; see
    `skip_gram_loss`. Events of frequent items are left out at random, with a probability that grows
    with the frequency.

    Args:
        width: D.
        window: events before and after a centre that are its contexts.
        num_negatives: K.
        subsample: share of all events above which an item is frequent; see `PairBatches`.
        epochs: passes over the log.
        learning_rate: of Adam.
        batch_size: pairs per step.
        decay: weight of an event of the history relative to the next newer one, for scores.
        score_seen: whether items of the history get their score, instead of 0.
        seed: of everything random.

    Papers: Mikolov et al., "Distributed representations of words and phrases and their
    compositionality", 2013, sections 2.2 and 2.3; Barkan and Koenigstein, "Item2vec: neural item
    embedding for collaborative filtering", 2016. Adam replaces their gradient descent.

    Example:
        >>> model = Item2Vec(width=32).fit(data.train, data.num_items)
        >>> model.vectors.shape                      # (V + 1, 32)
    """

    def __init__(
        self,
        width: int = 64,
        window: int = 5,
        num_negatives: int = 5,
        subsample: float = 1e-3,
        epochs: int = 10,
        learning_rate: float = 0.01,
        batch_size: int = 4096,
        decay: float = 0.8,
        score_seen: bool = False,
        seed: int = 0,
    ) -> None:
        self.width, self.window, self.num_negatives = width, window, num_negatives
        self.subsample, self.epochs, self.learning_rate = subsample, epochs, learning_rate
        self.batch_size, self.decay, self.score_seen = batch_size, decay, score_seen
        self.seed = seed

    def _learn(self, train: Histories) -> None:
        self._check()
        check_whole("num_negatives", self.num_negatives)
        require(self.subsample > 0, "`subsample` must be positive", subsample=self.subsample)
        users, items = training_events(train, self.num_items)
        batches = PairBatches(
            items,
            users,
            self.num_items,
            self.window,
            self.num_negatives,
            self.subsample,
            self.batch_size,
            self.seed,
        )
        model = SkipGram(num_items=self.num_items, width=self.width, seed=self.seed)
        self._train(model, batches, keras.optimizers.Adam(self.learning_rate))
        self._keep(model.centres)


class GloVe(ItemVectors):
    """Vectors whose dot products reproduce how often items occur near each other.

    Each pair of events of a user at most `window` apart adds 1 / distance to the count X of its
    two items, in both orders. Vectors and biases of centres and contexts then minimise the
    weighted squared error of log X over all cells that are not 0; see `glove_loss`. The vector of
    an item is the sum of both.

    Args:
        width: D.
        window: events before and after a centre that are its contexts.
        largest: count from which on all cells weigh 1; 100 in the paper, whose corpus is larger.
        epochs: passes over the cells.
        learning_rate: of Adam, which replaces Adagrad on single cells.
        batch_size: cells per step.
        decay, score_seen, seed: see `Item2Vec`.

    Paper: Pennington, Socher and Manning, "GloVe: Global vectors for word representation", 2014,
    sections 3 and 4.2.

    Example:
        >>> GloVe(width=32).fit(data.train, data.num_items).most_similar(5, k=3)
    """

    def __init__(
        self,
        width: int = 64,
        window: int = 5,
        largest: float = 10.0,
        epochs: int = 10,
        learning_rate: float = 0.01,
        batch_size: int = 4096,
        decay: float = 0.8,
        score_seen: bool = False,
        seed: int = 0,
    ) -> None:
        self.width, self.window, self.largest, self.epochs = width, window, largest, epochs
        self.learning_rate, self.batch_size, self.decay = learning_rate, batch_size, decay
        self.score_seen, self.seed = score_seen, seed

    def _learn(self, train: Histories) -> None:
        self._check()
        require(self.largest > 0, "`largest` must be positive", largest=self.largest)
        cells = cooccurrences(train, self.num_items, self.window).tocoo()
        model = GloVeCells(self.largest, num_items=self.num_items, width=self.width, seed=self.seed)
        rows, columns = (axis.astype(np.int32) for axis in cells.coords)
        batches = CellBatches(
            rows, columns, cells.data.astype(np.float32), self.batch_size, self.seed
        )
        self._train(model, batches, keras.optimizers.Adam(self.learning_rate))
        self._keep(ops.convert_to_numpy(model.centres) + ops.convert_to_numpy(model.contexts))


def cooccurrences(train: Histories, num_items: int, window: int) -> sparse.csr_array:
    """How often items occur near each other, each pair of events counting 1 / distance.

    Args:
        train: training histories.
        num_items: V.
        window: the largest distance, in events of the catalogue.

    Returns:
        Symmetric, (V + 1, V + 1).

    Raises:
        ValueError: no history has two known items.

    Example: the history 1 2 3 with a window of 2 has the cells (1, 2) and (2, 3) of 1 and
    (1, 3) of 0.5.
    """
    users, items = training_events(train, num_items)
    rows, columns, distances = pairs_within(items, users, window)
    must = "`train` must hold a history with two known items, or nothing occurs together"
    require(len(rows), must, events=len(items))
    cells = sparse.csr_array((1 / distances, (rows, columns)), shape=(num_items + 1,) * 2)
    cells.sum_duplicates()
    return cells
