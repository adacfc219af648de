"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 09."""

import heapq

import numpy as np
import pandas as pd
from exercises import ExerciseBank
from keras_rs.layers import FeatureCross


def bias(stars, shrinkage, twice=False, mean=None, for_users=None):
    known = ~np.isnan(stars)
    mean = np.nanmean(stars) if mean is None else mean
    apart = stars - mean
    b_item = np.nansum(apart, axis=0) / np.maximum(known.sum(axis=0) + shrinkage, 1e-9)
    rest = apart if twice else apart - b_item
    for_users = shrinkage if for_users is None else for_users
    b_user = np.nansum(rest, axis=1) / (known.sum(axis=1) + for_users)
    return mean + b_user[:, None] + b_item


def bias_by_loop(stars, shrinkage):
    cells = [(u, i, s) for (u, i), s in np.ndenumerate(stars) if not np.isnan(s)]
    mean = sum(s for _, _, s in cells) / len(cells)
    of_item, of_user = [], []
    for item in range(stars.shape[1]):
        own = [s - mean for _, i, s in cells if i == item]
        of_item.append(sum(own) / (len(own) + shrinkage))
    for user in range(stars.shape[0]):
        own = [s - mean - of_item[i] for u, i, s in cells if u == user]
        of_user.append(sum(own) / (len(own) + shrinkage))
    return [[mean + b_user + b_item for b_item in of_item] for b_user in of_user]


def bias_by_pandas(stars, shrinkage):
    table = pd.DataFrame(stars)
    rest = table - table.stack().mean()
    b_item = rest.sum() / (rest.count() + shrinkage)
    rest = rest - b_item
    b_user = rest.sum(axis=1) / (rest.count(axis=1) + shrinkage)
    everyone = pd.DataFrame(0.0, table.index, table.columns)
    return everyone.add(b_item).add(b_user, axis=0) + table.stack().mean()


def bias_by_groups(stars, shrinkage):
    cells = pd.DataFrame(stars).stack()
    rest = cells - cells.mean()
    found = np.full(stars.shape, cells.mean())
    for level, axis in ((1, 0), (0, 1)):
        groups = rest.groupby(level=level)
        deviation = groups.sum() / (groups.count() + shrinkage)
        rest = rest - deviation.reindex(rest.index.get_level_values(level)).to_numpy()
        found += np.expand_dims(deviation.reindex(range(stars.shape[level])).fillna(0), axis)
    return found.tolist()


def bias_in_place(stars, shrinkage):
    known = np.isfinite(stars)
    mean = stars[known].mean()
    stars[~known] = mean
    stars -= mean
    b_item = stars.sum(axis=0) / (known.sum(axis=0) + shrinkage)
    b_user = ((stars - b_item) * known).sum(axis=1) / (known.sum(axis=1) + shrinkage)
    return np.add.outer(b_user, b_item) + mean


def with_gaps(stars, shrinkage):
    return bias(stars, shrinkage) + 0 * stars


def unrated_missing(stars, shrinkage):
    found = bias(stars, shrinkage)
    found[:, np.isnan(stars).all(axis=0)] = np.nan
    return found


def items_only(stars, shrinkage):
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    b_item = np.nansum(stars - mean, axis=0) / (known.sum(axis=0) + shrinkage)
    return np.tile(mean + b_item, (len(stars), 1))


def users_only(stars, shrinkage):
    return np.tile(items_only(stars.T, shrinkage).T, 1)


def users_first(stars, shrinkage):
    return bias(stars.T, shrinkage).T


def shrunk_late(stars, shrinkage):
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    counts = [known.sum(axis=axis) for axis in (0, 1)]
    b_item = np.nansum(stars - mean, axis=0) / np.maximum(counts[0], 1)
    b_user = np.nansum(stars - mean - b_item, axis=1) / counts[1]
    shrunk = [b * n / (n + shrinkage) for b, n in zip((b_item, b_user), counts, strict=True)]
    return mean + shrunk[1][:, None] + shrunk[0]


