"""Measure whether an explanation is true: what happens to the item when the cited events go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.explain.influence import Influence
from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole

SHARES = tuple(np.linspace(0, 1, 11))


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Measures of one explainer, one value per row, float (B,).

    The first four are measured in lists of the k best, with up to m events; see `faithfulness`.

    Args:
        pos_p: share of the steps at which the item stays on the list while the m most supporting
            events are removed one after another; lower is better.
        neg_p: the same while the least supporting events are removed; higher is better.
        necessity: whether the item leaves the list without the m most supporting events (PN).
        sufficiency: whether it is on the list after these events alone (PS).
        drop: fall of the score without the m most supporting events.
        deletion: score against the share of events removed, the most supporting first, (B, 11).
        insertion: score against the share of events kept, the most supporting first, (B, 11).
    """

    pos_p: np.ndarray
    neg_p: np.ndarray
    necessity: np.ndarray
    sufficiency: np.ndarray
    drop: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> np.ndarray:
        """Return the area under the deletion curve, (B,); lower is better."""
        return np.trapezoid(self.deletion, SHARES, axis=1)

    @property
    def insertion_area(self) -> np.ndarray:
        """Return the area under the insertion curve, (B,); higher is better."""
        return np.trapezoid(self.insertion, SHARES, axis=1)


def faithfulness(
    removal: Removal, influence: Influence, k: int = 10, most: int = 5
) -> Faithfulness:
    """Measure the influence of events by removing them.

    Names as in CFExpRec (arXiv 2604.19663): POS-P, NEG-P, probability of necessity and of
    sufficiency. Of a history with fewer than `most` events, all are removed in the last steps.

    Args:
        removal: the rows to measure, each with at least one event; its items should be on their
            lists, such as the best items, which are the default.
        influence: of the same rows.
        k: length of the list.
        most: m, the number of events that are removed.

    Raises:
        ValueError: a history is empty, or `influence` has other rows.

    Example:
        >>> removal = Removal(model, data.test)
        >>> faithfulness(removal, leave_one_out_influence(removal), k=1).pos_p.mean()
        0.31
    """
    most = check_whole("most", most)
    must = "`influence` must be of the rows of `removal`"
    require(influence.values.shape == removal.real.shape, must, influence=influence.values.shape)
    empty = np.flatnonzero(~removal.real.any(axis=1))
    require(not len(empty), "`removal` must hold no empty history", rows=removal.rows[empty[:5]])
    rank = np.argsort(influence.order(), axis=1)  # 0 for the most supporting event.
    lengths = removal.real.sum(axis=1, keepdims=True)
    worst = lengths - 1 - rank  # 0 for the least supporting event.
    everyone = np.arange(len(removal))

    def stays(kept: np.ndarray) -> np.ndarray:
        return removal.margins(everyone, removal.real & kept, k)[0] >= 0

    pos = np.array([stays(rank >= m) for m in range(1, most + 1)])
    neg = np.array([stays(worst >= m) for m in range(1, most + 1)])
    full = removal.scores(everyone, removal.real)
    counts = [np.round(share * lengths) for share in SHARES]
    return Faithfulness(
        pos_p=pos.mean(axis=0),
        neg_p=neg.mean(axis=0),
        necessity=1.0 - pos[-1],
        sufficiency=stays(rank < most).astype(float),
        drop=(full - removal.scores(everyone, removal.real & (rank >= most))).astype(float),
        deletion=np.stack(
            [removal.scores(everyone, removal.real & (rank >= n)) for n in counts], 1
        ),
        insertion=np.stack(
            [removal.scores(everyone, removal.real & (rank < n)) for n in counts], 1
        ),
    )


def explainer_table(measured: Mapping[str, Faithfulness], floor: str = "random") -> pd.DataFrame:
    """One row per explainer, the best first, by NEG-P less POS-P.

    Args:
        measured: by the name of the explainer, of the same rows.
        floor: the explainer that the others are compared with.

    Returns:
        `deletion_ratio`, the mean fall of the score after removing the cited events divided by
        that of the floor (NaN where the floor's mean is not positive); `pos_p`, `neg_p`,
        `necessity`, `sufficiency`, `deletion_area`, `insertion_area`; `gain`, the mean of
        NEG-P less POS-P above that of the floor, with its 95 % bootstrap interval over rows,
        `low` and `high`.

    Raises:
        ValueError: `floor` is not among the explainers.
    """
    require(floor in measured, "`floor` must be a measured explainer", floor=floor)
    base = measured[floor]
    fall = base.drop.mean()
    rows = {}
    for name, one in measured.items():
        gain = (one.neg_p - one.pos_p) - (base.neg_p - base.pos_p)
        interval = bootstrap_interval(gain)
        names: Sequence[str] = ("pos_p", "neg_p", "necessity", "sufficiency")
        rows[name] = {
            "deletion_ratio": one.drop.mean() / fall if fall > 0 else np.nan,
            **{n: getattr(one, n).mean() for n in (*names, "deletion_area", "insertion_area")},
            "gain": interval.mean,
            "low": interval.low,
            "high": interval.high,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("explainer")
    return table.sort_values("gain", ascending=False, kind="stable")


def rank_correlation(first: Influence, second: Influence) -> np.ndarray:
    """Spearman's correlation of two influences of the same events, float (B,).

    The check by redrawn weights: the influence in a trained model and in one whose weights were
    drawn again must differ, so a mean close to 1 says that an explainer ignores the model.

    Returns:
        One value per row; NaN where a row has fewer than two events or equal values only.

    Raises:
        ValueError: the influences are of different events.
    """
    same = np.array_equal(first.real, second.real)
    require(same, "`second` must be of the events of `first`", second=second.values.shape)
    pairs = [pd.DataFrame(np.where(one.real, one.values, np.nan)) for one in (first, second)]
    ranks = [values.rank(axis=1) for values in pairs]
    return ranks[0].corrwith(ranks[1], axis=1).to_numpy()
