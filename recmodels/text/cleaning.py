"""Prepare texts of items for an encoder: without markup, control characters and repeated blanks."""

import html
import re
import unicodedata
from collections.abc import Mapping, Set

import numpy as np
import pandas as pd

from recmodels.data.errors import require

MOST_CHARACTERS = 20_000  # More than any encoder reads; bounds the time of one text.
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>|<!--.{0,2000}?-->", re.DOTALL)


def is_list(texts: object) -> bool:
    """Return whether an object can hold a text per item: a list, a column or an array (N,)."""
    if isinstance(texts, np.ndarray):
        return texts.ndim == 1
    unordered = (str, bytes, Mapping, Set, pd.DataFrame)
    return (
        hasattr(texts, "__len__")
        and hasattr(texts, "__iter__")
        and not isinstance(texts, unordered)
    )


def clean_text(text: object) -> str:
    """Return a text as one line, without tags and with entities decoded; empty where it is missing.

    Unicode is composed (NFC), so that equal letters are equal; letters, emoji and the direction
    of writing stay as they are. What follows `MOST_CHARACTERS` is cut off. A text of invisible
    characters alone is empty.

    Args:
        text: a string, or None or NaN where it is missing.

    Raises:
        ValueError: `text` is neither.

    Example:
        >>> clean_text("Tea &amp; <b>cup</b>")
        'Tea & cup'
    """
    if text is None or (not isinstance(text, str) and pd.isna(text) is True):
        return ""
    if not isinstance(text, str):
        raise ValueError(
            "`texts` must hold one string per item, or None where it is missing. "
            f"Received: {text!r:.200} of type {type(text).__name__}"
        )
    text = html.unescape(_TAG.sub(" ", text[:MOST_CHARACTERS]))
    text = unicodedata.normalize("NFC", text)
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    words = kept.split()
    return " ".join(words) if any(map(str.isprintable, "".join(words))) else ""


def item_texts(items: pd.DataFrame, columns: tuple[str, ...] = ("title", "category")) -> pd.Series:
    """One text per item: its title, then the names of its categories.

    Args:
        items: table indexed by raw item id; categories are joined by `|`. What is no string is
            written as `str` writes it.
        columns: to join, those that the table has.

    Raises:
        ValueError: `items` is no table, or has none of the columns or one of them twice.

    Example:
        >>> item_texts(pd.DataFrame({"title": ["Jug"], "category": ["Kitchen|Pots"]}))[0]
        'Jug. Kitchen, Pots'
    """
    must = "`items` must be a table, a data frame indexed by raw item id"
    require(isinstance(items, pd.DataFrame), must, items=type(items).__name__)
    there = [name for name in columns if name in items]
    must = f"`items` must have one of the columns {list(columns)}, and each once"
    once = there and all(list(items.columns).count(name) == 1 for name in there)
    require(once, must, columns=list(items.columns))
    texts = items[there].astype(object).where(items[there].notna(), "").astype(str)
    parts = [texts[name].str.replace("|", ", ", regex=False) for name in there]
    joined = parts[0].str.cat(parts[1:], sep=". ") if len(parts) > 1 else parts[0]
    return joined.str.strip(" .")
