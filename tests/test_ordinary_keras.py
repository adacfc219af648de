"""Layers and models are ordinary Keras: users compile, fit, copy and save them as any other."""

import copy

import keras
import numpy as np
import pytest
from harness import to_numpy
from keras import ops

import recmodels as rm
from recmodels.layers.attention import MultiHeadAttention
from recmodels.layers.dropout import Dropout
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.feed_forward import FeedForward
from recmodels.layers.norm import LayerNorm
from recmodels.layers.position import LearnedPosition, SinusoidalPosition
from recmodels.layers.rating_head import RatingHead
from recmodels.layers.rating_set_encoder import RatingSetEncoder
from recmodels.layers.tower import Tower
from recmodels.layers.transformer import TransformerBlock
from recmodels.models.families import FAMILIES

pytestmark = [pytest.mark.backends, pytest.mark.usefixtures("eagerly")]

B, T, D, V = 4, 5, 8, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(B, T, D)).astype("float32")
MASK = np.tril(np.ones((T, T), bool))[None].repeat(B, axis=0)
IDS = np.array([[0, 0, 3, 1, 6], [2, 2, 5, 4, 1], [0, 1, 1, 2, 3], [6, 5, 4, 3, 2]], "int32")
PAIRS = RNG.normal(size=(2, B, D)).astype("float32")
SETS = (RNG.random((2, B, 7)) < 0.5).astype("float32")
USERS = np.array([1, 3, 2, 0], "int32")
TARGETS = np.array([[0.0], [1.0], [0.0], [1.0]], "float32")


def towers(**options):
    query, candidate = rm.Tower(4, D, **options), rm.Tower(V, D, **options)
    return rm.TwoTower(query, candidate, head="mlp", popularity=True, **options)


EACH = {"user_ids": USERS, "item_ids": IDS[:, -1], "rows": np.arange(B, dtype="int32")}
# How each layer or model is made, and what it is called with.
CASES = {
    "Dropout": (lambda **o: Dropout(0.2, **o), [X]),
    "FeedForward": (lambda **o: FeedForward(16, 0.1, **o), [X]),
    "LayerNorm": (LayerNorm, [X]),
    "LearnedPosition": (lambda **o: LearnedPosition(T, **o), [X]),
    "SinusoidalPosition": (SinusoidalPosition, [X]),
    "ItemEmbedding": (lambda **o: ItemEmbedding(V, D, **o), [IDS]),
    "MultiHeadAttention": (lambda **o: MultiHeadAttention(2, 0.1, **o), [X, X, MASK]),
    "TransformerBlock": (lambda **o: TransformerBlock(2, dropout=0.1, **o), [X, MASK]),
    "RatingHead, dot": (lambda **o: RatingHead("dot", **o), [*PAIRS]),
    "RatingHead, mlp": (lambda **o: RatingHead("mlp", 0.1, **o), [*PAIRS]),
    "RatingHead, cross": (lambda **o: RatingHead("cross", 0.1, **o), [*PAIRS]),
    "RatingSetEncoder": (lambda **o: RatingSetEncoder(7, D, 0.1, **o), [*SETS]),
    "Tower": (lambda **o: Tower(4, D, num_members=7, dropout=0.1, **o), [USERS, *SETS]),
    "SASRec": (lambda **o: rm.SASRec(V, T, D, num_blocks=1, **o), [{"item_ids": IDS}]),
    "TwoTower": (towers, [EACH]),
}
every_case = pytest.mark.parametrize("name", CASES)


def as_input(array, name=None):
    """A symbolic input for an array, or for each of a dict, named as Keras wants it."""
    if isinstance(array, dict):
        return {key: as_input(value, key) for key, value in array.items()}
    return keras.Input(array.shape[1:], dtype=str(array.dtype), name=name)


def functional(name, **options):
    """A model of the user's own around a layer, and its inputs."""
    keras.utils.set_random_seed(0)
    make, arrays = CASES[name]
    inputs = [as_input(array) for array in arrays]
    outputs = keras.tree.flatten(make(**options)(*inputs))
    flat = [keras.layers.Flatten()(output) for output in outputs]
    joined = flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)
    inputs = inputs[0] if len(inputs) == 1 else inputs
    head = keras.layers.Dense(1, activation="sigmoid", dtype="float32")
    return keras.Model(inputs, head(joined)), arrays[0] if len(arrays) == 1 else arrays


