"""Sample from the simulated shop's process, for all users in parallel."""

import numpy as np

from recmodels.data.shop_process import NUM_INTENTS, Process


class _Shelves:
    """Draws from `process.browse` without one item per row, by inverting its cumulative sum."""

    def __init__(self, browse: np.ndarray) -> None:
        rows = browse.reshape(-1, browse.shape[-1])
        self.num_items = browse.shape[-1]
        self.chance = rows.ravel()
        self.below = (np.cumsum(rows, axis=1) - rows).ravel()
        # Row r ends at r + 1, so that one sorted array answers for all rows.
        ends = np.cumsum(rows, axis=1) + np.arange(len(rows))[:, None]
        self.ends = ends.ravel()

    def draw(self, week, intent, left_out, uniform: np.ndarray) -> np.ndarray:
        """Draw one item per row, int32, (B,); `left_out` is None or an item to exclude, (B,)."""
        row = week * NUM_INTENTS + intent
        if left_out is not None:
            cell = row * self.num_items + left_out
            uniform = uniform * (1 - self.chance[cell])
            uniform += np.where(uniform >= self.below[cell], self.chance[cell], 0)
        place = np.searchsorted(self.ends, row + uniform, side="right") - row * self.num_items
        return np.clip(place, 0, self.num_items - 1).astype(np.int32)


def walk(
    process: Process, lengths: np.ndarray, weeks: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Let every user wander through the shop.

    Args:
        process: the probabilities.
        lengths: events of each user, (U,), at least 1.
        weeks: week of every event, user after user, (N,).
        rng: the generator to draw from.

    Returns:
        Items, int32; hidden intents, int8; and how many events in a row the item has been
        touched, int8; each (N,).
    """
    order = np.argsort(-lengths, kind="stable")  # Longest first: those still walking are a prefix.
    starts, sorted_lengths = (np.cumsum(lengths) - lengths)[order], lengths[order]
    shelves = _Shelves(process.browse)
    items, intents, runs = (np.empty(len(weeks), kind) for kind in (np.int32, np.int8, np.int8))
    intent = rng.integers(NUM_INTENTS, size=len(lengths), dtype=np.int8)
    item = shelves.draw(weeks[starts], intent, None, rng.random(len(lengths)))
    run = np.ones(len(lengths), np.int8)
    for step in range(int(sorted_lengths[0])):
        walking = np.searchsorted(-sorted_lengths, -step, side="left")  # Users longer than step.
        now = starts[:walking] + step
        if step:
            item, intent, run = item[:walking], intent[:walking], run[:walking]
            item, intent, run = _step(process, shelves, item, intent, run, weeks[now], rng)
        items[now], intents[now], runs[now] = item, intent, run
    return items, intents, runs


def _step(process: Process, shelves: _Shelves, item, intent, run, week, rng) -> tuple:
    """The next item, intent and run of each user still walking."""
    going_on, moving, linking, browsing = rng.random((4, len(item)))
    repeats = going_on < process.repeat_chance(item, run)
    ends = np.cumsum(process.switch, axis=1)[:, :-1]
    moved = (moving[:, None] >= ends[intent]).sum(axis=1, dtype=np.int8)
    new = process.companion_of(item, moved)
    rows = np.flatnonzero(linking < process.noise)
    new[rows] = shelves.draw(week[rows], moved[rows], item[rows], browsing[rows])
    return (
        np.where(repeats, item, new),
        np.where(repeats, intent, moved),
        np.where(repeats, run + 1, 1).astype(np.int8),
    )
