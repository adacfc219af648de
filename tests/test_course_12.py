"""Right answers in different styles, and typical wrong ones, for the exercises of notebook 12."""

import numpy as np
import pandas as pd
from exercises import ExerciseBank
from scipy.special import ndtr
from scipy.stats import norm

from recmodels.evaluation.calibration import binned_error
from recmodels.models.event_forecast import LogNormalMixture


def counted(types, users, size, smoothing=1):
    counts = np.full((size, size), float(smoothing))
    for i in range(len(types) - 1):
        if users[i] == users[i + 1]:
            counts[types[i], types[i + 1]] += 1
    return counts


def transitions(types, users, size):
    counts = counted(types, users, size)
    return counts / counts.sum(axis=1, keepdims=True)


def transitions_by_pandas(types, users, size):
    table = pd.DataFrame({"before": types, "after": types, "user": users})
    table["after"] = table.groupby("user", sort=False)["after"].shift(-1)
    table = table.dropna().astype(int)
    counts = table.groupby(["before", "after"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=range(size), columns=range(size), fill_value=0) + 1
    return counts.div(counts.sum(axis=1), axis=0)


def transitions_by_bincount(types, users, size):
    same = users[1:] == users[:-1]
    flat = np.bincount((types[:-1] * size + types[1:])[same], minlength=size**2)
    counts = flat.reshape(size, size) + 1
    return (counts.T / counts.sum(axis=1)).T


def crossing(types, users, size):
    return transitions(types, np.zeros_like(users), size)


def without_smoothing(types, users, size):
    counts = counted(types, users, size, 0)
    return counts / counts.sum(axis=1, keepdims=True)


def of_all(types, users, size):
    counts = counted(types, users, size)
    return counts / counts.sum()


def by_column(types, users, size):
    counts = counted(types, users, size)
    return counts / counts.sum(axis=0)


def turned(types, users, size):
    return transitions(types[::-1], users[::-1], size)


def only_three(types, users, size):
    return transitions(types, users, 3)


def error_of_bins(probabilities, targets, bins, mean=np.average, confidence=None):
    confidence = probabilities.max(axis=1) if confidence is None else confidence
    hits = probabilities.argmax(axis=1) == targets
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    groups = [places == b for b in range(bins) if (places == b).any()]
    distances = [abs(hits[g].mean() - confidence[g].mean()) for g in groups]
    return mean(distances, weights=[g.sum() for g in groups])


def error_of_library(probabilities, targets, bins):
    hits = probabilities.argmax(axis=1) == targets
    return binned_error(probabilities.max(axis=1), hits, bins=bins)


def error_in_loops(probabilities, targets, bins):
    sums = {}
    for row, target in zip(probabilities, targets, strict=True):
        place = min(int(max(row) * bins), bins - 1)
        sums[place] = sums.get(place, 0) + (np.argmax(row) == target) - max(row)
    return sum(map(abs, sums.values())) / len(targets)


def error_by_pandas(probabilities, targets, bins):
    table = pd.DataFrame({"c": probabilities.max(axis=1)})
    table["h"] = probabilities.argmax(axis=1) == targets
    table["b"] = (table["c"] * bins).astype(int).clip(upper=bins - 1)
    return (table["h"] - table["c"]).groupby(table["b"]).sum().abs().sum() / len(table)


def of_means(probabilities, targets, bins):
    return (probabilities.max(axis=1)).mean() - (probabilities.argmax(axis=1) == targets).mean()


def of_true_types(probabilities, targets, bins):
    own = probabilities[np.arange(len(targets)), targets]
    return error_of_bins(probabilities, targets, bins, confidence=own)


def drops_the_last(probabilities, targets, bins):
    best, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    places = (best * bins).astype(int)
    total = 0.0
    for b in range(bins):
        if (places == b).any():
            total += abs((hits - best)[places == b].sum())
    return total / len(best)


def cdf(weights, means, scales, seconds):
    return (weights * ndtr((np.log1p(seconds) - means) / scales)).sum()


def wait(weights, means, scales, waited, soon):
    before = cdf(weights, means, scales, waited)
    return (cdf(weights, means, scales, waited + soon) - before) / (1 - before)


def wait_by_survival(weights, means, scales, waited, soon):
    early, late = (weights @ norm.sf(np.log1p(s), means, scales) for s in (waited, waited + soon))
    return 1 - late / early


def wait_in_a_loop(weights, means, scales, waited, soon):
    early = late = 0.0
    for weight, mean, scale in zip(weights, means, scales, strict=True):
        early += weight * (1 - norm.cdf((np.log(1 + waited) - mean) / scale))
        late += weight * (1 - norm.cdf((np.log(1 + waited + soon) - mean) / scale))
    return float((early - late) / early)


def wait_of_library(weights, means, scales, waited, soon):
    gap = LogNormalMixture(weights[None], means[None], scales[None])
    return wait(weights, means, scales, 0, soon) if not waited else gap.cdf(soon, waited)[0]


def between(weights, means, scales, waited, soon):
    return cdf(weights, means, scales, waited + soon) - cdf(weights, means, scales, waited)


def without_one(weights, means, scales, waited, soon):
    low, high = (weights @ norm.cdf(np.log(s), means, scales) for s in (waited, waited + soon))
    return (high - low) / (1 - low)


def unweighted(weights, means, scales, waited, soon):
    return wait(np.full(len(weights), 1 / len(weights)), means, scales, waited, soon)


def not_added(weights, means, scales, waited, soon):
    before = cdf(weights, means, scales, waited)
    return (cdf(weights, means, scales, soon) - before) / (1 - before)


class TestBank(ExerciseBank):
    right = {
        "12.1": [transitions, transitions_by_pandas, transitions_by_bincount],
        "12.2": [error_of_bins, error_of_library, error_in_loops, error_by_pandas],
        "12.3": [wait, wait_by_survival, wait_in_a_loop, wait_of_library],
    }
    wrong = {
        "12.1": [
            ("of another", crossing),
            ("without smoothing", without_smoothing),
            ("These are counts", counted),
            ("whole table", of_all),
            ("Columns sum to one", by_column),
            ("changed places", turned),
            ("A fourth", only_three),
            ("one row for each", lambda types, users, size: np.bincount(types)),
        ],
        "12.2": [
            ("counts alike", lambda *a: error_of_bins(*a, mean=lambda d, weights: np.mean(d))),
            ("largest", lambda *a: error_of_bins(*a, mean=lambda d, weights: max(d))),
            ("opposite sign cancel", of_means),
            ("types that came", of_true_types),
            ("exactly 1", drops_the_last),
            ("compared with 1", lambda p, targets, bins: (1 - p.max(axis=1)).mean()),
            ("one number", lambda p, targets, bins: p.max(axis=1)),
            ("ten are not", lambda p, t, bins: error_of_bins(p, t, 10 if len(t) < 9 else 5)),
        ],
        "12.3": [
            ("forgets the wait", lambda w, m, s, waited, soon: cdf(w, m, s, soon)),
            ("from the last event", lambda w, m, s, waited, soon: cdf(w, m, s, waited + soon)),
            ("among all users", between),
            ("comes later", lambda *a: 1 - wait(*a)),
            ("log(1 + seconds)", without_one),
            ("components count alike", unweighted),
            ("not added", not_added),
            ("one probability", lambda w, m, s, waited, soon: w),
        ],
    }
