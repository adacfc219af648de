"""Vectors of texts by a BERT model that others have trained."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.text.cache import VectorCache
from recmodels.text.folder import ModelFolder

TOKENS_PER_BATCH = 1024  # Few enough that the states of a batch stay in the processor's cache.
LENGTH_STEP = 8  # Lengths are rounded up to this, so that only few shapes are ever compiled.
TEXTS_PER_PART = 2048  # Written to the cache at once.


class Pretrained:
    """A model of a local folder, with its tokenizer and a cache of its vectors.

    Args:
        folder: see `ModelFolder`.
        cache: folder for vectors that are computed, or None.
        verbose: print the progress to standard error.
    """

    fitted = True

    def __init__(self, folder: Path, cache: Path | None, verbose: bool) -> None:
        self.folder, self.verbose = ModelFolder(folder), verbose
        self.language = self.folder.stated("language")
        self.licence = self.folder.stated("license")
        self.tokenizer = self.folder.tokenizer()
        self.model = self.folder.model()
        self.model.make_predict_function()
        self.identity = self.folder.digest()
        self.size = self.model.bert.width
        self.cache = None if cache is None else VectorCache(cache, self.identity, self.size)

    def fit(self, texts: list[str]) -> None:
        """Do nothing: the model is trained."""

    def state(self) -> tuple[dict, dict[str, np.ndarray]]:
        """The digest of the files; they are not copied."""
        return {"identity": self.identity}, {}

    def restore(self, recipe: Mapping, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise a `ValueError` unless the files are those of which `state` gave the digest."""
        must = "`source` must hold the files that the encoder had when it was saved"
        found = {"source": str(self.folder.path), "digest": self.identity}
        require(recipe["identity"] == self.identity, must, **found, saved=recipe["identity"])

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, float32 (N, D), from the cache where they are there."""
        vectors = np.empty((len(texts), self.size), np.float32)
        missing = list(range(len(texts)))
        if self.cache is not None:
            found = [self.cache.get(text) for text in texts]
            missing = [row for row, vector in enumerate(found) if vector is None]
            for row, vector in enumerate(found):
                if vector is not None:
                    vectors[row] = vector
        began = time.perf_counter()
        for start in range(0, len(missing), TEXTS_PER_PART):
            rows = missing[start : start + TEXTS_PER_PART]
            part = [texts[row] for row in rows]
            vectors[rows] = self._compute(part)
            if self.cache is not None:
                self.cache.add(part, vectors[rows])
            if self.verbose:
                done, seconds = start + len(rows), time.perf_counter() - began
                speed = f"{done / seconds:.0f} per second"
                print(f"Encoded {done:,} of {len(missing):,} texts, {speed}", file=sys.stderr)
        return vectors

    def count_tokens(self, texts: list[str]) -> tuple[int, int, int]:
        """Numbers of tokens, of unknown tokens, and of texts that are cut."""
        encodings = self.tokenizer.encode_batch(texts)
        ids = np.concatenate([encoding.ids for encoding in encodings])
        special = np.concatenate([encoding.special_tokens_mask for encoding in encodings]) == 1
        unknown = int((ids == self.tokenizer.token_to_id("[UNK]")).sum())
        known = int((~special).sum())  # The unknown token is special or not, as the file says.
        cut = sum(bool(encoding.overflowing) for encoding in encodings)
        return known, unknown, cut

    def token_states(self, texts: list[str], until: int) -> list[np.ndarray]:
        """States of the tokens of each text after the first `until` blocks, float32 (T, D) each."""
        states = [np.zeros((0, self.size), np.float32)] * len(texts)
        for rows, inputs in self._batches(texts):
            found = ops.convert_to_numpy(self.model.bert(inputs, until=until))
            for place, row in enumerate(rows):
                states[row] = found[place][inputs["token_mask"][place]]
        return states

    def _compute(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, float32 (N, D)."""
        vectors = np.empty((len(texts), self.size), np.float32)
        for rows, inputs in self._batches(texts):
            vectors[rows] = np.asarray(self.model.predict_on_batch(inputs))[: len(rows)]
        return vectors

    def _batches(self, texts: list[str]) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Inputs of the model for texts of similar lengths, each with the numbers of its texts.

        The inputs may have further rows, so that only few shapes occur.
        """
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        lengths = np.array([len(ids) for ids in tokens])
        padded = -(-lengths // LENGTH_STEP) * LENGTH_STEP
        padded = np.minimum(padded, self.folder.max_tokens)
        order, start = np.argsort(-padded, kind="stable"), 0
        while start < len(order):  # The longest ones that are left, and the next shorter ones.
            length = padded[order[start]]
            size = max(1, TOKENS_PER_BATCH // length)
            chosen = order[start : start + size]
            start += size
            ids = np.zeros((size, length), np.int32)
            mask = np.zeros((size, length), bool)
            mask[:, 0] = True
            for place, row in enumerate(chosen):
                ids[place, : lengths[row]] = tokens[row]
                mask[place, : lengths[row]] = True
            yield chosen, {"token_ids": ids, "token_mask": mask}
