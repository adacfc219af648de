import numpy as np
import pytest

from recmodels.data.shop import simulate
from recmodels.data.shop_behaviour import simulate_behaviour
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ceilings import BayesCeiling, BayesEvents, Oracle
from recmodels.evaluation.ranking import ask, rank
from recmodels.features.columns import Category
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare
from recmodels.models.capabilities import PredictsEvents, can
from recmodels.models.event_forecast import LogNormalMixture
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


def test_order_helps_and_no_score_exceeds_the_ceiling(shop, data):
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


@pytest.fixture(scope="module")
def behaviour():
    return simulate_behaviour(num_users=300, num_items=70, seed=2)


@pytest.fixture(scope="module")
def events_data(behaviour):
    split = leave_one_out(behaviour.interactions)
    return prepare(split, schema=Schema({"action": Category()}))


def test_the_ceiling_of_events_tells_types_items_and_gaps_by_item_id(behaviour, events_data):
    types = events_data.schema["action"].values
    ceiling = BayesEvents(behaviour, events_data.vocabulary, events_data.train.users, types)
    assert can(ceiling, PredictsEvents) and ceiling.types == types != behaviour.types
    rows = np.array([4, 9, 250])
    forecast = ceiling.next_event(ask(ceiling, events_data.test, rows))
    users = events_data.test.histories.users[rows]
    asked = users, events_data.test.histories.lengths[rows]
    order = [types.index(label) for label in behaviour.types]
    found = forecast.type_probabilities[:, order]
    np.testing.assert_allclose(found, behaviour.bayes_types(*asked))
    columns = behaviour.items_at(events_data.vocabulary.raw_ids)
    assert (forecast.item_probabilities[:, :, 0] == 0).all()
    np.testing.assert_allclose(forecast.items()[:, 1:], behaviour.bayes_items(*asked)[:, columns])
    bought = behaviour.bayes_items(*asked, given="buy")[:, columns]
    np.testing.assert_allclose(forecast.items_given("buy")[:, 1:], bought)
    for ours, theirs in zip(
        (forecast.gap.weights, forecast.gap.means), behaviour.bayes_gap(*asked), strict=False
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_forecasts_of_the_ceiling_fit_the_targets_better_than_those_of_others(
    behaviour, events_data
):
    ceiling = BayesEvents(
        behaviour, events_data.vocabulary, events_data.train.users, behaviour.types
    )
    test = events_data.test
    forecast = ceiling.next_event(ask(ceiling, test, np.arange(len(test))))
    labels = events_data.schema.decode("action", test.target_columns["action"])
    kinds = np.array([forecast.place(label) for label in labels])
    people, others = np.arange(len(test)), np.roll(np.arange(len(test)), 1)
    chances = forecast.joint()
    own = np.log(chances[people, kinds, test.targets]).mean()
    assert own > np.log(chances[others, kinds, test.targets]).mean() + 1
    gaps = test.target_columns["gap_seconds"]
    foreign = LogNormalMixture(*(part[others] for part in vars(forecast.gap).values()))
    assert forecast.gap.log_density(gaps).mean() > foreign.log_density(gaps).mean() + 0.1


def test_items_outside_the_vocabulary_leave_the_forecast(behaviour):
    log = behaviour.interactions
    first = log.select(log.events["user"].to_numpy() == 1)  # Whose catalogue is a part only.
    data = prepare(leave_one_out(first))
    assert data.num_items < 70
    ceiling = BayesEvents(behaviour, data.vocabulary, data.train.users, behaviour.types)
    forecast = ceiling.next_event(ask(ceiling, data.test, np.array([0])))
    assert forecast.item_probabilities.shape == (1, 4, data.num_items + 1)
    np.testing.assert_allclose(forecast.item_probabilities.sum(axis=2), 1)


def test_the_ceiling_of_items_serves_the_shop_of_behaviour_too(behaviour, events_data):
    names = events_data.vocabulary, events_data.train.users
    ceiling = BayesCeiling(behaviour, *names)
    events = BayesEvents(behaviour, *names, behaviour.types)
    best, same = (rank(c, events_data.test, filter_seen=False).ranks for c in (ceiling, events))
    np.testing.assert_array_equal(best, same)
    popularity = MostPopular().fit(events_data.train, events_data.num_items)
    floor = rank(popularity, events_data.test, filter_seen=False).ranks
    assert (best <= 10).mean() > (floor <= 10).mean() + 0.3


def test_a_shop_without_types_has_no_ceiling_of_events(shop, data, behaviour):
    with pytest.raises(ValueError, match="`shop`.*`simulate_behaviour`.*Received: shop=Shop"):
        BayesEvents(shop, data.vocabulary, data.train.users, behaviour.types)
    with pytest.raises(ValueError, match="`types`.*'favourite'.*Received: types=.'view', 'buy'"):
        BayesEvents(behaviour, data.vocabulary, data.train.users, ("view", "buy"))