def shrunk_alike(stars, shrinkage):
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    b_item = np.nansum(stars - mean, axis=0) / np.maximum(known.sum(axis=0), 1) / (1 + shrinkage)
    b_user = np.nanmean(stars - mean - b_item, axis=1) / (1 + shrinkage)
    return mean + b_user[:, None] + b_item


def zeros_counted(stars, shrinkage):
    return bias(np.nan_to_num(stars), shrinkage)


def cross(x0, x, weights, bias):
    return x0 * (x @ weights + bias) + x


def cross_by_loop(x0, x, weights, bias):
    found = np.zeros(x.shape, np.float32)
    for n, d in np.ndindex(*x.shape):
        linear = sum(x[n, e] * weights[e, d] for e in range(x.shape[1])) + bias[d]
        found[n, d] = x0[n, d] * linear + x[n, d]
    return found


def cross_by_layer(x0, x, weights, bias):
    layer = FeatureCross()
    inputs = x0.astype("float32"), x.astype("float32")
    layer(*inputs)  # Makes the weights.
    layer.set_weights([weights, bias])
    return layer(*inputs)


def cross_by_einsum(x0, x, weights, bias):
    return (np.einsum("nd,ne,ed->nd", x0, x, weights) + x0 * bias + x).tolist()


def first_version(x0, x, weights, bias):
    return x0 * (x @ weights[:, :1]) + bias + x


def two_stages(scores, ratings, depth):
    first = np.argsort(-scores)
    picked, rest = first[:depth], first[depth:]
    return [*picked[np.argsort(-ratings[picked])], *rest]


def two_stages_by_heap(scores, ratings, depth):
    best = heapq.nlargest(depth, range(len(scores)), key=scores.__getitem__)
    rest = [place for place in np.argsort(-scores) if place not in best]
    return np.array(sorted(best, key=ratings.__getitem__, reverse=True) + rest)


def by_products(scores, ratings, depth):
    first = np.argsort(-scores)[:depth]
    return [*first[np.argsort(-(scores * ratings)[first])], *np.argsort(-scores)[depth:]]


def two_stages_by_keys(scores, ratings, depth):
    order = sorted(range(len(scores)), key=lambda place: scores[place], reverse=True)
    return sorted(order[:depth], key=lambda place: -ratings[place]) + order[depth:]


def two_stages_by_one_sort(scores, ratings, depth):
    places = np.argsort(np.argsort(-scores))
    chosen = places < depth
    return np.lexsort((np.where(chosen, -ratings, places), ~chosen)).astype(np.int32)


def two_stages_by_pandas(scores, ratings, depth):
    table = pd.DataFrame({"score": scores, "stars": ratings}).sort_values("score", ascending=False)
    best = table.head(depth).sort_values("stars", ascending=False)
    return pd.concat([best, table.iloc[depth:]]).index


def stars_below_too(scores, ratings, depth):
    first = np.argsort(-scores)
    chosen = (first[:depth], first[depth:])
    return [place for part in chosen for place in part[np.argsort(-ratings[part])]]


