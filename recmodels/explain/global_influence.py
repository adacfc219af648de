"""What a model depends on over many histories: lags, pairs of items, and columns of events."""

from dataclasses import replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.ranking import rank
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.explain.influence import Influence
from recmodels.explain.removal import Removal
from recmodels.features.checks import check_whole
from recmodels.features.sequences import Queries
from recmodels.models.capabilities import Scores, columns_of


def lag_influence(influence: Influence) -> pd.DataFrame:
    """How much the latest event, the one before it, and so on, matter.

    Args:
        influence: of some rows, such as from `leave_one_out_influence`.

    Returns:
        One row per lag, from 1 for the latest event: `influence`, the mean over the rows that have
        such an event; `share`, the mean of its part of all absolute influence of its row, which
        compares rows with scores of different sizes; and `rows`, how many have such an event. Rows
        without any influence have no share.

    Example:
        >>> lag_influence(leave_one_out_influence(removal)).loc[1, "share"]
        0.62
    """
    values = np.where(influence.real, influence.values, np.nan)[:, ::-1]
    total = np.abs(influence.values).sum(axis=1, keepdims=True)
    shares = np.abs(values) / np.where(total > 0, total, np.nan)
    lags = pd.RangeIndex(1, values.shape[1] + 1, name="lag")
    table = {"influence": pd.DataFrame(values).mean(), "share": pd.DataFrame(shares).mean()}
    table = pd.DataFrame(table | {"rows": influence.real[:, ::-1].sum(axis=0)}).set_index(lags)
    return table[table["rows"] > 0]


def item_influence(removal: Removal, influence: Influence) -> pd.DataFrame:
    """How much events with one item support another item, over all rows.

    Args:
        removal: the rows that were explained.
        influence: of these rows.

    Returns:
        One row per pair of item ids, `event` and `item`, the strongest first: `influence`, the mean
        over such events, and `events`, how many there were.

    Raises:
        ValueError: `influence` is of other rows.

    Example:
        >>> item_influence(removal, leave_one_out_influence(removal)).index[0]
        (12, 45)
    """
    must = "`influence` must be of the rows of `removal`"
    require(influence.values.shape == removal.real.shape, must, influence=influence.values.shape)
    rows, places = np.nonzero(removal.real)
    pairs = {"event": removal.events[rows, places], "item": removal.items[rows]}
    values = pd.DataFrame(pairs | {"influence": influence.values[rows, places]})
    grouped = values.groupby(["event", "item"])["influence"]
    table = grouped.agg(influence="mean", events="size")
    return table.sort_values("influence", ascending=False, kind="stable")


def column_importance(
    model: Scores, queries: Queries, columns=None, repeats: int = 3, seed: int = 0
) -> pd.DataFrame:
    """How much worse a model ranks when the values of one column are shuffled among all events.

    A column whose values can be shuffled without loss tells the model nothing that it uses. Of two
    columns that tell the same, both may seem to matter little.

    Breiman, "Random forests", 2001, Section 10.

    Args:
        model: that reads columns besides the items.
        queries: such as `data.validation`.
        columns: names; by default all that the model reads.
        repeats: number of shuffles, over which the score of each user is averaged.
        seed: of the shuffles.

    Returns:
        One row per column, the most important first: `score`, the metric of the protocol after
        shuffling; `fall`, the mean over users of the metric before less that after it, with its
        95 % bootstrap interval, `low` and `high`.

    Raises:
        ValueError: the model reads no columns, or not one of `columns`.

    Example:
        >>> column_importance(model, data.validation).loc["action", "fall"]
        0.012
    """
    read = columns_of(model, queries.histories.columns)
    columns = read if columns is None else tuple(columns)
    must = "`columns` must be some that the model reads besides the items"
    fits = bool(columns) and set(columns) <= set(read)
    require(fits, must, columns=list(columns), read=list(read))
    repeats, metric = check_whole("repeats", repeats), queries.protocol.choose_by
    histories, rng = queries.histories, np.random.default_rng(seed)

    def measure(shuffled: dict) -> np.ndarray:
        changed = replace(histories, columns={**histories.columns, **shuffled})
        return rank_metric(metric, rank(model, replace(queries, histories=changed)).ranks)

    before, rows = measure({}), {}
    for name in columns:
        values, after = histories.columns[name], 0.0
        for _ in range(repeats):
            after = after + measure({name: values[rng.permutation(len(values))]}) / repeats
        fall = bootstrap_interval(before - after)
        rows[name] = {
            "score": float(after.mean()), "fall": fall.mean, "low": fall.low, "high": fall.high
        }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")
    return table.sort_values("fall", ascending=False, kind="stable")
