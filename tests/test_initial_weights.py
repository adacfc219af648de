"""A seed decides the first weights, however early a model was built, and nobody else's weights."""

import keras
import numpy as np
import pytest
from harness import to_numpy
from test_towers import V, asked, make_towers, rated

from recmodels.models.sasrec import SASRec
from recmodels.models.two_tower import TwoTower
from recmodels.training.seeds import seed_weights, set_seed

pytestmark = pytest.mark.backends

IDS = np.array([[0, 1, 2]], np.int32)


def sasrec():
    return SASRec(7, max_length=3, width=4, num_blocks=1, num_heads=2)


def seeded(model, seed=3):
    """The weights that `fit` begins with."""
    seed_weights(model, seed)
    set_seed(seed)
    if not model.built:
        model.build()
    return [to_numpy(weight) for weight in model.weights]


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


EARLY = {
    "built": lambda model: model.build(),
    "called": lambda model: model({"item_ids": IDS}),
    "scored": lambda model: model.score({"item_ids": IDS}),
    "seeded before": lambda model: seeded(model, 8),
}


@pytest.mark.parametrize("name", EARLY)
def test_weights_of_a_model_built_early_are_those_of_an_untouched_one(name, capsys):
    untouched = seeded(sasrec())
    keras.utils.set_random_seed(99)
    model = sasrec()
    EARLY[name](model)
    assert np.abs(to_numpy(model.weights[0]) - untouched[0]).max() > 1e-3
    assert_equal(seeded(model), untouched)
    assert capsys.readouterr().err == ""


def test_another_seed_gives_other_weights():
    model = sasrec()
    model.build()
    first = seeded(model, 3)
    assert np.abs(seeded(model, 4)[0] - first[0]).max() > 1e-3


def load_from_file(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras", compile=False)


def load_weights(model, folder):
    model.save_weights(folder / "model.weights.h5")
    other = sasrec()
    other.build()
    other.load_weights(folder / "model.weights.h5")
    return other


def set_weights(model, folder):
    model.set_weights([weight + 1 for weight in model.get_weights()])
    return model


def assign_one(model, folder):
    model.item_embedding.table.assign(np.ones((10, 4)))
    return model


@pytest.mark.parametrize("give", [load_from_file, load_weights, set_weights, assign_one])
def test_given_weights_are_kept_and_reported_in_a_line(give, tmp_path, capsys):
    model = sasrec()
    model.build()
    model = give(model, tmp_path)
    before = [to_numpy(weight) for weight in model.weights]
    assert_equal(seeded(model), before)
    assert "SASRec has weights already" in capsys.readouterr().err


def test_towers_keep_what_was_counted_and_get_the_rest_from_the_seed(capsys):
    untouched = seeded(make_towers(popularity=True))
    model = make_towers(popularity=True)
    keras.utils.set_random_seed(99)
    model.adapt(rated())
    counted = to_numpy(model.memory)
    model.score(asked(rated(), [0, 1]))
    assert_equal(seeded(model)[4:], untouched[4:])  # The first four are the counted ones.
    assert counted.any() and capsys.readouterr().err == ""
    np.testing.assert_array_equal(to_numpy(model.memory), counted)


def test_features_of_towers_stay():
    from recmodels.layers.tower import Tower

    query = Tower(5, 4, num_features=2)
    query.build()
    query.adapt(np.ones((5, 2)))
    model = TwoTower(query, Tower(V, 4))
    model.build()
    first = seeded(model)
    assert to_numpy(query.features)[1:-1].all()
    assert_equal(seeded(model), first)


def test_a_class_that_cannot_be_made_again_keeps_its_weights(capsys):
    class Fixed(SASRec):
        def __init__(self):
            super().__init__(7, max_length=3, width=4, num_blocks=1)

    model = Fixed()
    model.build()
    before = [to_numpy(weight) for weight in model.weights]
    assert_equal(seeded(model), before)
    assert "Fixed has weights already" in capsys.readouterr().err
