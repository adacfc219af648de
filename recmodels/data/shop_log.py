"""What the simulated shops share: a log whose events can be looked up, and checks of arguments."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

import numpy as np

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.shop_catalogue import FIRST_ITEM, LANGUAGES, NUM_CATEGORIES


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedLog:
    """A log of simulated users 1..U with its catalogue.

    Args:
        interactions: the log, with a table of items. Only this may be shown to a model.
    """

    interactions: Interactions

    @cached_property
    def _offsets(self) -> np.ndarray:
        return self.interactions.user_offsets()[1]

    @cached_property
    def _items(self) -> np.ndarray:
        return self.items_at(self.interactions.events["item"])

    @property
    def catalogue(self) -> np.ndarray:
        """Raw ids of all items, int64, (V,), in the order of the columns of the truth."""
        return self.interactions.items.index.to_numpy()

    def items_at(self, raw_ids) -> np.ndarray:
        """Columns of the truth, int64, of raw item ids.

        Raises:
            ValueError: an id is not of this shop.
        """
        columns = np.asarray(raw_ids) - FIRST_ITEM
        foreign = (columns < 0) | (columns >= len(self.interactions.items))
        must = "`raw_ids` must be items of this shop, in `shop.catalogue`"
        require(not foreign.any(), must, raw_ids=columns[foreign][:1] + FIRST_ITEM)
        return columns

    def rows(self, users, positions) -> np.ndarray:
        """Where in the log an event stands.

        Args:
            users: raw user ids, (B,).
            positions: number of the event within the user's log, from 0, (B,).

        Returns:
            Rows of `interactions.events`, int64, (B,).

        Raises:
            ValueError: a user or an event is not in the log.
        """
        users, positions = np.asarray(users, np.int64), np.asarray(positions, np.int64)
        known = (users >= 1) & (users < len(self._offsets))
        must = f"`users` must be raw user ids of this shop, 1..{len(self._offsets) - 1}"
        require(known.all(), must, users=users[~known][:1])
        rows = self._offsets[users - 1] + positions
        inside = (positions >= 0) & (rows < self._offsets[users])
        outside = {"positions": positions[~inside][:1], "users": users[~inside][:1]}
        must = "`positions` must number an event of the user's log, from 0"
        require(inside.all(), must, **outside)
        return rows


def check_sizes(num_users: int, num_items: int, events_per_user: float, language: str) -> None:
    """Raise a `ValueError` unless a shop of this size and language can be simulated."""
    whole = {"num_users": (num_users, 1), "num_items": (num_items, 2 * NUM_CATEGORIES)}
    for name, (value, minimum) in whole.items():
        fits = isinstance(value, Integral) and not isinstance(value, bool) and value >= minimum
        require(fits, f"`{name}` must be a whole number, at least {minimum}", **{name: value})
    must = "`events_per_user` must be a number, at least 3"
    fits = isinstance(events_per_user, Real) and 3 <= events_per_user < np.inf
    require(fits, must, events_per_user=events_per_user)
    require(language in LANGUAGES, f"`language` must be one of {LANGUAGES}", language=language)
