"""Attributes as zeros and ones: words, categories, ranges."""

import numpy as np
import pandas as pd
import pytest

from recmodels.features.attributes import attribute_matrix

ITEMS = pd.DataFrame(
    {
        "title": ["Tea Time (1995)", "time", None, "Cup (1995)"],
        "category": ["War", "War|Film-Noir", "Film-Noir", ""],
    },
    index=["a", "b", "c", "d"],
)


def test_words_by_hand():
    # Words of two titles or more: 1995 (a, d) and time (a, b), in the order of the alphabet.
    found = attribute_matrix(ITEMS, np.array(["d", "a", "b", "x"]), columns=("title",))
    assert found.tolist() == [[1, 0], [1, 1], [0, 1], [0, 0]] and found.dtype == np.float32


def test_categories_keep_their_spelling():
    found = attribute_matrix(ITEMS, np.array(["a", "b", "c", "d"]), columns=("category",))
    assert found.tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]  # Film-Noir, War


def test_numbers_fall_in_equally_full_bins():
    ages = pd.DataFrame({"age": [20.0, 20, 30, 30, 40, 40, np.nan]})
    found = attribute_matrix(ages, np.arange(7), columns=("age",))
    assert found.sum(axis=1).tolist() == [1] * 6 + [0]
    groups = [tuple(row) for row in found]
    assert groups[0] == groups[1] != groups[2] == groups[3] != groups[4] == groups[5]


def test_rare_attributes_are_left_out_and_columns_joined():
    found = attribute_matrix(
        ITEMS, ITEMS.index.to_numpy(), columns=("title", "category"), min_count=1
    )
    assert found.shape == (4, 6)  # 1995 cup tea time; Film-Noir War
    assert attribute_matrix(ITEMS, ITEMS.index.to_numpy(), columns=()).shape == (4, 0)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="`columns`.*'actors'"):
        attribute_matrix(ITEMS, np.array(["a"]), columns=("actors",))
