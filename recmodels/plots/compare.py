"""Comparison of several logs: lengths, popularity and gaps."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

from recmodels.data.errors import require
from recmodels.plots.style import GREY, legend_label, styled

# Seconds that people have names for.
DAY = 86_400
MOMENTS = {5: "5 s", 60: "1 min", 3600: "1 h", DAY: "1 day", 30 * DAY: "month", 365 * DAY: "year"}
SAME_SECOND = 0.3  # Where a gap of zero is drawn on an axis of powers.


def length_curves(
    lengths: Mapping[str, np.ndarray], max_length: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the share of users with at least n events, one line per log.

    Args:
        lengths: by log, the events of each user, (U,); zeros are left out.
        max_length: marks how many of the latest events a model reads.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no log, or one without an event.
    """
    with styled(ax) as ax:
        for name, values in _sorted_positive(lengths, "lengths").items():
            at_least = 1 - np.arange(len(values)) / len(values)
            distinct, first = np.unique(values, return_index=True)
            ax.plot(distinct, at_least[first], label=legend_label(name))
        if max_length is not None:
            ax.axvline(max_length, color=GREY, linestyle=":", label=f"{max_length:,} events")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_ylim(bottom=0)
        ax.set(xlabel="events, n", ylabel="users with at least n events")
        ax.legend()
    return ax


def concentration_curves(counts: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Draw the share of the events that the most popular items have, one line per log.

    The diagonal is a log in which all items have the same number of events.

    Args:
        counts: by log, the events of each item, (V,); zeros are left out.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no log, or one without an event.
    """
    with styled(ax) as ax:
        for name, values in _sorted_positive(counts, "counts").items():
            share = np.concatenate([[0], values[::-1].cumsum() / values.sum()])
            ax.plot(np.linspace(0, 1, len(share)), share, label=legend_label(name))
        ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="equally popular items")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        ax.set(xlabel="items, from the most popular", ylabel="events they have")
        ax.legend(loc="lower right")
    return ax


def gap_curves(gaps: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Draw the share of events within a time of the user's previous event, one line per log.

    Args:
        gaps: by log, seconds between an event and the same user's event before; 0 is the same
            second.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no log, or one without a gap.
    """
    some = gaps and min(map(len, gaps.values())) > 0
    require(some, "`gaps` must hold logs with a gap each", gaps=list(gaps))
    with styled(ax) as ax:
        for name, seconds in gaps.items():
            distinct, number = np.unique(seconds, return_counts=True)
            share = number.cumsum() / number.sum()
            drawn = np.maximum(distinct, SAME_SECOND)
            ax.step(drawn, share, where="post", label=legend_label(name))
        ax.set_xscale("log")
        ax.set_xticks([SAME_SECOND, *MOMENTS], ["same\nsecond", *MOMENTS.values()])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlim(right=max(MOMENTS))
        ax.set(
            ylim=(0, 1.02),
            xlabel="time since the user's previous event",
            ylabel="events that came within it",
        )
        ax.legend(loc="lower right")
    return ax


def _sorted_positive(groups: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The values above zero of each log, ascending."""
    kept = {log: np.sort(np.asarray(values)) for log, values in groups.items()}
    kept = {log: values[values > 0] for log, values in kept.items()}
    some = kept and min(map(len, kept.values())) > 0
    require(some, f"`{name}` must hold logs, each with a number above 0", logs=list(groups))
    return kept
