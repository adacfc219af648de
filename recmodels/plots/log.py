"""Properties of one log: lengths, popularity, leakage."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from recmodels.data.errors import require
from recmodels.data.leakage import LeakReport
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, GREY, named_bars, styled


def length_distribution(
    lengths: np.ndarray, max_length: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the number of users by number of events; the longest 1 % share the last bar.

    Args:
        lengths: events of each user, (U,), such as `data.train.lengths`; zeros are not drawn.
        max_length: marks how many of the latest events a model reads, and how many users have
            more.
        ax: where to draw; by default a new figure.
    """
    lengths = _positive(lengths, "lengths")
    longest = int(np.quantile(lengths, 0.99, method="inverted_cdf"))
    width = int(np.ceil(longest / 40))  # Whole, so that every bar has as many lengths.
    bins = np.arange(0.5, longest + width, width)
    with styled(ax) as ax:
        drawn = np.minimum(lengths, bins[-1] - 0.5)
        ax.hist(drawn, bins=bins, color=COLOURS[0], edgecolor="white", linewidth=0.5)
        median = np.median(lengths)
        ax.axvline(median, color=GREY, linestyle=":", label=f"median {median:,.0f}")
        if max_length is not None:
            share = (lengths > max_length).mean()
            label = f"{share:.1%} of users have more than {max_length:,} events"
            ax.axvline(max_length, color=COLOURS[1], linestyle="--", label=label)
        ax.set(xlabel="events per user (the longest 1 % in the last bar)", ylabel="users")
        ax.legend(loc="upper right")
    return ax


def popularity_distribution(counts: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the events of each item from the most to the least popular, both axes logarithmic.

    Args:
        counts: events of each item, (V,); items without an event are not drawn, but count for
            the number of items that are the top 10 %.
        ax: where to draw; by default a new figure.
    """
    place = np.sort(np.asarray(counts))[::-1]
    drawn = _positive(place, "counts")
    head = int(np.ceil(len(place) / 10))
    with styled(ax) as ax:
        ax.plot(np.arange(1, len(drawn) + 1), drawn, color=COLOURS[0])
        share = place[:head].sum() / place.sum()
        label = f"the top 10 % of items have {share:.0%} of the events"
        ax.axvline(head, color=GREY, linestyle=":", label=label)
        ax.set(xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):  # 1, 10, 100 instead of powers with exponents.
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
            axis.set_minor_formatter(NullFormatter())
        ax.set(ylim=(0.8, 2 * drawn.max()), xlabel="item, from the most popular", ylabel="events")
        ax.legend(loc="lower left")
    return ax


def leak_report(report: LeakReport, ax: Axes | None = None) -> Axes:
    """Draw leakage and unpredictable targets of a split, one bar per share.

    Args:
        report: from `recmodels.data.leakage.leak_report`; values that are None are not drawn.
        ax: where to draw; by default a new figure.
    """
    shares = _leak_shares(report)
    with styled(ax) as ax:
        names = [textwrap.fill(name, 32) for name in shares]
        named_bars(ax, names, list(shares.values()), "{:.1%}", COLOURS[1])
        ax.set_xlim(0, 1.15)  # Room for the number behind a full bar.
        ax.set_xticks(np.arange(0, 1.01, 0.25))
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_title(f"{one_line(report.name)}, {report.protocol}, {report.part}")
    return ax


def _leak_shares(report: LeakReport) -> dict[str, float]:
    """The counts of a report as shares of what they are counted among, in words."""
    events, users = report.train_events, report.users
    counted = {
        "training events after the median target": (report.future_share_median, 1),
        "training events after a target, mean over users": (report.future_share_mean, 1),
        "training events after the user's own target": (report.own_future_events, events),
        "targets in the second of the event before": (report.ties_at_cut, users),
        "users unknown to training": (report.cold_users, users),
        "targets unknown to training": (report.cold_targets, users),
        "users left out, without an event by then": (report.newcomers, users + report.newcomers),
    }
    return {name: part / whole for name, (part, whole) in counted.items() if part is not None}


def _positive(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values)
    require((values > 0).any(), f"`{name}` must hold a number above 0", values=len(values))
    return values[values > 0]
