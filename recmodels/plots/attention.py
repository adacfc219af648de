"""Attention maps, positional encodings, and growth with the width."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, NAME_WIDTH, legend_label, styled, with_markers

SHARES = LinearSegmentedColormap.from_list("shares", ["white", COLOURS[0]])
SIGNED = LinearSegmentedColormap.from_list("signed", [COLOURS[1], "white", COLOURS[0]])
MOST_NUMBERS = 8  # Columns beyond which numbers in the cells would run together.
LINE_WIDTH = 16  # Characters of a line of a name next to the map.


def attention_map(
    weights: np.ndarray, names: Sequence[str], title: str = "", ax: Axes | None = None
) -> Axes:
    """Weight of each key (column) for each query (row); white is a weight of zero.

    Args:
        weights: of one head, (T, T); rows sum to one.
        names: of the events, T.
        title: above the map, such as the name of a head.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there are not as many names as rows and columns.

    Example:
        >>> attention_map(weights, ["tent", "boots", "novel"])
    """
    weights = np.asarray(weights)
    must = "`weights` must have a row and a column for each of `names`"
    square = weights.shape == (len(names), len(names))
    require(square, must, weights=weights.shape, names=list(names))
    steps = np.arange(len(names))
    with styled(ax) as ax:
        ax.imshow(weights, cmap=SHARES, vmin=0, vmax=1)
        if len(names) <= MOST_NUMBERS:
            middle = {"ha": "center", "va": "center"}
            for row, column in np.argwhere(weights > 0):
                weight = weights[row, column]
                colour = "white" if weight > 0.6 else "black"
                ax.text(column, row, f"{weight:.2f}", color=colour, **middle)
        shown = [textwrap.fill(one_line(name, NAME_WIDTH), LINE_WIDTH) for name in names]
        ax.set_xticks(steps, shown, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(steps, shown)
        ax.grid(False)
        ax.spines[:].set_visible(True)
        ax.set(xlabel="key", ylabel="query", title=title)
    return ax


def position_map(vectors: np.ndarray, products: bool = False, ax: Axes | None = None) -> Axes:
    """Draw one row per position, the newest at the bottom; blue is positive, orange negative.

    Args:
        vectors: of the positions, oldest first: (T, D), or (T, T) of their dot products.
        products: whether the columns are positions too; they are then counted as the rows are,
            with the newest on the right.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: `vectors` has no number in it.
    """
    vectors = np.asarray(vectors)
    require(vectors.size, "`vectors` must hold numbers", shape=vectors.shape)
    largest = np.abs(vectors).max()
    with styled(ax) as ax:
        drawn = ax.imshow(vectors, cmap=SIGNED, vmin=-largest, vmax=largest, aspect="auto")
        steps = np.arange(len(vectors))[:: -max(1, len(vectors) // 8)]  # Counted from the newest.
        label = "events before the newest"
        ax.set_yticks(steps, len(vectors) - 1 - steps)
        if products:
            ax.set_xticks(steps, len(vectors) - 1 - steps)
        ax.grid(False)
        ax.set(ylabel=label, xlabel=label if products else "feature")
        ax.figure.colorbar(drawn, ax=ax, shrink=0.9)
    return ax


def growth(
    table: pd.DataFrame, label: str, logarithmic: bool = False, ax: Axes | None = None
) -> Axes:
    """One line per column against the index, such as entropy against the width.

    Args:
        table: sizes in the index, whose name is the label below; one column per variant.
        label: of the vertical axis.
        logarithmic: whether the vertical axis counts powers of ten, as the horizontal one counts
            powers of two.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: the table is empty.
    """
    require(table.size, "`table` must hold at least one number", shape=table.shape)
    with styled(ax) as ax:
        for name, values, marker in with_markers(table):
            ax.plot(table.index, values, marker=marker, markersize=5, label=legend_label(name))
        ax.set_xscale("log", base=2)
        ax.set(yscale="log" if logarithmic else "linear", xlabel=table.index.name, ylabel=label)
        if table.shape[1] > 1:
            ax.legend()
    return ax
