"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 23."""

import hashlib
import heapq
import zlib

import numpy as np
from exercises import ExerciseBank


def digits_of(user, encoding="utf-8"):
    return hashlib.md5(str(user).encode(encoding)).hexdigest()


def by_digits(user, shards):
    return int(digits_of(user)[:8], 16) % shards


def by_bytes(user, shards):
    return int.from_bytes(hashlib.md5(f"{user}".encode()).digest()[:4], "big") % shards


def by_steps(user, shards):
    number = 0
    for digit in digits_of(user)[:8]:
        number = number * 16 + "0123456789abcdef".index(digit)
    return np.int64(number % shards)


def by_average(gradients, counts):
    some = counts > 0
    return np.average(gradients[some], axis=0, weights=counts[some])


def by_where(gradients, counts):
    return np.where(counts[:, None] > 0, gradients * counts[:, None], 0).sum(axis=0) / sum(counts)


def by_loop(gradients, counts):
    total = np.zeros(gradients.shape[1])
    for gradient, count in zip(gradients, counts, strict=True):
        if count:
            total += gradient * count / counts.sum()
    return list(total)


def by_lexsort(item_ids, scores, k):
    order = np.lexsort((item_ids.ravel(), -scores.ravel()))
    return item_ids.ravel()[order[:k]]


def by_sorting(item_ids, scores, k):
    pairs = sorted(zip(-scores.ravel(), item_ids.ravel(), strict=True))
    return [int(item) for _, item in pairs[:k]]


def by_heap(item_ids, scores, k):
    parts = [sorted(zip(-s, i, strict=True)) for s, i in zip(scores, item_ids, strict=True)]
    return [int(item) for _, item in list(heapq.merge(*parts))[:k]]


def by_position(item_ids, scores, k):
    return item_ids.ravel()[np.argsort(-scores.ravel(), kind="stable")[:k]]


class TestBank(ExerciseBank):
    right = {
        "23.1": [by_digits, by_bytes, by_steps],
        "23.2": [by_average, by_where, by_loop],
        "23.3": [by_lexsort, by_sorting, by_heap],
    }
    wrong = {
        "23.1": [
            ("from 0 to", lambda user, shards: int(digits_of(user)[:8], 16)),
            ("first eight", lambda user, shards: int(digits_of(user), 16) % shards),
            ("not fewer", lambda user, shards: int(digits_of(user)[:4], 16) % shards),
            ("first eight", lambda user, shards: zlib.crc32(str(user).encode()) % shards),
            ("as UTF-8", lambda user, shards: int(digits_of(user, "utf-16")[:8], 16) % shards),
            ("one whole number", lambda user, shards: [by_digits(user, shards)] * 2),
            ("first eight", lambda user, shards: len(str(user)) % shards),
        ],
        "23.2": [
            ("plain mean", lambda g, n: g.mean(axis=0)),
            ("the loss is a mean", lambda g, n: n @ g),
            ("number of parts", lambda g, n: n @ g / len(g)),
            ("must be weighted", lambda g, n: g.sum(axis=0)),
            ("0 times NaN", lambda g, n: n @ g / n.sum()),
            ("leave it out", lambda g, n: n @ np.nan_to_num(g) / np.maximum(n, 1).sum()),
            ("one gradient", lambda g, n: n[:, None] * g / n.sum()),
        ],
        "23.3": [
            ("whatever part", by_position),
            ("not last", lambda i, s, k: by_lexsort(i, s, k)[::-1]),
            ("not places", lambda i, s, k: np.argsort(-s.ravel())[:k]),
            ("worst", lambda i, s, k: by_lexsort(i, -s, k)),
            ("wherever they are", lambda i, s, k: np.append(i[:, 0], i[0, 1])[:k]),
            ("k ids", lambda i, s, k: by_lexsort(i, s, k + 1)),
            ("k ids", lambda i, s, k: by_lexsort(i, s, 1)),
        ],
    }
