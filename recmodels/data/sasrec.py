"""Read the MovieLens 1M benchmark file that most published tables were measured on."""

from pathlib import Path

import pandas as pd

from recmodels.data.files import find_file
from recmodels.data.interactions import Interactions
from recmodels.data.movielens import movies_1m


def read_ml_1m_sasrec(folder: Path) -> Interactions:
    """The pairs of `ml-1m.txt` in the file's order, with titles where MovieLens 1M is at hand.

    Many MovieLens events share a second, so which item comes last depends on how ties are
    broken; this file has settled that, and the published protocol is its order.
    """
    path = find_file(folder, "ml-1m.txt")
    events = pd.read_csv(path, sep=" ", header=None, names=["user", "item"])
    return Interactions(events, "ordered", "ml-1m-sasrec", _titles(folder))


def _titles(folder: Path) -> pd.DataFrame | None:
    """Titles and genres by the file's own ids, or None where the id map or movies are missing."""
    id_map = find_file(folder, "sas_to_original_items.txt")
    beside = [folder, folder.parent / "ml-1m", folder.parent / "movielens-1m"]
    tables = (movies_1m(place) for place in beside)
    movies = next((table for table in tables if table is not None), None)
    if id_map is None or movies is None:
        return None
    pairs = pd.read_csv(id_map, sep=" ", header=None, names=["item", "movie"])
    return pairs.join(movies, on="movie").set_index("item")[["title", "category"]]
