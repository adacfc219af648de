"""Indexes: the same lists as scoring everything, recall by hand, filters, and stale ones."""

import sys

import keras
import numpy as np
import pandas as pd
import pytest

from recmodels.features.vocabulary import Vocabulary
from recmodels.models.sasrec import SASRec
from recmodels.recommend import AtMost, Recommender
from recmodels.recommend.candidates import catalogue_vectors
from recmodels.recommend.index import ApproximateIndex, ExactIndex, recall

VECTORS = np.array([[1, 0], [0, 1], [2, 0], [1, 1], [1, 0]], np.float32)  # Items 1..5.


@pytest.fixture(params=[ExactIndex, ApproximateIndex], ids=lambda kind: kind.__name__)
def kind(request):
    if request.param is ApproximateIndex:
        pytest.importorskip("faiss")
    return request.param


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    """2,000 vectors of very different lengths around 40 centres, and 100 queries."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 16))
    near = centres[rng.integers(0, 40, 2100)] + 0.3 * rng.normal(size=(2100, 16))
    vectors, queries = np.split(near.astype(np.float32), [2000])
    return vectors * rng.lognormal(0, 0.5, (2000, 1)).astype(np.float32), queries


def test_best_by_hand(kind):
    found, scores = kind(VECTORS).search(np.array([[1, 0], [0, 1]]), 3)
    # Item 3 scores 2, and 1, 4, 5 score 1; for the second 2 and 4 score 1, the others 0.
    assert found.tolist() == [[3, 1, 4], [2, 4, 1]]
    assert scores.tolist() == [[2, 1, 1], [1, 1, 0]]


def test_filters_and_short_lists_by_hand(kind):
    allowed = np.array([False, True, True, True, False, True])
    found, scores = kind(VECTORS).search(np.array([[1, 0]]), 4, allowed, [np.array([3])])
    assert found.tolist() == [[1, 5, 2, 0]]
    assert scores.tolist() == [[1, 1, 0, -np.inf]]


def test_recall_by_hand():
    class Half(ExactIndex):
        def search(self, queries, k):
            found, scores = super().search(queries, k)
            found[:, k // 2 :] = 5
            return found, scores

    exact = ExactIndex(VECTORS)
    # Wanted [3, 1] and [2, 4]; found [3, 5] and [2, 5].
    assert recall(Half(VECTORS), exact, np.array([[1.0, 0], [0, 1]]), 2) == 0.5
    assert recall(exact, exact, np.array([[1.0, 0]]), 3) == 1.0


def test_the_approximate_index_finds_nearly_everything(many):
    pytest.importorskip("faiss")
    vectors, queries = many
    index, exact = ApproximateIndex(vectors), ExactIndex(vectors)
    assert recall(index, exact, queries, 10) > 0.94
    assert recall(ApproximateIndex(vectors, effort=512), exact, queries, 10) > 0.99
    # With hardly any links and no effort it must find less, or the number means nothing.
    poor = ApproximateIndex(vectors, neighbours=2, effort=1)
    assert recall(poor, exact, queries, 10) < 0.9


def test_lists_are_full_however_much_is_filtered(many, kind):
    vectors, queries = many
    rng, index = np.random.default_rng(1), kind(vectors)
    for share in (0.5, 0.1, 0.01, 0.003):
        allowed = rng.random(2001) < share
        allowed[0] = False
        hidden = [rng.choice(2000, 300, replace=False) + 1 for _ in queries]
        found, scores = index.search(queries, 5, allowed, hidden)
        for row, item_ids in enumerate(found):
            left = np.setdiff1d(np.flatnonzero(allowed), hidden[row])
            listed = item_ids[item_ids > 0]
            assert len(np.unique(listed)) == len(listed) == min(5, len(left))
            assert np.isin(listed, left).all()
        assert (np.diff(scores[:, :3], axis=1) <= 0).all() or share < 0.01


def test_scores_are_the_dot_products(many, kind):
    vectors, queries = many
    found, scores = kind(vectors).search(queries, 5)
    expected = np.einsum("bkd,bd->bk", vectors[found - 1], queries)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_saved_index_gives_equal_lists(tmp_path, many):
    pytest.importorskip("faiss")
    vectors, queries = many
    index = ApproximateIndex(vectors)
    loaded = ApproximateIndex.load(index.save(tmp_path / "items.index"), vectors)
    np.testing.assert_array_equal(loaded.search(queries, 7)[0], index.search(queries, 7)[0])
    again = ApproximateIndex(vectors).save(tmp_path / "again.index")
    assert again.read_bytes() == (tmp_path / "items.index").read_bytes()  # Nothing is random.
    changed = vectors.copy()
    changed[7, 3] += 1e-3
    with pytest.raises(ValueError, match="`path` holds an index .* before the weights changed"):
        ApproximateIndex.load(tmp_path / "items.index", changed)
    (tmp_path / "text").write_text("an index")
    with pytest.raises(ValueError, match="`path` must hold a whole index"):
        ApproximateIndex.load(tmp_path / "text", vectors)


def test_a_damaged_index_is_refused_before_it_is_searched(tmp_path, many):
    pytest.importorskip("faiss")
    vectors = many[0][:50]
    path = ApproximateIndex(vectors, neighbours=4).save(tmp_path / "items.index")
    content = path.read_bytes()
    for damaged in (content[:-1], content[:-1] + b"x", content[:100], content[:20], content + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="`path` (must hold a whole|holds an) index"):
            ApproximateIndex.load(path, vectors)


@pytest.mark.parametrize(
    ("part", "place", "value"),
    [
        ("neighbors", 0, 50),
        ("neighbors", 3, 2**30),
        ("neighbors", 0, -2),
        ("offsets", 1, 2**40),
        ("offsets", 3, 0),
        ("levels", 0, 100),
        ("levels", 0, 0),
        ("entry_point", None, 50),
        ("max_level", None, 9),
        ("cum_nneighbor_per_level", 1, 10**6),
    ],
)
def test_links_that_lead_out_of_the_graph_are_refused(tmp_path, many, part, place, value):
    """The checksum is right here, as somebody would make it who wants the process to crash."""
    faiss, vectors = pytest.importorskip("faiss"), many[0][:50]
    index = ApproximateIndex(vectors, neighbours=4)
    links = index._graph.hnsw
    if place is None:
        setattr(links, part, value)
    else:
        numbers = faiss.vector_to_array(getattr(links, part))
        numbers[place] = value
        faiss.copy_array_to_vector(numbers, getattr(links, part))
    path = index.save(tmp_path / "items.index")
    with pytest.raises(ValueError, match="`path` must hold a whole index"):
        ApproximateIndex.load(path, vectors)


def test_an_index_of_another_kind_or_of_other_points_is_refused(tmp_path, many):
    faiss, vectors = pytest.importorskip("faiss"), many[0][:50]
    index = ApproximateIndex(vectors)
    flat, other = faiss.IndexFlatL2(17), ApproximateIndex(vectors[::-1])._graph
    flat.add(np.zeros((50, 17), np.float32))
    for graph in (flat, other):
        index._graph = graph
        path = index.save(tmp_path / "items.index")
        with pytest.raises(ValueError, match="`path` must hold a whole index"):
            ApproximateIndex.load(path, vectors)


@pytest.mark.parametrize("vectors", [np.zeros((0, 2)), np.ones(3), np.array([[np.nan, 1]])])
def test_bad_vectors(kind, vectors):
    with pytest.raises(ValueError, match="`vectors` must be finite"):
        kind(vectors)


@pytest.mark.parametrize(("queries", "k"), [(np.ones((1, 3)), 2), (np.ones(2), 2), (VECTORS, 0)])
def test_bad_requests(kind, queries, k):
    with pytest.raises(ValueError, match="`queries` must be"):
        kind(VECTORS).search(queries, k)


def test_without_faiss_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)  # What an absent package looks like.
    with pytest.raises(ImportError, match=r'`pip install "recmodels\[faiss\]"`'):
        ApproximateIndex(VECTORS)
    assert ExactIndex(VECTORS).search(np.array([[1, 0]]), 1)[0].tolist() == [[3]]


class Dots:
    """Scores by dot products of random vectors, of a history and of the items."""

    max_length = 8

    def __init__(self) -> None:
        self.vectors = np.random.default_rng(3).normal(size=(200, 8)).astype(np.float32)

    def item_vectors(self):
        return self.vectors

    def query_vectors(self, queries):
        item_ids = queries["item_ids"]
        return self.vectors[item_ids[:, -1] - 1] + self.vectors[item_ids[:, -2] - 1]

    def score(self, queries, items=None):
        return np.pad(self.query_vectors(queries) @ self.vectors.T, ((0, 0), (1, 0)))


def indexed(kind, model=None, **settings) -> tuple[Recommender, Recommender]:
    """A recommender that scores everything and one that looks things up."""
    model = model or Dots()
    vocabulary = Vocabulary([f"i{number}" for number in range(200)])
    index = kind(catalogue_vectors(model))
    plain = Recommender(model, vocabulary, **settings)
    return plain, Recommender(model, vocabulary, index=index, **settings)


def test_a_recommender_with_an_index_gives_the_lists_of_one_without(kind):
    plain, quick = indexed(kind)
    rng = np.random.default_rng(2)
    histories = [[f"i{n}" for n in rng.integers(0, 200, 20)] for _ in range(12)]
    exclude = [f"i{n}" for n in range(50)]
    for one, other in zip(
        plain.recommend_many(histories, 8, exclude),
        quick.recommend_many(histories, 8, exclude),
        strict=True,
    ):
        assert one.items == other.items
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
    assert quick.recommend(["i3"], k=1000).items == plain.recommend(["i3"], k=1000).items


def test_rules_walk_down_what_an_index_finds(kind):
    items = pd.DataFrame({"category": [f"c{n % 7}" for n in range(200)]})
    items.index = [f"i{number}" for number in range(200)]
    plain, quick = indexed(kind, items=items, rules=[AtMost(1)])
    answer = quick.recommend(["i3", "i9"], k=10)
    assert answer.items == plain.recommend(["i3", "i9"], k=10).items
    assert len(answer) == 7 and "AtMost" in answer.notes[0]


def test_an_index_built_before_the_weights_changed_is_refused(kind):
    model = SASRec(200, max_length=8, width=8, num_blocks=1)
    model.build(None)
    _, quick = indexed(kind, model)
    assert len(quick.recommend(["i3"], k=3)) == 3
    table = model.item_embedding.table
    table.assign(keras.ops.convert_to_numpy(table) + 0.01)
    with pytest.raises(ValueError, match="`index` was built before the weights changed"):
        quick.recommend(["i3"], k=3)


def test_an_index_needs_a_model_with_vectors():
    class Scores:
        max_length = 1

        def score(self, queries, items=None):
            raise NotImplementedError

    subject = Recommender(Scores(), Vocabulary(["a", "b"]), index=ExactIndex(np.ones((2, 2))))
    with pytest.raises(ValueError, match="`index` needs a model that scores with item vectors"):
        subject.recommend(["a"])
