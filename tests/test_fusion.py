"""Sums of models with weights that are chosen on validation cases."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from harness import make_log, random_lists

import recmodels as rm
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.fusion import fuse, fusion_sample
from recmodels.features.sequences import prepare


@pytest.fixture(scope="module")
def data():
    ring = [[(start + step) % 12 + 1 for step in range(6)] for start in range(40)]
    return prepare(leave_one_out(make_log(random_lists(80, 8, 12) + ring)))


@pytest.fixture(scope="module")
def models(data):
    kinds = (rm.Markov(), rm.ItemKNN(), rm.MostPopular())
    return [kind.fit(data.train, data.num_items) for kind in kinds]


def test_all_sums_are_tried_and_the_best_one_is_returned(data, models):
    weights, scalings = (0.0, 0.3, 2.0), ("spread", "range")
    fused = fuse(models, data, weights, scalings)
    expected = {}
    for scaling, *others in itertools.product(scalings, weights, weights):
        one = rm.Hybrid(models, [1.0, *others], scaling)
        expected[scaling, *others] = rm.evaluate(one, data.validation).metrics["ndcg@10"]
    found = fused.tried.set_index(["scaling", "ItemKNN 1", "MostPopular 2"])["ndcg@10"].to_dict()
    assert found == pytest.approx(expected)
    assert fused.tried["ndcg@10"].is_monotonic_decreasing
    best = max(expected, key=expected.get)
    assert (fused.model.scaling, *fused.model.weights[1:]) == best
    assert fused.model.scorers == models


def test_test_cases_are_not_read_and_each_model_scores_a_history_once(data, models):
    class Counting:
        max_length, columns, asked = None, (), 0

        def score(self, queries, items=None):
            self.asked += len(queries["item_ids"])
            return models[1].score(queries, items)

    counting = Counting()
    fused = fuse([models[0], counting], replace(data, test=None), (0.0, 0.5, 1.0))
    assert counting.asked == len(data.validation)
    assert fused.model.weights == fuse(models[:2], data, (0.0, 0.5, 1.0)).model.weights


def test_few_users_are_used_where_the_catalogue_is_large(data):
    assert len(fusion_sample(data, 50).validation) == len(data.validation)  # At least 500.
    assert fusion_sample(data, 10_000).validation is data.validation


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"models": 1}, "`models` must be two or more trained models.*models=\\['Markov'\\]"),
        ({"weights": ()}, "`weights` and `scalings` must not be empty"),
        ({"scalings": ("loud",)}, "`scaling` must be one of"),
        ({"weights": np.arange(40.0)}, "at most 1,000 combinations.*combinations=1600"),
        ({"weights": (-1.0,)}, "`weights` must be one per model, not negative"),
        ({"users": 0}, "`users`"),
    ],
)
def test_wrong_arguments_are_named(data, models, wrong, match):
    given = models[: wrong.pop("models", 3)]
    with pytest.raises(ValueError, match=match):
        fuse(given, data, **wrong)


def test_what_cannot_score_and_data_without_validation_are_refused(data, models):
    with pytest.raises(ValueError, match="`models` must be two or more trained models.*'str'"):
        fuse([models[0], "markov"], data)
    with pytest.raises(ValueError, match="`data` must have validation cases"):
        fuse(models, replace(data, validation=None))
