"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 10."""

import itertools

import numpy as np
import pandas as pd
import scipy.spatial
from exercises import ExerciseBank


def one_per_family(scores, families, k):
    chosen, met = [], set()
    for place in np.argsort(-scores):
        if families[place] not in met:
            met |= {families[place]} - {None}
            chosen.append(place)
    return chosen[:k]


def walk_by_dict(scores, families, k):
    best = {}
    for place in sorted(range(len(scores)), key=lambda place: -scores[place]):
        name = families[place] if families[place] is not None else ("unknown", place)
        best.setdefault(name, place)
    return list(best.values())[:k]


def walk_by_pandas(scores, families, k):
    table = pd.DataFrame({"score": scores, "family": pd.Series(families, dtype=object)})
    table = table.sort_values("score", ascending=False)
    return table.index[~table["family"].duplicated() | table["family"].isna()][:k]


def walk_by_unique_names(scores, families, k):
    names = [f"alone {n}" if f is None else f for n, f in enumerate(families)]
    order = np.argsort(-scores)
    _, first = np.unique(np.array(names)[order], return_index=True)
    return order[np.sort(first)[:k]]


def taken_at_zero(scores, families, k):
    left, chosen = np.array(scores), []
    while len(chosen) < k and left.max() > -1:
        best = int(left.argmax())
        left[best] = -1
        if families[best] is None or families[best] not in [families[p] for p in chosen]:
            chosen.append(best)
    return chosen


def unlike_the_last(scores, families, k):
    chosen = []
    for place in np.argsort(-scores):
        if len(chosen) < k and (not chosen or families[place] != families[chosen[-1]]):
            chosen.append(place)
    return chosen


def walk_that_stops(scores, families, k):
    left, chosen = dict(enumerate(scores)), []
    while left and len(chosen) < k:
        best = max(left, key=left.get)
        chosen.append(best)
        name = families[best]
        related = [p for p in left if p == best or (name is not None and families[p] == name)]
        for place in related:
            del left[place]
    return tuple(chosen)


def cut_first(scores, families, k):
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


def unknown_left_out(scores, families, k):
    return [p for p in one_per_family(scores, families, 99) if families[p] is not None][:k]


def none_is_a_family(scores, families, k):
    return one_per_family(scores, [str(family) for family in families], k)


def directions(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def variety(vectors):
    if len(vectors) < 2:
        return 0.0
    rows = directions(vectors)
    return 1 - (rows @ rows.T)[np.triu_indices(len(vectors), 1)].mean()


def variety_by_loop(vectors):
    gaps = []
    for a, b in itertools.combinations(vectors, 2):
        gaps.append(1 - a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)))
    return sum(gaps) / len(gaps) if gaps else 0


def variety_of_the_sum(vectors):
    n = len(vectors)
    total = directions(vectors).sum(axis=0)
    return 1 - (total @ total - n) / (n * (n - 1)) if n > 1 else 0.0


def variety_by_scipy(vectors):
    gaps = scipy.spatial.distance.pdist(vectors.astype(np.float32), "cosine")
    return gaps.mean() if len(gaps) else 0.0


def with_itself(vectors):
    rows = directions(vectors)
    return 1 - (rows @ rows.T).mean()


def dot_products(vectors):
    return 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)].mean()


def neighbours_only(vectors):
    rows = directions(vectors)
    return 1 - (rows[1:] * rows[:-1]).sum(axis=1).mean()


def no_pair(vectors):
    rows = directions(vectors)
    return 1 - (rows @ rows.T)[np.triu_indices(len(vectors), 1)].mean()


def first_only(vectors):
    rows = directions(vectors)
    return 1 - (rows[1:] @ rows[0]).mean()


def fetching(fetch, allowed, k, factor=2, start=2):
    count, before = start * k, -1
    while True:
        fetched = fetch(count)
        left = [item for item in fetched if allowed(item)]
        if len(left) >= k or len(fetched) == before:
            return left[:k]
        count, before = factor * count, len(fetched)


def fetching_until_short(fetch, allowed, k):
    count = k
    while len([item for item in fetch(count) if allowed(item)]) < k and len(fetch(count)) == count:
        count *= 4
    return [item for item in fetch(count) if allowed(item)][:k]


