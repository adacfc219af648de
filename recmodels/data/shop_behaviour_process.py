"""The hidden process behind behaviour in the simulated shop, as probabilities of one step."""

from dataclasses import dataclass

import numpy as np

from recmodels.data import shop_behaviour_tables as tables
from recmodels.data.shop_catalogue import NUM_CATEGORIES
from recmodels.data.shop_clock import DAY, START
from recmodels.data.shop_process import NUM_INTENTS, build_turns, draw_lines

NUM_SEGMENTS, NUM_MISSIONS, NUM_TYPES = 3, 2, 4
STATE_SHAPE = (NUM_SEGMENTS, NUM_INTENTS, NUM_MISSIONS)


@dataclass(frozen=True, eq=False)
class Observed:
    """What a shop sees of some events.

    Args:
        item: columns of the truth, int, (B,).
        kind: type of behaviour, as a place in `TYPES`, int, (B,).
        device: place in `DEVICES`, int, (B,).
        timestamp: UTC seconds, int64, (B,).
        duration: dwell in seconds, NaN where it was not recorded, float64, (B,).
    """

    item: np.ndarray
    kind: np.ndarray
    device: np.ndarray
    timestamp: np.ndarray
    duration: np.ndarray

    @property
    def weekend(self) -> np.ndarray:
        """Whether it is Saturday or Sunday, bool, (B,)."""
        return (self.timestamp - START) // DAY % 7 >= 5

    @property
    def hour(self) -> np.ndarray:
        """Hour of the day, UTC, (B,)."""
        return self.timestamp % DAY // 3600


def take(record, rows):
    """The same dataclass of arrays with some rows of each."""
    return type(record)(**{name: values[rows] for name, values in vars(record).items()})


