"""Canaries for texts that give the answer away: signs of a leak that no honest text shows."""

import re

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from recmodels.data.errors import require
from recmodels.data.splits import Cases
from recmodels.features.checks import check_whole

LEAKS = ("named in the text", "near in the table", "near by id")
SIGNIFICANT, MATERIAL = 0.001, 0.01  # Largest p-value, and smallest excess, of what is called one.


def text_leaks(
    cases: Cases, texts: pd.Series, names: pd.Series | None = None, near: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Measure whether texts or ids of items tell which item comes next, beyond chance.

        named in the text   the text of the last item holds the name or the raw id of the target
        near in the table   the target is at most `near` rows from the last item in `texts`
        near by id          likewise in the order of the raw ids

    The first is a leak where texts were written after the events, such as lists of what others
    bought next. Files whose items are numbered as they were met in the log of one user after the
    other show the others: a model must not read such ids as numbers, or letter by letter.

    Args:
        cases: such as `split.validation`.
        texts: of all items, indexed by raw id, in the order of the file.
        names: of all items, which texts must not hold; by default `texts`.
        near: rows around the last item.
        seed: of the chance, for which targets are exchanged among the cases.

    Returns:
        One row per sign: `share` of the cases, `chance`, `p` of Fisher's exact test, and `leak`,
        whether the share is significantly (0.1 %) and materially (a point) above chance.

    Raises:
        ValueError: an argument is of another kind, or no case has a last item and a target with
            texts.

    Example:
        >>> text_leaks(split.test, item_texts(items), names=items["title"])
    """
    _check_arguments(cases, texts, names, near)
    last, targets = _last_items(cases), cases.targets.events["item"].to_numpy()
    known = pd.Index(last).isin(texts.index) & pd.Index(targets).isin(texts.index)
    known &= last != targets
    require(known.any(), "`texts` must have the items of the cases as index", texts=len(texts))
    last, targets = last[known], targets[known]
    exchanged = np.random.default_rng(seed).permutation(targets)
    read = _readers(texts, texts if names is None else names, near)
    rows = {}
    for sign in LEAKS:
        found, chance = (
            int((read[sign](last, others) & (last != others)).sum())
            for others in (targets, exchanged)
        )
        table = [[found, len(last) - found], [chance, len(last) - chance]]
        p = float(fisher_exact(table, "greater").pvalue)
        excess = (found - chance) / len(last)
        rows[sign] = {
            "share": found / len(last),
            "chance": chance / len(last),
            "p": p,
            "leak": p < SIGNIFICANT and excess > MATERIAL,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _check_arguments(cases, texts, names, near) -> None:
    must = "`cases` must be a part of a split, such as `split.validation`"
    require(isinstance(cases, Cases), must, cases=type(cases))
    for name, column in (("texts", texts), ("names", names)):
        if column is None and name == "names":
            continue
        fits = isinstance(column, pd.Series) and column.index.is_unique
        must = f"`{name}` must be a Series indexed by distinct raw ids, such as `items['title']`"
        require(fits, must, **{name: type(column)})
    check_whole("near", near)


def _last_items(cases: Cases) -> np.ndarray:
    """Raw id of the last known item of each case; None where there is none."""
    users, offsets = cases.inputs.user_offsets()
    rows = pd.Index(users).get_indexer(cases.targets.events["user"])
    known = np.append(np.diff(offsets), 0)[rows] if cases.known is None else cases.known
    items = cases.inputs.events["item"].to_numpy(object)
    some = (rows >= 0) & (known > 0)
    found = np.full(len(rows), None, object)
    found[some] = items[offsets[rows[some]] + known[some] - 1]
    return found


def _readers(texts: pd.Series, names: pd.Series, near: int) -> dict:
    """By the sign, a function of last items and targets that says where it is seen."""
    lowered = {item: str(text).casefold() for item, text in texts.items()}
    called = {item: str(name).casefold() for item, name in names.items() if isinstance(name, str)}

    def named(last, targets):
        return np.array(
            [_holds(lowered[a], called.get(b, ""), b) for a, b in zip(last, targets, strict=True)]
        )

    def within(order: pd.Index):
        def is_near(last, targets):
            return np.abs(order.get_indexer(last) - order.get_indexer(targets)) <= near

        return is_near

    by_id = texts.index.sort_values()
    return dict(zip(LEAKS, (named, within(texts.index), within(by_id)), strict=True))


def _holds(text: str, name: str, item) -> bool:
    """Whether a text holds the name or the raw id of another item as words."""
    words = [word for word in (name, str(item).casefold()) if word]
    return any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words if word in text
    )
