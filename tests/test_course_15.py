"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 15."""

import re

import numpy as np
import pandas as pd
from exercises import ExerciseBank


def idf_of(counts):
    return 1 + np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0)))


def unit(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def by_formula(counts):
    return unit(counts * idf_of(counts))


def by_library(counts):
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer().fit_transform(counts).toarray()


def by_rows(counts):
    idf, rows = idf_of(counts), []
    for row in counts:
        length = sum((c * w) ** 2 for c, w in zip(row, idf, strict=True)) ** 0.5
        rows.append([c * w / length if length else 0.0 for c, w in zip(row, idf, strict=True)])
    return rows


def by_diagonal(counts):
    rows = counts @ np.diag(idf_of(counts))
    lengths = np.sqrt(np.einsum("nw,nw->n", rows, rows))
    lengths[lengths == 0] = 1
    return rows / lengths[:, None]


def dividing_by_zero(counts):
    with np.errstate(all="ignore"):
        rows = counts * idf_of(counts)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def changes_the_counts(counts):
    if counts.dtype.kind == "f":
        counts *= idf_of(counts)
        return unit(counts)
    return by_formula(counts)


def slices(few=(1, 5), k=10, share=True, total=None, empty=np.nan):
    """An answer with some numbers of events that are rare, and a length of the list."""

    def answer(ranks, targets, train_items):
        events = pd.Series(train_items).value_counts().reindex(targets, fill_value=0).to_numpy()
        masks = {
            "cold": events == 0,
            "rare": (events >= few[0]) & (events <= few[1]),
            "frequent": events > few[1],
        }
        hit, found = ranks <= k, {}
        for name, mask in masks.items():
            count = (total or mask.sum()) if share else 1
            found[name] = hit[mask].sum() / count if mask.any() else empty
        return found

    return answer


def by_loop(ranks, targets, train_items):
    hits = {"cold": [], "rare": [], "frequent": []}
    for rank, target in zip(ranks, targets, strict=True):
        events = list(train_items).count(target)
        name = "cold" if not events else "rare" if events <= 5 else "frequent"
        hits[name].append(rank < 11)
    return {name: float(np.mean(h)) if h else float("nan") for name, h in hits.items()}


def by_groups(ranks, targets, train_items):
    events = np.bincount(train_items, minlength=targets.max() + 1)[targets]
    names = pd.cut(events, [-1, 0, 5, np.inf], labels=["cold", "rare", "frequent"])
    hits = pd.Series(ranks <= 10).groupby(names, observed=False).mean()
    return hits.to_dict()


def by_regex(text, name):
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


def by_border(text, name):
    pattern = rf"(?:^|\W){re.escape(name.casefold())}(?:\W|$)"
    return re.search(pattern, text.casefold()) is not None


def by_scan(text, name):
    text, name = f" {text.lower()} ", name.lower()
    begin = text.find(name)
    while begin >= 0:
        if not text[begin - 1].isalnum() and not text[begin + len(name)].isalnum():
            return True
        begin = text.find(name, begin + 1)
    return False


def first_only(text, name):
    text, name = f" {text.lower()} ", name.lower()
    begin = text.find(name)
    return begin >= 0 and not text[begin - 1].isalnum() and not text[begin + len(name)].isalnum()


class TestBank(ExerciseBank):
    right = {
        "15.1": [by_formula, by_library, by_rows, by_diagonal],
        "15.2": [slices(), by_loop, by_groups],
        "15.3": [by_regex, by_border, by_scan],
    }
    wrong = {
        "15.1": [
            ("length 1", lambda c: c * idf_of(c)),
            ("not by its sum", lambda c: c * idf_of(c) / np.maximum(
                (c * idf_of(c)).sum(axis=1, keepdims=True), 1e-9)),
            ("weights are missing", unit),
            ("counts twice", lambda c: unit((c > 0) * idf_of(c))),
            ("1 in front", lambda c: unit(c * (idf_of(c) - 1))),
            ("increased by 1", lambda c: unit(c * (1 + np.log(len(c) / (c > 0).sum(axis=0))))),
            ("here it rises", lambda c: unit(c * (2 - idf_of(c)))),
            ("how often it occurs", lambda c: unit(
                c * (1 + np.log((1 + len(c)) / (1 + c.sum(axis=0)))))),
            ("one row per title", lambda c: by_formula(c).T),
            ("work on new ones", changes_the_counts),
            ("finite", dividing_by_zero),
        ],
        "15.2": [
            ("rank 10", slices(k=9)),
            ("exactly five", slices(few=(1, 4))),
            ("not by all", slices(total=10)),
            ("numbers of hits", slices(share=False)),
            ("at least one", slices(few=(0, 5))),
            ("NaN", slices(empty=0.0)),
            ("dict with the keys", lambda *given: list(by_loop(*given).values())),
            ("dict with the keys", lambda *given: {"cold": 1 / 3}),
        ],
        "15.3": [
            ("whole words", lambda text, name: name.lower() in text.lower()),
            ("case must not", lambda text, name: bool(
                re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))),
            ("inside of the text", lambda text, name: text.lower() == name.lower()),
            ("hyphen", lambda text, name: f" {name.lower()} " in f" {text.lower()} "),
            ("a dot", lambda text, name: bool(
                re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE))),
            ("Look further", first_only),
            ("True or False", lambda text, name: re.search(name, text)),
            ("in its order", lambda text, name: set(re.findall(r"\w+", name.lower()))
                <= set(re.findall(r"\w+", text.lower()))),
        ],
    }  # fmt: skip
