"""Faithfulness of explanations, on a model whose true influences are known."""

import numpy as np
import pytest
from test_explain import Adding, make_queries

from recmodels.explain.faithfulness import explainer_table, faithfulness
from recmodels.explain.influence import (
    Influence,
    leave_one_out_influence,
    random_influence,
    recency_influence,
)
from recmodels.explain.removal import Removal


def make_removal(lists):
    return Removal(Adding(), make_queries(lists), items=[5] * len(lists))


def test_measures_by_hand():
    removal = make_removal([[3, 1, 2]])  # Weights 4, 1 and 2; on the list of one from 3.5 on.
    true = faithfulness(removal, leave_one_out_influence(removal), k=1, most=2)
    # Without 4: 3 < 3.5. Without 4 and 2: 1. Without 1: 6, without 1 and 2: 4.
    assert (true.pos_p[0], true.neg_p[0], true.necessity[0]) == (0, 1, 1)
    assert true.sufficiency[0] == 1 and true.drop[0] == 6
    late = faithfulness(removal, recency_influence(removal), k=1, most=2)
    # Without 2: 5, without 2 and 1: 4. Without 4: 3, without 4 and 1: 2.
    assert (late.pos_p[0], late.neg_p[0], late.necessity[0]) == (1, 0, 0)
    assert late.sufficiency[0] == 0 and late.drop[0] == 3
    # Of three events, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3 are removed.
    assert true.deletion[0].tolist() == [7, 7, 3, 3, 3, 1, 1, 1, 1, 0, 0]
    assert true.insertion[0, 0] == 0 and true.insertion[0, -1] == 7
    assert true.deletion_area[0] < late.deletion_area[0]
    assert true.insertion_area[0] > late.insertion_area[0]


def test_the_true_explainer_is_first_in_the_table_and_a_reversed_one_last():
    rng = np.random.default_rng(0)
    removal = make_removal(rng.integers(1, 5, (40, 4)).tolist())
    true = leave_one_out_influence(removal)
    explainers = {
        "random": random_influence(removal),
        "true": true,
        "reversed": Influence(-true.values, true.real),
    }
    measured = {n: faithfulness(removal, e, k=1, most=3) for n, e in explainers.items()}
    table = explainer_table(measured)
    assert table.index.tolist() == ["true", "random", "reversed"]
    assert table.loc["true", "low"] > 0 > table.loc["reversed", "high"]
    assert table.loc["random", "deletion_ratio"] == 1 < table.loc["true", "deletion_ratio"]


def test_empty_histories_and_other_rows_are_refused():
    removal = make_removal([[1], []])
    with pytest.raises(ValueError, match="`removal` must hold no empty history.*rows=.1."):
        faithfulness(removal, recency_influence(removal))
    with pytest.raises(ValueError, match="`influence` must be of the rows"):
        faithfulness(removal, recency_influence(make_removal([[1]])))
    with pytest.raises(ValueError, match="`floor` must be"):
        explainer_table({})
