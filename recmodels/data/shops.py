"""The simulated shops that are known by name."""

from collections.abc import Callable
from functools import partial

from recmodels.data.shop import DETERMINISTIC, Shop, simulate
from recmodels.data.shop_behaviour import BehaviourShop, simulate_behaviour

SHOPS: dict[str, Callable[[], Shop | BehaviourShop]] = {
    "shop": simulate,
    "shop-deterministic": partial(simulate, noise=DETERMINISTIC),
    "shop-chinese": partial(simulate, language="zh"),
    "shop-behaviour": simulate_behaviour,
    "shop-behaviour-large": partial(simulate_behaviour, num_users=20_000),
}
