"""Maps of vectors."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from recmodels.data.errors import require
from recmodels.plots.style import COLOURS, styled

MARKERS = "os^Dvp*"  # Groups differ in their marker too, for readers who see few colours.


def vector_map(vectors: np.ndarray, groups: Sequence[str], ax: Axes | None = None) -> Axes:
    """The first two principal components of vectors, one dot each, marked by group.

    Args:
        vectors: (N, D), D at least 2.
        groups: the name of the group of each, (N,).
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is not one group per vector.
    """
    groups, vectors = np.asarray(groups), np.asarray(vectors, float)
    must = "`groups` must name one group per vector"
    require(len(groups) == len(vectors), must, groups=len(groups), vectors=len(vectors))
    centred = vectors - vectors.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    places, shares = left[:, :2] * strengths[:2], strengths**2 / (strengths**2).sum()
    with styled(ax) as ax:
        for index, name in enumerate(dict.fromkeys(groups.tolist())):
            rows = groups == name
            look = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
            ax.scatter(*places[rows].T, s=18, label=str(name), **look)
        names = [f"component {axis + 1}, {shares[axis]:.0%} of the variance" for axis in (0, 1)]
        ax.set(xlabel=names[0], ylabel=names[1])
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small")
    return ax
