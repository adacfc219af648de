"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
from exercises import ExerciseChecks

from recmodels.course import check


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def naive(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def attend(queries, keys, values, mask, scale=None, softmax=softmax):
    scale = queries.shape[-1] ** -0.5 if scale is None else scale
    scores = queries @ np.swapaxes(keys, -1, -2) * scale
    return softmax(np.where(mask, scores, -1e9)) @ values


def in_place(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    return naive(scores)


def over_queries(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum(axis=0)


def one_maximum(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def clipped(scores):
    return naive(np.clip(scores, -500, 500))


def linear(scores):
    return scores / scores.sum(axis=-1, keepdims=True)


def unmasked(queries, keys, values, mask):
    return attend(queries, keys, values, np.ones_like(mask))


def inverted(queries, keys, values, mask):
    return attend(queries, keys, values, ~mask)


def unscaled(queries, keys, values, mask):
    return attend(queries, keys, values, mask, scale=1.0)


def over_width(queries, keys, values, mask):
    return attend(queries, keys, values, mask, scale=1 / queries.shape[-1])


def masked_late(queries, keys, values, mask):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    return (softmax(scores) * mask) @ values


def over_keys(queries, keys, values, mask):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(queries.shape[-1])
    exponentials = np.exp(np.where(mask, scores, -1e9))
    return exponentials / exponentials.sum(axis=1, keepdims=True) @ values


def overflowing(queries, keys, values, mask):
    return attend(queries, keys, values, mask, softmax=naive)


def split(x, heads):
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).swapaxes(1, 2)


def merge(x):
    batch, heads, length, width = x.shape
    return x.swapaxes(1, 2).reshape(batch, length, heads * width)


def split_at_once(x, heads):
    batch, length, width = x.shape
    return x.reshape(batch, heads, length, width // heads)


def split_interleaved(x, heads):
    batch, length, width = x.shape
    return np.moveaxis(x.reshape(batch, length, width // heads, heads), -1, 1)


def merge_at_once(x):
    batch, heads, length, width = x.shape
    return x.reshape(batch, length, heads * width)


def folded(values, output, heads):
    columns, rows = np.split(values, heads, axis=1), np.split(output, heads, axis=0)
    return np.stack([column @ row for column, row in zip(columns, rows, strict=True)])


def folded_backwards(values, output, heads):
    return np.stack([output @ values] * heads)


def folded_alike(values, output, heads):
    return np.stack([values @ output / heads] * heads)


def folded_into_columns(values, output, heads):
    size = len(values) // heads
    parts = [np.zeros_like(values) for _ in range(heads)]
    for head, part in enumerate(parts):
        own = slice(head * size, (head + 1) * size)
        part[:, own] = values @ output[:, own]
    return np.stack(parts)


RIGHT = {"05.1": softmax, "05.2": attend, "05.3": (split, merge), "05.4": folded}
WRONG = {
    "05.1": (in_place, over_queries, one_maximum, clipped, linear, naive, lambda s: s.sum(-1)),
    "05.2": (unmasked, inverted, unscaled, masked_late, over_keys, overflowing, lambda *given: 0),
    "05.3": ((split_at_once, merge), (split_interleaved, merge), (split, merge_at_once), split),
    "05.4": (folded_backwards, folded_alike, folded_into_columns, lambda v, o, h: v @ o),
}  # fmt: skip


class TestChecks(ExerciseChecks):
    right, wrong = RIGHT, WRONG
    given_away = ("sqrt", "square root", "maximum", "np.", "swapaxes", "transpose", "reshape", "@")


def test_any_scale_but_the_right_one_is_noticed():
    assert check("05.2", over_width).reason == check("05.2", unscaled).reason
