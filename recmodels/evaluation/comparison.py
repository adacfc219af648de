"""Tables of several evaluations, or of slices of one."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.report import Evaluation
from recmodels.evaluation.statistics import bootstrap_interval

SLICE_COLUMNS = {"length": "history_length", "popularity": "target_popularity"}


def slices(evaluation: Evaluation, by: str, metric: str = "ndcg@10", bins: int = 5) -> pd.DataFrame:
    """A metric by history length or by the popularity of the target, with intervals.

    Args:
        evaluation: from `evaluate`.
        by: `"length"` or `"popularity"`.
        metric: one that comes from ranks.
        bins: how many slices of about equally many users. Targets that training never saw are a
            slice of their own.

    Returns:
        The table of `slice_means`.

    Example:
        >>> slices(evaluation, by="length")
    """
    require(by in SLICE_COLUMNS, f"`by` must be one of {sorted(SLICE_COLUMNS)}", by=by)
    sizes = evaluation.per_user[SLICE_COLUMNS[by]].to_numpy()
    return slice_means(evaluation.values(metric), sizes, bins)


def slice_means(values: np.ndarray, sizes: np.ndarray, bins: int = 5) -> pd.DataFrame:
    """Mean value of users of similar size, with bootstrap intervals.

    Args:
        values: one per user, averaged over seeds, (U,).
        sizes: what to slice by, such as history lengths, integers (U,). Zero is a slice of its
            own; users of equal size are never parted.
        bins: how many slices of about equally many users.

    Returns:
        One row per slice from small to large, indexed by its range such as `"6-12"`: `users`,
        `mean`, and the 95 % interval `low`, `high`, which is NaN for a single user.
    """
    values, sizes = np.asarray(values, np.float64), np.asarray(sizes)
    same = len(values) == len(sizes)
    require(same, "`values` and `sizes` must hold the same users", users=[len(values), len(sizes)])
    steps = np.arange(1, bins + 1) / bins
    positive = sizes[sizes > 0]
    upper = np.quantile(positive, steps, method="inverted_cdf") if len(positive) else []
    groups = np.searchsorted(np.unique(np.append(0, upper)), sizes)
    rows = {}
    for group in np.unique(groups):
        inside = groups == group
        low, high = sizes[inside].min(), sizes[inside].max()
        part = values[inside]
        interval = bootstrap_interval(part)[1:] if len(part) > 1 else (np.nan, np.nan)
        rows[f"{low}" if low == high else f"{low}-{high}"] = [len(part), part.mean(), *interval]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["users", "mean", "low", "high"])
    return table.rename_axis(index="slice")


def comparison(
    evaluations: Mapping[str, Evaluation], metrics: Sequence[str] = ("ndcg@10", "hr@10", "mrr@10")
) -> pd.DataFrame:
    """Compare models: mean and 95 % bootstrap interval over users of each metric.

    Args:
        evaluations: by model.
        metrics: from ranks, such as `"ndcg@10"`.

    Raises:
        ValueError: some models were told the time of their targets, and others not.

    Returns:
        One row per model, the lowest of the first metric first; columns in two levels, the
        metric and then `mean, low, high`, so that `table["ndcg@10"]` suits
        `plots.model_comparison`.
    """
    told = {name: evaluation.protocol.query_time for name, evaluation in evaluations.items()}
    must = "`evaluations` must all be told the time of their targets, or none of them"
    require(len(set(told.values())) <= 1, must, query_time=told)
    rows: dict[str, dict] = {}
    for name, evaluation in evaluations.items():
        for metric in metrics:
            interval = bootstrap_interval(evaluation.values(metric))._asdict()
            rows.setdefault(name, {}).update({(metric, key): v for key, v in interval.items()})
    return pd.DataFrame.from_dict(rows, orient="index").sort_values((metrics[0], "mean"))


def over_folds(
    evaluations: Sequence[Evaluation], metrics: Sequence[str] = ("ndcg@10", "hr@10", "mrr@10")
) -> pd.DataFrame:
    """Return how much the metrics of one model vary over the folds of `rolling_origin`.

    Args:
        evaluations: one per fold.
        metrics: of each evaluation.

    Returns:
        One row per metric: `mean` and `std` over folds (NaN for a single fold), `low` and `high`
        the smallest and the largest fold.
    """
    values = pd.DataFrame([{name: e.metrics[name] for name in metrics} for e in evaluations])
    return pd.DataFrame(
        {"mean": values.mean(), "std": values.std(), "low": values.min(), "high": values.max()}
    )
