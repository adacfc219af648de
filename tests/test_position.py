import numpy as np
import pytest
from harness import check_layer, to_numpy

from recmodels.layers.position import LearnedPosition, SinusoidalPosition, reversed_positions

pytestmark = pytest.mark.backends

B, T, D = 2, 5, 4
ZEROS = np.zeros((B, T, D), "float32")


def test_newest_event_is_position_zero():
    assert to_numpy(reversed_positions(4)).tolist() == [3, 2, 1, 0]


def test_learned_contract_and_number_of_weights():
    layer = check_layer(
        LearnedPosition, {"max_length": 6, "initial_std": 0.1}, [ZEROS], ZEROS.shape
    )
    assert layer.count_params() == 6 * 4


def test_learned_adds_its_rows_from_the_right_end():
    layer = LearnedPosition(6)
    layer.build((B, T, D))
    layer.set_weights([np.repeat(np.arange(6.0)[:, None], D, axis=1)])
    assert to_numpy(layer(ZEROS + 10))[1, :, 2].tolist() == [14, 13, 12, 11, 10]


def test_learned_refuses_more_than_max_length():
    with pytest.raises(ValueError, match="`x` is longer than `max_length`. Received: T=5, max"):
        LearnedPosition(4)(ZEROS)


def test_sinusoidal_contract():
    layer = check_layer(SinusoidalPosition, {}, [ZEROS], ZEROS.shape)
    assert layer.count_params() == 0


def test_sinusoidal_by_hand():
    # D = 4: rates 10000^0 = 1 and 10000^(-2/4) = 1/100. Position 2, then 1, then 0 on the right.
    expected = [
        [np.sin(2), np.cos(2), np.sin(0.02), np.cos(0.02)],
        [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)],
        [0, 1, 0, 1],
    ]
    output = to_numpy(SinusoidalPosition()(ZEROS[:1, :3]))
    np.testing.assert_allclose(output[0], expected, atol=1e-6)


def test_sinusoidal_refuses_an_odd_width():
    with pytest.raises(ValueError, match="even width. Received: D=3"):
        SinusoidalPosition()(ZEROS[..., :3])


@pytest.mark.parametrize("layer", [LearnedPosition(9), SinusoidalPosition()])
def test_padding_on_the_left_shifts_nothing(layer):
    longer = to_numpy(layer(np.zeros((B, 9, D), "float32")))
    np.testing.assert_allclose(to_numpy(layer(ZEROS)), longer[:, 4:], atol=1e-6)
