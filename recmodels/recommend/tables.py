"""The tables of a bundle: vocabulary, item table, and histories of users."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recmodels.data.errors import invalid
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.checks import ids, lists_of_items, malformed, read_columns, reading
from recmodels.recommend.item_table import in_item_order

COLUMN = "column "  # Begins the name of a further column of the histories.


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
            must = "`items` must have columns of one type each, which Parquet can hold: convert "
            advice = f"{must}column {name!r}, with `astype(str)` for example"
            raise invalid(advice, types=kinds, error=error) from error
    items.rename_axis(index="item").reset_index().to_parquet(path, index=False)


def read_items(path: Path, vocabulary: Vocabulary) -> pd.DataFrame:
    """What `write_items` wrote; raises a `MalformedBundle` for anything else."""
    table = read_columns(path, item=ids)
    with reading(path, "item"):
        items = table.to_pandas().set_index("item")
        in_item_order(items, vocabulary)  # Raises where the two do not fit.
    return items


def write_histories(path: Path, histories: Histories, schema: Schema) -> None:
    """Write one row per user: the raw id, the item ids as a list, and a list per column.

    Columns of items are left out: they follow from the item table.
    """
    offsets = pa.array(histories.offsets, pa.int64())
    columns = {"user": pa.array(np.asarray(histories.users))}
    columns["items"] = pa.LargeListArray.from_arrays(offsets, histories.items)
    for name in sorted(histories.columns.keys() - schema.names_of("items")):
        values = np.asarray(histories.columns[name])
        flat = pa.array(values.ravel())
        if values.ndim > 1:
            flat = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        columns[COLUMN + name] = pa.LargeListArray.from_arrays(offsets, flat)
    pq.write_table(pa.table(columns), path)


def read_histories(path: Path, num_items: int, schema: Schema) -> Histories:
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
    names = [name for name in table.column_names if name.startswith(COLUMN)]
    columns = {n.removeprefix(COLUMN): _read_column(path, table, n, lists) for n in names}
    for name, values in columns.items():
        _check_codes(path, name, values, schema)
    return Histories(users.to_numpy(), items, offsets, columns)


def _read_column(path: Path, table: pa.Table, name: str, items: pa.Array) -> np.ndarray:
    """One further column of all events, (N,) or (N, C), as long as the lists of items."""
    with reading(path, name):
        lists = table[name].combine_chunks()
        fits = lists.value_lengths().equals(items.value_lengths())
        flat, width = lists.flatten(), None
        if pa.types.is_fixed_size_list(flat.type):
            flat, width = flat.flatten(), flat.type.list_size
        values = flat.to_numpy(zero_copy_only=False)
    if not fits or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise malformed(path, name, "hold one finite number for each item", str(table[name].type))
    return values if width is None else values.reshape(-1, width)


def _check_codes(path: Path, name: str, values: np.ndarray, schema: Schema) -> None:
    """Raise unless encoded columns hold codes or widths that the schema knows."""
    if name not in schema:
        return
    codes, width = schema[name].num_codes, schema[name].width
    if codes is None:
        if values.shape[1:] != (width,):
            raise malformed(path, name, f"hold {width} numbers per event", values.shape)
    elif values.dtype.kind not in "iu" or (
        len(values) and not 1 <= values.min() <= values.max() < codes
    ):
        raise malformed(path, name, f"hold codes in 1..{codes - 1}", values)
