import numpy as np
import pytest
from harness import check_layer, to_numpy, value_and_gradients

from recmodels.layers.given_type import GivenType
from recmodels.layers.time_head import TimeHead, log_density, mixture
from recmodels.models.event_forecast import LogNormalMixture

pytestmark = pytest.mark.backends

STATES = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


def test_layers():
    check_layer(TimeHead, {"num_components": 5}, [STATES], (2, 3, 3, 5))
    types = np.array([[0, 1, 2], [2, 2, 1]], np.int32)
    check_layer(GivenType, {"num_types": 2}, [STATES, types], (2, 3, 4))


def test_density_is_that_of_the_mixture_that_forecasts_hold():
    parameters = np.random.default_rng(1).normal(0, 2, (6, 3, 4)).astype("float32")
    seconds = np.array([0, 1, 60, 3_600, 86_400, 1e7], np.float32)
    log_weights, means, log_scales = map(to_numpy, mixture(parameters))
    held = LogNormalMixture(np.exp(log_weights), means, np.exp(log_scales))
    found = to_numpy(log_density(parameters, seconds))
    np.testing.assert_allclose(found, held.log_density(seconds), rtol=1e-5)
    wide = LogNormalMixture(held.weights, held.means, 1.5 * held.scales)
    np.testing.assert_allclose(
        to_numpy(log_density(parameters, seconds, 1.5)), wide.log_density(seconds), rtol=1e-5
    )


def test_density_by_hand():
    # Weights 1/2 and 1/2, means 0 and 2, scales 1 and 1; at 0 seconds log(1 + 0) = 0:
    # (0.3989 + 0.0540) / 2 = 0.22647, its logarithm -1.4851.
    parameters = np.array([[[0, 0], [0, 2], [0, 0]]], np.float32)
    assert to_numpy(log_density(parameters, np.zeros(1)))[0] == pytest.approx(-1.4851, abs=1e-4)


@pytest.mark.parametrize("extreme", [-1e4, 1e4])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_extreme_parameters_have_finite_densities_and_gradients(part, extreme):
    parameters = np.zeros((1, 3, 2), np.float32)
    parameters[0, part, 0] = extreme

    def total(parameters):
        return log_density(parameters, np.array([5.0], np.float32))[0]

    value, (gradient,) = value_and_gradients(total, parameters)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_a_gap_that_is_always_the_same_cannot_make_the_density_infinite():
    # The smallest scale is exp(-4): the density is at most exp(4) / sqrt(2 pi), its log 3.08.
    parameters = np.array([[[0.0], [0.0], [-1e6]]], np.float32)
    assert to_numpy(log_density(parameters, np.zeros(1)))[0] == pytest.approx(3.0811, abs=1e-3)


def test_components_start_evenly_spread():
    head = TimeHead(3)
    head.build((None, 4))
    _, means, log_scales = map(to_numpy, mixture(head(np.zeros((1, 4), np.float32))))
    np.testing.assert_allclose(means, [[2.5, 7.5, 12.5]], rtol=1e-6)
    np.testing.assert_allclose(log_scales, 0.5, atol=0.01)
    with pytest.raises(ValueError, match="`num_components` must be at least 1. Received"):
        TimeHead(0)
