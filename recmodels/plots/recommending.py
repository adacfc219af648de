"""Trade-off of two measures."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from recmodels.data.errors import require
from recmodels.plots.style import GREY, axis_start, styled

NEAR = 0.07  # Share of the width or height of a figure that a label takes.


def trade_off(
    curve: pd.DataFrame, by: str = "weight", chosen: float | None = None, ax: Axes | None = None
) -> Axes:
    """Two measures against each other, one dot for each value of an option, joined in its order.

    Dots are labelled with their values unless they lie too near to the one labelled before.

    Args:
        curve: two columns, indexed by the values of the option: across, then up.
        by: what the option is, for the title.
        chosen: the value to mark with a ring.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there are not two columns, no row, or `chosen` is none of the values.

    Example:
        >>> trade_off(pd.DataFrame({"genres per list": [4, 6], "NDCG@10": [0.1, 0.09]}, [0, 0.5]))
    """
    known = chosen is None or chosen in curve.index
    shown = {"columns": list(curve.columns), "values": list(curve.index), "chosen": chosen}
    must = "`curve` must have two columns and a row for each value, the chosen one included"
    require(curve.shape[1] == 2 and len(curve) and known, must, **shown)
    across, up = curve.columns
    with styled(ax) as ax:
        (line,) = ax.plot(curve[across], curve[up], marker="o")
        for value in _told_apart(curve, chosen):
            place = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center"}
            words = ax.annotate(f"{value:g}", tuple(curve.loc[value]), color=GREY, **place)
            words.set_path_effects([withStroke(linewidth=3, foreground="white")])  # Off the line.
        if chosen is not None:
            ring = {"marker": "o", "markersize": 13, "markerfacecolor": "none"}
            ax.plot(*curve.loc[chosen], color=line.get_color(), linestyle="none", **ring)
        ax.margins(0.1)
        ax.set_ylim(bottom=axis_start(curve[up]))
        ax.set(xlabel=across, ylabel=up, title=f"number at each dot: {by}" if by else "")
    return ax


def _told_apart(curve: pd.DataFrame, chosen: float | None) -> list[float]:
    """Values whose labels have room: the first, the chosen one, and those away from both."""
    spans = (curve.max() - curve.min()).replace(0, 1)
    spread = curve / spans
    kept = [curve.index[0]] if chosen in (None, curve.index[0]) else [curve.index[0], chosen]
    for value in curve.index:
        near = (spread.loc[kept] - spread.loc[value]).abs().max(axis=1)
        if (near > NEAR).all():
            kept.append(value)
    return sorted(kept, key=list(curve.index).index)
