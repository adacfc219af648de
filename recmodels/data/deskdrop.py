"""Read Deskdrop: what the staff of a company did with articles on its own platform."""

from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.interactions import Interactions
from recmodels.data.official import map_actions

ACTIONS = {
    "VIEW": "view",
    "LIKE": "like",
    "BOOKMARK": "bookmark",
    "COMMENT CREATED": "comment",
    "FOLLOW": "follow",
}
COLUMNS = {
    "personId": "user",
    "contentId": "item",
    "timestamp": "timestamp",
    "eventType": "action",
    "sessionId": "session",
    "userAgent": "device",
    "userRegion": "region",
    "userCountry": "country",
}


def read_deskdrop(folder: Path) -> Interactions:
    """`users_interactions.csv`, with titles where `shared_articles.csv` stands beside it.

    User and item ids are signed 64-bit hashes, so they are read as text.
    """
    ids = {"personId": str, "contentId": str, "sessionId": str}
    raw = pd.read_csv(find_file(folder, "users_interactions.csv"), usecols=list(COLUMNS), dtype=ids)
    events = raw.rename(columns=COLUMNS)[list(COLUMNS.values())]
    events["action"] = map_actions(events["action"], ACTIONS, "deskdrop")
    return Interactions(events, "timed", "deskdrop", _articles(folder))


def _articles(folder: Path) -> pd.DataFrame | None:
    """The latest title of each article by its raw id, or None without the file."""
    path = find_file(folder, "shared_articles.csv")
    if path is None:
        return None
    articles = pd.read_csv(path, usecols=["contentId", "title"], dtype=str)
    latest = articles.drop_duplicates("contentId", keep="last")
    return latest.set_index("contentId").rename_axis("item").fillna("")
