"""A recommender with further items lists the old ones as before."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.features.histories import build_histories
from recmodels.features.sequences import prepare
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular
from recmodels.models.sasrec import SASRec
from recmodels.recommend.growth import add_items
from recmodels.recommend.recommender import Recommender

ITEMS = [f"i{n}" for n in range(6)]


def make_recommender(model=None, **parts):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": np.repeat(np.arange(9), 5), "item": rng.choice(ITEMS, 45)})
    log = Interactions(frame, "ordered")
    data = prepare(leave_one_out(log))
    if model == "sasrec":
        model = SASRec(data.num_items, max_length=4, width=4)
        model.build()
    else:
        model = Markov().fit(data.train, data.num_items)
    table = pd.DataFrame({"title": [name.upper() for name in ITEMS]}, index=ITEMS)
    popular = MostPopular().fit(data.train, data.num_items)
    parts = {"items": table, "fallback": popular, "histories": data.train, **parts}
    return Recommender(model, data.vocabulary, **parts), log


@pytest.mark.parametrize("model", ["markov", "sasrec"])
def test_old_items_are_listed_as_before_and_new_ones_can_be(model):
    small, _ = make_recommender(model)
    new = pd.DataFrame({"title": ["JUG", "I0 again"]}, index=["jug", "i0"])
    large = add_items(small, new)
    assert large.vocabulary.raw_ids.tolist() == [*small.vocabulary.raw_ids, "jug"]
    for request in ({"history": ["i1", "i2"]}, {"user": 3}, {"history": []}):
        before = small.recommend(k=5, **request)
        after = large.recommend(k=5, only=ITEMS, **request)
        assert after.items == before.items
        np.testing.assert_allclose(after.scores, before.scores, atol=1e-6)
    assert large.recommend(["i1"], only=["jug"]).items == ["jug"]
    assert large.items.loc["jug", "title"] == "JUG" and large.items.loc["i0", "title"] == "I0"
    assert small.recommend(["i1"], only=["jug"]).items == []


def test_an_unknown_item_of_a_history_stays_unknown():
    small, log = make_recommender()
    extra = pd.DataFrame({"user": [0], "item": ["later"]})
    events = pd.concat([log.events, extra], ignore_index=True)
    users = np.arange(9)
    histories = build_histories(Interactions(events, "ordered"), small.vocabulary, users)
    small, _ = make_recommender(histories=histories)
    large = add_items(small, ["jug"])
    assert (large.histories.items == large.vocabulary.unknown_id).sum() == 1
    assert large.recommend(user=0, k=2, only=ITEMS).items == small.recommend(user=0, k=2).items


def test_a_grown_recommender_saves_and_loads(tmp_path):
    large = add_items(make_recommender("sasrec")[0], ["jug"])
    again = Recommender.load(large.save(tmp_path / "bundle"))
    assert again.recommend(["i1"], k=7).items == large.recommend(["i1"], k=7).items


def test_what_does_not_fit_is_refused():
    small, _ = make_recommender()
    with pytest.raises(ValueError, match="type of the catalogue"):
        add_items(small, [7])
    for items in ("jug", None, {"jug": {"title": "Jug"}}, {"jug", "cup"}):  # A text is no list.
        with pytest.raises(ValueError, match="`items` must be a list.*Received: items="):
            add_items(small, items)
    vectors = np.ones((len(small.vocabulary), 2))
    with pytest.raises(ValueError, match="vectors for all items"):
        add_items(make_recommender(item_vectors=vectors)[0], ["jug"])
