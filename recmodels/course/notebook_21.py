"""Checks of the exercises of notebook 21, behaviour as sentences."""

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


@exercise("21.1", "token ids, which of them are chosen, and the id of the mask")
def check_mask(answer) -> None:
    """What a masked language model reads, and the weights of its loss."""
    tokens = np.array([[0, 5, 6, 7], [8, 5, 9, 4], [0, 0, 3, 6]])
    chosen = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], bool)
    returned = parts(call(answer, tokens, chosen, 2), 2, "Return the ids and the weights.")
    read, weights = (numbers(part, (3, 4), "Return (B, S) for each.") for part in returned)
    hidden = chosen & (tokens > 0)
    right = np.where(hidden, 2, tokens)
    mistakes = {
        "Padding was masked; it stays 0.": np.where(chosen, 2, tokens),
        "The other tokens are masked; mask those that are chosen.": (
            np.where(chosen, tokens, 2),
            np.where(~chosen & (tokens > 0), 2, tokens),
        ),
        "Chosen tokens become the mask, not padding.": np.where(hidden, 0, tokens),
        "Nothing is masked.": tokens,
    }
    expect_close(read, right, "The ids are wrong.", mistakes)
    mistakes = {
        "Padding counts in the loss; it must not.": chosen.astype(float),
        "The loss counts hidden tokens only, and these weights are those of the others.": (
            (~hidden).astype(float),
            (~hidden & (tokens > 0)).astype(float),
        ),
        "The loss counts hidden tokens only; here all real ones count.": (tokens > 0) + 0.0,
        "Weights are 0 or 1; the loss divides by their sum itself.": hidden / hidden.sum(),
    }
    expect_close(weights, hidden.astype(float), "The weights are wrong.", mistakes)
    expect_unchanged(lambda tokens: answer(tokens, chosen, 2), tokens)


@exercise("21.2", "a word and a set of pieces")
def check_cut(answer) -> None:
    """The longest pieces of a word, from its left."""
    vocabulary = {"buy", "b", "##u", "##uy", "##er", "##e", "##r", "浏", "##览", "浏览", "u"}
    cases = [
        ("buy", ["buy"], "A word that is a piece stays whole: begin with the longest one."),
        ("buyer", ["buy", "##er"], "Take the longest piece that fits at each place."),
        ("bu", ["b", "##u"], "Pieces after the first begin with ##."),
        ("buys", ["[UNK]"], "A word whose rest has no piece is [UNK] as a whole."),
        ("浏览", ["浏览"], "Chinese words are cut in the same way."),
        ("览", ["[UNK]"], "A piece with ## cannot begin a word."),
        ("bur", ["b", "##u", "##r"], "Go on after the second piece."),
    ]
    for word, right, reason in cases:
        returned = call(answer, word, frozenset(vocabulary))
        expect(isinstance(returned, list | tuple), "Return a list of pieces.")
        expect(list(returned) == right, f"{reason} Tried: {word!r}, received {list(returned)}.")


@exercise("21.3", "p(type) and p(item | type)")
def check_joint(answer) -> None:
    """The joint probability of type and item."""
    rng = np.random.default_rng(213)
    types, items = rng.dirichlet(np.ones(3), 2), rng.dirichlet(np.ones(4), (2, 3))
    returned = numbers(call(answer, types, items), (2, 3, 4), "Return (B, A, V).")
    right = types[:, :, None] * items
    mistakes = {
        "These are the items given the type; multiply by p(type).": items,
        "Multiply; a sum of probabilities is no probability.": types[:, :, None] + items,
        "These are probabilities of types alone.": np.repeat(types[:, :, None], 4, axis=2),
        "Do not normalise again: the product sums to 1 already.": (
            right / right.sum(axis=2, keepdims=True) / 3,
            right / right.sum(),
        ),
        "Items are weighted by p(type) of another row.": types[::-1, :, None] * items,
        "These are logarithms; return probabilities.": np.log(right),
        "Divide nothing: p(type, item) is the product.": items / types[:, :, None],
    }
    expect_close(returned, right, "The probabilities are wrong.", mistakes)
    expect_unchanged(lambda types, items: answer(types, items), types, items)
