"""Cost against quality of several models."""

import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import GREY, axis_start, styled


def cost_and_score(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """A dot per model with its name: what it costs, on a logarithmic axis, and how good it is.

    Args:
        table: two columns, indexed by the names of models: costs above 0 or equal, then scores.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there are not two columns, or no row.

    Example:
        >>> cost_and_score(pd.DataFrame({"seconds": [1, 60], "NDCG@10": [0.1, 0.2]}, ["a", "b"]))
    """
    must = "`table` must have two columns and a row for each model"
    require(table.shape[1] == 2 and len(table), must, columns=list(table.columns), rows=len(table))
    across, up = table.columns
    costs = table[across].clip(lower=0.01)  # A logarithmic axis has no 0.
    with styled(ax) as ax:
        ax.plot(costs, table[up], marker="o", linestyle="none")
        for name, cost, score in zip(table.index, costs, table[up], strict=True):
            place = {"xytext": (5, 4), "textcoords": "offset points"}
            ax.annotate(str(name), (cost, score), color=GREY, **place)
        ax.set_xscale("log")
        ax.margins(0.15)
        ax.set_ylim(bottom=axis_start(table[up]))
        ax.set(xlabel=across, ylabel=up)
    return ax
