"""Lines that a grey print tells apart, and axes that do not hide differences."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots
from recmodels.plots.style import COLOURS, DASHES, MARKERS, axis_start

NAMES = ("a", "b", "c", "d", "e", "f", "g")
TABLE = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in NAMES}, pd.Index([1, 2, 4], name="k"))
CURVE = pd.DataFrame({"epoch": [1, 2], "score": [0.1, 0.2]})
SLICES = pd.DataFrame({"users": [4], "mean": [0.2], "low": [0.1], "high": [0.3]}, ["1-5"])
DRAWINGS = {
    "best_of_many": TABLE,
    "concentration_curves": {name: np.arange(9) for name in NAMES},
    "gap_curves": {name: np.arange(9) for name in NAMES},
    "growth": TABLE,
    "hits_by_depth": {name: np.arange(1, 9) for name in NAMES},
    "learning_curves": dict.fromkeys(NAMES, CURVE),
    "length_curves": {name: np.arange(9) for name in NAMES},
    "metric_by_slice": dict.fromkeys(NAMES, SLICES),
    "option_curves": {name: TABLE[name] for name in NAMES},
    "p_values": {name: [0.2, 0.5] for name in NAMES},
    "response_curves": TABLE,
    "value_distribution": {name: np.arange(9) for name in NAMES},
}
LABELS = {"growth": ["bits"], "option_curves": ["decay"], "response_curves": ["share"]}


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


def grey_look(handle):
    """What is left of a line, an outline or points with intervals without colour."""
    line = handle[0] if isinstance(handle, tuple) else handle
    marker = line.get_marker() if hasattr(line, "get_marker") else None
    dash = getattr(line, "_unscaled_dash_pattern", None) or line.get_linestyle()
    return marker, dash


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_two_lines_of_a_figure_look_alike_in_grey(name, ax):
    getattr(plots, name)(DRAWINGS[name], *LABELS.get(name, []), ax=ax)
    handles, labels = ax.get_legend_handles_labels()
    looks = [grey_look(h) for h, label in zip(handles, labels, strict=True) if label in NAMES]
    assert len(looks) == len(set(map(str, looks))) == len(NAMES)


def test_there_is_a_dash_and_a_marker_for_each_colour():
    assert len(COLOURS) == len(set(map(str, DASHES))) == len(set(MARKERS))


def test_an_axis_begins_at_zero_unless_that_hides_the_differences():
    assert axis_start(np.array([0.1, 0.2])) == 0 == axis_start(np.array([0.0, 0.2]))
    assert axis_start(np.array([0.89, np.nan, 0.94])) is None


def test_small_differences_of_errors_are_detected(ax):
    errors = pd.DataFrame({"mean": [0.89, 0.94], "low": [0.88, 0.93], "high": [0.9, 0.95]})
    plots.model_comparison(errors, "RMSE", ceiling=0.87, ax=ax)
    left, right = ax.get_xlim()
    assert left > 0.85 and right < 1 and not ax.patches  # Bars would have to begin at zero.


def test_a_slow_fall_is_seen(ax):
    plots.option_curves({"stars": pd.Series({0: 4.3, 1: 4.0})}, "weight", ax=ax)
    assert ax.get_ylim()[0] > 3.8


def test_bars_begin_at_zero(ax):
    scores = pd.DataFrame({"mean": [0.02, 0.7], "low": [0.01, 0.6], "high": [0.03, 0.8]})
    plots.model_comparison(scores, ax=ax)
    assert ax.get_xlim()[0] == 0 and len(ax.patches) == 2


def test_slices_are_drawn_from_zero_only_where_that_hides_nothing(ax):
    near = {"a": SLICES, "b": SLICES.assign(mean=0.21)}
    plots.metric_by_slice(near, ax=ax)
    low, high = ax.get_ylim()
    assert 0 < low < 0.1 and high > 0.3  # The intervals are drawn whole.
