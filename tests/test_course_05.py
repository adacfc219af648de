"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 05."""

import keras
import numpy as np
import scipy.special
from exercises import ExerciseBank


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def softmax_by_loop(scores):
    if np.ndim(scores) > 1:
        return [softmax_by_loop(row) for row in scores]
    parts = [np.exp(score - max(scores)) for score in scores]
    return [part / sum(parts) for part in parts]


def softmax_by_logs(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))


def naive(scores, axis=-1):
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)


def in_place(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    return naive(scores)


def attend(queries, keys, values, mask, scale=None, softmax=softmax, hidden=-1e9):
    scale = queries.shape[-1] ** -0.5 if scale is None else scale
    scores = queries @ np.swapaxes(keys, -1, -2) * scale
    return softmax(np.where(mask, scores, hidden)) @ values


def attend_to_visible(queries, keys, values, mask):
    states = [[v[seen].T @ softmax(k[seen] @ q / np.sqrt(len(q))) if seen.any() else v.mean(axis=0)
               for q, seen in zip(qs, rows, strict=True)]
              for qs, k, v, rows in zip(queries, keys, values, mask, strict=True)]  # fmt: skip
    return np.array(states)


def attend_below(queries, keys, values, mask, distance):
    scores = queries @ np.swapaxes(keys, -1, -2) / queries.shape[-1] ** 0.5
    return softmax(np.where(mask, scores, scores.min() - distance)) @ values


def attend_by_loop(queries, keys, values, mask):
    states = np.zeros((*queries.shape[:2], values.shape[-1]))
    for b, t in np.ndindex(*queries.shape[:2]):
        seen = np.flatnonzero(mask[b, t])
        if len(seen):
            scores = keys[b, seen] @ queries[b, t] / np.sqrt(queries.shape[-1])
            states[b, t] = scipy.special.softmax(scores) @ values[b, seen]
    return states


def attend_by_einsum(queries, keys, values, mask):
    scores = np.einsum("btd,bsd->bts", queries, keys) / queries.shape[-1] ** 0.5
    scores = np.where(mask, scores, -np.inf)
    top = np.nan_to_num(scores.max(axis=-1, keepdims=True), neginf=0.0)
    weights = np.exp(scores - top)
    total = weights.sum(axis=-1, keepdims=True)
    return np.einsum("bts,bse->bte", weights / np.where(total, total, 1), values)


def attend_additively(queries, keys, values, mask):
    scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(keys.shape[-1])
    return scipy.special.softmax(scores + (mask - 1.0) * 1e9, axis=-1) @ values


def attend_by_keras(queries, keys, values, mask):
    q, k, v = (keras.ops.convert_to_tensor(x, "float64") for x in (queries, keys, values))
    scores = q @ keras.ops.swapaxes(k, 1, 2) / queries.shape[-1] ** 0.5
    return keras.ops.softmax(keras.ops.where(mask, scores, -1e12), axis=-1) @ v


def to_infinity(queries, keys, values, mask):
    return attend(queries, keys, values, mask, hidden=-np.inf)


def to_minus(number):
    return lambda q, k, v, mask: attend(q, k, v, mask, hidden=-number)


def masked_late(queries, keys, values, mask):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    return (softmax(scores) * mask) @ values


def masked_by_product(queries, keys, values, mask):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    return softmax(scores * mask) @ values


def over_queries(queries, keys, values, mask):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    exponentials = np.exp(np.where(mask, scores, -1e9))
    return exponentials / exponentials.sum(axis=1, keepdims=True) @ values


def split(x, heads):
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).swapaxes(1, 2)


def merge(x):
    batch, heads, length, width = x.shape
    return x.swapaxes(1, 2).reshape(batch, length, heads * width)


