"""Training batches of sentences with hidden tokens, for masked language modelling."""

import numpy as np

from recmodels.data.errors import require
from recmodels.features.checks import check_whole, digest
from recmodels.features.epochs import EpochBatches
from recmodels.features.histories import Histories
from recmodels.features.windows import cut_windows, gather_places, window_places

MASKED, RANDOM = 0.8, 0.1  # Of the chosen tokens; the others stay as they are.


class MaskedTokenBatches(EpochBatches):
    """Sentences of events in which the model predicts some tokens.

    A share of the real tokens is chosen at random. Of these 80 % become the mask, 10 % a random
    token and 10 % stay. Of half of the sentences, all tokens of the last event become masks too,
    so that the end of a sentence is learnt as well as its middle.

    Args:
        histories: with the column `action`.
        behaviours: tokens of each type and item, int32 (A + 3, V + 3, W); see `behaviour_tokens`.
        num_tokens: N.
        first: the first token that may replace another at random; those before are special.
        mask: the token of the mask.
        max_length: L, the most events in a sentence.
        batch_size: sentences per step; a smaller rest is left to another epoch.
        share: of the tokens that are chosen.
        seed: of everything random.

    Each batch is `(tokens, targets, weights)`, (B, L * W) each: int32 what is read, int32 the true
    tokens, and float32 1 where a token was chosen.
    """

    def __init__(
        self,
        histories: Histories,
        behaviours: np.ndarray,
        num_tokens: int,
        first: int,
        mask: int,
        max_length: int,
        batch_size: int,
        share: float,
        seed: int,
    ) -> None:
        super().__init__(seed)
        require(0 < share < 1, "`share` must be between 0 and 1, both left out", share=share)
        self.histories, self.behaviours = histories, behaviours
        self.num_tokens, self.first, self.mask = num_tokens, first, mask
        self.max_length = check_whole("max_length", max_length, 2)
        self.batch_size, self.share = check_whole("batch_size", batch_size), share
        self.set_epoch(0)
        must = "`histories` must hold a user with two events"
        require(len(self.starts), must, histories=histories)

    def identity(self) -> dict[str, object]:
        items, actions = self.histories.items, self.histories.columns["action"]
        return {
            "training data": digest(items, self.histories.offsets, actions, self.behaviours),
            "max_length": self.max_length,
            "batch_size": self.batch_size,
            "share": self.share,
            "seed of batches": self.seed,
        }

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        rng = np.random.default_rng((self.seed, epoch))
        # That function cuts windows with one further event, the target of the last input.
        starts, ends = cut_windows(self.histories.offsets, self.max_length - 1, True, rng)
        order = rng.permutation(len(starts))
        self.starts, self.ends = starts[order], ends[order]

    def __len__(self) -> int:
        return max(1, len(self.starts) // self.batch_size)

    def __getitem__(self, index: int) -> tuple:
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        places = window_places(self.starts[rows], self.ends[rows], self.max_length)
        items = gather_places(self.histories.items, places)
        actions = gather_places(self.histories.columns["action"], places)
        events = self.behaviours[actions, items]  # (B, L, W)
        tokens = events.reshape(len(events), -1)
        rng = np.random.default_rng((self.seed, self.epoch, index))
        chosen = (rng.random(tokens.shape) < self.share) & (tokens > 0)
        luck = rng.random(tokens.shape)
        drawn = rng.integers(self.first, self.num_tokens, tokens.shape)
        read = np.where(chosen & (luck < MASKED + RANDOM), drawn, tokens)
        read = np.where(chosen & (luck < MASKED), self.mask, read)
        last = np.zeros(events.shape, bool)
        last[:, -1] = rng.random((len(events), 1)) < 0.5
        last = last.reshape(tokens.shape) & (tokens > 0)
        read = np.where(last, self.mask, read).astype(np.int32)
        return read, tokens.astype(np.int32), (chosen | last).astype(np.float32)
