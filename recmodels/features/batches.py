"""Training batches: length buckets, shifted targets, real positions only."""

from collections.abc import Mapping

import keras
import numpy as np

from recmodels.data.errors import require
from recmodels.features.augment import Augmenter
from recmodels.features.checks import check_whole, digest
from recmodels.features.epochs import EpochBatches
from recmodels.features.histories import Histories
from recmodels.features.negatives import NegativeSampler
from recmodels.features.windows import (
    build_at_places,
    cut_prefixes,
    cut_windows,
    window_places,
)

# Shares of the maximal length at which buckets end: fine where histories are many and short.
BUCKET_SHARES = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
# Positions of a batch come in this many equal groups: a group shares its negatives, and losses are
# computed some groups at a time. Loss functions rely on it.
GROUPS = 16
WINDOWS = ("latest", "all", "prefixes")


class NextItemBatches(EpochBatches):
    """Batches in which every position predicts the next item.

    A history of n items is cut, newest first, into windows of at most `max_length` inputs whose
    targets are the inputs shifted by one. Windows of similar length share a batch, shorter ones
    in greater number, so that every step sees about as many events. Only real positions reach the
    loss: a batch carries their places in the flattened (B * T) matrix.

        history 5 3 8 2, max_length 5      item_ids   0 0 5 3 8
                                           targets        3 8 2
                                           positions      2 3 4

    Which windows meet, and in which order, depends on `seed` and `epoch` alone, so that a
    resumed run sees what an uninterrupted one would have seen.

    Args:
        histories: training histories; users with a single event have no target and are skipped.
        max_length: L, the most inputs in a window.
        batch_size: windows of full length per batch; batches of shorter windows have more of them.
        seed: of the shuffling.
        windows: `"latest"` trains on the newest window of each user, `"all"` on every event,
            `"prefixes"` too, but with one window per event, which has no other target: many times
            the work, for encoders that see both sides of an event.
        prefixes: how many of these windows each user has in an epoch, drawn anew in every one;
            None for all.
        negatives: draws negatives for losses that need them.
        shared_negatives: whether a group of positions shares its negatives (G = `GROUPS`) or
            each position has its own (G = N).
        max_positions: the most positions of a batch that count, drawn evenly from all of its
            windows, for losses whose cost grows with their square; N is then this everywhere.
        columns: names of the histories' columns that the model reads besides the items.
        targets: further values to predict for each event of the histories, (N, ...) by name. They
            are not model inputs.
        augmenter: changes what the model reads of each window; None leaves it as it is.
        epoch: the epoch to begin with.

    Each batch is `(inputs, targets, weights)`: inputs a dict of `item_ids` int32 (B, T), the
    columns (B, T, ...) and `positions` int32 (N,), with negatives also `negatives` int32 and
    `log_counts` float32, both (G, K); targets int32 (N,) item ids, or with further targets a dict
    of `item_ids` and those; weights float32 (N,), 0 where N was rounded up.
    """

    def __init__(
        self,
        histories: Histories,
        max_length: int,
        batch_size: int,
        seed: int,
        windows: str = "latest",
        negatives: NegativeSampler | None = None,
        shared_negatives: bool = True,
        max_positions: int | None = None,
        columns: tuple[str, ...] = (),
        targets: Mapping[str, np.ndarray] | None = None,
        augmenter: Augmenter | None = None,
        prefixes: int | None = None,
        epoch: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(seed, **kwargs)
        require(windows in WINDOWS, f"`windows` must be one of {WINDOWS}", windows=windows)
        for name, value in (("max_length", max_length), ("batch_size", batch_size)):
            check_whole(name, value)
        self.histories = histories
        self.max_length = max_length
        self.negatives = negatives
        self.shared_negatives = shared_negatives
        self.max_positions = max_positions
        self.columns, self.windows, self.prefixes = tuple(columns), windows, prefixes
        self.targets = dict(targets or {})
        self.augmenter = augmenter
        if histories.lengths.max(initial=0) < 2:
            raise ValueError(
                "`histories` holds no user with two events, so there is no next item to learn. "
                f"Received: {histories!r}"
            )
        self.bounds = _bucket_bounds(histories.lengths, max_length, windows == "all")
        self.rows_per_batch = np.maximum(1, batch_size * max_length // self.bounds)
        self._count = None
        self.set_epoch(0)
        self._count = len(self._plan)
        self.set_epoch(epoch)

    def identity(self) -> dict[str, object]:
        read = identify(self.histories, self.columns, self.negatives, *self.targets.values())
        return {
            **read,
            "max_length": self.max_length,
            "batch_size": self.rows_per_batch.tolist(),
            "windows": self.windows,
            "shared_negatives": self.shared_negatives,
            "max_positions": self.max_positions,
            "augment": self.augmenter and self.augmenter.identity(),
            "seed of batches": self.seed,
            **({} if self.prefixes is None else {"prefixes": self.prefixes}),
        }

    def set_epoch(self, epoch: int) -> None:
        """Compute the batches of an epoch; every epoch has the same number."""
        self.epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        offsets = self.histories.offsets
        if self.windows == "prefixes":
            self.starts, self.ends = cut_prefixes(offsets, self.max_length, self.prefixes, rng)
        else:
            everything = self.windows == "all"
            self.starts, self.ends = cut_windows(offsets, self.max_length, everything, rng)
        bucket = np.searchsorted(self.bounds, self.ends - self.starts - 1)
        self._plan = []
        for b, rows in enumerate(self.rows_per_batch):
            members = rng.permutation(np.flatnonzero(bucket == b))
            cuts = np.arange(rows, len(members), rows)
            self._plan += [(self.bounds[b], part) for part in np.split(members, cuts) if len(part)]
        if self._count is not None:
            _even_out(self._plan, self._count)
        rng.shuffle(self._plan)
        # Keras reads the first two batches to learn which dimensions vary.
        lengths = [length for length, _ in self._plan]
        different = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        if different is not None:
            self._plan.insert(1, self._plan.pop(different))

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int):
        length, rows = self._plan[index]
        inputs, following = self.read_windows(self.starts[rows], self.ends[rows], length, index)
        real = np.flatnonzero(following >= 0)
        if self.max_positions is not None and len(real) > self.max_positions:
            rng = np.random.default_rng((self.seed, self.epoch, index, 1))
            real = np.sort(rng.choice(real, self.max_positions, replace=False))
        count = self.max_positions or _rounded(len(real), following.size)
        positions = np.zeros(count, np.int32)
        weights = np.zeros(count, np.float32)
        positions[: len(real)] = real
        weights[: len(real)] = 1.0
        flat = {"item_ids": self.histories.items, **self.targets}
        found = {name: np.ones(count, values.dtype) for name, values in flat.items()}
        for name, values in flat.items():  # Ones where nothing is asked: losses look targets up.
            found[name][: len(real)] = values[following.ravel()[real]]
        inputs["positions"] = positions
        if self.negatives is not None:
            rng = np.random.default_rng((self.seed, self.epoch, index))
            groups = GROUPS if self.shared_negatives else count
            inputs["negatives"], inputs["log_counts"] = self.negatives.sample(rng, groups)
        return inputs, found if self.targets else found["item_ids"], weights

    def read_windows(
        self, starts: np.ndarray, ends: np.ndarray, length: int, index: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs of a batch, and where in the histories the target of each position is.

        Args:
            starts, ends: places where the windows begin and end, (B,).
            length: T.
            index: of the batch.

        Returns:
            Inputs as `build_windows` makes them, and places of targets, (B, T), -1 where nothing
            is asked for.
        """
        places = window_places(starts, ends - 1, length)
        if self.augmenter is None:
            inputs = build_at_places(self.histories, places, self.columns)
            following = np.where(places >= 0, places + 1, -1)
        else:
            rng = np.random.default_rng((self.seed, self.epoch, index, 2))
            inputs, following = self.augmenter(places, self.columns, rng)
        if self.windows == "prefixes":
            following[:, :-1] = -1
        return inputs, following


def identify(
    histories: Histories,
    columns: tuple[str, ...],
    negatives: NegativeSampler | None,
    *further: np.ndarray,
) -> dict[str, object]:
    """What identifies the events, columns and further arrays that batches read, and negatives."""
    carried = [values for name, values in histories.columns.items() if name in columns]
    drawn = None if negatives is None else [negatives.num_negatives, negatives.digest]
    read = digest(histories.items, histories.offsets, *carried, *further)
    return {"training data": read, "negatives": drawn}


def _bucket_bounds(lengths: np.ndarray, max_length: int, everything: bool) -> np.ndarray:
    """Return the lengths to which windows are padded.

    Keras treats a length as fixed if the first two batches have the same one. So either two
    lengths occur in every epoch, or all windows are padded to one length, which is also done if
    the length could differ between epochs.
    """
    bounds = np.unique(np.ceil(np.array(BUCKET_SHARES) * max_length).astype(int))
    targets = lengths[lengths > 1] - 1
    shifting = everything and (targets > max_length).any()
    fixed = np.searchsorted(bounds, targets[targets <= max_length])
    return bounds[-1:] if shifting and len(np.unique(fixed)) < 2 else bounds


def _even_out(plan: list[tuple[int, np.ndarray]], count: int) -> None:
    """Split the largest or merge the smallest batches, in place, until there are `count`.

    Windows that are cut anew in every epoch fill the buckets differently, but Keras takes as many
    steps in each epoch as in the first one.
    """
    while len(plan) < count:
        largest = max(range(len(plan)), key=lambda i: len(plan[i][1]))
        length, rows = plan.pop(largest)
        plan += [(length, half) for half in np.array_split(rows, 2)]
    while len(plan) > count:
        smallest = min(range(len(plan)), key=lambda i: plan[i][0] * len(plan[i][1]))
        length, rows = plan.pop(smallest)
        near = min(range(len(plan)), key=lambda i: (abs(plan[i][0] - length), len(plan[i][1])))
        longer = max(length, plan[near][0])
        plan[near] = (longer, np.concatenate([plan[near][1], rows]))


def _rounded(count: int, most: int) -> int:
    """Round a count up on JAX, where every new shape needs a compilation."""
    step = GROUPS * (max(1, most // (4 * GROUPS)) if keras.backend.backend() == "jax" else 4)
    return -(-count // step) * step
