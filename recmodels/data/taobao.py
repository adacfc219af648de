"""Read Taobao's UserBehavior: views, carts, favourites and purchases of one week."""

import warnings
from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.interactions import LATEST_TIMESTAMP, Interactions
from recmodels.data.official import map_actions

ACTIONS = {"pv": "view", "cart": "cart", "fav": "favourite", "buy": "buy"}


def read_taobao(folder: Path) -> Interactions:
    """`UserBehavior.csv`, the full log or any part of it.

    The full log has a few times before 1970; those rows are left out with a warning.
    """
    names = ["user", "item", "category", "action", "timestamp"]
    path = find_file(folder, "UserBehavior.csv")
    events = pd.read_csv(path, header=None, names=names, dtype={"action": "category"})
    events["action"] = map_actions(events["action"], ACTIONS, "taobao")
    possible = events["timestamp"].between(0, LATEST_TIMESTAMP)
    if not possible.all():
        warnings.warn(
            f"{path.name}: left out {(~possible).sum()} rows outside 1970 to 2100", stacklevel=2
        )
    return Interactions(events[possible], "timed", "taobao", _categories(events))


def _categories(events: pd.DataFrame) -> pd.DataFrame:
    """The categories of each item, joined by `|` for the few that changed theirs."""
    pairs = events[["item", "category"]].drop_duplicates().astype({"category": str})
    return pairs.groupby("item").agg({"category": "|".join})
