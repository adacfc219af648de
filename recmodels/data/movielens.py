"""Read the MovieLens sets as GroupLens publishes them."""

import gzip
from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.interactions import Interactions

# The last 19 columns of u.item, in order.
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
    "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance",
    "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


def read_ml_100k(folder: Path) -> Interactions:
    """MovieLens 100K: `u.data`; titles and genres from `u.item`, people from `u.user`, if there."""
    names = ["user", "item", "value", "timestamp"]
    events = pd.read_csv(find_file(folder, "u.data"), sep="\t", header=None, names=names)
    movies, people = _movies_100k(folder), _users_100k(folder)
    return Interactions(_rated(events), "timed", "ml-100k", movies, people)


def read_ml_1m(folder: Path) -> Interactions:
    """MovieLens 1M: `ratings.dat`, or its copies without the timestamp column.

    Without times the log is unordered: the rows of a user are not in time order.
    """
    path = find_file(folder, "ratings.dat", "ratings_without_timestamps.dat")
    names = ["user", "item", "value", "timestamp"][: len(_first_line(path).split("::"))]
    # One character as separator keeps pandas' quick parser: `::` leaves empty columns between.
    events = pd.read_csv(
        path, sep=":", header=None, usecols=range(0, 2 * len(names), 2), engine="c"
    )
    events.columns = names
    order = "timed" if "timestamp" in names else "unordered"
    return Interactions(_rated(events), order, "ml-1m", movies_1m(folder))


def read_ml_latest_small(folder: Path) -> Interactions:
    """MovieLens latest-small: `ratings.csv` and `movies.csv`."""
    events = pd.read_csv(find_file(folder, "ratings.csv"))
    events.columns = ["user", "item", "value", "timestamp"]
    movies = find_file(folder, "movies.csv")
    items = None if movies is None else _item_table(pd.read_csv(movies))
    return Interactions(_rated(events), "timed", "ml-latest-small", items)


def movies_1m(folder: Path) -> pd.DataFrame | None:
    """Titles and genres of MovieLens 1M by movie id, or None without `movies.dat`."""
    path = find_file(folder, "movies.dat")
    if path is None:
        return None
    movies = pd.read_csv(path, sep="::", header=None, engine="python", encoding="latin-1")
    return _item_table(movies)


def _movies_100k(folder: Path) -> pd.DataFrame | None:
    path = find_file(folder, "u.item")
    if path is None:
        return None
    table = pd.read_csv(path, sep="|", header=None, encoding="latin-1")
    flags = table.iloc[:, 5:].to_numpy(bool)
    genres = ["|".join(g for g, on in zip(GENRES_100K, row, strict=True) if on) for row in flags]
    return _item_table(table[[0, 1]].assign(genres=genres))


def _users_100k(folder: Path) -> pd.DataFrame | None:
    path = find_file(folder, "u.user")
    if path is None:
        return None
    names = ["user", "age", "gender", "occupation"]
    return pd.read_csv(path, sep="|", header=None, usecols=range(4), names=names).set_index("user")


def _item_table(movies: pd.DataFrame) -> pd.DataFrame:
    """Three columns (id, title, genres joined by `|`) as a table indexed by raw item id."""
    movies.columns = ["item", "title", "category"]
    return movies.set_index("item")


def _rated(events: pd.DataFrame) -> pd.DataFrame:
    return events.assign(value=events["value"].astype(float))


def _first_line(path: Path) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="latin-1") as file:
        return file.readline()
