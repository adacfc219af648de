"""Say in one sentence why a list has an item, from facts that a program can check."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from recmodels.data.errors import require

# The share from which a word applies, in English and in Chinese.
CONFIDENCE = ((2 / 3, "mostly", "主要"), (1 / 3, "partly", "部分"), (0.0, "slightly", "略微"))
LANGUAGES = ("en", "zh")
# Each part of a sentence in both languages. `adds` and `them` agree with the number of events.
PARTS = {
    "nothing": (
        "No reason found for {item}: no event matters more to its score than others.",
        "未找到推荐 {item} 的理由：没有哪个事件对其得分的影响大于其他事件。",
    ),
    "and": (" and ", "和"),
    "because": (
        "{word} because of {events}, {adds} {about}{share:.0f} % of the support for {item}",
        "{word}因为 {events}，{about}占历史支持的 {share:.0f} %",
    ),
    "about": ("about ", "约"),
    "score": ("{item} has its score {because}.", "{item} 的得分{because}。"),
    "same": (
        "{item} is at rank {rank} {because}; without {them} {item} would stay there.",
        "{item} 排第 {rank} 位{because}；若没有这些事件，{item} 仍在该位。",
    ),
    "other": (
        "{item} is at rank {rank} {because}; without {them} {instead} would be there.",
        "{item} 排第 {rank} 位{because}；若没有这些事件，该位将是 {instead}。",
    ),
}


@dataclass(frozen=True)
class Cited:
    """An event that a sentence cites.

    Args:
        item: raw id.
        type: such as "buy", or None where events have no type.
        category: of the item, or None where the item table has none.
    """

    item: object
    type: object = None
    category: object = None


@dataclass(frozen=True)
class Facts:
    """What a sentence may say about an item of a list.

    Args:
        item: raw id of the item.
        cited: the events that its score depends on most; none where no reason was found.
        share: their part of all positive influence of events, 0..1.
        rank: place of the item by its score, from 1; None where it is not stated, and where the
            item may not be listed.
        instead: raw id of the item at that place without the cited events, which may be `item`.
        estimated: whether the share is estimated from a sample, as Shapley values are.
    """

    item: object
    cited: tuple[Cited, ...] = ()
    share: float = 0.0
    rank: int | None = None
    instead: object = None
    estimated: bool = False


def write_sentence(facts: Facts, language: str = "en") -> str:
    """One sentence that states the facts and nothing else.

    Args:
        facts: of one item.
        language: "en" or "zh".

    Raises:
        ValueError: `language` is neither.

    Example:
        >>> write_sentence(Facts("pot", (Cited("tea", "buy"),), 0.7, 1, "cup"))
        '"pot" is at rank 1 mostly because of "tea" ("buy"), which adds 70 % of the support for \
"pot"; without it "cup" would be there.'
    """
    require(language in LANGUAGES, "`language` must be 'en' or 'zh'", language=language)
    place, item = LANGUAGES.index(language), _quote(facts.item)
    parts = {name: both[place] for name, both in PARTS.items()}
    if not facts.cited:
        return parts["nothing"].format(item=item)
    because = parts["because"].format(
        item=item,
        word=next(words[place] for least, *words in CONFIDENCE if facts.share >= least),
        events=parts["and"].join(map(_event, facts.cited)),
        adds="which adds" if len(facts.cited) == 1 else "which add",
        about=parts["about"] if facts.estimated else "",
        share=100 * facts.share,
    )
    if facts.rank is None:
        return parts["score"].format(item=item, because=because)
    return parts["same" if facts.instead == facts.item else "other"].format(
        item=item,
        rank=facts.rank,
        because=because,
        them="it" if len(facts.cited) == 1 else "them",
        instead=_quote(facts.instead),
    )


def rename(facts: Facts, name: Callable[[object], str]) -> Facts:
    """The facts with names, such as titles, in place of raw ids.

    The rank is left out where two items with one name would make the sentence false.
    """
    item, instead = name(facts.item), None if facts.instead is None else name(facts.instead)
    clear = (instead == item) == (facts.instead == facts.item)
    cited = tuple(replace(event, item=name(event.item)) for event in facts.cited)
    rank = facts.rank if clear else None
    return replace(facts, item=item, cited=cited, rank=rank, instead=instead)


def _event(event: Cited) -> str:
    about = [_quote(value) for value in (event.type, event.category) if value is not None]
    return f"{_quote(event.item)} ({', '.join(about)})" if about else _quote(event.item)


def _quote(value) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def check_sentence(sentence: str, facts: Facts, language: str = "en") -> None:
    """Raise unless a sentence states exactly the facts.

    Args:
        sentence: to check.
        facts: derived from the model again, not those the sentence was written from.
        language: "en" or "zh".

    Raises:
        ValueError: the sentence states something else; the error names what was not given.
    """
    require(isinstance(sentence, str), "`sentence` must be a text", sentence=sentence)
    expected = write_sentence(facts, language)
    false = sorted(_stated(sentence) - _stated(expected))
    must = f"`sentence` must state the facts alone, as {expected!r} does"
    require(sentence == expected, must, sentence=sentence, not_given=false)


def _stated(sentence: str) -> set[str]:
    """Names in quotation marks and numbers outside of them."""
    quoted = r'"(?:[^"\\]|\\.)*"'
    return {*re.findall(quoted, sentence), *re.findall(r"\d+", re.sub(quoted, "", sentence))}
