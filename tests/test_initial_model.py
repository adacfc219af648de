"""Models of experiments: what their item table starts from, and sums with other models."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.report import evaluate
from recmodels.experiments.entry import Experiment, build_model
from recmodels.experiments.initial_model import initial_vectors, similar_targets
from recmodels.experiments.results import settings_of
from recmodels.experiments.run import run_seed
from recmodels.features.sequences import prepare
from recmodels.models.hybrid import Hybrid
from recmodels.models.initial_items import initialise_items
from recmodels.models.item_vectors import Item2Vec
from recmodels.models.popularity import MostPopular
from recmodels.models.similar_items import similar_texts, similar_users
from recmodels.text.encoder import TextEncoder

TITLES = ["tea", "cup", "pot", "red cup", "red tea", "green tea", "green pot"]


@pytest.fixture(scope="module")
def log():
    events = pd.DataFrame(
        {
            "user": np.repeat(range(12), 6),
            "item": [(user + place) % 7 for user in range(12) for place in range(6)],
            "timestamp": range(72),
        }
    )
    return Interactions(events, "timed", items=pd.DataFrame({"title": TITLES}))


def test_vectors_of_texts_stand_in_the_rows_of_their_items(log):
    data = prepare(leave_one_out(log))
    vectors = initial_vectors({"source": "tfidf", "size": 2}, data, seed=0)
    assert vectors.shape == (8, 2) and not vectors[0].any()
    encoder = TextEncoder("tfidf", 2).fit(TITLES)
    for row, item in enumerate(data.vocabulary.raw_ids, 1):
        np.testing.assert_allclose(vectors[row], encoder.encode([TITLES[item]])[0], atol=1e-6)


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
        initial_items={"source": "tfidf", "size": 2},
    )  # fmt: skip
    run = run_seed(entry, 0, leave_one_out(log), verbose=False)
    fresh = build_model("sasrec", entry.options, run.data)
    vectors = initial_vectors(entry.initial_items, run.data, 0)
    initialise_items(fresh, vectors)
    np.testing.assert_allclose(
        run.model.item_embedding.table[1:8], fresh.item_embedding.table[1:8], atol=1e-5
    )


def test_scores_of_another_experiment_are_added(log, tmp_path):
    small = {"max_length": 3, "width": 2, "num_blocks": 1}
    training = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-2}
    other = Experiment("other", "ring", "gru4rec", options=small, fit=training)
    entry = Experiment(
        "both", "ring", "sasrec", options=small, fit=training,
        ensemble_with=({"experiment": other, "weight": 0.5},
                       {"experiment": other, "weight": 0.3, "seed_offset": 2},
                       {"model": "popularity", "options": {}, "weight": 0.25}),
    )  # fmt: skip
    split, path = leave_one_out(log), tmp_path / "checkpoint.npz"
    both = run_seed(entry, 3, split, checkpoint=path, verbose=False)
    trained = ((replace(entry, ensemble_with=()), 3), (other, 3), (other, 5))
    parts = [run_seed(one, seed, split, verbose=False).model for one, seed in trained]
    parts.append(MostPopular().fit(both.data.train, 7))
    expected = Hybrid(parts, [1.0, 0.5, 0.3, 0.25], "spread")
    inputs = {"item_ids": both.data.test.histories.items[:2][None]}
    np.testing.assert_allclose(both.model.score(inputs), expected.score(inputs), rtol=1e-4)
    names = {each.name for each in tmp_path.glob("*.npz")}
    assert names == {"checkpoint.npz", "checkpoint-other.npz", "checkpoint-other-plus-2.npz"}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("initial_items", {"model": "markov", "options": {}}),
        ("initial_items", {"model": "item2vec"}),
        ("initial_items", {"size": 3}),
        ("ensemble_with", ("item-knn",)),
        ("ensemble_with", ({"weight": 0.5},)),
        ("ensemble_with", ({"model": "item-knn", "options": {}},)),
        ("ensemble_with", ({"model": "nope", "options": {}, "weight": 1},)),
        ("ensemble_with", ({"model": "markov", "options": {}, "weight": 1, "seed_offset": 1},)),
    ],
)
def test_a_wrong_description_is_refused_before_anything_is_trained(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must .*Received: {argument}="):
        Experiment("one", "ring", "sasrec", **{argument: value})


def test_an_item_without_a_text_keeps_a_drawn_row(log):
    items = log.items.assign(title=[None, *TITLES[1:]])
    data = prepare(leave_one_out(replace(log, items=items)))
    vectors = initial_vectors({"source": "tfidf", "size": 2}, data, seed=0)
    row = 1 + list(data.vocabulary.raw_ids).index(0)
    assert not vectors[row].any() and np.isfinite(vectors).all()


def test_settings_of_an_added_experiment_are_its_own():
    other = Experiment("other", "ring", "gru4rec", options={"width": 2}, fit={"epochs": 1})
    entry = Experiment(
        "both", "ring", "sasrec", ensemble_with=({"experiment": other, "weight": 1},)
    )
    (added,) = settings_of(entry)["ensemble_with"]
    assert added == {"weight": 1, "experiment": {"model": "gru4rec", **settings_of(other)}}


def test_slices_also_measure_lists_that_keep_seen_items(log):
    split = leave_one_out(log)
    entry = Experiment("counted", "ring", "popularity", slices=True)
    run = run_seed(entry, 0, split, verbose=False)
    kept = evaluate(run.model, run.data.test, filter_seen=False).metrics
    assert run.seen_kept == pytest.approx({n: kept[n] for n in ("hr@10", "ndcg@10")}, abs=1e-6)
    # Five of the seven items leave a filtered list, so that any target has a better rank there.
    assert run.seen_kept["ndcg@10"] < run.test.metrics["ndcg@10"]
    assert run.to_dict()["seen_kept"] == run.seen_kept
    unfiltered = replace(entry, filter_seen=False)
    assert run_seed(unfiltered, 0, split, verbose=False).seen_kept is None


@pytest.mark.parametrize(
    "described",
    [
        {"model": "content", "options": {}},
        {"source": "tfidf", "size": 2},
        {"model": "item-knn", "options": {"shrinkage": 1.0}},
    ],
)
def test_targets_of_an_experiment_share_with_similar_items(log, described):
    entry = Experiment(
        "similar", "ring", "sasrec", options={"max_length": 3, "width": 2, "num_blocks": 1},
        fit={"epochs": 1, "batch_size": 8}, similar_targets={**described, "share": 0.4},
    )  # fmt: skip
    run = run_seed(entry, 0, leave_one_out(log), verbose=False)
    assert settings_of(entry)["similar_targets"] == {**described, "share": 0.4}
    shares = similar_targets(entry, run.data)["similar_targets"]
    assert shares.share == 0.4
    found = {
        "content": similar_texts([TITLES[item] for item in run.data.vocabulary.raw_ids]),
        "item-knn": similar_users(run.data.train, run.data.num_items, shrinkage=1.0),
    }.get(described.get("model"), shares.similar)
    np.testing.assert_array_equal(shares.similar.values.toarray(), found.values.toarray())
    alone = run_seed(replace(entry, similar_targets={}), 0, leave_one_out(log), verbose=False)
    assert run.curve.rows[0]["loss"] != alone.curve.rows[0]["loss"]
