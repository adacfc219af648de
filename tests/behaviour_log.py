"""A small log of typed and timed events with Chinese labels, and a model of it."""

import keras
import numpy as np
import pandas as pd

import recmodels as rm
from recmodels.data.interactions import Interactions

TYPES = ("浏览", "加购", "购买")  # By frequency, as a schema orders them.
ITEMS = ["茶", "cup", "pot"]  # Items 1..3.
LAST = 1_700_000_400  # The last event of `HISTORY` and of user u0.
HISTORY = {
    "item": ["茶", "cup"],
    "action": ["浏览", "加购"],
    "timestamp": [LAST - 400, LAST],
}


def make_data():
    """Six users, each with three views, two carts and a purchase before LAST, then two events."""
    kinds = [0, 0, 0, 2, 0, 1, 0, 1]
    rows = [
        (f"u{user}", ITEMS[(user + step) % 3], LAST - 500 + 100 * step, TYPES[kind])
        for user in range(6)
        for step, kind in enumerate(kinds)
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp", "action"])
    frame.loc[frame["user"] == "u5", "action"] = "加购"
    items = pd.DataFrame(
        {"title": ["好茶", "big cup", "pot"], "type": ["a", "b", "c"]}, index=pd.Index(ITEMS)
    )
    log = Interactions(frame, "timed", "松间", items=items)
    schema = rm.Schema({"action": rm.Category(), "gap": rm.Gap()})
    return rm.prepare(rm.leave_one_out(log), ("timestamp",), schema)


def make_trained(data) -> rm.Recommender:
    """A recommender around a model with random weights, which knows the users of `make_data`."""
    keras.utils.set_random_seed(0)
    sizes = data.schema.input_sizes("action", "gap")
    encoder = rm.SASRec(data.num_items, 4, 8, num_blocks=1, dropout=0.0, columns=sizes)
    model = rm.NextEvent(encoder, data.schema["action"].values, num_components=3)
    model.build()
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(weight + rng.normal(0.0, 0.3, weight.shape))
    return rm.Recommender(model, data, histories=data.train)
