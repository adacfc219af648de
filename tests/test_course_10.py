"""Right answers pass; typical wrong ones are told apart, without the solution."""

import numpy as np
import pytest

from recmodels.course import check


def one_per_family(scores, families, k):
    chosen, met = [], set()
    for place in np.argsort(-scores):
        if families[place] not in met:
            met |= {families[place]} - {None}
            chosen.append(place)
    return chosen[:k]


def short(scores, families, k):
    best = np.argsort(-scores)[:k]
    kept, met = [], set()
    for place in best:
        if families[place] is None or families[place] not in met:
            met.add(families[place])
            kept.append(place)
    return kept


def in_order_of_arrival(scores, families, k):
    first = {}
    for place, family in enumerate(families):
        first.setdefault(family, place)
    return sorted(first.values(), key=lambda place: -scores[place])[:k]


def unsorted(scores, families, k):
    return sorted(one_per_family(scores, families, k))


def no_rule(scores, families, k):
    return np.argsort(-scores)[:k]


def none_is_a_family(scores, families, k):
    return one_per_family(scores, [str(family) for family in families], k)


def variety(vectors):
    if len(vectors) < 2:
        return 0.0
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return 1 - (directions @ directions.T)[np.triu_indices(len(vectors), 1)].mean()


def with_itself(vectors):
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return 1 - (directions @ directions.T).mean()


def similarity(vectors):
    return 1 - variety(vectors)


def dot_products(vectors):
    return 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)].mean() / (
        np.diag(vectors @ vectors.T).max()
    )


def neighbours_only(vectors):
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return 1 - (directions[1:] * directions[:-1]).sum(axis=1).mean()


def no_pair(vectors):
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        pairs = (directions @ directions.T)[np.triu_indices(len(vectors), 1)]
        return 1 - pairs.sum() / np.float64(len(pairs))


def fetching(fetch, allowed, k):
    count, before = 2 * k, -1
    while True:
        fetched = fetch(count)
        left = [item for item in fetched if allowed(item)]
        if len(left) >= k or len(fetched) == before:
            return left[:k]
        count, before = 2 * count, len(fetched)


def once(fetch, allowed, k):
    return [item for item in fetch(k) if allowed(item)]


def everything(fetch, allowed, k):
    return [item for item in fetch(10**6) if allowed(item)][:k]


def never_content(fetch, allowed, k):
    count = 2 * k
    while len(left := [item for item in fetch(count) if allowed(item)]) < k:
        count = min(2 * count, 5_000)
    return left[:k]


def gives_up(fetch, allowed, k):
    return [item for item in fetch(20 * k) if allowed(item)][:k]


def no_filter(fetch, allowed, k):
    return fetch(k)


WRONG = {
    "10.1": [short, in_order_of_arrival, unsorted, no_rule, none_is_a_family, None],
    "10.2": [with_itself, similarity, dot_products, neighbours_only, no_pair, None],
    "10.3": [once, everything, never_content, gives_up, no_filter, None],
}


@pytest.mark.parametrize(
    ("number", "answer"), [("10.1", one_per_family), ("10.2", variety), ("10.3", fetching)]
)
def test_right_answers_pass(number, answer):
    verdict = check(number, answer)
    assert verdict, verdict


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_get_reasons_of_their_own(number):
    verdicts = [check(number, answer) for answer in WRONG[number]]
    assert not any(verdicts)
    reasons = {verdict.reason for verdict in verdicts}
    assert len(reasons) >= 5, reasons
    assert not any("argsort" in reason or "triu" in reason for reason in reasons)
