"""Figures of explanations."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from recmodels import plots
from recmodels.plots.style import COLOURS


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


def test_a_strip_shows_the_sign_and_frames_removed_events(ax):
    plots.influence_strip(["tea", "cup", "pot"], [1.0, -2.0, 0.0], [False, True, False], "why?", ax)
    (image,) = ax.images
    assert image.get_array().tolist() == [[1, -2, 0]] and image.get_clim() == (-2, 2)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["tea", "cup", "pot"]
    assert [text.get_text() for text in ax.texts] == ["1", "-2", "0"]
    (frame,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert frame.get_x() + frame.get_width() / 2 == pytest.approx(1)


def test_a_strip_without_influence_is_white(ax):
    plots.influence_strip(["tea"] * 13, np.zeros(13), ax=ax)
    assert not ax.texts and ax.images[0].get_clim()[1] > 0


def test_items_that_leave_and_come_have_their_own_colours(ax):
    plots.counterfactual_pair(["a", "b"], ["b", "c"], ["tea"], ax)
    colours = {(t.get_text(), t.get_position()[0] > 0.5): to_rgba(t.get_color()) for t in ax.texts}
    assert colours["a", False] == to_rgba(COLOURS[1]) and colours["c", True] == to_rgba(COLOURS[0])
    assert colours["b", False] == colours["b", True]
    (line,) = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert line.get_ydata().tolist() == [1, 0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["all events", "without\ntea"]


def test_curves_are_means_within_their_intervals(ax):
    scores = np.linspace(1, 0, 11) + np.random.default_rng(0).normal(size=(30, 11))
    plots.deletion_curves({"one": scores, "_two": scores + 1}, ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), scores.mean(axis=0))
    assert ax.lines[0].get_xdata()[[0, -1]].tolist() == [0, 1]
    low, high = ax.collections[0].get_datalim(ax.transData).intervaly
    assert low < scores.mean(axis=0).min() and scores.mean(axis=0).max() < high < 2
    assert len(ax.get_legend().get_texts()) == 2


def test_dots_and_their_correlation(ax):
    plots.attention_against_influence([0.1, 0.2, 0.7], [-1.0, 3.0, 5.0], ax)
    assert ax.get_title() == "Spearman's correlation 1.00"
    assert ax.lines[-1].get_xydata().tolist() == [[0.1, -1], [0.2, 3], [0.7, 5]]


@pytest.mark.parametrize(
    ("draw", "arguments", "named"),
    [
        (plots.influence_strip, ([], []), "values"),
        (plots.influence_strip, (["a"], [1, 2]), "values"),
        (plots.influence_strip, (["a"], [1], [True, False]), "removed"),
        (plots.counterfactual_pair, (["a", "a"], ["b"], []), "before"),
        (plots.counterfactual_pair, (["a"], [], []), "after"),
        (plots.deletion_curves, ({},), "curves"),
        (plots.deletion_curves, ({"a": np.ones((2, 3)), "b": np.ones((2, 4))},), "curves"),
        (plots.attention_against_influence, ([1], [1]), "attention"),
    ],
)
def test_what_cannot_be_drawn(draw, arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        draw(*arguments)
