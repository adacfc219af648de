"""Checks of the exercises of notebook 05, attention by hand."""

import numpy as np

from recmodels.course.checking import exercise, expect, expect_close


@exercise("05.1")
@np.errstate(all="ignore")
def check_softmax(answer) -> None:
    """A softmax over the last axis that survives large scores."""
    expect(callable(answer), "Give a function of an array of scores.")
    rng = np.random.default_rng(51)
    scores = rng.normal(size=(3, 5))
    given = scores.copy()
    found = np.asarray(answer(given))
    expect(found.shape == scores.shape, "The weights must have the shape of the scores.")
    expect(np.array_equal(given, scores), "It changed the scores it was given; leave them alone.")
    expect(
        np.allclose(found.sum(axis=-1), 1),
        "With three queries and five keys, the weights of a query do not sum to one.",
    )
    expect_close(found, _softmax(scores), "Shares are there, but not those of the exponentials.")
    large = np.asarray(answer(np.array([[1000.0, 1001.0, 999.0]])))
    apart = np.asarray(answer(np.array([[-2000.0, -2001.0], [3000.0, 2999.0]])))
    expect(np.isfinite(large).all(), "A score of a thousand gives something that is no number.")
    expect_close(
        large,
        _softmax(np.array([[1.0, 2.0, 0.0]])),
        "Raising all scores of a row by the same amount must not move its weights, however "
        "large the amount.",
    )
    expect(
        np.isfinite(apart).all() and np.allclose(apart[:, 0], _softmax(np.array([1.0, 0.0]))[0]),
        "It fails where the rows of one array live on very different levels.",
    )


@exercise("05.2")
@np.errstate(all="ignore")
def check_attention(answer) -> None:
    """Attention of one head over a batch, with a mask."""
    expect(callable(answer), "Give a function of queries, keys, values and mask.")
    rng = np.random.default_rng(52)
    queries, keys = rng.normal(size=(2, 3, 9)), rng.normal(size=(2, 5, 9))
    values = rng.normal(size=(2, 5, 4))
    mask = np.tril(np.ones((2, 3, 5), bool), k=1)
    mask[1, :, 0] = False
    _check_shares(answer, queries, keys, values, mask)
    narrow = (queries[..., :1], keys[..., :1], values, mask)
    expect_close(
        answer(*narrow), _attend(*narrow), "Even with vectors of width one the numbers differ."
    )
    expect_close(
        answer(queries, keys, values, mask),
        _attend(queries, keys, values, mask),
        "It is right for vectors of width one and wrong for wider ones: think of how the scores "
        "grow.",
    )
    large = np.asarray(answer(500 * queries, keys, values, mask))
    expect(np.isfinite(large).all(), "Large scores give something that is no number; see 05.1.")


def _check_shares(answer, queries, keys, values, mask) -> None:
    """The weights are shares of a whole, and of what may be seen only."""
    found = np.asarray(answer(queries, keys, values, mask))
    expect(
        found.shape == (2, 3, 4),
        "Each query must get one vector as wide as a value, in each history of the batch; its "
        f"shape is {found.shape}.",
    )
    alike = np.ones_like(values)
    expect(
        np.allclose(answer(queries, keys, alike, np.ones_like(mask)), 1),
        "With every value equal, a mean cannot be anything else: the weights that a query gives "
        "to its keys do not sum to one.",
    )
    expect(
        not np.allclose(found, _attend(queries, keys, values, ~mask)),
        "It looks at exactly what it should not see: remember what True means in our masks.",
    )
    elsewhere = np.where(mask.any(axis=1)[..., None], values, 77.0)
    expect(
        np.allclose(found, answer(queries, keys, elsewhere, mask)),
        "The value of a hidden item was changed, and a state moved with it.",
    )
    expect(
        np.allclose(answer(queries, keys, alike, mask), 1),
        "Nothing hidden is seen, but the weights left for the visible keys are no longer a whole.",
    )


@exercise("05.3")
def check_heads(answer) -> None:
    """Splitting features into heads, and merging the heads again."""
    expect(
        isinstance(answer, tuple) and len(answer) == 2 and all(map(callable, answer)),
        "Give both functions, as `(my_split, my_merge)`.",
    )
    split, merge = answer
    batch, length, width, heads = 2, 5, 12, 3
    x = np.random.default_rng(53).normal(size=(batch, length, width))
    found = np.asarray(split(x, heads))
    expect(
        found.shape == (batch, heads, length, width // heads),
        "The heads of (2, 5, 12) with three heads must have the shape (2, 3, 5, 4); yours have "
        f"{found.shape}.",
    )
    one = np.zeros_like(x)
    one[:, 3] = 1.0  # Only the event at step 3 says anything.
    expect(
        not np.any(np.delete(np.asarray(split(one, heads)), 3, axis=2)),
        "What one event says turned up at another step: the shape is right, but time and features "
        "were mixed on the way.",
    )
    expected = np.stack(np.split(x, heads, axis=-1), axis=1)
    expect_close(
        found, expected, "Events stay apart, but a head must own features that stand side by side."
    )
    merged = np.asarray(merge(expected))
    expect(merged.shape == x.shape, f"Merged heads must be (2, 5, 12) again, not {merged.shape}.")
    expect_close(merged, x, "Splitting is right, but merging does not undo it.")


@exercise("05.4")
def check_folding(answer) -> None:
    """The output kernel folded into the values of each head."""
    expect(callable(answer), "Give a function of the value kernel, the output kernel and H.")
    rng = np.random.default_rng(54)
    values, output = rng.normal(size=(6, 6)), rng.normal(size=(6, 6))
    alone = np.asarray(answer(values, output, 1))
    expect(alone.shape == (1, 6, 6), f"One head of width six needs (1, 6, 6), not {alone.shape}.")
    expect_close(
        alone[0], values @ output, "Start with one head: in which order do the kernels act?"
    )
    found = np.asarray(answer(values, output, 3))
    expect(found.shape == (3, 6, 6), f"Three heads of width six need (3, 6, 6), not {found.shape}.")
    expect(
        np.linalg.matrix_rank(found).max() <= 2,
        "One head is right. With three heads each passes on only a third of the features, so that "
        "its folded kernel cannot have full rank.",
    )
    x, weights = rng.normal(size=(4, 6)), rng.random((3, 4, 4))
    heads = [w @ x @ v for w, v in zip(weights, np.split(values, 3, axis=1), strict=True)]
    expected = np.concatenate(heads, axis=1) @ output
    expect_close(
        sum(w @ x @ folded for w, folded in zip(weights, found, strict=True)),
        expected,
        "The ranks are right, but the heads together do not give the output of the layer: which "
        "part of the output kernel does a head meet?",
    )


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _attend(queries, keys, values, mask) -> np.ndarray:
    scores = queries @ keys.swapaxes(-1, -2) / np.sqrt(queries.shape[-1])
    return _softmax(np.where(mask, scores, -1e9)) @ values