@dataclass(frozen=True, eq=False)
class BehaviourProcess:
    """All probabilities of the shop: a hidden Markov process whose belief can be updated exactly.

    The hidden state has three parts: the *segment* of the user (G = 3, never changes), the
    *intent* (Z = 7, the two categories between which the user alternates) and the *mission* (M =
    2: browsing or shopping). Between two events the session goes on or a new one begins (E = 2),
    the state may change, and then a type, an item, a gap and a dwell are drawn. All of them depend
    on the new state and on what the shop saw of the last event alone, its time and device
    included. Arrays below have the axes (B, E, G, Z, M), or some of them in this order.

    Args:
        next_line: the line of the catalogue that each line leads to, int32, (lines,).
        turns_to: the category that an intent turns to after each category, int8, (Z, 7).
        browse: probability of each item if it is browsed, rows sum to 1, (G, Z, V).
        affordable: from -1 (far too expensive) to 1 (cheap) by segment and item, (G, V).
    """

    next_line: np.ndarray
    turns_to: np.ndarray
    browse: np.ndarray
    affordable: np.ndarray

    @property
    def num_items(self) -> int:
        return self.browse.shape[-1]

    def start(self, member: np.ndarray) -> np.ndarray:
        """Probability of each state at the first event, given the membership: (B, G, Z, M)."""
        shares = tables.MEMBER_SHARE
        segment = tables.SEGMENT_SHARE * np.where(member[:, None], shares, 1 - shares)
        segment = segment / segment.sum(axis=1, keepdims=True)
        shopping = tables.SHOPPING_SHARE
        mission = np.stack([1 - shopping, shopping], axis=1)
        joint = segment[:, :, None] * mission / NUM_INTENTS  # (B, G, M)
        return np.repeat(joint[:, :, None], NUM_INTENTS, axis=2)

    def end_chance(self, last: Observed) -> np.ndarray:
        """Probability that the session has ended with the last event, by mission: (B, M)."""
        night = (last.hour < 6) | (last.hour >= 23)
        logit = tables.END_LOGIT + tables.END_AFTER[last.kind] + tables.END_NIGHT * night
        return _sigmoid(logit[:, None] + tables.END_SHOPPING * np.arange(NUM_MISSIONS))

    def intent_moves(self) -> np.ndarray:
        """Probability of each intent after each other one: (E, Z, Z), rows sum to 1."""
        keep = tables.KEEP_INTENT[:, None, None]
        return keep * np.eye(NUM_INTENTS) + (1 - keep) / NUM_INTENTS

    def mission_moves(self) -> np.ndarray:
        """Probability of each mission after each other one: (E, G, M, M), rows sum to 1."""
        going_on = [tables.START_SHOPPING, 1 - tables.STOP_SHOPPING]
        anew = np.repeat(tables.SHOPPING_SHARE[:, None], NUM_MISSIONS, axis=1)
        shopping = np.stack([np.tile(going_on, (NUM_SEGMENTS, 1)), anew])
        return np.stack([1 - shopping, shopping], axis=-1)

    def ahead(self, belief: np.ndarray, last: Observed) -> np.ndarray:
        """Probability of a new session or not, and of the state at the next event.

        Args:
            belief: probability of each state at the last event, (B, G, Z, M).
            last: what was seen of it.

        Returns:
            (B, E, G, Z, M), each row sums to 1.
        """
        end = self.end_chance(last)
        session = np.stack([1 - end, end], axis=1)[:, :, None, None]  # (B, E, 1, 1, M)
        moved = (belief[:, None] * session) @ self.mission_moves()
        return self.intent_moves()[:, None] @ moved  # Symmetric: no transpose is needed.

    def type_chance(self, last: Observed) -> np.ndarray:
        """Probability of each type of the next event: (B, E, G, M, A)."""
        rows = np.stack([last.kind, np.full_like(last.kind, tables.NEW_SESSION)], axis=1)
        evening = (last.hour >= 18) & (last.hour < 23)
        context = (
            tables.ON_DEVICE[last.device]
            + last.weekend[:, None] * tables.AT_WEEKENDS
            + evening[:, None] * tables.IN_THE_EVENING
        )
        price = self.affordable[:, last.item].T[..., None] * tables.IF_AFFORDABLE  # (B, G, A)
        mission = np.arange(NUM_MISSIONS)[:, None] * tables.WHEN_SHOPPING  # (M, A)
        seen = tables.FUNNEL[rows] + context[:, None]  # (B, E, A)
        odds = np.exp(seen[:, :, None, None] + price[:, None, :, None] + mission)
        return odds / odds.sum(axis=-1, keepdims=True)

    def companion_of(self, item: np.ndarray, intent) -> np.ndarray:
        """The item that goes with each item under an intent, in the shape of both."""
        line = self.next_line[item // NUM_CATEGORIES]
        return line * NUM_CATEGORIES + self.turns_to[intent, item % NUM_CATEGORIES]

    def item_chance(self, last: Observed, kind: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Probability that an event of a type is about an item: (B, E, G, Z)."""
        which = tables.WHICH_ITEM[:, kind].transpose(1, 0, 2)[:, :, None, None]  # (B, E, 1, 1, 3)
        same = (item == last.item)[:, None, None, None]
        linked = self.companion_of(last.item[:, None], np.arange(NUM_INTENTS)) == item[:, None]
        browsed = self.browse[:, :, item].transpose(2, 0, 1)  # (B, G, Z)
        parts = which[..., tables.SAME] * same, which[..., tables.COMPANION] * linked[:, None, None]
        return sum(parts) + which[..., tables.BROWSED] * browsed[:, None]

    def item_table(self, weights: np.ndarray, last: Observed) -> np.ndarray:
        """Probability of all items, summed over hidden states.

        Args:
            weights: of each state together with each type, (B, E, G, Z, A).
            last: what was seen of the last event.

        Returns:
            (B, A, V); sums over V are those of `weights` over states.
        """
        which = tables.WHICH_ITEM
        browsed = np.einsum("begza,ea->bagz", weights, which[..., tables.BROWSED])
        flat = browsed.reshape(*browsed.shape[:2], -1)
        chances = flat @ self.browse.reshape(-1, self.num_items)
        rows = np.arange(len(last.item))
        chances[rows, :, last.item] += np.einsum("begza,ea->ba", weights, which[..., tables.SAME])
        linked = np.einsum("begza,ea->bza", weights, which[..., tables.COMPANION])
        for intent in range(NUM_INTENTS):
            target = self.companion_of(last.item, intent)
            chances[rows, :, target] += linked[:, intent]
        return chances

    def gap_components(self, last: Observed) -> tuple[np.ndarray, np.ndarray]:
        """Means and scales of log(1 + seconds), (B, 8 + 3) each.

        The first 8 components belong to events within the session, by type and mission; the last
        3 to the returns of the user later, the next day, or in a week.
        """
        stay = np.log(last.duration) - tables.TYPICAL_LOG_DWELL
        slow = tables.DWELL_SLOPE * np.where(np.isnan(last.duration), 0.0, stay)
        short = slow[:, None] + tables.SHORT_MEAN.ravel()
        means = np.hstack([short, np.tile(tables.RETURN_MEAN, (len(slow), 1))])
        scales = np.append(np.full(short.shape[1], tables.SHORT_SCALE), tables.RETURN_SCALE)
        return means, np.tile(scales, (len(slow), 1))

    def return_share(self, last: Observed) -> np.ndarray:
        """Probability of each kind of return, by segment: (B, G, 3), rows sum to 1."""
        return tables.RETURN_SHARE[last.weekend.astype(int)]

    def gap_chance(self, last: Observed, kind: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Density of log(1 + seconds) until an event of a type: (B, E, G, M)."""
        means, scales = self.gap_components(last)
        density = _normal(np.log1p(seconds)[:, None], means, scales)
        short, long = density[:, : NUM_TYPES * NUM_MISSIONS], density[:, NUM_TYPES * NUM_MISSIONS :]
        within = short.reshape(-1, NUM_TYPES, NUM_MISSIONS)[np.arange(len(kind)), kind]
        return_density = np.einsum("bgc,bc->bg", self.return_share(last), long)
        shape = (len(kind), NUM_SEGMENTS, NUM_MISSIONS)
        anew = np.broadcast_to(return_density[:, :, None], shape)
        return np.stack([np.broadcast_to(within[:, None], shape), anew], axis=1)

    def dwell_chance(self, kind: np.ndarray, duration: np.ndarray) -> np.ndarray:
        """Density of the logarithm of the dwell on an event, 1 where it is missing: (B, M)."""
        means = tables.DWELL_MEAN[kind][:, None] + tables.DWELL_SHOPPING * np.arange(NUM_MISSIONS)
        density = _normal(np.log(duration)[:, None], means, tables.DWELL_SCALE)
        return np.where(np.isnan(duration)[:, None], 1.0, density)


def build_behaviour(prices: np.ndarray, rng: np.random.Generator) -> BehaviourProcess:
    """Draw the tables of a shop.

    Args:
        prices: of its items, (V,).
        rng: the generator to draw from.
    """
    logs = np.log(prices)
    price = (logs - logs.mean()) / logs.std()
    distance = tables.BUDGETS[:, None] - price  # (G, V)
    num_items = len(prices)
    popularity = -np.log(1 + rng.permutation(num_items))
    taste = rng.normal(scale=tables.TASTE_SCALE, size=(NUM_INTENTS, num_items))
    offset = (np.arange(num_items) - np.arange(NUM_INTENTS)[:, None]) % NUM_CATEGORIES
    inside = np.where(offset < 2, 1.0, tables.OUTSIDE_WEIGHT)
    liked = -0.5 * (distance / tables.PRICE_TOLERANCE) ** 2
    weight = inside * np.exp(0.7 * popularity + taste + liked[:, None])  # (G, Z, V)
    return BehaviourProcess(
        next_line=draw_lines(num_items, rng),
        turns_to=build_turns(),
        browse=weight / weight.sum(axis=2, keepdims=True),
        affordable=np.clip(distance, -1, 1),
    )


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


def _normal(x: np.ndarray, mean, scale) -> np.ndarray:
    """Density of the normal distribution."""
    return np.exp(-0.5 * ((x - mean) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
