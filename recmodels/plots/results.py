"""Results of evaluations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import (
    COLOURS,
    GREY,
    NAME_WIDTH,
    axis_start,
    legend_label,
    styled,
    with_markers,
)


def metric_by_slice(
    tables: Mapping[str, pd.DataFrame],
    label: str = "NDCG@10",
    by: str = "history length",
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric slice by slice with intervals; models differ by colour and marker.

    Args:
        tables: by model, the table of `slices`, all with the same slices.
        label: of the metric.
        by: what the slices are of.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no table, or the slices differ.

    Example:
        >>> metric_by_slice({"SASRec": slices(evaluation, by="length")})
    """
    tables = dict(tables)
    _check_same_slices(tables)
    users = next(iter(tables.values()))["users"]
    with styled(ax) as ax:
        shifts = 0.12 * (np.arange(len(tables)) - (len(tables) - 1) / 2)  # Next to each other.
        for shift, (name, table, marker) in zip(shifts, with_markers(tables), strict=True):
            places, look = np.arange(len(table)) + shift, {"fmt": marker, "capsize": 3}
            look["label"] = legend_label(name)
            ax.errorbar(places, table["mean"], yerr=_arms(table), **look)
        names = [f"{name}\nn = {count:,.0f}" for name, count in users.items()]
        ax.set_xticks(np.arange(len(users)), names)
        ax.set_ylim(bottom=axis_start(np.stack([t["mean"] for t in tables.values()])))
        ax.grid(False, axis="x")
        ax.set(xlabel=by, ylabel=f"{label}, 95 % interval")
        if len(tables) > 1:
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)  # Above, off the points.
    return ax


def model_comparison(
    table: pd.DataFrame,
    label: str = "NDCG@10",
    ceiling: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw models from worst to best with their intervals.

    Bars are drawn where the axis begins at zero. It does not where zero would hide the differences,
    and only the points and intervals are drawn there.

    Args:
        table: one row per model, indexed by its name: `mean`, `low`, `high`.
        label: of the metric.
        ceiling: the best that any model can reach, where it is known.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no model.
    """
    require(table.size, "`table` must hold at least one model", shape=table.shape)
    table = table.sort_values("mean")
    positions = np.arange(len(table))
    with styled(ax) as ax:
        left = axis_start(table["mean"])
        if left == 0:
            ax.barh(positions, table["mean"], height=0.6, color=COLOURS[0], alpha=0.25)
        ax.errorbar(table["mean"], positions, xerr=_arms(table), fmt="o", capsize=3)
        for position, (mean, high) in enumerate(zip(table["mean"], table["high"], strict=True)):
            place = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            end = (np.nanmax([mean, high]), position)
            ax.annotate(f"{mean:.3f}", end, color=GREY, **place)
        ax.set_yticks(positions, [one_line(name, NAME_WIDTH) for name in table.index])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.grid(False, axis="y")
        ax.set_xlabel(f"{label}, 95 % interval")
        if ceiling is not None:
            ax.axvline(ceiling, color=COLOURS[1], linestyle="--")
        left = ax.get_xlim()[0] if left is None else left
        right = np.nanmax([*table["mean"], *table["high"], ceiling or 0])
        right += 0.15 * (right - left)  # Room for the number behind the longest bar.
        ax.set_xlim(left, right)
        if ceiling is not None:
            place = (ceiling - left) / (right - left)
            ax.set_title(f"ceiling {ceiling:.3f}", color=COLOURS[1], x=place)
    return ax


def compare_with_published(
    table: pd.DataFrame, label: str = "NDCG@10", ax: Axes | None = None
) -> Axes:
    """Measured values with their intervals, and published values as diamonds.

    Args:
        table: one row per experiment in the order to draw, from the top: `mean`, `low`, `high`, and
            `printed`, which is NaN where nothing was.
        label: of the metric.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no experiment.

    Example:
        >>> compare_with_published(table.assign(printed=[0.134, 0.190]))
    """
    require(table.size, "`table` must hold at least one experiment", shape=table.shape)
    positions = np.arange(len(table))[::-1]
    measured = {"fmt": "o", "capsize": 3, "color": COLOURS[0], "label": "measured"}
    with styled(ax) as ax:
        ax.errorbar(table["mean"], positions, xerr=_arms(table), **measured)
        printed = {"marker": "D", "linestyle": "none", "color": COLOURS[1], "label": "printed"}
        ax.plot(table["printed"].astype(float), positions, **printed)
        ax.set_yticks(positions, [one_line(name, NAME_WIDTH) for name in table.index])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.set_xlim(left=0)
        ax.grid(False, axis="y")
        ax.set_xlabel(f"{label}, 95 % interval")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)  # Above, off the points.
    return ax


def _check_same_slices(tables: dict[str, pd.DataFrame]) -> None:
    slices = {name: list(table.index) for name, table in tables.items()}
    same = len({tuple(index) for index in slices.values()}) == 1
    must = "`tables` must hold at least one table, all with the same slices: evaluate the models on"
    require(same, f"{must} the same queries", tables=slices)


def _arms(table: pd.DataFrame) -> np.ndarray:
    """Distances from the mean to both ends, (2, rows); none where there is no interval."""
    arms = np.array([table["mean"] - table["low"], table["high"] - table["mean"]])
    return np.nan_to_num(arms)
