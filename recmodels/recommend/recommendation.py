"""A list of items for one history."""

import functools
import html
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from recmodels.data.text import TITLE_WIDTH, one_line, visible

SENTENCE_WIDTH = 1000  # Characters of a reason that are shown.
OWN_COLUMNS = ("rank", "item", "score", "why")


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation:
    """A list for one history, best first, with notes.

    Args:
        items: raw ids, best first.
        scores: of the items, float32. Those of different sources cannot be compared, and a rule
            such as `Diverse` may put a lower one first.
        source: name of the model that made the list.
        notes: whole sentences: ids that were ignored, a fallback that answered, a list that is
            shorter than asked for.
        details: the rows of the item table that belong to `items`, or None.
        why: a sentence per item, where reasons were asked for.
    """

    items: list
    scores: np.ndarray
    source: str
    notes: tuple[str, ...] = ()
    details: "Details | None" = None
    why: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        table = as_shown(self.table.drop(columns="why", errors="ignore"))
        rows = table.to_string(index=False) if len(self) else "(nothing)"
        why = (f"{rank}. {visible(reason)}" for rank, reason in enumerate(self.why, 1))
        notes = (f"Note: {visible(note)}" for note in self.notes)
        return "\n".join([f"{one_line(self.source)}:", rows, *why, *notes])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>Note: {html.escape(visible(note))}</p>" for note in self.notes)
        table, source = (
            as_shown(self.table).to_html(index=False),
            html.escape(one_line(self.source)),
        )
        # The classes keep notebooks from reading a formula between two dollar signs.
        return f'<div class="tex2jax_ignore mathjax_ignore"><p>{source}</p>{table}{notes}</div>'

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """Return one row per item: rank from 1, item, score, perhaps why, item table columns."""
        columns = {"rank": np.arange(1, len(self) + 1), "item": self.items, "score": self.scores}
        table = pd.DataFrame(columns)
        if self.why:
            table["why"] = self.why
        return table if self.details is None else table.join(self.details.rows())

    def to_dict(self) -> dict:
        """Rows, source and notes in types that JSON knows; what is missing becomes None."""
        rows = json.loads(self.table.to_json(orient="records"))
        return {"items": rows, "source": self.source, "notes": list(self.notes)}


def as_shown(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table with each text on one line."""
    table = table.rename(columns=one_line)
    for name in table.columns[[not is_numeric_dtype(kind) for kind in table.dtypes]]:
        width = SENTENCE_WIDTH if name == "why" else TITLE_WIDTH
        table[name] = [one_line(v, width) if isinstance(v, str) else v for v in table[name]]
    return table


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
        """The rows in the order of the list, numbered from 0, without columns of vectors."""
        rows = self.items.iloc[self.item_ids - 1].reset_index(drop=True)
        vectors = [name for name in rows if rows[name].map(_is_vector).any()]
        return rows.drop(columns=vectors)


def _is_vector(value) -> bool:
    """Whether a value is a list of numbers, which nobody can read in a table."""
    return isinstance(value, list | tuple | np.ndarray)
