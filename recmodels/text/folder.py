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
    "is_decoder": (False, None),
}
MODULES = ("Transformer", "Pooling", "Normalize")  # Of sentence-transformers, computed here.
FEWEST_TOKENS = 3  # One between those that begin and end a text.
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
        ValueError: a file is missing or holds something else, or the model is another
            architecture, needs code of its own, has further layers, or pools tokens in another way
            than by their mean.
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
        sizes = {name: config.get(name) for name in SIZES}
        must = "`config.json` must hold the sizes of the model, whole numbers of at least 1"
        whole = all(type(size) is int and size >= 1 for size in sizes.values())
        require(whole, must, **sizes)
        epsilon = config.get("layer_norm_eps", 1e-12)
        must = "`layer_norm_eps` in config.json must be a number of at least 0"
        require(type(epsilon) in (int, float) and epsilon >= 0, must, layer_norm_eps=epsilon)
        must = f"`max_seq_length` must be a whole number of at least {FEWEST_TOKENS}"
        most = self.max_tokens
        require(type(most) is int and most >= FEWEST_TOKENS, must, max_seq_length=most)
        self._check_modules()

    def _check_modules(self) -> None:
        """Raise unless the folder says nothing of further layers, or what `TextVectors` does."""
        modules = self._modules
        types = [module.get("type") for module in modules]
        must = f"`modules.json` must be a list of modules of the types {MODULES}"
        require(all(str(kind).split(".")[-1] in MODULES for kind in types), must, types=types)
        paths = [m.get("path") for m in modules if str(m["type"]).endswith("Pooling")]
        pooling = self.json(f"{paths[0] if paths else '1_Pooling'}/config.json")
        modes = [name for name, used in pooling.items() if "mode" in name and used]
        must = "`1_Pooling/config.json` must pool by the mean of the tokens alone"
        means = modes in ([], ["pooling_mode_mean_tokens"]) and "entries" not in pooling
        require(means, must, modes=modes)

    @property
    def _modules(self) -> list[dict]:
        """The parts of the model that `modules.json` lists; none where there is no such file."""
        content = self.json("modules.json")
        modules = content.get("entries", []) if set(content) <= {"entries"} else None
        listed = isinstance(modules, list) and all(isinstance(each, dict) for each in modules)
        require(listed, "`modules.json` must be a list of modules", modules=content)
        return modules

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
        stated = self.json("sentence_bert_config.json").get("max_seq_length")
        return min(most, stated) if type(stated) is int else most if stated is None else stated

    @property
    def normalises(self) -> bool:
        """Whether vectors have length 1; True where no `modules.json` says otherwise."""
        modules = self._modules
        return not modules or any("Normalize" in module["type"] for module in modules)

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
            ValueError: the file of the weights is damaged, or has other ones than the model.
        """
        config = self.json("config.json")
        sizes = {ours: config[theirs] for theirs, ours in SIZES.items()}
        tensors = _read_tensors(self.path / "model.safetensors")
        _check_sizes(config, tensors)
        bert = Bert(**sizes, epsilon=config.get("layer_norm_eps", 1e-12))
        model = TextVectors(bert, self.normalises)
        model.build()
        assign_tensors(bert, tensors)
        return model


def _check_sizes(config: dict, tensors: dict[str, np.ndarray]) -> None:
    """Raise unless the tensors have the sizes of a config, before memory is taken for a model."""
    last, width = f"encoder.layer.{config['num_hidden_layers'] - 1}", config["hidden_size"]
    tables = {"word": "vocab_size", "position": "max_position_embeddings"}
    tables["token_type"] = "type_vocab_size"
    expected = {f"embeddings.{name}_embeddings.weight": config[tables[name]] for name in tables}
    expected[f"{last}.intermediate.dense.weight"] = config["intermediate_size"]
    for name, rows in expected.items():
        _check_shape(name, _find(tensors, name).shape, (rows, width))
    further = [n for n in tensors if f"encoder.layer.{config['num_hidden_layers']}." in n]
    must = "`model.safetensors` must hold as many blocks as config.json says"
    require(not further, must, further=further[:3])


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    must = f"`{name}` in model.safetensors must have the shape that config.json says"
    require(shape == expected, must, shape=shape, expected=expected)


def assign_tensors(bert: Bert, tensors: dict[str, np.ndarray]) -> None:
    """Set the weights of a built model.

    Args:
        bert: whose weights are set.
        tensors: by the names that Hugging Face gives them, with or without `bert.` in front.

    Raises:
        ValueError: a tensor is missing, has another shape or is not finite.
    """
    for variable, name, transposed in _names(bert):
        value = _find(tensors, name)
        value = value.T if transposed else value
        _check_shape(name, value.shape, tuple(variable.shape))
        numbers = value.dtype.kind not in "iub" and np.isfinite(value.astype(np.float32)).all()
        must = f"`{name}` in model.safetensors must hold finite floating-point numbers"
        require(numbers, must, dtype=value.dtype)
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
