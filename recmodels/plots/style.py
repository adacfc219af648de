"""The style of all figures, and a font with Chinese characters."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any

import matplotlib
import matplotlib.text
import numpy as np
from matplotlib import cycler, font_manager
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogFormatter, ScalarFormatter

from recmodels.data.files import written_whole
from recmodels.data.text import TITLE_WIDTH, one_line

# Colours for all kinds of colour vision, also in print (Okabe and Ito, 2008), by contrast.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Lines differ by their dashes and points by their markers too, so that a grey print can be read.
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6E6E6E"
NAME_WIDTH = 50  # Characters of a title or name next to a bar or in a legend.

CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "SimHei", "Noto Sans CJK JP", "Arial Unicode MS",
)  # fmt: skip


@cache
def cjk_font() -> str | None:
    """Return the first installed font with Chinese characters, or None."""
    for look_again in (False, True):
        if look_again:
            _add_new_fonts()
        installed = {font.name for font in font_manager.fontManager.ttflist}
        font = next((name for name in CJK_FONTS if name in installed), None)
        if font:
            return font
    return None


def _add_new_fonts() -> None:
    """Tell matplotlib of fonts installed since it last listed them, which it does once for all."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        with suppress(RuntimeError, OSError):  # A file that only looks like a font.
            font_manager.fontManager.addfont(path)


@contextmanager
def styled(ax: Axes | None) -> Iterator[Axes]:
    """Draw in the project's look, on `ax` or on a new figure where it is None.

    A new figure belongs to pyplot, so that a notebook shows it without being asked. The settings
    of matplotlib are as before when the block ends.
    """
    fonts = ["DejaVu Sans"] + ([cjk_font()] if cjk_font() else [])
    look = {
        "font.family": fonts,
        "font.size": 10,
        "axes.titlesize": 11,
        "figure.dpi": 110,
        "legend.edgecolor": "none",  # White behind the words, no frame around them.
        "legend.framealpha": 0.9,
    }
    with matplotlib.rc_context(look):
        if ax is None:
            import matplotlib.pyplot as plt  # Chooses a backend: only once a figure is wanted.

            _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        before = {text: text.get_text() for text in ax.findobj(matplotlib.text.Text)}
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, color="#E4E4E4", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_prop_cycle(cycler(color=COLOURS) + cycler(linestyle=DASHES))
        yield ax
        texts = ax.findobj(matplotlib.text.Text)
        for text in texts:  # The labels of an axis that was there before have its font.
            text.set_fontfamily(fonts)
        _read_no_formulas(ax, [text for text in texts if text.get_text() != before.get(text)])
        if cjk_font() is None and any(_is_chinese(text.get_text()) for text in texts):
            _warn_of_missing_font()
        interactive = matplotlib.is_interactive()
    # A notebook becomes interactive when its first figure is made; the block above would undo
    # that, and no later figure would be shown.
    matplotlib.interactive(interactive)


def _read_no_formulas(ax: Axes, texts: list[matplotlib.text.Text]) -> None:
    """Show all texts as they are: titles from data may hold dollar signs or control characters.

    Numbers on an axis stay as matplotlib writes them: some are powers with exponents.
    """
    numbers = set()
    for axis in (ax.xaxis, ax.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FuncFormatter):  # What `set_xticks` makes of given labels.
            formatter.func = partial(_shown_label, formatter.func)
        elif isinstance(formatter, ScalarFormatter | LogFormatter):
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            numbers.update(label for tick in ticks for label in (tick.label1, tick.label2))
    for text in texts:
        if text not in numbers:
            text.set_parse_math(False)
            text.set_text(_shown_lines(text.get_text(), TITLE_WIDTH))


def _shown_label(label: Callable[[float, int], str], value: float, place: int) -> str:
    return _shown_lines(label(value, place), NAME_WIDTH)


def _shown_lines(text: object, width: int) -> str:
    return "\n".join(one_line(line, width) for line in str(text).split("\n"))


def named_bars(
    ax: Axes, names: Sequence[str], values: Sequence[float], form: str, colour: str
) -> None:
    """Draw one horizontal bar per name, the first on top, with its value written behind it."""
    places = range(len(names))
    bars = ax.barh(places, values, height=0.6, color=colour)
    ax.bar_label(bars, [form.format(value) for value in values], padding=4, color=GREY)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(False, axis="y")


def with_markers(lines: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield the name and the values of each line, and the marker of its points."""
    for number, (name, values) in enumerate(lines.items()):
        yield name, values, MARKERS[number % len(MARKERS)]


def axis_start(values: np.ndarray) -> float | None:
    """Return 0, or None (as near as the values allow) where zero would hide their differences.

    Zero is kept where the smallest value is at most half of the largest one.
    """
    return None if np.nanmin(values) > np.nanmax(values) / 2 else 0


def legend_label(name: object) -> str:
    """A name from data in a legend: one line, and not left out for beginning with `_`."""
    shown = one_line(name, NAME_WIDTH)
    return f" {shown}" if shown.startswith("_") else shown


def save(ax: Axes, path: str | os.PathLike) -> None:
    """Write the figure of `ax` as PNG; the file appears under its name once it is complete."""
    with written_whole(path) as unfinished:
        ax.figure.savefig(unfinished, format="png", dpi=150)


def _is_chinese(text: str) -> bool:
    return any("\u3000" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" for letter in text)


@cache
def _warn_of_missing_font() -> None:
    """Once a process: a figure in a loop should not repeat it."""
    warnings.warn(
        "No installed font can write Chinese; the figure shows boxes instead. Install one, for "
        "example with `sudo apt install fonts-noto-cjk`, and start Python again.",
        stacklevel=4,
    )
