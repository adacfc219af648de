"""Distributions of the next event: closed forms against numerical integrals and hand-made cases."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.models.event_forecast import EventForecast, LogNormalMixture

MIXTURE = LogNormalMixture(
    weights=np.array([[0.3, 0.7], [1.0, 0.0]]),
    means=np.array([[3.0, 9.0], [5.0, 1.0]]),
    scales=np.array([[0.5, 1.5], [1.0, 1.0]]),
)


@pytest.mark.parametrize("seconds", [5.0, 40.0, 8_000.0, 1e6])
def test_the_distribution_function_is_the_integral_of_the_density(seconds):
    def density_of_log(log):  # Substituting s = exp(x) - 1 keeps the integral well behaved.
        at = np.expm1(log)
        return np.exp(MIXTURE.log_density([at, at])[0]) * (1 + at)

    # The mass below 0 seconds, which no gap has, is part of both.
    below = MIXTURE.cdf(0.0)[0]
    integral = quad(density_of_log, 0, np.log1p(seconds), limit=200)[0]
    assert MIXTURE.cdf(seconds)[0] == pytest.approx(below + integral, abs=1e-7)
    assert MIXTURE.survival(seconds)[0] == pytest.approx(1 - below - integral, abs=1e-7)


def test_quantiles_invert_the_distribution_function():
    for share in (0.05, 0.5, 0.95):
        np.testing.assert_allclose(MIXTURE.cdf(MIXTURE.quantile(share)), [share, share], rtol=1e-9)
    assert MIXTURE.quantile(0.5)[1] == pytest.approx(np.expm1(5.0))
    with pytest.raises(ValueError, match="`share`"):
        MIXTURE.quantile(1.0)


@pytest.mark.parametrize("elapsed", [3.0, 40.0, 8_000.0])
def test_after_a_wait_the_rest_of_the_gap_is_that_of_longer_gaps(elapsed):
    later, soon = MIXTURE.cdf(elapsed + 500), MIXTURE.cdf(elapsed)
    expected = (later - soon) / (1 - soon)
    np.testing.assert_allclose(MIXTURE.cdf(500.0, elapsed), expected, rtol=1e-9)
    np.testing.assert_allclose(MIXTURE.survival(500.0, elapsed), 1 - expected, rtol=1e-9)
    np.testing.assert_array_equal(MIXTURE.cdf(500.0, 0.0), MIXTURE.cdf(500.0))
    for share in (0.1, 0.9):
        rest = MIXTURE.quantile(share, elapsed)
        np.testing.assert_allclose(MIXTURE.cdf(rest, elapsed), [share, share], rtol=1e-6)


def test_a_wait_that_hardly_anyone_endures_still_has_an_answer():
    """40 scales out no float holds the share of those who wait: the next event comes soon."""
    gap = LogNormalMixture(np.ones((1, 1)), np.full((1, 1), 5.0), np.full((1, 1), 0.2))
    elapsed = np.exp(5.0 + 40 * 0.2)
    assert gap.survival(elapsed)[0] == 0
    # The hazard of log(1 + gap) is about z / scale = 200 there, so the median is log(2) / 200.
    expected = elapsed * np.expm1(np.log(2) / 200)
    assert gap.quantile(0.5, elapsed)[0] == pytest.approx(expected, rel=0.01)
    assert gap.cdf(expected, elapsed)[0] == pytest.approx(0.5, rel=0.01)


def test_the_joint_distribution_and_the_items_follow_from_types_and_items_given_types():
    given = np.array([[[0, 0.5, 0.5], [0, 0.1, 0.9]]])
    forecast = EventForecast(("view", "buy"), np.array([[0.8, 0.2]]), given)
    np.testing.assert_allclose(forecast.joint(), [[[0, 0.4, 0.4], [0, 0.02, 0.18]]])
    np.testing.assert_allclose(forecast.items(), [[0, 0.42, 0.58]])
    np.testing.assert_allclose(forecast.items_given("buy"), [[0, 0.1, 0.9]])
    with pytest.raises(ValueError, match="'sell'"):
        forecast.items_given("sell")
    with pytest.raises(ValueError, match="item head"):
        EventForecast(("view",), np.ones((1, 1))).items()


def test_queries_know_the_type_and_the_gap_of_their_target_and_models_are_not_given_them():
    frame = pd.DataFrame(
        {
            "user": ["a"] * 4 + ["b"] * 4,
            "item": ["x", "y", "z", "x", "y", "z", "x", "y"],
            "timestamp": [0, 10, 30, 100, 5, 6, 8, 9],
            "action": ["view", "view", "view", "buy", "view", "buy", "view", "view"],
        }
    )
    log = Interactions(frame, "timed", "toy")
    schema = rm.Schema({"action": rm.Category(), "gap": rm.Gap()})
    data = rm.prepare(rm.leave_one_out(log), schema=schema)
    assert schema.fit(frame).decode("action", [1, 2]) == ["view", "buy"]
    known = data.test.target_columns
    assert sorted(known) == ["action", "gap_seconds"]
    assert data.schema.decode("action", known["action"]) == ["buy", "view"]
    np.testing.assert_array_equal(known["gap_seconds"], [70, 1])
    assert set(data.test.histories.columns) == {"action", "gap"}
