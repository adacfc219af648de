"""A BERT with random weights: its folder, and its formulas in NumPy."""

import json

import numpy as np
from harness import to_numpy
from scipy.special import erf, softmax

from recmodels.text.bert import Bert, TextVectors
from recmodels.text.whitening import Whitening

SIZES = {
    "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 12, "max_position_embeddings": 10, "type_vocab_size": 2,
}  # fmt: skip
CONFIG = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, **SIZES}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "tea", "cup", "cafe", "##s", "绿", "茶", "a"]
LINEAR = {
    "attention.self.query": (8, 8), "attention.self.key": (8, 8), "attention.self.value": (8, 8),
    "attention.output.dense": (8, 8), "intermediate.dense": (12, 8), "output.dense": (8, 12),
}  # fmt: skip


def random_tensors(seed=0):
    """All tensors of the file, float32, by the names that Hugging Face gives them."""
    rng = np.random.default_rng(seed)
    tables = {"word": 20, "position": 10, "token_type": 2}
    tensors = {f"embeddings.{n}_embeddings.weight": (rows, 8) for n, rows in tables.items()}
    norms = ["embeddings.LayerNorm"]
    for layer in range(2):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        for name, shape in LINEAR.items():
            tensors |= {f"{prefix}.{name}.weight": shape, f"{prefix}.{name}.bias": shape[:1]}
    tensors |= {f"{norm}.{part}": (8,) for norm in norms for part in ("weight", "bias")}
    return {name: rng.normal(size=shape).astype("f4") for name, shape in tensors.items()}


def states_by_hand(tensors, ids):
    """The states of one text without padding, (T, D), as the paper writes them, in float64."""
    tensors = {name: value.astype("f8") for name, value in tensors.items()}
    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], tensors, "embeddings")
    for layer in range(2):
        part = f"encoder.layer.{layer}"
        queries, keys, values = (
            linear(x, tensors, f"{part}.attention.self.{name}")
            for name in ("query", "key", "value")
        )
        mixed = []
        for head in (slice(0, 4), slice(4, 8)):
            weights = softmax(queries[:, head] @ keys[:, head].T / 2, axis=1)  # sqrt(4) = 2.
            mixed.append(weights @ values[:, head])
        attended = linear(np.hstack(mixed), tensors, f"{part}.attention.output.dense")
        x = norm(x + attended, tensors, f"{part}.attention.output")
        hidden = linear(x, tensors, f"{part}.intermediate.dense")
        hidden = hidden / 2 * (1 + erf(hidden / np.sqrt(2)))  # The exact GELU.
        x = norm(x + linear(hidden, tensors, f"{part}.output.dense"), tensors, f"{part}.output")
    return x


def linear(x, tensors, name):
    return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def norm(x, tensors, name):
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
    return scaled * tensors[f"{name}.LayerNorm.weight"] + tensors[f"{name}.LayerNorm.bias"]


def text_vector_by_hand(tensors, ids):
    mean = states_by_hand(tensors, ids).mean(axis=0)
    return mean / np.linalg.norm(mean)


def write_folder(folder, tensors=None, **config):
    """A folder as sentence-transformers has it; needs safetensors and tokenizers."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    save_file(random_tensors() if tensors is None else tensors, folder / "model.safetensors")
    places = {word: place for place, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n")
    return folder


class LetterEncoder:
    """What `tune_item_texts` needs of a `TextEncoder`, without a tokenizer: a token per letter.

    It is a small `Bert` with random weights.
    """

    fitted = True

    def __init__(self, whitened=False, texts=()):
        bert = Bert(30, width=8, num_blocks=3, num_heads=2, hidden_width=12, max_length=12)
        self.transformer = TextVectors(bert)
        self.transformer.build()
        rng = np.random.default_rng(0)
        for weight in bert.weights:
            if len(weight.shape) == 2:
                weight.assign(rng.normal(size=weight.shape) * 0.5)
        self.whitening = self.size = None
        self.width = 8
        if whitened:
            self.whitening = Whitening.fit(self.encode(texts), 3)
            self.size = self.width = 3

    def encode(self, texts):
        """Vectors of texts, each read without padding; NaN where a text is missing."""
        vectors = np.full((len(texts), 8), np.nan, np.float32)
        for row, text in enumerate(texts):
            if text is not None:
                vectors[row] = to_numpy(self.transformer(letters(text)))[0]
        return vectors if self.whitening is None else self.whitening(vectors)

    def token_states(self, texts, num_blocks):
        until = 3 - num_blocks
        read = [
            None if t is None else self.transformer.bert(letters(t), until=until) for t in texts
        ]
        return [np.zeros((0, 8), "f4") if x is None else to_numpy(x)[0] for x in read]


def letters(text):
    ids = np.array([[ord(letter) - ord("a") + 1 for letter in text]], np.int32)
    return {"token_ids": ids, "token_mask": ids > 0}
