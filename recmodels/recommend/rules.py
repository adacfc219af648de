"""Rules for lists: which items may be listed, and which may be listed together."""

import dataclasses
import math
import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid, require


def _is_number(value, kind=numbers.Real) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)


def _is_date(text: str) -> bool:
    return not pd.isna(pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce"))


def _check_column(rule) -> None:
    must = "`column` must be the name of a column, a text"
    require(isinstance(rule.column, str), must, column=rule.column)


class Rule(Protocol):
    """A frozen dataclass with JSON fields: `Allows`, `Limits` or the one `Diverse`."""


@runtime_checkable
class Allows(Protocol):
    """A rule that says which items may be listed at all."""

    def allows(self, items: pd.DataFrame) -> np.ndarray:
        """Return whether each row of the item table may be listed, bool (V,)."""


@runtime_checkable
class Limits(Protocol):
    """A rule that limits a list to `most` items of each group."""

    most: int

    def groups(self, items: pd.DataFrame) -> list[list[str]]:
        """Return the groups of each row of the item table."""


@dataclass(frozen=True)
class NoOlderThan:
    """Show items whose time is `since` or later; those without a time are left out.

    Args:
        since: a number, or a date as text: UTC, ISO 8601.
        column: of the item table: dates, or numbers, which a date is compared with as UTC seconds.

    Raises:
        ValueError: `since` is neither, or `column` no text.

    Example:
        >>> NoOlderThan("2024-06-01", column="released")
    """

    since: float | str
    column: str = "first_seen"

    def __post_init__(self) -> None:
        fits = _is_number(self.since) or (isinstance(self.since, str) and _is_date(self.since))
        must = "`since` must be a number, or a date as text such as '2024-06-01'"
        require(fits, must, since=self.since)
        _check_column(self)

    def allows(self, items: pd.DataFrame) -> np.ndarray:
        """Bool (V,); missing times are older than everything."""
        values = _column(items, self.column)
        try:
            since = self.since
            if isinstance(since, str):
                since = pd.to_datetime(since, utc=True, format="ISO8601")
            if pd.api.types.is_numeric_dtype(values):
                return _numbers(items, self.column) >= getattr(since, "timestamp", lambda: since)()
            return (pd.to_datetime(values, utc=True, format="ISO8601") >= since).to_numpy()
        except (ValueError, TypeError) as error:
            must = "`since` must be a date, and the column dates or numbers, or both numbers"
            raise invalid(must, rule=self, error=error) from error


@dataclass(frozen=True)
class AtLeast:
    """Show items whose column is `least` or more; those without a value are left out.

    Args:
        least: such as 3.5 stars, or 20 ratings.
        column: of the item table, numbers; `item_facts` has means and counts.

    Raises:
        ValueError: `least` is no finite number, or `column` no text.

    Example:
        >>> (AtLeast(3.5, "mean_value"), AtLeast(20, "events"))
    """

    least: float
    column: str = "mean_value"

    def __post_init__(self) -> None:
        require(_is_number(self.least), "`least` must be a finite number", least=self.least)
        _check_column(self)

    def allows(self, items: pd.DataFrame) -> np.ndarray:
        """Bool (V,)."""
        return _numbers(items, self.column) >= self.least


@dataclass(frozen=True)
class OnePerFamily:
    """Show one item of each title family, such as editions, sizes and remakes.

    Args:
        column: of titles; `title_family` says which belong together.

    Raises:
        ValueError: `column` is no text.
    """

    column: str = "title"

    def __post_init__(self) -> None:
        _check_column(self)

    @property
    def most(self) -> int:
        return 1

    def groups(self, items: pd.DataFrame) -> list[list[str]]:
        """The family of each item, none where it has no title."""
        titles = _column(items, self.column)
        return [[title_family(t)] if isinstance(t, str) and t.strip() else [] for t in titles]


@dataclass(frozen=True)
class AtMost:
    """Show at most `most` items of each category; items without a category are not limited.

    Args:
        most: 1 or more.
        column: of the item table.
        separator: between the categories of an item that has several. It counts for each.

    Raises:
        ValueError: `most` is no whole number of at least 1, or a text is none.
    """

    most: int
    column: str = "category"
    separator: str = "|"

    def __post_init__(self) -> None:
        fits = _is_number(self.most, numbers.Integral) and self.most >= 1
        require(fits, "`most` must be a whole number of at least 1", most=self.most)
        fits = isinstance(self.separator, str) and self.separator != ""
        require(fits, "`separator` must be a text that is not empty", separator=self.separator)
        _check_column(self)

    def groups(self, items: pd.DataFrame) -> list[list[str]]:
        """The categories of each item."""
        values = _column(items, self.column)
        return [
            [] if missing else str(value).split(self.separator)
            for value, missing in zip(values, values.isna(), strict=True)
        ]


@dataclass(frozen=True)
class Diverse:
    """Re-rank by maximal marginal relevance: high scores and low similarity to the list so far.

        next = argmax over the pool of  (1 - weight) * relevance - weight * likeness
        relevance = (score - lowest) / (highest - lowest)      over the pool
        likeness = largest cosine with an item of the list so far, 0 for the first

    Items beyond the pool follow by score if it does not suffice.

    Args:
        weight: 0 keeps the order of the scores; 1 uses only likeness after the first item.
        pool: how many of the best allowed items compete.

    Raises:
        ValueError: `weight` is no number in 0..1, or `pool` no whole number of at least 1.

    Paper: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries", SIGIR 1998, Section 2, with lambda = 1 - weight and the
    scores brought to 0..1, which the paper leaves open.
    """

    weight: float = 0.3
    pool: int = 100

    def __post_init__(self) -> None:
        fits = _is_number(self.weight) and 0 <= self.weight <= 1
        require(fits, "`weight` must be a number in 0..1", weight=self.weight)
        fits = _is_number(self.pool, numbers.Integral) and self.pool >= 1
        require(fits, "`pool` must be a whole number of at least 1", pool=self.pool)


RULES = {kind.__name__: kind for kind in (NoOlderThan, AtLeast, OnePerFamily, AtMost, Diverse)}

# What stands behind the name of a thing without making it another thing.
_SUFFIX = re.compile(
    r"""\s*(?:
        [\(\[][^()\[\]]*[\)\]]                                    # (1995), [Blu-ray]
        | [-–—:,]\s*(?:19|20)\d\d                                 # - 1995
        | [-–—:,]?\s*(?:the\s+)?(?:\d+(?:st|nd|rd|th)|first|second|third|special|limited
            |deluxe|extended|collector'?s|anniversary|remastered|revised|director'?s|ultimate|final)\s+
            (?:\w+\s+)?(?:edition|version|cut)                    # : Director's Cut
        | [-–—:,]\s*(?:remastered|unabridged|hardcover|paperback|hd|4k)
        | [-–—:,]?\s*\d+(?:[.,]\d+)?\s*-?(?:fl\.?\s*)?
            (?:oz|ounces?|ml|cl|l|lit(?:er|re)s?|g|kg|mg|lbs?|mm|cm|inch(?:es)?|count|ct|pcs|pieces|packs?)\.?
        | [-–—:,]?\s*(?:pack|set)\s+of\s+\d+
        | [-–—:,]\s*(?:size\s+)?(?:xxs|xs|s|m|l|xl|xxl|small|medium|large|travel\s+size)
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_TITLE, _LONGEST_SUFFIX = 1000, 200  # Characters.
_ARTICLE = re.compile(r"^(?:the|an?)\s+|,\s*(?:the|an?)$")


def title_family(title: str) -> str:
    """Return a title without year, edition, size, article, case and punctuation.

    Of a very long title the first 1,000 characters count.

    Example:
        >>> title_family("Matrix, The (1999)") == title_family("The Matrix: Special Edition")
        True
        >>> title_family("Shampoo, 8 oz") == title_family("SHAMPOO - 16 Oz. (pack of 2)")
        True
    """
    # Single blanks and a bounded length: the pattern tries each run of blanks from each of them.
    family = " ".join(title.lower().split())[:_LONGEST_TITLE].rstrip()
    while suffix := _SUFFIX.search(family, max(0, len(family) - _LONGEST_SUFFIX)):
        shorter = family[: suffix.start()].rstrip()
        if not shorter:
            break
        family = shorter
    bare = " ".join(re.findall(r"\w+", _ARTICLE.sub("", family)))
    return bare or family


def rules_to_json(rules: Iterable[Rule]) -> list[dict]:
    """Rules as plain dicts, such as `{"rule": "AtMost", "most": 2, ...}`."""
    return [{"rule": type(rule).__name__, **dataclasses.asdict(rule)} for rule in rules]


def rules_from_json(described: Iterable[dict]) -> tuple[Rule, ...]:
    """The rules that `rules_to_json` described; fields with a default may be missing.

    Raises:
        ValueError: a rule or one of its fields is not known, or a value is not allowed.
    """
    require(
        isinstance(described, list | tuple), "`rules` must be a list of objects", rules=described
    )
    rules = []
    for one in described:
        name = one.get("rule") if isinstance(one, dict) else None
        known = isinstance(name, str) and name in RULES
        must = f"`rules` must be objects whose `rule` is one of {sorted(RULES)}"
        require(known, must, rules=one)
        try:
            rules.append(RULES[name](**{key: one[key] for key in one if key != "rule"}))
        except TypeError as error:
            fields = [field.name for field in dataclasses.fields(RULES[name])]
            raise invalid(f"`{name}` takes {fields}", rules=one, error=error) from error
    return tuple(rules)


def _column(items: pd.DataFrame, name: str) -> pd.Series:
    advice = "join it, or name another column"
    message = f"`rules` need a column {name!r} of the item table: {advice}"
    require(name in items.columns, message, columns=list(items.columns))
    return items[name]


def _numbers(items: pd.DataFrame, name: str) -> np.ndarray:
    """A column as floats, (V,), NaN where it is missing: no comparison with that is true."""
    values = _column(items, name)
    must = f"`rules` compare {name!r} with a number, so it must hold numbers"
    require(pd.api.types.is_numeric_dtype(values), must, dtype=values.dtype)
    return values.to_numpy(float, na_value=np.nan)
