"""The best possible predictions of the simulated shops, in the form of models."""

from collections.abc import Sequence

import numpy as np

from recmodels.data.errors import require
from recmodels.data.shop import Shop
from recmodels.data.shop_behaviour import BehaviourShop
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.event_forecast import EventForecast, LogNormalMixture


class _Truth:
    """A model that orders the items as exact probabilities of the shop do.

    Args:
        shop: the shop whose log is ranked.
        vocabulary: of the split.
        train_users: raw user ids of the training histories, which `user_ids` point into, (U,).
    """

    max_length = None

    def __init__(
        self, shop: Shop | BehaviourShop, vocabulary: Vocabulary, train_users: np.ndarray
    ) -> None:
        self.shop = shop
        self.vocabulary = vocabulary
        self.train_users = np.asarray(train_users)

    def probabilities(self, users: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Of every item of the shop to be the event at each position: (B, V)."""
        raise NotImplementedError

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Place of each item in the true order, float32, higher is better and none are equal.

        Places, not probabilities: ties count against a model, and the best guess among equally
        likely items is any one of them.

        Returns:
            (B, V + 1), or (B, len(items)) if only some items are asked for.

        Raises:
            ValueError: a query is not about a training user, or its history is not how that
                user's log in the shop begins.
        """
        users, positions = self._locate(queries["item_ids"], queries["user_ids"])
        columns = self.shop.items_at(self.vocabulary.raw_ids)
        order = np.argsort(self.probabilities(users, positions)[:, columns], axis=1, kind="stable")
        places = np.zeros((len(users), len(columns) + 1), np.float32)
        np.put_along_axis(places, order + 1, np.arange(1, len(columns) + 1, dtype=np.float32), 1)
        return places if items is None else places[:, items]

    def _locate(self, item_ids: np.ndarray, user_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raw users and numbers of the events that follow the histories, each (B,)."""
        newcomers = int((user_ids < 0).sum())
        must = "`user_ids` must be rows of the training histories: leave newcomers out"
        require(not newcomers, must, newcomers=newcomers)
        users = self.train_users[user_ids]
        real = item_ids > 0
        positions = real.sum(axis=1)
        numbers = np.cumsum(real, axis=1)[real] - 1
        rows = self.shop.rows(np.repeat(users, positions), numbers)
        logged = self.vocabulary.encode(self.shop.interactions.events["item"].to_numpy()[rows])
        must = "`item_ids` must be how the logs of these users begin in the shop: split the log as "
        same = np.array_equal(logged, item_ids[real])
        require(same, must + "it was simulated, without cleaning it", item_ids="other items")
        return users, positions


class BayesCeiling(_Truth):
    """The known ceiling: the best ranking by the items before the event, for any model.

    Its measured score varies between samples: with few users a model may exceed it by chance.

    Example:
        >>> shop = simulate()
        >>> data = prepare(leave_one_out(shop.interactions))
        >>> ceiling = BayesCeiling(shop, data.vocabulary, data.train.users)
        >>> rank(ceiling, data.test, filter_seen=False)
    """

    def probabilities(self, users: np.ndarray, positions: np.ndarray) -> np.ndarray:
        return self.shop.bayes(users, positions)


class BayesEvents(BayesCeiling):
    """The known ceiling for all of the next event: type, item and time until it happens.

    For a shop of `simulate_behaviour`. Everything before the event is known, nothing of the event
    itself. Items outside the vocabulary are left out of the distribution, which is that of the
    items which a model can predict.

    Args:
        shop, vocabulary, train_users: see `BayesCeiling`.
        types: all labels of types, in the order of their codes: `data.schema["action"].values`.

    Example:
        >>> shop = simulate_behaviour()
        >>> schema = Schema({"action": Category()})
        >>> data = prepare(leave_one_out(shop.interactions), schema=schema)
        >>> types = data.schema["action"].values
        >>> ceiling = BayesEvents(shop, data.vocabulary, data.train.users, types)
        >>> ceiling.next_event(ask(ceiling, data.test, np.arange(3))).type_probabilities.shape
        (3, 4)

    Raises:
        ValueError: the shop knows no behaviour types, or `types` are not those of the shop.
    """

    def __init__(
        self,
        shop: BehaviourShop,
        vocabulary: Vocabulary,
        train_users: np.ndarray,
        types: Sequence[str],
    ) -> None:
        must = "`shop` must be a shop of `simulate_behaviour`, whose types and times have limits"
        require(isinstance(shop, BehaviourShop), must, shop=type(shop))
        super().__init__(shop, vocabulary, train_users)
        self.types = tuple(types)
        must = f"`types` must be all types of the shop, {shop.types}, in the order wanted"
        require(sorted(self.types) == sorted(shop.types), must, types=self.types)
        self._order = [shop.types.index(label) for label in self.types]

    def next_event(self, queries: dict[str, np.ndarray], with_items: bool = True) -> EventForecast:
        """The exact distribution of the next event of each query.

        Raises:
            ValueError: a history is empty, or see `score`.
        """
        users, positions = self._locate(queries["item_ids"], queries["user_ids"])
        joint = self.shop.bayes_joint(users, positions)[:, self._order]
        items = np.zeros((*joint.shape[:2], len(self.vocabulary) + 1))
        items[:, :, 1:] = joint[:, :, self.shop.items_at(self.vocabulary.raw_ids)]
        items /= items.sum(axis=2, keepdims=True)
        gap = LogNormalMixture(*self.shop.bayes_gap(users, positions))
        return EventForecast(self.types, joint.sum(axis=2), items, gap)


class Oracle(_Truth):
    """The best prediction if the hidden intent is known; its lead is the cost of inferring it."""

    def probabilities(self, users: np.ndarray, positions: np.ndarray) -> np.ndarray:
        return self.shop.oracle(users, positions)
