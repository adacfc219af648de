import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

RANKS = {"EASE": np.array([1, 3, 3, 40]), "Markov": np.array([2, 2, 9, 20])}
TABLE = pd.DataFrame(
    {"mean": [0.1, -0.2], "low": [0.05, -0.3], "high": [0.2, -0.15]}, index=[20, "all"]
)
DRAWINGS = {
    "hits_by_depth": (RANKS, {"top 10": 10}),
    "differences": (TABLE, "NDCG@10 of EASE above Markov", "negatives"),
    "p_values": ({"paired": [0.01, 0.5, 0.9]},),
}


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_given_with_labels_and_in_the_file(name, ax, tmp_path):
    assert getattr(plots, name)(*DRAWINGS[name], ax=ax) is ax
    assert ax.get_xlabel() and ax.get_ylabel()
    plots.save(ax, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_curve_counts_the_users_up_to_each_depth(ax):
    # Of four users one has rank 1, two more rank 3, the last 40, which is the deepest of all.
    plots.hits_by_depth(RANKS, ax=ax)
    assert ax.lines[0].get_xydata().tolist() == [[1, 0.25], [3, 0.75], [40, 1], [40, 1]]
    assert ax.lines[1].get_xydata()[-1].tolist() == [40, 1]


def test_unranked_targets_are_at_no_depth(ax):
    unranked = np.iinfo(np.int32).max
    plots.hits_by_depth({"EASE": np.array([2, unranked, 5, unranked])}, ax=ax)
    assert ax.lines[0].get_xydata().tolist() == [[2, 0.25], [5, 0.5], [5, 0.5]]


def test_marks_are_named(ax):
    plots.hits_by_depth(RANKS, {"top 10": 10}, ax=ax)
    assert ax.texts[0].get_text() == "top 10" and ax.texts[0].xy[0] == 10


def test_differences_stand_in_the_order_of_the_table_with_their_intervals(ax):
    plots.differences(TABLE, "difference", ax=ax)
    ends = ax.collections[0].get_segments()
    np.testing.assert_allclose([end[:, 0] for end in ends], [[0.05, 0.2], [-0.3, -0.15]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["20", "all"]
    assert ax.get_ylim() == (1.5, -0.5)  # The first row is on top.


def test_p_values_rise_from_nothing_to_all(ax):
    plots.p_values({"paired": [0.5, 0.1, 0.5, 0.2]}, ax=ax)
    expected = [[0, 0], [0.1, 0.25], [0.2, 0.5], [0.5, 1], [1, 1]]
    np.testing.assert_allclose(ax.lines[1].get_xydata(), expected)


@pytest.mark.parametrize(
    "draw, arguments",
    [
        (plots.hits_by_depth, ({},)),
        (plots.hits_by_depth, ({"EASE": np.array([])},)),
        (plots.differences, (TABLE[:0], "difference")),
        (plots.p_values, ({},)),
        (plots.p_values, ({"paired": []},)),
    ],
)
def test_nothing_to_draw_is_refused(draw, arguments, ax):
    with pytest.raises(ValueError, match="^`.*Received"):
        draw(*arguments, ax=ax)
