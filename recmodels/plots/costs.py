"""Cost against quality of several models."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, GREY, NAME_WIDTH, axis_start, styled

LEAST_COST = 0.01  # Smaller costs are drawn there: a logarithmic axis has no 0.
POINT = 5.0  # Half the width of a marker with a margin, in points as all distances below.
DISTANCES = (2, 8, 16, 26, 38)  # Between a marker and its label.
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def cost_and_score(
    table: pd.DataFrame,
    winner: str | None = None,
    floor: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a point per model with its name: its cost, on a logarithmic axis, and its score.

    Args:
        table: two columns, indexed by the names of models: costs of 0 or more, then scores. Rows
            with the same name are trainings of one model with growing cost: a line joins them,
            all but the last are hollow, and the last one has the name.
        winner: name of a model to draw as a star.
        floor: name of a model whose score is drawn as a horizontal line as well.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there are not two columns, or no row, or a name is not in the index.

    Example:
        >>> table = pd.DataFrame({"seconds": [1, 60], "NDCG@10": [0.1, 0.2]}, ["popularity", "b"])
        >>> cost_and_score(table, winner="b", floor="popularity")
    """
    must = "`table` must have two columns and a row for each model"
    require(table.shape[1] == 2 and len(table), must, columns=list(table.columns), rows=len(table))
    for argument, name in (("winner", winner), ("floor", floor)):
        known = name is None or name in table.index
        require(known, f"`{argument}` must be in the index of `table`", **{argument: name})
    across, up = table.columns
    table = table.assign(**{across: table[across].clip(lower=LEAST_COST)})
    with styled(ax) as ax:
        for name, rows in table.groupby(level=0, sort=False):
            _draw_model(ax, *rows.to_numpy(np.float64).T, best=name == winner)
        level = None
        if floor is not None:
            level = table.loc[[floor], up].iloc[-1]
            ax.axhline(level, color=GREY, linestyle=":", linewidth=1, zorder=1)
        _set_axes(ax, table)
        last = table[~table.index.duplicated(keep="last")]
        taken = _covered(ax, table.to_numpy(np.float64), level)
        _label_points(ax, taken, last.index, last.to_numpy(np.float64), winner)
    return ax


def _set_axes(ax: Axes, table: pd.DataFrame) -> None:
    """Set scales, limits and labels; the numbers are powers of ten where there are enough."""
    across, up = table.columns
    ratio = table[across].max() / table[across].min()
    locator = LogLocator(subs=(1,) if ratio > 300 else (1, 2, 5))
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(locator if ratio > 5 else MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(0.12)
    ax.set_ylim(bottom=axis_start(table[up]))
    ax.set(xlabel=across, ylabel=up)


def _draw_model(ax: Axes, costs: np.ndarray, scores: np.ndarray, best: bool) -> None:
    colour = COLOURS[1] if best else COLOURS[0]
    ax.plot(costs, scores, color=colour, linewidth=1, linestyle="-", alpha=0.6)
    ax.plot(costs[:-1], scores[:-1], "o", color=colour, markerfacecolor="white", markersize=5)
    marker = {"marker": "*", "markersize": 13} if best else {"marker": "o"}
    last = {"color": colour, "linestyle": "none", "zorder": 3 + best}  # A star is on top.
    ax.plot(costs[-1:], scores[-1:], **last, **marker)


def _covered(ax: Axes, points: np.ndarray, level: float | None) -> list[Bbox]:
    """Where points (N, 2) and a horizontal line are, in pixels; limits and scales are final."""
    ax.figure.draw_without_rendering()  # The layout settles where points are.
    size = np.full(2, 2 * POINT * ax.figure.dpi / 72)
    taken = [_box(centre, size) for centre in ax.transData.transform(points)]
    if level is not None:
        height = ax.transData.transform((1, level))[1]
        taken.append(Bbox([[ax.bbox.x0, height - 1], [ax.bbox.x1, height + 1]]))
    return taken


def _label_points(
    ax: Axes, taken: list[Bbox], names: Sequence[str], points: np.ndarray, bold: str | None
) -> None:
    """Write each name next to its point, where it covers nothing and stays within the axes.

    Args:
        ax: whose limits and scales are final.
        taken: what no name may cover, in pixels; names are added.
        names, points: what to label, (M, 2), and with what.
        bold: the name to emphasise.
    """
    unit = ax.figure.dpi / 72  # Pixels per point.
    for row in np.argsort(-points[:, 1], kind="stable"):  # From the top.
        name, point = names[row], points[row]
        look = {"weight": "bold", "color": COLOURS[1]} if name == bold else {"color": GREY}
        label = ax.annotate(
            one_line(name, NAME_WIDTH), point, textcoords="offset points", xytext=(0, 0),
            ha="center", va="center", fontsize=9, **look,
        )  # fmt: skip
        size, centre = np.array(label.get_window_extent().size), ax.transData.transform(point)
        offset, box = _free_place(centre, size, unit, taken, ax.bbox)
        label.set_position(tuple(offset / unit))
        taken.append(box)
        if np.abs(offset).max() > (POINT + DISTANCES[1]) * unit + size.max() / 2:
            leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0}
            place = {"xytext": label.get_position(), "textcoords": "offset points"}
            ax.annotate("", point, arrowprops=leader, **place)


def _free_place(
    centre: np.ndarray, size: np.ndarray, unit: float, taken: list[Bbox], inside: Bbox
) -> tuple[np.ndarray, Bbox]:
    """The nearest offset of a label, in pixels, that covers nothing, or else least."""
    best = None
    for distance, direction in itertools.product(DISTANCES, DIRECTIONS):
        offset = np.array(direction) * (size / 2 + (POINT + distance) * unit)
        box = _box(centre + offset, size)
        covered = sum(_common_area(box, other) for other in taken)
        covered += box.width * box.height - _common_area(box, inside)
        if best is None or covered < best[0] - 1:
            best = covered, offset, box
        if covered == 0:
            break
    return best[1:]


def _box(centre: np.ndarray, size) -> Bbox:
    half = np.asarray(size) / 2
    return Bbox([centre - half, centre + half])


def _common_area(one: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else common.width * common.height
