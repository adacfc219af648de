"""Checks of the exercises of notebook 05, attention by hand."""

import numpy as np

from recmodels.course.checking import (
    call,
    exercise,
    expect,
    expect_close,
    expect_unchanged,
    numbers,
    parts,
)


@exercise("05.1", "an array of scores")
def check_softmax(answer) -> None:
    """A softmax over the last axis that survives large scores."""
    scores = np.random.default_rng(51).normal(size=(3, 5))
    reason = "The weights must have the shape of the scores."
    returned = numbers(call(answer, scores), (3, 5), reason)
    shares = np.exp(scores)
    mistakes = {
        "It sums over the first axis; the five weights of each of the three queries must sum to "
        "one.": shares / shares.sum(axis=0),
        "It sums over the whole array; the weights of each query must sum to one.": (
            shares / shares.sum()
        ),
        "The scores are divided by their sum; take their exponentials first.": (
            scores / scores.sum(axis=-1, keepdims=True)
        ),
        "These are the exponentials; divide them by their sum.": (
            shares,
            np.exp(scores - scores.max(axis=-1, keepdims=True)),
        ),
        "This is the logarithm of the softmax.": np.log(_softmax(scores)),
        "The largest weight belongs to the smallest score: the sign is wrong.": _softmax(-scores),
        "This is a sigmoid of each score alone; the weights of a query must sum to one.": (
            shares / (1 + shares)
        ),
    }
    expect_close(
        returned, _softmax(scores), "It is wrong for three queries and five keys.", mistakes
    )
    for shape in ((5,), (2, 3, 4)):
        other = np.random.default_rng(51).normal(size=shape)
        reason = "It is right for two axes only: the last axis of any array must sum to one."
        expect_close(call(answer, other), _softmax(other), reason)
    _check_large_scores(answer)
    expect_unchanged(answer, scores)


def _check_large_scores(answer) -> None:
    """The softmax stays finite and exact for scores that are large or far apart."""
    large = np.array([[1000.0, 1001.0, 999.0], [1000.0, -1000.0, 0.0]])
    returned = numbers(call(answer, large), large.shape)
    expect(np.isfinite(returned).all(), "Large scores give NaN: the exponential overflows.")
    reason = "Adding one number to all scores of a row must not change its weights, however large."
    expect_close(returned, _softmax(large), reason)
    apart = np.array([[-2000.0, -2001, -2002, -2003, -2004], [3000.0, 2999, 0, 0, 0]])
    reason = "It fails where one row of scores is far below another: take the maximum of each row."
    expect_close(call(answer, apart), _softmax(apart), reason)


@exercise("05.2", "queries, keys, values and mask")
def check_attention(answer) -> None:
    """Attention of one head over a batch, with a mask."""
    rng = np.random.default_rng(52)
    queries, keys = rng.normal(size=(2, 3, 9)), rng.normal(size=(2, 5, 9))
    values = rng.normal(size=(2, 5, 4))
    mask = np.tril(np.ones((2, 3, 5), bool), k=1)
    mask[1, :, 0] = False
    reason = "Return one vector as wide as a value for each query of each history."
    returned = numbers(call(answer, queries, keys, values, mask), (2, 3, 4), reason)
    mistakes = _attention_mistakes(queries, keys, values, mask)
    reason = "The states differ from the weighted means of the values."
    expect_close(returned, _attend(queries, keys, values, mask), reason, mistakes)
    narrow = queries[..., :4], keys[..., :4], values, mask
    reason = "It is right for vectors of width 9 only: the scale must follow the width."
    expect_close(call(answer, *narrow), _attend(*narrow), reason)
    for size in (20_000, -20_000):
        large = numbers(call(answer, size * queries, keys, values, mask))
        reason = "Large scores give NaN: the exponential overflows, see 05.1."
        expect(np.isfinite(large).all(), reason)
        expect_close(
            large,
            _attend(size * queries, keys, values, mask),
            "With large scores a query attends to hidden keys: what replaces a hidden score must "
            "be far below every visible score.",
        )
    loud = np.where(mask.any(axis=1)[..., None], values, 1e60)  # Of keys that no query may see.
    returned = np.asarray(call(answer, queries, keys, loud, mask), np.float64)
    reason = "A hidden key has a tiny weight; it must be exactly 0."
    if np.isfinite(returned).all():  # Not in float32, which has no number of this size.
        expect_close(returned, _attend(queries, keys, loud, mask), reason)
    mask[0, 0] = False  # As the row of a padded position, where nothing may be seen.
    empty = numbers(call(answer, queries, keys, values, mask))
    expect(
        np.isfinite(empty).all(),
        "A query whose keys are all hidden gives NaN: hide scores with a finite number.",
    )
    seen = mask.any(axis=-1)
    right = _attend(queries, keys, values, mask)[seen]
    expect_close(empty[seen], right, "One query without any visible key changes other queries.")


