"""How often each value occurred in a history so far, a column of numbers."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from recmodels.features.columns import Category, Column


@dataclass(frozen=True)
class Counts(Column):
    """How often each value of a category has occurred in the user's history so far.

    Numbers per event, (A,), one for each value of the training rows: log(1 + count), the event
    itself included. They reach back to the first event of a history, however few of the latest
    events a model reads. Unknown and missing values are counted nowhere.

    Args:
        source: the column with the values, such as `"action"`.
        values: set by `fit`, most frequent first.

    Example:
        >>> Schema({"action": Category(), "counts": Counts(source="action")})
    """

    values: tuple[str | int | float | bool, ...] | None = None
    kind = "counts"
    of_history = True

    @property
    def fitted(self) -> bool:
        return self.values is not None

    @property
    def width(self) -> int:
        return len(self.values or ())

    def fit(self, values: pd.Series) -> Self:
        return replace(self, values=Category().fit(values).values)

    def encode(self, values: pd.Series) -> np.ndarray:
        """1 for the value of each row and 0 for others, (N, A): a count before it is summed."""
        codes = Category(values=self.values).encode(values)
        return (codes[:, None] == np.arange(1, self.width + 1)).astype(np.float64)

    def decode(self, encoded: np.ndarray) -> list:
        """The count of each value, as dicts."""
        counts = np.rint(np.expm1(encoded)).astype(int)
        return [dict(zip(self.values, row, strict=True)) for row in counts.tolist()]


def sum_in_histories(occurrences: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Log(1 + sum over the events so far) of each user, float64 (N, A).

    Args:
        occurrences: from `Counts.encode`, (N, A).
        users: of each event, (N,); events of a user follow each other.
    """
    return np.log1p(pd.DataFrame(occurrences).groupby(users, sort=False).cumsum().to_numpy())
