"""Write behaviour as sentences in English or Chinese, and read such sentences back."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recmodels.data.errors import require
from recmodels.data.shop_behaviour_tables import TYPES

PLACE = "{}"  # The place of the item in a phrase, and of its id in the name of an item.
_SPACES_AND_COMMAS = re.compile(r"[\s,，]")
_SEPARATOR = re.compile(r"\s*[,，]\s*")


@dataclass(frozen=True)
class Template:
    """How events are written: a phrase per behaviour type, joined to a sentence by commas.

    Args:
        phrases: by label of the type, such as `{"buy": "buy {}"}`, with `{}` for the item.
        item: how an item is written, with `{}` for its raw id: `"item {}"`.

    Raises:
        ValueError: a phrase has no place for the item, or two phrases are the same.

    Example:
        >>> template = template_for(("浏览", "购买"))
        >>> template.write([("浏览", "A"), ("购买", "B")])
        '浏览 商品A, 购买 商品B'
        >>> template.read("浏览 商品A, 购买 商品B")
        [('浏览', 'A'), ('购买', 'B')]
    """

    phrases: dict[str, str]
    item: str

    def __post_init__(self) -> None:
        for text in (*self.phrases.values(), self.item):
            must = "`phrases` and `item` must have one place `{}`, and no comma"
            require(text.count(PLACE) == 1 and "," not in text, must, text=text)
        different = len(set(self.phrases.values())) == len(self.phrases) > 0
        require(different, "`phrases` must be different texts", phrases=self.phrases)

    def phrase(self, label: str, item: object) -> str:
        """One event in words, such as `"buy item 5"`.

        Raises:
            ValueError: the type has no phrase, or the id is empty or has a space or a comma, so
                that it could not be read back.
        """
        must = f"The type must be one of {list(self.phrases)}"
        require(label in self.phrases, must, type=label)
        return self.phrases[label].replace(PLACE, self.item_words(item))

    def item_words(self, item: object) -> str:
        """An item in words, such as `"item 5"`; see `phrase` for ids that are refused."""
        must = "The id of an item in a sentence must not be empty or have spaces or commas"
        require(str(item) and not _SPACES_AND_COMMAS.search(str(item)), must, item=item)
        return self.item.replace(PLACE, str(item))

    def write(self, events: Iterable[tuple[str, object]]) -> str:
        """The sentence of some events, pairs of a type and a raw id, oldest first."""
        return ", ".join(self.phrase(label, item) for label, item in events)

    def read(self, sentence: str) -> list[tuple[str, str]]:
        """The events of a sentence, with ids as text.

        Raises:
            ValueError: the sentence is empty, or a phrase is none of this template; an error says
                so where it is one of another language.
        """
        phrases = [phrase for phrase in _SEPARATOR.split(sentence.strip()) if phrase]
        example = next(iter(self.phrases)), "A"
        must = f"A sentence must hold at least one event, such as {self.phrase(*example)!r}"
        require(phrases, must, sentence=sentence)
        return [self._read_phrase(phrase) for phrase in phrases]

    def _read_phrase(self, phrase: str) -> tuple[str, str]:
        event = self._match(phrase)
        if event is not None:
            return event
        must = f"Each event must be written as one of {[self.phrase(t, 'A') for t in self.phrases]}"
        for language, labels in TYPES.items():
            if template_for(labels)._match(phrase) is not None:
                must = f"This event is written in another language ({language}). {must}"
        require(False, must, event=phrase)

    def _match(self, phrase: str) -> tuple[str, str] | None:
        for label, text in self.phrases.items():
            before, after = map(_flexible, text.split(PLACE))
            found = re.fullmatch(before + item_pattern(self.item) + after, phrase.strip())
            if found:
                return label, found[1]
        return None


# By language: how an item is written, and the phrases of the types of the simulated shop.
_ITEMS = {"en": "item {}", "zh": "商品{}"}
_PHRASES = {
    "en": dict(zip(TYPES["en"], ("view {}", "add {}", "save {}", "buy {}"), strict=True)),
    "zh": {label: f"{label} {PLACE}" for label in TYPES["zh"]},
}


def template_for(types: Sequence[str]) -> Template:
    """The template of some behaviour types, in the language in which they are written.

    Types of the simulated shop have phrases of their own; others are written as type and item.

    Args:
        types: labels, such as `("view", "buy")` or `("浏览", "购买")`.

    Raises:
        ValueError: there are none.
    """
    require(len(types), "`types` must hold the labels of the types", types=types)
    chinese = any("一" <= letter <= "鿿" for label in types for letter in str(label))
    language = "zh" if chinese else "en"
    phrases = {str(t): _PHRASES[language].get(str(t), f"{t} {PLACE}") for t in types}
    return Template(phrases, _ITEMS[language])


def item_pattern(item: str) -> str:
    r"""A pattern that finds an item in a sentence, with its id as group 1.

    Args:
        item: of a `Template`.
    """
    before, after = map(_flexible, item.split(PLACE))
    return rf"{before}([^\s,，]+?){after}(?![^\s,，])"


def _flexible(text: str) -> str:
    """A pattern of a text that matches any number of spaces where it has one."""
    return r"\s+".join(map(re.escape, text.split(" ")))
