"""The encoder of sentences: what it sees, what is hidden from it, and how it is tuned."""

import json
from functools import cache

import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy
from typer.testing import CliRunner

from recmodels.api import fit
from recmodels.cli import app
from recmodels.cli_predict import predict_text
from recmodels.data.shop_behaviour import simulate_behaviour
from recmodels.experiments.sentences import (
    MarkovBehaviours,
    copy_encoder,
    measure_behaviours,
    prepare_behaviours,
)
from recmodels.features.masked_tokens import MaskedTokenBatches
from recmodels.features.windows import cut_prefixes
from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.models.masked_language import MaskedLanguage
from recmodels.models.next_event import NextEvent
from recmodels.models.sentence_encoder import build_sentence_encoder
from recmodels.recommend.recommender import Recommender

MASK = 2
SMALL = {"max_length": 4, "width": 8, "num_blocks": 2, "num_heads": 2, "dropout": 0.0}


@cache
def prepared():
    shop = simulate_behaviour(40, 14, events_per_user=8, language="zh", seed=0)
    return prepare_behaviours(shop)


def make_encoder(**options):
    encoder = build_sentence_encoder(prepared(), **SMALL | options)
    keras.utils.set_random_seed(0)
    encoder.build()
    for weight in encoder.weights:  # Away from the initial values, which are close to 0.
        weight.assign(weight + np.random.default_rng(0).normal(0, 0.3, weight.shape))
    return encoder


@cache
def shared_encoder():
    """For tests that change nothing: an encoder takes long to build."""
    return make_encoder()


def make_model(encoder):
    return NextEvent(encoder, prepared().schema["action"].values, num_components=0)


QUERY = {
    "item_ids": np.array([[3, 1, 2, 5]], np.int32), "action": np.array([[1, 1, 2, 1]], np.int32)
}  # fmt: skip


def test_events_are_written_as_the_template_does():
    encoder = shared_encoder()
    names = list(np.array(encoder.tokens)[encoder.behaviours[2, 3]])
    text = encoder.template.phrase(encoder.types[1], encoder.items[2])
    assert names == [*encoder.pieces.cut(text), ","]
    assert not encoder.behaviours[0].any()
    unknown = encoder.tokens.index("[UNK]")
    assert unknown in encoder.behaviours[1, 15] and unknown in encoder.behaviours[5, 1]


def test_token_embedding_keeps_the_promises_of_layers():
    ids = np.array([[0, 2, 4]], np.int32)
    options = {"num_tokens": 6, "item_tokens": [3, 4], "width": 8}
    layer = check_layer(TokenEmbedding, options, (ids,), (1, 3, 8))
    table = to_numpy(layer.table)
    np.testing.assert_allclose(to_numpy(layer.catalogue()), table[[3, 4]])
    np.testing.assert_allclose(to_numpy(layer.vectors_of(np.array([2, 1]))), table[[4, 3]])


def test_every_token_sees_both_sides():
    encoder = shared_encoder()
    tokens = encoder.behaviours[QUERY["action"], QUERY["item_ids"]].reshape(1, -1)
    before = to_numpy(encoder.read(tokens))
    for place in (0, 5, 11):
        changed = tokens.copy()
        changed[0, place] = 4 if changed[0, place] != 4 else 5
        difference = np.abs(to_numpy(encoder.read(changed)) - before).max(axis=-1)[0]
        assert (difference > 1e-5).all()


def test_padding_anywhere_changes_nothing():
    encoder = shared_encoder()
    expected = to_numpy(encoder(QUERY))[:, -1]
    short = {name: values[:, 1:] for name, values in QUERY.items()}
    padded = {name: np.pad(values, ((0, 0), (1, 0))) for name, values in short.items()}
    np.testing.assert_allclose(
        to_numpy(encoder(short))[:, -1], to_numpy(encoder(padded))[:, -1], atol=1e-5
    )
    tokens = encoder.behaviours[QUERY["action"], QUERY["item_ids"]].reshape(1, -1)
    tokens = np.append(np.insert(tokens, 4, 0, axis=1)[:, :13], [[MASK]], axis=1)[:, -13:]
    full = np.append(
        encoder.behaviours[QUERY["action"], QUERY["item_ids"]].reshape(1, -1), [[MASK]], axis=1
    )
    np.testing.assert_allclose(to_numpy(encoder.read(full))[:, -1], expected, atol=1e-5)
    inside = np.insert(full[:, 3:], 4, 0, axis=1)  # Three events, with padding between tokens.
    np.testing.assert_allclose(
        to_numpy(encoder.read(inside))[:, -1], to_numpy(encoder.read(full[:, 3:]))[:, -1], atol=1e-5
    )


