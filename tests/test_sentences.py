"""Behaviour as sentences: written, read back, and cut into tokens."""

import numpy as np
import pytest

from recmodels.data.shop_behaviour_tables import TYPES
from recmodels.text.sentences import Template, template_for
from recmodels.text.word_pieces import SPECIAL, UNKNOWN, WordPieces, train_word_pieces

ITEMS = ["A", "1002", "a-b_c.d", "茶7"]


@pytest.mark.parametrize("types", [*TYPES.values(), ("click", "like"), ("点击", "分享")])
def test_sentences_are_read_back(types):
    template = template_for(types)
    events = [(types[n % len(types)], ITEMS[n % len(ITEMS)]) for n in range(7)]
    sentence = template.write(events)
    assert template.read(sentence) == events
    assert template.read(sentence.replace(", ", " ， ").replace(" ", "  ")) == events


def test_sentences_are_as_expected():
    assert (
        template_for(TYPES["zh"]).write([("浏览", "A"), ("购买", "C")]) == "浏览 商品A, 购买 商品C"
    )
    assert template_for(TYPES["en"]).write([("cart", 5), ("buy", 5)]) == "add item 5, buy item 5"


@pytest.mark.parametrize("item", ["", "a b", "a,b", "a，b", "a\tb"])
def test_ids_that_could_not_be_read_back_are_refused(item):
    with pytest.raises(ValueError, match="id of an item.*Received: item="):
        template_for(("buy",)).phrase("buy", item)


@pytest.mark.parametrize(
    "sentence, message",
    [
        ("", "at least one event, such as '浏览 商品A'"),
        (" , ", "at least one event"),
        ("飞 商品A", "Each event must be written as one of"),
        ("浏览", "Each event must be written as one of"),
        ("浏览 商品A, view item B", r"another language \(en\)"),
        ("浏览 商品A 商品B", "Each event must be written as one of"),
    ],
)
def test_other_sentences_are_refused(sentence, message):
    with pytest.raises(ValueError, match=message):
        template_for(TYPES["zh"]).read(sentence)


def test_bad_templates_are_refused():
    for phrases in ({"buy": "buy"}, {"buy": "buy {}, now"}, {"buy": "buy {} {}"}):
        with pytest.raises(ValueError, match="one place"):
            Template(phrases, "item {}")
    for phrases in ({}, {"a": "do {}", "b": "do {}"}):
        with pytest.raises(ValueError, match="different texts"):
            Template(phrases, "item {}")
    with pytest.raises(ValueError, match="must be one of \\['buy'\\]"):
        template_for(("buy",)).phrase("sell", 1)


def corpus(types):
    template = template_for(types)
    return template, [template.write([(label, item) for label in types for item in ITEMS])]


@pytest.mark.parametrize("types", TYPES.values())
def test_no_token_of_the_corpus_is_unknown(types):
    template, sentences = corpus(types)
    pieces = train_word_pieces(sentences, template.item, ITEMS)
    assert pieces.unknown_share(sentences) == 0
    tokens = pieces.cut(sentences[0])
    # Each type is one token, as is each item; a comma lies between two events.
    assert len(tokens) == 3 * len(types) * len(ITEMS) - 1
    assert [t for t in tokens if t.startswith(template.item[:2])][: len(ITEMS)] == [
        template.item_words(item) for item in ITEMS
    ]
    ids = pieces.encode(sentences[0])
    assert [pieces.tokens[place] for place in ids] == tokens
    np.testing.assert_array_equal(pieces.item_ids(ITEMS), 3 + np.arange(len(ITEMS)))


def test_letters_that_the_corpus_lacks_are_known():
    pieces = train_word_pieces(["view item A"], "item {}", ["A"])
    assert pieces.cut("xyz") == ["x", "##y", "##z"]
    assert pieces.cut("VIEW item A, item Z") == ["view", "item A", ",", UNKNOWN]


def test_merges_go_by_frequency():
    # "ab" occurs 3 times, "bc" 2 times: the first merge is a ##b, then ab ##c.
    pieces = train_word_pieces(["ab abc abc"], "item {}", [], size=8, alphabet="")
    assert pieces.tokens[-2:] == ("ab", "abc")
    assert pieces.cut("abc ab cab") == ["abc", "ab", "c", "##a", "##b"]


def test_a_vocabulary_of_another_language_knows_no_word():
    _, english = corpus(TYPES["en"])
    _, chinese = corpus(TYPES["zh"])
    pieces = train_word_pieces(english, "item {}", ITEMS)
    assert set(pieces.cut("浏览 商品1002, 购买 商品茶7")) == {UNKNOWN, ","}
    assert pieces.unknown_share(chinese) > 0.5


def test_words_are_cut_as_the_tokenizers_package_cuts_them():
    models = pytest.importorskip(
        "tokenizers.models", reason="`tokenizers` is compared where it is installed"
    )
    tokens = [*SPECIAL, "b", "##u", "##y", "buy", "##er", "浏", "##览", "浏览"]
    theirs = models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token=UNKNOWN)
    ours = WordPieces(tokens, "item {}")
    for word in ("buy", "buyer", "bu", "buyers", "浏览", "浏", "览", "浏览览"):
        assert ours.cut(word) == [piece.value for piece in theirs.tokenize(word)]


def test_bad_vocabularies_are_refused():
    for tokens in (["a"], [*SPECIAL, "a", "a"]):
        with pytest.raises(ValueError, match="`tokens` must be different"):
            WordPieces(tokens, "item {}")
    with pytest.raises(ValueError, match="`size` must be at least"):
        train_word_pieces(["buy item A"], "item {}", ["A"], size=5)
