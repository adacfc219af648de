"""Which explainer explains which family of models."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_reasons import ITEMS, Weighted, recommender

from recmodels.explain.explainers import MOST_FAITHFUL, margin_length, most_faithful
from recmodels.explain.influence import leave_one_out_influence, shapley
from recmodels.explain.removal import Removal
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.ease import EASE
from recmodels.models.fallback import WithFallback
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular
from recmodels.recommend.recommender import Recommender

ROOT = Path(__file__).parents[1]


class Longest(Weighted):
    """Counts how often it reads a history, and squares the sum, so that events interact."""

    reads = 0

    def score(self, queries, items=None):
        assert queries["item_ids"].shape[1] == self.max_length  # As in evaluation.
        self.reads += len(queries["item_ids"])
        scores = np.square(self.weights[queries["item_ids"]].sum(axis=1))
        return scores if items is None else scores[:, items]


def test_each_measured_family_has_the_explainer_that_the_stored_results_rank_first():
    rows = json.loads((ROOT / "results" / "reasons.json").read_text("utf-8"))["rows"]
    gains = {}
    for row in rows:
        if row["explainer"] not in ("random", "recency", "attention"):
            gains.setdefault(row["model"], {}).setdefault(row["explainer"], []).append(row["gain"])
    best = {
        model: max(found, key=lambda explainer: np.mean(found[explainer]))
        for model, found in gains.items()
    }
    assert best == MOST_FAITHFUL


def test_other_families_are_explained_by_leave_one_out():
    popular = MostPopular()
    assert most_faithful(popular) == most_faithful(Weighted()) == "leave one out"
    assert most_faithful(WithFallback(Markov(), popular)) == "Shapley"
    assert most_faithful(EASE()) == "leave one out"


@pytest.mark.parametrize("family", ["Other", "Markov", "ItemKNN"])
def test_a_list_is_explained_by_the_explainer_of_its_family(family):
    model = type(family, (Longest,), {})()
    answering = Recommender(model, Vocabulary(ITEMS), filter_seen=False)
    history = ["i1", "i4", "i7", "i3", "i9"]
    answer = answering.recommend(history, k=4, explain=True)
    queries_removal = answering.removal(answer.items, history)
    explain = {
        "Other": leave_one_out_influence,
        "Markov": shapley,
        "ItemKNN": lambda removal: leave_one_out_influence(removal, 10),
    }[family]
    order = explain(queries_removal).order()
    events = np.array(history)[order[:, 0] - queries_removal.real.shape[1]]
    facts = answering.reasons(answer.items, history)
    assert any(one.cited for one in facts)
    for top, one, sentence in zip(events, facts, answer.why, strict=True):
        assert not one.cited or top in [event.item for event in one.cited]
        assert ("about" in sentence) == (family == "Markov" and bool(one.cited))
        answering.check_sentence(sentence, one.item, history)


def test_items_of_one_list_share_the_histories_that_shapley_reads():
    model, history = Longest(), ITEMS[:6]
    removal = recommender_of(model).removal(ITEMS, history)
    alone = recommender_of(model).removal(ITEMS[3:4], history)
    model.reads = 0
    values = shapley(removal).values
    many, model.reads = model.reads, 0
    np.testing.assert_array_equal(values[3], shapley(alone).values[0])
    assert many == model.reads


def recommender_of(model) -> Recommender:
    return Recommender(model, Vocabulary(ITEMS))


def test_margins_of_a_small_catalogue_are_those_of_a_shorter_list():
    assert margin_length(recommender().removal(["i0"], ["i1"])) == 10
    small = Recommender(Weighted(), Vocabulary(ITEMS[:3])).removal(["i0"], ["i1"])
    assert isinstance(small, Removal) and margin_length(small) == 2


@pytest.mark.parametrize("explain", ["no", None, 1, ""])
def test_whether_to_explain_is_true_or_false(explain):
    with pytest.raises(ValueError, match="`explain` must be True or False. Received: explain="):
        recommender().recommend(["i0"], k=2, explain=explain)
