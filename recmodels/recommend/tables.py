"""The tables of a bundle: its vocabulary, what is known of its items, and histories of users."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.checks import ids, lists_of_items, malformed, read_columns, reading
from recmodels.recommend.item_table import in_item_order


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write the raw ids, in the order of the item ids 1..V."""
    pd.DataFrame({"item": vocabulary.raw_ids}).to_parquet(path, index=False)


def read_vocabulary(path: Path) -> Vocabulary:
    """What `write_vocabulary` wrote; raises a `MalformedBundle` for anything else."""
    table = read_columns(path, item=ids)
    with reading(path, "item"):
        return Vocabulary(table.to_pandas()["item"])


def write_items(path: Path, items: pd.DataFrame, vocabulary: Vocabulary) -> None:
    """Write an item table, indexed by raw id.

    Raises:
        ValueError: the table does not fit the vocabulary, or Parquet cannot hold a column.
    """
    in_item_order(items, vocabulary)  # Raises where the two do not fit.
    for name in items.columns:
        try:
            pa.array(items[name], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError) as error:
            kinds = sorted({type(value).__name__ for value in items[name].dropna()})
            raise ValueError(
                f"`items` must have columns of one type each, which Parquet can hold: convert "
                f"column {name!r}, with `astype(str)` for example. Received: types={kinds}, {error}"
            ) from error
    items.rename_axis(index="item").reset_index().to_parquet(path, index=False)


def read_items(path: Path, vocabulary: Vocabulary) -> pd.DataFrame:
    """What `write_items` wrote; raises a `MalformedBundle` for anything else."""
    table = read_columns(path, item=ids)
    with reading(path, "item"):
        items = table.to_pandas().set_index("item")
        in_item_order(items, vocabulary)  # Raises where the two do not fit.
    return items


def write_histories(path: Path, histories: Histories) -> None:
    """Write one row per user: the raw id, and the item ids as a list."""
    items = pa.LargeListArray.from_arrays(histories.offsets, histories.items)
    users = pa.array(np.asarray(histories.users))
    pq.write_table(pa.table({"user": users, "items": items}), path)


def read_histories(path: Path, num_items: int) -> Histories:
    """What `write_histories` wrote; raises a `MalformedBundle` for anything else."""
    table = read_columns(path, user=ids, items=lists_of_items)
    lists = table["items"].combine_chunks()
    with reading(path, "items"):
        items = lists.flatten().to_numpy()  # Raises where one is missing.
    users = table["user"].to_pandas()
    if users.duplicated().any():
        raise malformed(path, "user", "be distinct", users[users.duplicated()].iloc[0])
    if len(items) and not 1 <= items.min() <= items.max() <= num_items + 1:
        raise malformed(
            path, "items", f"be item ids in 1..{num_items + 1}", f"{items.min()} to {items.max()}"
        )
    offsets = np.concatenate([[0], np.cumsum(lists.value_lengths(), dtype=np.int64)])
    return Histories(users.to_numpy(), items, offsets, {})
