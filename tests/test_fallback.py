import numpy as np
import pandas as pd
from harness import make_histories, make_log

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out, temporal_cutoff
from recmodels.experiments.entry import Experiment
from recmodels.experiments.run import run_seed, split_log
from recmodels.features.sequences import prepare
from recmodels.models.fallback import WithFallback
from recmodels.models.hybrid import Hybrid
from recmodels.models.popularity import MostPopular


class Backwards:
    """Scores items against their id, and notes what it was asked."""

    max_length = 2

    def __init__(self):
        self.asked = []

    def score(self, queries, items=None):
        self.asked += queries["item_ids"].tolist()
        columns = np.arange(4) if items is None else np.asarray(items)
        return np.tile(-columns, (len(queries["user_ids"]), 1)).astype(np.float32)


def test_each_history_gets_the_model_that_can_read_it():
    popular = MostPopular().fit(make_histories([[3, 3, 3, 1]]), 3)
    model = Backwards()
    chain = WithFallback(model, popular)
    queries = {
        "item_ids": np.array([[0, 2], [0, 0], [0, 4], [4, 1]], np.int32),  # 4 is unknown.
        "user_ids": np.array([0, -1, -1, 3], np.int32),
    }
    scores = chain.score(queries)
    assert model.asked == [[0, 2], [4, 1]] and chain.max_length == 2
    assert scores[[0, 3]].tolist() == [[0, -1, -2, -3]] * 2
    assert scores[[1, 2]].tolist() == [[0, 1, 0, 3]] * 2
    assert chain.score(queries, items=[3, 1])[:2].tolist() == [[-3, -1], [3, 1]]


def test_a_sum_of_models_can_be_the_fallback():
    popular = MostPopular().fit(make_histories([[3, 3, 3, 1]]), 3)
    chain = WithFallback(Backwards(), Hybrid([popular], [1.0]))
    queries = {"item_ids": np.array([[2], [4]], np.int32), "user_ids": np.array([0, -1], np.int32)}
    scores = chain.score(queries)
    assert scores[0].argmax() == 0 and scores[1].argmax() == 3


def timed_log() -> Interactions:
    """Five early users of items 0 to 11; then four of them again, and three new ones."""
    rows = [(user, item, 11 * user + item) for user in range(5) for item in range(12 - user)]
    rows += [(0, 1, 70), (1, 1, 71), (2, 2, 80), (3, 2, 81)]
    rows += [(7, 0, 82), (8, 1, 83), (9, 50, 84)]
    return Interactions(pd.DataFrame(rows, columns=["user", "item", "timestamp"]), "timed", "door")


def test_newcomers_are_encoded_with_empty_histories():
    data = prepare(temporal_cutoff(timed_log(), time=80, validation_fraction=0.1))
    assert data.newcomers.histories.lengths.tolist() == [0, 0, 0]
    assert data.newcomers.user_ids.tolist() == [-1, -1, -1]
    assert data.newcomers.trained.tolist() == [True, True, False]
    assert prepare(leave_one_out(make_log([[1, 2, 3]]))).newcomers is None
    assert prepare(temporal_cutoff(timed_log(), time=80).without_test()).newcomers is None


def test_everyone_counts_newcomers_and_their_cold_targets():
    entry = Experiment("door", "door", "popularity", protocol="temporal", filter_seen=False)
    run = run_seed(entry, 0, split_log(timed_log(), "temporal"), verbose=False)
    # Items 0, 1 and 2 are among the ten most popular of twelve; item 50 is new.
    assert run.everyone["users"] == len(run.data.test) + len(run.data.newcomers)
    hits = run.everyone["hr@10"] * run.everyone["users"]
    assert round(hits) == run.everyone["users"] - 1
    assert run.to_dict()["everyone"] == run.everyone