def _attention_mistakes(queries, keys, values, mask) -> dict:
    scores = queries @ keys.swapaxes(-1, -2)
    scaled = scores / 3
    exponentials = np.exp(np.where(mask, scaled, -1e9))
    return {
        "It ignores the mask.": _softmax(scaled) @ values,
        "It attends to exactly what is hidden: the mask is true where a key may be seen.": (
            _softmax(np.where(mask, -1e9, scaled)) @ values
        ),
        "The mask is applied after the softmax: the weights of the visible keys no longer sum to "
        "one.": (_softmax(scaled) * mask) @ values,
        "Hidden scores are set to 0, which still gives a weight; hide them before the softmax with "
        "a number far below every score.": (
            _softmax(scaled * mask) @ values,
            _softmax(np.where(mask, scaled, 0)) @ values,
        ),
        "The scores are not scaled: they grow with the width of the vectors.": (
            _softmax(np.where(mask, scores, -1e9)) @ values
        ),
        "The scores are divided by the width; divide them by its root.": (
            _softmax(np.where(mask, scores / 9, -1e9)) @ values
        ),
        "The scale must use the width of the keys, not that of the values or a length.": tuple(
            _softmax(np.where(mask, scores / size**0.5, -1e9)) @ values for size in (3, 4, 5)
        ),
        "The weights sum to one over the queries; they must do so over the keys of each query.": (
            exponentials / exponentials.sum(axis=1, keepdims=True) @ values
        ),
        "The visible values are averaged; the scores must weigh them.": (
            mask / mask.sum(axis=-1, keepdims=True) @ values
        ),
    }


@exercise("05.3")
def check_heads(answer) -> None:
    """Splitting features into heads, and merging the heads again."""
    reason = "Give both functions, as `(my_split, my_merge)`."
    split, merge = parts(answer, 2, reason)
    expect(callable(split) and callable(merge), reason)
    batch, length, width, heads = 2, 5, 12, 3
    x = np.random.default_rng(53).normal(size=(batch, length, width))
    reason = "Splitting (2, 5, 12) into three heads goes wrong."
    returned = numbers(call(split, x, heads), (batch, heads, length, width // heads), reason)
    expected = np.stack(np.split(x, heads, axis=-1), axis=1)
    mistakes = {
        "The shape is right, but a reshape alone mixes time and features: an event must stay at "
        "its step in every head.": x.reshape(expected.shape),
        "Each head takes every third feature; a head must own adjacent features.": (
            np.moveaxis(x.reshape(batch, length, width // heads, heads), -1, 1)
        ),
        "The heads are in reverse order.": expected[:, ::-1],
    }
    reason = "The shape is right, but the heads hold other features or other steps."
    expect_close(returned, expected, reason, mistakes)
    reason = "Splitting is right. Merging must give (2, 5, 12) again."
    merged = numbers(call(merge, expected), x.shape, reason)
    mistakes = {
        "Splitting is right. Merging by a reshape alone mixes time and features.": (
            expected.reshape(x.shape)
        ),
    }
    expect_close(merged, x, "Splitting is right, but merging does not undo it.", mistakes)
    two = call(merge, call(split, x[:1], 2))
    expect_close(two, x[:1], "It is right for three heads, but not for two.")


@exercise("05.4", "the value kernel, the output kernel and H")
def check_folding(answer) -> None:
    """The output kernel folded into the values of each head."""
    rng = np.random.default_rng(54)
    values, output = rng.normal(size=(6, 6)), rng.normal(size=(6, 6))
    reason = "Return one matrix of (D, D) for each head."
    alone = numbers(call(answer, values, output, 1), (1, 6, 6), reason)
    mistakes = {
        "With one head, the kernels are in the wrong order: the value kernel acts first.": (
            (output @ values)[None]
        ),
        "With one head, the kernels are multiplied element by element; use the matrix product.": (
            (values * output)[None]
        ),
        "With one head, a kernel is transposed.": tuple(
            kernels[None] for kernels in (values @ output.T, values.T @ output, output.T @ values.T)
        ),
    }
    expect_close(alone, (values @ output)[None], "It is wrong for one head.", mistakes)
    returned = numbers(call(answer, values, output, 3), (3, 6, 6), reason)
    columns, rows = np.split(values, 3, axis=1), np.split(output, 3, axis=0)
    reason = "One head is right. With three, together they do not give the output of the layer."
    expect_close(returned, _products(columns, rows), reason, _not_folded(values, output))


def _not_folded(values, output) -> dict:
    columns, rows = np.split(values, 3, axis=1), np.split(output, 3, axis=0)
    blocks = [output * (np.arange(6) // 2 == head) for head in range(3)]
    mistakes = {
        "every head has the whole kernels; it owns only its columns of the value kernel.": (
            _products([values] * 3, [output] * 3),
            _products([values] * 3, [output / 3] * 3),
        ),
        "the output kernel is cut by columns; a head meets the rows that belong to its features.": (
            _products([values] * 3, blocks)
        ),
        "a head takes every third feature; its features are adjacent.": (
            _products([values[:, n::3] for n in range(3)], [output[n::3] for n in range(3)])
        ),
        "the columns of one head meet the rows of another.": _products(columns, rows[::-1]),
    }
    return {f"One head is right. With three, {why}": wrong for why, wrong in mistakes.items()}


def _products(columns: list, rows: list) -> np.ndarray:
    return np.stack([column @ row for column, row in zip(columns, rows, strict=True)])


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _attend(queries, keys, values, mask) -> np.ndarray:
    scores = queries @ keys.swapaxes(-1, -2) / np.sqrt(queries.shape[-1])
    return _softmax(np.where(mask, scores, -1e9)) @ values
