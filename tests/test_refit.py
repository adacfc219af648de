"""After a refit training holds items that the catalogue lacks: their targets stay misses."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import temporal_cutoff
from recmodels.evaluation.ranking import UNRANKED, rank
from recmodels.evaluation.report import evaluate
from recmodels.features.sequences import prepare
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular


@pytest.fixture
def split():
    """Item 99 appears in the validation part and is the target of every second test case."""
    early = [
        (user, 1 + (user + step) % 4, 10 * step + user) for user in range(10) for step in range(7)
    ]
    middle = [(user, 99, 100 + user) for user in range(10)]
    late = [(user, 99 if user % 2 else 1, 200 + user) for user in range(10)]
    events = pd.DataFrame(early + middle + late, columns=["user", "item", "timestamp"])
    split = temporal_cutoff(Interactions(events, "timed", "log"), 0.889, 0.111)
    assert 99 not in split.catalogue and 99 in set(split.refitted().train.events["item"])
    return split


@pytest.mark.parametrize("model", [Markov, MostPopular])
def test_an_item_outside_the_catalogue_is_not_trained_by_a_refit(split, model):
    data, again = prepare(split), prepare(split.refitted())
    assert again.vocabulary.unknown_id in again.train.items
    foreign = again.test.targets == again.vocabulary.unknown_id
    assert foreign.any() and not foreign.all()
    for part in (data, again):
        np.testing.assert_array_equal(part.test.trained, ~foreign)
    fitted = model().fit(data.train, data.num_items)
    fitted.fit(again.train, again.num_items)
    assert len(fitted.counts) == again.num_items + 1
    ranks = rank(fitted, again.test, filter_seen=False).ranks
    np.testing.assert_array_equal(ranks == UNRANKED, foreign)
    measured = evaluate(fitted, again.test, filter_seen=False, train=again.train)
    assert measured.cold_targets == foreign.sum()
    assert measured.metrics["hr@20"] == (~foreign).mean()
