import numpy as np
import pytest
from harness import to_numpy

from recmodels.layers.masks import attention_mask, causal_mask, padding_mask

pytestmark = pytest.mark.backends

X, o = True, False


def test_padding_mask_is_true_at_real_items():
    assert to_numpy(padding_mask(np.array([[0, 0, 7, 1]]))).tolist() == [[o, o, X, X]]


def test_causal_mask_shows_each_position_its_past_and_itself():
    assert to_numpy(causal_mask(3)).tolist() == [[X, o, o], [X, X, o], [X, X, X]]


def test_attention_mask_hides_future_and_padding():
    mask = to_numpy(attention_mask(np.array([[o, o, X, X], [X, X, X, X]])))
    assert mask[0].tolist() == [[X, o, o, o], [o, X, o, o], [o, o, X, o], [o, o, X, X]]
    assert mask[1].tolist() == to_numpy(causal_mask(4)).tolist()


def test_attention_mask_without_causality_hides_padding_only():
    mask = to_numpy(attention_mask(np.array([[o, X, X]]), causal=False))
    assert mask.tolist() == [[[X, X, X], [o, X, X], [o, X, X]]]


def test_no_row_is_empty_even_without_history():
    mask = to_numpy(attention_mask(np.zeros((1, 4), bool)))
    assert mask[0].tolist() == np.eye(4, dtype=bool).tolist()
