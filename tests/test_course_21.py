"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 21."""

import numpy as np
from exercises import ExerciseBank


def by_where(tokens, chosen, mask):
    hidden = chosen & (tokens > 0)
    return np.where(hidden, mask, tokens), hidden.astype(float)


def by_copy(tokens, chosen, mask):
    read, hidden = tokens.copy(), np.logical_and(chosen, tokens != 0)
    read[hidden] = mask
    return [read, np.float32(hidden)]


def by_product(tokens, chosen, mask):
    weights = chosen * np.minimum(tokens, 1.0)
    return tokens * (1 - weights) + mask * weights, weights


def by_loop(tokens, chosen, mask):
    pairs = [[(mask, 1.0) if c and t else (t, 0.0) for t, c in zip(ts, cs, strict=True)]
             for ts, cs in zip(tokens, chosen, strict=True)]  # fmt: skip
    return [[p[0] for p in row] for row in pairs], [[p[1] for p in row] for row in pairs]


def changes_the_tokens(tokens, chosen, mask):
    hidden = chosen & (tokens > 0)
    tokens[hidden] = mask
    return tokens, hidden.astype(float)


def cut(longest=True, mark="##", rest="unknown", first=False):
    """An answer by one of several rules."""

    def answer(word, vocabulary):
        pieces, begin = [], 0
        while begin < len(word):
            ends = range(begin + 1, len(word) + 1)
            front = mark if begin or first else ""
            for end in reversed(ends) if longest else ends:
                if front + word[begin:end] in vocabulary:
                    break
            else:
                return ["[UNK]"] if rest == "unknown" else [*pieces, "[UNK]"]
            pieces.append(front + word[begin:end])
            begin = end
        return pieces

    return answer


def by_recursion(word, vocabulary, mark=""):
    if not word:
        return []
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocabulary:
            after = by_recursion(word[end:], vocabulary, "##")
            return after if after == ["[UNK]"] else [mark + word[:end], *after]
    return ["[UNK]"]


def by_slices(word, vocabulary):
    pieces, left = [], word
    while left:
        size = next((n for n in range(len(left), 0, -1)
                     if ("##" if pieces else "") + left[:n] in vocabulary), 0)  # fmt: skip
        if not size:
            return ("[UNK]",)
        pieces.append(("##" if pieces else "") + left[:size])
        left = left[size:]
    return tuple(pieces)


def any_start(word, vocabulary):
    """Wrong: pieces that go on may begin a word."""
    found = by_recursion(word, vocabulary)
    return by_recursion(word, vocabulary, "##") if found == ["[UNK]"] else found


def only_two(word, vocabulary):
    return by_recursion(word, vocabulary)[:2]


def changes_the_items(types, items):
    items *= types[:, :, None]
    return items


class TestBank(ExerciseBank):
    right = {
        "21.1": [by_where, by_copy, by_product, by_loop],
        "21.2": [cut(), by_recursion, by_slices],
        "21.3": [
            lambda types, items: types[:, :, None] * items,
            lambda types, items: np.einsum("ba,bav->bav", types, items),
            lambda types, items: [np.diag(t) @ i for t, i in zip(types, items, strict=True)],
            lambda types, items: np.exp(np.log(types)[..., None] + np.log(items)),
        ],
    }
    wrong = {
        "21.1": [
            ("Padding was masked", lambda t, c, m: (np.where(c, m, t), c + 0.0)),
            ("other tokens are masked", lambda t, c, m: (np.where(c, t, m), c + 0.0)),
            ("not padding", lambda t, c, m: (np.where(c, 0, t), c + 0.0)),
            ("Nothing is masked", lambda t, c, m: (t, c + 0.0)),
            ("Padding counts", lambda t, c, m: (by_where(t, c, m)[0], c + 0.0)),
            ("those of the others", lambda t, c, m: (
                by_where(t, c, m)[0], 1 - by_where(t, c, m)[1])),
            ("all real ones", lambda t, c, m: (by_where(t, c, m)[0], (t > 0) + 0.0)),
            ("sum itself", lambda t, c, m: (
                by_where(t, c, m)[0], by_where(t, c, m)[1] / by_where(t, c, m)[1].sum())),
            ("ids and the weights", lambda t, c, m: by_where(t, c, m)[0]),
            ("work on new ones", changes_the_tokens),
        ],
        "21.2": [
            ("stays whole", lambda word, vocabulary: cut(longest=False)(word, vocabulary)),
            ("longest piece", lambda word, vocabulary: cut(mark="")(word, vocabulary | {"er"})),
            ("begin with ##", lambda word, vocabulary: [
                piece.removeprefix("##") if len(word) == 2 else piece
                for piece in by_recursion(word, vocabulary)]),
            ("as a whole", cut(rest="kept")),
            ("cannot begin", any_start),
            ("Go on after", only_two),
            ("list of pieces", lambda word, vocabulary: " ".join(by_recursion(word, vocabulary))),
            ("stays whole", lambda word, vocabulary: list(word)),
        ],
        "21.3": [
            ("multiply by p(type)", lambda types, items: items),
            ("no probability", lambda types, items: types[:, :, None] + items),
            ("types alone", lambda types, items: np.repeat(types[:, :, None], 4, axis=2)),
            ("normalise again", lambda types, items: types[:, :, None] * items / 2),
            ("another row", lambda types, items: types[::-1, :, None] * items),
            ("logarithms", lambda types, items: np.log(types[:, :, None] * items)),
            ("Divide nothing", lambda types, items: items / types[:, :, None]),
            ("(B, A, V)", lambda types, items: np.einsum("ba,bav->bv", types, items)),
            ("work on new ones", changes_the_items),
        ],
    }  # fmt: skip
