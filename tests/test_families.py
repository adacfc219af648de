"""What every family of sequence encoders must do, whatever its blocks are."""

import keras
import numpy as np
import pytest
from harness import check_causal, check_padding, to_numpy

import recmodels as rm
from recmodels.models.families import FAMILIES
from recmodels.training.seeds import seed_dropout

pytestmark = pytest.mark.backends

V, L, D = 10, 7, 8
IDS = np.array([[0, 0, 3, 1, 2], [4, 10, 6, 7, 8]], np.int32)
TIMES = np.array([[0, 0, 40, 50, 9_000], [5, 5, 70, 8_000, 8_001]])
CAUSAL = [name for name, family in FAMILIES.items() if family.kind.causal]
BOTH_SIDES = sorted(set(FAMILIES) - set(CAUSAL))


def make(name, **options):
    model = FAMILIES[name].build(V, **{"max_length": L, "width": D, "dropout": 0.3, **options})
    model.build()
    rng = np.random.default_rng(0)  # Larger than at the start, so that an error would show.
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return model


def inputs_of(model, ids):
    """Ids with the times of the same cells, where the model reads times."""
    if "timestamp" not in model.columns:
        return {"item_ids": ids}
    times = np.pad(TIMES, ((0, 0), (ids.shape[1] - 5, 0)))[-len(ids) :]
    return {"item_ids": ids, "timestamp": times}


def encoder(model, **options):
    return lambda ids: model(inputs_of(model, ids), **options)


def answer(model, inputs):
    """Scores of all items, (B, V), without compiling, which would take most of a test's time."""
    state = model.last_state(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs))
    return to_numpy(model.match(state, model.item_vectors()))


@pytest.fixture(scope="module")
def models():
    return {name: make(name) for name in FAMILIES}


@pytest.mark.parametrize("name", CAUSAL)
def test_never_looks_ahead(models, name):
    check_causal(encoder(models[name]), IDS[1:], V)


@pytest.mark.parametrize("name", CAUSAL)
def test_never_looks_ahead_with_dropout(models, name):
    def encode(ids):
        seed_dropout(models[name], seed=0, epoch=0)
        return models[name](inputs_of(models[name], ids), training=True)

    check_causal(encode, IDS[1:], V)


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_sees_both_sides(models, name):
    before = to_numpy(encoder(models[name])(IDS[1:]))
    for t in range(5):
        changed = IDS[1:].copy()
        changed[:, t] = changed[:, t] % (V - 1) + 1
        moved = np.abs(to_numpy(encoder(models[name])(changed)) - before).max(axis=(0, 2))
        assert (moved > 1e-6).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_padding_changes_nothing(models, name):
    check_padding(encoder(models[name]), IDS, pad=2)
    longer = np.pad(IDS, ((0, 0), (2, 0)))
    states = [
        to_numpy(models[name].last_state(inputs_of(models[name], ids))) for ids in (IDS, longer)
    ]
    np.testing.assert_allclose(*states, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_dropout_works_in_training_only(models, name):
    still = to_numpy(encoder(models[name])(IDS))
    np.testing.assert_array_equal(still, to_numpy(encoder(models[name])(IDS)))
    assert np.abs(to_numpy(encoder(models[name], training=True)(IDS)) - still).max() > 1e-2


@pytest.mark.parametrize("name", FAMILIES)
def test_empty_and_long_histories_are_scored_by_their_newest_items(models, name):
    ids = np.zeros((4, L + 3), np.int32)
    for row, length in enumerate((0, 1, L, L + 3)):
        ids[row, L + 3 - length :] = np.arange(length) % V + 1
    queries = {"item_ids": ids, "timestamp": np.cumsum(ids > 0, axis=1)}
    scores = models[name].score(queries)
    assert scores.shape == (4, V + 1) and np.isfinite(scores).all()
    newest = {name: values[:, -L:] for name, values in queries.items()}
    np.testing.assert_allclose(scores[:, 1:], answer(models[name], newest), atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_saved_model_and_config_give_the_same_scores(models, name, tmp_path):
    model = models[name]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    queries = inputs_of(model, IDS)
    np.testing.assert_allclose(answer(loaded, queries), answer(model, queries), atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_grown_model_scores_old_items_as_before(models, name):
    model, queries = models[name], inputs_of(models[name], IDS)
    larger = answer(rm.grow(model, 3), queries)
    assert larger.shape == (2, V + 3)
    np.testing.assert_allclose(larger[:, :V], answer(model, queries), atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_reads_columns(name):
    model = make(name, columns={"action": {"codes": 4}, "price": {"numbers": 2}})
    price = np.ones((*IDS.shape, 2), np.float32) * (IDS > 0)[..., None]
    inputs = {**inputs_of(model, IDS), "action": (IDS > 0) * (1 + IDS % 3), "price": price}
    before = answer(model, inputs)
    for change in ({"action": (IDS > 0) * 1}, {"price": 2 * price}):
        assert np.abs(answer(model, {**inputs, **change}) - before).max() > 1e-4
    assert type(model).from_config(model.get_config()).column_sizes == model.column_sizes


@pytest.mark.parametrize("name", FAMILIES)
def test_half_precision_stays_finite(name):
    model = FAMILIES[name].build(V, max_length=L, width=D, dtype="mixed_float16")
    states = model(inputs_of(model, IDS))
    assert keras.backend.standardize_dtype(states.dtype) == "float16"
    assert np.isfinite(to_numpy(states)).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_with_a_temperature_are_cosines_divided_by_it(name):
    model = make(name, temperature=0.1)
    scores = answer(model, inputs_of(model, IDS))
    assert 1 < np.abs(scores).max() <= 10 + 1e-3


def test_times_change_the_scores_of_a_time_bias_and_must_be_there(models):
    model = models["hstu-times"]
    inputs = inputs_of(model, IDS)
    later = {**inputs, "timestamp": inputs["timestamp"] * 50}
    assert np.abs(answer(model, later) - answer(model, inputs)).max() > 1e-3
    with pytest.raises(ValueError, match="timestamp"):
        model.score({"item_ids": IDS})


def test_impossible_settings_are_refused():
    for options in ({"temperature": 0.0}, {"num_blocks": -1}, {"width": 0}, {"num_heads": 3}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must"):
            FAMILIES["hstu"].build(V, **{"width": D, **options}).build()
