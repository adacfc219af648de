"""A list of items for one history, as it is shown."""

import functools
import html
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

OWN_COLUMNS = ("rank", "item", "score")


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation:
    """A list for one history, best first, and what a reader must know of it.

    Args:
        items: raw ids, best first.
        scores: of the items, float32. Those of different sources cannot be compared, and a rule
            such as `Diverse` may put a lower one first.
        source: name of the model that made the list.
        notes: whole sentences: ids that were ignored, a fallback that answered, a list that is
            shorter than asked for.
        details: the rows of the item table that belong to `items`, or None.
    """

    items: list
    scores: np.ndarray
    source: str
    notes: tuple[str, ...] = ()
    details: "Details | None" = None

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        rows = self.table.to_string(index=False) if len(self) else "(nothing)"
        return "\n".join([f"{self.source}:", rows, *(f"Note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>Note: {html.escape(note)}</p>" for note in self.notes)
        return f"<p>{html.escape(self.source)}</p>{self.table.to_html(index=False)}{notes}"

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row an item: `rank` from 1, raw `item`, `score`, the columns of the item table."""
        columns = {"rank": np.arange(1, len(self) + 1), "item": self.items, "score": self.scores}
        table = pd.DataFrame(columns)
        return table if self.details is None else table.join(self.details.rows())

    def to_dict(self) -> dict:
        """Rows, source and notes in types that JSON knows; what is missing becomes None."""
        rows = json.loads(self.table.to_json(orient="records"))
        return {"items": rows, "source": self.source, "notes": list(self.notes)}


@dataclass(frozen=True, eq=False, repr=False)
class Details:
    """Rows of an item table that are taken out only when a list is looked at.

    Args:
        items: the item table in the order of the item ids 1..V.
        item_ids: of the list.
    """

    items: pd.DataFrame
    item_ids: np.ndarray

    def rows(self) -> pd.DataFrame:
        """The rows in the order of the list, numbered from 0."""
        return self.items.iloc[self.item_ids - 1].reset_index(drop=True)
