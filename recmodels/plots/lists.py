"""A list as it is recommended."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, GREY, NAME_WIDTH, styled


def ranked_list(
    names: Sequence[str],
    values: np.ndarray,
    label: str = "probability",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A list from the best item down, with what the model thinks of each.

    Args:
        names: of the items, best first.
        values: probabilities or scores, (k,).
        label: what the values are.
        title: such as what the list follows.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no item, or not one value each.
    """
    values = np.asarray(values, float)
    if not len(names) or values.shape != (len(names),):
        raise ValueError(
            "`values` must hold one number for each of `names`, and there must be some. "
            f"Received: {len(names)} names, values of shape {values.shape}"
        )
    with styled(ax) as ax:
        places = np.arange(len(names))
        bars = ax.barh(places, values, height=0.6, color=COLOURS[0])
        ax.bar_label(bars, [f"{value:.3g}" for value in values], padding=4, color=GREY)
        ax.set_yticks(places, [one_line(name, NAME_WIDTH) for name in names])
        ax.invert_yaxis()
        ax.margins(x=0.12)  # Room for the number behind the longest bar.
        ax.grid(False, axis="y")
        ax.set(xlabel=label, title=one_line(title))
    return ax
