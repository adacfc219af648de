"""Influence of events on a recommendation, lists without some events, and tests of explanations."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from scipy.stats import spearmanr

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.plots.attention import SIGNED
from recmodels.plots.style import COLOURS, GREY, legend_label, styled, with_markers

MOST_CELLS = 8  # Events beyond which numbers in the cells would run together.
LIST_NAME = 28  # Characters of a name at either side of two lists.


def influence_strip(
    names: Sequence[str],
    values: np.ndarray,
    removed: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A history as a strip, the oldest event on the left, coloured by its influence.

    Blue events support the item and orange ones count against it.

    Args:
        names: of the events, T.
        values: influence of each, (T,).
        removed: which events a counterfactual removes, bool (T,); they have a frame.
        title: such as the item that is explained.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no event, or not one value each.

    Example:
        >>> influence_strip(["tea", "cup"], influence.values[0, -2:], title="why pot?")
    """
    values = np.asarray(values, float)
    removed = np.zeros(len(names), bool) if removed is None else np.asarray(removed, bool)
    fits = len(names) and values.shape == removed.shape == (len(names),)
    must = "`values` and `removed` must hold one value for each of `names`, and there must be some"
    shapes = {"names": len(names), "values": values.shape, "removed": removed.shape}
    require(fits, must, **shapes)
    largest = max(float(np.abs(values).max()), 1e-12)
    with styled(ax) as ax:
        ax.imshow(values[None], cmap=SIGNED, vmin=-largest, vmax=largest, aspect="auto")
        if len(names) <= MOST_CELLS:
            for place, value in enumerate(values):
                colour = "white" if abs(value) > 0.7 * largest else "black"
                ax.text(place, 0, f"{value:.2g}", color=colour, ha="center", va="center")
        for place in np.flatnonzero(removed):
            ax.add_patch(
                Rectangle((place - 0.46, -0.46), 0.92, 0.92, fill=False, color="black", lw=2)
            )
        shown = [one_line(name, LIST_NAME) for name in names]
        ax.set_xticks(range(len(names)), shown, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks([])
        ax.set_box_aspect(0.12)
        ax.grid(False)
        ax.spines[:].set_visible(True)
        ax.set(xlabel="events, the latest on the right", title=one_line(title))
    return ax


def counterfactual_pair(
    before: Sequence[str], after: Sequence[str], removed: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Two lists, with all events and without some, and a line between the places of each item.

    Items that leave the list are orange, items that come into it blue.

    Args:
        before, after: names of the items of the lists, best first, each name once per list.
        removed: names of the events that the second list was made without.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: a list is empty or has a name twice.
    """
    unique = all(len(names) and len(set(names)) == len(names) for names in (before, after))
    must = "`before` and `after` must hold each name once, and there must be some"
    require(unique, must, before=list(before), after=list(after))
    without = "\n".join(["without", *(one_line(name, LIST_NAME) for name in removed)])
    with styled(ax) as ax:
        for place, name in enumerate(before):
            stays = name in after
            colour = GREY if stays else COLOURS[1]
            ax.text(-0.03, place, one_line(name, LIST_NAME), color=colour, ha="right", va="center")
            if stays:
                ax.plot([0, 1], [place, list(after).index(name)], "-", color=GREY, lw=1)
            ax.plot(0, place, marker="o" if stays else "X", color=colour)
        for place, name in enumerate(after):
            colour = GREY if name in before else COLOURS[0]
            ax.text(1.03, place, one_line(name, LIST_NAME), color=colour, ha="left", va="center")
            ax.plot(1, place, marker="o" if name in before else "P", color=colour)
        ax.set_xlim(-1.1, 2.1)
        ax.set_ylim(max(len(before), len(after)) - 0.5, -0.5)
        ax.set_xticks([0, 1], ["all events", without])
        for label, side in zip(ax.get_xticklabels(), ("right", "left"), strict=True):
            label.set_ha(side)
        ax.set_yticks([])
        ax.grid(False)
        ax.spines[:].set_visible(False)
    return ax


def deletion_curves(curves: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Mean score against the share of events removed, the most supporting first.

    Bands are 95 % bootstrap intervals over rows. The faster a curve falls, the better the explainer
    knows which events the score depends on.

    Args:
        curves: by explainer, scores at equally spaced shares from 0 to 1, (B, S), such as
            `Faithfulness.deletion`.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no curve, or they are of different shapes.

    Example:
        >>> deletion_curves({"leave one out": found.deletion, "random": floor.deletion})
    """
    curves = {name: np.asarray(values, float) for name, values in curves.items()}
    shapes = {name: values.shape for name, values in curves.items()}
    must = "`curves` must hold arrays (B, S) of one shape, for at least two rows"
    shape = next(iter(shapes.values()), ())
    fits = len(shape) == 2 and shape[0] > 1 and len(set(shapes.values())) == 1
    require(fits, must, curves=shapes)
    shares = np.linspace(0, 1, shape[1])
    with styled(ax) as ax:
        for name, values, marker in with_markers(curves):
            means, low, high = np.transpose([bootstrap_interval(column) for column in values.T])
            (line,) = ax.plot(shares, means, marker=marker, ms=5, label=legend_label(name))
            ax.fill_between(shares, low, high, color=line.get_color(), alpha=0.15, lw=0)
        ax.set(xlabel="share of events removed", ylabel="score of the item")
        ax.legend()
    return ax


def attention_against_influence(
    attention: np.ndarray, influence: np.ndarray, ax: Axes | None = None
) -> Axes:
    """One dot per event: its attention weight across, its influence on the score up.

    The title has Spearman's correlation: attention explains the score only if it is close to 1.

    Args:
        attention, influence: of the same events, (N,) each, N of at least 2.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: they are not as many, or fewer than two.

    Example:
        >>> real = influence.real
        >>> attention_against_influence(weights.values[real], influence.values[real])
    """
    attention, influence = np.asarray(attention, float), np.asarray(influence, float)
    fits = attention.ndim == 1 and attention.shape == influence.shape and len(attention) > 1
    must = "`attention` and `influence` must hold one number for each of at least two events"
    require(fits, must, attention=attention.shape, influence=influence.shape)
    correlation = spearmanr(attention, influence).statistic
    with styled(ax) as ax:
        ax.axhline(0, color=GREY, lw=1, ls="-")
        ax.plot(attention, influence, "o", ms=3, alpha=0.4)
        ax.set(
            xlabel="attention weight",
            ylabel="influence on the score",
            title=f"Spearman's correlation {correlation:.2f}",
        )
    return ax