def test_states_of_other_places_are_zero():
    states = to_numpy(shared_encoder()(QUERY))
    assert states.shape == (1, 4, 8) and not states[:, :-1].any() and states[:, -1].any()


def masked_batches(**options):
    encoder, data = shared_encoder(), prepared()
    settings = {"max_length": 4, "batch_size": 32, "share": 0.3, "seed": 1, **options}
    tokens, table = len(encoder.tokens), encoder.behaviours
    return MaskedTokenBatches(data.train, table, tokens, 3, MASK, **settings)


def test_masks_follow_their_shares():
    batches = masked_batches()
    parts = []
    for epoch in range(40):
        batches.set_epoch(epoch)
        parts += [batches[index] for index in range(len(batches))]
    read, tokens, weights = map(np.concatenate, zip(*parts, strict=True))
    early = tokens[:, :9] > 0  # The last event is hidden by a rule of its own.
    chosen = (weights[:, :9] > 0) & early
    assert chosen[early].mean() == pytest.approx(0.3, abs=0.02)
    assert (read[:, :9][chosen] == MASK).mean() == pytest.approx(0.8, abs=0.03)
    kept = (read[:, :9] == tokens[:, :9])[chosen].mean()
    assert kept == pytest.approx(0.1, abs=0.03)
    np.testing.assert_array_equal(read[weights == 0], tokens[weights == 0])
    assert not weights[tokens == 0].any()
    whole = (read[:, -3:] == MASK).all(axis=1)
    assert whole.mean() == pytest.approx(0.5, abs=0.05)


def test_batches_repeat_by_seed_and_epoch():
    first, again, other = masked_batches(), masked_batches(), masked_batches(seed=2)
    for batches in (first, again, other):
        batches.set_epoch(3)
    np.testing.assert_array_equal(first[0][0], again[0][0])
    assert (first[0][0] != other[0][0]).any()


def test_drawn_prefixes_are_a_sample_of_all():
    offsets, rng = np.array([0, 5, 6, 6, 9]), np.random.default_rng(0)
    every = set(zip(*cut_prefixes(offsets, 3, None, rng), strict=True))
    starts, ends = cut_prefixes(offsets, 3, 2, rng)
    drawn = list(zip(starts, ends, strict=True))
    assert len(drawn) == len(set(drawn)) == 4 and set(drawn) < every
    assert sum(end <= 5 for end in ends) == 2  # Two of the first user, two of the last.


@pytest.mark.slow
def test_trains_saves_and_loads(tmp_path):
    data, encoder = prepared(), make_encoder()
    curve = fit(MaskedLanguage(encoder), data, epochs=2, verbose=False, batch_size=16)
    assert curve.rows[1]["loss"] < curve.rows[0]["loss"]
    model = make_model(encoder)
    before = to_numpy(encoder.norm.gamma)
    options = {"windows": "prefixes", "prefixes": 2, "encoder_rate": 0.1, "verbose": False}
    fit(model, data, epochs=1, learning_rate=0.01, **options)
    moved = np.abs(to_numpy(encoder.norm.gamma) - before).max()
    assert 0 < moved < 0.01  # Fewer than ten steps of at most 0.001 each.
    recommender = Recommender(model, data)
    recommender.save(tmp_path / "bundle")
    loaded = Recommender.load(tmp_path / "bundle").scorer
    np.testing.assert_allclose(
        loaded.next_event(QUERY).joint(), model.next_event(QUERY).joint(), atol=1e-6
    )
    assert model.next_event(QUERY).joint().sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "how, chosen, layers", [("frozen", [], 0), ("partial", ["block_1/", "/norm/"], 2)]
)
def test_only_the_chosen_layers_can_be_trained(how, chosen, layers):
    encoder = copy_encoder(shared_encoder())
    encoder.tune(how)
    paths = [weight.path for weight in encoder.trainable_variables]
    assert all(any(part in path for part in chosen) for path in paths)
    assert len({path.split("/")[1] for path in paths}) == layers
    encoder.tune("full")
    assert len(encoder.trainable_variables) == len(encoder.weights)


