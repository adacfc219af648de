"""What a model depends on over all histories, on models whose weights are known."""

from dataclasses import replace

import numpy as np
import pytest
from test_explain import Adding, make_queries

from recmodels.explain.global_influence import column_importance, item_influence, lag_influence
from recmodels.explain.influence import Influence, leave_one_out_influence
from recmodels.explain.removal import Removal


def test_lags_are_counted_from_the_latest_event():
    removal = Removal(Adding(), make_queries([[1, 2, 3], [4]]), items=[5, 5])
    table = lag_influence(leave_one_out_influence(removal))
    # Weights 1, 2, 4 and 8: the latest events have 4 / 7 and all of the influence.
    assert table.index.tolist() == [1, 2, 3] and table["rows"].tolist() == [2, 1, 1]
    np.testing.assert_allclose(table["influence"], [6, 2, 1])
    np.testing.assert_allclose(table["share"], [(4 / 7 + 1) / 2, 2 / 7, 1 / 7])


def test_rows_without_influence_have_no_share():
    real = np.ones((2, 2), bool)
    table = lag_influence(Influence(np.array([[0, 0], [-1, 3]], np.float32), real))
    assert table["influence"].tolist() == [1.5, -0.5] and table["share"].tolist() == [0.75, 0.25]


def test_pairs_of_items_have_the_mean_influence():
    removal = Removal(Adding(), make_queries([[1, 2, 2], [2, 4]]), items=[5, 5])
    table = item_influence(removal, leave_one_out_influence(removal))
    assert table.index.tolist() == [(4, 5), (2, 5), (1, 5)]
    assert table["influence"].tolist() == [8, 2, 1] and table["events"].tolist() == [1, 3, 1]
    with pytest.raises(ValueError, match="`influence` must be of the rows.*Received"):
        item_influence(removal, Influence(np.zeros((1, 2)), np.ones((1, 2), bool)))


class Telling:
    """The item that the column `told` of the latest event names is the best."""

    max_length, columns = 2, ("told", "noise")

    def score(self, queries, items=None):
        scores = np.zeros((len(queries["item_ids"]), 8), np.float32)
        scores[np.arange(len(scores)), queries["told"][:, -1]] = 1
        scores += queries["noise"][:, -1, None] * 1e-3
        return scores


def test_only_the_column_that_tells_the_target_matters():
    queries = make_queries([[1, 2]] * 60)
    told = np.random.default_rng(0).integers(1, 8, 120).astype(np.int32)
    columns = {"told": told, "noise": told[::-1].copy()}
    histories = replace(queries.histories, columns=columns)
    queries = replace(queries, histories=histories, targets=told[1::2])
    table = column_importance(Telling(), queries)
    assert table.index.tolist() == ["told", "noise"]
    assert table.loc["told", "low"] > 0.2 and table.loc["noise", "high"] == 0
    assert table["score"]["noise"] == 1
    assert histories.columns["told"] is told
    with pytest.raises(ValueError, match="`columns` must be some that the model reads.*other"):
        column_importance(Telling(), queries, ["other"])
    with pytest.raises(ValueError, match="`columns`"):
        column_importance(Adding(), queries)
