"""A forecast of the next event: its type, its item and the time until it occurs."""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr

# Most probabilities worked out at once, rows times types times items: 64 MB.
CELLS = 2**24


@dataclass(frozen=True, eq=False)
class LogNormalMixture:
    """A distribution over the seconds until the next event, one per row.

    One second plus the gap follows a mixture of log-normal distributions, so that a gap of 0 has
    a density too. Shchur et al., "Intensity-Free Learning of Temporal Point Processes", 2020,
    section 3.

    Args:
        weights: of the components, positive, rows sum to 1, (B, K).
        means, scales: of the logarithm of 1 + seconds in each component, (B, K); scales > 0.

    Example:
        >>> gap = LogNormalMixture(np.ones((1, 1)), np.full((1, 1), 5.0), np.ones((1, 1)))
        >>> gap.quantile(0.5)                      # exp(5) - 1 seconds
        array([147.41315910])
    """

    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    def log_density(self, seconds) -> np.ndarray:
        """Natural logarithm of the density at some seconds, per second, float64 (B,)."""
        logs = np.log1p(np.asarray(seconds, np.float64))[:, None]
        z = (logs - self.means) / self.scales
        parts = -0.5 * z**2 - np.log(self.scales) - 0.5 * np.log(2 * np.pi) - logs
        return logsumexp(parts, axis=1, b=self.weights)

    def cdf(self, seconds, elapsed=0.0) -> np.ndarray:
        """Probability that the next event comes within some seconds, float64 (B,).

        Args:
            seconds: one number for all rows or (B,), counted from the moment of the question.
            elapsed: seconds that have passed since the last event, in which no event came; one
                number or (B,). With F the distribution of the whole gap, the answer is

                    P(gap <= elapsed + seconds | gap > elapsed)
                        = (F(elapsed + seconds) - F(elapsed)) / (1 - F(elapsed))

        Example: for one log-normal component, F(100) = 0.3 and F(200) = 0.65: when 100 seconds
        have passed, the event comes within 100 more with probability 0.35 / 0.7 = 0.5.
        """
        elapsed = np.broadcast_to(np.asarray(elapsed, np.float64), len(self))
        if not elapsed.any():
            logs = np.log1p(np.broadcast_to(np.asarray(seconds, np.float64), len(self)))[:, None]
            return (self.weights * ndtr((logs - self.means) / self.scales)).sum(axis=1)
        later = self._log_survival(np.log1p(elapsed + np.asarray(seconds, np.float64)))
        return -np.expm1(later - self._log_waited(elapsed))

    def survival(self, seconds, elapsed=0.0) -> np.ndarray:
        """Probability that the next event comes later, float64 (B,); see `cdf`."""
        return 1 - self.cdf(seconds, elapsed)

    def quantile(self, share: float, elapsed=0.0) -> np.ndarray:
        """Seconds within which the next event comes with probability `share`, float64 (B,).

        Args:
            share: between 0 and 1.
            elapsed: see `cdf`; the answer counts from then.

        Raises:
            ValueError: `share` is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(
                f"`share` must be between 0 and 1, both left out. Received: share={share}"
            )
        elapsed = np.broadcast_to(np.asarray(elapsed, np.float64), len(self))
        target = np.log1p(-share) + self._log_waited(elapsed)
        reach = 12 * self.scales
        low, high = (self.means - reach).min(axis=1), (self.means + reach).max(axis=1)
        # After a longer wait than that, the logarithm of the whole gap may be twice as large.
        high = np.maximum(high, 2 * np.log1p(elapsed) + 1)
        for _ in range(80):  # Bisection: the interval becomes smaller than a float can tell.
            middle = (low + high) / 2
            below = self._log_survival(middle) > target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.maximum(0, np.expm1(high) - elapsed)

    def _log_survival(self, logs: np.ndarray) -> np.ndarray:
        """Logarithm of the probability that log(1 + gap) is greater than some numbers, (B,).

        Logarithms, because after a long wait the probability itself may be too small for a float.
        """
        return logsumexp(log_ndtr((self.means - logs[:, None]) / self.scales), 1, self.weights)

    def _log_waited(self, elapsed: np.ndarray) -> np.ndarray:
        """Logarithm of the probability that no event came in the seconds that have passed, (B,).

        Where none has passed it is 0: even a gap of 0 seconds is then ahead.
        """
        return np.where(elapsed > 0, self._log_survival(np.log1p(elapsed)), 0.0)


@dataclass(frozen=True, eq=False)
class EventForecast:
    """The distribution of the next event of some users.

    Args:
        types: labels of the behaviour types, A of them, such as `("view", "buy")`.
        type_probabilities: float64 (B, A), rows sum to 1.
        item_probabilities: of each item given each type, float (B, A, V + 1); column 0, padding,
            is 0 and the others sum to 1. None from a model that predicts no items.
        gap: seconds from the last event to the next one; None from a model without times.
    """

    types: tuple[str, ...]
    type_probabilities: np.ndarray
    item_probabilities: np.ndarray | None = None
    gap: LogNormalMixture | None = None

    def __len__(self) -> int:
        return len(self.type_probabilities)

    def joint(self) -> np.ndarray:
        """Probability of each type together with each item, (B, A, V + 1); each row sums to 1."""
        return self.type_probabilities[:, :, None] * self._given_type()

    def items(self) -> np.ndarray:
        """Probability of each item whatever the type, (B, V + 1)."""
        return np.einsum("ba,bav->bv", self.type_probabilities, self._given_type())

    def items_given(self, label: str) -> np.ndarray:
        """Probability of each item if the next event is of this type, (B, V + 1).

        Raises:
            ValueError: the model knows no such type.
        """
        return self._given_type()[:, self.place(label)]

    def place(self, label: str) -> int:
        """Return the index of a type in `types`; raise a `ValueError` if it is unknown."""
        if label not in self.types:
            raise ValueError(
                f"The type must be one that the model was trained on, {list(self.types)}. "
                f"Received: {label!r}"
            )
        return self.types.index(label)

    def _given_type(self) -> np.ndarray:
        if self.item_probabilities is None:
            raise ValueError(
                "This model predicts types or times alone, no items. Use a model with an item "
                "head. Received: item_probabilities=None"
            )
        return self.item_probabilities
