"""Read BERT models from local folders in the Hugging Face layout; nothing is downloaded or run."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recmodels.data.errors import invalid, require
from recmodels.extras import import_extra
from recmodels.text.bert import Bert, TextVectors

FILES = ("config.json", "tokenizer.json", "model.safetensors")
# Values of config.json that the forward pass here computes; others would give wrong vectors.
SUPPORTED = {
    "model_type": ("bert",),
    "hidden_act": ("gelu",),
    "position_embedding_type": ("absolute", None),
}
SIZES = {
    "vocab_size": "vocabulary_size",
    "hidden_size": "width",
    "num_hidden_layers": "num_blocks",
    "num_attention_heads": "num_heads",
    "intermediate_size": "hidden_width",
    "max_position_embeddings": "max_length",
    "type_vocab_size": "num_segments",
}
# Names of the tensors in the file, by the names of the sublayers of a block here.
EMBEDDINGS = {"token": "word", "position": "position", "segment": "token_type"}
DENSE = {
    ("attention", "project_queries"): "attention.self.query",
    ("attention", "project_keys"): "attention.self.key",
    ("attention", "project_values"): "attention.self.value",
    ("attention", "project_output"): "attention.output.dense",
    ("feed_forward", "expand"): "intermediate.dense",
    ("feed_forward", "contract"): "output.dense",
}
NORMS = {
    "norm_attention": "attention.output.LayerNorm",
    "norm_feed_forward": "output.LayerNorm",
}


@dataclass(frozen=True)
class ModelFolder:
    """The files of a model, which are checked before any of them is used.

    Args:
        path: a folder with `config.json`, `tokenizer.json` and `model.safetensors`, such as one
            of the sentence-transformers. `modules.json`, `sentence_bert_config.json` and
            `README.md` are read where they are there.

    Raises:
        ValueError: a file is missing, or the model is another architecture, needs code of its own,
            or pools tokens in another way than by their mean.
    """

    path: Path

    def __post_init__(self) -> None:
        missing = [name for name in FILES if not (self.path / name).is_file()]
        must = f"`source` must be a folder with {', '.join(FILES)}; other formats of weights can "
        must += "hold code and are never loaded"
        require(not missing, must, source=str(self.path), missing=missing)
        config = self.json("config.json")
        must = "`config.json` must describe a model that needs no code of its own"
        require("auto_map" not in config, must, auto_map=config.get("auto_map"))
        for name, values in SUPPORTED.items():
            must = f"`{name}` in config.json must be {values[0]!r}: other models are not supported"
            require(config.get(name) in values, must, **{name: config.get(name)})
        missing = [name for name in SIZES if not isinstance(config.get(name), int)]
        require(not missing, "`config.json` must hold the sizes of the model", missing=missing)
        self._check_pooling()

    def _check_pooling(self) -> None:
        """Raise unless the folder says nothing of pooling, or says what `TextVectors` does."""
        pooling = self.json("1_Pooling/config.json")
        modes = [name for name, used in pooling.items() if "mode" in name and used]
        must = "`1_Pooling/config.json` must pool by the mean of the tokens alone"
        require(modes in ([], ["pooling_mode_mean_tokens"]), must, modes=modes)

    def json(self, name: str) -> dict:
        """Content of a JSON file; empty where there is none."""
        path = self.path / name
        if not path.is_file():
            return {}
        try:
            content = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise invalid(f"`{name}` must be a JSON file", error=error) from error
        return content if isinstance(content, dict) else {"entries": content}

    @property
    def max_tokens(self) -> int:
        """Most tokens of a text, those at its ends included."""
        most = self.json("config.json")["max_position_embeddings"]
        return min(most, self.json("sentence_bert_config.json").get("max_seq_length", most))

    @property
    def normalises(self) -> bool:
        """Whether vectors have length 1; True where no `modules.json` says otherwise."""
        modules = self.json("modules.json").get("entries", [])
        return not modules or any("Normalize" in module.get("type", "") for module in modules)

    def stated(self, name: str) -> str:
        """What the head of `README.md` says under a name, such as `"license"`."""
        readme = self.path / "README.md"
        head = readme.read_text("utf-8", "replace")[:4000] if readme.is_file() else ""
        found = re.search(rf"(?m)^{name}:[ \t]*(\S.*)$", head)
        return found[1].strip() if found else "not stated"

    def digest(self) -> str:
        """Digest of all files that vectors depend on."""
        together = hashlib.sha256()
        for name in FILES:
            together.update(hashlib.sha256((self.path / name).read_bytes()).digest())
        together.update(repr((self.max_tokens, self.normalises)).encode())
        return together.hexdigest()[:16]

    def tokenizer(self):
        """The tokenizer, which cuts texts after `max_tokens` tokens and adds no padding."""
        tokenizers = import_extra("tokenizers", "bert")
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(self.path / "tokenizer.json"))
        except Exception as error:  # The library raises no narrower class.
            raise invalid("`tokenizer.json` must hold a tokenizer", error=error) from error
        size, rows = tokenizer.get_vocab_size(), self.json("config.json")["vocab_size"]
        must = "`tokenizer.json` must have no more tokens than the model has vectors"
        require(size <= rows, must, tokens=size, vectors=rows)
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer

    def model(self) -> TextVectors:
        """The model with the weights of the folder.

        Raises:
            ValueError: the file of the weights is damaged, or lacks one in its shape.
        """
        config = self.json("config.json")
        sizes = {ours: config[theirs] for theirs, ours in SIZES.items()}
        bert = Bert(**sizes, epsilon=config.get("layer_norm_eps", 1e-12))
        model = TextVectors(bert, self.normalises)
        model.build()
        assign_tensors(bert, _read_tensors(self.path / "model.safetensors"))
        return model


def assign_tensors(bert: Bert, tensors: dict[str, np.ndarray]) -> None:
    """Set the weights of a built model.

    Args:
        bert: whose weights are set.
        tensors: by the names that Hugging Face gives them, with or without `bert.` in front.

    Raises:
        ValueError: a tensor is missing or has another shape.
    """
    for variable, name, transposed in _names(bert):
        value = _find(tensors, name)
        value = value.T if transposed else value
        must = f"`{name}` in model.safetensors must have the shape that config.json says"
        shape = tuple(variable.shape)
        require(value.shape == shape, must, shape=value.shape, expected=shape)
        variable.assign(value.astype(np.float32))


def _names(bert: Bert):
    """Each weight with the name of its tensor, and whether it is stored transposed."""
    for ours, theirs in EMBEDDINGS.items():
        yield getattr(bert, ours).embeddings, f"embeddings.{theirs}_embeddings.weight", False
    yield from _norm(bert.norm, "embeddings.LayerNorm")
    for index, block in enumerate(bert.blocks):
        prefix = f"encoder.layer.{index}"
        for (part, ours), theirs in DENSE.items():
            layer = getattr(getattr(block, part), ours)
            yield layer.kernel, f"{prefix}.{theirs}.weight", True
            yield layer.bias, f"{prefix}.{theirs}.bias", False
        for ours, theirs in NORMS.items():
            yield from _norm(getattr(block, ours), f"{prefix}.{theirs}")


def _norm(layer, name: str):
    yield layer.gamma, f"{name}.weight", False
    yield layer.beta, f"{name}.bias", False


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    safetensors = import_extra("safetensors.numpy", "bert")
    try:
        return safetensors.load_file(path)
    except Exception as error:  # The library raises no narrower class.
        must = "`model.safetensors` must be whole: copy or install the model again"
        raise invalid(must, file=str(path), error=error) from error


def _find(tensors: dict[str, np.ndarray], name: str) -> np.ndarray:
    for prefix in ("", "bert."):
        if prefix + name in tensors:
            return tensors[prefix + name]
    must = f"`model.safetensors` must hold the tensor {name}: it is of another architecture"
    raise invalid(must, tensors=sorted(tensors)[:3])
