"""Sample from the process of behaviour, for all users in parallel."""

from dataclasses import dataclass

import numpy as np

from recmodels.data import shop_behaviour_tables as tables
from recmodels.data.shop_behaviour_process import (
    NUM_MISSIONS,
    NUM_TYPES,
    BehaviourProcess,
    Observed,
    take,
)
from recmodels.data.shop_process import NUM_INTENTS


@dataclass(frozen=True, eq=False)
class Hidden:
    """The true state at some events and how each came about.

    Args:
        intent: int8, from 0 to 6, (B,).
        shopping: the mission: whether the user wants to buy, bool, (B,).
        new_session: whether the event begins a session, bool, (B,).
        cause: how its item was found, a place in `CAUSES`, int8, (B,).
    """

    intent: np.ndarray
    shopping: np.ndarray
    new_session: np.ndarray
    cause: np.ndarray


@dataclass(frozen=True, eq=False)
class People:
    """What does not change about users.

    Args:
        member: whether the user has a membership, bool, (U,).
        segment: hidden, int8, (U,).
        device: the user's own, int8, (U,).
    """

    member: np.ndarray
    segment: np.ndarray
    device: np.ndarray


def draw_people(num_users: int, rng: np.random.Generator) -> People:
    """Draw segments, then memberships, which depend on them, and devices, which do not."""
    segment = choose(np.tile(tables.SEGMENT_SHARE, (num_users, 1)), rng)
    member = rng.random(num_users) < tables.MEMBER_SHARE[segment]
    device = choose(np.tile(tables.DEVICE_SHARE, (num_users, 1)), rng)
    return People(member, segment.astype(np.int8), device.astype(np.int8))


def walk_behaviour(
    process: BehaviourProcess,
    people: People,
    lengths: np.ndarray,
    first_times: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Observed, Hidden]:
    """Let every user act.

    Args:
        process: the probabilities.
        people: (U,).
        lengths: events of each user, (U,), at least 1.
        first_times: UTC seconds of the first event of each user, (U,).
        rng: the generator to draw from.

    Returns:
        All events, user after user, (N,): what is seen of them and what is hidden.
    """
    order = np.argsort(-lengths, kind="stable")  # Longest first: those who act are a prefix.
    starts, negative = (np.cumsum(lengths) - lengths)[order], -lengths[order]
    walk, people = _Walk(process, rng), take(people, order)
    seen, hidden = walk.first(people, first_times[order])
    steps, places = [(seen, hidden)], [starts]
    for step in range(1, int(lengths.max())):
        acting = int(np.searchsorted(negative, -step, side="left"))  # Users with more events.
        seen, hidden = walk.step(*(take(part, slice(acting)) for part in (people, seen, hidden)))
        steps.append((seen, hidden))
        places.append(starts[:acting] + step)
    back = np.argsort(np.concatenate(places))
    parts = [list(part) for part in zip(*steps, strict=True)]
    return _joined(parts[0], back), _joined(parts[1], back)


