"""The function `next_behaviour` of exported models: what comes next, in TensorFlow alone."""

import math
from collections.abc import Callable

from recmodels.layers.time_head import mixture
from recmodels.models.next_event import NextEvent
from recmodels.recommend.behaviour import SHARES

FAR = -20.0  # Below it the series of the normal distribution function is exact in float64.
HALVINGS = 80  # Of the interval that holds a quantile, until a float cannot tell.


def behaviour_function(module, model: NextEvent, read: Callable, states_of: Callable, specs):
    """A `tf.function` that answers what `Recommender.next_behaviour` answers.

    Args:
        module: with `raw_ids` and `vectors`.
        model: whose forecasts are served.
        read: from raw histories and columns to the raw columns by name, with all events at the
            right end, and the inputs of the model.
        states_of: from these inputs to states, (B, D).
        specs: of the columns of events and of those of requests, a list each; see `column_specs`.

    Returns:
        A function of `histories`, (B, T), `k`, int32, `given`, one label, or "" (-1) for all types,
        `at`, float64 (B,) with NaN for the time of the last event, where the model reads times,
        and the columns. It gives a dict with

            types, items, probabilities      the k best events, (B, k), best first
            type_labels, type_probabilities  (A,) and (B, A)
            seconds                          within which the next event comes with probability
                                             0.1, 0.5 and 0.9, counted from `at`, (B, 3)

        Histories without an event get NaN. An unknown `given`, or an `at` before the last event, is
        an error of TensorFlow's.
    """
    import tensorflow as tf

    (events, told), types = specs, list(model.types)
    kind = tf.string if isinstance(types[0], str) else tf.int64
    module.types = tf.constant(["" if kind == tf.string else -1, *types], kind)
    timed = any(spec.name == "timestamp" for spec in events)
    rest = [tf.TensorSpec((), tf.int32, "k"), tf.TensorSpec((), kind, "given")]
    rest += [tf.TensorSpec((None,), tf.float64, "at")] * timed

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), module.raw_ids.dtype, "histories"), *rest, *events, *told
        ],
        autograph=False,
    )  # fmt: skip
    def next_behaviour(histories, k, given, *columns):
        at, columns = (columns[0], columns[1:]) if timed else (None, columns)
        raw, inputs = read(histories, columns)
        some = tf.reduce_any(inputs["item_ids"] > 0, axis=1)
        states = states_of(inputs)
        log_types = tf.where(some[:, None], model.log_types(states), math.nan)
        shares = tf.nn.softmax(tf.cast(log_types, tf.float64))
        answer = _best(module, model, states, shares, given, k)
        answer["type_probabilities"] = shares
        answer["type_labels"] = module.types[1:]
        if model.time_head is not None:
            waited = tf.zeros_like(shares[:, 0]) if at is None else _waited(at, raw["timestamp"])
            parameters = mixture(model.time_head(states), model.time_width)
            seconds = _quantiles(parameters, waited)
            answer["seconds"] = tf.where(some[:, None], seconds, math.nan)
        return answer

    return next_behaviour


def behaviour_of_states(model: NextEvent, states, vectors) -> dict:
    """Log-probabilities of types and items and parameters of the gap, for `export_lite`."""
    import tensorflow as tf

    items = _log_items(model, states, tf.constant(vectors))
    found = {"types": model.log_types(states), "items": items}
    if model.time_head is not None:
        found["gap"] = tf.stack(mixture(model.time_head(states), model.time_width), axis=1)
    return found


def _log_items(model: NextEvent, states, vectors):
    """Log-probabilities of the items given each type, (B, A, V)."""
    import tensorflow as tf

    places = range(1, len(model.types) + 1)
    return tf.stack([model.log_items(states, place, vectors) for place in places], axis=1)


def _best(module, model: NextEvent, states, shares, given, k) -> dict:
    """The k most probable events, or items of events of the type `given`."""
    import tensorflow as tf

    known = module.types[1:] == given
    every = given == module.types[0]
    message = "`given` must be a type that the model was trained on, or empty"
    with tf.control_dependencies(
        [tf.debugging.Assert(every | tf.reduce_any(known), [message, given])]
    ):
        chosen = tf.where(every, shares, tf.cast(known, tf.float64)[None] + 0 * shares)
    items = tf.cast(_log_items(model, states, module.vectors), tf.float64)
    joint = tf.exp(items) * chosen[:, :, None]
    num_items = tf.shape(joint)[2]
    flat = tf.reshape(joint, (tf.shape(joint)[0], -1))
    most = tf.where(every, tf.shape(flat)[1], num_items)
    best, places = tf.math.top_k(flat, tf.minimum(k, most))
    return {
        "types": tf.gather(module.types, 1 + places // num_items),
        "items": tf.gather(module.raw_ids, 1 + places % num_items),
        "probabilities": best,
    }


def _waited(at, times):
    """Seconds between the last event and the question, float64 (B,); 0 where `at` is NaN."""
    import tensorflow as tf

    waited = tf.where(tf.math.is_nan(at), tf.zeros_like(at), tf.math.floor(at) - times[:, -1])
    fits = tf.reduce_all((waited >= 0) | tf.math.is_nan(waited))
    message = "`at` must not be before the last event"
    with tf.control_dependencies([tf.debugging.Assert(fits, [message, waited])]):
        return tf.identity(waited)


def _quantiles(parameters, elapsed):
    """As `LogNormalMixture.quantile`, float64 (B, number of shares)."""
    import tensorflow as tf

    log_weights, means, log_scales = (tf.cast(part, tf.float64)[:, None] for part in parameters)
    scales, passed = tf.exp(log_scales), tf.math.log1p(elapsed)[:, None]  # (B, 1, K) and (B, 1)

    def log_survival(logs):
        z = (means - logs[:, :, None]) / scales
        return tf.reduce_logsumexp(log_weights + _log_ndtr(z), axis=-1)

    target = tf.where(passed > 0, log_survival(passed), tf.zeros_like(passed))
    target += tf.math.log1p(-tf.constant(SHARES, tf.float64))[None]  # (B, S)
    low = tf.reduce_min(means - 12 * scales, axis=2) + tf.zeros_like(target)
    high = tf.maximum(tf.reduce_max(means + 12 * scales, axis=2), 2 * passed + 1)

    def halve(low, high):
        middle = (low + high) / 2
        below = log_survival(middle) > target
        return tf.where(below, middle, low), tf.where(below, high, middle)

    start = (low, high + tf.zeros_like(target))
    _, high = tf.while_loop(lambda *_: True, halve, start, maximum_iterations=HALVINGS)
    return tf.maximum(tf.math.expm1(high) - elapsed[:, None], 0.0)


def _log_ndtr(z):
    """Logarithm of the standard normal distribution function, float64.

    Far on the left it is -z^2 / 2 - log(-z sqrt(2 pi)) + log(1 - 1 / z^2 + 3 / z^4).
    """
    import tensorflow as tf

    near, far = tf.maximum(z, FAR), tf.minimum(z, FAR)
    direct = tf.math.log(tf.math.erfc(-near / math.sqrt(2)) / 2)
    series = -(far**2) / 2 - tf.math.log(-far * math.sqrt(2 * math.pi))
    series += tf.math.log1p(-1 / far**2 + 3 / far**4)
    return tf.where(z < FAR, series, direct)
