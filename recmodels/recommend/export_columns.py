"""Histories and the columns of a schema as TensorFlow functions, for exported models.

The code of a missing value depends on the type of a column: "" for texts, `MISSING` for whole
numbers and NaN for others.
"""

from collections.abc import Callable, Mapping

import numpy as np

from recmodels.data.errors import require
from recmodels.features.columns import Category, Column, Flag, Vector
from recmodels.features.counts import Counts
from recmodels.features.number_columns import (
    CLOCKS,
    FIRST_WEEKDAY,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Clock,
    Gap,
    Number,
)
from recmodels.features.schema import Schema
from recmodels.models.sequence_encoder import LENGTH_STEP

MISSING = np.iinfo(np.int64).min


def column_specs(schema: Schema, names: tuple[str, ...]) -> tuple[list, list]:
    """What an exported function takes for the columns of a model, each list in order of names.

    Returns:
        Specs of event columns, (B, T, ...), by source; and of what is told of each request, (B,
        ...): `user_age` of its user and `asked_action` of the event it asks for.

    Raises:
        ValueError: two columns need one source in different types, or a gap is one by another
            column than the item.
    """
    import tensorflow as tf

    kinds: dict[str, tuple] = {}
    for name in names:
        if name not in schema:  # Raw seconds.
            kinds[name] = (tf.float64, (None, None))
    names = tuple(name for name in names if name in schema)
    for name in names:
        column, of = schema[name], schema[name].of
        by = getattr(column, "by", None)
        must = (
            "A Gap in an exported model must have `by='item'` or none: serve others with "
            "`Recommender.load`"
        )
        require(by in (None, "item"), must, column=name, by=by)
        length = (column.length,) if isinstance(column, Vector) else ()
        wanted = {_told(schema, name): (None, *length)} if of in ("users", "asked") else {}
        wanted |= {schema.source(name): (None, None, *length)} if of in ("events", "asked") else {}
        for source, shape in wanted.items():
            kind = (_raw_type(column), shape)
            if kinds.setdefault(source, kind) != kind:
                raise ValueError(
                    f"`{source}` is read as two types by the columns of the schema, so the model "
                    f"cannot be exported. Received: {kinds[source]} and {kind}"
                )
    told = {_told(schema, name) for name in names if schema[name].of in ("users", "asked")}
    specs = [tf.TensorSpec(kinds[source][1], kinds[source][0], source) for source in sorted(kinds)]
    return [s for s in specs if s.name not in told], [s for s in specs if s.name in told]


def column_encoders(
    schema: Schema, names: tuple[str, ...], item_columns: Mapping[str, np.ndarray]
) -> tuple[Callable, list]:
    """A function from raw columns to what the model reads, and the tables to keep with it.

    The function takes a dict of raw tensors by the names of `column_specs`, the raw `histories` of
    items, and `item_ids`, (B, T), 0 where there is no event; what it returns is 0 there. It equals
    what `RequestReader` makes.

    Args:
        schema: fitted.
        names: columns of the model.
        item_columns: of the catalogue, (V + 3, ...), from `Schema.encode_items`.
    """
    import tensorflow as tf

    names, seconds = [n for n in names if n in schema], [n for n in names if n not in schema]
    lookups = {name: _table(schema[name]) for name in names if hasattr(schema[name], "values")}
    rows = {name: item_columns[name] for name in names if schema[name].of == "items"}
    rows = {n: v.astype(np.float32) if v.dtype.kind == "f" else v for n, v in rows.items()}
    rows = {name: tf.Variable(values, trainable=False) for name, values in rows.items()}

    def encode_one(name: str, raw: dict, item_ids):
        column, of, told = schema[name], schema[name].of, None
        if of in ("users", "asked"):
            told = _encode(column, raw[_told(schema, name)][:, None], lookups.get(name))
        if of == "users":
            return told
        values = raw[schema.source(name)]
        if isinstance(column, Gap):
            groups = raw["histories"] if column.by else tf.zeros_like(item_ids)
            values = _gaps(values, groups, item_ids > 0)
        codes = _encode(column, values, lookups.get(name))
        if isinstance(column, Counts):
            there = tf.where(item_ids[..., None] > 0, codes, tf.zeros_like(codes))
            codes = tf.math.log1p(tf.cumsum(there, axis=1))
        return codes if told is None else tf.concat([codes[:, 1:], told], axis=1)

    def encode(raw: dict, item_ids) -> dict:
        real = item_ids > 0
        encoded = {name: tf.cast(tf.where(real, raw[name], 0.0), tf.int64) for name in seconds}
        for name in names:
            if name in rows:
                encoded[name] = tf.gather(rows[name], item_ids)  # Row 0, padding, holds zeros.
                continue
            codes = encode_one(name, raw, item_ids)
            kept = real if codes.shape.rank == 2 else real[..., None]
            encoded[name] = tf.where(kept, codes, tf.zeros_like(codes))
        return encoded

    return encode, [*lookups.values(), *rows.values()]


