"""Model inputs: distributions and padding."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import PercentFormatter

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, DASHES, legend_label, styled, with_markers

NUM_BINS = 40


def value_distribution(
    parts: Mapping[str, np.ndarray], label: str = "value", ax: Axes | None = None
) -> Axes:
    """Distribution of the values of a feature, one outline per part, each with an area of one.

    Args:
        parts: by name, the values; missing ones are left out.
        label: of the horizontal axis.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: a part has no value.
    """
    known = {name: np.asarray(values, float) for name, values in parts.items()}
    known = {name: values[np.isfinite(values)] for name, values in known.items()}
    some = known and min(map(len, known.values())) > 0
    require(some, "`parts` must each hold a value", parts=list(parts))
    bins = np.histogram_bin_edges(np.concatenate(list(known.values())), NUM_BINS)
    with styled(ax) as ax:
        look = {"bins": bins, "density": True, "histtype": "step", "linewidth": 1.6}
        for number, (name, values) in enumerate(known.items()):
            dash = DASHES[number % len(DASHES)]
            ax.hist(values, **look, linestyle=dash, label=legend_label(name))
        ax.set(xlabel=label, ylabel="density")
        if len(known) > 1:
            ax.legend()
    return ax


def response_curves(
    table: pd.DataFrame, label: str, percent: bool = False, ax: Axes | None = None
) -> Axes:
    """Values against a change of the input, one line per column.

    Args:
        table: one row per setting, indexed by it under the name it has; one column per line.
        label: of the vertical axis.
        percent: whether the numbers are shares.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: the table is empty.
    """
    require(table.size, "`table` must hold at least one setting", shape=table.shape)
    with styled(ax) as ax:
        for name, values, marker in with_markers(table):
            ax.plot(table.index, values, marker=marker, markersize=5, label=legend_label(name))
        if percent:
            ax.yaxis.set_major_formatter(PercentFormatter(1))
            ax.set_ylim(bottom=0)
        ax.set(xlabel=table.index.name, ylabel=label)
        if len(table.columns) > 1:
            ax.legend()
    return ax


def padding_map(item_ids: np.ndarray, name: str = "", ax: Axes | None = None) -> Axes:
    """The positions of a padded matrix with an item and with padding.

    Args:
        item_ids: the matrix, (B, T), 0 for padding.
        name: what is drawn; the share of padding is put behind it.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: it is not a matrix with something in it.
    """
    item_ids = np.asarray(item_ids)
    is_matrix = item_ids.ndim == 2 and item_ids.size
    require(is_matrix, "`item_ids` must be a matrix (B, T)", shape=item_ids.shape)
    real = item_ids != 0
    with styled(ax) as ax:
        colours = ListedColormap(["#EDEDED", COLOURS[0]])
        ax.imshow(real, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="none")
        ax.grid(False)
        ax.set(
            xlabel="position, the newest on the right",
            ylabel="row",
            title=f"{one_line(name)}: {1 - real.mean():.0%} padding" if name else "",
        )
    return ax
