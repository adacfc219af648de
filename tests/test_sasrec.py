import keras
import numpy as np
import pytest
from harness import check_causal, check_padding, to_numpy
from keras import ops

from recmodels.layers.masks import attention_mask, padding_mask
from recmodels.layers.transformer import NORM_ORDERS
from recmodels.models.sasrec import SASRec
from recmodels.training.seeds import seed_dropout

pytestmark = pytest.mark.backends

V, L, D = 10, 7, 8
IDS = np.array([[0, 0, 3, 1, 2], [4, 10, 6, 7, 8]], np.int32)


def make(**options):
    model = SASRec(V, **{"max_length": L, "width": D, "num_heads": 2, **options})
    model.build()
    rng = np.random.default_rng(0)  # Larger than at the start, so that an error would show.
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make()


def encoder(model, **options):
    return lambda ids: model({"item_ids": ids}, **options)


@pytest.mark.parametrize("norm_order", NORM_ORDERS)
def test_never_looks_ahead_and_padding_changes_nothing(norm_order):
    encode = encoder(make(norm_order=norm_order))
    check_causal(encode, IDS[1:], V)
    check_padding(encode, IDS, pad=2)


def test_never_looks_ahead_with_dropout(model):
    def encode(ids):
        seed_dropout(model, seed=0, epoch=0)
        return model({"item_ids": ids}, training=True)

    check_causal(encode, IDS[1:], V)


def test_dropout_works_in_training_only(model):
    still = to_numpy(encoder(model)(IDS))
    np.testing.assert_array_equal(still, to_numpy(encoder(model)(IDS)))
    assert np.abs(to_numpy(encoder(model, training=True)(IDS)) - still).max() > 1e-2


def test_number_of_weights(model):
    tables = (V + 3) * D + L * D
    block = 4 * (D * D + D) + 2 * (D * D + D) + 2 * 2 * D
    assert model.count_params() == tables + 2 * block + 2 * D
    assert len(model.trainable_weights) == 2 + 2 * 16 + 2


def test_states_are_made_of_its_parts(model):
    # Item vectors times sqrt(D), plus positions, through the blocks, normed at the end.
    ids = ops.convert_to_tensor(IDS)
    x = model.position(model.item_embedding(ids) * np.sqrt(D).astype("float32"))
    for block in model.blocks:
        x = block(x, attention_mask(padding_mask(ids)))
    expected = to_numpy(model.norm(x))
    np.testing.assert_allclose(to_numpy(encoder(model)(IDS)), expected, atol=1e-5)


def test_wider_feed_forward():
    # Each block's two dense layers, D to D, become D to 20 and 20 to D.
    wider = SASRec(V, max_length=L, width=D, hidden_width=20)
    wider.build()
    plain = SASRec(V, max_length=L, width=D)
    plain.build()
    grown = (D * 20 + 20 + 20 * D + D) - 2 * (D * D + D)
    assert wider.count_params() == plain.count_params() + 2 * grown


def test_config_round_trip():
    options = {
        "num_items": 9, "max_length": 4, "width": 6, "num_blocks": 1, "num_heads": 3,
        "hidden_width": 5,
        "dropout": 0.1, "norm_order": "pre", "temperature": 0.5,
    }  # fmt: skip
    config = SASRec(**options).get_config()
    assert {name: config[name] for name in options} == options
    assert SASRec.from_config(config).get_config() == config


def test_documented_defaults():
    model = SASRec(num_items=9)
    model.build()  # Until then `fit` may choose the settings.
    config = model.get_config()
    assert (config["max_length"], config["width"], config["num_blocks"]) == (50, 64, 2)
    assert (config["num_heads"], config["dropout"], config["norm_order"]) == (1, 0.2, "original")


def test_saved_and_reloaded_model_scores_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    queries = {"item_ids": IDS}
    np.testing.assert_allclose(loaded.score(queries), model.score(queries), atol=1e-6)


def test_score_is_state_times_item_vector(model):
    scores = model.score({"item_ids": IDS})
    states, table = to_numpy(encoder(model)(IDS)), to_numpy(model.item_embedding.table)
    assert scores.shape == (2, V + 1) and scores.dtype == np.float32
    assert (scores[:, 0] == 0).all()
    np.testing.assert_allclose(scores[1, 3], states[1, -1] @ table[3], atol=1e-4)
    np.testing.assert_allclose(scores[0, V], states[0, -1] @ table[V], atol=1e-4)


def test_with_a_temperature_scores_are_cosines_divided_by_it():
    model = make(temperature=0.1)
    scores = model.score({"item_ids": IDS})
    plain = make()
    plain.set_weights(model.get_weights())
    state, vector = to_numpy(encoder(plain)(IDS))[1, -1], to_numpy(plain.item_embedding.table)[3]
    cosine = state @ vector / np.linalg.norm(state) / np.linalg.norm(vector)
    np.testing.assert_allclose(scores[1, 3], 10 * cosine, atol=1e-4)
    assert np.abs(scores[:, 1:]).max() <= 10 + 1e-4


