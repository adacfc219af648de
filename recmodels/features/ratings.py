"""Ratings as rows over the catalogue, and batches that hide and predict some."""

import numpy as np

from recmodels.features.checks import check_whole, digest, ratings_of
from recmodels.features.epochs import EpochBatches
from recmodels.features.histories import Histories

# Rows of users come in multiples of this: every new shape costs JAX a compilation.
_ROUND = 64


def rating_rows(
    item_ids: np.ndarray, values: np.ndarray, num_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Convert padded histories to rows over the catalogue.

    Args:
        item_ids: (B, T), padded with 0; ids outside 1..V are left out.
        values: the user's ratings, (B, T). Of a repeated item the last rating counts.
        num_items: V.

    Returns:
        A mask of the rated items, 0 or 1, and their ratings, float32, (B, V + 1) each:

            item_ids [[0, 2, 3]], values [[0, 5, 1]], V = 3
            [[0, 0, 1, 1]]        [[0, 0, 5, 1]]
    """
    rows, places = np.nonzero((item_ids >= 1) & (item_ids <= num_items))
    items = item_ids[rows, places]
    rated_mask, given = np.zeros((2, len(item_ids), num_items + 1), np.float32)
    rated_mask[rows, items] = 1
    given[rows, items] = values[rows, places]
    return rated_mask, given


class RatingBatches(EpochBatches):
    """Batches of (user, item, rating); with `folds` the input is the user's other ratings.

    The ratings of each user are divided at random into `folds` parts. One part is predicted from
    the others, so that a model learns to predict ratings that are not in its input; each rating is
    predicted once per epoch. Without `folds` the input is the user id and nothing is hidden.

        user rated 5 3 8 2, folds 4:     input      target
                                         5 3   2    8
                                           3 8 2    5   ...

    The division and the order depend on `seed` and `epoch` only.

    Args:
        histories: training histories; `value` among their columns holds the ratings, without it
            each event counts 1.
        num_items: V; unknown items are left out.
        batch_size: N, the number of ratings to predict per batch.
        seed: of the random division and order.
        folds: parts of each user, 2 or more; None shows no ratings.
        epoch: the epoch to begin with.

    Each batch is `(inputs, ratings, weights)`. Inputs: `user_ids`, `item_ids` int32 (N,), and
    `rows` int32 (N,), which of the Q users of the batch each belongs to; with `folds` also
    `rated_mask` and `values`, float32 (Q, V + 1), and `readers` int32 (Q,), their user ids. Ratings
    and weights float32 (N,); the weight is 0 where the last batch was filled up.
    """

    def __init__(
        self,
        histories: Histories,
        num_items: int,
        batch_size: int,
        seed: int,
        folds: int | None = None,
        epoch: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(seed, **kwargs)
        if folds is not None and folds < 2:
            raise ValueError(
                f"`folds` must be at least 2, or None to hide nothing. Received: folds={folds}"
            )
        batch_size = check_whole("batch_size", batch_size)
        users = np.repeat(np.arange(len(histories), dtype=np.int32), histories.lengths)
        inside = histories.items <= num_items
        if not inside.any():
            raise ValueError(
                "`histories` holds no item of the catalogue, so there is nothing to learn. "
                f"Received: {histories!r}, num_items={num_items}"
            )
        self.users, self.items = users[inside], histories.items[inside]
        self.ratings = ratings_of(histories)[inside].astype(np.float32)
        self.num_users, self.num_items = len(histories), num_items
        self.batch_size = min(batch_size, len(self.users))
        self.folds = folds
        if folds is not None:
            shape = (2, self.num_users, num_items + 1)
            self.rated_mask, self.values = np.zeros(shape, np.float32)
            self.rated_mask[self.users, self.items] = 1
            self.values[self.users, self.items] = self.ratings
        self.set_epoch(epoch)

    def identity(self) -> dict[str, object]:
        return {
            "training data": digest(self.users, self.items, self.ratings),
            "batch_size": self.batch_size,
            "folds": self.folds,
            "seed of batches": self.seed,
        }

    def set_epoch(self, epoch: int) -> None:
        """Divide the ratings into folds and shuffle them for this epoch."""
        self.epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        self._order = rng.permutation(len(self.users))
        if self.folds is None:
            return
        # A user's k-th rating in the shuffled order is of fold k modulo folds, from a random start.
        owners = self.users[self._order]
        by_user = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[by_user], np.arange(self.num_users))
        places = np.empty(len(owners), np.int64)
        places[by_user] = np.arange(len(owners)) - starts[owners[by_user]]
        fold = (places + rng.integers(0, self.folds, self.num_users)[owners]) % self.folds
        # Whole blocks of one user and fold, in random order.
        blocks = rng.permutation(self.num_users * self.folds)[owners * self.folds + fold]
        in_blocks = np.argsort(blocks, kind="stable")
        self._order = self._order[in_blocks]
        self._block, self._fold = blocks[in_blocks], np.empty(len(owners), np.int64)
        self._fold[self._order] = fold[in_blocks]

    def __len__(self) -> int:
        return -(-len(self.users) // self.batch_size)

    def __getitem__(self, index: int):
        begin = index * self.batch_size
        events = self._order[begin : begin + self.batch_size]
        weights = np.zeros(self.batch_size, np.float32)
        weights[: len(events)] = 1
        events = np.resize(events, self.batch_size)  # Fills up by starting again, with weight 0.
        inputs = {"user_ids": self.users[events], "item_ids": self.items[events]}
        if self.folds is None:
            inputs["rows"] = np.arange(self.batch_size, dtype=np.int32)
        else:
            inputs |= self._shown(index, begin, events)
        return inputs, self.ratings[events], weights

    def _shown(self, index: int, begin: int, events: np.ndarray) -> dict[str, np.ndarray]:
        """Return the inputs of a batch: the users, and their ratings that are not hidden."""
        blocks = np.resize(self._block[begin : begin + self.batch_size], self.batch_size)
        _, first, rows = np.unique(blocks, return_index=True, return_inverse=True)
        # Keras takes a size for fixed that the first two batches share.
        count = -(-len(first) // _ROUND) * _ROUND + (_ROUND if index == 1 else 0)
        readers, folds = np.zeros((2, count), np.int64)
        readers[: len(first)] = self.users[events[first]]
        folds[: len(first)] = self._fold[events[first]]
        rated_mask, values = self.rated_mask[readers], self.values[readers]
        hidden, items = self._cells(readers[: len(first)], folds[: len(first)])
        rated_mask[hidden, items] = 0
        values[hidden, items] = 0
        shown = {"rows": rows.astype(np.int32), "readers": readers.astype(np.int32)}
        return shown | {"rated_mask": rated_mask, "values": values}

    def _cells(self, readers: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the row of the batch and the item of every rating in the hidden fold."""
        begin, end = np.searchsorted(self.users, [readers, readers + 1])
        lengths = end - begin
        rows = np.repeat(np.arange(len(readers)), lengths)
        events = np.arange(lengths.sum()) + np.repeat(begin - np.cumsum(lengths) + lengths, lengths)
        hidden = self._fold[events] == folds[rows]
        return rows[hidden], self.items[events[hidden]]
