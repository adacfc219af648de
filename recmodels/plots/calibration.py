"""Whether probabilities come true."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, DASHES, MARKERS, NAME_WIDTH, styled

LARGEST_DOT = 120  # Points squared, for a bin that holds all cases.


def reliability_diagram(tables: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Accuracy of forecasts by their confidence, one line per model, compared with the diagonal.

    On the diagonal probabilities come true; below it they are too large. The area of a dot shows
    how many cases its bin holds.

    Args:
        tables: by name of the model, one row per bin with `cases`, `confidence` and `accuracy`,
            such as `evaluation.calibration.reliability` makes.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no table, or one lacks a column or has no row.
    """
    tables = dict(tables)
    must = f"`tables` must hold one table to {len(COLOURS)}"
    require(0 < len(tables) <= len(COLOURS), must, tables=list(tables))
    for name, table in tables.items():
        fits = {"cases", "confidence", "accuracy"} <= set(table) and len(table)
        must = f"Table `{name}` must have rows with `cases`, `confidence` and `accuracy`"
        require(fits, must, columns=list(table))
    with styled(ax) as ax:
        ax.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="calibrated")
        looks = zip(COLOURS, DASHES, MARKERS, strict=True)
        for (colour, dashes, marker), (name, table) in zip(looks, tables.items(), strict=False):
            x, y, look = table["confidence"], table["accuracy"], {"color": colour}
            ax.plot(x, y, linestyle=dashes, label=one_line(name, NAME_WIDTH), **look)
            sizes = LARGEST_DOT * table["cases"] / table["cases"].sum()
            ax.scatter(x, y, sizes, marker=marker, **look)
        lows = [table[["confidence", "accuracy"]].min().min() for table in tables.values()]
        low = max(0, min(lows) - 0.05)
        ax.set(xlim=(low, 1), ylim=(low, 1))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        ax.set(xlabel="probability of the most probable type", ylabel="how often it came")
        ax.legend()
    return ax
