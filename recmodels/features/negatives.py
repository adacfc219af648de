"""Random negative items for losses that do not use the whole catalogue."""

import numpy as np

from recmodels.features.checks import check_whole, digest


class NegativeSampler:
    """Draw item ids in proportion to a power of their frequency, with replacement.

    Args:
        counts: how often each of the items 1..V occurs in training, (V,).
        num_negatives: K, drawn for each group of positions.
        power: 0 draws uniformly, 1 in proportion to frequency.

    Example:
        >>> sampler = NegativeSampler(np.array([5, 1, 1]), num_negatives=4)
        >>> ids, log_counts = sampler.sample(np.random.default_rng(0), groups=2)
        >>> ids.shape, float(np.exp(log_counts[0, 0]).round(3))
        ((2, 4), 1.333)
    """

    def __init__(self, counts: np.ndarray, num_negatives: int, power: float = 0.0) -> None:
        weights = np.asarray(counts, float) ** power
        self.num_negatives = check_whole("num_negatives", num_negatives)
        self._cumulative = np.cumsum(weights / weights.sum())
        self._log_counts = np.log(np.maximum(weights / weights.sum(), 1e-12) * num_negatives)

    @property
    def digest(self) -> str:
        """Digest of how often each item is drawn."""
        return digest(self._cumulative)

    def sample(self, rng: np.random.Generator, groups: int) -> tuple[np.ndarray, np.ndarray]:
        """Return item ids, int32, and the log of their expected count among K, float32: (G, K)."""
        drawn = rng.random((groups, self.num_negatives))
        index = np.searchsorted(self._cumulative, drawn, side="right")
        index = np.minimum(index, len(self._cumulative) - 1)  # 1.0 may be 0.9999... at the end.
        return (index + 1).astype(np.int32), self._log_counts[index].astype(np.float32)