def pushed_right(item_ids, columns=()):
    """Item ids with all that is 0 on the left, in their order otherwise, (B, T), T >= 1.

    The columns, (B, T, ...), are moved alike.
    """
    import tensorflow as tf

    item_ids = tf.pad(item_ids, [[0, 0], [1, 0]])
    order = tf.argsort(tf.cast(item_ids > 0, tf.int32), axis=1, stable=True)
    item_ids = tf.gather(item_ids, order, batch_dims=1)
    longest = tf.reduce_max(tf.math.count_nonzero(item_ids, axis=1, dtype=tf.int32))
    length = tf.maximum(longest, 1)
    moved = []
    for column in columns:
        padded = tf.concat([tf.zeros_like(column[:, :1]), column], axis=1)
        moved.append(tf.gather(padded, order, batch_dims=1)[:, -length:])
    return item_ids[:, -length:], moved


def latest(known, max_length: int):
    """What a model reads of them, (B, T), T a multiple of `LENGTH_STEP`, or `max_length`.

    Few lengths, because the first matrix product of each new shape costs a compilation.
    """
    import tensorflow as tf

    length = -(-tf.shape(known)[1] // LENGTH_STEP) * LENGTH_STEP
    padded = tf.pad(known, [[0, 0], [LENGTH_STEP, 0]] + [[0, 0]] * (known.shape.rank - 2))
    return padded[:, -tf.minimum(length, max_length) :]


def _told(schema: Schema, name: str) -> str:
    """Name of an argument that tells something of each request, not of each event."""
    return f"{'user' if schema[name].of == 'users' else 'asked'}_{schema.source(name)}"


def _raw_type(column: Column):
    import tensorflow as tf

    if isinstance(column, Category | Counts):
        return tf.string if isinstance(next(iter(column.values), ""), str) else tf.int64
    return tf.int64 if isinstance(column, Flag) else tf.float64


def _table(column: Category | Counts):
    import tensorflow as tf

    keys = tf.constant(list(column.values), _raw_type(column))
    codes = tf.range(1, len(column.values) + 1, dtype=tf.int32)
    pairs = tf.lookup.KeyValueTensorInitializer(keys, codes)
    return tf.lookup.StaticHashTable(pairs, default_value=len(column.values) + 1)


def _gaps(times, groups, real):
    """Seconds since the previous event of the same group, float64 (B, T); NaN for the first one.

    Sorting by group puts each event after that one, and needs no matrix of pairs of events.

    Args:
        times: float64 (B, T).
        groups: what both events share, integers or texts, (B, T).
        real: bool (B, T), False for padding on the left.
    """
    import tensorflow as tf

    groups = tf.reshape(tf.unique(tf.reshape(groups, [-1])).idx, tf.shape(groups))
    groups = tf.where(real, groups, -1)
    order = tf.argsort(groups, axis=1, stable=True)
    sorted_groups = tf.gather(groups, order, batch_dims=1)
    sorted_times = tf.gather(times, order, batch_dims=1)
    same = tf.pad(sorted_groups[:, 1:] == sorted_groups[:, :-1], [[0, 0], [1, 0]])
    passed = tf.pad(sorted_times[:, 1:] - sorted_times[:, :-1], [[0, 0], [1, 0]])
    gaps = tf.where(same & (sorted_groups >= 0), passed, np.nan)
    return tf.gather(gaps, tf.argsort(order, axis=1), batch_dims=1)


def _encode(column: Column, values, table):
    import tensorflow as tf

    if isinstance(column, Category):
        missing = values == ("" if values.dtype == tf.string else MISSING)
        return tf.where(missing, column.num_codes - 1, table.lookup(values))
    if isinstance(column, Counts):  # Neither unknown nor missing values have a place.
        return tf.one_hot(table.lookup(values) - 1, len(column.values))
    if isinstance(column, Flag):
        return tf.where(values == MISSING, 3, 1 + tf.cast(values, tf.int32))
    if isinstance(column, Vector):
        missing = tf.reduce_all(tf.math.is_nan(values), axis=-1, keepdims=True)
        vectors = tf.where(missing, 0.0, tf.cast(values, tf.float32))
        return tf.concat([vectors, tf.cast(missing, tf.float32)], axis=-1)
    if isinstance(column, Clock):
        return _clock(column, values)
    if isinstance(column, Number) and column.buckets is None:
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
