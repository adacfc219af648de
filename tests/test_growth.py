"""A grown model ranks old items as before and leaves room for new ones."""

import keras
import numpy as np
import pytest
from test_baselines import MODELS, V, fitted, make_queries
from test_towers import U, asked, make_towers, rated
from test_towers import V as TOWER_ITEMS

from recmodels.features.vocabulary import Vocabulary
from recmodels.models.capabilities import all_parts
from recmodels.models.fallback import WithFallback
from recmodels.models.growth import grow, grow_array
from recmodels.models.hybrid import Hybrid
from recmodels.models.sasrec import SASRec

NEW = 3


def test_rows_of_new_items_stand_between_items_and_special_rows():
    grown = grow_array(np.array([0, 5, 6, 8, 9]), np.full(7, 1), num_items=2)
    assert grown.tolist() == [0, 5, 6, 1, 1, 8, 9]
    table = grow_array(np.ones((2, 4)), np.zeros((2, 6)), num_items=3)
    assert table.tolist() == [[1, 1, 1, 1, 0, 0]] * 2


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"content", "hybrid"}))
def test_a_grown_baseline_scores_old_items_as_before(name):
    model = fitted(name)
    grown = grow(model, NEW)
    queries = make_queries([[1, 2], [5], []])
    before, after = model.score(queries), grown.score(queries)
    assert after.shape == (3, V + 1 + NEW) and np.isfinite(after).all()
    np.testing.assert_allclose(after[:, : V + 1], before, rtol=1e-6)
    assert model.num_items == V and model.score(queries).shape == (3, V + 1)


@pytest.mark.backends
@pytest.mark.parametrize("temperature", [None, 0.1])
def test_a_grown_sasrec_scores_old_items_as_before(temperature):
    model = SASRec(V, max_length=4, width=8, num_blocks=1, temperature=temperature)
    model.build()
    grown = grow(model, NEW)
    # The unknown item was V + 1 and is V + 1 + NEW now.
    old = {"item_ids": np.array([[0, 3, V + 1, 2]], np.int32)}
    new = {"item_ids": np.array([[0, 3, V + 1 + NEW, 2]], np.int32)}
    before, after = model.score(old), grown.score(new)
    assert after.shape == (1, V + 1 + NEW)
    np.testing.assert_allclose(after[:, : V + 1], before, atol=1e-6)
    assert np.abs(grown.score({"item_ids": np.array([[V + 2]], np.int32)})).max() > 0


def test_grown_towers_score_old_items_as_before_and_new_ones_below_the_popular():
    histories = rated()
    model = make_towers(popularity=True)
    model.adapt(histories)
    grown = grow(model, NEW)
    queries = asked(histories, range(U))
    before, after = model.score(queries), grown.score(queries)
    np.testing.assert_allclose(after[:, : TOWER_ITEMS + 1], before, atol=1e-5)
    weights = keras.ops.convert_to_numpy(grown.item_weights)
    assert weights[TOWER_ITEMS + 1 :].tolist() == [weights[1 : TOWER_ITEMS + 1].min()] * NEW
    assert np.isfinite(grown.rate(queries, np.full(U, TOWER_ITEMS + 1))).all()


def test_growing_by_nothing_changes_nothing():
    model = SASRec(V, max_length=4, width=8)
    model.build()
    for before, after in zip(model.get_weights(), grow(model, 0).get_weights(), strict=True):
        assert np.array_equal(before, after)


def test_the_parts_of_a_composite_are_grown():
    model = WithFallback(Hybrid([fitted("markov"), fitted("knn")], [1, 2]), fitted("popular"))
    grown = grow(model, NEW)
    queries = make_queries([[1, 2], [5], []])
    after = grown.score(queries)
    assert after.shape == (3, V + 1 + NEW)
    assert [type(part).__name__ for part in all_parts(grown)] == [
        "WithFallback", "Hybrid", "Markov", "ItemKNN", "MostPopular",
    ]  # fmt: skip
    # The scores of the sum are scaled over the catalogue, so that only their order is kept.
    np.testing.assert_array_equal(
        np.argsort(-after[:2, 1 : V + 1], kind="stable"),
        np.argsort(-model.score(queries)[:2, 1:], kind="stable"),
    )
    np.testing.assert_array_equal(after[2, : V + 1], model.score(queries)[2])


def test_models_that_cannot_grow_raise_an_error():
    with pytest.raises(ValueError, match="texts of items"):
        grow(fitted("content"), 1)
    with pytest.raises(ValueError, match="capability `Grows`.*model=object"):
        grow(object(), 1)
    with pytest.raises(ValueError, match="num_new"):
        grow(fitted("markov"), -1)


def test_a_grown_vocabulary_keeps_its_ids():
    vocabulary = Vocabulary(["tea", "cup"])
    grown = vocabulary.grow(["pot", "tea", "pot", "jug"])
    assert grown.raw_ids.tolist() == ["tea", "cup", "pot", "jug"]
    assert vocabulary.grow(["cup"]) is vocabulary and len(vocabulary) == 2
