"""The hidden process of the simulated shop: what a user touches next, and how likely that was."""

from dataclasses import dataclass

import numpy as np

from recmodels.data.shop_catalogue import NUM_CATEGORIES
from recmodels.data.shop_clock import NUM_WEEKS

NUM_INTENTS = NUM_CATEGORIES
# Intent z goes to and fro between the categories z and z + 1 (modulo 7). Each category belongs to
# two intents that turn from it to different ones: the last item leaves the intent open, the
# history settles it.
SWITCH_RATE = 0.03  # Of new items that come under a newly drawn intent.
OUTSIDE_WEIGHT = 0.05  # Of browsing an item outside the intent's categories, against one inside.
TREND_SCALE = 0.7  # Standard deviation of how much log popularities change over the span.
DEEPEST_RUN = 3  # view, cart or favourite, buy.


@dataclass(frozen=True, eq=False)
class Process:
    """All probabilities of the shop: a hidden Markov chain of 7 intents, and items that show it.

    Item i is in category i modulo 7 and line i // 7, and each line leads to one other. An
    event repeats the item before it (view, then cart or favourite, then buy) the more often the
    more interesting the item is. Otherwise the intent may switch, and a new item comes: with
    probability `1 - noise` the *companion* of the previous item, in the line that its line leads
    to and the category that the intent turns to; else one browsed from what the intent prefers
    and the week makes popular.

    Args:
        noise: share of browsing among new items.
        next_line: the line that each line leads to, int32, (lines,).
        turns_to: the category intent z turns to after category c, int8, (7, 7).
        switch: from intent to intent at each new item, rows sum to 1, (7, 7).
        browse: from week and intent to items, rows sum to 1, (W, 7, V).
        appeal: how interesting each item is, from 0 to 1, (V,).
        trend: growth of the log popularity of each item over the span, (V,).
    """

    noise: float
    next_line: np.ndarray
    turns_to: np.ndarray
    switch: np.ndarray
    browse: np.ndarray
    appeal: np.ndarray
    trend: np.ndarray

    @property
    def num_items(self) -> int:
        return len(self.appeal)

    def companion_of(self, item: np.ndarray, intent) -> np.ndarray:
        """The item that goes with each item under an intent, int32, in the shape of both."""
        line = self.next_line[item // NUM_CATEGORIES]
        return line * NUM_CATEGORIES + self.turns_to[intent, item % NUM_CATEGORIES]

    def repeat_chance(self, item: np.ndarray, run: np.ndarray) -> np.ndarray:
        """Probability that one more event follows on an item after a run of them, (B,)."""
        return np.where(run < DEEPEST_RUN, (0.1 + 0.5 * self.noise) * self.appeal[item], 0.0)

    def likelihood(self, item: np.ndarray, previous: np.ndarray, week: np.ndarray) -> np.ndarray:
        """Probability of each new item, given the one before it, under every intent: (B, 7)."""
        intents = np.arange(NUM_INTENTS)
        linked = self.companion_of(previous[:, None], intents) == item[:, None]
        # Browsing never lands on the previous item: that would be a repeat.
        elsewhere = 1 - self.browse[week, :, previous]
        browsed = self.browse[week, :, item] / elsewhere
        return (1 - self.noise) * linked + self.noise * browsed

    def predict(
        self, belief: np.ndarray, previous: np.ndarray, run: np.ndarray, week: np.ndarray
    ) -> np.ndarray:
        """Probability of every item to come next.

        Args:
            belief: probability of each intent at the previous event, (B, 7).
            previous: the previous item, (B,).
            run: events in a row on that item so far, (B,).
            week: week of the event to predict, (B,).

        Returns:
            (B, V), rows sum to 1.
        """
        rows = np.arange(len(previous))
        ahead = belief @ self.switch
        weight = ahead / (1 - self.browse[week, :, previous])
        chances = self.noise * self.mix(weight, week)
        for intent in range(NUM_INTENTS):
            target = self.companion_of(previous, intent)
            chances[rows, target] += (1 - self.noise) * ahead[:, intent]
        again = self.repeat_chance(previous, run)
        chances *= 1 - again[:, None]
        chances[rows, previous] = again
        return chances

    def mix(self, weight: np.ndarray, week: np.ndarray) -> np.ndarray:
        """Browsing weights of all items, mixed over the intents: (B, 7) to (B, V)."""
        mixed = np.empty((len(week), self.num_items))
        for present in np.unique(week):
            rows = week == present
            mixed[rows] = weight[rows] @ self.browse[present]
        return mixed


def build_process(num_items: int, noise: float, rng: np.random.Generator) -> Process:
    """Draw the tables of a shop of V items."""
    trend = rng.normal(scale=TREND_SCALE, size=num_items)
    others = np.roll(np.eye(NUM_INTENTS), 2, axis=1) / 2 + 1 / (2 * NUM_INTENTS)
    return Process(
        noise=noise,
        next_line=draw_lines(num_items, rng),
        turns_to=build_turns(),
        switch=(1 - SWITCH_RATE) * np.eye(NUM_INTENTS) + SWITCH_RATE * others,
        browse=_draw_browsing(trend, rng),
        appeal=rng.permutation(num_items) / (num_items - 1),
        trend=trend,
    )


def draw_lines(num_items: int, rng: np.random.Generator) -> np.ndarray:
    """One round through all lines in random order; a last, incomplete line leads into it."""
    whole = num_items // NUM_CATEGORIES
    order = rng.permutation(whole)
    next_line = np.zeros(whole + 1, np.int32)
    next_line[order] = np.roll(order, -1)
    return next_line


def build_turns() -> np.ndarray:
    """From the first category of an intent to its second, from anywhere else to its first."""
    intents = np.arange(NUM_INTENTS, dtype=np.int8)
    turns = np.repeat(intents[:, None], NUM_CATEGORIES, axis=1)
    turns[intents, intents] = (intents + 1) % NUM_CATEGORIES
    return turns


def _draw_browsing(trend: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Few favourites and a long tail, tilted by intent and slowly by week: (W, 7, V)."""
    num_items = len(trend)
    popularity = -np.log(1 + rng.permutation(num_items))
    taste = rng.normal(scale=0.3, size=(NUM_INTENTS, num_items))
    offset = (np.arange(num_items) - np.arange(NUM_INTENTS)[:, None]) % NUM_CATEGORIES
    inside = np.where(offset < 2, 1.0, OUTSIDE_WEIGHT)
    elapsed = np.linspace(-0.5, 0.5, NUM_WEEKS)[:, None, None]
    weight = inside * np.exp(popularity + taste + trend * elapsed)  # (W, 7, V)
    return weight / weight.sum(axis=2, keepdims=True)
