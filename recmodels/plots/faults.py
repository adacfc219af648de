"""Effects of faults on a score, the tests that find them, and the effect of choosing among many."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import COLOURS, GREY, legend_label, styled, with_markers


def fault_effects(table: pd.DataFrame, label: str = "NDCG@10", ax: Axes | None = None) -> Axes:
    """Draw the reported, the true and the repaired score of each fault.

    A grey line joins the reported and the true score: the longer, the larger the error.

    Args:
        table: one row per fault, the first on top: `reported`, `true`, `repaired`.
        label: of the figure.
        ax: where to draw; by default a new figure, taller for many faults.

    Raises:
        ValueError: there is no fault.
    """
    require(table.size, "`table` must hold at least one fault", shape=table.shape)
    rows, new = np.arange(len(table)), ax is None
    with styled(ax) as ax:
        if new:
            ax.figure.set_size_inches(7.2, 1.4 + 0.3 * len(table))
        ax.hlines(rows, table["reported"], table["true"], color=GREY, linewidth=1)
        ax.plot(table["repaired"], rows, "|", markersize=15, color=COLOURS[2], label="repaired")
        ax.plot(table["true"], rows, "o", color=COLOURS[0], label="true")
        ring = {"markersize": 10, "markerfacecolor": "none"}  # Shows what is true inside it.
        ax.plot(table["reported"], rows, "o", color=COLOURS[1], label="reported", **ring)
        ax.set_yticks(rows, table.index)
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(left=min(-0.02, table.min(axis=None) - 0.02))
        ax.grid(False, axis="y")
        ax.set_xlabel(label)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, reverse=True)
    return ax


def caught_map(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw which test (column) fails for which fault (row), as a filled square.

    Args:
        table: booleans, True where the test fails.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no fault or no test.
    """
    require(table.size, "`table` must hold a fault and a test", shape=table.shape)
    with styled(ax) as ax:
        rows, columns = np.nonzero(table.to_numpy(bool))
        ax.scatter(columns, rows, s=420, marker="s", color=COLOURS[1])
        ax.set_xticks(range(table.shape[1]), table.columns)
        ax.set_yticks(range(len(table)), table.index)
        ax.set(
            xlim=(-0.5, table.shape[1] - 0.5),
            ylim=(len(table) - 0.5, -0.5),
            xlabel="test, filled where it fails",
            ylabel="what is tested",
        )
    return ax


def best_of_many(
    table: pd.DataFrame, truth: float | None = None, label: str = "NDCG@10", ax: Axes | None = None
) -> Axes:
    """Draw the score of the chosen variant against the number of variants tried.

    Args:
        table: one row per number of variants, in its index; one column per line.
        truth: the true score of every variant, if it is known.
        label: of the figure.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no row or no line.
    """
    require(table.size, "`table` must hold a number of variants and a line", shape=table.shape)
    with styled(ax) as ax:
        for name, values, marker in with_markers(table):
            ax.plot(table.index, values, marker=marker, markersize=4, label=legend_label(name))
        if truth is not None:
            ax.axhline(truth, color=GREY, linestyle="--", linewidth=1, label="true score of all")
        ax.set_xscale("log")
        ax.set_xticks(table.index, [f"{count:,}" for count in table.index])
        ax.minorticks_off()
        ax.set(xlabel="variants tried", ylabel=f"{label} of the best one")
        ax.legend()
    return ax
