"""Types of behaviour, weekdays and hours."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from recmodels.data.errors import require
from recmodels.data.text import one_line
from recmodels.plots.style import COLOURS, NAME_WIDTH, named_bars, styled

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def week_map(counts: np.ndarray, name: str = "", ax: Axes | None = None) -> Axes:
    """Number of events of each weekday and hour; darker is more.

    Args:
        counts: events from Monday to Sunday and from 0 to 23 o'clock, (7, 24).
        name: of the log, the title.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: the shape is another one.
    """
    counts = np.asarray(counts)
    fits = counts.shape == (len(DAYS), 24)
    require(fits, "`counts` must have the shape (7, 24)", shape=counts.shape)
    with styled(ax) as ax:
        ax.imshow(counts, cmap="Blues", vmin=0, aspect="auto", interpolation="none")
        ax.set_xticks(range(0, 24, 6))
        ax.set_yticks(range(len(DAYS)), DAYS)
        ax.grid(False)
        ax.set(xlabel="hour of the day", title=one_line(name))
    return ax


def behaviour_funnel(shares: Mapping[str, float], name: str = "", ax: Axes | None = None) -> Axes:
    """Frequency of each type of behaviour, one bar per type.

    Args:
        shares: by kind, its share, in the order to draw.
        name: of the log, the title.
        ax: where to draw; by default a new figure.

    Raises:
        ValueError: there is no kind.
    """
    shares = dict(shares)
    require(shares, "`shares` must hold at least one kind", shares=shares)
    with styled(ax) as ax:
        kinds = [one_line(kind, NAME_WIDTH) for kind in shares]
        named_bars(ax, kinds, list(shares.values()), "{:.1%}", COLOURS[0])
        ax.set_xlim(0, 1.25 * max(shares.values()))  # Room for the number behind the longest bar.
        ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= 1])
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set(xlabel="of the pairs of user and item", title=one_line(name))
    return ax
