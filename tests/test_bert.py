"""BERT equals its formulas, also after it was saved and loaded."""

import keras
import numpy as np
import pytest
from harness import to_numpy
from tiny_bert import SIZES, random_tensors, states_by_hand, text_vector_by_hand

from recmodels.text.bert import Bert, TextVectors
from recmodels.text.folder import SIZES as NAMES
from recmodels.text.folder import assign_tensors

pytestmark = pytest.mark.backends
TEXTS = [[2, 4, 5, 3], [2, 9, 3], [2, 8, 7, 6, 5, 4, 3]]


def made():
    bert = Bert(**{NAMES[name]: size for name, size in SIZES.items()})
    model = TextVectors(bert)
    model.build()
    assign_tensors(bert, random_tensors())
    return model


def padded(texts):
    ids = np.zeros((len(texts), 9), "int32")
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
    return {"token_ids": ids, "token_mask": ids > 0}


def test_states_and_vectors_equal_the_formulas_also_with_padding():
    model, tensors = made(), random_tensors()
    states, vectors = (to_numpy(part(padded(TEXTS))) for part in (model.bert, model))
    for row, text in enumerate(TEXTS):
        expected = states_by_hand(tensors, text)
        np.testing.assert_allclose(states[row, : len(text)], expected, atol=1e-5)
        np.testing.assert_allclose(vectors[row], text_vector_by_hand(tensors, text), atol=1e-5)


def test_a_saved_model_gives_the_same_vectors(tmp_path):
    model = made()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = padded(TEXTS)
    np.testing.assert_allclose(to_numpy(again(inputs)), to_numpy(model(inputs)), atol=1e-7)


def test_all_weights_but_unread_rows_are_trained():
    model = made()
    # Tables 20 x 8 + 10 x 8 + 2 x 8 = 256 and a norm of 16; a block has 4 x 72 for attention,
    # 8 x 12 + 12 + 12 x 8 + 8 = 212 for the feed-forward network and 2 x 16 for the norms: 532.
    assert model.count_params() == 256 + 16 + 2 * 532
    assert len(model.trainable_weights) == len(model.weights)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="`num_heads` must divide `width`.*num_heads=3, width=8"):
        Bert(20, 8, 1, 3, 12)
