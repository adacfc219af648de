"""A list of recommendations."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, NAME_WIDTH, named_bars, styled


def ranked_list(
    names: Sequence[str],
    values: np.ndarray,
    label: str = "probability",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A list from the best item down, with the score or probability of each.

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
    fits = len(names) and values.shape == (len(names),)
    must = "`values` must hold one number for each of `names`, and there must be some"
    require(fits, must, names=len(names), shape=values.shape)
    with styled(ax) as ax:
        shown = [one_line(name, NAME_WIDTH) for name in names]
        named_bars(ax, shown, values, "{:.3g}", COLOURS[0])
        ax.margins(x=0.12)  # Room for the number behind the longest bar.
        ax.set(xlabel=label, title=one_line(title))
    return ax