def split_interleaved(x, heads):
    batch, length, width = x.shape
    return np.moveaxis(x.reshape(batch, length, width // heads, heads), -1, 1)


def split_at_once(x, heads):
    batch, length, width = x.shape
    return x.reshape(batch, heads, length, width // heads)


def merge_at_once(x):
    batch, heads, length, width = x.shape
    return x.reshape(batch, length, heads * width)


def merge_mean(x):
    return np.repeat(x.mean(axis=1), x.shape[1], axis=-1)


def split_keeping_length_first(x, heads):
    return split(x, heads).swapaxes(1, 2)


def folded(values, output, heads):
    columns, rows = np.split(values, heads, axis=1), np.split(output, heads, axis=0)
    return np.stack([column @ row for column, row in zip(columns, rows, strict=True)])


def folded_by_slices(values, output, heads):
    size = values.shape[1] // heads
    slices = [slice(head * size, (head + 1) * size) for head in range(heads)]
    return [values[:, own] @ output[own] for own in slices]


def folded_by_einsum(values, output, heads):
    width = len(values)
    return np.einsum("dhs,hse->hde", values.reshape(width, heads, -1),
                     output.reshape(heads, -1, width))  # fmt: skip


def folded_by_masks(values, output, heads):
    owners = np.arange(len(values)) * heads // len(values)
    return [values * (owners == head) @ output for head in range(heads)]


def folded_into_columns(values, output, heads):
    size = len(values) // heads
    parts = [np.zeros_like(values) for _ in range(heads)]
    for head, part in enumerate(parts):
        own = slice(head * size, (head + 1) * size)
        part[:, own] = values @ output[:, own]
    return np.stack(parts)


def folded_by_steps(values, output, heads):
    return np.stack([values[:, head::heads] @ output[head::heads] for head in range(heads)])


class TestBank(ExerciseBank):
    right = {
        "05.1": [
            softmax,
            softmax_by_loop,
            softmax_by_logs,
            lambda scores: scipy.special.softmax(scores, axis=-1),
            lambda scores: keras.ops.softmax(scores.astype("float32"), axis=-1),
            lambda s: np.exp(s - scipy.special.logsumexp(s, axis=-1, keepdims=True)),
        ],
        "05.2": [attend, attend_to_visible, attend_by_loop, attend_by_einsum,
                 attend_additively, attend_by_keras,
                 lambda q, k, v, mask: np.nan_to_num(to_infinity(q, k, v, mask))],
        "05.3": [
            (split, merge),
            [lambda x, heads: np.stack(np.split(x, heads, axis=-1), axis=1),
             lambda heads: np.concatenate(list(heads.swapaxes(0, 1)), axis=-1)],
            (lambda x, h: keras.ops.transpose(
                keras.ops.reshape(x, (*x.shape[:2], h, -1)), (0, 2, 1, 3)),
             lambda x: np.concatenate([x[:, h] for h in range(x.shape[1])], axis=2)),
        ],
        "05.4": [folded, folded_by_slices, folded_by_einsum, folded_by_masks],
    }  # fmt: skip
    wrong = {
        "05.1": [
            ("changes the array", in_place),
            ("two axes only", lambda s: naive(s - s.max(axis=1, keepdims=True), axis=1)),
            ("far below another", lambda s: naive(
                np.clip(s - np.median(s, axis=-1, keepdims=True), -700, 700))),
            ("first axis", lambda scores: np.exp(scores) / np.exp(scores).sum(axis=0)),
            ("maximum of each row", lambda scores: naive(scores - scores.max())),
            ("however large", lambda scores: naive(np.clip(scores, -500, 500))),
            ("by their sum", lambda scores: scores / scores.sum(axis=-1, keepdims=True)),
            ("overflows", naive),
            ("overflows", lambda scores: naive(scores - scores.mean(axis=-1, keepdims=True))),
            ("shape of the scores", lambda scores: scores.sum(axis=-1)),
            ("whole array", lambda scores: np.exp(scores) / np.exp(scores).sum()),
            ("divide them by their sum", lambda s: np.exp(s - s.max(axis=-1, keepdims=True))),
            ("logarithm", lambda scores: np.log(softmax(scores))),
            ("smallest score", lambda scores: softmax(-scores)),
            ("sigmoid", scipy.special.expit),
        ],
        "05.2": [
            ("ignores the mask", lambda q, k, v, mask: attend(q, k, v, np.ones_like(mask))),
            ("exactly 0", lambda q, k, v, mask: attend_below(q, k, v, mask, 100)),
            ("weighted means", lambda q, k, v, mask: attend(
                q, k, v, np.broadcast_to(mask[:, -1:], mask.shape))),
            ("weighted means", lambda q, k, v, mask: attend(
                q, k, v, np.broadcast_to(mask.any(axis=0), mask.shape))),
            ("exactly what is hidden", lambda q, k, v, mask: attend(q, k, v, ~mask)),
            ("not scaled", lambda q, k, v, mask: attend(q, k, v, mask, scale=1.0)),
            ("by its root", lambda q, k, v, mask: attend(q, k, v, mask, scale=1 / q.shape[-1])),
            ("after the softmax", masked_late),
            ("set to 0", masked_by_product),
            ("set to 0", to_minus(0.0)),
            ("over the queries", over_queries),
            ("overflows", lambda q, k, v, mask: attend(q, k, v, mask, softmax=naive)),
            ("keys are all hidden", to_infinity),
            ("attends to hidden keys", to_minus(100.0)),
            ("attends to hidden keys", to_minus(10_000.0)),
            ("width of the keys", lambda q, k, v, mask: attend(q, k, v, mask, v.shape[-1] ** -0.5)),
            ("width 9 only", lambda q, k, v, mask: attend(q, k, v, mask, scale=1 / 3)),
            ("for each query", lambda q, k, v, mask: 0),
            ("averaged", lambda q, k, v, mask: mask @ v / mask.sum(axis=-1, keepdims=True)),
        ],
        "05.3": [
            ("a reshape alone", (split_at_once, merge)),
            ("every third feature", (split_interleaved, merge)),
            ("Merging by a reshape", (split, merge_at_once)),
            ("both functions", split),
            ("both functions", (split, None)),
            ("into three heads", (split_keeping_length_first, merge)),
            ("does not undo it", (split, merge_mean)),
            ("reverse order", (lambda x, heads: split(x, heads)[:, ::-1], merge)),
            ("not for two", (lambda x, heads: split(x, 3), lambda x: merge(x[:, ::-1])
                             if x.shape[0] == 1 else merge(x))),
        ],
        "05.4": [
            ("value kernel acts first", lambda v, o, h: np.stack([o @ v] * h)),
            ("whole kernels", lambda v, o, h: np.stack([v @ o / h] * h)),
            ("whole kernels", lambda v, o, h: np.stack([v @ o] * h)),
            ("cut by columns", folded_into_columns),
            ("for each head", lambda v, o, h: v @ o),
            ("transposed", lambda v, o, h: folded(v, o.T, h)),
            ("element by element", lambda v, o, h: np.stack([v * o] * h)),
            ("every third feature", folded_by_steps),
            ("reversed", lambda v, o, h: folded(v, o, h)[::-1]),
            ("rows of another", lambda v, o, h: folded(v, np.concatenate(np.split(o, h)[::-1]), h)),
        ],
    }  # fmt: skip
    given_away = ("sqrt", "square root", "np.", "swapaxes", "transpose(", "@")
