"""A simulated shop whose users view, save and buy, with exact predictions of what comes next."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.shop_behaviour_process import (
    NUM_MISSIONS,
    NUM_TYPES,
    STATE_SHAPE,
    BehaviourProcess,
    Observed,
    build_behaviour,
    take,
)
from recmodels.data.shop_behaviour_tables import DEVICES, TYPES
from recmodels.data.shop_behaviour_walk import Hidden, draw_people, walk_behaviour
from recmodels.data.shop_catalogue import FIRST_ITEM, build_catalogue
from recmodels.data.shop_clock import START, draw_times
from recmodels.data.shop_log import SimulatedLog, check_sizes

CAUSES = ("same item", "companion", "browsed")


@dataclass(frozen=True, eq=False, repr=False)
class BehaviourShop(SimulatedLog):
    """A log of shopping behaviour and the hidden truth behind it.

    The methods `bayes_...` give the best predictions that anyone can make who has seen everything
    before the event to predict (items, types, times, dwell, devices, the membership of the user),
    and neither its time nor anything else of it. They come from exact forward filtering: the
    belief about the hidden state is updated event by event.

    Args:
        interactions: the log, with `user, item, timestamp, action, duration, device`, a table of
            items (`title, category, brand, price`) and one of users (`member`). Only this may be
            shown to a model.
        process: the probabilities that the log was drawn from.
        types: labels of the behaviour types, in the order of all tables of the truth.
        segments: the hidden segment of each user, int8, (U,): from 0 (small budget) to 2.
        hidden: the hidden state at each event and how its item was found (see `CAUSES`), (N,).
    """

    process: BehaviourProcess
    types: tuple[str, ...]
    segments: np.ndarray
    hidden: Hidden

    def __repr__(self) -> str:
        return f"<BehaviourShop: {self.interactions!r}>"

    @property
    def intents(self) -> np.ndarray:
        """The hidden intent at each event, int8, (N,): the two categories of interest."""
        return self.hidden.intent

    @cached_property
    def moved(self) -> np.ndarray:
        """Whether the hidden intent or the mission changed just before each event, bool, (N,)."""
        state = self.hidden.intent * 2 + self.hidden.shopping
        changed = np.append(False, state[1:] != state[:-1])
        changed[self._offsets[:-1]] = False
        return changed

    @cached_property
    def beliefs(self) -> np.ndarray:
        """Probability of each hidden state once an event has been seen, float64, (N, G, Z, M).

        The axes are segments, intents and missions (0 browsing, 1 shopping).
        """
        beliefs = np.empty((len(self.interactions), *STATE_SHAPE))
        starts, ends = self._offsets[:-1], self._offsets[1:]
        member = self.interactions.users["member"].to_numpy()
        beliefs[starts] = self._first_belief(member, take(self.seen, starts))
        for step in range(1, int((ends - starts).max())):
            rows = (starts + step)[ends - starts > step]
            beliefs[rows] = self._update(beliefs[rows - 1], rows)
        return beliefs

    def bayes_types(self, users, positions) -> np.ndarray:
        """Probability of each type of an event, in the order of `types`.

        Args:
            users: raw user ids, (B,).
            positions: number of the event to predict within the user's log, from 0, (B,).

        Returns:
            float64, (B, A), rows sum to 1.

        Raises:
            ValueError: a user or an event is not in the log.
        """
        return self._states_and_types(users, positions)[0].sum(axis=(1, 2, 3))

    def bayes_items(self, users, positions, given: str | None = None) -> np.ndarray:
        """Probability of each item of an event, of any type or given its type.

        With `given="buy"` it answers which item will be bought, if the next event is a purchase.

        Args:
            users, positions: see `bayes_types`.
            given: one of `types`, or None.

        Returns:
            float64, (B, V), in the order of `catalogue`, rows sum to 1.

        Raises:
            ValueError: `given` is not a type, or see `bayes_types`.
        """
        known = given is None or given in self.types
        require(known, f"`given` must be None or one of {self.types}", given=given)
        joint = self.bayes_joint(users, positions)
        if given is None:
            return joint.sum(axis=1)
        chances = joint[:, self.types.index(given)]
        return chances / chances.sum(axis=1, keepdims=True)

    def bayes(self, users, positions) -> np.ndarray:
        """Probability of each item, as `bayes_items`, under the name that all shops have."""
        return self.bayes_items(users, positions)

    def bayes_joint(self, users, positions) -> np.ndarray:
        """Probability of each type together with each item: float64, (B, A, V), sums to 1.

        See `bayes_types`. The first event of a user is always a view.
        """
        states, last = self._states_and_types(users, positions)
        joint = self.process.item_table(states, last)
        first = np.flatnonzero(np.asarray(positions) == 0)
        # A first event is a view, and browsed, whatever precedes it in the log.
        browsed = np.einsum("bgz,gzv->bv", states[first].sum(axis=(1, 4)), self.process.browse)
        joint[first, 0] = browsed
        return joint

    def bayes_gap(self, users, positions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distribution of the seconds from the last event to the next, a log-normal mixture.

        Args:
            users, positions: see `bayes_types`; positions from 1 on.

        Returns:
            Weights, means and scales of the logarithm of 1 + seconds, float64, (B, 11) each.

        Raises:
            ValueError: a position is 0, or see `bayes_types`.
        """
        must = "`positions` must be 1 or more: no gap leads to the first event of a user"
        require(np.min(positions, initial=1) > 0, must, positions=np.min(positions, initial=1))
        rows = self.rows(users, positions)
        last = take(self.seen, rows - 1)
        states = self.process.ahead(self.beliefs[rows - 1], last)
        types = self.process.type_chance(last)
        within = np.einsum("bgzm,bgma->bam", states[:, 0], types[:, 0])
        anew = np.einsum("bgzm,bgc->bc", states[:, 1], self.process.return_share(last))
        weights = np.hstack([within.reshape(len(rows), NUM_TYPES * NUM_MISSIONS), anew])
        return weights, *self.process.gap_components(last)

    @cached_property
    def seen(self) -> Observed:
        """All events as the process sees them, (N,)."""
        events = self.interactions.events
        return Observed(
            item=self._items,
            kind=pd.Categorical(events["action"], self.types).codes,
            device=pd.Categorical(events["device"], DEVICES).codes,
            timestamp=events["timestamp"].to_numpy(),
            duration=events["duration"].to_numpy(),
        )

    def _first_belief(self, member: np.ndarray, seen: Observed) -> np.ndarray:
        browsed = self.process.browse[:, :, seen.item].transpose(2, 0, 1)
        dwell = self.process.dwell_chance(seen.kind, seen.duration)
        joint = self.process.start(member) * browsed[..., None] * dwell[:, None, None]
        return joint / joint.sum(axis=(1, 2, 3), keepdims=True)

    def _update(self, belief: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The belief after the events `rows`, from that after the event before each."""
        process, last, now = self.process, take(self.seen, rows - 1), take(self.seen, rows)
        gap = now.timestamp - last.timestamp
        types = process.type_chance(last)[np.arange(len(rows)), ..., now.kind]  # (B, E, G, M)
        by_mission = types * process.gap_chance(last, now.kind, gap)
        by_mission = by_mission * process.dwell_chance(now.kind, now.duration)[:, None, None]
        by_intent = process.item_chance(last, now.kind, now.item)
        joint = process.ahead(belief, last) * by_mission[:, :, :, None] * by_intent[..., None]
        joint = joint.sum(axis=1)
        return joint / joint.sum(axis=(1, 2, 3), keepdims=True)

    def _states_and_types(self, users, positions) -> tuple[np.ndarray, Observed]:
        """Probability of the state with the type, (B, E, G, Z, A), and the last event seen."""
        rows, positions = self.rows(users, positions), np.asarray(positions)
        before = np.maximum(rows - 1, 0)
        last, first = take(self.seen, before), positions == 0
        states = np.einsum(
            "begzm,begma->begza",
            self.process.ahead(self.beliefs[before], last),
            self.process.type_chance(last),
        )
        member = self.interactions.users["member"].to_numpy()[np.asarray(users)[first] - 1]
        states[first] = 0
        states[first, 1, :, :, 0] = self.process.start(member).sum(axis=3)
        return states, last


def simulate_behaviour(
    num_users: int = 5000,
    num_items: int = 210,
    *,
    events_per_user: float = 40,
    language: str = "en",
    seed: int = 0,
) -> BehaviourShop:
    """Simulate a shop in which the type, the item and the time of the next event can be learnt.

    Each user belongs to a hidden segment and follows hidden intents and missions, which change
    now and then, mostly between sessions. An event becomes a view, cart, favourite or purchase by
    a funnel: it depends on the type of the last event, on whether the user came to buy, on the
    price of the item compared with the budget of the segment, on weekday and hour, and on the
    device. Most carts, favourites and purchases are of the item of the last event; views are of
    its companion or of items that fit the intent and the budget. Dwell depends on type and
    mission, and gaps on type, mission, dwell, weekday and segment. A dwell may be longer than the
    gap that follows: the next page then opened in another tab.

    Args:
        num_users: U.
        num_items: V, at least 14.
        events_per_user: mean length of a user's log, at least 3.
        language: of titles, categories, brands and types: `"en"` or `"zh"`.
        seed: everything random follows from it, and the log is the same in each language.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> shop = simulate_behaviour(num_users=100, seed=1)
        >>> shop.bayes_types(users=[1, 2], positions=[5, 3]).shape
        (2, 4)
    """
    check_sizes(num_users, num_items, events_per_user, language)
    for_items, for_process, for_times, for_people, for_walk = np.random.default_rng(seed).spawn(5)
    items = build_catalogue(num_items, language, for_items)
    process = build_behaviour(items["price"].to_numpy(), for_process)
    lengths = np.maximum(for_times.gamma(4, events_per_user / 4, num_users).round(), 3).astype(int)
    first_times = START + draw_times(np.ones(num_users, int), for_times)
    people = draw_people(num_users, for_people)
    seen, hidden = walk_behaviour(process, people, lengths, first_times, for_walk)
    columns = {
        "user": np.repeat(np.arange(1, num_users + 1), lengths),
        "item": seen.item + FIRST_ITEM,
        "timestamp": seen.timestamp,
        "action": pd.Categorical.from_codes(seen.kind, TYPES[language]),
        "duration": seen.duration,
        "device": pd.Categorical.from_codes(seen.device, DEVICES),
    }
    index = pd.RangeIndex(1, num_users + 1, name="user")
    users = pd.DataFrame({"member": people.member}, index)
    log = Interactions(pd.DataFrame(columns), "timed", "shop-behaviour", items, users)
    return BehaviourShop(log, process, TYPES[language], people.segment, hidden)
