"""Convert raw ids of users of the library, for many lists in one pass."""

import itertools
import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid
from recmodels.data.text import counted
from recmodels.features.vocabulary import Vocabulary


def check_types(raw: Sequence, example, argument: str) -> None:
    """Raise a `ValueError` for values that are not of the type of `example`, text or number."""
    text, kinds = isinstance(example, str), set(map(type, raw))
    fitting = {
        kind
        for kind in kinds
        if issubclass(kind, str if text else numbers.Real) and kind is not bool
    }
    floats = {kind for kind in fitting if issubclass(kind, float | np.floating)}
    if kinds == fitting and not floats:
        return
    for value in raw:
        kind = type(value)
        if kind not in fitting or (kind in floats and not math.isfinite(value)):
            kind = "strings" if text else "integers"
            must = f"must hold raw ids of the type of this catalogue, {kind} such as {example!r}"
            raise invalid(f"`{argument}` {must}", **{argument: value})


def typed_ids(texts: Iterable[str], known: np.ndarray) -> list:
    """Ids typed by a user, of the type of the known ones; empty texts are left out.

    Example:
        >>> typed_ids(["3", " 12", "x"], np.array([3, 12]))
        [3, 12, 'x']
    """
    texts = [text.strip() for text in texts if text.strip()]
    if known.dtype.kind not in "iu":
        return texts
    return [int(text) if re.fullmatch(r"[+-]?\d{1,300}", text) else text for text in texts]


def encode_lists(
    vocabulary: Vocabulary, lists: Iterable[Iterable], argument: str, ordered: bool = True
) -> tuple[list[np.ndarray], list[list]]:
    """Item ids, list by list, with the unknown id for what is not in the catalogue; and that.

    Raises:
        ValueError: a list is no list, or holds ids that are not of the catalogue's type.
    """
    lists = [as_list(raw, argument, ordered) for raw in lists]
    flat = list(itertools.chain.from_iterable(lists))
    check_types(flat, vocabulary.raw_ids[:1].tolist()[0], argument)
    cuts = np.cumsum([len(raw) for raw in lists], dtype=np.int64)[:-1]
    if not flat:
        return [np.zeros(0, np.int32) for _ in lists], [[] for _ in lists]
    # One number with a fraction would make floats, which are not exact, of all of them.
    exact = not any(issubclass(kind, float | np.floating) for kind in set(map(type, flat)))
    item_ids = vocabulary.encode(flat if exact else pd.Index(flat, dtype=object))
    encoded = np.split(item_ids, cuts)
    outside = (np.flatnonzero(ids == vocabulary.unknown_id) for ids in encoded)
    unknown = [[raw[i] for i in places] for raw, places in zip(lists, outside, strict=True)]
    return encoded, unknown


def allowed_columns(
    vocabulary: Vocabulary, exclude: Iterable, only: Iterable | None
) -> tuple[np.ndarray, list[str]]:
    """Which columns of the scores may be listed, bool (V + 1,), and notes on unknown ids."""
    allowed = np.full(len(vocabulary) + 1, only is None)
    notes = []
    for argument, raw, value in (("only", only, True), ("exclude", exclude, False)):
        if raw is not None:
            (item_ids,), (unknown,) = encode_lists(vocabulary, [raw], argument, ordered=False)
            allowed[item_ids[item_ids < len(allowed)]] = value
            notes += unknown_note(unknown, argument)
    allowed[0] = False
    return allowed, notes


def unknown_note(unknown: list, argument: str) -> list[str]:
    """At most one sentence, so that it can be added to a list of notes."""
    if not unknown:
        return []
    distinct = list(dict.fromkeys(unknown))
    ids = counted(len(distinct), "id")
    shown = ", ".join(map(repr, distinct[:5])) + (", ..." if len(distinct) > 5 else "")
    if argument == "history":
        return [f"Read {ids} of `history` outside the catalogue as unknown items: {shown}."]
    return [f"Ignored {ids} of `{argument}` outside the catalogue: {shown}."]


def as_list(raw: Iterable, argument: str, ordered: bool = True) -> list:
    """Return an argument as a list.

    Raises:
        ValueError: it is none: a text, a table, a dict or, where the order counts, a set.
    """
    if isinstance(raw, pd.DataFrame):
        advice = "one column of the table"
    elif ordered and isinstance(raw, set | frozenset):
        advice = "a list: a set has no order, and the order of raw ids tells which is the newest"
    elif (
        isinstance(raw, str | bytes | Mapping)
        or not isinstance(raw, Iterable)
        or (isinstance(raw, np.ndarray) and raw.ndim == 0)
    ):
        advice = "a list of raw ids"
    else:
        return list(raw)
    raise invalid(f"`{argument}` must be {advice}", **{argument: raw})


def write_lists(vocabulary: Vocabulary, lists: Sequence[np.ndarray]) -> list[list]:
    """The raw ids of lists of item ids, all translated at once."""
    raw = vocabulary.decode(np.concatenate(lists)).tolist()
    bounds = itertools.accumulate(map(len, lists), initial=0)
    return [raw[start:end] for start, end in itertools.pairwise(bounds)]
