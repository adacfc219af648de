import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy, value_and_gradients

from recmodels.layers.embedding import ItemEmbedding

pytestmark = pytest.mark.backends

IDS = np.array([[0, 0, 3, 1, 6], [2, 2, 5, 4, 7]], "int32")


def made(num_items=5, width=4, **options):
    layer = ItemEmbedding(num_items, width, **options)
    layer.build()
    layer.set_weights([np.arange((num_items + 3) * width).reshape(num_items + 3, width) + 1.0])
    return layer


def test_layer_contract_and_number_of_weights():
    options = {"num_items": 5, "width": 4, "initial_std": 0.1}
    layer = check_layer(ItemEmbedding, options, [IDS], (2, 5, 4))
    assert layer.count_params() == (5 + 3) * 4


def test_padding_is_zero_and_items_are_their_rows():
    vectors = to_numpy(made()(IDS))
    assert (vectors[0, :2] == 0).all()
    assert vectors[0, 2].tolist() == [13, 14, 15, 16]  # Row 3.
    assert vectors[1, 4].tolist() == [29, 30, 31, 32]  # Row V + 2, the mask.


def test_catalogue_has_only_the_items():
    assert to_numpy(made().catalogue())[:, 0].tolist() == [5, 9, 13, 17, 21]


def test_unit_catalogue_has_directions_only_and_reading_is_as_before():
    layer = ItemEmbedding(2, 2, unit=True)
    layer.build()
    layer.set_weights([np.array([[9, 9], [3, 4], [0, -2], [9, 9], [9, 9]])])
    np.testing.assert_allclose(to_numpy(layer.catalogue()), [[0.6, 0.8], [0, -1]], atol=1e-6)
    assert to_numpy(layer(np.array([[1, 2]], "int32"))).tolist() == [[[3, 4], [0, -2]]]
    assert layer.get_config()["unit"] is True


@pytest.mark.parametrize("unit", [False, True])
def test_vectors_of_some_items_are_those_of_the_catalogue_with_its_gradient(unit):
    layer = made(unit=unit)  # A random start may be near 0, where the length's gradient is large.
    asked = np.array([2, 5, 2], "int32")
    weights = keras.ops.reshape(keras.ops.arange(12.0, dtype="float32"), (3, 4))
    start = to_numpy(layer.table)

    def of_some(table):
        with keras.StatelessScope(state_mapping=[(layer.table, table)]):
            return keras.ops.sum(layer.vectors_of(asked) * weights)

    def of_all(table):
        with keras.StatelessScope(state_mapping=[(layer.table, table)]):
            return keras.ops.sum(keras.ops.take(layer.catalogue(), asked - 1, axis=0) * weights)

    found, expected = (value_and_gradients(f, start) for f in (of_some, of_all))
    assert found[0] == pytest.approx(expected[0], abs=1e-6)
    np.testing.assert_allclose(found[1][0], expected[1][0], rtol=1e-5, atol=1e-5)


def test_output_is_tied():
    layer = made()
    before = to_numpy(layer(IDS))[0, 2] @ to_numpy(layer.catalogue())[2]
    layer.table.assign(layer.table * 2.0)
    assert to_numpy(layer(IDS))[0, 2] @ to_numpy(layer.catalogue())[2] == 4 * before


def test_padding_row_is_never_moved():
    layer = ItemEmbedding(5, 4)
    layer.build()

    def read(table):
        vectors, _ = layer.stateless_call([table], [], IDS)
        return keras.ops.sum(vectors)

    _, (slope,) = value_and_gradients(read, to_numpy(layer.table))
    assert (slope[0] == 0).all() and slope[:, 0].tolist() == [0, 1, 2, 1, 1, 1, 1, 1]


def test_initial_spread():
    layer = ItemEmbedding(500, 16, initial_std=0.1)
    layer.build()
    assert 0.09 < to_numpy(layer.table).std() < 0.11
