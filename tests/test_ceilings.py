import numpy as np
import pytest

from recmodels.data.shop import simulate
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ceilings import BayesCeiling, Oracle
from recmodels.evaluation.ranking import rank
from recmodels.features.sequences import prepare
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular


@pytest.fixture(scope="module")
def shop():
    return simulate(num_users=1500, num_items=70, seed=4)


@pytest.fixture(scope="module")
def data(shop):
    return prepare(leave_one_out(shop.interactions))


def ndcg(scorer, data):
    ranks = rank(scorer, data.test, filter_seen=False).ranks
    return np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0).mean()


def test_places_are_in_the_order_of_the_true_probabilities(shop, data):
    queries = {"item_ids": data.test.histories.last([4, 9]), "user_ids": data.test.user_ids[[4, 9]]}
    places = BayesCeiling(shop, data.vocabulary, data.train.users).score(queries)
    users = data.test.histories.users[[4, 9]]
    chances = shop.bayes(users, data.test.histories.lengths[[4, 9]])
    raw = data.vocabulary.raw_ids
    for row in range(2):
        assert sorted(places[row, 1:]) == list(range(1, len(raw) + 1))
        best_first = raw[np.argsort(-places[row, 1:])]
        assert (np.diff(chances[row, shop.items_at(best_first)]) <= 0).all()


def test_some_items_are_scored_as_among_all(shop, data):
    queries = {"item_ids": data.test.histories.last([4, 9]), "user_ids": data.test.user_ids[[4, 9]]}
    ceiling = Oracle(shop, data.vocabulary, data.train.users)
    items = np.array([5, 2, 30])
    np.testing.assert_array_equal(ceiling.score(queries, items), ceiling.score(queries)[:, items])


def test_order_pays_and_nothing_passes_the_ceiling(shop, data):
    truths = [kind(shop, data.vocabulary, data.train.users) for kind in (Oracle, BayesCeiling)]
    learnt = [m.fit(data.train, data.num_items) for m in (Markov(), MostPopular())]
    oracle, bayes, markov, popularity = (ndcg(scorer, data) for scorer in truths + learnt)
    assert oracle > bayes > markov + 0.1 > popularity + 0.4


def test_validation_events_are_found_by_the_length_of_the_history(shop, data):
    ceiling = BayesCeiling(shop, data.vocabulary, data.train.users)
    ranks = rank(ceiling, data.validation, filter_seen=False).ranks
    assert (ranks == 1).mean() > 0.5


def test_newcomers_are_refused(shop, data):
    ceiling = BayesCeiling(shop, data.vocabulary, data.train.users)
    queries = {"item_ids": np.array([[1]]), "user_ids": np.array([-1])}
    with pytest.raises(ValueError, match="`user_ids`.*newcomer.*Received: newcomers=1"):
        ceiling.score(queries)


def test_a_cleaned_log_is_refused(shop):
    repeats = shop.runs > 1
    data = prepare(leave_one_out(shop.interactions.select(~repeats)))
    ceiling = BayesCeiling(shop, data.vocabulary, data.train.users)
    with pytest.raises(ValueError, match="`item_ids`.*without cleaning"):
        rank(ceiling, data.test, filter_seen=False)
