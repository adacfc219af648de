"""Whether probabilities mean what they say."""

import pandas as pd
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import GREY, styled


def reliability_curve(table: pd.DataFrame, label: str = "model", ax: Axes | None = None) -> Axes:
    """Accuracy by confidence, beside the diagonal of a calibrated model; larger dots, more cases.

    Args:
        table: from `evaluation.calibration.reliability`: `cases`, `confidence`, `accuracy`.
        label: of the model.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no bin.

    Example:
        >>> reliability_curve(reliability(evaluation.probabilities, evaluation.targets))
    """
    require(len(table), "`table` must hold at least one bin", rows=len(table))
    with styled(ax) as ax:
        ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
        ax.plot(table["confidence"], table["accuracy"], label=label)
        sizes = 10 + 150 * table["cases"] / table["cases"].max()
        ax.scatter(table["confidence"], table["accuracy"], s=sizes)
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy")
        ax.legend(loc="upper left")
    return ax
