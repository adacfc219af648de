"""An alarm when the shares of items, types or categories change."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import xlogy

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.times import SECONDS_PER_DAY
from recmodels.features.checks import check_whole
from recmodels.insights.log_columns import column_of


@dataclass(frozen=True, eq=False)
class Drift:
    """Whether the shares of some values have changed lately.

    Args:
        divergence: Jensen-Shannon divergence of the shares in the latest window from those in the
            reference, in bits, from 0 for equal shares to 1.
        threshold: what it exceeds by chance with probability `false_alarms`.
        p_value: probability of at least this divergence without any change.
        false_alarms: rate of alarms where nothing has changed.
        shares: one row per value, the most changed first: `reference`, `latest`, `part` of the
            divergence.
    """

    divergence: float
    threshold: float
    p_value: float
    false_alarms: float
    shares: pd.DataFrame

    @property
    def alarm(self) -> bool:
        """Whether the divergence is more than chance explains."""
        return self.p_value <= self.false_alarms


def drift_alarm(
    log: Interactions,
    column: str = "item",
    days: int = 7,
    reference_days: int = 28,
    *,
    false_alarms: float = 0.01,
    samples: int = 1_000,
    seed: int = 0,
) -> Drift:
    """Compare the shares of values in the latest days with those in the days before.

    All events of a user within `days` days are one unit, because they depend on each other. The
    threshold comes from a permutation test: units are dealt at random to the two windows, as many
    to each as there are. Where units come from one distribution the rate of alarms is
    `false_alarms`, whatever the number of values. Users who come back in several units make the
    windows more alike than by chance, and alarms rarer.

    Args:
        log: timed.
        column: of the events or the items, such as `"item"`, `"action"` or `"category"`.
        days: length of the latest window, which ends with the log. Of a weekly rhythm take whole
            weeks, or the weekend alone raises the alarm.
        reference_days: length of the window before it, a multiple of `days`.
        false_alarms: rate, between 0 and 1.
        samples: permutations, at least 1 / `false_alarms`.
        seed: of the permutations.

    Raises:
        ValueError: the log has no times, no such column or is too short, or an argument is out of
            range.

    Example:
        >>> drift = drift_alarm(log, "category")
        >>> drift.alarm, drift.shares.head()
    """
    log.require("`drift_alarm`", ("timed",))
    check_whole("days", days)
    require(
        0 < false_alarms < 1, "`false_alarms` must be between 0 and 1", false_alarms=false_alarms
    )
    must = f"`samples` must be at least {int(np.ceil(1 / false_alarms))}, 1 / `false_alarms`"
    require(check_whole("samples", samples) >= 1 / false_alarms, must, samples=samples)
    must = "`reference_days` must be a multiple of `days`, at least as long"
    whole = check_whole("reference_days", reference_days) % days == 0
    require(whole, must, reference_days=reference_days, days=days)
    units, latest, names = _units(log, column, days, reference_days)
    observed = _divergence(units[latest].sum(axis=0)[None], units[~latest].sum(axis=0)[None])[0]
    chance = _permuted(units, int(latest.sum()), samples, np.random.default_rng(seed))
    shares = pd.DataFrame(
        {
            "reference": _shares(units[~latest].sum(axis=0)),
            "latest": _shares(units[latest].sum(axis=0)),
        },
        index=pd.Index(names, name=column),
    )
    shares["part"] = _parts(shares["latest"].to_numpy(), shares["reference"].to_numpy())
    return Drift(
        divergence=float(observed),
        threshold=float(np.quantile(chance, 1 - false_alarms, method="higher")),
        p_value=float((1 + (chance >= observed - 1e-12).sum()) / (1 + samples)),
        false_alarms=false_alarms,
        shares=shares.sort_values("part", ascending=False, kind="stable"),
    )


def _units(log: Interactions, column: str, days: int, reference_days: int):
    """Counts of values, sparse (units, values), which units are the latest, and the values."""
    times = log.events["timestamp"].to_numpy()
    back = (times.max(initial=0) - times) // (days * SECONDS_PER_DAY)  # 0 in the latest window.
    blocks = reference_days // days
    must = f"`log` must reach over {days + reference_days} days: choose shorter windows"
    require(
        len(times) and back.max() >= blocks,
        must,
        days=np.ptp(times) / SECONDS_PER_DAY if len(times) else 0,
    )
    inside = back <= blocks
    codes, names = pd.factorize(column_of(log, column)[inside], use_na_sentinel=False)
    pairs = pd.MultiIndex.from_arrays([log.events["user"].to_numpy()[inside], back[inside]])
    rows, keys = pd.factorize(pairs)
    shape = (len(keys), len(names))
    units = sparse.csr_array(sparse.coo_array((np.ones(len(rows)), (rows, codes)), shape=shape))
    return units, keys.get_level_values(1).to_numpy() == 0, names


def _permuted(units, count: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Divergences when `count` units drawn at random are called the latest, (samples,)."""
    total, found = units.sum(axis=0), []
    for begin in range(0, samples, 100):  # So few at a time that the sums fit into memory.
        size = min(100, samples - begin)
        drawn = np.concatenate([rng.permutation(units.shape[0])[:count] for _ in range(size)])
        places = (np.ones(len(drawn)), (np.repeat(np.arange(size), count), drawn))
        latest = sparse.csr_array(places, shape=(size, units.shape[0])) @ units
        latest = latest.toarray()
        found.append(_divergence(latest, total - latest))
    return np.concatenate(found)


def _divergence(latest: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of rows of counts, in bits."""
    return _parts(_shares(latest), _shares(reference)).sum(axis=-1)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)


def _parts(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """What each value adds to the Jensen-Shannon divergence: (p ln p/m + q ln q/m) / 2 ln 2."""
    m = (p + q) / 2
    return (xlogy(p, p) + xlogy(q, q) - 2 * xlogy(m, m)) / (2 * np.log(2))
