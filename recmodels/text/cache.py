"""Vectors of texts on disk, found by the content of each text."""

import hashlib
from pathlib import Path

import numpy as np

from recmodels.data.errors import invalid, require
from recmodels.data.files import written_whole


class VectorCache:
    """Vectors that an encoder has computed before, in files that are written as a whole.

    Each part is one `.npz` file without pickled objects. An interrupted run loses at most the part
    that it was computing.

    Args:
        folder: made where it is missing.
        encoder: digest of the encoder, which is part of the names of the files, so that encoders
            may share a folder.
        width: D.

    Raises:
        ValueError: a file is damaged, or holds vectors of another encoder.

    Example:
        >>> cache = VectorCache("cache", encoder="1f0a", width=384)
        >>> cache.add(["tea"], np.ones((1, 384)))
        >>> cache.get("tea").shape
        (384,)
    """

    def __init__(self, folder: str | Path, encoder: str, width: int) -> None:
        self.folder, self.encoder, self.width = Path(folder), encoder, width
        self._vectors: dict[str, np.ndarray] = {}
        for path in sorted(self.folder.glob(f"{encoder}-*.npz")):
            keys, vectors = self._read(path)
            self._vectors.update(zip(keys, vectors, strict=True))

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, text: str) -> np.ndarray | None:
        """Return the vector of a text, float32 (D,), or None where it is not stored."""
        return self._vectors.get(_key(text))

    def add(self, texts: list[str], vectors: np.ndarray) -> None:
        """Store the vectors of some texts, (N, D), in a new file."""
        keys = [_key(text) for text in texts]
        vectors = np.asarray(vectors, np.float32)
        name = hashlib.sha256("".join(keys).encode()).hexdigest()[:16]
        with written_whole(self.folder / f"{self.encoder}-{name}.npz") as unfinished:
            with open(unfinished, "wb") as file:
                np.savez(file, encoder=self.encoder, keys=np.array(keys), vectors=vectors)
        self._vectors.update(zip(keys, vectors, strict=True))

    def _read(self, path: Path) -> tuple[list[str], np.ndarray]:
        try:
            # Opened here, because `np.load` leaves a damaged file open.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                encoder, keys, vectors = (stored[n] for n in ("encoder", "keys", "vectors"))
        except Exception as error:  # A damaged archive raises errors of several libraries.
            must = "Files of `cache` must be whole: delete the damaged one"
            raise invalid(must, file=str(path), error=error) from error
        fits = str(encoder) == self.encoder and vectors.shape == (keys.size, self.width)
        fits = fits and keys.dtype.kind + vectors.dtype.kind == "Uf"
        must = "Files of `cache` must hold vectors of the encoder: delete this one"
        require(fits, must, file=str(path), encoder=str(encoder), shape=vectors.shape)
        return keys.tolist(), vectors


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