@every_case
@pytest.mark.parametrize(
    "policy", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_a_user_compiles_and_fits_it(name, policy, capsys):
    model, inputs = functional(name, dtype=policy)
    before = [to_numpy(weight) for weight in model.trainable_weights]
    model.compile("adam", loss="binary_crossentropy")
    losses = model.fit(inputs, TARGETS, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    moved = [
        np.abs(to_numpy(w) - b).max() for w, b in zip(model.trainable_weights, before, strict=True)
    ]
    assert sum(change > 0 for change in moved) >= len(moved) - 2  # Not where nothing is learnt yet.
    model.summary()
    assert type(model.layers[-2]).__name__ in capsys.readouterr().out


def saved_and_loaded(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def cloned_with_weights_of_a_file(model, folder):
    model.save_weights(folder / "model.weights.h5")
    copied = keras.models.clone_model(model)
    copied.load_weights(folder / "model.weights.h5")
    return copied


def from_config(model, folder):
    copied = keras.Model.from_config(model.get_config())
    copied.set_weights(model.get_weights())
    return copied


COPIES = {
    "saved": saved_and_loaded,
    "cloned": cloned_with_weights_of_a_file,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "from its config": from_config,
}


@every_case
def test_copies_compute_the_same_with_weights_of_their_own(name, tmp_path):
    model, inputs = functional(name)
    outputs, weights = to_numpy(model(inputs)), model.get_weights()
    for way, copy_of in COPIES.items():
        copied = copy_of(model, tmp_path)
        np.testing.assert_allclose(to_numpy(copied(inputs)), outputs, atol=1e-6, err_msg=way)
        copied.set_weights([weight + 1.0 for weight in copied.get_weights()])
        for own, kept in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(own, kept, err_msg=way)


@every_case
def test_a_layer_that_has_weights_is_copied_with_them(name):
    make, arrays = CASES[name]
    layer = make()
    outputs = keras.tree.flatten(layer(*arrays))
    again = copy.deepcopy(layer)
    for one, other in zip(outputs, keras.tree.flatten(again(*arrays)), strict=True):
        np.testing.assert_allclose(to_numpy(other), to_numpy(one), atol=1e-6)


@pytest.mark.slow
def test_layers_stand_in_a_sequential_model():
    keras.utils.set_random_seed(0)
    layers = [ItemEmbedding(V, D), LearnedPosition(T), FeedForward(16), Dropout(0.1), LayerNorm()]
    model = keras.Sequential(
        [keras.Input((T,), dtype="int32"), *layers, keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    before = model.evaluate(IDS, TARGETS, verbose=0)
    model.fit(IDS, TARGETS, epochs=40, verbose=0)
    assert model.evaluate(IDS, TARGETS, verbose=0) < before / 2  # Without the noise of dropout.
    assert keras.models.clone_model(model)(IDS).shape == (B, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_encoders_read_histories_of_unknown_length(family):
    encoder = FAMILIES[family].build(V, max_length=T, width=D, num_blocks=1, dropout=0.0)
    names = ("item_ids", *encoder.columns)
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    states = encoder(inputs)
    assert states.shape == (None, None, D)
    model = keras.Model(inputs, states)
    for length in (1, T):
        given = {name: np.ones((2, length), "int32") for name in inputs}
        assert model(given).shape == (2, length, D)


@pytest.mark.slow
def test_sasrec_under_a_head_of_the_user_learns():
    """Whether the last item is even, from the state after it, at any length of the history."""
    rng = np.random.default_rng(1)
    ids = rng.integers(1, V + 1, (64, T)).astype("int32")
    item_ids = keras.Input((None,), dtype="int32")
    encoder = rm.SASRec(V, T, D, num_blocks=1, dropout=0.0)
    states = encoder({"item_ids": item_ids})  # (B, T, D)
    model = keras.Model(item_ids, keras.layers.Dense(1, "sigmoid")(states[:, -1]))
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(ids, ids[:, -1] % 2 == 0, batch_size=16, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0] and history["accuracy"][-1] > 0.9
    # The same encoder, which the user trained, recommends as any other.
    assert encoder.score({"item_ids": ids[:2]}).shape == (2, V + 1)
    assert np.isfinite(to_numpy(ops.convert_to_tensor(encoder.item_vectors()))).all()


@pytest.mark.parametrize("make", [towers, lambda **o: rm.SASRec(V, T, D, num_blocks=1, **o)])
def test_in_mixed_precision_models_score_in_float32(make):
    model = make(dtype="mixed_bfloat16")
    scores = model.score({"item_ids": IDS, "user_ids": USERS})
    assert scores.dtype == np.float32 and scores.shape == (B, V + 1) and np.isfinite(scores).all()
    if isinstance(model, rm.TwoTower):
        model.scale.assign([3.0, 1.0, 5.0])
        rated = model.rate({"item_ids": IDS, "user_ids": USERS}, IDS[:, -1])
        assert rated.dtype == np.float32 and 1 <= rated.min() <= rated.max() <= 5
