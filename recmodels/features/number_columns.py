"""Column types of numbers and times: scaled values, buckets, gaps and clocks."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from recmodels.features.columns import Column

SCALES = ("standard", "min_max", "log1p", "none")
CLOCKS = {"hour": 24, "weekday": 7}
SECONDS_PER_HOUR, SECONDS_PER_DAY = 3_600, 86_400
FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.


@dataclass(frozen=True)
class Number(Column):
    """A number, scaled or in buckets.

    Scaled values come as two numbers, the value and 1 where it is missing (the value is then 0):

        "standard"   (x - mean) / standard deviation
        "min_max"    (x - low) / (high - low), not clipped outside the training range
        "log1p"      log(1 + x), then standard; x must not be negative
        "none"       x itself

    Args:
        scale: one of the above.
        buckets: None, or the number of equally full buckets of the training values: codes 1..B,
            with B + 1 for missing. Fewer where values repeat.
        center, spread, edges: set by `fit`.
    """

    scale: str = "standard"
    buckets: int | None = None
    center: float | None = None
    spread: float | None = None
    edges: tuple[float, ...] | None = None
    kind = "number"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"`scale` must be one of {SCALES}. Received: scale={self.scale!r}")
        if self.buckets is not None and self.buckets < 2:
            raise ValueError(f"`buckets` must be at least 2. Received: buckets={self.buckets}")

    @property
    def fitted(self) -> bool:
        return self.center is not None or self.edges is not None

    @property
    def num_codes(self) -> int | None:
        return None if self.buckets is None else len(self.edges or ()) + 3

    @property
    def width(self) -> int:
        return 2

    def fit(self, values: pd.Series) -> Self:
        numbers = self._read(values)
        numbers = numbers[~np.isnan(numbers)]
        if not len(numbers):
            raise ValueError(
                f"Column `{values.name}` holds no number in the training rows. Leave it out of the "
                f"schema. Received: {len(values)} missing values"
            )
        if self.buckets is not None:
            shares = np.arange(1, self.buckets) / self.buckets
            return replace(self, edges=tuple(np.unique(np.quantile(numbers, shares)).tolist()))
        center, spread = 0.0, 1.0
        if self.scale in ("standard", "log1p"):
            center, spread = numbers.mean(), numbers.std()
        elif self.scale == "min_max":
            center, spread = numbers.min(), np.ptp(numbers)
        return replace(self, center=float(center), spread=float(spread) or 1.0)

    def encode(self, values: pd.Series) -> np.ndarray:
        numbers = self._read(values)
        missing = np.isnan(numbers)
        if self.buckets is not None:
            codes = 1 + np.searchsorted(self.edges, numbers, side="right")
            return np.where(missing, len(self.edges) + 2, codes).astype(np.int32)
        scaled = np.where(missing, 0.0, (numbers - self.center) / self.spread)
        return np.stack([scaled, missing], axis=1)

    def decode(self, encoded: np.ndarray) -> list:
        if self.buckets is not None:
            return _bounds(self.edges, encoded)
        numbers = encoded[:, 0] * self.spread + self.center
        numbers = np.expm1(numbers) if self.scale == "log1p" else numbers
        return [None if gone else float(n) for n, gone in zip(numbers, encoded[:, 1], strict=True)]

    def _read(self, values: pd.Series) -> np.ndarray:
        numbers = _numbers(values)
        if self.scale != "log1p" or self.buckets is not None:
            return numbers
        if (numbers < 0).any():
            raise ValueError(
                f"Column `{values.name}` must not be negative for scale 'log1p'. "
                f"Received: {np.nanmin(numbers)}"
            )
        return np.log1p(numbers)


@dataclass(frozen=True)
class Gap(Column):
    """Seconds since the previous event of the same user, in buckets whose width doubles.

    Codes: 1 for less than a second, 2 for 1 to 2 seconds, 3 for 2 to 4, ..., `buckets` for all
    longer ones; `buckets + 1` for the first event of a user.

    With `by="item"` it is the time since the user's previous event with the same item, and
    `buckets + 1` means that there was none: how long ago the user met the item is known even of
    items that training never saw. By the category of items it is the same for categories.

    Args:
        source: the column with the times in seconds; by default `timestamp`.
        buckets: B. The default reaches a year.
        by: a column of the events, such as `"item"` or `"action"`, or of the table of items, such
            as `"category"`, whose value the previous event must share.

    Example:
        >>> schema = Schema({"gap": Gap(), "item_gap": Gap(by="item")})
    """

    buckets: int = 26
    by: str | None = None
    kind = "gap"
    of_history = True
    default_source = "timestamp"

    @property
    def num_codes(self) -> int:
        return self.buckets + 2

    @property
    def edges(self) -> tuple[float, ...]:
        """Where one bucket ends and the next begins, in seconds."""
        return tuple(2.0**power for power in range(self.buckets - 1))

    def to_config(self) -> dict:
        config = super().to_config()
        if self.by is None:  # Then it equals what earlier versions stored.
            del config["by"]
        return config

    def encode(self, values: pd.Series) -> np.ndarray:
        gaps = _numbers(values)
        codes = 1 + np.searchsorted(self.edges, gaps, side="right")
        return np.where(np.isnan(gaps), self.buckets + 1, codes).astype(np.int32)

    def decode(self, codes: np.ndarray) -> list:
        return _bounds(self.edges, codes)


@dataclass(frozen=True)
class Clock(Column):
    """The hour (codes 1..24) or the weekday (1 for Monday to 7) of a time; then missing.

    Args:
        source: the column with the times in UTC seconds; by default `timestamp`.
        part: `"hour"` or `"weekday"`.
        offset: hours that the users' clocks are ahead of UTC.
    """

    part: str = "hour"
    offset: float = 0.0
    kind = "clock"
    default_source = "timestamp"

    def __post_init__(self) -> None:
        if self.part not in CLOCKS:
            raise ValueError(f"`part` must be one of {[*CLOCKS]}. Received: part={self.part!r}")

    @property
    def num_codes(self) -> int:
        return CLOCKS[self.part] + 2

    def encode(self, values: pd.Series) -> np.ndarray:
        seconds = _numbers(values) + self.offset * SECONDS_PER_HOUR
        if self.part == "hour":
            codes = 1 + seconds % SECONDS_PER_DAY // SECONDS_PER_HOUR
        else:
            codes = 1 + (seconds // SECONDS_PER_DAY + FIRST_WEEKDAY) % 7
        return np.where(np.isnan(seconds), self.num_codes - 1, codes).astype(np.int32)

    def decode(self, codes: np.ndarray) -> list:
        """Hours 0..23, or weekdays 0 (Monday) to 6."""
        return [None if code in (0, self.num_codes - 1) else int(code) - 1 for code in codes]


def _numbers(values: pd.Series) -> np.ndarray:
    """Return values as float64, NaN where missing; refuse infinite values and text."""
    try:
        numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Column `{values.name}` must hold numbers. Received: {error}") from error
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise ValueError(
            f"Column `{values.name}` must hold finite numbers. Received: infinity in row {row}"
        )
    return numbers


def _bounds(edges, codes: np.ndarray) -> list:
    """Lower and upper bound of each bucket; None for padding and missing."""
    limits = [-np.inf, *edges, np.inf]
    return [
        None if not 1 <= code < len(limits) else (limits[code - 1], limits[code]) for code in codes
    ]
