"""The named experiments on what columns of events add to a model of items, one column at a time."""

from recmodels.experiments.entry import Experiment
from recmodels.features.columns import Category
from recmodels.features.number_columns import Clock, Gap
from recmodels.features.schema import Schema
from recmodels.features.sequences import EMPTY_SCHEMA

# The same settings with and without columns, so that nothing else differs.
SASREC = {"max_length": 50, "width": 64, "num_blocks": 1, "num_heads": 1, "hidden_width": 256,
          "dropout": 0.25}  # fmt: skip
TRAINING = {
    "batch_size": 8,
    "epochs": 12,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup": 100,
    "average": 0.99,
    "validate_every": 2,
    "patience": None,
}
TIMES = {"gap": Gap(), "hour": Clock(), "weekday": Clock(part="weekday")}
DESKDROP = {
    "sasrec": EMPTY_SCHEMA,
    "sasrec-types": Schema({"action": Category()}),
    "sasrec-types-times": Schema({"action": Category(), **TIMES}),
}
# The time of the target tells when a rating was entered, which a shop knows and an archive leaks.
TARGET_TIMES = {
    "asked_gap": Gap(of="asked"),
    "asked_hour": Clock(of="asked"),
    "asked_weekday": Clock(part="weekday", of="asked"),
}
MOVIELENS = {
    "sasrec": (EMPTY_SCHEMA, False),
    "sasrec-times": (Schema(TIMES), False),
    "sasrec-times-query-time": (Schema({**TIMES, **TARGET_TIMES}), True),
}
FLOORS = {
    "popularity": {},
    "repeat-last": {},
    "markov": {"smoothing": 10.0},
    "transitions": {"depth": 2, "decay": 0.5, "backoff": 1.0},
}


def _deskdrop(protocol: str) -> list[Experiment]:
    place = {"dataset": "deskdrop", "protocol": protocol, "filter_seen": False}
    prefix = f"deskdrop-{protocol}"
    floors = [
        Experiment(name=f"{prefix}-{name}", model=name, options=options, minutes=0.1, **place)
        for name, options in FLOORS.items()
    ]
    trained = [
        Experiment(
            name=f"{prefix}-{name}", model="sasrec", options=SASREC, fit=TRAINING, schema=schema,
            seeds=(0, 1, 2), minutes=2, **place,
        )
        for name, schema in DESKDROP.items()
    ]  # fmt: skip
    return floors + trained


COLUMN_ENTRIES = [
    *_deskdrop("leave-one-out"),
    *_deskdrop("temporal"),
    *(
        Experiment(
            name=f"ml-100k-columns-{name}", dataset="ml-100k", model="sasrec", options=SASREC,
            fit=TRAINING, schema=schema, query_time=query_time, seeds=(0, 1, 2), minutes=2,
        )
        for name, (schema, query_time) in MOVIELENS.items()
    ),
]  # fmt: skip
