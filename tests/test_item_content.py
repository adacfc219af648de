"""Encoders whose item vectors read texts: trained, saved, and asked for items that just arrived."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.api import fit
from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.report import evaluate
from recmodels.features.columns import Category, Vector
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare
from recmodels.models.bert4rec import BERT4Rec
from recmodels.models.hybrid import Hybrid
from recmodels.models.next_event import NextEvent
from recmodels.models.popularity import MostPopular
from recmodels.models.recurrent import GRU4Rec
from recmodels.models.sasrec import SASRec
from recmodels.recommend.recommender import Recommender

KINDS, PER_KIND = 3, 6
ITEMS = [f"kind{kind}-{n}" for kind in range(KINDS) for n in range(PER_KIND)]
SETTINGS = {"max_length": 6, "width": 8, "num_blocks": 1, "dropout": 0.0}


def vector_of(item):
    """One of three directions, which stands for the words of an item."""
    return [1.0 if item.startswith(f"kind{kind}") else 0.0 for kind in range(KINDS)]


def make_data(**schema):
    """Users stay with one kind; the last item of each kind is never trained on."""
    rng = np.random.default_rng(0)
    rows = [
        (user, f"kind{user % KINDS}-{item}")
        for user in range(30)
        for item in rng.choice(PER_KIND - 1, 5, replace=False)
    ]
    rows += [(user, f"kind{user % KINDS}-{PER_KIND - 1}") for user in range(3)]  # Cold targets.
    frame = pd.DataFrame(rows, columns=["user", "item"])
    frame["action"] = np.where(frame.index % 2, "view", "buy")
    items = pd.DataFrame({"text": [vector_of(item) for item in ITEMS]}, index=ITEMS)
    log = Interactions(frame, "ordered", items=items)
    return prepare(leave_one_out(log), schema=Schema({"text": Vector(of="items"), **schema}))


@pytest.fixture(scope="module", params=[SASRec, pytest.param(GRU4Rec, marks=pytest.mark.slow)])
def trained(request):
    data = make_data()
    model = request.param(data.num_items, **SETTINGS, item_columns=data.schema.input_sizes("text"))
    options = {"epochs": 30, "learning_rate": 0.02, "batch_size": 8, "verbose": False}
    fit(model, data, **options)
    return model, data


def test_cold_items_are_ranked_by_their_text_where_the_protocol_allows(trained):
    model, data = trained
    cold = ~data.test.trained
    assert cold.sum() == 3 and model.covered_items()[1:].all()
    strict = evaluate(model, data.test).per_user["rank"][cold]
    allowed = replace(data.protocol, cold_targets="score")
    ranks = evaluate(model, data.test, protocol=allowed).per_user["rank"][cold]
    assert (strict > data.num_items).all()
    assert (ranks <= PER_KIND).all()  # Above all items of the other kinds.
    hybrid = Hybrid([model, MostPopular().fit(data.train, data.num_items)], [1, 0.01], "spread")
    fused = evaluate(hybrid, data.test, protocol=allowed).per_user["rank"][cold]
    assert (fused <= PER_KIND).all()


def test_a_new_item_is_answered_from_its_text_the_minute_it_enters(trained, tmp_path):
    model, data = trained
    recommender = Recommender(model, data)
    table = pd.DataFrame({"text": [vector_of("kind1-new"), None]}, index=["kind1-new", "blank"])
    larger = recommender.add_items(table)
    history = ["kind1-0", "kind1-1", "kind1-2"]
    before, after = recommender.recommend(history, 99), larger.recommend(history, 99)
    others = [name for name in after.items if name not in table.index]
    assert others == before.items  # Old items keep their order.
    assert after.items.index("kind1-new") < 4
    assert after.items.index("blank") > after.items.index("kind1-new")
    assert larger.scorer.covered_items()[-2:].tolist() == [True, False]
    larger.save(tmp_path / "bundle")
    again = Recommender.load(tmp_path / "bundle").recommend(history, 99)
    assert again.items == after.items
    np.testing.assert_allclose(again.scores, after.scores, atol=1e-6)


def test_weights_follow_from_the_seed_whether_the_model_was_built_or_not(eagerly):
    data, scores = make_data(), []
    for build in (False, True):
        model = SASRec(data.num_items, **SETTINGS, item_columns=data.schema.input_sizes("text"))
        if build:
            model.build()
            model.adapt_items(data.item_columns)
        fit(model, data, epochs=1, seed=3, verbose=False)
        scores.append(model.score({"item_ids": np.array([[1, 2, 3]])}))
    np.testing.assert_array_equal(*scores)


def test_a_model_without_columns_covers_nothing_and_saves_as_before():
    model = SASRec(5, max_length=4, width=4)
    assert not model.covered_items().any() and "item_columns" not in model.get_config()


def test_says_which_columns_items_need():
    sizes = {"text": {"numbers": 4}}
    with pytest.raises(ValueError, match="`item_columns` must be columns of numbers.*codes"):
        SASRec(5, item_columns={"category": {"codes": 3}})
    with pytest.raises(ValueError, match="`item_columns` must be given.*id_vectors=False"):
        SASRec(5, id_vectors=False)
    model = SASRec(5, max_length=4, item_columns=sizes)
    with pytest.raises(ValueError, match="must have the columns of items.*missing=.'text'"):
        model.adapt_items({"other": np.zeros((8, 4))})
    with pytest.raises(ValueError, match="Column `text` must hold 4 finite numbers"):
        model.adapt_items({"text": np.zeros((8, 3))})


@pytest.mark.parametrize("given", [["text"], "text", {"text": 4}])
def test_item_columns_of_another_kind_are_refused(given):
    with pytest.raises(ValueError, match="`item_columns` must be columns .*Received: item_columns"):
        GRU4Rec(5, item_columns=given)


@pytest.mark.parametrize("kind", [BERT4Rec, NextEvent])
def test_every_task_gives_its_encoder_the_columns_of_the_items(kind, eagerly):
    data = make_data(action=Category())
    columns = data.schema.input_sizes("text")
    encoder = (BERT4Rec if kind is BERT4Rec else SASRec)(
        data.num_items, **SETTINGS, item_columns=columns
    )
    types = data.schema["action"].values
    model = encoder if kind is BERT4Rec else NextEvent(encoder, types, num_components=0)
    fit(model, data, epochs=1, batch_size=8, verbose=False)
    content = np.asarray(encoder.item_embedding.content)
    np.testing.assert_array_equal(content[1 : data.num_items + 1].sum(axis=1), 1)
