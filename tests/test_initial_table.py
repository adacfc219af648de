"""Vectors that the item table of an experiment starts from."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.experiments.entry import Experiment, build_model
from recmodels.experiments.initial_table import initial_vectors
from recmodels.experiments.run import run_seed
from recmodels.features.sequences import prepare
from recmodels.models.initial_items import initialise_items
from recmodels.models.item_vectors import Item2Vec

TITLES = {"a": "red cup", "b": "blue cup", "c": "red garden hose", "d": "blue garden hose"}


@pytest.fixture(scope="module")
def log():
    events = pd.DataFrame(
        {
            "user": np.repeat(range(12), 6),
            "item": ["abcd"[(user + place) % 4] for user in range(12) for place in range(6)],
            "timestamp": range(72),
        }
    )
    return Interactions(events, "timed", items=pd.DataFrame({"title": TITLES}))


def test_vectors_of_texts_stand_in_the_rows_of_their_items(log):
    data = prepare(leave_one_out(log))
    vectors = initial_vectors({"source": "tfidf"}, data, seed=0)
    assert len(vectors) == 5 and not vectors[0].any()
    row = {raw: number for number, raw in enumerate(data.vocabulary.raw_ids, 1)}
    # Of the corners of a rectangle, those without a word in common are the furthest apart.
    gaps = {other: np.linalg.norm(vectors[row["c"]] - vectors[row[other]]) for other in "abd"}
    assert max(gaps, key=gaps.get) == "b"


def test_word_vectors_are_those_of_the_training_events(log):
    data = prepare(leave_one_out(log))
    described = {"model": "item2vec", "options": {"width": 3, "epochs": 2}}
    expected = Item2Vec(width=3, epochs=2, seed=5).fit(data.train, data.num_items).vectors
    np.testing.assert_array_equal(initial_vectors(described, data, seed=5), expected)


def test_an_experiment_starts_from_them(log):
    # With a learning rate of almost 0 the table after the training is that of the start.
    entry = Experiment(
        "started", "ring", "sasrec", options={"max_length": 3, "width": 2, "num_blocks": 1},
        fit={"epochs": 1, "learning_rate": 1e-9, "batch_size": 8},
        initial_items={"source": "tfidf"},
    )  # fmt: skip
    run = run_seed(entry, 0, leave_one_out(log), verbose=False)
    fresh = build_model("sasrec", entry.options, run.data)
    vectors = initial_vectors(entry.initial_items, run.data, 0)
    initialise_items(fresh, vectors)
    np.testing.assert_allclose(
        run.model.item_embedding.table[1:5], fresh.item_embedding.table[1:5], atol=1e-5
    )