def first_purchases(
    process: BehaviourProcess,
    people: People,
    last: Observed,
    hidden: Hidden,
    until: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Let users go on until they buy something, or until a time.

    Args:
        process, people, rng: see `walk_behaviour`.
        last, hidden: the event from which each user goes on, (B,).
        until: UTC seconds, (B,).

    Returns:
        Columns of the items bought, -1 where nothing was, int64, (B,).
    """
    walk, bought, waiting = _Walk(process, rng), np.full(len(until), -1), np.arange(len(until))
    while len(waiting):
        last, hidden = walk.step(people, last, hidden)
        in_time = last.timestamp <= until[waiting]
        buys = in_time & (last.kind == tables.BUY)
        bought[waiting[buys]] = last.item[buys]
        others = in_time & ~buys
        waiting = waiting[others]
        people, last, hidden = (take(part, others) for part in (people, last, hidden))
    return bought


class _Walk:
    """Draws one event per user at a time."""

    def __init__(self, process: BehaviourProcess, rng: np.random.Generator) -> None:
        self.process, self.rng = process, rng
        # Row r of the shelves ends at r + 1, so that one sorted array answers for all rows.
        rows = process.browse.reshape(-1, process.num_items)
        self.ends = (np.cumsum(rows, axis=1) + np.arange(len(rows))[:, None]).ravel()

    def first(self, people: People, times: np.ndarray) -> tuple[Observed, Hidden]:
        """The first event of each user, at given times."""
        number, segment = len(times), people.segment
        intent = self.rng.integers(NUM_INTENTS, size=number, dtype=np.int8)
        shopping = self.rng.random(number) < tables.SHOPPING_SHARE[segment]
        item = self._browse(segment, intent)
        kind = np.full(number, tables.VIEW, np.int8)
        device = self._devices(people.device)
        seen = Observed(item, kind, device, times, self._dwell(kind, shopping))
        cause = np.full(number, tables.BROWSED, np.int8)
        return seen, Hidden(intent, shopping, np.ones(number, bool), cause)

    def step(self, people: People, last: Observed, before: Hidden) -> tuple[Observed, Hidden]:
        """The next event of each user."""
        process, rng, rows = self.process, self.rng, np.arange(len(last.item))
        segment, old = people.segment, before.shopping.astype(np.int8)
        anew = rng.random(len(rows)) < process.end_chance(last)[rows, old]
        session = anew.astype(np.int8)
        intent = choose(process.intent_moves()[session, before.intent], rng).astype(np.int8)
        mission = choose(process.mission_moves()[session, segment, old], rng).astype(np.int8)
        kinds = process.type_chance(last)[rows, session, segment, mission]
        kind = choose(kinds, rng).astype(np.int8)
        cause = choose(tables.WHICH_ITEM[session, kind], rng).astype(np.int8)
        choices = last.item, process.companion_of(last.item, intent), self._browse(segment, intent)
        item = np.choose(cause, choices)
        gap = self._gaps(last, kind, mission, segment, anew)
        device = np.where(gap >= tables.SESSION_GAP, self._devices(people.device), last.device)
        dwell = self._dwell(kind, mission)
        seen = Observed(item, kind, device, last.timestamp + gap, dwell)
        return seen, Hidden(intent, mission.astype(bool), anew, cause)

    def _browse(self, segment: np.ndarray, intent: np.ndarray) -> np.ndarray:
        row = segment.astype(np.int64) * NUM_INTENTS + intent
        uniform = self.rng.random(len(row))
        place = np.searchsorted(self.ends, row + uniform, side="right")
        return np.clip(place - row * self.process.num_items, 0, self.process.num_items - 1)

    def _gaps(self, last, kind, mission, segment, anew) -> np.ndarray:
        """Whole seconds until the next event, int64."""
        rows = np.arange(len(kind))
        means, scales = self.process.gap_components(last)
        long = choose(self.process.return_share(last)[rows, segment], self.rng)
        short = kind.astype(np.int64) * NUM_MISSIONS + mission
        part = np.where(anew, NUM_TYPES * NUM_MISSIONS + long, short)
        logs = self.rng.normal(means[rows, part], scales[rows, part])
        return np.maximum(0, np.round(np.expm1(logs))).astype(np.int64)

    def _dwell(self, kind: np.ndarray, shopping: np.ndarray) -> np.ndarray:
        """Seconds to one decimal, NaN where it was not recorded."""
        mean = tables.DWELL_MEAN[kind] + tables.DWELL_SHOPPING * shopping
        seconds = np.exp(self.rng.normal(mean, tables.DWELL_SCALE))
        recorded = self.rng.random(len(kind)) < tables.DWELL_RECORDED[kind]
        return np.where(recorded, np.maximum(0.1, np.round(seconds, 1)), np.nan)

    def _devices(self, own: np.ndarray) -> np.ndarray:
        stray = self.rng.random(len(own)) < tables.STRAY_SHARE
        other = self.rng.integers(len(tables.DEVICES), size=len(own), dtype=np.int8)
        return np.where(stray, other, own)


def choose(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One column per row, drawn with the probabilities of the row, int64, (B,)."""
    ends = np.cumsum(chances, axis=1)[:, :-1]
    return (rng.random(len(chances))[:, None] >= ends).sum(axis=1)


def _joined(parts: list, order: np.ndarray):
    """Several of one kind as one, in another order."""
    names = vars(parts[0])
    joined = {name: np.concatenate([vars(part)[name] for part in parts]) for name in names}
    return take(type(parts[0])(**joined), order)
