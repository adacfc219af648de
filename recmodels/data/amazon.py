"""Read Amazon reviews in the ids that published sequential tables use."""

import gzip
import json
from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.interactions import Interactions
from recmodels.data.tables import read_table


def read_beauty(folder: Path) -> Interactions:
    """Beauty with times, titles and categories, or in bare order where only the sequences are.

    Times are whole days. Inside a day the order is the file's, so sorting by time keeps the
    published sequences.

    Args:
        folder: holds `events.csv` and perhaps `items.jsonl`, or else `Beauty.txt`.
    """
    path = find_file(folder, "events.csv")
    if path is None:
        table = read_table(find_file(folder, "Beauty.txt"), form="sequences")
        return Interactions(table.frame, "ordered", "beauty")
    events = pd.read_csv(path).rename(columns={"user_id": "user", "item_id": "item"})
    return Interactions(events, "timed", "beauty", _items(folder))


def read_sports(folder: Path) -> Interactions:
    """Sports and Outdoors: the items of each user in the order of `Sports_and_Outdoors.txt`."""
    table = read_table(find_file(folder, "Sports_and_Outdoors.txt"), form="sequences")
    return Interactions(table.frame, "ordered", "sports")


def _items(folder: Path) -> pd.DataFrame | None:
    path = find_file(folder, "items.jsonl")
    if path is None:
        return None
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    return pd.DataFrame(
        {
            "title": [item.get("title") or "" for item in items],
            "category": [_category(item["categories"]) for item in items],
        },
        index=pd.Index([item["item_id"] for item in items], name="item"),
    )


def _category(paths: list[list[str]]) -> str:
    """Every name on the category paths once; without the first, which is Beauty for all."""
    return "|".join(dict.fromkeys(name for path in paths for name in path[1:]))
