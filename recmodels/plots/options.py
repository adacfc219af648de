"""Effect of an option on a metric."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import axis_start, legend_label, styled, with_markers


def option_curves(
    curves: Mapping[str, pd.Series],
    by: str,
    label: str = "validation NDCG@10",
    best: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric for each value of an option, one line per model.

    The values tried have equal distances on the axis, so that 0, 1, 10, 100 can be read as
    well as 0.5, 0.6, 0.7.

    Args:
        curves: by model, the metric indexed by the values tried, the same for all.
        by: what the option is.
        label: of the metric.
        best: whether a larger marker marks the highest value of each line.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no curve, an empty one, or the values tried differ.

    Example:
        >>> option_curves({"EASE": pd.Series({0.5: 0.11, 0.9: 0.12})}, "decay")
    """
    tried = {name: list(curve.index) for name, curve in curves.items()}
    same = len({tuple(values) for values in tried.values()}) == 1 and [] not in tried.values()
    require(same, "`curves` must hold one or more curves over the same values", curves=tried)
    with styled(ax) as ax:
        for name, curve, marker in with_markers(curves):
            numbers = curve.to_numpy(float)
            (line,) = ax.plot(numbers, marker=marker, markersize=4, label=legend_label(name))
            if best:
                top = int(np.nanargmax(numbers))
                ax.plot(top, numbers[top], marker, markersize=9, color=line.get_color())
        values = next(iter(tried.values()))
        names = [f"{v:g}" if isinstance(v, int | float) else str(v) for v in values]
        ax.set_xticks(range(len(values)), names)
        ax.margins(y=0.1)  # Room above the highest marker.
        ax.set_ylim(bottom=axis_start(np.stack([c.to_numpy(float) for c in curves.values()])))
        ax.set(xlabel=by, ylabel=label)
        if len(curves) > 1:
            ax.legend()
    return ax
