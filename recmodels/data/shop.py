"""A simulated shop: a realistic log whose best possible predictions are known exactly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.shop_catalogue import FIRST_ITEM, build_catalogue
from recmodels.data.shop_clock import DAY, START, draw_times
from recmodels.data.shop_log import SimulatedLog, check_sizes
from recmodels.data.shop_process import NUM_INTENTS, Process, build_process
from recmodels.data.shop_walk import walk

ACTIONS = ("view", "cart", "favourite", "buy")
DEVICES = ("phone", "desktop", "tablet")
FAVOURITE_SHARE = 0.3  # Of second events on an item; the others put it into the cart.
NOISY, DETERMINISTIC = 0.25, 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Shop(SimulatedLog):
    """A log of shopping behaviour and the hidden truth behind it.

    Args:
        interactions: the log, with `user, item, timestamp, action, duration, device` and a table
            of items. Only this may be shown to a model.
        process: the probabilities the log was drawn from.
        intents: the hidden intent at each event, int8, (N,).
        runs: number of consecutive events on the same item up to each event, int8, (N,).
    """

    process: Process
    intents: np.ndarray
    runs: np.ndarray

    @cached_property
    def _weeks(self) -> np.ndarray:
        return (self.interactions.events["timestamp"].to_numpy() - START) // (7 * DAY)

    def __repr__(self) -> str:
        return f"<Shop of noise {self.process.noise}: {self.interactions!r}>"

    def bayes(self, users, positions) -> np.ndarray:
        """The best prediction of an event from the items before it: the Bayes ceiling.

        Exact forward filtering: the probabilities of the intents are updated event by event, and
        the predictions of all intents are averaged with these weights. The time of the event is
        known, because a shop knows when it is asked for a list; actions, dwell and device contain
        no further information about the next item.

        Args:
            users: raw user ids, (B,).
            positions: number of the event to predict within the user's log, from 0, (B,).

        Returns:
            Probability of each item in the order of `catalogue`, float64, (B, V).
        """
        rows, positions = self.rows(users, positions), np.asarray(positions)
        return self._predict(rows, positions, self._filter(rows, positions))

    def oracle(self, users, positions) -> np.ndarray:
        """Return the best prediction if the true intent before the event is known; see `bayes`."""
        rows, positions = self.rows(users, positions), np.asarray(positions)
        belief = np.eye(NUM_INTENTS)[self.intents[rows - 1]]
        belief[positions == 0] = 1 / NUM_INTENTS
        return self._predict(rows, positions, belief)

    def _filter(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Belief about the intent at the event before each of `rows`: (B, 7)."""
        process, starts = self.process, rows - positions
        belief = np.full((len(rows), NUM_INTENTS), 1 / NUM_INTENTS)
        for step in range(int(positions.max(initial=0))):
            # A repeat keeps the intent, and all intents expect it alike: it tells nothing.
            telling = np.flatnonzero(positions > step)
            telling = telling[self.runs[starts[telling] + step] == 1]
            now = starts[telling] + step
            item, week = self._items[now], self._weeks[now]
            if step:
                prior = belief[telling] @ process.switch
                joint = prior * process.likelihood(item, self._items[now - 1], week)
            else:
                joint = belief[telling] * process.browse[week, :, item]
            belief[telling] = joint / joint.sum(axis=1, keepdims=True)
        return belief

    def _predict(self, rows: np.ndarray, positions: np.ndarray, belief: np.ndarray) -> np.ndarray:
        weeks, first = self._weeks[rows], positions == 0
        before = np.maximum(rows - 1, 0)
        chances = self.process.predict(belief, self._items[before], self.runs[before], weeks)
        chances[first] = self.process.mix(belief[first], weeks[first])
        return chances


def simulate(
    num_users: int = 5000,
    num_items: int = 210,
    *,
    events_per_user: float = 40,
    noise: float = NOISY,
    language: str = "en",
    seed: int = 0,
) -> Shop:
    """Simulate twelve weeks of a shop whose best possible predictions are known exactly.

    Users follow hidden intents, which last for many items and then change. An intent alternates
    between two categories, and each item leads to companion items in other categories. So the last
    item alone predicts poorly, and the history well. Users view interesting items longer and act
    on them in the order of a funnel: view, cart or favourite, buy. Visits depend on the weekday
    and the hour, and items slowly gain or lose popularity.

    Args:
        num_users: U.
        num_items: V, at least 14.
        events_per_user: mean length of a user's log, at least 3.
        noise: from 0 (`DETERMINISTIC`: but for a repeat or a change of intent, the next item
            follows from the history) to 1 (browsing only); by default `NOISY`.
        language: of titles, categories and brands: `"en"` or `"zh"`.
        seed: everything random follows from it, and the log is the same in each language.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> shop = simulate(num_users=100, seed=1)
        >>> shop.bayes(users=[1, 2], positions=[5, 3]).shape
        (2, 210)
    """
    check_sizes(num_users, num_items, events_per_user, language)
    require(0 <= noise <= 1, "`noise` must be between 0 and 1", noise=noise)
    for_items, for_process, for_times, for_walk, for_surface = np.random.default_rng(seed).spawn(5)
    items = build_catalogue(num_items, language, for_items)
    process = build_process(num_items, noise, for_process)
    lengths = np.maximum(for_times.gamma(4, events_per_user / 4, num_users).round(), 3).astype(int)
    times = draw_times(lengths, for_times)
    chosen, intents, runs = walk(process, lengths, times // (7 * DAY), for_walk)
    columns = {
        "user": np.repeat(np.arange(1, num_users + 1), lengths),
        "item": chosen.astype(np.int64) + FIRST_ITEM,
        "timestamp": times + START,
        "action": _actions(runs, for_surface),
        "duration": _dwell(process.appeal[chosen], runs, times, lengths, for_surface),
        "device": _devices(lengths, for_surface),
    }
    log = Interactions(pd.DataFrame(columns), "timed", "shop", items)
    return Shop(log, process, intents, runs)


def _actions(runs: np.ndarray, rng: np.random.Generator) -> pd.Categorical:
    """A step down the funnel for each further event on the same item."""
    codes = np.array([-1, 0, 1, 3], np.int8)[runs]
    codes[(runs == 2) & (rng.random(len(runs)) < FAVOURITE_SHARE)] = 2
    return pd.Categorical.from_codes(codes, ACTIONS)


def _dwell(appeal, runs, times, lengths, rng: np.random.Generator) -> np.ndarray:
    """Seconds spent on a view, longer on what interests, never past the next event."""
    seconds = np.round(np.exp(rng.normal(2.5 + 1.5 * appeal, 0.6)), 1)
    until_next = np.append(np.diff(times), 0)
    until_next[np.cumsum(lengths) - 1] = DAY
    return np.where(runs == 1, np.clip(seconds, 0, until_next), np.nan)


def _devices(lengths: np.ndarray, rng: np.random.Generator) -> pd.Categorical:
    """Each user keeps to one device, mostly."""
    own = rng.choice(len(DEVICES), len(lengths), p=[0.6, 0.3, 0.1]).astype(np.int8)
    any_device = rng.integers(len(DEVICES), size=int(lengths.sum()), dtype=np.int8)
    strays = rng.random(len(any_device)) < 0.15
    return pd.Categorical.from_codes(np.where(strays, any_device, np.repeat(own, lengths)), DEVICES)
