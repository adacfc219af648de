"""A list of items for one history, as it is shown."""

import html
import json
from dataclasses import dataclass

import pandas as pd

OWN_COLUMNS = ("rank", "item", "score")


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation:
    """A list for one history, best first, and what a reader must know of it.

    Args:
        table: one row an item: `rank` from 1, raw `item`, `score`, then the columns of the item
            table. Scores of different sources cannot be compared.
        source: name of the model that made the list.
        notes: whole sentences: ids that were ignored, a fallback that answered, a list that is
            shorter than asked for.
    """

    table: pd.DataFrame
    source: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        rows = self.table.to_string(index=False) if len(self) else "(nothing)"
        return "\n".join([f"{self.source}:", rows, *(f"Note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>Note: {html.escape(note)}</p>" for note in self.notes)
        return f"<p>{html.escape(self.source)}</p>{self.table.to_html(index=False)}{notes}"

    @property
    def items(self) -> list:
        """Raw ids, best first."""
        return self.table["item"].tolist()

    def to_dict(self) -> dict:
        """Rows, source and notes in types that JSON knows; what is missing becomes None."""
        rows = json.loads(self.table.to_json(orient="records"))
        return {"items": rows, "source": self.source, "notes": list(self.notes)}