def fetching_new_ones(fetch, allowed, k):
    found, seen, count = [], 0, 20
    while len(found) < k:
        new = fetch(count)[seen:]
        if not new:
            break
        found += filter(allowed, new)
        seen, count = seen + len(new), 2 * count
    return np.array(found[:k], int)


def by_recursion(fetch, allowed, k, count=16):
    items = fetch(count)
    left = [item for item in items if allowed(item)]
    if len(left) >= k or len(items) < count:
        return tuple(left[:k])
    return by_recursion(fetch, allowed, k, 3 * count)


def never_content(fetch, allowed, k):
    count = 2 * k
    while len(left := [item for item in fetch(count) if allowed(item)]) < k:
        count = min(2 * count, 5_000)
    return left[:k]


def gives_up(fetch, allowed, k):
    for tries in range(8):
        left = [item for item in fetch(k * 2**tries) if allowed(item)]
        if len(left) >= k:
            break
    return left[:k]


def fills_up(fetch, allowed, k):
    return (fetching(fetch, allowed, k) + fetch(k))[:k]


class TestBank(ExerciseBank):
    right = {
        "10.1": [one_per_family, walk_by_dict, walk_by_pandas, walk_by_unique_names,
                 walk_that_stops],
        "10.2": [variety, variety_by_loop, variety_of_the_sum, variety_by_scipy],
        "10.3": [fetching, fetching_until_short, fetching_new_ones, by_recursion,
                 lambda *given: fetching(*given, factor=10, start=4)],
    }  # fmt: skip
    wrong = {
        "10.1": [
            ("below the first k", cut_first),
            ("not the best one of each", in_order_of_arrival),
            ("order of their positions", lambda *given: sorted(one_per_family(*given))),
            ("two items of one family", lambda scores, families, k: np.argsort(-scores)[:k]),
            ("None is not a family", none_is_a_family),
            ("positive scores only", taken_at_zero),
            ("two items of one family", unlike_the_last),
            ("left out", unknown_left_out),
            ("lowest scores", lambda scores, families, k: one_per_family(-scores, families, k)),
            ("reverse order", lambda *given: one_per_family(*given)[::-1]),
            ("begin at 0", lambda *given: np.array(one_per_family(*given)) + 1),
            ("must hold four items", lambda s, families, k: one_per_family(s, families, k - 1)),
            ("not whole", lambda scores, families, k: scores[one_per_family(scores, families, k)]),
        ],
        "10.2": [
            ("compared with itself", with_itself),
            ("one minus it", lambda vectors: 1 - variety(vectors)),
            ("dot products", dot_products),
            ("neighbours", neighbours_only),
            ("has no pair", no_pair),
            ("has no pair", lambda vectors: variety(vectors) if len(vectors) > 1 else 1.0),
            ("seven items", lambda vectors: 1 - np.abs(
                1 - scipy.spatial.distance.pdist(vectors, "cosine")).mean()),
            ("first item", first_only),
            ("one number", directions),
            ("sums", lambda vectors: variety(vectors) * len(vectors) * (len(vectors) - 1) / 2),
            ("between columns", lambda vectors: variety(vectors.T)),
            ("mean distance", lambda vectors: scipy.spatial.distance.pdist(vectors).mean()),
            ("number of pairs", lambda vectors: 1 - (1 - variety(vectors)) * 6 / 7),
        ],
        "10.3": [
            ("list is not full", lambda fetch, allowed, k: [*filter(allowed, fetch(k))]),
            ("at once", lambda fetch, allowed, k: [*filter(allowed, fetch(10**6))][:k]),
            ("a thousand times", never_content),
            ("are missed", gives_up),
            ("are missed", lambda fetch, allowed, k: [*filter(allowed, fetch(20 * k))][:k]),
            ("not allowed", lambda fetch, allowed, k: fetch(k)),
            ("holds 20", lambda fetch, allowed, k: fetching(fetch, allowed, 2 * k)),
            ("best ones", lambda *given: sorted(fetching(*given))),
            ("best ones", lambda fetch, allowed, k: [*filter(allowed, fetch(99))][-k:]),
            ("must hold those", fills_up),
            ("None", lambda fetch, allowed, k: None),
        ],
    }  # fmt: skip
    given_away = ("argsort", "triu", "np.")
