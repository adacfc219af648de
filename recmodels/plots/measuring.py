"""Effects of list length, negatives and chance on a measure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.evaluation.ranking import UNRANKED
from recmodels.plots.style import GREY, NAME_WIDTH, legend_label, styled


def hits_by_depth(
    ranks: Mapping[str, np.ndarray],
    marks: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of users whose target is among the first k, for every k: one curve per model.

    Args:
        ranks: by model, the rank of each user's target, (U,). Targets without a rank are at
            no depth, so that the curve ends below 1.
        marks: depths to mark with a dotted line, by their names.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no model, or one without a rank.

    Example:
        >>> hits_by_depth({"EASE": evaluation.per_user["rank"]}, {"top 10": 10})
    """
    _check_some(ranks, "ranks")
    with styled(ax) as ax:
        curves = {name: _ranked_only(*_cumulative(values)) for name, values in ranks.items()}
        deepest = max(depth.max(initial=1) for depth, _ in curves.values())
        for name, (depth, hits) in curves.items():
            label, last = legend_label(name), hits.max(initial=0)
            ax.step(np.append(depth, deepest), np.append(hits, last), where="post", label=label)
        for name, depth in (marks or {}).items():
            ax.axvline(depth, color=GREY, linestyle=":")
            place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            look = {"xytext": (-4, -2), "ha": "right", "va": "top", "color": GREY}
            ax.annotate(name, (depth, 1), **place, **look)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set(
            xlim=(1, deepest),
            ylim=(0, 1.02),
            xlabel="length of the list, k",
            ylabel="users whose target is on it",
        )
        ax.legend(loc="lower right")
    return ax


def differences(
    table: pd.DataFrame, label: str, by: str = "compared with", ax: Axes | None = None
) -> Axes:
    """Draw a difference under several conditions, one row each, with intervals and a line at 0.

    Args:
        table: one row per condition, the first on top: `mean`, `low`, `high`.
        label: of the difference, such as `"NDCG@10 of EASE above ItemKNN"`.
        by: what the conditions are.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no condition.
    """
    require(table.size, "`table` must hold at least one condition", shape=table.shape)
    arms = np.array([table["mean"] - table["low"], table["high"] - table["mean"]])
    with styled(ax) as ax:
        positions = np.arange(len(table))
        ax.axvline(0, color=GREY, linestyle="--", linewidth=1)
        ax.errorbar(table["mean"], positions, xerr=arms, fmt="o", capsize=3)
        ax.set_yticks(positions, [one_line(name, NAME_WIDTH) for name in table.index])
        ax.grid(False, axis="y")
        ax.set(ylim=(len(table) - 0.5, -0.5), ylabel=by, xlabel=f"{label}, 95 % interval")
    return ax


def p_values(p: Mapping[str, Sequence[float]], level: float = 0.05, ax: Axes | None = None) -> Axes:
    """Draw the share of p-values below each threshold.

    The diagonal is what a calibrated test gives if there is no real difference.

    Args:
        p: by test, the p-values of many comparisons.
        level: the threshold that is marked.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no test, or one without a p-value.
    """
    _check_some(p, "p")
    with styled(ax) as ax:
        diagonal = {"color": GREY, "linestyle": "--", "linewidth": 1}
        ax.plot([0, 1], [0, 1], **diagonal, label="a calibrated test")
        for name, values in p.items():
            threshold, share = _cumulative(values)
            threshold, share = np.concatenate([[0], threshold, [1]]), np.append(share, 1)
            ax.step(threshold, np.append(0, share), where="post", label=legend_label(name))
        ax.axvline(level, color=GREY, linestyle=":", label=f"p = {level:g}")
        ax.set(
            xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold", ylabel="comparisons with p below it"
        )
        ax.legend(loc="upper left", bbox_to_anchor=(0.08, 1))
    return ax


def _cumulative(values) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values from small to large, and the share of all that is at most as large."""
    distinct, counts = np.unique(np.asarray(values), return_counts=True)
    return distinct, np.cumsum(counts) / counts.sum()


def _ranked_only(depth: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of a curve but for the targets that no model could rank."""
    return depth[depth < UNRANKED], hits[depth < UNRANKED]


def _check_some(values: Mapping, name: str) -> None:
    sizes = {key: len(part) for key, part in values.items()}
    some = sizes and all(sizes.values())
    require(some, f"`{name}` must hold something to draw of each", sizes=sizes)
