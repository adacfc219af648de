"""Export a recommender as a SavedModel for TensorFlow alone, and its encoder for LiteRT.

Besides the adapter to TensorFlow Recommenders the only module that imports TensorFlow.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import keras
import numpy as np

from recmodels.data.atomic_dir import atomic_dir
from recmodels.data.files import written_whole
from recmodels.models.capabilities import HasEncoder, PredictsEvents, can, columns_of
from recmodels.recommend.export_behaviour import behaviour_function, behaviour_of_states
from recmodels.recommend.export_columns import column_encoders, column_specs, latest, pushed_right
from recmodels.recommend.recommender import Recommender

# Padding of histories and of short lists.
NO_TEXT, NO_NUMBER = "", -1


def export_saved_model(recommender: Recommender, folder: str | Path) -> Path:
    """Write a SavedModel that takes raw histories and gives raw ids, without this package.

    It holds the vocabulary, the weights, the item vectors, the filter of seen items, what rules
    leave out of all lists, and the fallback for histories without a known item. Its function

        recommend(histories, k, exclude, only) -> {"items": (B, k), "scores": (B, k)}

    takes `histories` of strings or int64, (B, T), oldest first, padded anywhere with "" or -1, `k`
    int32, and raw ids to leave out and to choose from, both (N,): an empty `only` allows the whole
    catalogue. Lists that run out of items are filled up with "" or -1 and minus infinity, and are
    no longer than the catalogue. `recommend_ragged` takes ragged histories instead; the signature
    `serving_default` is `recommend` with named arguments.

    A model that reads further columns takes their raw values as further arguments: first those of
    events in the order of their names, shaped like `histories`, then those of requests, (B,), such
    as `asked_action` (what is asked for) and `user_age` (of the user). Texts are "" where missing,
    whole numbers the smallest int64, other numbers and UTC seconds float64 with NaN where missing.
    Columns of items are inside. It has no `recommend_ragged`.

    A `NextEvent` also has the function and signature `next_behaviour`; see
    `export_behaviour.behaviour_function` for its arguments and answers.

    Args:
        recommender: around a sequence encoder, such as `SASRec`, or a `NextEvent`.
        folder: where to. A SavedModel that was exported there is replaced; anything else is left
            alone.

    Returns:
        The folder.

    Raises:
        ValueError: the model is no sequence encoder, Keras does not run on TensorFlow, or a rule
            depends on the rest of the list, which the exported function does not know.

    Example:
        >>> export_saved_model(recommender, "served")
        >>> loaded = tf.saved_model.load("served")       # in a process of its own
        >>> none = tf.constant([], tf.string)
        >>> loaded.recommend(tf.constant([["tea", "cup"]]), 3, none, none)["items"]
    """
    _check_encoder(recommender.scorer)
    if recommender._book.needs_reranking:
        raise ValueError(
            "`recommender` has rules that depend on the rest of the list, and a SavedModel only "
            "knows what may be shown at all: export one without them. "
            f"Received: rules={list(recommender.rules)}"
        )
    import tensorflow as tf

    folder = Path(folder).resolve()
    module = _serving_module(recommender)
    serving = module.recommend.get_concrete_function()
    if hasattr(module, "recommend_ragged"):
        module.recommend_ragged.get_concrete_function()
    signatures = {"serving_default": serving}
    if hasattr(module, "next_behaviour"):
        signatures["next_behaviour"] = module.next_behaviour.get_concrete_function()
    with atomic_dir(folder) as unfinished, _silent():
        tf.saved_model.save(module, str(unfinished), signatures=signatures)
    return folder


def export_lite(recommender: Recommender, path: str | Path) -> Path:
    """Write the encoder as a LiteRT file: item ids to the state after the last event.

    Input: `item_ids`, int32 (1, L), padded on the left with 0, then the columns that the model
    reads, encoded, by the names and in the order of `model.columns`. Output: the state, float32
    (1, D); its dot products with the item vectors are the scores. A `NextEvent` has the outputs
    `types`, (1, A), and `items`, (1, A, V), which are log-probabilities of the types and of the
    items 1..V given each type, and `gap`, (1, 3, K): log-weights, means and log-scales of the
    mixture; see `NextEvent`.

    Args:
        recommender: around a sequence encoder, such as `SASRec`, or a `NextEvent`.
        path: of the file, `.tflite` by custom.

    Raises:
        ValueError: the model is no sequence encoder, or Keras does not run on TensorFlow.
    """
    model = recommender.scorer
    _check_encoder(model)
    import tensorflow as tf

    encoder, module = _encoder(model), tf.Module()
    module.weights = [variable.value for variable in model.variables]
    vectors = encoder.item_vectors()
    wanted = encoder.input_specs(1, model.max_length)
    specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in wanted.items()]

    @tf.function(input_signature=specs, autograph=False)
    def encode(*inputs):
        found = dict(zip(wanted, inputs, strict=True))
        states = tf.cast(encoder.last_state(found), tf.float32)
        return states if model is encoder else behaviour_of_states(model, states, vectors)

    module.encode = encode
    concrete = encode.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    with written_whole(path) as unfinished:
        unfinished.write_bytes(converter.convert())
    return Path(path)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without TensorFlow's notes on where it writes: they name a folder that is renamed."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _encoder(model):
    """The sequence encoder of a model, which may be the model itself."""
    return model.encoder if can(model, HasEncoder) else model


def _check_encoder(model) -> None:
    model = _encoder(model)
    if not (hasattr(model, "last_state") and hasattr(model, "item_embedding")):
        raise ValueError(
            "`recommender` must hold a sequence encoder, such as SASRec: other models are served "
            f"with `Recommender.load`. Received: model={type(model).__name__}"
        )
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "`recommender` can be exported where Keras runs on TensorFlow alone: load the bundle "
            f"with KERAS_BACKEND=tensorflow. Received: backend={keras.backend.backend()!r}"
        )


def _serving_module(recommender: Recommender):
    """A `tf.Module` with everything a list is made of, and the functions that make them."""
    import tensorflow as tf

    module, model = _stored(recommender), recommender.scorer
    kind, num_items = module.raw_ids.dtype, len(recommender.vocabulary)
    lists = [tf.TensorSpec((None,), kind, name) for name in ("exclude", "only")]
    rest = [tf.TensorSpec((), tf.int32, "k"), *lists]
    read, (events, told) = _reader(recommender, module)

    # Signatures, because a restored function without one is traced again for every new length.
    @tf.function(
        input_signature=[tf.TensorSpec((None, None), kind, "histories"), *rest, *events, *told],
        autograph=False,
    )
    def recommend(histories, k, exclude, only, *columns):
        _, inputs = read(histories, columns)
        known = inputs["item_ids"]
        scores = _scores(model, module, inputs)
        scores = tf.where(module.allowed & _mask(module, exclude, only), scores, -math.inf)
        if recommender.filter_seen:
            scores = _without(scores, known)
        best, places = tf.math.top_k(scores, tf.minimum(k, num_items))
        places = tf.where(tf.math.is_inf(best), 0, places)
        return {"items": tf.gather(module.raw_ids, places), "scores": best}

    module.recommend = recommend
    if can(model, PredictsEvents):
        states = partial(_states, model)
        module.next_behaviour = behaviour_function(module, model, read, states, (events, told))
    if columns_of(model):
        return module

    @tf.function(input_signature=[tf.RaggedTensorSpec((None, None), kind), *rest], autograph=False)
    def recommend_ragged(histories, k, exclude, only):
        padded = histories.to_tensor(default_value=module.raw_ids[0])
        return recommend(padded, k, exclude, only)

    module.recommend_ragged = recommend_ragged
    return module


def _reader(recommender: Recommender, module) -> tuple[Callable, tuple[list, list]]:
    """A function from raw histories and columns to what models read, and the columns' specs.

    It gives the raw columns by name, their events at the right end, and the encoded inputs.
    """
    import tensorflow as tf

    reader, names = recommender._reader, columns_of(recommender.scorer)
    events, told = column_specs(reader.schema, names)
    encode, module.tables = column_encoders(reader.schema, names, reader.item_columns)
    sources, num_events = [spec.name for spec in (*events, *told)], len(events)
    unknown_id = len(recommender.vocabulary) + 1

    def read(histories, columns) -> tuple[dict, dict]:
        ids = module.item_ids.lookup(histories)  # 0 for padding and for unknown ids.
        unknown = (ids == 0) & (histories != module.raw_ids[0])
        ids = tf.where(unknown, unknown_id, ids)
        known, (items, *moved) = pushed_right(ids, [histories, *columns[:num_events]])
        raw = dict(zip(sources, [*moved, *columns[num_events:]], strict=True))
        raw["histories"] = items  # Unknown items have one id, but each its own gaps.
        return raw, {"item_ids": known, **encode(raw, known)}

    return read, (events, told)


def _stored(recommender: Recommender):
    """A `tf.Module` with weights, vocabulary, item vectors, fallback and filter."""
    import tensorflow as tf

    raw_ids = recommender.vocabulary.raw_ids.tolist()
    text = isinstance(raw_ids[0], str)
    module = tf.Module()
    module.weights = [variable.value for variable in recommender.scorer.variables]
    nothing = NO_TEXT if text else NO_NUMBER
    module.raw_ids = tf.constant([nothing, *raw_ids], tf.string if text else tf.int64)
    numbers = tf.range(1, len(raw_ids) + 1, dtype=tf.int32)
    pairs = tf.lookup.KeyValueTensorInitializer(module.raw_ids[1:], numbers)
    module.item_ids = tf.lookup.StaticHashTable(pairs, default_value=0)
    module.vectors = tf.Variable(_encoder(recommender.scorer).item_vectors(), trainable=False)
    module.fallback = tf.Variable(_fallback_scores(recommender), trainable=False)
    module.allowed = tf.Variable(recommender._book.allowed, trainable=False)
    return module


def _fallback_scores(recommender: Recommender) -> np.ndarray:
    """What the fallback says to a history that tells nothing, (V + 1,); nothing without one."""
    if recommender.fallback is None:
        return np.full(len(recommender.vocabulary) + 1, -np.inf, np.float32)
    nobody = {"item_ids": np.zeros((1, 1), np.int32), "user_ids": np.array([-1], np.int32)}
    return np.asarray(recommender.fallback.score(nobody)[0], np.float32)


def _states(model, inputs):
    """The state after the last event of each history, float32 (B, D)."""
    import tensorflow as tf

    recent = {name: latest(values, model.max_length) for name, values in inputs.items()}
    return tf.cast(_encoder(model).last_state(recent), tf.float32)


def _scores(model, module, inputs):
    """Scores of the model, or of the fallback where nothing is known, (B, V + 1)."""
    import tensorflow as tf

    known, states = inputs["item_ids"], _states(model, inputs)
    scores = model.match(states, module.vectors)
    scores = tf.pad(scores, [[0, 0], [1, 0]])
    tells = tf.reduce_any((known > 0) & (known < tf.shape(scores)[1]), axis=1)
    return tf.where(tells[:, None], scores, module.fallback)


def _mask(module, exclude, only):
    """Which columns a request allows, bool (V + 1,)."""
    import tensorflow as tf

    nobody = tf.zeros_like(module.allowed)

    def marked(raw):
        places = module.item_ids.lookup(raw)[:, None]
        return tf.tensor_scatter_nd_update(nobody, places, tf.ones_like(raw, tf.bool))

    return (marked(only) | (tf.size(only) == 0)) & ~marked(exclude)


def _without(scores, known):
    """Scores with minus infinity at the items of each history."""
    import tensorflow as tf

    rows = tf.repeat(tf.range(tf.shape(known)[0]), tf.shape(known)[1])
    columns = tf.where(known < tf.shape(scores)[1], known, 0)  # Unknown items have no column.
    places = tf.stack([rows, tf.reshape(columns, [-1])], axis=1)
    return tf.tensor_scatter_nd_update(scores, places, tf.fill(tf.shape(rows), -math.inf))
