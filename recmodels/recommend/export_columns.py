"""The columns of a schema as TensorFlow functions, for exported models that read more than items.

What stands for a missing value depends on the type of a column: "" for texts, `MISSING` for whole
numbers and NaN for others.
"""

from collections.abc import Callable

import numpy as np

from recmodels.features.columns import Category, Column, Flag, Vector
from recmodels.features.number_columns import (
    CLOCKS,
    FIRST_WEEKDAY,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Clock,
    Gap,
)
from recmodels.features.schema import Schema

MISSING = np.iinfo(np.int64).min


def column_specs(schema: Schema, names: tuple[str, ...]) -> list:
    """What an exported function takes for the columns of a model: a spec per source, by name.

    Raises:
        ValueError: two columns need one source in different types.
    """
    import tensorflow as tf

    kinds: dict[str, tuple] = {}
    for name in names:
        column, source = schema[name], schema.source(name)
        shape = (None, None, column.length) if isinstance(column, Vector) else (None, None)
        kind = (_raw_type(column), shape)
        if kinds.setdefault(source, kind) != kind:
            raise ValueError(
                f"`{source}` is read as two types by the columns of the schema, so the model "
                f"cannot be exported. Received: {kinds[source]} and {kind}"
            )
    return [tf.TensorSpec(kinds[s][1], kinds[s][0], s) for s in sorted(kinds)]


def column_encoders(schema: Schema, names: tuple[str, ...]) -> tuple[Callable, list]:
    """A function from raw columns to what the model reads, and the tables to keep with it.

    The function takes a dict of raw tensors (B, T, ...) by source and `real`, bool (B, T), True
    where there is an event; what it returns is 0 elsewhere. It equals `Schema.encode`.
    """
    import tensorflow as tf

    tables = {name: _table(schema[name]) for name in names if isinstance(schema[name], Category)}

    def encode(raw: dict, real) -> dict:
        found = {}
        for name in names:
            values = raw[schema.source(name)]
            codes = _encode(schema[name], values, real, tables.get(name))
            kept = real if codes.shape.rank == 2 else real[..., None]
            found[name] = tf.where(kept, codes, tf.zeros_like(codes))
        return found

    return encode, list(tables.values())


def _raw_type(column: Column):
    import tensorflow as tf

    if isinstance(column, Category):
        return tf.string if isinstance(next(iter(column.values), ""), str) else tf.int64
    return tf.int64 if isinstance(column, Flag) else tf.float64


def _table(column: Category):
    import tensorflow as tf

    keys = tf.constant(list(column.values), _raw_type(column))
    codes = tf.range(1, len(column.values) + 1, dtype=tf.int32)
    pairs = tf.lookup.KeyValueTensorInitializer(keys, codes)
    return tf.lookup.StaticHashTable(pairs, default_value=len(column.values) + 1)


def _encode(column: Column, values, real, table):
    import tensorflow as tf

    if isinstance(column, Category):
        missing = values == ("" if values.dtype == tf.string else MISSING)
        return tf.where(missing, column.num_codes - 1, table.lookup(values))
    if isinstance(column, Flag):
        return tf.cast(tf.where(values == MISSING, 3, 1 + values), tf.int32)
    if isinstance(column, Vector):
        missing = tf.reduce_all(tf.math.is_nan(values), axis=-1, keepdims=True)
        vectors = tf.where(missing, 0.0, tf.cast(values, tf.float32))
        return tf.concat([vectors, tf.cast(missing, tf.float32)], axis=-1)
    if isinstance(column, Clock):
        return _clock(column, values)
    if isinstance(column, Gap):
        before = tf.pad(values[:, :-1], [[0, 0], [1, 0]])
        follows = tf.pad(real[:, :-1], [[0, 0], [1, 0]])
        values = tf.where(follows, values - before, np.nan)
    elif column.buckets is None:
        missing = tf.math.is_nan(values)
        numbers = tf.math.log1p(values) if column.scale == "log1p" else values
        scaled = tf.where(missing, tf.zeros_like(values), (numbers - column.center) / column.spread)
        return tf.cast(tf.stack([scaled, tf.cast(missing, values.dtype)], axis=-1), tf.float32)
    edges = tf.constant(column.edges, values.dtype)
    flat = tf.searchsorted(edges, tf.reshape(values, [-1]), side="right")
    codes = 1 + tf.reshape(flat, tf.shape(values))
    return tf.where(tf.math.is_nan(values), column.num_codes - 1, codes)


def _clock(column: Clock, values):
    import tensorflow as tf

    seconds = values + column.offset * SECONDS_PER_HOUR
    if column.part == "hour":
        codes = 1 + tf.math.floormod(seconds, SECONDS_PER_DAY) // SECONDS_PER_HOUR
    else:
        days = tf.math.floor(seconds / SECONDS_PER_DAY)
        codes = 1 + tf.math.floormod(days + FIRST_WEEKDAY, CLOCKS["weekday"])
    missing = tf.math.is_nan(seconds)
    codes = tf.cast(tf.where(missing, tf.zeros_like(codes), codes), tf.int32)
    return tf.where(missing, column.num_codes - 1, codes)