class TestBank(ExerciseBank):
    right = {
        "09.1": [bias, bias_by_groups, bias_by_loop, bias_by_pandas, bias_in_place,
                 lambda stars, s: bias(stars.astype(np.float32), s)],
        "09.2": [cross, cross_by_loop, cross_by_layer, cross_by_einsum],
        "09.3": [two_stages, two_stages_by_heap, two_stages_by_keys, two_stages_by_one_sort,
                 two_stages_by_pandas],
    }  # fmt: skip
    wrong = {
        "09.1": [
            ("stars for every cell", lambda stars, s: bias(stars, s)[0]),
            ("is NaN", with_gaps),
            ("without ratings", unrated_missing),
            ("add the mean of all stars", lambda stars, s: bias(stars, s) - np.nanmean(stars)),
            ("shrinkage is not used", lambda stars, s: bias(stars, 0)),
            ("looks generous", lambda stars, s: bias(stars, s, twice=True)),
            ("Two users get the same", items_only),
            ("Two items get the same", users_only),
            ("users come before the items", users_first),
            ("shrink the items first", shrunk_late),
            ("divides every deviation alike", shrunk_alike),
            ("count as 0 stars", zeros_counted),
            ("Only the items are shrunk", lambda stars, s: bias(stars, s, for_users=0)),
            ("Only the users are shrunk", lambda stars, s: bias(stars, 0, for_users=s)),
            ("users' means", lambda stars, s: bias(stars, s, mean=np.nanmean(
                np.nanmean(stars, axis=1)))),
            ("rounded", lambda stars, s: np.round(bias(stars, s))),
            ("both shrunk", lambda stars, s: bias(stars, s + 1)),
            ("one matrix and shrinkage", lambda stars, s: bias(stars, 3.0)),
            ("one matrix and shrinkage", lambda stars, s: np.clip(bias(stars, s), 1, 5)),
            ("user without ratings", lambda stars, s: bias(stars, s) + 0 * np.nanmax(
                np.where(np.isnan(stars).all(axis=1)[:, None], np.nan, 0), axis=1)[:, None]),
            ("both shrunk", lambda stars, s: np.where(
                np.isnan(stars), bias(stars, s), stars)),
        ],
        "09.2": [
            ("shape of the inputs", lambda x0, x, w, b: cross(x0, x, w, b).sum(axis=1)),
            ("nothing is left", lambda x0, x, w, b: x0 * (x @ w + b)),
            ("Nothing is multiplied", lambda x0, x, w, b: x @ w + b + x),
            ("first input is added", lambda x0, x, w, b: x0 * (x @ w + b) + x0),
            ("must read the latest", lambda x0, x, w, b: x0 * (x0 @ w + b) + x),
            ("transposed", lambda x0, x, w, b: cross(x0, x, w.T, b)),
            ("added after the product", lambda x0, x, w, b: x0 * (x @ w) + b + x),
            ("changed places", lambda x0, x, w, b: cross(x, x0, w, b)),
            ("bias is missing", lambda x0, x, w, b: x0 * (x @ w) + x),
            ("changes the array", lambda x0, x, w, b: np.add(x, x0 * (x @ w + b), out=x)),
            ("its own linear layer", lambda x0, x, w, b: x * (x @ w + b) + x),
            ("activation", lambda x0, x, w, b: x0 * np.maximum(x @ w + b, 0) + x),
            ("first version", first_version),
            ("as a whole", lambda x0, x, w, b: x0 * (x @ w + b + x)),
            ("Only the first input", lambda x0, x, w, b: cross(x0, x0, w, b)),
        ],
        "09.3": [
            ("return all items", lambda s, r, d: two_stages(s, r, d)[:d]),
            ("be in the list once", lambda s, r, d: two_stages(s, r, d)[:-1]),
            ("scores have no say", lambda s, r, d: np.argsort(-r)),
            ("stars have no say", lambda s, r, d: np.argsort(-s)),
            ("keep the order of their scores", stars_below_too),
            ("reverse order", lambda s, r, d: two_stages(s, -r, d)),
            ("lowest scores", lambda s, r, d: two_stages(-s, r, d)),
            ("another order", lambda s, r, d: [*np.sort(np.argsort(-s)[:d]), *np.argsort(-s)[d:]]),
            ("depth exceeds", lambda s, r, d: two_stages(s, r, d) if d < 9 else np.argsort(-s)),
            ("stages have changed places", lambda s, r, d: two_stages(r, s, d)),
            ("return the items in the order", lambda s, r, d: np.argsort(two_stages(s, r, d))),
            ("large or negative", lambda s, r, d: np.argsort(
                -np.where(np.argsort(np.argsort(-s)) < d, 10 + r, s))),
            ("large or negative", by_products),
            ("depth 0", lambda s, r, d: two_stages(s, r, max(d, 3))),
        ],
    }  # fmt: skip
    given_away = ("np.", "argsort", "nansum", "@", "x0", "lambda", "+ x")
