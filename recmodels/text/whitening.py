"""Whitening: uncorrelated dimensions of variance 1."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from recmodels.data.errors import require


@dataclass(frozen=True, eq=False)
class Whitening:
    """Project vectors on their first principal components, each scaled to variance 1.

        z = (x - mean) W        with W so that the mean of z z^T over the training vectors is I

    Vectors of language models lie in a narrow cone, so that all their cosines are high; whitening
    removes the common direction: Su et al., "Whitening Sentence Representations for Better
    Semantics and Faster Retrieval", 2021, section 3.

    Args:
        mean: (F,).
        weights: W, (F, D).

    Example:
        >>> whitening = Whitening.fit(vectors, size=2)
        >>> whitening(vectors).std(axis=0).round(6).tolist()
        [1.0, 1.0]
    """

    mean: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray, size: int) -> Self:
        """Learn the projection from training vectors, (N, F), to `size` dimensions.

        Raises:
            ValueError: the vectors vary in fewer dimensions than `size`.
        """
        vectors = np.asarray(vectors, np.float64)
        mean = vectors.mean(axis=0)
        values, directions = np.linalg.eigh(np.cov(vectors.T, ddof=0))
        values, directions = values[::-1][:size], directions[:, ::-1][:, :size]
        varying = int((values > 1e-9 * max(values[0], 1e-12)).sum())
        must = "`size` must be at most the number of dimensions in which the training texts vary"
        require(varying == size, must, size=size, varying=varying, texts=len(vectors))
        # The sign of a direction is arbitrary: the largest entry is made positive.
        largest = np.abs(directions).argmax(axis=0)
        directions = directions * np.sign(directions[largest, np.arange(size)])
        return cls(mean.astype(np.float32), (directions / np.sqrt(values)).astype(np.float32))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Whitened vectors, float32 (N, D)."""
        return ((vectors - self.mean) @ self.weights).astype(np.float32)
