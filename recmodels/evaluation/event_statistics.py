"""Uncertainty of measures of event forecasts: bootstraps that draw users with all their events."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.event_prediction import EventEvaluation, event_metrics
from recmodels.evaluation.statistics import Interval


def event_intervals(
    tables: Sequence[Mapping[str, np.ndarray]],
    types: tuple[str, ...],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % percentile bootstrap intervals of `event_metrics` over users with all their events.

    Events of one user are correlated, so that an interval over events would be too narrow.

    Args:
        tables: of `EventEvaluation`, one per seed; measures are means over the seeds.
        types: labels.
        resamples, seed: of the draws of users.
    """
    measured = pd.DataFrame([event_metrics(table, types) for table in tables]).mean()
    drawn = [_redrawn(table, types, resamples, seed) for table in tables]
    return {
        name: _interval(mean, np.mean([draws[name] for draws in drawn], axis=0))
        for name, mean in measured.items()
    }


def compare_events(
    model: EventEvaluation,
    baseline: EventEvaluation,
    metrics: tuple[str, ...] = ("type_macro_f1", "type_log_loss", "gap_mae_log1p"),
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Differences between two models on the same events, by a paired bootstrap over users.

    Args:
        model, baseline: evaluations of the same queries.
        metrics: of both.
        resamples, seed: of the draws of users, which both models share.

    Returns:
        One row per metric: `difference` (model minus baseline) with its 95 % interval `low`,
        `high`, and `p`, twice the smaller share of draws on either side of 0.

    Raises:
        ValueError: the evaluations are of other events, or one was told the target's time.
    """
    told = [evaluation.protocol.query_time for evaluation in (model, baseline)]
    must = "`model` and `baseline` must both be told the time of the target, or neither"
    require(told[0] == told[1], must, query_time=told)
    tables = [evaluation.table for evaluation in (model, baseline)]
    same = all(np.array_equal(tables[0][name], tables[1][name]) for name in ("user", "target"))
    require(same, "`model` and `baseline` must be evaluated on the same queries", same=same)
    drawn = [_redrawn(table, model.types, resamples, seed) for table in tables]
    rows = {}
    for name in metrics:
        difference = drawn[0][name] - drawn[1][name]
        center = model.metrics[name] - baseline.metrics[name]
        _, low, high = _interval(center, difference)
        tail = min((difference <= 0).sum(), (difference >= 0).sum())
        rows[name] = [center, low, high, min(1.0, 2 * (1 + tail) / (1 + resamples))]
    columns = ["difference", "low", "high", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("metric")


def _redrawn(table, types, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Each metric in each draw of users, (R,); NaN where a draw has no such event."""
    table = {name: np.asarray(values) for name, values in table.items()}
    _, users = np.unique(table["user"], return_inverse=True)
    count = users.max() + 1
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(count, np.full(count, 1 / count), resamples)
    found = [event_metrics(table, types, draw[users].astype(np.float64)) for draw in draws]
    return {name: values.to_numpy() for name, values in pd.DataFrame(found).items()}


def _interval(center: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(float(center), float(low), float(high))
