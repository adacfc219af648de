"""What a model loses when the order of the histories is lost."""

from dataclasses import replace

import numpy as np
import pytest
from harness import make_histories, make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.evaluation.order_audit import OrderAudit, order_audit, shuffle_histories
from recmodels.evaluation.report import evaluate
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import prepare
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov

RING = [[(start + step) % 20 + 1 for step in range(8)] for start in range(60)]


def test_a_chain_needs_the_order_and_a_set_does_not():
    data = prepare(leave_one_out(make_log(RING)), protocol=Protocol(filter_seen=False))
    chain = Markov().fit(data.train, data.num_items)
    audit = order_audit(chain, data.test)
    assert audit.ordered == evaluate(chain, data.test).metrics["ndcg@10"] > 0.9
    assert audit.verdict == "order helps" and 0 < audit.low < audit.difference < audit.high
    assert audit.difference == pytest.approx(audit.ordered - audit.shuffled)
    as_sets = order_audit(ItemKNN(decay=1.0).fit(data.train, data.num_items), data.test)
    assert (as_sets.difference, as_sets.verdict) == (0, "no effect")


def test_shuffling_keeps_each_users_events_with_their_columns():
    histories = make_histories(random_lists(20, 9, 50))
    histories.columns["value"] = histories.items * 10
    shuffled = shuffle_histories(histories, seed=3)
    assert (shuffled.items != histories.items).any()
    np.testing.assert_array_equal(shuffled.columns["value"], shuffled.items * 10)
    for user in range(20):
        own = slice(*histories.offsets[user : user + 2])
        assert sorted(shuffled.items[own]) == sorted(histories.items[own])
    np.testing.assert_array_equal(shuffle_histories(histories, seed=3).items, shuffled.items)
    assert (shuffle_histories(histories, seed=4).items != shuffled.items).any()


def test_verdicts_follow_the_interval():
    audit = OrderAudit("ndcg@10", 0.2, 0.3, -0.1, -0.15, -0.05)
    assert audit.verdict == "order hurts"
    assert replace(audit, high=0.01).verdict == "no effect"
    assert audit.to_dict()["verdict"] == "order hurts" and audit.to_dict()["metric"] == "ndcg@10"
