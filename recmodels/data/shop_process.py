"""The hidden process of the simulated shop: what a user touches next, and how likely that was."""

from dataclasses import dataclass

import numpy as np

from recmodels.data.shop_catalogue import NUM_CATEGORIES
from recmodels.data.shop_clock import NUM_WEEKS

NUM_INTENTS = NUM_CATEGORIES
# Intent z goes round the categories z, z + 1, z + 3 (modulo 7). Each category belongs to three
# intents, which turn from it to three others, and each two categories to exactly one: the last
# item leaves the intent open, the history settles it.
ROUND = (0, 1, 3)
SWITCH_RATE = 0.06  # Of new views that begin under a new intent.
OUTSIDE_WEIGHT = 0.1  # An item outside the intent's categories, against one inside.
DEEPEST_RUN = 3  # view, cart or favourite, buy.


@dataclass(frozen=True, eq=False)
class Process:
    """All probabilities of the shop: a hidden Markov chain of Z intents, and items that show it.

    An event repeats the item before it (view, then cart or favourite, then buy) with a probability
    that depends on the item and on how often it was repeated. Otherwise the intent may switch, and
    a *new* item comes: with probability `1 - noise` the companion of the previous item in the
    category that the intent turns to next, else one browsed from what the intent prefers and the
    week makes popular.

    Args:
        noise: share of browsing among new items.
        companion: the item that goes with item i in category c, int32, (V, 7).
        turns_to: the category intent z turns to after category c, int8, (Z, 7).
        switch: from intent to intent at each new item, rows sum to 1, (Z, Z).
        browse: from week and intent to items, rows sum to 1, (W, Z, V).
        repeat: that a run of 1, 2 or 3 events on an item goes on, (3, V).
        appeal: how interesting each item is, from 0 to 1, (V,).
        trend: how fast the log popularity of each item grows over the span, (V,).
    """

    noise: float
    companion: np.ndarray
    turns_to: np.ndarray
    switch: np.ndarray
    browse: np.ndarray
    repeat: np.ndarray
    appeal: np.ndarray
    trend: np.ndarray

    @property
    def num_items(self) -> int:
        return len(self.appeal)

    def companion_of(self, item: np.ndarray, intent) -> np.ndarray:
        """The item that goes with each item under an intent, int32, (B,)."""
        return self.companion[item, self.turns_to[intent, item % NUM_CATEGORIES]]

    def likelihood(self, item: np.ndarray, previous: np.ndarray, week: np.ndarray) -> np.ndarray:
        """Probability of each new item, given the one before it, under every intent: (B, Z)."""
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
            belief: probability of each intent at the previous event, (B, Z).
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
        chances[rows, previous] = 0
        for intent in range(NUM_INTENTS):
            target = self.companion_of(previous, intent)
            chances[rows, target] += (1 - self.noise) * ahead[:, intent]
        again = self.repeat[run - 1, previous]
        chances *= 1 - again[:, None]
        chances[rows, previous] = again
        return chances

    def mix(self, weight: np.ndarray, week: np.ndarray) -> np.ndarray:
        """Browsing weights of all items, mixed over the intents: (B, Z) to (B, V)."""
        mixed = np.empty((len(week), self.num_items))
        for present in np.unique(week):
            rows = week == present
            mixed[rows] = weight[rows] @ self.browse[present]
        return mixed


def build_process(num_items: int, noise: float, rng: np.random.Generator) -> Process:
    """Draw the tables of a shop of V items."""
    appeal = rng.permutation(num_items) / (num_items - 1)
    trend = rng.normal(size=num_items)
    others = np.roll(np.eye(NUM_INTENTS), 2, axis=1) / 2 + 1 / (2 * NUM_INTENTS)
    return Process(
        noise=noise,
        companion=_draw_companions(num_items, rng),
        turns_to=_build_turns(),
        switch=(1 - SWITCH_RATE) * np.eye(NUM_INTENTS) + SWITCH_RATE * others,
        browse=_draw_browsing(trend, rng),
        repeat=_build_repeats(appeal, noise),
        appeal=appeal,
        trend=trend,
    )


def _draw_companions(num_items: int, rng: np.random.Generator) -> np.ndarray:
    """Between any two categories a permutation, so that no item is a dead end: (V, 7)."""
    category, place = np.arange(num_items) % NUM_CATEGORIES, np.arange(num_items) // NUM_CATEGORIES
    sizes = np.bincount(category, minlength=NUM_CATEGORIES)
    companion = np.empty((num_items, NUM_CATEGORIES), np.int32)
    for source in range(NUM_CATEGORIES):
        for target in range(NUM_CATEGORIES):
            shuffled = rng.permutation(sizes.max())[place[category == source]] % sizes[target]
            companion[category == source, target] = shuffled * NUM_CATEGORIES + target
    return companion


def _build_turns() -> np.ndarray:
    """From a category of its round to the next; from anywhere else to the first: (Z, 7)."""
    turns = np.repeat(np.arange(NUM_INTENTS, dtype=np.int8)[:, None], NUM_CATEGORIES, axis=1)
    for intent in range(NUM_INTENTS):
        stops = (intent + np.array(ROUND)) % NUM_CATEGORIES
        turns[intent, stops] = np.roll(stops, -1)
    return turns


def _draw_browsing(trend: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Few favourites and a long tail, tilted by intent and slowly by week: (W, Z, V)."""
    num_items = len(trend)
    popularity = -0.8 * np.log(1 + rng.permutation(num_items))
    taste = rng.normal(scale=0.5, size=(NUM_INTENTS, num_items))
    offset = (np.arange(num_items) - np.arange(NUM_INTENTS)[:, None]) % NUM_CATEGORIES
    inside = np.where(np.isin(offset, ROUND), 1.0, OUTSIDE_WEIGHT)
    elapsed = np.linspace(-0.5, 0.5, NUM_WEEKS)[:, None, None]
    weight = inside * np.exp(popularity + taste + trend * elapsed)  # (W, Z, V)
    return weight / weight.sum(axis=2, keepdims=True)


def _build_repeats(appeal: np.ndarray, noise: float) -> np.ndarray:
    """Interest carries an item down the funnel; without noise it decides outright: (3, V)."""
    to_cart = (1 - noise) * (appeal > 0.75) + noise * 0.4 * appeal
    to_buy = (1 - noise) * (appeal > 0.9) + noise * 0.8 * appeal
    return np.stack([to_cart, to_buy, np.zeros_like(appeal)])