def test_impossible_temperature_is_refused():
    with pytest.raises(ValueError, match="`temperature` must be greater than 0. Received"):
        SASRec(V, temperature=0.0)


def test_chunk_of_the_catalogue_equals_its_columns(model):
    items = np.array([7, 1, 10])
    queries = {"item_ids": IDS}
    np.testing.assert_allclose(
        model.score(queries, items), model.score(queries)[:, items], atol=1e-5
    )


@pytest.mark.parametrize("item", [0, V + 1])
def test_only_items_can_be_scored(model, item):
    with pytest.raises(ValueError, match="`items` must be item ids in 1..10"):
        model.score({"item_ids": IDS}, np.array([3, item]))


def test_score_does_not_depend_on_batch_or_order(model):
    rng = np.random.default_rng(1)
    ids = rng.integers(1, V + 1, (70, L)).astype(np.int32)  # More than are encoded at once.
    ids[np.arange(L) < rng.integers(0, L + 1, 70)[:, None]] = 0
    ids[4] = 0
    together = model.score({"item_ids": ids})
    order = rng.permutation(70)
    np.testing.assert_allclose(model.score({"item_ids": ids[order]}), together[order], atol=1e-5)
    for row in (0, 4, 69):
        real = max(1, np.count_nonzero(ids[row]))
        alone = model.score({"item_ids": ids[row : row + 1, -real:]})
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, L, L + 1, 40])
def test_history_of_any_length_is_scored_by_its_newest_items(model, length):
    history = np.random.default_rng(length).integers(1, V + 1, (1, length)).astype(np.int32)
    scores = model.score({"item_ids": np.pad(history, ((0, 0), (1, 0)))})
    assert np.isfinite(scores).all()
    newest = np.pad(history, ((0, 0), (L, 0)))[:, -L:]
    np.testing.assert_allclose(scores, model.score({"item_ids": newest}), atol=1e-5)


def test_more_than_max_length_is_refused_by_the_encoder_itself(model):
    with pytest.raises(ValueError, match="longer than `max_length`"):
        model({"item_ids": np.ones((1, L + 1), np.int32)})


def test_half_precision_reaches_every_layer_and_stays_finite():
    model = SASRec(V, max_length=L, width=D, dtype="mixed_float16")
    states = model({"item_ids": IDS})
    assert keras.backend.standardize_dtype(states.dtype) == "float16"
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float16"}
    scores = model.score({"item_ids": IDS})
    assert scores.dtype == np.float32 and np.isfinite(scores).all()


@pytest.mark.parametrize(
    "options", [{}, {"norm_order": "pre"}, {"norm_order": "post"}, {"temperature": 0.1}]
)
@pytest.mark.parametrize("num_blocks", [0, 1, 2])
def test_the_last_state_alone_is_that_of_all(options, num_blocks):
    model = SASRec(9, max_length=5, width=8, num_blocks=num_blocks, num_heads=2, **options)
    ids = {"item_ids": np.array([[0, 0, 3, 1, 2], [0, 0, 0, 0, 0], [5, 9, 5, 4, 1]], np.int32)}
    np.testing.assert_allclose(
        to_numpy(model.last_state(ids)), to_numpy(model(ids))[:, -1], atol=1e-6
    )


class Plain(SASRec):
    """A subclass with a `call` of its own, which knows nothing of `last_only`."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=training)


def test_a_subclass_needs_no_last_only():
    model, own = make(), Plain(V, L, D, num_heads=2)
    own.build()
    own.set_weights(model.get_weights())
    queries = {"item_ids": IDS}
    np.testing.assert_allclose(own.score(queries), model.score(queries), atol=1e-5)


def test_an_untrained_model_scores_by_its_initial_weights():
    untouched = SASRec(V, L, D)
    assert untouched.score({"item_ids": IDS}, [1, 2]).shape == (len(IDS), 2)
    assert untouched.built


@pytest.mark.parametrize("item_ids", [[[3, 1, 0]], [[1, -1]], [[1, V + 3]], [[1.0]], [1, 2], {1}])
def test_queries_are_checked_before_they_are_scored(item_ids):
    for items in (None, [1]):
        with pytest.raises(ValueError, match="`item_ids` must be"):
            SASRec(V, L, D).score({"item_ids": item_ids}, items)


@pytest.mark.slow
def test_an_encoder_may_read_columns_alone():
    columns = {"action": {"codes": 4}}
    inputs = {"item_ids": IDS, "action": np.where(IDS > 0, 1 + IDS % 3, 0)}
    other = {**inputs, "item_ids": np.where(IDS > 0, V, 0)}
    for read_items in (True, False):
        model = SASRec(V, max_length=L, width=D, columns=columns, read_items=read_items)
        model = SASRec.from_config(model.get_config())
        same = np.allclose(model.query_vectors(inputs), model.query_vectors(other), atol=1e-6)
        assert same is not read_items
        changed = {**inputs, "action": np.where(IDS > 0, 1, 0)}
        assert not np.allclose(model.query_vectors(inputs), model.query_vectors(changed))
    with pytest.raises(ValueError, match="`columns` must be given to an encoder that reads"):
        SASRec(V, width=D, read_items=False)
