"""Several figures in one row."""

from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import styled


def panels(count: int, width: float = 8.4, height: float = 3.4) -> list[Axes]:
    """Axes in one row, in the project's look, to be given to other figures as `ax`.

    Args:
        count: of the axes.
        width: of the whole row, in inches.
        height: of the row, in inches.

    Raises:
        ValueError: `count` is less than 1.

    Example:
        >>> left, right = panels(2)
        >>> learning_curves(curves, "loss", "training loss", ax=left)
        >>> learning_curves(curves, ax=right)
    """
    require(count >= 1, "`count` must be at least 1", count=count)
    with styled(None) as first:
        figure = first.figure
        figure.set_size_inches(width, height)
        figure.set_dpi(80)  # Rows are wide, and notebooks keep them.
        grid = figure.add_gridspec(1, count)
        first.set_subplotspec(grid[0])
        others = [figure.add_subplot(grid[column]) for column in range(1, count)]
    return [first, *others]
