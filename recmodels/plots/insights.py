"""Seasons, drift and interests that switch."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.dates import ConciseDateFormatter

from recmodels.data.errors import require
from recmodels.insights.drift import Drift
from recmodels.insights.seasons import Season
from recmodels.plots.style import COLOURS, GREY, named_bars, styled

# Behind black numbers; more interests take them again from the first.
LIGHT = ("#8CC5E3", "#F5B48A", "#7FD1B5", "#E3BBD2", "#F3D37A", "#C9C9C9", "#B5B3E6")


def season_parts(season: Season, ax: Axes | None = None) -> Axes:
    """Daily counts as dots, their trend, and trend plus season.

    Args:
        season: from `recmodels.decompose`.
        ax: where to draw; by default a new figure.
    """
    days = season.observed.index
    with styled(ax) as ax:
        ax.plot(days, season.observed, "o", color=GREY, markersize=3, label="observed")
        fitted = season.trend + season.season
        label = f"trend and season of {season.period} days"
        ax.plot(days, fitted, color=COLOURS[0], linewidth=1.2, label=label)
        label = f"trend, {season.slope:+.2g} per day"
        ax.plot(days, season.trend, color=COLOURS[1], linewidth=2, label=label)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
        ax.set(xlabel="day", ylabel="events per day")
        ax.legend(loc="best")
    return ax


def drift_shares(drift: Drift, top: int = 8, ax: Axes | None = None) -> Axes:
    """The values whose share of events changed most, as bars of latest minus reference.

    Args:
        drift: from `recmodels.drift_alarm`.
        top: how many values.
        ax: where to draw; by default a new figure.
    """
    shares = drift.shares.head(top)
    change = 100 * (shares["latest"] - shares["reference"])
    with styled(ax) as ax:
        named_bars(ax, [str(name) for name in shares.index], change.tolist(), "{:+.1f}", COLOURS[0])
        said = "alarm" if drift.alarm else "no alarm"
        ax.axvline(0, color=GREY, linewidth=0.8)
        ax.margins(x=0.15)  # Room for the numbers behind the bars.
        title = f"divergence {drift.divergence:.4f}, threshold {drift.threshold:.4f}: {said}"
        ax.set(xlabel="change of the share of events, percentage points", title=title)
    return ax


def interest_strip(
    active: np.ndarray, intents: np.ndarray | None = None, ax: Axes | None = None
) -> Axes:
    """Which interest is active at each event of one history, above the true intents if known.

    Args:
        active: a row of `MultiInterest.active_interest`, int (T,); -1 is left white.
        intents: true intent of each event, int (T,).
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: `intents` has another length.
    """
    rows, names = [np.asarray(active)], ["active interest"]
    if intents is not None:
        must = "`intents` must be one per event"
        require(len(intents) == len(active), must, intents=len(intents), events=len(active))
        rows, names = [*rows, np.asarray(intents)], [*names, "true intent"]
    cells = np.ma.masked_less(np.stack(rows), 0)
    with styled(ax) as ax:
        ax.imshow(cells % len(LIGHT), aspect="auto", cmap=ListedColormap(LIGHT), vmin=0, vmax=6)
        for (row, column), value in np.ndenumerate(cells.filled(-1)):
            if value >= 0:
                ax.text(column, row, str(value), ha="center", va="center")
        ax.grid(False)
        ax.set_box_aspect(0.12 * len(names))
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel="event of the history")
    return ax
