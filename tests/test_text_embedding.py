"""Item vectors that read texts through blocks of a text encoder."""

import numpy as np
import pytest
from harness import check_layer, to_numpy
from tiny_bert import LetterEncoder

from recmodels.layers.text_embedding import TextBlocks, TextItemEmbedding, pack_texts

pytestmark = pytest.mark.backends
TEXTS = ["tea", "cup", None, "teacup", "a", "greentea"]
V, D, BEGIN = len(TEXTS), 4, 2


def made_blocks(encoder, num_blocks):
    states, items = pack_texts(encoder.token_states(TEXTS, num_blocks))
    blocks = TextBlocks(V + 3, states.shape, num_blocks, 2, 12, size=encoder.size)
    blocks.build()
    whitening = encoder.whitening and (encoder.whitening.mean, encoder.whitening.weights)
    blocks.assign(states, items, encoder.transformer.bert.blocks[-num_blocks:], whitening)
    return blocks


def made_embedding():
    """Two other features, then three numbers of texts, then the flag of missing texts."""
    encoder = LetterEncoder(True, [text for text in TEXTS if text])
    blocks = made_blocks(encoder, 1)
    layer = TextItemEmbedding(V, D, BEGIN + 4, blocks.sizes, BEGIN)
    layer.build()
    layer.texts.set_weights(blocks.get_weights())
    content = np.random.default_rng(1).normal(size=(V + 3, BEGIN + 4)).astype("f4")
    layer.adapt(content, np.ones(V + 3, bool), np.zeros(V + 3, bool))
    return layer, content, encoder


def test_texts_share_rows():
    states = [np.full((length, 2), length, "f4") for length in (3, 1, 2, 0)]
    packed, items = pack_texts(states)
    np.testing.assert_array_equal(items, [[1, 1, 1], [3, 3, 2]])
    np.testing.assert_array_equal(packed[..., 0], [[3, 3, 3], [2, 2, 1]])
    packed, items = pack_texts(states[:1] + states[2:3] * 2)
    np.testing.assert_array_equal(items, [[1, 1, 1], [2, 2, 0], [3, 3, 0]])
    with pytest.raises(ValueError, match="`texts` must hold a text that is not empty"):
        pack_texts(states[3:])


def test_layer_contract():
    texts = {"shape": [2, 3, 8], "num_blocks": 1, "num_heads": 2, "hidden_width": 12}
    texts |= {"epsilon": 1e-12, "normalise": False, "size": None}
    options = {"num_items": V, "width": D, "num_features": 9, "texts": texts, "begin": 0}
    check_layer(TextItemEmbedding, options, [np.array([[0, 1, 4]], "int32")], (1, 3, D))


@pytest.mark.parametrize("num_blocks", [1, 3])
@pytest.mark.parametrize("whitened", [False, True])
def test_frozen_vectors_are_those_of_the_whole_encoder(num_blocks, whitened):
    encoder = LetterEncoder(whitened, [text for text in TEXTS if text])
    vectors, known = map(to_numpy, made_blocks(encoder, num_blocks).vectors())
    expected = encoder.encode(TEXTS)
    np.testing.assert_array_equal(known[:, 0], [0, 1, 1, 0, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(vectors[known[:, 0] > 0], expected[[0, 1, 3, 4, 5]], atol=1e-5)


def test_texts_are_a_part_of_the_content():
    layer, content, encoder = made_embedding()
    expected = content.copy()
    rows = np.array([1, 2, 4, 5, 6])  # Item 3 has no text.
    expected[rows, BEGIN : BEGIN + 3] = encoder.encode(TEXTS)[rows - 1]
    np.testing.assert_allclose(to_numpy(layer.content), expected, atol=1e-5)


def test_blocks_are_read_inside_a_training_step_only():
    layer, _, _ = made_embedding()
    layer.texts.tune("partial")
    stored = to_numpy(layer.catalogue())
    (bias,) = [w for w in layer.texts.trainable_weights if "contract/bias" in w.path]
    bias.assign(np.arange(8.0))
    np.testing.assert_array_equal(to_numpy(layer.catalogue()), stored)
    with layer.encoding():
        now = to_numpy(layer.catalogue())
        looked_up = to_numpy(layer(np.array([[1, 0, 6]])))
    np.testing.assert_allclose(looked_up[0], [now[0], np.zeros(D), now[5]], atol=1e-6)
    assert np.abs(now - stored).max() > 1e-4
    np.testing.assert_array_equal(to_numpy(layer.catalogue()), stored)
    layer.refresh()
    np.testing.assert_allclose(to_numpy(layer.catalogue()), now, atol=1e-6)


def test_a_step_encodes_the_texts_once(monkeypatch):
    layer, _, _ = made_embedding()
    layer.texts.tune("lora", rank=2)
    calls, vectors = [], layer.texts.vectors
    monkeypatch.setattr(layer.texts, "vectors", lambda: calls.append(1) or vectors())
    for _ in range(2):
        with layer.encoding():
            layer.catalogue()
            layer(np.array([[1, 2]]))
            layer.vectors_of(np.array([1, 2]))
    assert len(calls) == 2


def test_full_and_rates_below_zero_are_refused():
    blocks = made_blocks(LetterEncoder(), 1)
    with pytest.raises(ValueError, match="`how` must be 'frozen', 'partial' or 'lora'.*'full'"):
        blocks.tune("full")
    with pytest.raises(ValueError, match="`rate` must be a positive number.*rate=-1"):
        blocks.tune("partial", rate=-1)