@pytest.mark.slow
def test_low_rank_weights_alone_are_trained_and_added_when_saved(tmp_path):
    encoder = copy_encoder(shared_encoder())
    encoder.tune("lora", rank=2)
    before = [to_numpy(weight) for weight in encoder.weights]
    model = make_model(encoder)
    options = {"windows": "prefixes", "prefixes": 1, "epochs": 1, "learning_rate": 0.01}
    fit(model, prepared(), verbose=False, **options)
    pairs = zip(encoder.weights, before, strict=True)
    moved = [weight.path for weight, old in pairs if (to_numpy(weight) != old).any()]
    assert moved and all("lora_kernel" in path for path in moved)
    model.save(tmp_path / "model.keras")  # Low-rank weights are added to the others.
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.next_event(QUERY).joint(), model.next_event(QUERY).joint(), atol=1e-6
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = make_model(shared_encoder())
    model.build()
    return Recommender(model, prepared()).save(tmp_path_factory.mktemp("text") / "bundle")


@pytest.fixture
def loaded(bundle, monkeypatch):
    """Loads the bundle once for all requests."""
    recommender = load_once(bundle)
    monkeypatch.setattr(Recommender, "load", lambda folder: recommender)


load_once = cache(Recommender.load)


def test_predicts_from_sentences(bundle):
    arguments = [
        "predict-text",
        str(bundle),
        "浏览 商品1002",
        "浏览 商品1003, 加购 商品1003",
        "--json",
    ]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    answer = json.loads(ended.stdout)
    history = [("浏览", 1002), ("浏览", 1003), ("加购", 1003)]
    expected = Recommender.load(bundle).next_behaviour(history, 10).to_dict()
    assert answer == json.loads(json.dumps(expected))


@pytest.mark.parametrize(
    "sentences, message",
    [
        ([""], "at least one event"),
        (["飞 商品1002"], "must be written as one of"),
        (["浏览 商品1002", "view item 1003"], "another language"),
        (["浏览 商品999"], "`item` must be one of the catalogue.*999"),
    ],
)
def test_refuses_other_sentences(bundle, loaded, sentences, message):
    with pytest.raises(ValueError, match=message):
        predict_text(bundle, sentences)


def test_bad_requests_are_refused():
    encoder = make_encoder()
    with pytest.raises(ValueError, match="`how` must be one of"):
        encoder.tune("half")
    encoder.tune("lora")
    with pytest.raises(ValueError, match="without low-rank weights"):
        encoder.tune("full")
    with pytest.raises(ValueError, match="`windows` must be 'prefixes'"):
        fit(make_model(shared_encoder()), prepared(), epochs=1)
    new = make_model(build_sentence_encoder(prepared(), **SMALL))
    with pytest.raises(ValueError, match="`encoder_rate` needs"):
        fit(new, prepared(), epochs=1, windows="prefixes", encoder_rate=0.1)


def test_the_floor_is_a_chain_of_behaviours():
    data = prepared()
    floor = MarkovBehaviours(data, smoothing=1.0)
    joint = floor.next_event(QUERY).joint()
    assert joint.shape == (1, 4, data.num_items + 1) and joint.sum() == pytest.approx(1)
    # The last event is type 1 with item 5: count what followed it in training.
    train, followed = data.train, np.zeros((4, data.num_items + 1))
    actions = train.columns["action"]
    for begin, end in zip(train.offsets, train.offsets[1:], strict=False):
        for place in range(begin, end - 1):
            if train.items[place] == 5 and actions[place] == 1:
                followed[actions[place + 1] - 1, train.items[place + 1]] += 1
    states = (actions - 1) * (data.num_items + 1) + train.items
    shares = (np.bincount(states, minlength=joint[0].size) + 0.1).reshape(followed.shape)
    shares[:, 0] = 0
    expected = (followed + shares / shares.sum()) / (followed.sum() + 1)
    np.testing.assert_allclose(joint[0], expected, atol=1e-9)
    assert set(measure_behaviours(floor, data.test)) == {"log_likelihood", "hr@10", "ndcg@10"}


@pytest.mark.parametrize(
    "argument, value",
    [("data", "a log"), ("vocabulary", ["浏览"]), ("max_length", 0), ("num_blocks", -1)],
)
def test_arguments_of_another_kind_are_refused(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must .*Received: {argument}="):
        build_sentence_encoder(**{"data": prepared(), argument: value})
