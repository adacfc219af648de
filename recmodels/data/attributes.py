"""Attributes of items and users of public data sets, as tables indexed by raw id."""

import gzip
import json
from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file

# The last 19 columns of u.item, in order.
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
    "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance",
    "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
MOVIES = ["item", "title", "category"]


def movies_100k(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """Titles and genres of MovieLens 100K, from `u.item`."""
    table = _read(folder, "u.item", sep="|", header=None, encoding="latin-1")
    if table is None:
        return None
    flags = table.iloc[:, 5:].to_numpy(bool)
    genres = ["|".join(g for g, on in zip(GENRES_100K, row, strict=True) if on) for row in flags]
    return table[[0, 1]].assign(genres=genres).set_axis(MOVIES, axis=1).set_index("item")


def users_100k(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """Age, gender and occupation of the users of MovieLens 100K, from `u.user`."""
    names = ["user", "age", "gender", "occupation"]
    options = {"header": None, "names": names, "usecols": range(4), "index_col": "user"}
    return _read(folder, "u.user", sep="|", **options)


def movies_1m(folder: Path, events: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """Titles and genres of MovieLens 1M, from `movies.dat`."""
    options = {"names": MOVIES, "index_col": "item", "encoding": "latin-1"}
    return _read(folder, "movies.dat", sep="::", header=None, engine="python", **options)


def movies_latest(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """Titles and genres of MovieLens latest-small, from `movies.csv`."""
    return _read(folder, "movies.csv", header=0, names=MOVIES, index_col="item")


def movies_sasrec(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """Return titles and genres by the ids of the benchmark file, from MovieLens 1M."""
    pairs = _read(folder, "sas_to_original_items.txt", sep=" ", names=["item", "movie"])
    folders = [folder, folder.parent / "ml-1m", folder.parent / "movielens-1m"]
    movies = next((t for t in map(movies_1m, folders) if t is not None), None)
    if pairs is None or movies is None:
        return None
    return pairs.join(movies, on="movie").set_index("item")[["title", "category"]]


def beauty_products(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """Return titles, and each name on the category paths once, without the first: Beauty."""
    path = find_file(folder, "items.jsonl")
    if path is None:
        return None
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    names = [dict.fromkeys(n for path in item["categories"] for n in path[1:]) for item in items]
    columns = {"title": [item.get("title") or "" for item in items]}
    columns["category"] = ["|".join(categories) for categories in names]
    return pd.DataFrame(columns, pd.Index([item["item_id"] for item in items], name="item"))


def articles(folder: Path, events: pd.DataFrame) -> pd.DataFrame | None:
    """The latest title of each article of Deskdrop, from `shared_articles.csv`."""
    table = _read(folder, "shared_articles.csv", usecols=["contentId", "title"], dtype=str)
    if table is None:
        return None
    latest = table.drop_duplicates("contentId", keep="last")
    return latest.set_index("contentId").rename_axis("item").fillna("")


def categories(folder: Path, events: pd.DataFrame) -> pd.DataFrame:
    """The categories of each item of a log, joined by `|` for those that changed theirs."""
    pairs = events[["item", "category"]].drop_duplicates().astype({"category": str})
    return pairs.groupby("item").agg({"category": "|".join})


def _read(folder: Path, name: str, **options) -> pd.DataFrame | None:
    path = find_file(folder, name)
    return None if path is None else pd.read_csv(path, **options)
