"""Cut sentences of behaviour into tokens: a token per item, and pieces of all other words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.text.sentences import item_pattern

PAD, UNKNOWN, MASK = "[PAD]", "[UNK]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, MASK)
GOES_ON = "##"  # Marks a piece that does not begin a word.
_WORD = re.compile(r"\[UNK\]|\w+|[^\w\s]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,."


class WordPieces:
    """A vocabulary of word pieces, and of items as tokens of their own.

    A word is cut greedily into the longest pieces of the vocabulary from its left; one for which
    that fails becomes [UNK] as a whole. Words are runs of letters, digits or Chinese characters,
    in lower case; other signs are words alone.

    Devlin et al., "BERT: Pre-training of deep bidirectional Transformers for language
    understanding", 2019, section 3; with equal tokens, equal to the `WordPiece` model of the
    package `tokenizers`.

    Args:
        tokens: distinct; the first three are [PAD], [UNK] and [MASK].
        item: how items are written, such as `"item {}"`; see `Template`.

    Example:
        >>> pieces = train_word_pieces(["view item A, view item B"], "item {}", ["A", "B"])
        >>> pieces.cut("view item A, fly item C")
        ['view', 'item A', ',', 'f', '##l', '##y', '[UNK]']
    """

    def __init__(self, tokens: Sequence[str], item: str) -> None:
        must = f"`tokens` must be different texts that begin with {SPECIAL}"
        fits = tuple(tokens[: len(SPECIAL)]) == SPECIAL and len(set(tokens)) == len(tokens)
        require(fits, must, tokens=list(tokens[:5]))
        self.tokens = tuple(tokens)
        self.item = item
        self._ids = {token: place for place, token in enumerate(self.tokens)}
        self._items = re.compile(item_pattern(item))

    def __len__(self) -> int:
        return len(self.tokens)

    def cut(self, sentence: str) -> list[str]:
        """The tokens of a sentence; items that have no token, and words without pieces, [UNK]."""
        tokens = []
        for word, item in split_words(sentence, self._items):
            if item is not None:
                name = self.item.replace("{}", item)
                tokens.append(name if name in self._ids else UNKNOWN)
            else:
                tokens += self._cut_word(word)
        return tokens

    def encode(self, sentence: str) -> np.ndarray:
        """Ids of the tokens of a sentence, int32 (N,)."""
        return np.array([self._ids[token] for token in self.cut(sentence)], np.int32)

    def item_ids(self, items: Iterable[object]) -> np.ndarray:
        """Ids of the tokens of some raw item ids, int32; that of [UNK] where there is none."""
        names = (self.item.replace("{}", str(item)) for item in items)
        return np.array([self._ids.get(name, self._ids[UNKNOWN]) for name in names], np.int32)

    def unknown_share(self, sentences: Iterable[str]) -> float:
        """Share of [UNK] among all tokens of some sentences."""
        counts = Counter(token for sentence in sentences for token in self.cut(sentence))
        return counts[UNKNOWN] / max(1, counts.total())

    def _cut_word(self, word: str) -> list[str]:
        if word == UNKNOWN:
            return [UNKNOWN]
        pieces, begin = [], 0
        while begin < len(word):
            mark = GOES_ON if begin else ""
            ends = range(len(word), begin, -1)
            end = next((end for end in ends if mark + word[begin:end] in self._ids), None)
            if end is None:
                return [UNKNOWN]
            pieces.append(mark + word[begin:end])
            begin = end
        return pieces


def train_word_pieces(
    sentences: Iterable[str],
    item: str,
    items: Iterable[object],
    size: int = 500,
    alphabet: str = LETTERS,
) -> WordPieces:
    """Build a vocabulary from a corpus: items, all letters, then the most frequent merges.

    Beginning from single letters, the two neighbouring pieces that occur most often together, the
    first ones by spelling among equals, become one, until `size` pieces exist or each word is one.
    Because the letters are tokens from the start, no word made of them is ever unknown.

    Args:
        sentences: the corpus.
        item: how items are written; see `Template`.
        items: raw ids of the items that get a token.
        size: of the vocabulary without its items, at least as many as there are letters, twice.
        alphabet: letters that are tokens whether the corpus holds them or not.

    Example:
        >>> len(train_word_pieces(["浏览 商品A, 购买 商品A"], "商品{}", ["A"], alphabet=""))
        16    # 3 special, 1 item, 5 signs that begin or go on a word, 2 words
    """
    pattern, words = re.compile(item_pattern(item)), Counter()
    for sentence in sentences:
        words.update(word for word, name in split_words(sentence, pattern) if name is None)
    letters = sorted({*alphabet, *"".join(words)})
    pieces = [mark + letter for mark in ("", GOES_ON) for letter in letters]
    must = f"`size` must be at least {len(pieces)}, the letters of the corpus"
    require(check_whole("size", size) >= len(pieces), must, size=size)
    pieces += _merges(words, size - len(pieces))
    names = [item.replace("{}", str(each)) for each in items]
    return WordPieces([*SPECIAL, *names, *pieces], item)


def split_words(sentence: str, items: re.Pattern) -> list[tuple[str, str | None]]:
    """Words in lower case with None, and items with their raw id, in the order of a sentence."""
    words, begin = [], 0
    for found in items.finditer(sentence):
        words += [(word, None) for word in _words(sentence[begin : found.start()])]
        words.append((found[0], found[1]))
        begin = found.end()
    return words + [(word, None) for word in _words(sentence[begin:])]


def _words(text: str) -> list[str]:
    return [word if word == UNKNOWN else word.lower() for word in _WORD.findall(text)]


def _merges(words: Counter, count: int) -> list[str]:
    """The first `count` pieces made by merging neighbours, in the order of their making."""
    cut = {word: [word[0], *(GOES_ON + letter for letter in word[1:])] for word in words}
    made = []
    while len(made) < count:
        pairs = Counter()
        for word, pieces in cut.items():
            for pair in zip(pieces, pieces[1:], strict=False):
                pairs[pair] += words[word]
        if not pairs:
            break
        first, second = min(pairs, key=lambda pair: (-pairs[pair], pair))
        joined = first + second.removeprefix(GOES_ON)
        if joined not in made:
            made.append(joined)
        cut = {word: _join(pieces, first, second, joined) for word, pieces in cut.items()}
    return made


def _join(pieces: list[str], first: str, second: str, joined: str) -> list[str]:
    """Pieces of a word after one merge."""
    result = []
    for piece in pieces:
        if result and result[-1] == first and piece == second:
            result[-1] = joined
        else:
            result.append(piece)
    return result
