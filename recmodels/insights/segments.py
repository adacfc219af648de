"""Clusters of users or of pieces of histories: k-means, how stable they are, and cards in words."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.extras import import_extra
from recmodels.features.checks import check_whole
from recmodels.insights.markov_mixture import Sequences

LANGUAGES = ("en", "zh")


class StateClusters:
    """K-means on standardised encoder states; clusters are numbered from the largest.

    Args:
        num_clusters: K.
        attempts: random starts, of which the best is kept.
        seed: of the starts.

    Example:
        >>> clusters = StateClusters(5).fit(model.query_vectors(queries))
        >>> clusters.assign(model.query_vectors(later))
    """

    def __init__(self, num_clusters: int, attempts: int = 10, seed: int = 0) -> None:
        self.num_clusters = check_whole("num_clusters", num_clusters)
        self.attempts = check_whole("attempts", attempts)
        self.seed = seed

    def fit(self, states) -> "StateClusters":
        """Find the clusters of states, float (U, D).

        Raises:
            ValueError: a state is not finite, or there are fewer different states than clusters.
        """
        states = _check_states(states)
        must = "`states` must have at least as many different rows as clusters"
        different = len(np.unique(states, axis=0))
        require(different >= self.num_clusters, must, rows=different, clusters=self.num_clusters)
        cluster = import_extra("sklearn.cluster", "insights")
        self.mean, self.scale = states.mean(axis=0), np.maximum(states.std(axis=0), 1e-12)
        means = cluster.KMeans(self.num_clusters, n_init=self.attempts, random_state=self.seed)
        labels = means.fit((states - self.mean) / self.scale).labels_
        order = np.argsort(-np.bincount(labels, minlength=self.num_clusters), kind="stable")
        self.centres = means.cluster_centers_[order]
        return self

    def assign(self, states) -> np.ndarray:
        """The nearest cluster of each state, int64 (U,); 0 is the largest."""
        states = (_check_states(states) - self.mean) / self.scale
        lengths = (self.centres**2).sum(axis=1)
        return (lengths - 2 * states @ self.centres.T).argmin(axis=1)


def _check_states(states) -> np.ndarray:
    states = np.asarray(states, np.float64)
    must = "`states` must be finite numbers, one row per user"
    require(states.ndim == 2 and np.isfinite(states).all(), must, shape=states.shape)
    return states


def stability(
    cluster: Callable[[np.ndarray], np.ndarray], count: int, samples: int = 20, seed: int = 0
) -> np.ndarray:
    """How alike clusterings are that were found in bootstrap samples of the users.

    Args:
        cluster: takes rows of users, drawn with replacement, int64 (U,), finds clusters in those
            users alone and returns the cluster of every user, (U,).
        count: U.
        samples: bootstrap samples.
        seed: of the draws.

    Returns:
        Adjusted Rand index of each sample's clusters with those found in all users, float64
        (samples,): 1 for equal clusters, about 0 for unrelated ones.

    Example:
        >>> stability(lambda rows: StateClusters(5).fit(states[rows]).assign(states), len(states))
    """
    check_whole("samples", samples)
    agree = import_extra("sklearn.metrics", "insights").adjusted_rand_score
    rng = np.random.default_rng(seed)
    whole = cluster(np.arange(count))
    drawn = (rng.integers(count, size=count) for _ in range(samples))
    return np.array([agree(whole, cluster(rows)) for rows in drawn])


@dataclass(frozen=True, eq=False)
class ClusterCard:
    """What is typical of a cluster.

    Args:
        cluster: number of the cluster, 0 for the first.
        size: histories in it.
        share: of all histories.
        labels: typical labels: label, share of the cluster's events, and how many times the share
            among all events that is, most typical first.
        steps: typical transitions likewise: (from, to), share of the transitions out of the first
            label, and how many times the share among all histories that is.
        items: typical items like `labels`; empty where no items were given.
    """

    cluster: int
    size: int
    share: float
    labels: tuple[tuple[object, float, float], ...]
    steps: tuple[tuple[object, float, float], ...]
    items: tuple[tuple[object, float, float], ...] = ()

    def describe(self, language: str = "en") -> str:
        """The card in words.

        Args:
            language: `"en"` or `"zh"`; labels stay in the language of the data.
        """
        require(language in LANGUAGES, f"`language` must be one of {LANGUAGES}", language=language)
        chinese = language == "zh"
        head = f"Cluster {self.cluster}: {self.size:,} histories ({self.share:.0%})"
        if chinese:
            head = f"群组 {self.cluster}：{self.size:,} 段历史（{self.share:.0%}）"
        titles = ("Typical labels", "Typical steps", "Typical items")
        titles = ("典型标签", "典型转移", "典型物品") if chinese else titles
        unit = "，为平均的 {:.1f} 倍" if chinese else ", {:.1f} times the average"
        lines = [head]
        for title, entries in zip(titles, (self.labels, self.steps, self.items), strict=True):
            if entries:
                told = [f"{_name(e)} ({s:.0%}{unit.format(lift)})" for e, s, lift in entries]
                lines.append(f"  {title}{'：' if chinese else ': '}{'; '.join(told)}")
        return "\n".join(lines)


def _name(label: object) -> str:
    """A label on one line; a step, which is a pair of labels, with an arrow."""
    if isinstance(label, _Step):
        return f"{_name(label[0])} -> {_name(label[1])}"
    return one_line(" ".join(map(str, label)) if isinstance(label, tuple) else label)


class _Step(tuple):
    """A pair of labels of which the second followed the first."""


def cluster_cards(
    sequences: Sequences, clusters: np.ndarray, items=None, top: int = 3
) -> list[ClusterCard]:
    """Describe clusters by what happens more often in them than elsewhere.

    Entries are ordered by share * ln(share / share among all), their part of the Kullback-Leibler
    divergence of the cluster from all histories.

    Args:
        sequences: labels of the histories that were clustered.
        clusters: number of each history's cluster, int (U,).
        items: of each event, (N,), such as titles; they need not be few.
        top: entries of each kind.

    Raises:
        ValueError: `clusters` or `items` do not fit the sequences.

    Example:
        >>> for card in cluster_cards(sequences, mixture.assign(sequences)):
        ...     print(card.describe())
    """
    clusters = np.asarray(clusters)
    must = "`clusters` must be one number per history"
    require(
        clusters.shape == (len(sequences),), must, clusters=clusters.shape, count=len(sequences)
    )
    of_event = clusters[sequences.rows]
    names = pd.Series(sequences.names, dtype=object)
    known = sequences.codes >= 0
    labels = _typical(of_event[known], sequences.codes[known], top)
    steps = _typical_steps(sequences, of_event, top)
    found_items = {}
    if items is not None:
        must = "`items` must be one per event"
        require(len(items) == len(of_event), must, items=len(items), events=len(of_event))
        codes, titles = pd.factorize(np.asarray(items, object))
        found_items = _typical(of_event[codes >= 0], codes[codes >= 0], top)
    cards = []
    for cluster in np.unique(clusters):
        size = int((clusters == cluster).sum())
        card = ClusterCard(
            cluster=int(cluster),
            size=size,
            share=size / len(clusters),
            labels=tuple((names[c], *rest) for c, *rest in labels.get(cluster, ())),
            steps=tuple((_Step(names[list(c)]), *rest) for c, *rest in steps.get(cluster, ())),
            items=tuple((titles[c], *rest) for c, *rest in found_items.get(cluster, ())),
        )
        cards.append(card)
    return cards


def _typical(of_event: np.ndarray, codes: np.ndarray, top: int) -> dict:
    """By cluster the codes that are most typical: (code, share, lift)."""
    frame = pd.DataFrame({"cluster": of_event, "code": codes, "share": 1.0})
    return _largest(frame, ["cluster"], [], top)


def _typical_steps(sequences: Sequences, of_event: np.ndarray, top: int) -> dict:
    """By cluster the transitions that are most typical, given the label they start from."""
    steps = sequences.steps()
    before, after = sequences.codes[steps], sequences.codes[steps + 1]
    code = pd.Series(list(zip(before.tolist(), after.tolist(), strict=True)), dtype=object)
    columns = {"cluster": of_event[steps + 1], "code": code, "before": before, "share": 1.0}
    return _largest(pd.DataFrame(columns), ["cluster", "before"], ["before"], top)


def _largest(frame: pd.DataFrame, within: list[str], overall: list[str], top: int) -> dict:
    """Shares of codes within groups, against those within the groups of all clusters together."""
    counts = frame.groupby([*within, "code"], as_index=False)["share"].sum()
    weight = counts["share"] / counts.groupby("cluster")["share"].transform("sum")
    total = counts.groupby([*overall, "code"])["share"].transform("sum")
    whole = counts.groupby(overall)["share"].transform("sum") if overall else counts["share"].sum()
    share = counts["share"] / counts.groupby(within)["share"].transform("sum")
    counts = counts.assign(lift=share / (total / whole), share=share)
    counts["order"] = weight * np.log(counts["lift"])
    counts = counts[counts["lift"] > 1].sort_values("order", ascending=False, kind="stable")
    found = {}
    for cluster, part in counts.groupby("cluster"):
        rows = part.head(top)[["code", "share", "lift"]]
        found[cluster] = [(c, float(s), float(lift)) for c, s, lift in rows.to_numpy(object)]
    return found
