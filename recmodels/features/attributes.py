"""Multi-hot user and item features.

For texts and lists of categories, of which an item has several at once, in two towers. A column
with one value per item or user (a brand, a price, an age, a text vector) belongs in a `Schema`
with `of="items"` or `of="users"`: all models, bundles and exports read it from there.
"""

import re

import numpy as np
import pandas as pd

_WORD = re.compile(r"\w+")
_BINS = 8  # For numbers such as an age; all bins have about as many ids.


def attribute_matrix(
    table: pd.DataFrame, raw_ids: np.ndarray, *, columns: tuple[str, ...], min_count: int = 2
) -> np.ndarray:
    """Encode words, categories and ranges of numbers of each id as zeros and ones.

    Texts are cut into words, or at `|` where a category holds one; a year in a title is a word
    like any other. Numbers become equally full bins.

    Args:
        table: one row per id, indexed by raw id, such as `interactions.items`.
        raw_ids: whose rows to make, in this order, (N,). Ids that the table lacks have only zeros.
        columns: of the table, such as `("title", "category")`.
        min_count: attributes of fewer ids are left out.

    Returns:
        Zeros and ones, float32, (N, F).

    Raises:
        ValueError: the table lacks a column.

    Example:
        >>> items = pd.DataFrame({"title": ["Tea (1995)", "Tea", "Cup (1995)"]})
        >>> attribute_matrix(items, [0, 1, 2], columns=("title",))   # 1995, tea
        [[1, 1], [0, 1], [1, 0]]
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"`columns` must be columns of the table. Received: columns={columns}, the table has "
            f"{list(table.columns)}"
        )
    rows = table.reindex(raw_ids)
    parts = [_one_column(rows[name], min_count) for name in columns]
    return np.concatenate([np.zeros((len(rows), 0), np.float32), *parts], axis=1)


def _one_column(values: pd.Series, min_count: int) -> np.ndarray:
    """Encode one column as zeros and ones, float32, (N, F)."""
    if pd.api.types.is_numeric_dtype(values):
        edges = np.unique(np.nanquantile(values, np.arange(1, _BINS) / _BINS))
        places = np.searchsorted(edges, values)
        tokens = [set() if np.isnan(v) else {p} for v, p in zip(values, places, strict=True)]
    else:
        texts = [text if isinstance(text, str) else "" for text in values]
        cut = (lambda t: t.split("|")) if any("|" in t for t in texts) else _words
        tokens = [set(cut(text)) - {""} for text in texts]
    names = {token: column for column, token in enumerate(sorted(set().union(*tokens)))}
    matrix = np.zeros((len(tokens), len(names)), np.float32)
    for row, row_tokens in enumerate(tokens):
        matrix[row, [names[token] for token in row_tokens]] = 1
    return matrix[:, matrix.sum(axis=0) >= min_count]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
