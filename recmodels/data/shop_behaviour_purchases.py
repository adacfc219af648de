"""Exact probabilities of the next purchase within some days in the simulated behaviour shop."""

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.shop_behaviour import BehaviourShop
from recmodels.data.shop_behaviour_process import STATE_SHAPE, take
from recmodels.data.shop_behaviour_tables import DEVICE_SHARE, DEVICES, SESSION_GAP, STRAY_SHARE
from recmodels.data.shop_behaviour_walk import Hidden, People, choose, first_purchases
from recmodels.data.shop_clock import DAY


def purchase_chances(
    shop: BehaviourShop, users, positions, *, days: float = 7, draws: int = 128, seed: int = 0
) -> np.ndarray:
    """Return the probability that the next purchase is of an item and within some days.

    This is the best possible prediction from everything before an event: the histories are
    continued from states drawn from the exact posterior, as if the logs did not end. The sampling
    error of a probability p is sqrt(p (1 - p) / draws).

    Args:
        shop: whose users they are.
        users: raw user ids, (B,).
        positions: number of the first event that is not seen, from 1, (B,).
        days: from the last event seen.
        draws: futures per row. With a power of two, as by default, shares of draws and their sums
            are exact, so that none exceeds 1.
        seed: of the draws.

    Returns:
        float64, (B, V), in the order of `shop.catalogue`. Each row sums to the probability that
        the user buys anything within these days.

    Raises:
        ValueError: a number is out of range, or a user or an event is not in the log.

    Example:
        >>> shop = simulate_behaviour(num_users=100)
        >>> purchase_chances(shop, [1, 2], [5, 3]).sum(axis=1)     # Probability of any purchase.
    """
    require(days > 0, "`days` must be greater than 0", days=days)
    require(draws >= 1, "`draws` must be at least 1", draws=draws)
    first = np.min(positions, initial=1)
    require(first > 0, "`positions` must be 1 or more: an event must be seen", positions=first)
    rng = np.random.default_rng(seed)
    rows = np.repeat(shop.rows(users, positions), draws)
    states = choose(shop.beliefs[rows - 1].reshape(len(rows), -1), rng)
    segment, intent, mission = np.unravel_index(states, STATE_SHAPE)
    own = choose(own_device(shop)[rows - 1], rng)
    last, nothing = take(shop.seen, rows - 1), np.zeros(len(rows), bool)
    people = People(nothing, segment, own)
    hidden = Hidden(intent, mission.astype(bool), nothing, nothing)
    until = last.timestamp + int(days * DAY)
    item = first_purchases(shop.process, people, last, hidden, until, rng)
    bought = np.flatnonzero(item >= 0)
    shape = (len(rows) // draws, shop.process.num_items)
    cells = np.ravel_multi_index((bought // draws, item[bought]), shape)
    # Divided once, because a sum of many shares of one draw would be rounded to more than 1.
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape) / draws


def own_device(shop: BehaviourShop) -> np.ndarray:
    """Belief about which device is the user's own once an event has been seen, (N, 3)."""
    seen, users = shop.seen, shop.interactions.events["user"]
    new_session = np.append(True, np.diff(seen.timestamp) >= SESSION_GAP)
    new_session |= ~users.duplicated().to_numpy()
    shown = seen.device[:, None] == np.arange(len(DEVICES))
    chance = (1 - STRAY_SHARE) * shown + STRAY_SHARE / len(DEVICES)
    logs = pd.DataFrame(np.where(new_session[:, None], np.log(chance), 0.0))
    belief = DEVICE_SHARE * np.exp(logs.groupby(users).cumsum().to_numpy())
    return belief / belief.sum(axis=1, keepdims=True)
