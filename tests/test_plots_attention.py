import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots
from recmodels.plots.style import COLOURS

WEIGHTS = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.2, 0.5, 0.3]])
NAMES = ["tent", "boots", "novel"]
WIDTHS = pd.DataFrame(
    {"with the scale": [3.0, 2.9], "without": [2.9, 0.4]}, index=pd.Index([1, 64], name="width d")
)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_map_names_both_sides_and_leaves_hidden_cells_empty(ax):
    assert plots.attention_map(WEIGHTS, NAMES, "one head", ax=ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written[1, 2] == "0.50"  # Column 1, row 2: the novel attends to the boots.
    assert len(written) == 6 and ax.get_title() == "one head"


def test_a_large_map_has_no_numbers(ax):
    plots.attention_map(np.eye(9), list("abcdefghi"), ax=ax)
    assert not ax.texts


def test_positions_are_counted_from_the_newest_at_the_bottom(ax):
    assert plots.position_map(np.arange(20.0).reshape(10, 2), ax=ax) is ax
    assert ax.get_yticks()[0] == 9 and ax.get_yticklabels()[0].get_text() == "0"
    assert ax.images[0].get_clim() == (-19, 19)  # White is zero.


def test_growth_has_a_line_a_column_over_powers_of_two(ax):
    assert plots.growth(WIDTHS, "entropy", logarithmic=True, ax=ax) is ax
    assert ax.get_xlabel() == "width d" and ax.get_xscale() == "log" == ax.get_yscale()
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 2.9], [64, 0.4]])


@pytest.mark.parametrize(
    "draw, arguments",
    [
        (plots.attention_map, (WEIGHTS, NAMES[:2])),
        (plots.position_map, (np.zeros((0, 4)),)),
        (plots.growth, (WIDTHS[:0], "entropy")),
    ],
)
def test_nothing_to_draw_is_refused(draw, arguments, ax):
    with pytest.raises(ValueError, match="^`.*Received"):
        draw(*arguments, ax=ax)


def test_panels_stand_in_one_row_and_have_the_colours_of_the_project():
    matplotlib.use("Agg")
    before = dict(matplotlib.rcParams)
    left, right = plots.panels(2, width=8, height=3)
    assert dict(matplotlib.rcParams) == before
    assert left.figure is right.figure and left.figure.axes == [left, right]
    assert left.figure.get_size_inches().tolist() == [8, 3]
    plots.growth(WIDTHS, "entropy", ax=right)
    assert [line.get_color() for line in right.lines] == list(COLOURS[:2])
    plt.close("all")
    with pytest.raises(ValueError, match="`count`.*Received"):
        plots.panels(0)


def test_products_of_positions_count_both_axes_from_the_newest(ax):
    plots.position_map(np.eye(10), products=True, ax=ax)
    labels = [[t.get_text() for t in axis.get_ticklabels()] for axis in (ax.xaxis, ax.yaxis)]
    assert labels[0] == labels[1] and labels[0][0] == "0"
    assert ax.get_xticks()[0] == 9 == ax.get_yticks()[0]
    assert ax.get_xlabel() == ax.get_ylabel() == "events before the newest"


def test_long_names_of_a_map_take_several_lines(ax):
    plots.attention_map(WEIGHTS, ["The Truth About Cats and Dogs", "b", "c"], ax=ax)
    assert ax.get_yticklabels()[0].get_text() == "The Truth About\nCats and Dogs"
