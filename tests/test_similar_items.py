"""Similar items of each item: by texts, by vectors, by common users."""

import numpy as np
import pandas as pd
import pytest
from harness import make_histories
from scipy import sparse

import recmodels as rm
from recmodels.models.similar_items import (
    SimilarItems,
    similar_texts,
    similar_users,
    similar_vectors,
)

V = 10
RANDOM = np.random.default_rng(1).normal(size=(V + 1, 3))
HISTORIES = [[1, 2, 3], [1, 2], [2, 1, 4], [5, 6, 7, 8, 9, 10]]


def test_similar_users_are_those_of_item_knn_without_one_user():
    # Items 1 and 2 have three common users, of three each; without one there are two of two.
    found = similar_users(make_histories(HISTORIES), V, shrinkage=1.0).values.toarray()
    np.testing.assert_allclose(found[1, 2], 2 / (2 + 1), rtol=1e-6)
    # The only common user of items 1 and 3, and of 5 and 6, is the one that is left out.
    assert not found[1, 3] and not found[5].any() and not np.diag(found).any()
    rng = np.random.default_rng(0)
    lists = [list(rng.permutation(6)[:4] + 1) for _ in range(30)]
    found = similar_users(make_histories(lists), 6, shrinkage=2.0).values.toarray()
    rest = rm.ItemKNN(shrinkage=2.0).fit(make_histories(lists[1:]), 6).similarities.toarray()
    for one in lists[0]:
        for other in set(lists[0]) - {one}:
            np.testing.assert_allclose(found[one, other], rest[one, other], rtol=1e-5)


def test_similar_texts_are_cosines_of_their_words():
    found = similar_texts(["green tea", "tea cup", None, "lamp"]).values.toarray()
    # As in the example of `Content`: tea occurs in two of the texts.
    content = rm.Content(["green tea", "tea cup", None, "lamp"]).text_vectors().toarray()
    np.testing.assert_allclose(found[1, 2], content[1] @ content[2], rtol=1e-6)
    assert 0 < found[1, 2] < 1 and not found[3].any() and not found[4].any()
    assert not np.diag(found).any()


def test_similar_vectors_are_the_largest_cosines():
    found = similar_vectors(RANDOM, keep=3).values.toarray()
    rows = RANDOM.copy()
    rows[0] = 0
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, 0)
    for row in range(1, V + 1):
        best = np.argsort(-cosines[row])[:3]
        best = best[cosines[row, best] > 0]
        np.testing.assert_allclose(found[row, best], cosines[row, best], atol=1e-6)
        assert np.count_nonzero(found[row]) == len(best)


@pytest.mark.parametrize("vectors", [np.zeros((4, 2)), np.full((4, 2), np.inf), np.ones(4)])
def test_similar_vectors_need_a_finite_matrix(vectors):
    with pytest.raises(ValueError, match="`vectors` must be a finite matrix"):
        similar_vectors(vectors)


def test_sparse_similarities_are_cut_to_the_largest():
    values = np.zeros((4, 4), np.float32)
    values[1, [2, 3]] = 0.5, 0.75
    near, strength = SimilarItems(sparse.csr_array(values)).nearest(1)
    assert near.tolist() == [[0], [3], [0], [0]] and strength[1, 0] == 0.75


@pytest.mark.parametrize("texts", ["green tea", pd.DataFrame({"title": ["tea"]}), {"a": "tea"}, 3])
def test_texts_must_be_a_list(texts):
    with pytest.raises(ValueError, match="`texts` must be a list"):
        similar_texts(texts)


def test_at_least_one_similar_item_is_kept():
    with pytest.raises(ValueError, match="`keep`"):
        similar_texts(["green tea", "tea cup"], keep=0)
