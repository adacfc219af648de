"""The learning curve: loss and score of each epoch."""

from dataclasses import dataclass, field

import pandas as pd

from recmodels.data.text import counted


@dataclass
class LearningCurve:
    """One row per epoch: `epoch` (from 1), `loss`, `seconds`, and the validation `score` or None.

    Args:
        rows: of the epochs so far.
        measure: what `score` is, such as `"ndcg@10"`.
        collapse: a sentence where the training learnt little more than popularity.
        out_of_time: whether the training ended because `max_seconds` were used up.
    """

    rows: list[dict] = field(default_factory=list)
    measure: str = "score"
    collapse: str | None = None
    out_of_time: bool = False

    def __repr__(self) -> str:
        best, shown = self.best, ""
        if best:
            shown = f", best {self.measure} {best['score']:.4f} in epoch {best['epoch']}"
        return f"<LearningCurve of {counted(len(self.rows), 'epoch')}{shown}, {self.seconds:.0f} s>"

    @property
    def best(self) -> dict | None:
        """The row of the highest score, the earliest among equals."""
        scored = [row for row in self.rows if row["score"] is not None]
        return max(scored, key=lambda row: row["score"], default=None)

    @property
    def seconds(self) -> float:
        """Training and validation time of all epochs."""
        return sum(row["seconds"] for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows, columns=["epoch", "loss", "score", "seconds"])
