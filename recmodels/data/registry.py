"""The data sets known by name, and where each is found."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recmodels.data.amazon import read_beauty, read_sports
from recmodels.data.deskdrop import read_deskdrop
from recmodels.data.download import Download, download_folder
from recmodels.data.events import read_events
from recmodels.data.files import DATA_VARIABLE, data_roots, find_file, project_data
from recmodels.data.interactions import Interactions
from recmodels.data.movielens import read_ml_1m, read_ml_100k, read_ml_latest_small
from recmodels.data.official import LAYOUTS, read_otto, reader_of
from recmodels.data.sasrec import read_ml_1m_sasrec
from recmodels.data.taobao import read_taobao

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
if TYPE_CHECKING:
    from recmodels.data.shop import Shop

KAGGLE = "https://www.kaggle.com/datasets"
GITHUB = "https://raw.githubusercontent.com"
S3_REC = f"{GITHUB}/RUCAIBox/CIKM2020-S3Rec/e6c774da92dba847b00ac89e8bfc5c55cc44d378/data"
ML_1M_SHA256 = "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"


@dataclass(frozen=True)
class Source:
    """A data set that `load` knows.

    Args:
        summary: one line for lists.
        read: makes the log from the folder with the files.
        files: any of these, plain or gzipped, marks that folder; none for simulated data.
        folders: what that folder may be called, the name used for downloads first.
        published: those of `users`, `items` and `events` that its authors state.
        downloads: the official address of each file.
        by_hand: for a set without an open address, where people get it.
    """

    summary: str
    read: Callable[[Path], Interactions]
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    published: dict[str, int] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""


def _counts(users: int, items: int, events: int) -> dict[str, int]:
    return {"users": users, "items": items, "events": events}


def _official(
    name: str, summary: str, by_hand: str, *folders: str, published: dict[str, int]
) -> Source:
    """A set read by `official.py`."""
    return Source(
        summary,
        reader_of(name),
        (LAYOUTS[name][0].files,),
        (name, *folders),
        published,
        (),
        by_hand,
    )


SOURCES: dict[str, Source] = {
    "shop": Source(
        "a simulated shop whose best possible result is known", lambda _: open_log("shop", {})[0]
    ),
    "shop-deterministic": Source(
        "the same shop without browsing: history all but settles what comes next",
        lambda _: open_log("shop-deterministic", {})[0],
    ),
    "ml-100k": Source(
        "MovieLens 100K: ratings with times, titles and genres",
        read_ml_100k,
        ("u.data",),
        ("ml-100k", "movielens-100k"),
        _counts(943, 1_682, 100_000),
        (
            Download(
                f"{GROUPLENS}/ml-100k.zip",
                "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            ),
        ),
    ),
    "ml-1m": Source(
        "MovieLens 1M: ratings, titles and genres, timed if the file has the column",
        read_ml_1m,
        ("ratings.dat", "ratings_without_timestamps.dat"),
        ("ml-1m", "movielens-1m"),
        _counts(6_040, 3_706, 1_000_209),
        (Download(f"{GROUPLENS}/ml-1m.zip", ML_1M_SHA256),),
    ),
    "ml-1m-sasrec": Source(
        "MovieLens 1M as benchmarked: every item with five ratings, file order kept",
        read_ml_1m_sasrec,
        ("ml-1m.txt",),
        ("ml-1m-sasrec", "sasrec"),
        _counts(6_040, 3_416, 999_611),
        (
            Download(
                f"{GITHUB}/kang205/SASRec/641c378fcfac265ea8d1e5fe51d4d53eb892d1b4/data/ml-1m.txt",
                "b725f3acb3986fe3130bffd1e77a74d182a1f51799567a236dbd60270f95b0a2",
            ),
            Download(
                f"{GITHUB}/asash/ml1m-sas-mapping/d27e2bf2021e12764e7bf7b985091edd7c8d2f79/"
                "sas_to_original_items.txt",
                "9ae42c23af0b0fe2f189b9d5acc6cf3936bffe1a9568390cf5d100c0c1b1fca1",
                required=False,
            ),
            Download(f"{GROUPLENS}/ml-1m.zip", ML_1M_SHA256, required=False),  # For the titles.
        ),
    ),
    "ml-latest-small": Source(
        "MovieLens latest-small: ratings over 22 years",
        read_ml_latest_small,
        ("ratings.csv",),
        ("ml-latest-small", "movielens-latest-small"),
        _counts(610, 9_724, 100_836),
        (
            Download(
                f"{GROUPLENS}/ml-latest-small.zip",
                "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
            ),
        ),
    ),
    "beauty": Source(
        "Amazon Beauty reviews, five a user and an item, in the published ids",
        read_beauty,
        ("events.csv", "Beauty.txt"),
        ("beauty", "amazon-beauty-2014", "s3rec"),
        _counts(22_363, 12_101, 198_502),
        (
            Download(
                f"{S3_REC}/Beauty.txt",
                "226cce9c3105299ca0db9615d7d3fb32b3175e90da43100ae352599f0f0107b8",
            ),
        ),
    ),
    "sports": Source(
        "Amazon Sports and Outdoors reviews, five a user and an item, in the published ids",
        read_sports,
        ("Sports_and_Outdoors.txt",),
        ("sports", "s3rec"),
        _counts(35_598, 18_357, 296_337),
        (
            Download(
                f"{S3_REC}/Sports_and_Outdoors.txt",
                "2a095e0648872beb9982408958290f5d655db5be2911c3756b5446de9f0b8de2",
            ),
        ),
    ),
    "deskdrop": Source(
        "Deskdrop: five kinds of behaviour on a company's articles, with sessions",
        read_deskdrop,
        ("users_interactions.csv",),
        ("deskdrop", "articles-sharing-reading-from-cit-deskdrop"),
        _counts(1_895, 2_987, 72_312),
        by_hand="https://www.kaggle.com/datasets/gspmoreira/"
        "articles-sharing-reading-from-cit-deskdrop (an account is needed)",
    ),
    "taobao": Source(
        "Taobao UserBehavior: views, carts, favourites and purchases of nine days",
        read_taobao,
        ("UserBehavior.csv",),
        ("taobao", "taobao-userbehavior-head", "UserBehavior"),
        _counts(987_994, 4_162_024, 100_150_807),
        by_hand="https://tianchi.aliyun.com/dataset/649 (an account is needed)",
    ),
    "tianchi-brand": _official(
        "tianchi-brand",
        "Tianchi brands: clicks, purchases, favourites and carts by day, of the contest in 2014",
        "https://tianchi.aliyun.com (the contest on Tmall brands of 2014; an account is needed)",
        published={},
    ),
    "retailrocket": _official(
        "retailrocket",
        "RetailRocket: views, carts and purchases of 4.5 months",
        f"{KAGGLE}/retailrocket/ecommerce-dataset (an account is needed)",
        "ecommerce-dataset",
        published={"users": 1_407_580, "events": 2_756_101},
    ),
    "rees46": _official(
        "rees46",
        "REES46: views, carts and purchases in a store of many categories, one file per month",
        f"{KAGGLE}/mkechinov/ecommerce-behavior-data-from-multi-category-store "
        "(an account is needed)",
        "ecommerce-behavior-data-from-multi-category-store",
        published={},
    ),
    "cosmetics": _official(
        "cosmetics",
        "REES46 Cosmetics: views, carts and purchases of five months, one file per month",
        f"{KAGGLE}/mkechinov/ecommerce-events-history-in-cosmetics-shop (an account is needed)",
        "ecommerce-events-history-in-cosmetics-shop",
        published={},
    ),
    "yoochoose": _official(
        "yoochoose",
        "YooChoose: clicks and purchases of anonymous sessions, of the RecSys Challenge 2015",
        f"{KAGGLE}/chadgostopp/recsys-challenge-2015 (an account is needed)",
        "recsys-challenge-2015",
        "yoochoose-data",
        published={},
    ),
    "otto": Source(
        "OTTO: clicks, carts and orders of anonymous sessions",
        read_otto,
        ("otto-recsys-train.jsonl", "train.jsonl"),
        ("otto", "otto-recsys", "recsys-dataset"),
        _counts(12_899_779, 1_855_603, 216_716_096),
        by_hand=f"{KAGGLE}/otto/recsys-dataset (an account is needed)",
    ),
    "video-games-2014": _official(
        "video-games-2014",
        "Amazon Video Games: ratings up to July 2014",
        "https://jmcauley.ucsd.edu/data/amazon/links.html",
        published=_counts(826_767, 50_210, 1_324_753),
    ),
    "video-games-2018": _official(
        "video-games-2018",
        "Amazon Video Games: ratings up to October 2018",
        "https://nijianmo.github.io/amazon/ (ratings only)",
        published={"events": 2_565_349},
    ),
    "video-games-2023": _official(
        "video-games-2023",
        "Amazon Video Games: ratings up to September 2023",
        "https://amazon-reviews-2023.github.io/ (ratings only)",
        published={},
    ),
}


def load(name: str, folder: str | Path | None = None) -> Interactions:
    """A known data set by its name.

    Looks in `folder`, or without one in the folder that the environment variable
    `RECMODELS_DATA` names, then in the project's `data/`; and downloads into the latter what is
    in neither.

    Args:
        name: one of `SOURCES`.
        folder: that of the data set itself, or one with data sets in it. Only it is looked in.

    Raises:
        ValueError: the name is not known, or a download arrived broken.
        FileNotFoundError: the files are not there and cannot be downloaded.

    Example:
        >>> load("shop").is_sequential
        True
    """
    source = find_source(name)
    if not source.files:
        return source.read(Path())
    return source.read(_locate(name, source, folder))


def open_log(dataset: str, columns: dict[str, str]) -> tuple[Interactions, "Shop | None"]:
    """A known data set, or a file of the user's own; a simulated shop comes with its truth.

    Args:
        dataset: one of `SOURCES`, or the path of a file, folder or pattern of files.
        columns: arguments of `read_events` for files.
    """
    if dataset in ("shop", "shop-deterministic"):
        from recmodels.data.shop import PRESETS, simulate  # Here: files are read without it.

        shop = simulate(noise=PRESETS[dataset])
        return shop.interactions, shop
    is_path = Path(dataset).suffix or Path(dataset).exists() or set(dataset) & set("/*?~")
    if dataset in SOURCES or not is_path:
        return load(dataset), None
    return read_events(dataset, **columns), None


def find_source(name: str) -> Source:
    """The registered source of a name, or a `ValueError` with the names that were meant."""
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(str(name).lower(), SOURCES, n=3)
    meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        f"`name` must be one of {', '.join(SOURCES)}; read a file of your own with `read_events`."
        f"{meant} Received: name={name!r}"
    )


def _locate(name: str, source: Source, folder: str | Path | None) -> Path:
    """The folder with the files of a source, downloaded if need be."""
    roots = data_roots() if folder is None else [Path(folder)]
    inside = [root / place for root in roots for place in source.folders]
    for place in inside if folder is None else [Path(folder), *inside]:
        if find_file(place, *source.files):
            return place
    target = project_data() / source.folders[0]
    if folder is None and source.downloads:
        return download_folder(source.downloads, target, source.files)
    home = f"get them from {source.by_hand}" if source.by_hand else "leave `folder` out to download"
    raise FileNotFoundError(
        f"The files of {name!r} ({' or '.join(source.files)}) are not there: {home} and put them "
        f"into {target if folder is None else folder}, or name their folder in `folder` or "
        f"{DATA_VARIABLE}. Received: name={name!r}, looked in {[str(place) for place in inside]}"
    )
