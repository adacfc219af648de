"""The public data sets: their files, columns, published counts and addresses."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from recmodels.data import attributes
from recmodels.data.download import Download
from recmodels.data.official import Layout, read_layouts, read_otto
from recmodels.data.times import TimeOptions

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
KAGGLE = "https://www.kaggle.com/datasets"
GITHUB = "https://raw.githubusercontent.com"
S3_REC = f"{GITHUB}/RUCAIBox/CIKM2020-S3Rec/e6c774da92dba847b00ac89e8bfc5c55cc44d378/data"
ACCOUNT = "(an account is needed)"
Attributes = Callable[[Path, pd.DataFrame], pd.DataFrame | None]


@dataclass(frozen=True)
class Source:
    """The description of a data set that `load` can read.

    Args:
        summary: one line for lists.
        layouts: of its files; the first must exist, the others are merged with it. Simulated data
            have none.
        instead: layout of a file to read if the first one does not exist.
        aliases: further names that its folder may have.
        published: those of `users`, `items` and `events` that its authors state.
        downloads: the official address of each file.
        by_hand: for a set without an open address, where people get it.
        items, users: make their tables from the folder and the events.
        read: makes the events from the folder, the layouts and the name.
    """

    summary: str
    layouts: tuple[Layout, ...] = ()
    instead: Layout | None = None
    aliases: tuple[str, ...] = ()
    published: dict[str, int] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""
    items: Attributes = lambda folder, events: None
    users: Attributes = lambda folder, events: None
    read: Callable[..., pd.DataFrame] = read_layouts

    @property
    def files(self) -> tuple[str, ...]:
        """Any of these, plain or gzipped, marks the folder of the set; none for simulated data."""
        return tuple(
            source.files for source in (*self.layouts[:1], self.instead) if source is not None
        )


RATED = ("user", "item", "value", "timestamp")
ML_1M = Download(
    f"{GROUPLENS}/ml-1m.zip", "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"
)
ISO_MILLISECONDS = TimeOptions("%Y-%m-%dT%H:%M:%S.%fZ")
AMAZON = {"text": ("user", "item"), "user_start": "A"}  # Even where all ids are digits.
REES46 = Layout(
    "20[0-9][0-9]-[A-Z][a-z][a-z].csv",
    {"user_id": "user", "product_id": "item", "event_time": "timestamp", "event_type": "action",
     "category_code": "category", "brand": "brand", "price": "price", "user_session": "session"},
    actions={"view": "view", "cart": "cart", "purchase": "buy",
             "remove_from_cart": "remove from cart"},
    times=TimeOptions("%Y-%m-%d %H:%M:%S UTC"),
)  # fmt: skip
OTTO = Layout(
    "otto-recsys-train.jsonl",
    {"session": "user", "aid": "item", "ts": "timestamp", "type": "action"},
    actions={"clicks": "click", "carts": "cart", "orders": "buy"},
)
SOURCES: dict[str, Source] = {
    "shop": Source("a simulated shop whose best possible result is known"),
    "shop-deterministic": Source(
        "the same shop without browsing: history all but settles what comes next"
    ),
    "shop-chinese": Source("the same shop with titles, categories and brands in Chinese"),
    "shop-behaviour": Source(
        "a simulated shop to learn types, items and times of events from, all with known limits"
    ),
    "shop-behaviour-large": Source("the same shop with four times as many users"),
    "ml-100k": Source(
        "MovieLens 100K: ratings with times, titles and genres",
        (Layout("u.data", RATED, "\t"),),
        aliases=("movielens-100k",),
        published={"users": 943, "items": 1_682, "events": 100_000},
        downloads=(Download(
            f"{GROUPLENS}/ml-100k.zip",
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"),),
        items=attributes.movies_100k, users=attributes.users_100k,
    ),
    "ml-1m": Source(
        "MovieLens 1M: ratings, titles and genres, timed if the file has the column",
        (Layout("ratings.dat", RATED, "::"),),
        # Its rows are not in time order.
        Layout("ratings_without_timestamps.dat", RATED[:3], "::", order="unordered"),
        ("movielens-1m",),
        {"users": 6_040, "items": 3_706, "events": 1_000_209},
        downloads=(ML_1M,), items=attributes.movies_1m,
    ),
    # Many MovieLens events share a second, so which item comes last depends on how ties are
    # broken; this file has settled that, and the published protocol is its order.
    "ml-1m-sasrec": Source(
        "MovieLens 1M as benchmarked: every item with five ratings, file order kept",
        (Layout("ml-1m.txt", RATED[:2], " ", order="ordered"),),
        aliases=("sasrec",),
        published={"users": 6_040, "items": 3_416, "events": 999_611},
        downloads=(
            Download(
                f"{GITHUB}/kang205/SASRec/641c378fcfac265ea8d1e5fe51d4d53eb892d1b4/data/ml-1m.txt",
                "b725f3acb3986fe3130bffd1e77a74d182a1f51799567a236dbd60270f95b0a2"),
            Download(
                f"{GITHUB}/asash/ml1m-sas-mapping/d27e2bf2021e12764e7bf7b985091edd7c8d2f79/"
                "sas_to_original_items.txt",
                "9ae42c23af0b0fe2f189b9d5acc6cf3936bffe1a9568390cf5d100c0c1b1fca1",
                required=False),
            replace(ML_1M, required=False),  # For the titles.
        ),
        items=attributes.movies_sasrec,
    ),
    "ml-latest-small": Source(
        "MovieLens latest-small: ratings over 22 years",
        (Layout("ratings.csv", {"userId": "user", "movieId": "item", "rating": "value",
                                "timestamp": "timestamp"}),),
        aliases=("movielens-latest-small",),
        published={"users": 610, "items": 9_724, "events": 100_836},
        downloads=(Download(
            f"{GROUPLENS}/ml-latest-small.zip",
            "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436"),),
        items=attributes.movies_latest,
    ),
    # Times are whole days. Inside a day the order is the file's, so sorting by time keeps the
    # published sequences.
    "beauty": Source(
        "Amazon Beauty reviews, five a user and an item, in the published ids",
        (Layout("events.csv", {"user_id": "user", "item_id": "item", "timestamp": "timestamp"}),),
        Layout("Beauty.txt", RATED[:2], form="sequences", order="ordered"),
        ("amazon-beauty-2014", "s3rec"),
        {"users": 22_363, "items": 12_101, "events": 198_502},
        (Download(
            f"{S3_REC}/Beauty.txt",
            "226cce9c3105299ca0db9615d7d3fb32b3175e90da43100ae352599f0f0107b8"),),
        items=attributes.beauty_products,
    ),
    "sports": Source(
        "Amazon Sports and Outdoors reviews, five a user and an item, in the published ids",
        (Layout("Sports_and_Outdoors.txt", RATED[:2], form="sequences", order="ordered"),),
        aliases=("s3rec",),
        published={"users": 35_598, "items": 18_357, "events": 296_337},
        downloads=(Download(
            f"{S3_REC}/Sports_and_Outdoors.txt",
            "2a095e0648872beb9982408958290f5d655db5be2911c3756b5446de9f0b8de2"),),
    ),
    # User and item ids are signed 64-bit hashes, so they are text.
    "deskdrop": Source(
        "Deskdrop: five kinds of behaviour on a company's articles, with sessions",
        (Layout(
            "users_interactions.csv",
            {"personId": "user", "contentId": "item", "timestamp": "timestamp",
             "eventType": "action", "sessionId": "session", "userAgent": "device",
             "userRegion": "region", "userCountry": "country"},
            actions={"VIEW": "view", "LIKE": "like", "BOOKMARK": "bookmark",
                     "COMMENT CREATED": "comment", "FOLLOW": "follow"},
            text=("user", "item", "session")),),
        aliases=("articles-sharing-reading-from-cit-deskdrop",),
        published={"users": 1_895, "items": 2_987, "events": 72_312},
        by_hand=f"{KAGGLE}/gspmoreira/articles-sharing-reading-from-cit-deskdrop {ACCOUNT}",
        items=attributes.articles,
    ),
    # The full log has a few times before 1970.
    "taobao": Source(
        "Taobao UserBehavior: views, carts, favourites and purchases of nine days",
        (Layout("UserBehavior.csv", ("user", "item", "category", "action", "timestamp"),
                actions={"pv": "view", "cart": "cart", "fav": "favourite", "buy": "buy"},
                times=TimeOptions(unit="s"), drop_impossible_times=True),),
        aliases=("taobao-userbehavior-head", "UserBehavior"),
        published={"users": 987_994, "items": 4_162_024, "events": 100_150_807},
        by_hand=f"https://tianchi.aliyun.com/dataset/649 {ACCOUNT}",
        items=attributes.categories,
    ),
    "tianchi-brand": Source(
        "Tianchi brands: clicks, purchases, favourites and carts by day, of the contest in 2014",
        (Layout(
            "t_alibaba_data.csv",
            {"user_id": "user", "brand_id": "item", "visit_datetime": "timestamp",
             "type": "action"},
            encoding="gb18030",
            actions={"0": "click", "1": "buy", "2": "favourite", "3": "cart"},
            times=TimeOptions(year=2013)),),  # The contest on it began in March 2014.
        by_hand="https://tianchi.aliyun.com (the contest on Tmall brands of 2014; an account is "
        "needed)",
    ),
    "retailrocket": Source(
        "RetailRocket: views, carts and purchases of 4.5 months",
        (Layout(
            "events.csv",
            {"visitorid": "user", "itemid": "item", "timestamp": "timestamp", "event": "action",
             "transactionid": "transaction"},
            actions={"view": "view", "addtocart": "cart", "transaction": "buy"}),),
        aliases=("ecommerce-dataset",),
        published={"users": 1_407_580, "events": 2_756_101},
        by_hand=f"{KAGGLE}/retailrocket/ecommerce-dataset {ACCOUNT}",
    ),
    "rees46": Source(
        "REES46: views, carts and purchases in a store of many categories, one file per month",
        (REES46,),
        aliases=("ecommerce-behavior-data-from-multi-category-store",),
        by_hand=f"{KAGGLE}/mkechinov/ecommerce-behavior-data-from-multi-category-store {ACCOUNT}",
    ),
    "cosmetics": Source(
        "REES46 Cosmetics: views, carts and purchases of five months, one file per month",
        (REES46,),
        aliases=("ecommerce-events-history-in-cosmetics-shop",),
        by_hand=f"{KAGGLE}/mkechinov/ecommerce-events-history-in-cosmetics-shop {ACCOUNT}",
    ),
    "yoochoose": Source(
        "YooChoose: clicks and purchases of anonymous sessions, of the RecSys Challenge 2015",
        (Layout("yoochoose-clicks.dat", ("user", "timestamp", "item", "category"),
                actions="click", times=ISO_MILLISECONDS),
         Layout("yoochoose-buys.dat", ("user", "timestamp", "item", "price", "quantity"),
                actions="buy", times=ISO_MILLISECONDS)),
        aliases=("recsys-challenge-2015", "yoochoose-data"),
        by_hand=f"{KAGGLE}/chadgostopp/recsys-challenge-2015 {ACCOUNT}",
    ),
    "otto": Source(
        "OTTO: clicks, carts and orders of anonymous sessions",
        (OTTO,), replace(OTTO, files="train.jsonl"), ("otto-recsys", "recsys-dataset"),
        {"users": 12_899_779, "items": 1_855_603, "events": 216_716_096},
        by_hand=f"{KAGGLE}/otto/recsys-dataset {ACCOUNT}",
        read=read_otto,
    ),
    "video-games-2014": Source(
        "Amazon Video Games: ratings up to July 2014",
        (Layout("ratings_Video_Games.csv", RATED, **AMAZON),),
        published={"users": 826_767, "items": 50_210, "events": 1_324_753},
        by_hand="https://jmcauley.ucsd.edu/data/amazon/links.html",
    ),
    "video-games-2018": Source(
        "Amazon Video Games: ratings up to October 2018",
        (Layout("Video_Games.csv", ("item", "user", "value", "timestamp"), **AMAZON),),
        published={"events": 2_565_349},
        by_hand="https://nijianmo.github.io/amazon/ (ratings only)",
    ),
    "video-games-2023": Source(
        "Amazon Video Games: ratings up to September 2023",
        (Layout("Video_Games.csv", {"user_id": "user", "parent_asin": "item", "rating": "value",
                                    "timestamp": "timestamp"}, **AMAZON),),
        by_hand="https://amazon-reviews-2023.github.io/ (ratings only)",
    ),
}  # fmt: skip
