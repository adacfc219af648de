"""How much of what can be known a model has learnt: expectations by hand and by simulation."""

import numpy as np
import pytest

import recmodels as rm
from recmodels.evaluation.ceilings import BayesEvents
from recmodels.evaluation.event_ceiling import PARTS, _expected_gap, share_of_ceiling, shares_of
from recmodels.models.event_floors import MedianGap
from recmodels.models.event_forecast import EventForecast, LogNormalMixture


class Fixed:
    """The same forecast for every query."""

    max_length, columns = 1, ()

    def __init__(self, forecast):
        self.forecast, self.types = forecast, forecast.types

    def next_event(self, queries, with_items=True):
        rows = np.zeros(len(queries["item_ids"]), int)
        gap = LogNormalMixture(*(part[rows] for part in vars(self.forecast.gap).values()))
        types, items = self.forecast.type_probabilities, self.forecast.item_probabilities
        return EventForecast(self.types, types[rows], items[rows], gap)


@pytest.fixture(scope="module")
def shop():
    return rm.simulate_behaviour(num_users=80, num_items=14, events_per_user=12, seed=5)


@pytest.fixture(scope="module")
def data(shop):
    schema = rm.Schema({"action": rm.Category()})
    return rm.prepare(rm.leave_one_out(shop.interactions), ("timestamp",), schema)


@pytest.fixture(scope="module")
def truth(shop, data):
    types = data.schema["action"].values
    return BayesEvents(shop, data.vocabulary, data.train.users, types)


@pytest.fixture(scope="module")
def floor(data):
    return MedianGap(data.schema["action"].values).fit(data.train, data.num_items)


def test_the_ceiling_has_all_and_the_floor_nothing(truth, floor, data):
    best, worst = (share_of_ceiling(m, floor, truth, data.test) for m in (truth, floor))
    assert list(best.index) == [*PARTS]
    assert best["share"].tolist() == [1, 1, 1, 1] and worst["share"].tolist() == [0, 0, 0, 0]
    assert (best["ceiling"] > best["floor"] + 0.05).all()
    small = share_of_ceiling(floor, floor, truth, data.test, chunk_size=7)
    np.testing.assert_allclose(small, worst, rtol=1e-9, atol=1e-12)


def test_expectations_are_those_of_the_exact_probabilities(truth, floor, data):
    """Types and items of a forecast that is the same for all: the mean of q times ln p."""
    types, num_items = truth.types, data.num_items
    shares = np.array([[0.7, 0.1, 0.15, 0.05]])
    items = np.arange(1.0, 4 * (num_items + 1) + 1).reshape(1, 4, -1)
    items[:, :, 0] = 0
    items /= items.sum(axis=2, keepdims=True)
    gap = LogNormalMixture(np.ones((1, 1)), np.full((1, 1), 4.0), np.full((1, 1), 2.0))
    table = share_of_ceiling(
        Fixed(EventForecast(types, shares, items, gap)), floor, truth, data.test
    )
    exact = truth.next_event(rm.evaluation.ranking.ask(truth, data.test, np.arange(len(data.test))))
    of_types, joint = exact.type_probabilities, exact.joint()[:, :, 1:]
    found = table["model"]
    assert found["type"] == pytest.approx((of_types @ np.log(shares[0])).mean())
    assert found["item"] == pytest.approx((joint * np.log(items[:, :, 1:])).sum(axis=(1, 2)).mean())
    buy = types.index("buy")
    bought = joint[:, buy] @ np.log(items[0, buy, 1:])
    assert found["bought item"] == pytest.approx(bought.sum() / of_types[:, buy].sum())
    # E ln N(x; 4, 2) = -ln 2 - ln(2 pi) / 2 - E (x - 4)^2 / 8.
    weights, means, scales = vars(exact.gap).values()
    squares = (weights * ((means - 4) ** 2 + scales**2)).sum(axis=1).mean()
    assert found["gap"] == pytest.approx(-np.log(2) - np.log(2 * np.pi) / 2 - squares / 8)


def test_the_expected_density_of_gaps_is_that_of_draws():
    rng = np.random.default_rng(0)
    exact = LogNormalMixture(np.array([[0.3, 0.7]]), np.array([[3.0, 9.0]]), np.array([[0.5, 1.0]]))
    other = LogNormalMixture(np.array([[0.6, 0.4]]), np.array([[4.0, 8.0]]), np.array([[1.5, 0.8]]))
    part = (rng.random(40_000) > 0.3).astype(int)
    logs = rng.normal(exact.means[0, part], exact.scales[0, part])
    many = LogNormalMixture(*(np.repeat(each, len(logs), axis=0) for each in vars(other).values()))
    drawn = many.log_density(np.expm1(logs)) + logs
    error = drawn.std() / len(drawn) ** 0.5
    assert abs(_expected_gap(other, exact)[0] - drawn.mean()) < 4 * error < 0.05


def test_what_does_not_fit_is_refused(truth, floor, data):
    with pytest.raises(ValueError, match="`bought` must be a type of the shop.*'return'"):
        share_of_ceiling(floor, floor, truth, data.test, bought="return")
    other = MedianGap(truth.types[::-1])
    with pytest.raises(ValueError, match="`model` must have the types of the shop in the same"):
        share_of_ceiling(other, floor, truth, data.test)


def test_seeds_share_a_mean():
    tables = [{p: {"floor": -1.0, "share": share} for p in PARTS[::-1]} for share in (0.8, 0.9)]
    found = shares_of(tables)
    assert tuple(found) == PARTS
    assert found["gap"] == {"floor": -1.0, "share": pytest.approx(0.85)}
