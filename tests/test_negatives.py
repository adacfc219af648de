import numpy as np
import pytest

from recmodels.features.negatives import NegativeSampler

pytestmark = pytest.mark.backends

COUNTS = np.array([6, 3, 0, 1])


def test_shapes_and_types():
    ids, log_counts = NegativeSampler(COUNTS, 5).sample(np.random.default_rng(0), groups=3)
    assert ids.shape == log_counts.shape == (3, 5)
    assert ids.dtype == np.int32 and log_counts.dtype == np.float32


@pytest.mark.parametrize(
    ("power", "chances"),
    [(0.0, [0.25, 0.25, 0.25, 0.25]), (1.0, [0.6, 0.3, 0.0, 0.1]), (0.5, None)],
)
def test_items_come_as_often_as_their_power_of_frequency_says(power, chances):
    if chances is None:
        roots = np.sqrt([6.0, 3.0, 0.0, 1.0])
        chances = roots / roots.sum()
    ids, log_counts = NegativeSampler(COUNTS, 20, power).sample(np.random.default_rng(0), 2000)
    share = np.bincount(ids.ravel(), minlength=5)[1:] / ids.size
    np.testing.assert_allclose(share, chances, atol=0.01)  # Three standard errors: 0.0075.
    # The expected count of item i among K = 20 is 20 times its chance.
    np.testing.assert_allclose(np.exp(log_counts), 20 * np.array(chances)[ids - 1], rtol=1e-5)


def test_every_id_is_an_item():
    ids, _ = NegativeSampler(np.ones(3), 50).sample(np.random.default_rng(1), 50)
    assert set(ids.ravel()) == {1, 2, 3}


def test_same_generator_same_draw():
    sampler = NegativeSampler(COUNTS, 4)
    first, second = (sampler.sample(np.random.default_rng(7), 2)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_needs_at_least_one():
    with pytest.raises(
        ValueError, match="`num_negatives` must be a whole number of at least 1. Received: .*=0"
    ):
        NegativeSampler(COUNTS, 0)
