"""Learning curves."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import legend_label, styled, with_markers


def learning_curves(
    curves: Mapping[str, pd.DataFrame],
    column: str = "score",
    label: str = "validation NDCG@10",
    ax: Axes | None = None,
) -> Axes:
    """Draw one line per training, with a marker at the best epoch: highest score or lowest loss.

    Args:
        curves: by name, a table with the columns `epoch` and `column`, such as
            `LearningCurve.to_frame()`. Epochs without a value are skipped.
        column: `"score"` or `"loss"`.
        label: of the vertical axis.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no curve, or one without a single value.

    Example:
        >>> learning_curves({"SASRec": curve.to_frame()})
    """
    require(curves, "`curves` must hold at least one training", curves=curves)
    with styled(ax) as ax:
        for name, frame, marker in with_markers(curves):
            known = frame[["epoch", column]].astype(float).dropna()
            require(len(known), f"`curves` of {name!r} has no value of {column!r}", curves=frame)
            (line,) = ax.plot(known["epoch"], known[column], label=legend_label(name))
            best = known[column].idxmin() if column == "loss" else known[column].idxmax()
            ax.plot(*known.loc[best], marker, color=line.get_color())
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="epoch", ylabel=label)
        if len(curves) > 1:
            ax.legend()
    return ax
